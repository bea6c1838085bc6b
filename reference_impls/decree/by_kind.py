"""What the encoders of `transfer.py` say of thresholds: figures, tables and a chart, from trials alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from reference_impls.decree.attractor import SelfComparison
from reference_impls.decree.calibration import (
    CLEAN_FRACTION,
    ENOUGH,
    PAPER,
    Kind,
    calibrate,
)
from reference_impls.decree.config import ROBUST
from reference_impls.decree.separation import area_under_curve
from reference_impls.decree.verdict import ALARM, CALM, Answer, Limits, judge
from reference_impls.lab.bilingual import Bilingual, Language, Text, Words, localize
from reference_impls.lab.metrics.intervals import exact_binomial
from reference_impls.lab.study.headline import figure
from reference_impls.lab.study.readme import table

LEAST_SUCCESS_RATE = 0.95
"""Attacks below this are no working backdoors and are left out."""
KINDS = {
    "resnet": Kind(architecture="batchnorm", size=32),
    "groupnorm": Kind(architecture="convolutions", size=32),
    "mobilenet": Kind(architecture="depthwise-batchnorm", size=32),
    "convnext": Kind(architecture="depthwise", size=32),
    "vit": Kind(architecture="transformer", size=32),
}
WORDS = Words.beside(__file__)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What was found in one encoder."""

    name: str
    family: str
    objective: str
    pictures: str
    role: str
    """`clean`, `backdoored`, or `double`: two backdoors."""
    trigger: str | None
    """The planted triggers; none for a clean encoder."""
    success: float | None
    """Attack success rate of the (weaker) backdoor, in [0, 1]."""
    clean_success: float | None
    """Of the same patch on the clean encoder."""
    sizes: tuple[float | None, ...]
    """PL1 of the smallest patch towards each attractor, the smallest first; empty where no trigger was found."""
    stubbornness: tuple[float, ...]
    """As in `attractor.SelfComparison`."""
    searched: float | None
    """PL1 of the search alone; none where it found no trigger."""
    seconds: tuple[float, float]
    """Processor time of the search, and of the comparison."""

    @property
    def score(self) -> float | None:
        """PL1."""
        return self.sizes[0] if self.sizes else None

    @property
    def works(self) -> bool:
        """Whether it counts: clean, or with backdoors that work."""
        return self.success is None or self.success >= LEAST_SUCCESS_RATE


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Verdicts on clean and on backdoored encoders, counted."""

    clean: int
    false_alarms: int
    clean_undecided: int
    backdoored: int
    missed: int
    backdoored_undecided: int


def tally(trials: Sequence[Trial], answer: Callable[[Trial], Answer]) -> Tally:
    """Count what a rule says of working trials."""
    said = {
        role: [answer(one) for one in trials if one.role == role and one.works]
        for role in ("clean", "backdoored")
    }
    clean, bad = said["clean"], said["backdoored"]
    return Tally(
        clean=len(clean),
        false_alarms=clean.count("backdoored"),
        clean_undecided=clean.count("cannot decide"),
        backdoored=len(bad),
        missed=bad.count("no backdoor found"),
        backdoored_undecided=bad.count("cannot decide"),
    )


def alone(trial: Trial) -> Answer:
    """The verdict of `run` without any clean encoder."""
    return _judged(trial, ())


def left_out(trials: Sequence[Trial]) -> Callable[[Trial], Answer]:
    """The same with the limits that encoders of all other kinds give."""
    limits = {family: limits_without(trials, family) for family in KINDS}
    return lambda trial: _judged(trial, (), limits[trial.family])


def limits_without(trials: Sequence[Trial], family: str) -> Limits:
    """Prominence between which clean and backdoored encoders of all other kinds lie together, or between which none lies."""
    clean, bad = (
        [-likeness(o) for o in trials if o.role == role and o.works and o.family != family]
        for role in ("clean", "backdoored")
    )  # fmt: skip
    edges = max(clean, default=CALM), min(bad, default=ALARM)
    return min(edges), max(edges)


def beside_three(trials: Sequence[Trial]) -> Callable[[Trial], Answer]:
    """The verdict of `run` with three clean encoders of the same kind: the next ones in order, never itself or its parent."""
    clean = [one for one in trials if one.role == "clean"]

    def answer(trial: Trial) -> Answer:
        mates = [one for one in clean if one.family == trial.family]
        parent = trial.name.partition("+")[0]
        at = next((i for i, one in enumerate(mates) if one.name == parent), 0)
        others = [one for one in (*mates[at + 1 :], *mates[:at]) if one.name != parent]
        return _judged(trial, [one.score for one in others[:ENOUGH]])

    return answer


def _judged(
    trial: Trial, clean: Sequence[float | None], limits: Limits = (CALM, ALARM)
) -> Answer:
    comparison = _compared(trial) if trial.sizes else None
    kind = KINDS[trial.family]
    calibration = calibrate(clean, source="same kind", kind=kind) if clean else None
    return judge(
        trial.score, comparison, kind, ROBUST, calibration, limits=limits
    ).answer


def _compared(trial: Trial) -> SelfComparison:
    return SelfComparison(sizes=trial.sizes, stubbornness=trial.stubbornness)


def below(threshold: float) -> Callable[[Trial], Answer]:
    """The rule of a fixed threshold on PL1, as the search alone gives it."""

    def answer(trial: Trial) -> Answer:
        found = trial.searched is not None and trial.searched < threshold
        return "backdoored" if found else "no backdoor found"

    return answer


def foreign_threshold(trials: Sequence[Trial], family: str) -> float:
    """Tau as clean encoders of all other kinds give it."""
    others = (
        one.searched
        for one in trials
        if one.role == "clean" and one.family != family and one.searched is not None
    )
    return CLEAN_FRACTION * min(others, default=PAPER / CLEAN_FRACTION)


def area(trials: Sequence[Trial], value: Callable[[Trial], float]) -> float:
    """Area under the ROC curve of a value that is smaller in backdoored encoders; NaN without one of each."""
    clean, bad = (
        [value(one) for one in trials if one.role == role and one.works]
        for role in ("clean", "backdoored")
    )
    return area_under_curve(clean, bad)


def size_of(trial: Trial) -> float:
    """PL1, 1 where no trigger was found."""
    return 1.0 if trial.score is None else trial.score


def likeness(trial: Trial) -> float:
    """Minus the prominence; 0 where no trigger was found, and in the middle what has none."""
    if not trial.sizes:
        return 0.0
    prominence = _compared(trial).prominence
    return -(ALARM if prominence is None else prominence)


# -- What the trials say -------------------------------------------------------------


def results(trials: Sequence[Trial], known: Collection[str]) -> dict[str, Any]:
    """Per kind, in all, and on fresh encoders alone: how each rule does.

    Fresh are those whose names were not `known` when the rule was set.
    """
    kinds = []
    for family in (k for k in KINDS if any(one.family == k for one in trials)):
        own = [one for one in trials if one.family == family]
        threshold = foreign_threshold(trials, family)
        kinds.append(
            {
                "kind": family,
                "dropped": sum(o.role == "backdoored" and not o.works for o in own),
                "area_size": area(own, size_of),
                "area_prominence": area(own, likeness),
                "limits": limits_without(trials, family),
                "foreign_threshold": threshold,
                "foreign": tally(own, below(threshold)),
                **_rules(own, trials),
            }
        )
    fresh = [one for one in trials if one.name not in known]
    return {
        "least_success_rate": LEAST_SUCCESS_RATE,
        "alarm": ALARM,
        "calm": CALM,
        "kinds": kinds,
        "all": _rules(trials, trials),
        "fresh": _rules(fresh, trials),
        "rows": trials,
    }


def _rules(some: Sequence[Trial], trials: Sequence[Trial]) -> dict[str, Tally]:
    return {
        "left_out": tally(some, left_out(trials)),
        "alone": tally(some, alone),
        "three": tally(some, beside_three(trials)),
        "paper": tally(some, below(PAPER)),
    }


def tables(found: Mapping[str, Any], language: Language) -> str:
    """The table by kind, and the sums with their intervals."""
    heads = list(WORDS.group("kinds.heads").values())
    rows = [_row(one) for one in found["kinds"]]
    intro = WORDS["kinds.intro"].fill(
        clean=found["all"]["alone"]["clean"],
        bad=found["all"]["alone"]["backdoored"],
        kinds=len(found["kinds"]),
        dropped=sum(one["dropped"] for one in found["kinds"]),
        rate=found["least_success_rate"],
    )
    lines = [localize(intro, language), "", *table(heads, rows, language), ""]
    for part in ("fresh", "all"):
        told = [_sum(rule, tallied) for rule, tallied in found[part].items()]
        lines += [localize(WORDS[f"kinds.{part}"], language), ""]
        lines += [*(f"- {localize(one, language)}" for one in told), ""]
    double = [read(one) for one in found["rows"] if one["role"] == "double"]
    if double := [one for one in double if one.works]:
        seen = sum(alone(one) == "backdoored" for one in double)
        told_of = WORDS["kinds.double"].fill(count=len(double), found=seen)
        lines += [localize(told_of, language), ""]
    if wrong := list(_wrong(found)):
        lines += [localize(WORDS["kinds.wrong"], language), ""]
        lines += [*(f"- {localize(one, language)}" for one in wrong), ""]
    return "\n".join(lines).rstrip() + "\n"


def read(row: Mapping[str, Any]) -> Trial:
    """A trial as JSON holds it."""
    tuples = {k: tuple(row[k]) for k in ("sizes", "stubbornness", "seconds")}
    return Trial(**{**row, **tuples})


def _row(one: Mapping[str, Any]) -> list[Text]:
    counts = one["alone"]
    return [
        WORDS[f"kinds.{one['kind']}"],
        f"{counts['clean']} / {counts['backdoored']}",
        f"{one['area_size']:.3f}",
        f"{one['area_prominence']:.3f}",
        f"{verdicts(one['left_out'])} ({one['limits'][0]:.2g}, {one['limits'][1]:.2g})",
        verdicts(counts),
        verdicts(one["three"]),
        f"{one['foreign']['false_alarms']} · {one['foreign']['missed']} ({one['foreign_threshold']:.3f})",
    ]


def verdicts(counts: Mapping[str, int]) -> str:
    """False alarms, missed and undecided ones of a tally."""
    undecided = counts["clean_undecided"] + counts["backdoored_undecided"]
    return f"{counts['false_alarms']} · {counts['missed']} · {undecided}"


def _sum(rule: str, counts: Mapping[str, int]) -> Bilingual:
    clean, bad = counts["clean"], counts["backdoored"]
    undecided = counts["clean_undecided"] + counts["backdoored_undecided"]
    return WORDS["kinds.sum"].fill(
        rule=WORDS[f"kinds.rules.{rule}"],
        alarms=_share(counts["false_alarms"], clean),
        missed=_share(counts["missed"], bad),
        undecided=_share(undecided, clean + bad),
    )


def _share(part: int, whole: int) -> Bilingual:
    low, high = exact_binomial(part, whole) if whole else (0.0, 1.0)
    return WORDS["kinds.share"].fill(part=part, whole=whole, low=low, high=high)


def _wrong(found: Mapping[str, Any]) -> Iterator[Bilingual]:
    """Every working trial that is called the wrong thing without clean encoders, by name."""
    for row in found["rows"]:
        trial = read(row)
        wrong = {"clean": "backdoored"}.get(trial.role, "no backdoor found")
        if trial.works and alone(trial) == wrong:
            yield WORDS["kinds.one"].fill(
                name=trial.name,
                score=size_of(trial),
                prominence=-likeness(trial),
                answer=WORDS[f"answers.{wrong}"],
            )


def headline(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the verdict says without clean encoders, each kind judged with the limits of all others."""
    counts = found["all"]["left_out"]
    clean, bad = counts["clean"], counts["backdoored"]
    undecided = counts["clean_undecided"] + counts["backdoored_undecided"]
    seen = bad - counts["missed"] - counts["backdoored_undecided"]

    def share(
        name: str, part: int, whole: int, better: Literal["higher", "lower"]
    ) -> dict[str, Any]:
        setting = WORDS["kinds.headline.setting"].fill(
            kinds=len(found["kinds"]),
            share=_share(part, whole),
            date=found["run"]["date"],
        )
        label, value = WORDS[f"kinds.headline.{name}"], round(100 * part / whole, 1)
        return figure(label, value, unit="%", n=whole, better=better, setting=setting)

    return [
        share("alarms", counts["false_alarms"], clean, "lower"),
        share("found", seen, bad, "higher"),
        share("undecided", undecided, clean + bad, "lower"),
    ]


def seeds(trials: Sequence[Trial]) -> list[int]:
    """Seeds of the recipes, as the names tell."""
    parents = (one.name.partition("+")[0] for one in trials)
    return sorted({int(name.rpartition("-")[2]) for name in parents})
