"""What takes part: attacks, defenses, detectors and metrics, as `registry.yaml` lists them.

Every attack and defense names the card of the method that runs it and the entries of the catalog that it runs, so
that the website can link to both.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from reference_impls.lab.bilingual import Bilingual, Words

WORDS = Words.beside(__file__)


@dataclass(frozen=True, kw_only=True)
class Attack:
    """A row of the matrix."""

    id: str
    """Stable; the website's anchor."""
    kind: Literal["none", "control", "universal", "black-box", "white-box", "worst", "backdoor"]  # fmt: skip
    """`universal` attacks are made on the public encoder, `white-box` ones on the defended model; `black-box` ones
    know no gradient of it; `worst` is all within epsilon, image by image."""
    label: Bilingual
    """What a reader sees."""
    card: str | None = None
    """Folder of the method that makes it; none for the lab's own."""
    papers: tuple[str, ...] = ()
    """Entries of the catalog that it runs, or whose idea it takes."""
    size: Bilingual
    """How large it is."""
    sparse: bool = False
    """Whether it changes some pixels by any amount, and not all of them a little."""


@dataclass(frozen=True, kw_only=True)
class Defense:
    """A column of the matrix."""

    id: str
    """Stable; the website's anchor."""
    kind: Literal["fine-tuning", "detector", "frozen"]
    """`fine-tuning` gives a classifier, `detector` a verdict on an encoder, `frozen` stands in the place of a CLIP."""
    label: Bilingual
    """What a reader sees."""
    short: Bilingual
    """At the head of a column."""
    card: str
    """Folder of the method that runs it."""
    papers: tuple[str, ...] = ()
    """Entries of the catalog that it runs, or whose idea it takes."""
    arm: str | None = None
    """Its name in Gen-AF's study."""
    draws: int = 1
    """Over how many draws of its noise an attacker averages."""
    searched: bool = True
    """Whether attacks that search by its answers alone are run: some take too long to answer."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What a cell measures."""

    id: str
    label: Bilingual
    better: Literal["higher", "lower"]
    """What a defender wants."""
    unit: str = "fraction"


def _read(entry: dict[str, Any]) -> dict[str, Any]:
    """One entry of the file: texts in both languages, lists as tuples."""
    texts = {key: entry[key] for key in ("label", "size", "short") if key in entry}
    both = {
        key: Bilingual(text, text) if isinstance(text, str) else Bilingual(**text)
        for key, text in texts.items()
    }
    papers = {"papers": tuple(entry["papers"])} if "papers" in entry else {}
    return entry | papers | both


_LISTS = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
ATTACKS = tuple(Attack(**_read(one)) for one in _LISTS["attacks"])
DEFENSES = tuple(
    Defense(**_read({"short": one["label"]} | one)) for one in _LISTS["defenses"]
)
FINE_TUNINGS = tuple(one for one in DEFENSES if one.kind == "fine-tuning")
"""The defenses that give a classifier."""
FROZEN = tuple(one for one in DEFENSES if one.kind == "frozen")
"""The defenses of a CLIP that names images by texts."""
METRICS = tuple(Metric(**_read(one)) for one in _LISTS["metrics"])
ACCURACY, BACKDOORED_ACCURACY, SUCCESS, FOUND, FALSE_ALARM, SCORE, ZERO_SHOT, SPARSE = METRICS  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Why some pairs have no figure."""

    attacks: tuple[str, ...]
    defenses: tuple[str, ...]
    why: Bilingual


def _fitting(known: tuple[Any, ...], wanted: list[str]) -> tuple[str, ...]:
    """Ids of those that are named, by id or kind."""
    return tuple(one.id for one in known if {one.id, one.kind} & set(wanted))


MISSING = tuple(
    Missing(
        attacks=_fitting(ATTACKS, one["attacks"]),
        defenses=_fitting(DEFENSES, one["defenses"]),
        why=Bilingual(**one["why"]),
    )
    for one in _LISTS["missing"]
)
"""The first that fits a pair counts."""


def why_not(attack: Attack, defense: Defense) -> Bilingual:
    """Why a pair has no figure."""
    fitting = (one.why for one in MISSING if attack.id in one.attacks and defense.id in one.defenses)  # fmt: skip
    return next(fitting, WORDS["why.not-run"])
