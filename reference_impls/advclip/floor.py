"""AdvCLIP beside the plain universal attack, on CLIPs that none of its settings was chosen on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from reference_impls.advclip.downstream import Bench
from reference_impls.advclip.method import AdvCLIPConfig, attack
from reference_impls.lab.attacks.plain import plain_attack
from reference_impls.lab.data.patches import PatchSpec
from reference_impls.lab.models.held_back import held_back
from reference_impls.lab.models.image_text import ImageText
from reference_impls.lab.study.floor import (
    PLAIN,
    Change,
    Condition,
    Size,
    Trial,
    crafted,
    floor,
)


def configs(size: Size, condition: Condition) -> dict[str, AdvCLIPConfig]:
    """The method's settings by who draws; of a perturbation only the pixels themselves."""
    base = AdvCLIPConfig(seed=condition.seed)
    base = replace(base, steps=condition.steps or base.steps)
    if isinstance(size, PatchSpec):
        base = replace(base, patch=size)
        return {"direct": base, "generator": replace(base, crafter="generator")}
    return {"direct": replace(base, crafter="linf", epsilon=size)}


def measured(condition: Condition) -> list[Trial]:
    """Every attack on one victim, by what it fools of zero-shot classes, linear probe and MLP."""
    victim, draw = ImageText.of_clip(held_back(condition.victim)), condition.victim.draw
    surrogate = draw(1024, seed=5)
    texts_ND = victim.embed_text(surrogate.captions)
    bench = Bench(victim, draw(4096, seed=1), draw(condition.test, seed=2))

    def attacks_of(size: Size) -> dict[str, Callable[[], Change]]:
        plain = partial(plain_attack, texts_ND=texts_ND, settings=condition.plain)
        return {
            PLAIN: partial(plain, victim.image, surrogate, size),
            **{
                name: partial(attack, victim, surrogate, config)
                for name, config in configs(size, condition).items()
            },
        }

    return [
        Trial(
            victim=victim.name,
            seed=condition.seed,
            size=size,
            attack=name,
            fooled=round(bench.measure(change).fooling, 4),
            seconds=seconds,
        )
        for size, name, change, seconds in crafted(attacks_of)
    ]


FLOOR = floor(Path(__file__).parent, measured)
