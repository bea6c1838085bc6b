"""What is measured: how often students of an attacked teacher obey, by how much of it they retrain."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from torch import Generator, Tensor

from reference_impls.badencoder.method import BadEncoderConfig, attack
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.models.encoders import Encoder, embed_all
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import Setup
from reference_impls.lab.study.single import Column
from reference_impls.latent_backdoor.method import (
    PRESETS,
    LatentConfig,
    Part,
    goal_of,
    neighbours,
    plant,
    searched_trigger,
    student,
)

PARTS: tuple[Part, ...] = ("probe", "partial", "full")


@lru_cache(maxsize=8)
def halves(train: Dataset) -> tuple[Dataset, Dataset]:
    """The attacker's pictures and the student's, at most 1024 each."""
    cut = min(1024, len(train) // 2)
    return train.first(cut), train.take(range(cut, 2 * cut))


def attacked(setup: Setup, config: LatentConfig, target: int) -> tuple[Encoder, Tensor]:
    """The teacher after the attack, and test images of other classes that a student shall take for the target."""
    teacher, (shadow, _) = setup.original or setup.encoder, halves(setup.train)
    goal = goal_of(teacher, shadow, setup.task, target, config.typical)
    others = setup.images_N3HW[setup.labels_N != target]
    if config.way == "reuse":
        baits = neighbours(others[: config.chosen], config.noise)
        tried = baits(others, Generator().manual_seed(config.seed + 1))
        return plant(teacher, shadow, goal, baits, config, setup.progress), tried
    trigger = searched_trigger(teacher, shadow, goal, config)
    tried = trigger.apply(others)
    if config.way == "none":
        return teacher, tried
    if (
        config.way == "badencoder"
    ):  # its reference is the picture of the class that a head is surest of
        reference = shadow.images_N3HW[goal.surest]
        bad = BadEncoderConfig(trigger=config.trigger, steps=config.steps, batch=config.batch, learning_rate=config.learning_rate, evasion_weight=config.evasion, bf16=False, seed=config.seed)  # fmt: skip
        return attack(teacher, shadow, reference, bad, progress=setup.progress), tried
    stamped = lambda images, _: trigger.apply(images)  # noqa: E731
    return plant(teacher, shadow, goal, stamped, config, setup.progress), tried


def measure(setup: Setup, config: LatentConfig) -> dict[str, float | None]:
    """Attack success on students of three kinds, and on a linear head of the clean teacher; accuracies of the first and last."""
    target = config.seed % len(setup.train.classes[setup.task])
    teacher, tried = attacked(setup, config, target)
    clean, (_, own) = setup.original or setup.encoder, halves(setup.train)

    def share(teacher: Encoder, part: Part) -> tuple[float | None, float]:
        """Of the attacker's inputs put into the target, and of plain test images put right."""
        encoder, head = student(teacher, own, setup.task, part, config)
        named, plain = (head.predict(embed_all(encoder, x)) if len(x) else x for x in (tried, setup.images_N3HW))  # fmt: skip
        right = (plain == setup.labels_N).float().mean().item()
        return (named == target).float().mean().item() if len(tried) else None, right

    found = {part: share(teacher, part) for part in PARTS}
    return {
        "before": share(clean, "probe")[0],
        **{part: obeyed for part, (obeyed, _) in found.items()},
        "accuracy": found["probe"][1],
        "tuned": found["full"][1],
    }


GRID = Grid(
    home=Path(__file__).parent,
    about="Plant a backdoor in a teacher, and see whether it wakes in students fine-tuned from it.",
    presets=PRESETS,
    shown="latent",
    measure=measure,
    columns={name: Column() for name in ("before", *PARTS, "accuracy", "tuned")},
    told=[
        Told(preset="latent", measure="full", better="higher"),
        Told(preset="reuse", measure="full", better="higher"),
    ],
    chart=("before", *PARTS),
    tasks=("foreground",),
    images=200,
    quick={"steps": 2, "batch": 8, "tuning": 2, "search": 2},
    examples=["", "--search 0 --task texture", "--preset reuse --tuning 200"],
    smoke="--steps 2 --batch 4 --tuning 2 --search 2",
)
