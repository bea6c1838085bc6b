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
    kind: Literal["none", "control", "universal", "white-box", "backdoor"]
    """`universal` attacks are made on the public encoder, `white-box` ones on the defended model."""
    label: Bilingual
    """What a reader sees."""
    card: str | None = None
    """Folder of the method that makes it; none for the lab's own."""
    papers: tuple[str, ...] = ()
    """Entries of the catalog that it runs, or whose idea it takes."""
    size: Bilingual
    """How large it is."""


@dataclass(frozen=True, kw_only=True)
class Defense:
    """A column of the matrix."""

    id: str
    """Stable; the website's anchor."""
    kind: Literal["fine-tuning", "detector"]
    """`fine-tuning` gives a classifier, `detector` a verdict on an encoder."""
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
METRICS = tuple(Metric(**_read(one)) for one in _LISTS["metrics"])
ACCURACY, BACKDOORED_ACCURACY, SUCCESS, FOUND, FALSE_ALARM, SCORE = METRICS
UNTOUCHED = WORDS["why.untouched"]
"""Why a detector has no cell of its own against attacks on images."""
NOT_RUN = WORDS["why.not-run"]
