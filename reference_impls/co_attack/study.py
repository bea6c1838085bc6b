"""What is measured: every attack on small CLIPs, and on others that it was not made for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any, Literal

from reference_impls.co_attack.captions import (
    caption_sets,
    one_word_changes,
    paraphrase_clip,
)
from reference_impls.co_attack.method import PRESETS, AttackConfig, attack
from reference_impls.co_attack.run import CAPTIONS, one_of_each, retrieval
from reference_impls.lab.bilingual import Language, Text, Words, localize
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.models.clip import CLIPConfig
from reference_impls.lab.models.transformer import SmallTransformerConfig
from reference_impls.lab.models.zoo import LabData, studied_clip, test_dataset
from reference_impls.lab.study.bars import bars
from reference_impls.lab.study.chart import both
from reference_impls.lab.study.headline import average, percent
from reference_impls.lab.study.options import StudyOptions
from reference_impls.lab.study.readme import table
from reference_impls.lab.study.study import Found, Study

WORDS = Words.beside(__file__)
Victim = Literal["itself", "seed", "transformer"]
VICTIMS: tuple[Victim, ...] = ("itself", "seed", "transformer")
"""The CLIP that was attacked, one of another seed, one of another architecture."""
LEVELS = (2, 4, 8)
"""Budgets of the image, of 255; the headline takes the last, which told attacks apart best on CLIP 10."""
COLUMNS: tuple[tuple[Victim, int], ...] = (
    *(("itself", levels) for levels in LEVELS),
    ("seed", LEVELS[-1]),
    ("transformer", LEVELS[-1]),
)
"""Of the table."""


def clip_config(victim: Victim, seed: int) -> CLIPConfig:
    """How a CLIP of the study is trained."""
    if victim == "transformer":
        net = SmallTransformerConfig(embedding=64)
        return CLIPConfig(
            net=net, steps=250, learning_rate=2e-3, batch=128, bf16=False, seed=seed
        )
    other = 100 * (victim == "seed")
    return studied_clip(seed + other)


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One attack made on one CLIP."""

    preset: str
    config: AttackConfig
    clips: dict[Victim, CLIPConfig]
    images: int

    @property
    def name(self) -> str:
        """For progress."""
        levels = 255 * self.config.budget.epsilon
        return f"{self.preset}, {levels:.0f}/255, seed {self.config.seed}"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What one attack did to one CLIP: R@1 in [0, 1]."""

    preset: str
    victim: str
    levels: int
    """Budget of the image, of 255."""
    seed: int
    clean_texts: float
    """From image to text, without an attack."""
    clean_images: float
    """From text to image."""
    texts: float
    """From image to text, both attacked."""
    images: float
    seconds: float
    """Processor seconds of the attack."""


def conditions(options: StudyOptions) -> list[Condition]:
    """Every attack on every CLIP."""
    quick = options.quick
    return [
        Condition(
            preset=preset,
            config=replace(
                config, seed=seed, budget=replace(config.budget, epsilon=levels / 255)
            ),
            clips={victim: clip_config(victim, seed) for victim in VICTIMS},
            images=8 if quick else 100,
        )
        for preset, config in PRESETS.items()
        for levels in (LEVELS[-1:] if quick else LEVELS)
        for seed in options.seeds_of()
    ]


def measured(condition: Condition) -> list[Trial]:
    """Attack the first test images and their captions."""
    lab, config = LabData(), condition.config
    clips = {name: paraphrase_clip(one, lab) for name, one in condition.clips.items()}
    data = one_of_each(test_dataset(lab), condition.images)
    sets = caption_sets(data.captions, CAPTIONS, seed=lab.seed + 1)
    corpus = [one for several in sets for one in several]
    changes, started = one_word_changes(corpus, config.substitutes), time.process_time()
    attacked, changed = attack(clips["itself"], data.images_N3HW, sets, config, changes)
    seconds = round(time.process_time() - started, 1)
    trials = []
    for victim, clip in clips.items():
        clean = retrieval(clip, data.images_N3HW, sets)
        after = retrieval(clip, attacked, changed)
        texts, images = (round(one, 4) for one in after)
        trials.append(
            Trial(
                preset=condition.preset,
                victim=victim,
                levels=round(255 * config.budget.epsilon),
                seed=config.seed,
                clean_texts=round(clean[0], 4),
                clean_images=round(clean[1], 4),
                texts=texts,
                images=images,
                seconds=seconds,
            )
        )
    return trials


# -- What the trials say -------------------------------------------------------------


def results(trials: Sequence[Trial], asked: Sequence[Condition]) -> Found:
    """All trials, and the settings of each attack."""
    one = asked[0]
    attacks = {condition.preset: condition.config for condition in asked}
    settings = {"images": one.images, "captions": CAPTIONS, "clips": one.clips}
    return {"settings": settings | {"attacks": attacks}, "rows": trials}


def groups(found: Found) -> dict[tuple[str, str, int], list[Trial]]:
    """Trials by attack, victim and budget, one for each seed."""
    grouped: dict[tuple[str, str, int], list[Trial]] = {}
    for one in STUDY.read(found["rows"]):
        grouped.setdefault((one.preset, one.victim, one.levels), []).append(one)
    return grouped


def headline(found: Found) -> list[dict[str, Any]]:
    """What is still found under SGA, beside Co-Attack, its parts, and no attack."""
    grouped, told, levels = groups(found), [], LEVELS[-1]
    for victim in VICTIMS:
        beside = {
            name.replace("-", "_"): average(
                [one.texts for one in grouped[name, victim, levels]]
            )
            for name in ("noise", "image", "text", "co-attack")
        }
        trials = grouped["sga", victim, levels]
        clean = average([one.clean_texts for one in trials])
        setting = WORDS["headline.setting"].fill(clean=clean, levels=levels, **beside)
        label = WORDS["headline.found"].fill(victim=WORDS[f"victims.{victim}"])
        shares = [one.texts for one in trials]
        told.append(percent(label, shares, better="lower", setting=setting))
    return told


def tables(found: Found, language: Language) -> str:
    """R@1 under every attack, from image to text and from text to image."""
    run, settings, grouped = found["run"], found["settings"], groups(found)

    def cells(name: str, *measures: str) -> list[Text]:
        return [
            " · ".join(
                f"{MeanStd.of([getattr(one, m) for one in grouped[name, *column]]):.2f}"
                for m in measures
            )
            for column in COLUMNS
        ]

    clean = cells("sga", "clean_texts", "clean_images")
    rows = [[WORDS["attacks.none"], *clean]] + [
        [WORDS[f"attacks.{name}"], *cells(name, "texts", "images")]
        for name in dict.fromkeys(preset for preset, *_ in grouped)
    ]
    about = WORDS["tables.about"].fill(
        seeds=len(found["provenance"]["seeds"]),
        images=settings["images"],
        captions=settings["captions"],
        steps=settings["attacks"]["sga"]["budget"]["steps"],
        seconds=f"{max(row['seconds'] for row in found['rows']):.1f}",
        date=run["date"],
        torch=run["versions"].get("torch", "?"),
    )
    heads = [WORDS["tables.attack"]] + [
        WORDS["tables.column"].fill(victim=WORDS[f"victims.{victim}"], levels=levels)
        for victim, levels in COLUMNS
    ]
    lines = table(heads, rows, language)
    return "\n".join([localize(about, language), "", *lines, ""])


def charts(found: Found) -> dict[str, str]:
    """What is still found from image to text, on each CLIP."""
    grouped = groups(found)
    shown = [
        (
            WORDS[f"attacks.{name}"],
            [mean(one.texts for one in grouped[name, v, LEVELS[-1]]) for v in VICTIMS],
        )
        for name in dict.fromkeys(preset for preset, *_ in grouped)
    ]
    measures = [WORDS[f"victims.{one}"] for one in VICTIMS]
    title, about = WORDS["chart.title"], WORDS["chart.about"]
    return both("results", partial(bars, shown, measures, title=title, about=about))


STUDY = Study(
    home=Path(__file__).parent,
    trial=Trial,
    conditions=conditions,
    measure=measured,
    chain=lambda condition: condition.config.seed,
    results=results,
    headline=headline,
    tables=tables,
    charts=charts,
)
