"""The methods that run: all of them, and a page for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from surveykit.measured import Figure, Results
from surveykit.render.pages.page import Page, Press
from surveykit.vocabulary import Card, Term


@dataclass(frozen=True)
class Shown:
    """A figure as it is printed."""

    figure: Figure
    value: str
    published: str


def method_pages(press: Press) -> Iterator[Page]:
    """All methods, and a page for each."""
    catalog, w = press.catalog, press.words
    cards = list(catalog.cards.values())
    yield press.page(
        "methods/index.md",
        "methods.html",
        title=w.method.heading,
        description=w.method.lead,
        cards=cards,
        first={card.id: headline(catalog.results.get(card.id))[:2] for card in cards},
    )
    for card in cards:
        yield _page(press, card)


def _page(press: Press, card: Card) -> Page:
    catalog = press.catalog
    results = catalog.results.get(card.id)
    return press.page(
        f"methods/{card.id}.md",
        "method.html",
        title=card.name_in(press.lang),
        description=f"{press.text(card.question)} {press.text(card.summary)}",
        source=f"reference_impls/{card.id}/card.yaml",
        card=card,
        main=catalog.by_id[card.papers[0]],
        papers=[catalog.by_id[id_] for id_ in card.papers],
        techniques=_techniques(press, card),
        closest=press.catalog.offered.get(card.id, ()),
        figures=headline(results),
        provenance=results.provenance if results else None,
    )


def _techniques(press: Press, card: Card) -> list[Term]:
    return [
        press.catalog.term(press.catalog.group_axis.id, id_) for id_ in card.techniques
    ]


def headline(results: Results | None) -> list[Shown]:
    """The figures of a method, ready to print; none where it was not measured."""
    return [
        Shown(
            figure,
            number(figure.value, figure.unit, figure.sd),
            number(figure.published.value, figure.unit) if figure.published else "",
        )
        for figure in (results.headline if results else ())
    ]


def number(
    value: float, unit: str = "", sd: float | None = None, decimals: int = 0
) -> str:
    """`98.5 ± 0.4%`, `12 s`, `0.972`: a number as it stands, with its unit.

    `decimals` is the least number of them, so that figures which stand together have as many; a
    number and its deviation always have.
    """
    both = [one for one in (value, sd) if one is not None]
    digits = max(decimals, *(places(one) for one in both))
    text = " ± ".join(f"{one:,.{digits}f}" for one in both).replace("-", "−")
    return text + (unit if unit in ("%", "") else f" {unit}")


def places(value: float) -> int:
    """Decimals of a number as it stands."""
    exponent = Decimal(f"{value:.12g}").normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
