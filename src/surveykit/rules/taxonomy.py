"""Rules about terms: every axis is answered, with words that the taxonomy knows."""

from __future__ import annotations

from collections.abc import Iterator

from surveykit.catalog import Catalog
from surveykit.models import Paper
from surveykit.rules.rule import TAXONOMY, Finding, Rule, at
from surveykit.scalars import is_mark
from surveykit.text.did_you_mean import did_you_mean
from surveykit.vocabulary import Axis, Term

NEEDS = "taxonomy"


def _names(things: tuple[Axis, ...] | tuple[Term, ...]) -> dict[str, str]:
    """Every way to say an axis or a term -> its id; ids win over labels, labels over aliases."""
    names: dict[str, str] = {}
    for thing in things:
        if isinstance(thing, Term):
            names |= dict.fromkeys((*thing.aliases.en, *thing.aliases.zh), thing.id)
    for thing in things:
        names |= {thing.label.en: thing.id, thing.label.zh: thing.id}
    return names | {thing.id: thing.id for thing in things}


def unknown_axis(catalog: Catalog) -> Iterator[Finding]:
    """Keys under `terms` that are no axis."""
    for paper in catalog.papers:
        for axis in paper.terms.keys() - catalog.axes.keys():
            hint = did_you_mean(axis, _names(catalog.taxonomy.axes))
            message = f"the taxonomy has no axis {axis!r}{hint or '; its axes are ' + ', '.join(catalog.axes)}"
            yield at(catalog, paper, ("terms", axis), message, key=True)


def unknown_term(catalog: Catalog) -> Iterator[Finding]:
    """Terms that their axis does not have."""
    for paper in catalog.papers:
        for axis, terms in paper.terms.items():
            for index, term in enumerate(terms):
                unknown = axis in catalog.axes and (axis, term) not in catalog.terms
                if unknown and not is_mark(term):
                    names = _names(catalog.axes[axis].terms)
                    hint = did_you_mean(term, names, misspelled=True)
                    choice = f"its terms are in {TAXONOMY}"
                    if len(ids := [t.id for t in catalog.axes[axis].terms]) <= 8:
                        choice = f"its terms are {', '.join(ids)}"
                    other = f"; {choice}; if none fits, CONTRIBUTING.md says how to propose one"
                    message = f"axis {axis} has no term {term!r}{hint or other}"
                    yield at(catalog, paper, ("terms", axis, index), message)


def _roles(catalog: Catalog, paper: Paper) -> set[str]:
    """Role terms of a paper with their wider terms; safe for a broken taxonomy."""
    roles: set[str] = set()
    todo = list(paper.terms.get("role", ()))
    while todo:
        role = todo.pop()
        term = catalog.terms.get(("role", role))
        if role not in roles and term and term.parent:
            todo.append(term.parent)
        roles.add(role)
    return roles


def _applies(catalog: Catalog, axis: Axis, paper: Paper) -> bool:
    wanted = set(axis.only_for_roles)
    return not wanted or bool(wanted & _roles(catalog, paper))


def missing_axis(catalog: Catalog) -> Iterator[Finding]:
    """Axes that an entry has to answer and does not."""
    for paper in catalog.papers:
        for axis in catalog.taxonomy.axes:
            needed = axis.min_terms > 0 and axis.id not in paper.terms
            if needed and _applies(catalog, axis, paper):
                message = f"axis {axis.id!r} is missing; {axis.question.en}"
                yield at(catalog, paper, ("terms",), message, key=True)


def term_count(catalog: Catalog) -> Iterator[Finding]:
    """Axes with too few or too many terms."""
    for paper in catalog.papers:
        for id_, terms in paper.terms.items():
            axis = catalog.axes.get(id_)
            if any(map(is_mark, terms)):
                continue  # not decided yet
            # An empty list says no more than a missing key.
            if axis and not (least := max(axis.min_terms, 1)) <= len(terms):
                message = f"axis {id_} needs at least {least}; {axis.question.en}"
                yield at(catalog, paper, ("terms", id_), message)
            elif axis and len(terms) > axis.max_terms:
                message = f"axis {id_} has {len(terms)} terms; the most is {axis.max_terms}, the main ones"
                yield at(catalog, paper, ("terms", id_), message)


def not_a_leaf(catalog: Catalog) -> Iterator[Finding]:
    """Terms with narrower terms on an axis where only the narrowest may be assigned."""
    narrower: dict[tuple[str, str], list[str]] = {}
    for axis in catalog.taxonomy.axes if catalog.papers else ():
        for term in axis.terms if axis.leaves_only else ():
            if term.parent:
                narrower.setdefault((axis.id, term.parent), []).append(term.id)
    for paper in catalog.papers:
        for axis_id, terms in paper.terms.items():
            for index, id_ in enumerate(terms):
                if choices := narrower.get((axis_id, id_)):
                    message = f"{id_!r} is a group; choose one of {', '.join(choices)}"
                    yield at(catalog, paper, ("terms", axis_id, index), message)


def wrong_role(catalog: Catalog) -> Iterator[Finding]:
    """Axes that do not apply to the role of an entry."""
    for paper in catalog.papers:
        for id_ in paper.terms:
            axis = catalog.axes.get(id_)
            if axis and not _applies(catalog, axis, paper):
                roles = ", ".join(axis.only_for_roles)
                message = f"axis {id_!r} is only for the role {roles}; delete it"
                yield at(catalog, paper, ("terms", id_), message, key=True)


def repeated_term(catalog: Catalog) -> Iterator[Finding]:
    """Terms that stand twice on one axis of an entry."""
    for paper in catalog.papers:
        for axis, terms in paper.terms.items():
            for index, term in enumerate(terms):
                if term in terms[:index]:
                    message = f"term {term!r} stands here twice; delete one"
                    yield at(catalog, paper, ("terms", axis, index), message)


def broken_taxonomy(catalog: Catalog) -> Iterator[Finding]:
    """Ids in the taxonomy that stand twice or lead nowhere, axes of which the pages are made and that papers may lack."""
    seen: set[str] = set()
    if not catalog.axes.keys() - {"role"}:
        message = "no axis besides `role`; add one, it gives the chapters"
        yield Finding(TAXONOMY, ("axes",), message)
    for index, axis in enumerate(catalog.taxonomy.axes):
        loc = ("axes", index)
        if axis.id in seen:
            message = f"axis {axis.id!r} stands here twice; rename one"
            yield Finding(TAXONOMY, (*loc, "id"), message)
        if axis.min_terms > axis.max_terms:
            message = f"min_terms {axis.min_terms} is above max_terms {axis.max_terms}"
            yield Finding(TAXONOMY, (*loc, "min_terms"), message)
        seen.add(axis.id)
        if axis.id in ("role", catalog.topic_axis.id):
            yield from _optional(axis, index)
        yield from _broken_roles(catalog, axis, index)
        yield from _broken_terms(catalog, axis, index)


def _optional(axis: Axis, at_axis: int) -> Iterator[Finding]:
    said = "pages and charts are made of this axis, so every paper answers it"
    if axis.min_terms == 0:
        message = f"{said}; write 1"
        yield Finding(TAXONOMY, ("axes", at_axis, "min_terms"), message)
    if axis.only_for_roles:
        message = f"{said}; delete `only_for_roles`"
        yield Finding(TAXONOMY, ("axes", at_axis, "only_for_roles"), message)


def _broken_roles(catalog: Catalog, axis: Axis, at_axis: int) -> Iterator[Finding]:
    for index, role in enumerate(axis.only_for_roles):
        if ("role", role) not in catalog.terms:
            loc = ("axes", at_axis, "only_for_roles", index)
            yield Finding(TAXONOMY, loc, f"axis role has no term {role!r}")


def _broken_terms(catalog: Catalog, axis: Axis, at_axis: int) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, term in enumerate(axis.terms):
        loc = ("axes", at_axis, "terms", index)
        if term.id in seen:
            message = f"term {term.id!r} stands twice on axis {axis.id}; rename one"
            yield Finding(TAXONOMY, (*loc, "id"), message)
        if term.parent and term.parent not in seen:
            message = f"parent {term.parent!r} is not a term above {term.id!r} on axis {axis.id}; put it there"
            yield Finding(TAXONOMY, (*loc, "parent"), message)
        seen.add(term.id)
        for other, words in term.applies_to.items():
            for word_at, word in enumerate(words):
                if (other, word) not in catalog.terms:
                    message = f"axis {other!r} has no term {word!r}"
                    yield Finding(
                        TAXONOMY, (*loc, "applies_to", other, word_at), message
                    )


RULES = (
    Rule(
        "SK310",
        "keys under `terms` are axes of the taxonomy",
        "The axes are those of catalog/taxonomy.yaml. A new one is added there first, with its label and question in both languages.",
        "terms:\n  topik: [bolete]",
        "terms:\n  topic: [bolete]",
        unknown_axis,
        NEEDS,
    ),
    Rule(
        "SK311",
        "terms are known to their axis",
        "Entries use the ids of catalog/taxonomy.yaml, not labels or other words for them. Where none fits, CONTRIBUTING.md says how to propose one.",
        "terms:\n  topic: [bolet]",
        "terms:\n  topic: [bolete]",
        unknown_term,
        NEEDS,
    ),
    Rule(
        "SK312",
        "every axis is answered",
        "An entry without a term on an axis is missing from the pages of that axis.",
        "terms:\n  role: [method]",
        "terms:\n  role: [method]\n  topic: [bolete]\n  # … and the other axes",
        missing_axis,
        NEEDS,
    ),
    Rule(
        "SK313",
        "an axis has neither too few nor too many terms",
        "The taxonomy says how many terms an axis takes. The main term stands first.",
        "terms:\n  role: [method, survey]",
        "terms:\n  role: [method]",
        term_count,
        NEEDS,
    ),
    Rule(
        "SK314",
        "only the narrowest terms are assigned where the axis says so",
        "A group of techniques is filled by its members; assign the member.",
        "terms:\n  technique: [drying]",
        "terms:\n  technique: [slow-drying]",
        not_a_leaf,
        NEEDS,
    ),
    Rule(
        "SK315",
        "an axis for some roles is not used with others",
        "`only_for_roles` in the taxonomy says to which papers an axis applies.",
        "terms:\n  role: [survey]\n  knowledge: [white-box]",
        "terms:\n  role: [survey]",
        wrong_role,
        NEEDS,
    ),
    Rule(
        "SK316",
        "a term stands once on an axis",
        "A repeated term would count the paper twice.",
        "modality: [vision, vision]",
        "modality: [vision]",
        repeated_term,
    ),
    Rule(
        "SK317",
        "the taxonomy is sound in itself",
        "Axes and terms have one id each, a parent stands above its children, and every id that is referred to exists. Every paper answers the axis `role` and the first one besides it, of which chapters and charts are made.",
        "- {id: field-test, parent: evaluaton}",
        "- {id: evaluation}\n- {id: field-test, parent: evaluation}",
        broken_taxonomy,
        NEEDS,
    ),
)
