"""README.md and README.zh-CN.md: whole files, every word from the catalog or a template."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from surveykit.catalog import Catalog, Closest
from surveykit.deployment import public
from surveykit.kit import Lang
from surveykit.models import Paper
from surveykit.render.nearest import because
from surveykit.text.markdown import Heading, Outline, address, escape
from surveykit.vocabulary import Term
from surveykit.words import words

PATHS: dict[Lang, str] = {"en": "README.md", "zh": "README.zh-CN.md"}
"""Language -> file in the repository."""
_NAMES: dict[Lang, str] = {"en": "English", "zh": "中文"}
CONTENTS = "<!-- contents -->"
SHOWN_AUTHORS = 1
"""Authors named before the rest is counted: two would bring the list near to where GitHub cuts a file."""
MOST_NAMED = 3
"""So many authors are all named: "and 1 more" would be longer than the name."""

_templates = Environment(
    loader=PackageLoader("surveykit.render"),
    undefined=StrictUndefined,
    autoescape=False,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_templates.filters |= {
    "md": escape,
    "address": address,
    "fill": lambda text, **values: text.format(**values),
}


@dataclass(frozen=True)
class Group:
    """Papers that share topic, role and main technique; newest first."""

    technique: Term | None
    papers: tuple[Paper, ...]
    closest: Closest | None
    """The method offered to most of those that have none; it is named once and not in every line."""


@dataclass(frozen=True)
class RoleSection:
    """Papers that share topic and role."""

    role: Term | None
    """None in a survey without roles."""
    groups: tuple[Group, ...]

    @property
    def count(self) -> int:
        """Papers in it."""
        return sum(len(group.papers) for group in self.groups)


@dataclass(frozen=True)
class TopicSection:
    """Papers whose main topic this is, and those that mention it beside another one."""

    topic: Term
    roles: tuple[RoleSection, ...]
    mentions: tuple[Paper, ...]

    @property
    def count(self) -> int:
        """Papers listed in it; mentions are listed elsewhere."""
        return sum(role.count for role in self.roles)


@dataclass(frozen=True)
class YearCounts:
    """One year of the count table."""

    year: int
    counts: tuple[int, ...]
    """One for each section."""


def render_readme(catalog: Catalog, lang: Lang) -> str:
    """README in `lang`."""
    outline = Outline()
    say = words(lang, catalog).readme
    listed = sections(catalog)
    text = _templates.get_template("readme.md.jinja").render(
        catalog=catalog,
        survey=catalog.survey,
        lang=lang,
        say=say,
        twin=_twin(lang) if len(catalog.kit.languages) > 1 else "",
        use=_use(say.use, catalog),
        heading=outline.heading,
        sections=listed,
        rows=counts(catalog, listed),
        authors=lambda paper: short_authors(paper, lang),
        short=lambda paper: short_citation(paper, lang),
        venue=lambda paper: venue_label(catalog, paper, lang),
        because=lambda group, closest: because(
            catalog,
            group.papers[0],
            closest,
            lang,
            under=group.technique.id if group.technique else "",
        ),
        cite=own_citation(catalog),
        site=public(catalog.survey.site),
        contents=lambda: f"{CONTENTS}{len(outline.headings)}",
    )
    before, _, after = text.partition(CONTENTS)
    listed_after = int(after.partition("\n")[0])
    contents = _contents(outline.headings[listed_after:])
    return re.sub(
        r"\n{3,}", "\n\n", before + contents + after[len(str(listed_after)) :]
    )


def _twin(lang: str) -> str:
    """A line that leads to the other language."""
    names = [
        f"**{name}**" if own == lang else f"[{name}]({PATHS[own]})"
        for own, name in _NAMES.items()
    ]
    return " · ".join(names)


def _use(text: str, catalog: Catalog) -> str:
    """The lines to try, with the paper that has most relations in them; without those that need one where there is none."""
    shown = max(catalog.papers, key=lambda p: len(catalog.links(p)), default=None)
    lines = (line for line in text.split("\n") if shown or "{shown}" not in line)
    return "\n".join(lines).format(shown=shown.id if shown else "")


def sections(catalog: Catalog) -> tuple[TopicSection, ...]:
    """All papers, each once: by main topic, role and main technique, in the order of the taxonomy."""
    main: dict[str, list[Paper]] = defaultdict(list)
    beside: dict[str, list[Paper]] = defaultdict(list)
    for paper in catalog.papers:
        first, *others = paper.terms[catalog.topic_axis.id]
        main[first].append(paper)
        for other in others:
            beside[other].append(paper)
    return tuple(
        TopicSection(
            topic, tuple(_roles(catalog, main[topic.id])), tuple(beside[topic.id])
        )
        for topic in catalog.topic_axis.terms
        if main[topic.id] or beside[topic.id]
    )


def _roles(catalog: Catalog, papers: list[Paper]) -> Iterable[RoleSection]:
    if "role" not in catalog.axes:
        yield RoleSection(None, tuple(_groups(catalog, papers)))
        return
    for role in catalog.axes["role"].terms:
        here = [paper for paper in papers if paper.terms["role"][0] == role.id]
        if here:
            yield RoleSection(role, tuple(_groups(catalog, here)))


def _groups(catalog: Catalog, papers: list[Paper]) -> Iterable[Group]:
    groups: dict[str | None, list[Paper]] = defaultdict(list)
    grouped = catalog.group_axis is not catalog.topic_axis
    for paper in papers:
        group = paper.terms.get(catalog.group_axis.id, ()) if grouped else ()
        groups[next(iter(group), None)].append(paper)
    terms: Iterable[Term] = catalog.group_axis.terms
    for term in terms:
        if term.id in groups:
            yield _group(catalog, term, groups[term.id])
    if None in groups:
        yield _group(catalog, None, groups[None])


def _group(catalog: Catalog, technique: Term | None, papers: list[Paper]) -> Group:
    offered = [c for p in papers if (c := catalog.closest_runnable(p))]
    shared = [closest for closest in offered if offered.count(closest) > 1]
    most = max(shared, key=shared.count, default=None)
    return Group(technique, tuple(papers), most)


def counts(
    catalog: Catalog, listed: tuple[TopicSection, ...]
) -> tuple[YearCounts, ...]:
    """The table year by topic, newest year first; every paper is counted once."""
    topics = [section.topic.id for section in listed]
    return tuple(
        YearCounts(
            year, tuple(sum(catalog.topic(p) == t for p in papers) for t in topics)
        )
        for year, papers in catalog.years.items()
    )


def short_authors(paper: Paper, lang: str) -> str:
    """The first authors, and how many there are."""
    names = [author.name for author in paper.authors]
    separator = "、" if lang == "zh" else ", "
    if len(names) <= MOST_NAMED:
        return separator.join(names)
    shown = separator.join(names[:SHOWN_AUTHORS])
    if lang == "zh":
        return f"{shown} 等 {len(names)} 人"
    return f"{shown} and {len(names) - SHOWN_AUTHORS} more"


def short_citation(paper: Paper, lang: str) -> str:
    """Authors and year as they stand in running text."""
    names = [author.last for author in paper.authors]
    if lang == "zh":
        who = "、".join(names) if len(names) < 3 else f"{names[0]} 等"
        return f"{who}（{paper.year}）"
    who = " & ".join(names) if len(names) < 3 else f"{names[0]} et al."
    return f"{who} ({paper.year})"


def venue_label(catalog: Catalog, paper: Paper, lang: str) -> str:
    """Where the paper appeared, in short."""
    name = f"{catalog.venue(paper).name} {paper.year}"
    if paper.track == "findings":
        return f"{name} Findings" if lang == "zh" else f"Findings of {name}"
    if paper.track == "workshop":
        return f"{name} 研讨会" if lang == "zh" else f"{name} workshop"
    return name


def own_citation(catalog: Catalog) -> str:
    """BibTeX entry of the survey itself."""
    survey = catalog.survey
    key = (
        re.sub(r"[^a-z]", "", survey.repository.rstrip("/").rpartition("/")[2])
        or "survey"
    )
    url = public(survey.site) or public(survey.repository)
    fields = {
        "title": f"{{{survey.title.en}}}",
        "author": " and ".join(f"{{{person.name}}}" for person in survey.maintainers),
        "year": str(survey.year),
    }
    if url:
        fields["url"] = url
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items()]
    return f"@misc{{{key}{survey.year},\n" + ",\n".join(lines) + "\n}"


def _contents(headings: Iterable[Heading]) -> str:
    lines: list[str] = []
    topic = ""
    for heading in headings:
        topic = heading.text if heading.level == 2 else topic
        text = heading.text.removeprefix(topic).lstrip(":： ") or heading.text
        link = f"[{escape(text)}](#{heading.anchor})"
        if heading.level < 4:
            count = f" · {heading.count}" if heading.count else ""
            lines.append(f"{'  ' * (heading.level - 2)}- {link}{count}")
        else:
            # Techniques stand in one line under their role: fifty more lines would hide the rest.
            lines[-1] += f" · {link}" if "<br>" in lines[-1] else f"<br>{link}"
    return "\n".join(lines)
