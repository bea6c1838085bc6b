"""The summary of a method's `results.json` that the website shows: figures, and how they came about.

`docs/format.md`, section Results, says what each key means; surveykit reads nothing else of the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from reference_impls.lab.bilingual import LAB, Bilingual
from reference_impls.lab.metrics.mean_std import MeanStd

Text = tuple[str, str]
"""English and Chinese."""


def both(text: Text | Bilingual) -> dict[str, str]:
    """A text as it stands in JSON."""
    if isinstance(text, Bilingual):
        return {"en": text.en, "zh": text.zh}
    return {"en": text[0], "zh": text[1]}


def published(
    value: float, source: str, *, setting: Text | Bilingual | None = None
) -> dict[str, Any]:
    """The authors' figure, where it stands, and its conditions."""
    told = {"setting": both(setting)} if setting else {}
    return {"value": value, **told, "source": source}


def figure(
    label: Text | Bilingual,
    value: float,
    *,
    better: Literal["higher", "lower"],
    unit: str = "",
    sd: float | None = None,
    n: int | None = None,
    setting: Text | Bilingual | None = None,
    published: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One figure of the headline; `value` is printed as it stands, so round it."""
    optional = {
        "sd": sd,
        "n": n,
        "unit": unit or None,
        "setting": both(setting) if setting else None,
        "published": published,
    }
    return {
        "label": both(label),
        "value": value,
        "better": better,
        **{key: value for key, value in optional.items() if value is not None},
    }


def percent(
    label: Text | Bilingual,
    fractions: Sequence[float],
    *,
    better: Literal["higher", "lower"],
    setting: Text | Bilingual | None = None,
) -> dict[str, Any]:
    """A figure of one run or more, each in [0, 1], as percent: mean, standard deviation, n."""
    found = MeanStd.of(fractions)
    return figure(
        label,
        round(100 * found.mean, 1),
        sd=round(100 * found.std, 1) if found.count > 1 else None,
        n=found.count,
        unit="%",
        better=better,
        setting=setting,
    )


def average(fractions: Sequence[float]) -> str:
    """Their mean as a text of a setting shows it, `97.4%`."""
    return f"{100 * MeanStd.of(fractions).mean:.1f}%"


def summary(
    figures: Sequence[dict[str, Any]],
    *,
    command: str,
    seeds: Sequence[int],
    about: dict[str, Any],
) -> dict[str, Any]:
    """`headline` and `provenance` for the top of `results.json`; `about` is what `lab.records.surroundings` gives."""
    return {
        "headline": list(figures),
        "provenance": {
            "command": command,
            "date": datetime.now(UTC).date().isoformat(),
            "seeds": list(seeds),
            **ran_on(about),
            "versions": about["versions"],
        },
    }


def hardware(about: dict[str, Any]) -> Bilingual:
    """What it ran on, `CPU, 2 cores, 1 thread`, from what `lab.records.surroundings` gives."""
    device: str = about["device"]
    if device != "CPU":
        return Bilingual(device, device)
    return LAB["hardware.cpu"].fill(
        cores=_counted("core", about["cpu_cores"]),
        threads=_counted("thread", about["threads"]),
    )


def _counted(noun: str, count: int) -> Bilingual:
    return LAB[f"hardware.{noun}{'s' * (count != 1)}"].fill(count=count)


def ran_on(about: dict[str, Any]) -> dict[str, str]:
    """The same as it stands in JSON; a device's name is not translated."""
    found = hardware(about)
    chinese = {"hardware_zh": found.zh} if found.zh != found.en else {}
    return {"hardware": found.en, **chinese}
