"""Rules about the texts of the survey: what they cite, both languages, places, lengths, links."""

from __future__ import annotations

from collections.abc import Iterator

from surveykit.catalog import Catalog
from surveykit.errors import Loc
from surveykit.net.hosts import fault
from surveykit.prose import Prose, Spot, read_prose
from surveykit.rules.rule import Finding, Rule
from surveykit.text.did_you_mean import did_you_mean
from surveykit.texts import LANGS, Text

GLOSSARY = "catalog/glossary.yaml"
PAGES = ("paths", "milestones", "datasets", "open", "glossary", "methodology")
"""Computed pages that a text of kind `page` may stand on; its name is that of the page."""
_PLACES = {
    "",
    "start/",
    *(f"{page}/" for page in PAGES),
    *(
        "papers/ terms/ methods/ venues/ years/ lifecycle/ matrix/ about/ authors/ leaderboards/ new/".split()
    ),
}
_WORDS = {
    "start": (400, 1700),
    "primer": (60, 280),
    "essay": (500, 1300),
    "technique": (100, 400),
    "path": (60, 600),
    "page": (40, 1500),
}
"""Kind -> fewest and most English words."""
ZH = 1.8
"""Chinese characters that say what one English word says, about."""
SECTION = 420
"""Most English words below one heading."""
BARE = 20
"""English words from which on a paragraph is expected to cite something."""


def _texts(catalog: Catalog) -> Iterator[tuple[Text, Prose]]:
    for versions in catalog.texts.values():
        for text in versions.values():
            yield text, read_prose(text.body)


def _at(text: Text, spot: Spot, message: str) -> Finding:
    loc: Loc = ("body", spot.line, spot.column)
    return Finding(text.path, loc, message)


def _scaled(text: Text, words: int) -> int:
    return round(words * ZH) if text.lang == "zh" else words


def _unknown(catalog: Catalog, id_: str) -> str:
    hint = did_you_mean(id_, {one: one for one in catalog.paths}, misspelled=True)
    return f"no entry {id_!r}{hint or '; add it first, or delete the citation'}"


def unknown_paper(catalog: Catalog) -> Iterator[Finding]:
    """Citations and milestones that are no entries."""
    for text, prose in _texts(catalog):
        for spot in prose.cites:
            if spot.what not in catalog.paths:
                yield _at(text, spot, _unknown(catalog, spot.what))
        for index, id_ in enumerate(text.head.milestones):
            if id_ not in prose.cited:
                said = f"milestone {id_!r} is not cited in the text; cite it or delete it here"
                yield Finding(text.path, ("milestones", index), said)
    for place, word in enumerate(catalog.glossary):
        for index, id_ in enumerate(word.papers):
            if id_ not in catalog.paths:
                loc = (place, "papers", index)
                yield Finding(GLOSSARY, loc, _unknown(catalog, id_))


def one_language(catalog: Catalog) -> Iterator[Finding]:
    """Texts without the other language."""
    for id_, versions in catalog.texts.items():
        for other in set(catalog.kit.languages) - set(versions):
            message = f"catalog/text/{other}/{id_}.md is missing or cannot be read; write it, too"
            for text in versions.values():
                yield Finding(text.path, ("title",), message)


def differing(catalog: Catalog) -> Iterator[Finding]:
    """Two languages that do not say the same in front matter and citations."""
    for versions in catalog.texts.values():
        if set(versions) != set(LANGS):
            continue
        en, zh = (versions[lang] for lang in LANGS)
        for key in ("kind", "of", "order", "milestones"):
            if getattr(en.head, key) != getattr(zh.head, key):
                message = f"`{key}` differs from that of {en.path}; make them equal"
                yield Finding(zh.path, (key,), message)
        for text, other in ((en, zh), (zh, en)):
            there = set(read_prose(other.body).cited)
            for spot in read_prose(text.body).cites:
                if spot.what not in there:
                    message = f"{other.path} does not cite {spot.what!r}; both languages cite the same papers"
                    yield _at(text, spot, message)


def misplaced(catalog: Catalog) -> Iterator[Finding]:
    """Texts about terms that do not exist, or that have a text of the kind already."""
    taken: dict[tuple[str, str | None], str] = {}
    for id_, versions in catalog.texts.items():
        for text in versions.values():
            loc, said = _misplaced(catalog, text)
            if said:
                yield Finding(text.path, (loc,), said)
            key = (text.head.kind, text.head.of)
            unique = text.head.kind not in ("path", "page")
            if unique and taken.setdefault(key, id_) != id_:
                said = f"{taken[key]!r} is a text of this kind for the same place; merge them"
                yield Finding(text.path, ("kind",), said)


def _misplaced(catalog: Catalog, text: Text) -> tuple[str, str]:
    """The key that is wrong, and what is wrong with it; two empty texts where nothing is."""
    head = text.head
    if head.kind == "page" and text.id not in PAGES:
        return "kind", f"{text.id!r} is no page; the pages are {', '.join(PAGES)}"
    axis = catalog.axis_of(head.kind)
    if axis is None:
        said = f"a text of kind `{head.kind}` is about no term; delete the key"
        return ("of", said) if head.of else ("", "")
    if head.of is None:
        return "kind", f"a text of kind `{head.kind}` needs `of:`, a {axis}"
    if (axis, head.of) in catalog.terms:
        return "", ""
    known = {term: term for a, term in catalog.terms if a == axis}
    hint = did_you_mean(head.of, known) or "; catalog/taxonomy.yaml lists them"
    return "of", f"no {axis} {head.of!r}{hint}"


def bad_target(catalog: Catalog) -> Iterator[Finding]:
    """Links and pictures that lead nowhere, or where no text may lead."""
    for text, prose in _texts(catalog):
        for spot in prose.links:
            if said := _bad_link(catalog, prose, spot.what):
                yield _at(text, spot, said)
        for spot in prose.pictures:
            if said := _bad_picture(catalog, spot.what):
                yield _at(text, spot, said)
    known = {word.id for word in catalog.glossary}
    for place, word in enumerate(catalog.glossary):
        for index, id_ in enumerate(word.see):
            if id_ not in known:
                hint = did_you_mean(id_, {one: one for one in known})
                loc = (place, "see", index)
                yield Finding(GLOSSARY, loc, f"no word {id_!r}{hint}")


def _bad_link(catalog: Catalog, prose: Prose, href: str) -> str:
    if href.startswith("#"):
        known = {section.anchor for section in prose.sections}
        return "" if href[1:] in known else f"no heading {href!r} in this text"
    if href.startswith("page:"):
        place = href.removeprefix("page:").partition("#")[0].partition("?")[0]
        return "" if is_page(catalog, place) else f"no page {place!r} on the site"
    if found := fault(href):
        return f"{href[:80]!r}: {found.words}; pages of the site are `page:papers/`"
    return ""


def is_page(catalog: Catalog, place: str) -> bool:
    """Whether the site has a page at `papers/x2024word/`, `terms/topic/boletes/` and the like."""
    match place.split("/"):
        case ["papers", id_, ""]:
            return id_ in catalog.by_id
        case ["methods", id_, ""]:
            return id_ in catalog.cards
        case ["terms", axis, ""]:
            return axis in catalog.axes
        case ["terms", axis, term, ""]:
            return (axis, term) in catalog.terms
        case ["years", year, ""]:
            return year.isdecimal() and int(year) in catalog.years
        case ["venues", id_, ""]:
            return id_ in catalog.by_venue
    return place in _PLACES


def _bad_picture(catalog: Catalog, source: str) -> str:
    kind, _, rest = source.partition(":")
    method, _, name = rest.partition("/")
    form = "write `method:<id>/<picture>` or `measured:<id>/<number of figures>`"
    if kind not in ("method", "measured"):
        return f"{source[:80]!r} is no picture of a method; {form}"
    card = catalog.cards.get(method)
    if card is None:
        hint = did_you_mean(method, {id_: id_ for id_ in catalog.cards})
        return f"no method {method[:40]!r}{hint or f'; {form}'}"
    if kind == "measured":
        return "" if name in ("1", "2", "3", "4") else f"{name[:20]!r} is not 1 to 4"
    names = [picture.file for picture in card.pictures]
    known = ", ".join(names) or "none"
    return "" if name in names else f"{method} has no picture {name[:40]!r}: {known}"


def foreign(catalog: Catalog) -> Iterator[Finding]:
    """Markdown that the pages do not show."""
    for text, prose in _texts(catalog):
        for spot in prose.foreign:
            said = "; write paragraphs, `##` and `###` headings, lists, tables"
            yield _at(text, spot, f"{spot.what} has no place here{said}")


def without_citation(catalog: Catalog) -> Iterator[Finding]:
    """Longer paragraphs without a citation."""
    for text, prose in _texts(catalog):
        if text.head.kind in ("path", "page"):
            continue
        for spot in prose.bare:
            if spot.words > _scaled(text, BARE):
                message = "a paragraph without a citation; cite what carries it, or end it with {own} if it names no paper"
                yield _at(text, spot, message)


def length(catalog: Catalog) -> Iterator[Finding]:
    """Texts and sections that are too short or too long."""
    for text, prose in _texts(catalog):
        least, most = (_scaled(text, n) for n in _WORDS[text.head.kind])
        unit = "characters" if text.lang == "zh" else "words"
        if not least <= prose.words <= most:
            message = f"{prose.words} {unit}; a text of kind `{text.head.kind}` has {least} to {most}"
            yield Finding(text.path, ("kind",), message)
        for section in prose.sections:
            if section.words > _scaled(text, SECTION):
                spot = Spot(section.text, section.line)
                message = f"{section.words} {unit} below this heading; divide it above {_scaled(text, SECTION)}"
                yield _at(text, spot, message)


def repeated_word(catalog: Catalog) -> Iterator[Finding]:
    """Words of the glossary that stand there twice."""
    seen: dict[str, int] = {}
    for place, word in enumerate(catalog.glossary):
        keys = {word.id, word.term.en.casefold(), word.term.zh}
        for key in sorted(keys & set(seen)):
            yield Finding(
                GLOSSARY, (place, "term"), f"{key!r} stands here twice; merge them"
            )
        seen |= dict.fromkeys(keys, place)


RULES = (
    Rule(
        "SK380",
        "a text begins with front matter",
        "Title, lead and kind stand in YAML between two lines `---` at the top of a text; docs/texts.md has an example.",
        "## How a cap is dried\n…",
        "---\ntitle: Caps dried in the open\nlead: How they are dried, and kept.\nkind: essay\nof: bolete\n---\n\n…",
    ),
    Rule(
        "SK381",
        "a citation leads to an entry",
        "`[@id; @id]` names entries of the catalog, and a milestone of a text is cited in it; add the paper first.",
        "… keeps its accuracy [@lind2022oysternt].",
        "… keeps its accuracy [@lind2022oysternet].",
        unknown_paper,
    ),
    Rule(
        "SK382",
        "a text is there in both languages",
        "Readers of both languages get the same survey: catalog/text/en/<name>.md and catalog/text/zh/<name>.md.",
        "catalog/text/en/bolete.md alone",
        "catalog/text/en/bolete.md and catalog/text/zh/bolete.md",
        one_language,
    ),
    Rule(
        "SK383",
        "both languages of a text cite the same papers",
        "A statement that is carried by a paper in one language is carried by it in the other; front matter but for title and lead is equal, too.",
        "en: … [@lind2022oysternet]\nzh: ……。",
        "en: … [@lind2022oysternet]\nzh: ……[@lind2022oysternet]。",
        differing,
    ),
    Rule(
        "SK384",
        "a text has its place",
        "`of` is a topic for primers and essays and a technique for texts of kind `technique`; a `page` has the name of a computed page; each place has one text of a kind.",
        "kind: essay\nof: backdors",
        "kind: essay\nof: bolete",
        misplaced,
        "taxonomy",
    ),
    Rule(
        "SK385",
        "links and pictures of a text lead somewhere",
        "Pages of the site are written `page:terms/topic/bolete/`, other addresses begin with https; pictures are those that methods made, `method:sieve/results.svg`, or their figures, `measured:sieve/2`.",
        "[the table](../papers/) ![](results.svg)",
        "[the table](page:papers/) ![](method:sieve/results.svg)",
        bad_target,
        "cards",
    ),
    Rule(
        "SK386",
        "a text uses the Markdown that is shown",
        "Paragraphs, `##` and `###` headings, lists, tables, emphasis, links and citations `[@id; @id]`; HTML is shown as letters.",
        "# Boletes\n\n… [@Jia 2022]",
        "## Boletes\n\n… [@lind2022oysternet]",
        foreign,
    ),
    Rule(
        "SK387",
        "a word stands in the glossary once",
        "Two lines with the same word in either language would be two meanings; merge them.",
        "- {id: trigger, …}\n- {id: trigger, …}",
        "- {id: trigger, …}",
        repeated_word,
    ),
    Rule(
        "SK420",
        "a paragraph about papers cites them",
        "A reader must see what a statement rests on. A paragraph that names no paper and says what everybody in the field knows ends with `{own}`.",
        "Most guides look for the gills below the cap and report …",
        "Most guides look for the gills below the cap [@holt2023finding] and report …",
        without_citation,
    ),
    Rule(
        "SK421",
        "a text is as long as its kind",
        "A primer is read in a minute, an essay in five; sections end before a reader loses the thread.",
        "kind: technique   # 2,000 words",
        "kind: technique   # 120 to 300 words",
        length,
    ),
)
