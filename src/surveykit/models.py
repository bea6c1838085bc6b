"""The shape of every fact in the catalog: frozen pydantic models, no input or output.

The docstring under each field is the documentation of the format: `catalog/schema.json`
and `docs/format.md` are generated from it.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from surveykit.net.hosts import fault

# Characters that change what a reader sees without being seen: bidirectional controls, zero-width
# characters and fillers, the byte order mark, the replacement character, signs for private use.
INVISIBLE = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ue000-\uf8ff\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff9-\uffff\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
_UNSAFE = re.compile(r"[^!-~]|[\"<>^`{|}]")
_ENCODE = "percent-encode characters that are not allowed in an address"
_OTHER_SPACE = re.compile(r"[^\S ]")  # no-break, thin, ideographic …

TODO, TODO_TERM, TODO_URL = "TODO", "todo", "https://example.org/todo"
"""Marks of what a person still has to give, as text, as term or venue, and as address."""


def is_mark(value: object) -> bool:
    """Whether a value stands for one that a person still has to give."""
    return value in (TODO, TODO_TERM, TODO_URL) or (
        isinstance(value, str) and value.startswith(f"{TODO}:")
    )


def plain(text: str) -> str:
    """The text, where it is shown as it stands. Raises PydanticCustomError for one that hides something."""
    if found := INVISIBLE.search(text):
        raise PydanticCustomError(
            "invisible_character",
            "invisible or control character U+{code}; delete it",
            {"code": f"{ord(found[0]):04X}"},
        )
    if found := _OTHER_SPACE.search(text):
        raise PydanticCustomError(
            "other_space",
            "space U+{code} in {value}; write a plain space",
            {"code": f"{ord(found[0]):04X}", "value": repr(text)},
        )
    if text != text.strip() or "  " in text:
        raise PydanticCustomError(
            "stray_space", "stray space in {value}; remove it", {"value": repr(text)}
        )
    if text != unicodedata.normalize("NFC", text):
        raise PydanticCustomError(
            "not_normalized",
            "{value} holds decomposed accents; write it in Unicode form NFC",
            {"value": repr(text)},
        )
    return text


def _url(text: str) -> str:
    found = fault(text)
    words = found.words if found else _ENCODE * bool(_UNSAFE.search(text))
    if words:
        shown = repr(text if len(text) <= 120 else f"{text[:120]}…")
        raise PydanticCustomError(
            "bad_url", "bad address {value}: {fault}", {"value": shown, "fault": words}
        )
    return text


def _source(text: str) -> str:
    """The text, when the addresses in it are such that may be followed."""
    for word in text.split():
        if word.lower().startswith(("http://", "https://")):
            _url(word.rstrip(".,;"))
    return text


def _day(value: Any) -> Any:
    if isinstance(value, date):
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError(
        "bad_day",
        "{value} is not a day; write it as '2026-11-20'",
        {"value": repr(value)},
    )


def _orcid(text: str) -> str:
    digits = text.replace("-", "")
    total = 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    if digits[-1] != ("X" if check == 10 else str(check)):
        raise PydanticCustomError(
            "orcid_checksum",
            "ORCID {value} has a wrong check digit; copy it again",
            {"value": repr(text)},
        )
    return text


PlainText = Annotated[str, StringConstraints(min_length=1), AfterValidator(plain)]
Url = Annotated[
    PlainText,
    AfterValidator(_url),
    WithJsonSchema({"type": "string", "pattern": "^https?://[!-~]+$"}),
]
Source = Annotated[PlainText, AfterValidator(_source)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
# A method is a Python package, whose name cannot hold a hyphen.
MethodId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
PaperId = Annotated[str, StringConstraints(pattern=r"^[a-z]+[0-9]{4}[a-z0-9]+$")]
ArxivId = Annotated[
    str,
    StringConstraints(
        pattern=r"^([0-9]{2}(0[1-9]|1[0-2])\.[0-9]{4,5}|[a-z-]+(\.[A-Z]{2})?/[0-9]{7})$"
    ),
]
ArxivClass = Annotated[
    str, StringConstraints(pattern=r"^[a-z]+(-[a-z]+)*(\.[A-Za-z]+(-[a-z]+)*)?$")
]
# With `<` and `>`, which stand in the DOIs that were made of SICI codes.
Doi = Annotated[str, StringConstraints(pattern=r"^10\.[0-9]{4,9}/[!#-\[\]_a-z]+$")]
OpenReviewId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{6,40}$")]
AclId = Annotated[
    str,
    StringConstraints(
        pattern=r"^([0-9]{4}\.[a-z0-9]+-[a-z0-9]+\.[0-9]+|[A-Z][0-9]{2}-[0-9]{4})$"
    ),
]
Orcid = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{3}[0-9X]$"),
    AfterValidator(_orcid),
]
Pages = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z]?[0-9:.]+(-[A-Za-z]?[0-9:.]+)?$")
]
PictureFile = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]+([._-][a-z0-9]+)*\.(svg|png|webp)$")
]
# Shown between backticks.
Command = Annotated[PlainText, StringConstraints(pattern=r"^[^`]+$")]
Unit = Annotated[str, StringConstraints(pattern=r"^.{0,12}$"), AfterValidator(plain)]
Volume = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,12}$")]
# Strict: pydantic would read '012' as 12 and a number as seconds since 1970.
Year = Annotated[int, Field(strict=True, ge=1950, le=2100)]
Month = Annotated[int, Field(strict=True, ge=1, le=12)]
Day = Annotated[date, BeforeValidator(_day)]


def _pattern(form: Any) -> str:
    return next(
        str(part.pattern)
        for part in form.__metadata__
        if isinstance(part, StringConstraints) and part.pattern
    )


FORMS = {
    _pattern(Slug): "lower-case letters, digits and single hyphens",
    _pattern(MethodId): "lower-case letters, digits and single underscores",
    _pattern(PaperId): "ASCII name, year and word, like `feng2023detecting`",
    _pattern(ArxivId): "arXiv id without address and version, like `'2303.15180'`",
    _pattern(ArxivClass): "primary class at arXiv, like `cs.CV`",
    _pattern(Doi): "DOI without `https://doi.org/`, like `10.1145/3503161.3547801`",
    _pattern(OpenReviewId): "OpenReview forum id, like `iC4UHbQ01Mp`",
    _pattern(AclId): "ACL Anthology id, like `2020.acl-main.249`",
    _pattern(Orcid): "four groups of four digits, like `0000-0002-1825-0097`",
    _pattern(Pages): "first and last page, like `12-25`, or an article number",
    _pattern(PictureFile): "a file beside the card: `results.svg`, `triggers.png`",
    _pattern(Command): "a command without backticks; `$(…)` does the same",
    _pattern(Unit): "at most 12 characters, like `%`",
    _pattern(Volume): "at most 12 letters, digits, dots and hyphens",
}
"""Pattern of a type -> what to write, in words."""


def is_id(text: str) -> bool:
    """Whether a text has the form of an entry's id."""
    return re.fullmatch(_pattern(PaperId), text) is not None


class Model(BaseModel):
    """What all models share: frozen, no unknown keys, docstrings become descriptions."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True
    )


class Bilingual(Model):
    """One text in both languages; neither may be missing."""

    en: PlainText
    """English text."""
    zh: PlainText
    """Chinese text."""

    def in_(self, lang: str) -> str:
        """Text in `lang`, which is `en` or `zh`."""
        return self.zh if lang == "zh" else self.en


class Author(Model):
    """One author. A plain string `Given Family` is read with its last word as family name."""

    given: PlainText | None = None
    """Given names as printed, for example `Ricardo J.`."""
    particle: PlainText | None = None
    """Words before the family name that do not sort, for example `van der`."""
    family: PlainText | None = None
    """Family name, for example `Rodríguez`."""
    suffix: PlainText | None = None
    """`Jr.`, `III`."""
    literal: PlainText | None = None
    """A group or a company, kept as one piece; then no other name part is given."""
    han: PlainText | None = None
    """The name in Chinese characters, family name first, for example `冯世伟`."""
    orcid: Orcid | None = None
    """ORCID iD without `https://orcid.org/`; its check digit is verified."""

    @model_validator(mode="before")
    @classmethod
    def _from_string(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        given, _, family = plain(value).rpartition(" ")
        if not given:
            raise PydanticCustomError(
                "one_word_author",
                "author {value} is one word; write {literal: …} for a group "
                "or {family: …} for a person",
                {"value": repr(value)},
            )
        return {"given": given, "family": family}

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        parts = (self.given, self.particle, self.family, self.suffix)
        if (self.literal is None) == (self.family is None) or (
            self.literal and any(parts)
        ):
            raise PydanticCustomError(
                "author_form", "an author needs either `family` or `literal`, not both"
            )
        return self

    @property
    def name(self) -> str:
        """Name as printed, given name first."""
        parts = (self.given, self.particle, self.family, self.suffix)
        return self.literal or " ".join(part for part in parts if part)

    @property
    def last(self) -> str:
        """The part people cite by: family name with its particle, or the group."""
        return self.literal or " ".join(
            part for part in (self.particle, self.family) if part
        )


class Identifiers(Model):
    """Names by which other services know the paper."""

    arxiv: ArxivId | None = None
    """arXiv id without version, for example `'2303.15180'`; quote it."""
    doi: Doi | None = None
    """DOI of the published version, without `https://doi.org/`."""
    openreview: OpenReviewId | None = None
    """OpenReview forum id."""
    acl: AclId | None = None
    """ACL Anthology id, for example `2020.acl-main.249`."""


class Links(Model):
    """Addresses that a reader may follow."""

    paper: Url
    """Page of the published version, or of the preprint where there is no other."""
    pdf: Url | None = None
    """The paper itself, free to read."""
    code: Url | None = None
    """The authors' program."""
    project: Url | None = None
    """Project page."""
    slides: Url | None = None
    """Slides."""
    video: Url | None = None
    """Talk."""


class Summary(Model):
    """One sentence that says what the paper does, in both languages, and what it rests on."""

    en: PlainText
    """One English sentence."""
    zh: PlainText
    """The same statement in Chinese."""
    basis: Literal["abstract", "paper"]
    """What the sentence was checked against: the abstract or the whole paper."""
    source: Source
    """Where that was read: `arXiv:2303.15180`, `doi:10.1145/…` or an address."""

    def in_(self, lang: str) -> str:
        """Sentence in `lang`, which is `en` or `zh`."""
        return self.zh if lang == "zh" else self.en


RelationType = Literal["extends", "attacks", "defends-against", "detects", "evaluates"]


class Relation(Model):
    """A directed, typed link from this paper to another one of the catalog."""

    type: RelationType
    """What this paper does to the other one."""
    to: PaperId
    """Id of the other paper."""
    why: Bilingual
    """The reason in a few words."""
    basis: Literal["abstract", "paper", "code", "title"]
    """What the relation was read from; `title` means the title and the checked summary imply it."""
    source: Source
    """Where that can be read: `arXiv:2303.15180`, `doi:10.1145/…` or an address."""


class Verification(Model):
    """When the facts of an entry were last compared with the outside, and with what."""

    date: Day
    """Day of the comparison, `2026-11-20`."""
    by: Annotated[tuple[Source, ...], Field(min_length=1)]
    """The sources compared: identifiers, addresses, repositories."""
    doubt: Bilingual | None = None
    """What could not be confirmed; absent when every fact was."""


class Paper(Model):
    """One paper: `catalog/papers/<year>/<id>.yaml`."""

    id: PaperId
    """First author's family name, year, first significant word of the title, in ASCII lower case; also the file name and the BibTeX key."""
    title: Bilingual
    """Title as printed, without a final full stop, and in Chinese."""
    authors: Annotated[tuple[Author, ...], Field(min_length=1)]
    """All authors in printed order: `Given Family`, or the parts where that would mislead."""
    venue: PlainText
    """Id of a venue in `catalog/venues.yaml`; `arxiv` while there is no other."""
    track: Literal["main", "findings", "workshop"] = "main"
    """Part of the venue in which the paper appeared."""
    workshop: PlainText | None = None
    """Name of the workshop, where the track is `workshop` and the name is known."""
    year: Year
    """Year of the proceedings or the issue; of the first version for a preprint."""
    month: Month | None = None
    """Month of publication, 1 to 12."""
    volume: Volume | None = None
    """Volume of the journal."""
    number: Volume | None = None
    """Issue of the journal."""
    pages: Pages | None = None
    """First and last page with one hyphen, or an article number."""
    identifiers: Identifiers = Identifiers()
    """arXiv id, DOI and others."""
    arxiv_class: ArxivClass | None = None
    """Primary class at arXiv, for example `cs.CV`; `surveykit add` fills it in."""
    links: Links
    """Where to read it and where its program is."""
    terms: dict[Slug, tuple[Slug, ...]]
    """For each axis of `catalog/taxonomy.yaml` the terms that hold, the main one first."""
    tldr: Summary | None = None
    """One sentence in both languages; left out until somebody has read the abstract."""
    notes: Bilingual | None = None
    """What a reader should know beside the facts."""
    relations: tuple[Relation, ...] = ()
    """Typed links to other papers of the catalog."""
    implementations: tuple[MethodId, ...] = ()
    """Ids of the methods under `reference_impls/` that run this paper's idea."""
    corrections: tuple[Bilingual, ...] = ()
    """What earlier lists had wrong about this paper, and what is right."""
    former_ids: tuple[PaperId, ...] = ()
    """Ids that the entry had before; their addresses lead here."""
    added: Day
    """Day the entry came into the catalog."""
    verified: Verification | None = None
    """The last comparison with the outside; absent until there was one."""


class Aliases(Model):
    """Other words for a term, for search and for suggestions."""

    en: tuple[PlainText, ...] = ()
    """English words."""
    zh: tuple[PlainText, ...] = ()
    """Chinese words."""


class Term(Model):
    """One value of an axis."""

    id: Slug
    """Id used in the entries."""
    label: Bilingual
    """Name shown to readers."""
    definition: Bilingual
    """One sentence that says what belongs here."""
    aliases: Aliases = Aliases()
    """Other words for it."""
    parent: Slug | None = None
    """The wider term of the same axis; a parent stands before its children."""
    applies_to: dict[Slug, tuple[Slug, ...]] = {}
    """For a group of techniques: the threats and roles under which it is shown."""


class Axis(Model):
    """One question that every paper answers."""

    id: Slug
    """Id used as key under `terms` in the entries."""
    label: Bilingual
    """Name shown to readers."""
    question: Bilingual
    """The question that the terms answer."""
    note: Bilingual | None = None
    """How the axis is to be used."""
    min_terms: Annotated[int, Field(strict=True, ge=0)] = 1
    """Fewest terms a paper carries."""
    max_terms: Annotated[int, Field(strict=True, ge=1)] = 1
    """Most terms a paper carries."""
    leaves_only: bool = False
    """Whether only terms without children may be assigned."""
    only_for_roles: tuple[Slug, ...] = ()
    """Terms of the axis `role` to which the axis applies; empty means all."""
    terms: tuple[Term, ...]
    """The values, in the order in which they are shown."""


class RelationKind(Model):
    """How one relation type is called from both ends."""

    id: RelationType
    """Id used in the entries."""
    label: Bilingual
    """Read from the paper that carries the relation: "detects"."""
    inverse: Bilingual
    """Read from the other paper: "detected by"."""
    definition: Bilingual
    """When the relation holds."""


class Taxonomy(Model):
    """`catalog/taxonomy.yaml`: the axes and the relation types."""

    axes: tuple[Axis, ...]
    """The axes, in the order in which they are shown."""
    relations: tuple[RelationKind, ...]
    """The relation types."""


class Venue(Model):
    """One conference, journal or preprint server of `catalog/venues.yaml`."""

    id: Slug
    """Id used in the entries."""
    name: PlainText
    """Short name that people use, for example `IEEE S&P`."""
    full: Bilingual
    """Full name, without year and without "Proceedings of"."""
    kind: Literal["conference", "journal", "preprint"]
    """Decides the BibTeX entry type and the GB/T 7714 document type."""
    book: PlainText | None = None
    """Title of the proceedings where it is not "Proceedings of the <full name>"."""
    findings: PlainText | None = None
    """Title of the Findings volume, where there is that track."""
    workshops: PlainText | None = None
    """Title of the workshop proceedings, where there is that track."""
    publisher: PlainText | None = None
    """Publisher of the proceedings or the journal."""
    aliases: tuple[PlainText, ...] = ()
    """Other names in use; all of them are understood in suggestions."""
    held: Literal["yearly", "odd", "even"] | None = None
    """Years in which a conference takes place, where that is regular."""
    since: Year | None = None
    """First year."""


class Person(Model):
    """Somebody who keeps the survey."""

    name: PlainText
    """Name as it should be cited."""
    orcid: Orcid | None = None
    """ORCID iD."""
    url: Url | None = None
    """Home page."""


class Survey(Model):
    """`catalog/survey.yaml`: what the survey says about itself."""

    title: Bilingual
    """Title of the survey."""
    short_title: Bilingual
    """Title for the page header."""
    tagline: Bilingual
    """What it is, in one sentence."""
    introduction: tuple[Bilingual, ...]
    """Paragraphs of the introduction."""
    year: Year
    """First year, for citations."""
    maintainers: tuple[Person, ...]
    """Who keeps it."""
    repository: Url
    """Address of the repository."""
    site: Url
    """Address of the website, with a final slash."""


class Picture(Model):
    """A picture that a method's command drew."""

    file: PictureFile
    """Name of the file beside the card: `results.svg`."""
    file_zh: PictureFile | None = None
    """The same picture with Chinese words, if there are words in it: `results.zh.svg`."""
    alt: Bilingual
    """What it shows, for who cannot see it."""
    caption: Bilingual | None = None
    """What to notice in it."""

    def file_in(self, lang: str) -> str:
        """Name of the file whose words are in `lang`, as far as there is one."""
        return self.file_zh if lang == "zh" and self.file_zh else self.file


class Difference(Model):
    """One point where the method here is not the paper's or the authors' program."""

    here: Bilingual
    """What is done here."""
    paper: Bilingual
    """What the paper or the authors' program does."""
    effect: Bilingual
    """Which figure it changes, and by how much."""


class Card(Model):
    """`reference_impls/<id>/card.yaml`: what the survey knows of a runnable method."""

    id: MethodId
    """Name of the folder."""
    name: PlainText
    """Name of the method."""
    question: Bilingual
    """The question it answers."""
    summary: Bilingual
    """How it answers it, in one sentence."""
    does: Bilingual
    """What it does, to follow "because it": `inverts triggers in image encoders`, `反演图像编码器中的触发器`."""
    command: Command
    """One line that runs it as it stands, from the root of the repository."""
    papers: Annotated[tuple[PaperId, ...], Field(min_length=1)]
    """Entries that it runs, the main one first; threat, role and modality of the method are those of the main one."""
    techniques: Annotated[tuple[Slug, ...], Field(min_length=1)]
    """Terms of the axis `technique` whose papers it may be offered to as the closest method that runs."""
    pictures: tuple[Picture, ...] = ()
    """What its command drew, the most telling one first."""
    differs: tuple[Difference, ...] = ()
    """What differs from the paper, the weightiest point first."""
    limits: tuple[Bilingual, ...] = ()
    """What it cannot do and what its figures do not show."""
