"""Why a method is offered for a paper that has none of its own, as a sentence."""

from __future__ import annotations

from surveykit.catalog import Catalog, Closest
from surveykit.models import Paper


def because(
    catalog: Catalog, paper: Paper, closest: Closest, lang: str, *, under: str = ""
) -> str:
    """What the method does and what it shares with the paper; no final full stop.

    Below a heading that names the technique, `under`, it is not named again.
    """
    does = closest.card.does.in_(lang)
    if closest.technique and closest.technique == under:
        return f"它{does}" if lang == "zh" else f"it {does}"
    if closest.technique:
        technique = catalog.term(catalog.group_axis.id, closest.technique).label.in_(
            lang
        )
        if lang == "zh":
            return f"因为它{does}，与本文技术路线相同：{technique}"
        return f"because it {does}; same technique: {technique}"
    topic = catalog.term(catalog.topic_axis.id, catalog.topic(paper)).label.in_(lang)
    role = (
        catalog.term("role", paper.terms["role"][0]).label.in_(lang)
        if paper.terms.get("role")
        else ""
    )
    if lang == "zh":
        return f"因为它{does}，与本文同属“{topic}”的“{role}”，但技术路线不同"
    axis = catalog.topic_axis.label.en.lower()
    return f"because it {does}; same {axis} and role ({topic}, {role}), but another technique"
