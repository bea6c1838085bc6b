"""How far a threshold carries: encoders of other architectures, pre-trained otherwise, on other pictures.

Each kind of encoder is left out in turn; thresholds come from the others, or were fixed before any of them was made.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from reference_impls.badencoder.method import BadEncoderConfig, attack, measure
from reference_impls.decree.attractor import compare_with_itself
from reference_impls.decree.by_kind import Trial
from reference_impls.decree.config import ROBUST, DecreeConfig
from reference_impls.decree.population import KINDS, PLACES
from reference_impls.decree.search import invert_triggers, smallest
from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.data.images import TriggerSpec
from reference_impls.lab.models.encoders import Encoder, save_weights
from reference_impls.lab.models.families import (
    FAMILIES,
    OBJECTIVES,
    PICTURES,
    TASKS,
    Family,
    Pictures,
    Recipe,
    clean,
    pictures,
    restore,
)
from reference_impls.lab.models.fast import accelerated
from reference_impls.lab.records import write_json
from reference_impls.lab.study.options import StudyOptions

Role = Literal["clean", "backdoored", "double"]

SIDES = (5, 6, 7, 4)
"""Of triggers, in pixels of 32: at most 4.8 % of the image."""
STEPS = {"simclr": (120, 200, 320), "supervised": (80, 160, 320), "masked": (240, 360, 480), "clip": (120, 200, 320)}  # fmt: skip
"""Lengths of pre-training, in turn, so that the sizes of clean encoders' patches spread."""
RATE = 4e-3
"""Learning rate of the attack."""
SEEN = 113
"""Conditions whose encoders were made before the rule of `verdict.py` was committed as it is; the others are fresh."""
CLEAN = 16
"""Clean encoders of each family; those that are not pre-trained by masking are attacked, too, where a reference
image cannot be hit as well, and the first carries two backdoors once more."""

STRONGER = 5
"""Further backdoored encoders of each family."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One encoder."""

    role: Role
    """`double` carries two backdoors."""
    recipe: Recipe
    """How it is pre-trained."""
    attacks: tuple[BadEncoderConfig, ...] = ()
    """Each on what the one before made."""
    config: DecreeConfig = ROBUST
    """Of the scan."""

    @property
    def name(self) -> str:
        """Unique."""
        return "+".join([self.recipe.name, *(str(one.trigger) for one in self.attacks)])


def population(options: StudyOptions) -> list[Condition]:
    """All encoders, in an order in which every beginning is balanced; `--quick` takes two of each kind."""
    every = [*_in_turn(_family), *_in_turn(_stronger)]
    if options.quick:
        return every[: 2 * len(FAMILIES)]
    seeds = set(options.seeds)
    return [one for one in every if not seeds or one.recipe.seed in seeds]


def _in_turn(made: Callable[[Family, int], Iterator[Condition]]) -> list[Condition]:
    waiting = [made(family, number) for number, family in enumerate(FAMILIES)]
    return [one for turn in zip(*waiting, strict=True) for one in turn]


def _family(family: Family, number: int) -> Iterator[Condition]:
    recipes = []
    for i in range(CLEAN):
        objective = OBJECTIVES[(i + number) % len(OBJECTIVES)]
        kind = PICTURES[(i // len(OBJECTIVES) + number) % len(PICTURES)]
        steps = STEPS[objective][i % 3]
        seed = 1000 * (number + 1) + i
        recipes.append(Recipe(family=family, objective=objective, pictures=kind, steps=steps, seed=seed))  # fmt: skip
    for i, recipe in enumerate(recipes):
        yield Condition(role="clean", recipe=recipe)
        if recipe.objective != "masked":
            yield Condition(role="backdoored", recipe=recipe, attacks=(_attack(recipe, i),))  # fmt: skip
    first = next(one for one in recipes if one.objective != "masked")
    pair = _attack(first, 0), _attack(first, 2)
    yield Condition(role="double", recipe=first, attacks=pair)


def _stronger(family: Family, number: int) -> Iterator[Condition]:
    """Backdoored encoders of parents of their own, by attacks that seldom fail; appended when the rule was long fixed."""
    ways = [(o, p) for p in PICTURES for o in OBJECTIVES if o != "masked"]
    for i in range(STRONGER):
        objective, kind = ways[(i + number) % len(ways)]
        steps, seed = STEPS[objective][i % 3], 1000 * (number + 1) + 100 + i
        recipe = Recipe(family=family, objective=objective, pictures=kind, steps=steps, seed=seed)  # fmt: skip
        trigger = TriggerSpec(
            kind="random" if kind == "leaves" else KINDS[i % 3],
            side=(7, 6)[i % 2],
            place=PLACES[(i + number) % len(PLACES)],
            seed=seed,
        )
        slow = BadEncoderConfig(trigger=trigger, steps=400, learning_rate=RATE / 2, seed=seed)  # fmt: skip
        yield Condition(role="backdoored", recipe=recipe, attacks=(slow,))


def _attack(recipe: Recipe, number: int) -> BadEncoderConfig:
    seed = recipe.seed + 100 * number
    trigger = TriggerSpec(
        kind=KINDS[seed % (2 if recipe.pictures == "leaves" else 3)],
        side=SIDES[number % len(SIDES)],
        place=PLACES[number % len(PLACES)],
        seed=seed,
    )
    return BadEncoderConfig(trigger=trigger, steps=300, learning_rate=RATE, seed=seed)  # fmt: skip


# -- Making and measuring ------------------------------------------------------------


def make(condition: Condition) -> tuple[Encoder, list[tuple[float, float]]]:
    """The encoder, and per backdoor the success rates with it and on the clean one; from the cache if there."""
    recipe = condition.recipe
    encoder = original = clean(recipe)
    if not condition.attacks:
        return encoder, []
    path = cache_folder() / "families" / f"{condition.name}-{content_key(recipe, condition.attacks)}.safetensors"  # fmt: skip
    figures = path.with_suffix(".json")
    if not figures.exists():
        shadow = pictures(recipe.pictures, recipe.count, recipe.seed)
        references = pictures(recipe.pictures, 64, recipe.seed + 2).images_N3HW
        test = pictures(recipe.pictures, 512, recipe.seed + 3)
        for one in condition.attacks:
            encoder = attack(encoder, shadow, references[one.seed % 64], one)
        save_weights(encoder, path)
        reached = [
            measure(encoder, original, references[one.seed % 64], one, task=TASKS[recipe.pictures], train=shadow, test=test)
            for one in condition.attacks
        ]  # fmt: skip
        write_json([[o.attack_success_rate, o.clean_attack_success_rate] for o in reached], figures)  # fmt: skip
    rates = [(float(a), float(b)) for a, b in json.loads(figures.read_text("utf-8"))]
    return restore(recipe, path), rates


def measured(condition: Condition, shown: Pictures | None = None) -> list[Trial]:
    """Make the encoder, scan it with pictures like those of its pre-training or others, and compare it with itself."""
    encoder, rates = make(condition)
    recipe, started = condition.recipe, time.process_time()
    images_N3HW = pictures(shown or recipe.pictures, 512, recipe.seed + 4).images_N3HW
    subject = accelerated(encoder)
    found = smallest(invert_triggers(subject, images_N3HW, condition.config))
    searched = time.process_time()
    compared = None
    if found:
        _, compared = compare_with_itself(subject, images_N3HW, found.trigger, condition.config)  # fmt: skip
    weakest = min(rates, default=(None, None))
    return [
        Trial(
            name=condition.name,
            family=recipe.family,
            objective=recipe.objective,
            pictures=recipe.pictures,
            role=condition.role,
            trigger=" + ".join(str(one.trigger) for one in condition.attacks) or None,
            success=weakest[0],
            clean_success=weakest[1],
            sizes=compared.sizes if compared else (),
            stubbornness=compared.stubbornness if compared else (),
            searched=found.trigger.covered if found else None,
            seconds=(
                round(searched - started, 1),
                round(time.process_time() - searched, 1),
            ),
        )
    ]


def known() -> list[str]:
    """Names of the encoders that the rule may owe something to."""
    return [one.name for one in population(StudyOptions())[:SEEN]]
