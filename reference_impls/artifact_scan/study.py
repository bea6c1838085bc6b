"""What is measured: stand-ins and innocent files by each scanner, and payloads in weights."""

from __future__ import annotations

import pickletools
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy
import torch
from torch.nn import functional as F

from reference_impls.artifact_scan.answer import Verdict
from reference_impls.artifact_scan.containers import Files
from reference_impls.artifact_scan.evasions import evasions
from reference_impls.artifact_scan.innocents import innocents
from reference_impls.artifact_scan.scanners import SCANNERS, Name
from reference_impls.artifact_scan.standins import library_functions
from reference_impls.artifact_scan.weights import (
    HiddenConfig,
    Weights,
    embed,
    suspicious,
)
from reference_impls.lab.bilingual import Language, Text, Words, localize
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.zoo import LabData, studied_encoder, test_dataset
from reference_impls.lab.study.headline import percent
from reference_impls.lab.study.options import StudyOptions
from reference_impls.lab.study.readme import table
from reference_impls.lab.study.setup import lab_model
from reference_impls.lab.study.study import Found, Prepare, Study

WORDS = Words.beside(__file__)
COLUMNS = ("flagged", "cleared", "functions", "alarms", "unsure", "seconds_per_mb")
PAYLOADS = ("ciphertext", "text")
BITS = (1, 2, 4, 8, 16, 20, 22, 23, 24)
SHARES = tuple(2.0**-power for power in range(6, -1, -1))
"""Of the weights, that carry the payload."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One scanner, or the test of weights, with one draw of files, functions and encoder."""

    setting: Name | Literal["weights"]
    seed: int
    functions: int
    hidden: HiddenConfig
    quick: bool

    @property
    def name(self) -> str:
        """For progress."""
        return f"{self.setting}, seed {self.seed}"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What one condition gave."""

    setting: str
    seed: int
    counts: dict[str, int]
    measures: dict[str, float | None]
    missed: tuple[str, ...] = ()
    """Stand-ins that were cleared, innocent files that were flagged."""


def conditions(options: StudyOptions) -> list[Condition]:
    """Every scanner and the weights, for every seed."""
    settings: list[Name | Literal["weights"]] = [*SCANNERS, "weights"]
    return [
        Condition(setting=one, seed=seed, functions=20 if options.quick else 300, hidden=HiddenConfig(), quick=options.quick)
        for one in settings
        for seed in options.seeds_of()
    ]  # fmt: skip


def measured(condition: Condition) -> list[Trial]:
    """One row."""
    if condition.setting == "weights":
        return [_weights(condition)]
    return [_scanner(condition, SCANNERS[condition.setting], condition.setting == "policy")]  # fmt: skip


def asked(scanner: Callable[[Path], Verdict], files: Files) -> Verdict:
    """The verdict on files, written to a folder of their own."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
        return scanner(Path(folder) if len(files) > 1 else Path(folder, *files))


def _scanner(condition: Condition, scanner: Callable[[Path], Verdict], every: bool) -> Trial:  # fmt: skip
    """Other scanners are asked of pickles alone: they promise no more."""
    bad = [(name, files) for name, pickled, files in evasions() if pickled]
    other = [(name, files) for name, pickled, files in evasions() if not pickled]
    good = innocents(condition.seed)
    plain = [(name, files) for name, pickled, files in good if pickled]
    more = [(name, files) for name, pickled, files in good if not pickled]
    functions = [(name, {"model.pkl": one}) for name, one in library_functions(condition.functions, condition.seed)]  # fmt: skip
    of_bad, of_functions = (_answers(scanner, one) for one in (bad, functions))
    started = time.process_time()
    of_good = _answers(scanner, plain)
    seconds = time.process_time() - started
    size = sum(len(content) for _, files in plain for content in files.values()) / 1e6
    of_other, of_more = ((_answers(scanner, other), _answers(scanner, more)) if every else ([], []))  # fmt: skip
    return Trial(
        setting=condition.setting,
        seed=condition.seed,
        counts={"standins": len(bad), "functions": len(functions), "innocents": len(plain), "others": len(other), "more": len(more)},
        measures={
            "flagged": _share(of_bad, "dangerous"),
            "cleared": _share(of_bad, "innocent"),
            "functions": _share(of_functions, "dangerous"),
            "functions_cleared": _share(of_functions, "innocent"),
            "alarms": _share(of_good, "dangerous"),
            "unsure": _share(of_good, "cannot decide"),
            "seconds_per_mb": round(seconds / size, 3),
            "others_flagged": _share(of_other, "dangerous"),
            "others_cleared": _share(of_other, "innocent"),
            "more_alarms": _share(of_more, "dangerous"),
            "more_unsure": _share(of_more, "cannot decide"),
        },
        missed=tuple(
            [name for (name, _), one in zip(bad, of_bad, strict=True) if one == "innocent"]
            + [name for (name, _), one in zip(plain, of_good, strict=True) if one == "dangerous"]
        ),
    )  # fmt: skip


def _answers(scanner: Callable[[Path], Verdict], shapes: Iterable[tuple[str, Files]]) -> list[Verdict]:  # fmt: skip
    return [asked(scanner, files) for _, files in shapes]


def _share(answers: Sequence[Verdict], which: Verdict) -> float | None:
    return round(Counter(answers)[which] / len(answers), 4) if answers else None


def _weights(condition: Condition) -> Trial:
    """How much of an encoder a payload must fill until it is seen, and what the encoder loses where it fills all."""
    config, rng = condition.hidden, numpy.random.default_rng(condition.seed)
    encoder = None if condition.quick else lab_model(studied_encoder(condition.seed))[0]
    clean = rng.normal(size=40_000).astype("f4") if encoder is None else filters(encoder)  # fmt: skip
    payloads = {"ciphertext": rng.bytes(1 << 19), "text": Path(pickletools.__file__).read_bytes()}  # fmt: skip
    found: dict[str, float | None] = {"clean": float(any(suspicious(clean, config)))}
    for name, payload in payloads.items():
        for bits in BITS:
            seen = (share for share in SHARES if any(suspicious(embed(clean, payload, bits, share), config)))  # fmt: skip
            found[f"{name}/{bits}"] = next(seen, None)
            if encoder is not None:
                found[f"{name}/{bits}/cosine"] = likeness(encoder, embed(clean, payload, bits, 1))  # fmt: skip
    return Trial(setting="weights", seed=condition.seed, counts={"weights": len(clean)}, measures=found)  # fmt: skip


def filters(encoder: Encoder) -> Weights:
    """All weights of an encoder's matrices and filters, one behind the other (N,)."""
    parts = [one.detach().flatten() for one in encoder.module.parameters() if one.ndim > 1]  # fmt: skip
    found: Weights = torch.cat(parts).numpy().copy()
    return found


@torch.no_grad()
def likeness(encoder: Encoder, weights: Weights) -> float:
    """Mean cosine of 64 embeddings before and after the weights (N,) take the place of the encoder's matrices and filters."""
    images_N3HW, changed = test_dataset(LabData()).first(64).images_N3HW, encoder.copy()
    parts = [one for one in changed.module.parameters() if one.ndim > 1]
    new = torch.from_numpy(weights).split([one.numel() for one in parts])
    for part, values in zip(parts, new, strict=True):
        part.copy_(values.reshape(part.shape))
    after = F.cosine_similarity(encoder.encode(images_N3HW), changed.encode(images_N3HW))  # fmt: skip
    return round(after.nan_to_num().mean().item(), 3)


# -- What the trials say -------------------------------------------------------------


def prepare(missing: Sequence[Condition]) -> list[list[Prepare]]:
    """The encoders."""
    seeds = {one.seed for one in missing if one.setting == "weights" and not one.quick}
    return [[partial(lab_model, studied_encoder(seed)) for seed in sorted(seeds)]]


def results(trials: Sequence[Trial], asked: Sequence[Condition]) -> Found:
    """All trials, and the settings."""
    settings = {"functions": asked[0].functions, "hidden": asked[0].hidden}
    return {"settings": settings, "rows": trials}


def values(found: Found, setting: str, measure: str) -> list[float]:
    """A measure over the seeds."""
    rows = [one for one in STUDY.read(found["rows"]) if one.setting == setting]
    return [value for one in rows if (value := one.measures.get(measure)) is not None]


def counts(found: Found) -> dict[str, int]:
    """How many files of each kind there were."""
    return next((one.counts for one in STUDY.read(found["rows"]) if one.setting == "policy"), {})  # fmt: skip


def headline(found: Found) -> list[dict[str, Any]]:
    """What is cleared, what is flagged for nothing, and how much hides in weights."""
    told = []
    for measure, better in (("flagged", "higher"), ("functions", "higher"), ("alarms", "lower")):  # fmt: skip
        others = {one: f"{MeanStd.of(values(found, one, measure)).mean:.1%}" for one in ("picklescan", "fickling")}  # fmt: skip
        label, setting = (WORDS[f"headline.{measure}.{part}"].fill(**counts(found), **others) for part in ("label", "setting"))  # fmt: skip
        told.append(percent(label, values(found, "policy", measure), better=better, setting=setting))  # type: ignore[arg-type]  # fmt: skip
    if unseen := most_unseen(found):
        cosine = _cosine(found, f"ciphertext/{min(unseen)}/cosine")
        more = next(one for one in BITS if one > min(unseen))
        seen = _smallest(found, f"ciphertext/{more}")
        label, setting = (WORDS[f"headline.hidden.{part}"].fill(bits=min(unseen), cosine=cosine, more=more, seen=seen) for part in ("label", "setting"))  # fmt: skip
        told.append(percent(label, [one / 32 for one in unseen], better="lower", setting=setting))  # fmt: skip
    return told


def most_unseen(found: Found) -> list[int]:
    """Low bits of all weights that ciphertext may fill without being seen, for each encoder."""
    rows = [one.measures for one in STUDY.read(found["rows"]) if one.setting == "weights"]  # fmt: skip
    return [max(bits for bits in BITS if row[f"ciphertext/{bits}"] is None) for row in rows]  # fmt: skip


def tables(found: Found, language: Language) -> str:
    """Scanners; then payloads in weights."""
    run, said = found["run"], counts(found)
    heads: list[Text] = [WORDS["heads.scanner"], *(WORDS[f"heads.{one}"] for one in COLUMNS)]  # fmt: skip
    rows: list[list[Text]] = [
        [WORDS[f"scanner.{setting}"], *(f"{MeanStd.of(values(found, setting, one)):.2f}" for one in COLUMNS)]
        for setting in SCANNERS
    ]  # fmt: skip
    other = {one: f"{MeanStd.of(values(found, 'policy', one)).mean:.2f}" for one in ("others_flagged", "others_cleared", "more_alarms", "more_unsure")}  # fmt: skip
    about = WORDS["tables.about"].fill(**said, **other, seeds=len(found["provenance"]["seeds"]), date=run["date"])  # fmt: skip
    first = table(heads, rows, language)
    heads = [WORDS[f"heads.{one}"] for one in ("bits", *PAYLOADS, "cosine")]
    hidden: list[list[Text]] = [
        [str(bits), *(_smallest(found, f"{one}/{bits}") for one in PAYLOADS), _cosine(found, f"ciphertext/{bits}/cosine")]
        for bits in BITS
    ]  # fmt: skip
    alarms = values(found, "weights", "clean")
    weights = WORDS["tables.weights"].fill(
        clean=f"{sum(alarms):.0f}", seeds=len(alarms)
    )
    second = table(heads, hidden, language)
    return "\n".join([localize(about, language), "", *first, "", localize(weights, language), "", *second, ""])  # fmt: skip


def _smallest(found: Found, measure: str) -> Text:
    """The largest of the smallest shares that are seen, over the encoders."""
    seen = values(found, "weights", measure)
    if len(seen) < len(values(found, "weights", "clean")):
        return WORDS["tables.never"]
    return f"{max(seen):.1%}"


def _cosine(found: Found, measure: str) -> str:
    seen = values(found, "weights", measure)
    return f"{MeanStd.of(seen):.2f}" if seen else "–"


STUDY = Study(
    home=Path(__file__).parent,
    trial=Trial,
    conditions=conditions,
    measure=measured,
    prepare=prepare,
    results=results,
    headline=headline,
    tables=tables,
    version=3,
)
