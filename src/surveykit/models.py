"""The shape of every fact in the catalog: frozen pydantic models, no input or output.

The docstring under each field is the documentation of the format: `catalog/schema.json`
and `docs/format.md` are generated from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from surveykit.scalars import (
    AclId,
    ArxivClass,
    ArxivId,
    Day,
    Doi,
    MethodId,
    Month,
    OpenReviewId,
    Orcid,
    Pages,
    PaperId,
    PlainText,
    Slug,
    Source,
    Url,
    Volume,
    Year,
    plain,
)


class Model(BaseModel):
    """What all models share: frozen, no unknown keys, docstrings become descriptions."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True
    )


class InLanguages(Model):
    """A text in both languages; in a survey with English alone, which the context says, that is enough."""

    @model_validator(mode="before")
    @classmethod
    def _one_language(cls, value: Any, info: ValidationInfo) -> Any:
        alone = info.context and info.context["languages"] == ("en",)
        if alone and isinstance(value, dict) and "en" in value:
            return {"zh": value["en"]} | value
        return value


class Bilingual(InLanguages):
    """One text in both languages; neither may be missing."""

    en: PlainText
    """English text."""
    zh: PlainText
    """Chinese text."""

    def in_(self, lang: str) -> str:
        """Text in `lang`, which is `en` or `zh`."""
        return self.zh if lang == "zh" else self.en

    def written(self, languages: Iterable[str]) -> dict[str, str]:
        """The text as the entries of a survey in these languages have it."""
        return {lang: self.in_(lang) for lang in languages}


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
        return self.literal or " ".join(filter(None, parts))

    @property
    def last(self) -> str:
        """The part people cite by: family name with its particle, or the group."""
        return self.literal or " ".join(filter(None, (self.particle, self.family)))

    @property
    def written(self) -> str | dict[str, str]:
        """As a person would type it: a plain string where that is read the same, else the parts."""
        parts = self.model_dump(exclude_none=True)
        short = parts.keys() == {"given", "family"}
        return (
            self.name if short and Author.model_validate(self.name) == self else parts
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


class Summary(InLanguages):
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


RelationType = Literal[
    "extends", "attacks", "defends-against", "detects", "evaluates", "compares-with"
]


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


class Claim(Model):
    """One headline figure as the paper states it; nothing in it is computed or measured here."""

    encoder: PlainText | None = None
    """Model of the experiment, where the figure is stated with one: `ResNet-50`."""
    dataset: PlainText | None = None
    """Dataset, where the figure is stated with one: `ImageNet`."""
    budget: PlainText | None = None
    """What the experiment may spend: `8/255`, `0.01 % of the samples`."""
    metric: PlainText
    """What is counted: `error rate`."""
    value: PlainText
    """The figure in the paper's own precision, with what it is compared to: `from 94.6 % to 0.04 %`."""
    source: Source
    """Where it is stated, with the place inside: `arXiv:2303.15180, abstract`."""


class Verification(Model):
    """When the facts of an entry were last compared with the outside, and with what."""

    date: Day
    """Day of the comparison, `2026-11-20`."""
    by: Annotated[tuple[Source, ...], Field(min_length=1)]
    """The sources compared: identifiers, addresses, repositories."""
    doubt: Bilingual | None = None
    """What could not be confirmed; absent when every fact was."""


class Event(Model):
    """Something that happened to a paper or to its entry after it had come into the catalog."""

    kind: Literal["published", "corrected", "retracted", "link-repaired"]
    """What happened: a preprint got a venue, a fact was corrected, the paper was retracted, a link was repaired."""
    date: Day
    """Day on which the entry was changed, `2026-11-20`."""
    note: Bilingual
    """What changed, in a few words."""


class Paper(Model):
    """One paper: `catalog/papers/<year>/<id>.yaml`."""

    id: PaperId
    """First author's family name, year, first significant word of the title, in ASCII lower case; also the file name and the BibTeX key."""
    title: Bilingual
    """Title as printed, without a final full stop, and in Chinese."""
    aka: tuple[PlainText, ...] = ()
    """Short names of what the paper brings, as it prints them: its method, dataset or benchmark, for example `OysterNet` or `Cap-3`; the main one first. Not the model it works on, and nothing where it names nothing."""
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
    claims: tuple[Claim, ...] = ()
    """Headline figures that the paper states."""
    implementations: tuple[MethodId, ...] = ()
    """Ids of the methods under `reference_impls/` that run this paper's idea."""
    corrections: tuple[Bilingual, ...] = ()
    """What earlier lists had wrong about this paper, and what is right."""
    history: tuple[Event, ...] = ()
    """What readers should hear of since the entry came: shown under "What's new" and in the feeds."""
    former_ids: tuple[PaperId, ...] = ()
    """Ids that the entry had before; their addresses lead here."""
    added: Day
    """Day the entry came into the catalog."""
    verified: Verification | None = None
    """The last comparison with the outside; absent until there was one."""
