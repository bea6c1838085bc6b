"""The answer for a reader: is the model hardened, at what price, and which layers were adapted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reference_impls.gen_af.chart import Panel, Point, layers, trade_off
from reference_impls.gen_af.evaluate import ATTACKS, CLEAN, WHITE_BOX, worst
from reference_impls.gen_af.method import Adaptation
from reference_impls.lab.attacks.masking import Sign
from reference_impls.lab.bilingual import Bilingual, Text, Words
from reference_impls.lab.files import replacing
from reference_impls.lab.study.chart import both
from reference_impls.lab.study.page import Answer, Page, Section, Table

WORDS = Words.beside(__file__)
NAMES = {
    "advencoder-per": "AdvEncoder-PER",
    "advencoder-pat": "AdvEncoder-PAT",
    "uap": "UAP",
    "pgd-10": "PGD-10",
    "pgd-20": "PGD-20",
}
"""Attacks whose names are the same in both languages; the others' are words."""
ORDER = (CLEAN, *ATTACKS, *WHITE_BOX)
"""Of every table."""
GAIN, PRICE = 0.2, 0.01
"""A model is called hardened if it gains this much over standard fine-tuning under the worst
universal attack, and loses at most that much on clean images."""


@dataclass(frozen=True)
class Outcome:
    """One model and its accuracies."""

    name: str
    """Which model."""
    accuracies: Mapping[str, float]
    """Per attack, in [0, 1]; `clean` among them."""
    seconds: float
    """Processor seconds of its training."""
    masked: tuple[Sign, ...] = ()
    """Signs that its white-box accuracies rest on masked gradients."""

    @property
    def worst(self) -> float:
        """Accuracy under the worst of the universal attacks."""
        return worst(self.accuracies)


def report_page(
    outcomes: Sequence[Outcome],
    adaptation: Adaptation | None,
    about: Any,
    *,
    epsilon: float,
    subject: Bilingual,
    out: Path,
) -> Page:
    """The outcomes as a page; the charts are also written as SVG files."""
    out.mkdir(parents=True, exist_ok=True)
    sections = [_table(outcomes, epsilon)]
    if len(outcomes) > 1:
        sections.append(_plot(outcomes, out))
    if adaptation:
        sections.append(_layers(adaptation, out))
    sections.append(Section(WORDS["report.limits"], (WORDS["report.limits_say"],)))
    return Page(
        title=WORDS["report.title"],
        subject=subject,
        answer=_answer(outcomes),
        sections=sections,
        about=about,
    )


def _answer(outcomes: Sequence[Outcome]) -> Answer:
    last = outcomes[-1]
    detail = WORDS["report.detail"].fill(
        robust=last.worst, clean=last.accuracies[CLEAN]
    )
    standard = next((one for one in outcomes if one.name == "standard"), None)
    if standard is None or standard is last:
        return Answer("open", WORDS["report.measured"], detail)
    beside = WORDS["report.beside"].fill(
        robust=standard.worst, clean=standard.accuracies[CLEAN]
    )
    detail = detail.then(beside)
    gain = last.worst - standard.worst
    price = standard.accuracies[CLEAN] - last.accuracies[CLEAN]
    if gain >= GAIN and price <= PRICE:
        return Answer("calm", WORDS["report.hardened"], detail)
    if gain > 0:
        return Answer("open", WORDS["report.partly"], detail)
    return Answer("alarm", WORDS["report.not_hardened"], detail)


def _table(outcomes: Sequence[Outcome], epsilon: float) -> Section:
    """Attacks downwards, models to the right: eight attacks do not fit beside each other."""
    names: dict[str, Text] = {**NAMES, **WORDS.group("attacks")}
    rows: list[tuple[Text, ...]] = [
        (names[name], *(_percent(one, name) for one in outcomes)) for name in ORDER
    ]
    rows.append((WORDS["report.seconds"], *(f"{one.seconds:.0f}" for one in outcomes)))
    return Section(
        WORDS["report.table"],
        (WORDS["report.attacks"].fill(levels=255 * epsilon), *_masked(outcomes)),
        table=Table((WORDS["report.attack"], *(one.name for one in outcomes)), rows),
    )


def _masked(outcomes: Sequence[Outcome]) -> list[Bilingual]:
    """What speaks for masked gradients, or that nothing does."""
    found = [
        WORDS["masking.flag"].fill(name=one.name, reason=WORDS[f"masking.{sign}"])
        for one in outcomes
        for sign in one.masked
    ]
    return found or [WORDS["masking.none"]]


def _percent(outcome: Outcome, name: str) -> str:
    known = outcome.accuracies
    return f"{known[name]:.1%}" if name in known else "–"


def _plot(outcomes: Sequence[Outcome], out: Path) -> Section:
    robust = {
        WORDS["chart.worst"]: [one.worst for one in outcomes],
        WORDS["chart.pgd"]: [one.accuracies.get("pgd-20", 0.0) for one in outcomes],
    }
    panels = [
        Panel(
            title,
            [
                Point(one.name, one.accuracies[CLEAN], value)
                for one, value in zip(outcomes, values, strict=True)
            ],
        )
        for title, values in robust.items()
    ]
    drawn = both("trade-off", lambda language: trade_off(panels, language))
    return Section(WORDS["report.plot"], drawing=_written(drawn, out))


def _layers(adaptation: Adaptation, out: Path) -> Section:
    sensitivity = adaptation.sensitivity
    contributions = {one.layer: one.contribution for one in sensitivity.layers}
    drawn = both(
        "layers", lambda language: layers(contributions, adaptation.layers, language)
    )
    return Section(
        WORDS["report.layers"],
        (WORDS["report.layers_say"].fill(mode=WORDS[f"modes.{sensitivity.mode}"]),),
        drawing=_written(drawn, out),
    )


def _written(drawn: Mapping[str, str], out: Path) -> str:
    """Write one file per language; both, for a page that shows one of them."""
    for name, picture in drawn.items():
        with replacing(out / name) as new:
            new.write_text(picture, encoding="utf-8")
    return "".join(drawn.values())


def lines(outcomes: Sequence[Outcome]) -> list[str]:
    """The table for a terminal."""
    names = [name for name in ORDER if any(name in one.accuracies for one in outcomes)]
    return [
        "attack".ljust(20) + "".join(f"{one.name:>18}" for one in outcomes),
        *(
            name.ljust(20) + "".join(f"{_percent(one, name):>18}" for one in outcomes)
            for name in names
        ),
        *(
            f"flag: {one.name}: {WORDS[f'masking.{sign}'].en}"
            for one in outcomes
            for sign in one.masked
        ),
    ]
