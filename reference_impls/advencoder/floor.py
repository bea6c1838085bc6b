"""AdvEncoder beside the plain universal attack, on encoders that none of its settings was chosen on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import mean

from reference_impls.advencoder.evaluate import evaluate
from reference_impls.advencoder.method import AdvEncoderConfig, attack
from reference_impls.lab.attacks.plain import BATCH, plain_attack
from reference_impls.lab.data.patches import PatchSpec
from reference_impls.lab.models.held_back import held_back
from reference_impls.lab.study.floor import (
    PLAIN,
    Change,
    Condition,
    Size,
    Trial,
    crafted,
    floor,
)


def configs(size: Size, condition: Condition) -> dict[str, AdvEncoderConfig]:
    """The method's settings by who draws, with as many steps and images as the plain attack."""
    steps = condition.plain.steps
    base = AdvEncoderConfig(seed=condition.seed, steps=steps, batch=BATCH, bf16=False)
    if isinstance(size, PatchSpec):
        base = replace(base, variant="patch", patch=size)
    else:
        base = replace(base, epsilon=size)
    return {"direct": replace(base, crafter="direct"), "generator": base}


def measured(condition: Condition) -> list[Trial]:
    """Every attack on one victim's image tower, by what it fools of an MLP head on every task."""
    encoder, draw = held_back(condition.victim).image, condition.victim.draw
    surrogate = draw(2048, seed=11)

    def attacks_of(size: Size) -> dict[str, Callable[[], Change]]:
        plain = partial(plain_attack, settings=condition.plain)
        return {
            PLAIN: partial(plain, encoder, surrogate, size),
            **{
                name: partial(attack, encoder, surrogate, config)
                for name, config in configs(size, condition).items()
            },
        }

    made = {one[:2]: one[2:] for one in crafted(attacks_of)}
    found = evaluate(
        encoder,
        {str(key): change for key, (change, _) in made.items()},
        train=draw(4096, seed=1),
        test=draw(condition.test, seed=2),
        seed=condition.seed,
    )
    rates = [(one.attack, one.fooling_rate) for one in found.outcomes if one.model == "mlp"]  # fmt: skip
    return [
        Trial(
            victim=encoder.name,
            seed=condition.seed,
            size=size,
            attack=name,
            fooled=round(mean(v for k, v in rates if k == str((size, name))), 4),
            seconds=seconds,
        )
        for (size, name), (_, seconds) in made.items()
    ]


FLOOR = floor(Path(__file__).parent, measured)
