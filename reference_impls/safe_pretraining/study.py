"""What is measured: attack success and utility of CLIPs by way of pre-training and share of poisoned pairs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from reference_impls.lab.data.poison import Poison, poisoned, success_rate
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.encoders import SmallNet, embed_all
from reference_impls.lab.models.heads import captioned, recall_at
from reference_impls.lab.models.transformer import SmallTransformer
from reference_impls.lab.models.zoo import studied_clip
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import Setup
from reference_impls.lab.study.single import Column
from reference_impls.safe_pretraining.method import PretrainingConfig, Way, pretrain

RETRIEVED = 200
"""Test pairs that retrieval searches."""


@dataclass(frozen=True, kw_only=True)
class Setting(PretrainingConfig):
    """A way of training, and what is among the pairs."""

    poison: Poison = field(default_factory=lambda: Poison(share=0.02))
    """Trigger, target and share of poisoned pairs."""


def measure(setup: Setup, setting: Setting) -> dict[str, float | None]:
    """Attack success, zero-shot accuracy, image-to-text R@1, and the share of poisoned pairs in SafeCLIP's last safe set.

    Raises:
        ConfigError: an architecture that is none of the lab's.
    """
    module = setup.clip.image.module if setup.clip else None
    if not isinstance(module, SmallNet | SmallTransformer):
        raise ConfigError("only the lab's architectures are trained from scratch here; give a lab CLIP such as lab or lab:1")  # fmt: skip
    pairs, marked_N = poisoned(captioned(setup.train, setup.task), setup.task, setting.poison, setting.seed)  # fmt: skip
    clip, safe_N = pretrain(pairs, setting, module.config, setup.progress)
    found = replace(setup, clip=clip, encoder=clip.image)
    answer, some = found.zero_shot(), setup.test.first(RETRIEVED)
    right_N = answer(setup.images_N3HW).argmax(dim=1) == setup.labels_N
    return {
        "success": success_rate(answer, setup.test, setup.task, setting.poison),
        "accuracy": right_N.float().mean().item(),
        "recall": recall_at(embed_all(clip.image, some.images_N3HW), found.embed_text(some.captions)) if some.captions else None,
        "seen": safe_N[marked_N].float().mean().item() if setting.way == "safeclip" and marked_N.any() else None,
    }  # fmt: skip


STEPS: dict[Way, int] = {"clip": 360, "views": 600, "roclip": 600, "safeclip": 240}
"""CLIP has as many as SafeCLIP with its warm-up. RoCLIP has more, since an epoch of matching teaches it little; `views` as many."""


def _at(mark: str, poison: Poison, *ways: Way) -> dict[str, Setting]:
    return {
        f"{way}{mark}": Setting(way=way, steps=STEPS[way], poison=poison)
        for way in ways
    }


SETTINGS = {
    **_at("", Poison(share=0.02), "clip", "views", "roclip", "safeclip"),
    **_at("-much", Poison(share=0.08), "clip", "safeclip"),
    **_at("-near", Poison(share=0.02, near=True), "clip", "roclip", "safeclip"),
    **_at("-clean", Poison(share=0), "clip"),
}

GRID = Grid(
    home=Path(__file__).parent,
    about="Pre-train a CLIP on pairs of which some are poisoned.",
    presets=SETTINGS,
    shown="safeclip",
    measure=measure,
    columns={"success": Column(), "accuracy": Column(), "recall": Column(), "seen": Column()},
    told=[
        Told(preset=one, measure="success", better="lower")
        for one in ("roclip", "safeclip")
    ],
    chart=("success", "accuracy", "recall"),
    tasks=("foreground",),
    model=studied_clip,
    images=400,
    quick={"steps": 4, "warmup": 2, "meet": 2, "batch": 16},
    examples=["--poison.share 0.05", "--preset roclip --every 2 --task texture"],
    smoke="--steps 2 --warmup 1 --meet 1 --batch 8",
)  # fmt: skip
