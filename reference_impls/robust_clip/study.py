"""What is measured: three losses and a control on small CLIPs, on the tuned task and on unseen ones; then prompts."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.bilingual import Language, Text, Words, localize
from reference_impls.lab.data.shapes import CLASSES, TASK_NAMES, caption
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.metrics.similarity import mean_cosine_to
from reference_impls.lab.models.clip import CLIP, CLIPConfig
from reference_impls.lab.models.encoders import embed_all
from reference_impls.lab.models.fast import accelerated
from reference_impls.lab.models.zero_shot import ZeroShot, zero_shot_classifier
from reference_impls.lab.models.zoo import (
    LabData,
    clean_clip,
    studied_clip,
    test_dataset,
    train_dataset,
)
from reference_impls.lab.study.bars import bars
from reference_impls.lab.study.chart import both
from reference_impls.lab.study.headline import average, percent
from reference_impls.lab.study.options import StudyOptions
from reference_impls.lab.study.readme import table
from reference_impls.lab.study.study import Found, Study
from reference_impls.robust_clip.method import PRESETS, TuningConfig, tune
from reference_impls.robust_clip.prompts import PromptConfig, learn_prompt
from reference_impls.robust_clip.run import accuracies

WORDS = Words.beside(__file__)
TUNED, UNSEEN = "texture", ("foreground", "background", "size")
PROMPTED = ("tecoa", "fare")
"""Image towers that are given learned prompts, too; the first is the paper's base."""
OTHERS = {"size": "small", "foreground": "red", "shape": "circle", "background": "blue"}
"""The other words of the one hand-written prompt."""
PROMPTS = {
    "clean-16": PromptConfig(attack=Budget(epsilon=0)),
    "apt-1": PromptConfig(shots=1),
    "apt-4": PromptConfig(shots=4),
    "apt-16": PromptConfig(),
}
"""Learned prompts; the first never sees an attack."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One way of tuning one CLIP."""

    tuning: str
    clip: CLIPConfig
    config: TuningConfig | None
    prompts: tuple[PromptConfig, ...]
    attack: Budget
    images: int

    @property
    def name(self) -> str:
        """For progress."""
        return f"{self.tuning}, seed {self.clip.seed}"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Accuracies of one tuned CLIP on one task."""

    tuning: str
    prompt: str
    """`captions`: the mean of 64 of each class."""
    task: str
    seed: int
    clean: float
    robust: float
    kept: float
    """Mean cosine of clean images' embeddings to those of the untuned CLIP."""
    seconds: float
    """Processor seconds of tuning the image tower."""


def conditions(options: StudyOptions) -> list[Condition]:
    """Every way on every CLIP."""
    quick = options.quick
    steps: dict[str, Any] = {"steps": 4} if quick else {}
    return [
        Condition(
            tuning=tuning,
            clip=studied_clip(seed),
            config=replace(config, seed=seed, **steps) if config else None,
            prompts=tuple(
                replace(one, seed=seed, **steps)
                for one in PROMPTS.values()
                if tuning in PROMPTED
            ),
            attack=Budget(steps=2 if quick else 10),
            images=8 if quick else 200,
        )
        for tuning, config in {"none": None, **PRESETS}.items()
        for seed in options.seeds_of()
    ]


def measured(condition: Condition) -> list[Trial]:
    """Tune, then attack the first test images of every task."""
    lab = LabData()
    clip, train = clean_clip(condition.clip, lab), train_dataset(lab)
    test = test_dataset(lab).first(condition.images)
    started, tower = time.process_time(), clip.image
    if condition.config:
        base = zero_shot_classifier(tower, clip.embed_text, train, TUNED)
        tower = tune(base, train, TUNED, condition.config)
    seconds, tower = time.process_time() - started, accelerated(tower)
    before, after = (embed_all(one, test.images_N3HW) for one in (clip.image, tower))

    def trial(prompt: str, task: str, classifier: ZeroShot) -> Trial:
        found = accuracies(
            classifier, test.images_N3HW, test.labels[task], condition.attack
        )
        return Trial(
            tuning=condition.tuning,
            prompt=prompt,
            task=task,
            seed=condition.clip.seed,
            clean=found[0],
            robust=found[1],
            kept=round(mean_cosine_to(after, before).item(), 4),
            seconds=round(seconds, 1),
        )

    classifiers = {
        task: zero_shot_classifier(tower, clip.embed_text, train, task)
        for task in (TUNED, *UNSEEN)
    }
    trials = [trial("captions", *one) for one in classifiers.items()]
    if condition.prompts:
        prompted = _prompted(classifiers[TUNED], clip, condition)
        trials += [trial(prompt, TUNED, one) for prompt, one in prompted]
    return trials


def _prompted(
    classifier: ZeroShot, clip: CLIP, condition: Condition
) -> Iterator[tuple[str, ZeroShot]]:
    """The classifier with one hand-written prompt, and with learned ones."""
    captions = [caption(**OTHERS, texture=name) for name in CLASSES[TUNED]]
    yield "hand", replace(classifier, classes_CD=clip.embed_text(captions))
    train = train_dataset(LabData())
    for name, config in zip(PROMPTS, condition.prompts, strict=True):
        learned = learn_prompt(classifier, clip.text, captions, train, TUNED, config)
        yield name, learned


# -- What the trials say -------------------------------------------------------------


def results(trials: Sequence[Trial], asked: Sequence[Condition]) -> Found:
    """All trials, and the settings that they share."""
    one = asked[0]
    settings = {name: getattr(one, name) for name in ("images", "clip", "attack")}
    tunings = {one.tuning: one.config for one in asked if one.config}
    return {"settings": settings | {"tunings": tunings}, "rows": trials}


def figures(
    found: Found, name: str, tuning: str, *tasks: str, prompt: str = "captions"
) -> list[float]:
    """One figure of each CLIP, the mean over tasks."""
    by_seed: dict[int, list[float]] = {}
    for one in STUDY.read(found["rows"]):
        if (one.tuning, one.prompt) == (tuning, prompt) and one.task in tasks:
            by_seed.setdefault(one.seed, []).append(getattr(one, name))
    return [mean(values) for values in by_seed.values()]


def headline(found: Found) -> list[dict[str, Any]]:
    """Robust accuracy on unseen tasks, and of a learned prompt, each beside its controls."""
    told = []
    for tuning in ("tecoa", "pmg-aft", "fare"):
        setting = WORDS["headline.unseen_setting"].fill(
            clean=average(figures(found, "clean", tuning, *UNSEEN)),
            before=average(figures(found, "clean", "none", *UNSEEN)),
            robust=average(figures(found, "robust", "none", *UNSEEN)),
            seen=average(figures(found, "robust", tuning, TUNED)),
        )
        label = WORDS["headline.unseen"].fill(tuning=WORDS[f"tunings.{tuning}"])
        robust = figures(found, "robust", tuning, *UNSEEN)
        told.append(percent(label, robust, better="higher", setting=setting))
    values = {
        prompt: figures(found, "robust", PROMPTED[0], TUNED, prompt=prompt)
        for prompt in ("hand", "clean-16", "captions", "apt-16")
    }
    beside = {name.replace("-", "_"): average(one) for name, one in values.items()}
    setting = WORDS["headline.prompt_setting"].fill(**beside)
    label, learned = WORDS["headline.prompt"], values["apt-16"]
    return [*told, percent(label, learned, better="higher", setting=setting)]


def tables(found: Found, language: Language) -> str:
    """Image towers by task, then prompts."""
    run, settings = found["run"], found["settings"]
    rows: list[list[Text]] = []
    for tuning in ("none", *PRESETS):
        cells = [
            f"{MeanStd.of(figures(found, name, tuning, task)):.2f}"
            for task in (TUNED, *UNSEEN)
            for name in ("clean", "robust")
        ]
        kept = f"{mean(figures(found, 'kept', tuning, TUNED)):.2f}"
        rows.append([WORDS[f"tunings.{tuning}"], *cells, kept])
    heads: list[Text] = [
        WORDS[f"heads.{name}"].fill(task=TASK_NAMES[task])
        for task in (TUNED, *UNSEEN)
        for name in ("clean", "robust")
    ]
    towers = table([WORDS["heads.tuning"], *heads, WORDS["heads.kept"]], rows, language)
    prompts: list[list[Text]] = [
        [
            WORDS[f"prompts.{prompt}"],
            *(
                f"{MeanStd.of(figures(found, name, tuning, TUNED, prompt=prompt)):.2f}"
                for tuning in PROMPTED
                for name in ("clean", "robust")
            ),
        ]
        for prompt in ("captions", "hand", *PROMPTS)
    ]
    towers_of: list[Text] = [
        WORDS[f"heads.{name}"].fill(task=WORDS[f"tunings.{tuning}"])
        for tuning in PROMPTED
        for name in ("clean", "robust")
    ]
    words = table([WORDS["heads.prompt"], *towers_of], prompts, language)
    about = WORDS["tables.about"].fill(
        seeds=len(found["provenance"]["seeds"]),
        images=settings["images"],
        levels=f"{255 * settings['attack']['epsilon']:.0f}",
        steps=settings["attack"]["steps"],
        date=run["date"],
        torch=run["versions"].get("torch", "?"),
        seconds=f"{max(row['seconds'] for row in found['rows']):.0f}",
    )
    below = localize(WORDS["tables.prompts"], language)
    lines = [localize(about, language), "", *towers, "", below, "", *words, ""]
    return "\n".join(lines)


def charts(found: Found) -> dict[str, str]:
    """Accuracy on the tuned task and on unseen ones."""
    shown = [
        (
            WORDS[f"tunings.{tuning}"],
            [
                mean(figures(found, name, tuning, *tasks))
                for tasks in ((TUNED,), UNSEEN)
                for name in ("clean", "robust")
            ],
        )
        for tuning in ("none", *PRESETS)
    ]
    names = [*WORDS.group("measures").values()]
    title, about = WORDS["chart.title"], WORDS["chart.about"]
    return both("results", partial(bars, shown, names, title=title, about=about))


STUDY = Study(
    home=Path(__file__).parent,
    trial=Trial,
    conditions=conditions,
    measure=measured,
    results=results,
    headline=headline,
    tables=tables,
    charts=charts,
)
