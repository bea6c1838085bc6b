"""What is measured: membership inference on a fine-tuned CLIP, from an untouched and from a tampered one."""

from __future__ import annotations

from pathlib import Path
from statistics import mean

import torch
from torch import Generator, Tensor

from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import DatasetError
from reference_impls.lab.metrics.detection import auroc, threshold_at
from reference_impls.lab.models.zero_shot import ZeroShot
from reference_impls.lab.models.zoo import studied_clip
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import Setup
from reference_impls.lab.study.single import Column
from reference_impls.privacy_backdoor.method import (
    PRESETS,
    PrivacyBackdoorConfig,
    confidence,
    fine_tuned,
    likelihood_ratio,
)


def measure(setup: Setup, config: PrivacyBackdoorConfig) -> dict[str, float | None]:
    """Membership inference on every victim, and accuracies before and after fine-tuning.

    A quarter of the test images are candidates, a quarter others that the attacker did not expect; each victim has half
    of both. The other half measures accuracy.
    """
    test, task, seed, quarter = setup.test, setup.task, config.seed, len(setup.test) // 4  # fmt: skip
    if quarter < 2:
        raise DatasetError(f"8 test images are needed, got {len(test)}")
    pool, unseen = test.first(2 * quarter), test.take(range(2 * quarter, len(test)))
    published = setup.zero_shot(setup.original)
    if config.steps:
        aim = pool.first(quarter) if config.alpha < 1 else None
        published = fine_tuned(published, setup.train, task, config, steps=config.steps, seed=seed, candidates=aim, progress=setup.progress)  # fmt: skip
    chance, sure, members, after = Generator().manual_seed(seed), [], [], []
    for number in range(config.victims):
        halves = [torch.randperm(quarter, generator=chance)[: quarter // 2] for _ in range(2)]  # fmt: skip
        own = torch.cat([halves[0], quarter + halves[1]])
        victim = fine_tuned(published, pool.take(own), task, config, steps=config.tuning, seed=seed + 1 + number, progress=setup.progress)  # fmt: skip
        sure.append(confidence(victim, pool, task).cpu())
        members.append(torch.zeros(2 * quarter, dtype=torch.bool).index_fill(0, own, True))  # fmt: skip
        after.append(right(victim, unseen, task))
    sure_KN, members_KN = torch.stack(sure), torch.stack(members)
    ratios = []
    for number in range(config.victims):
        shadows = torch.arange(config.victims) != number
        ratios.append(likelihood_ratio(sure_KN[number], sure_KN[shadows], members_KN[shadows]))  # fmt: skip

    def told(scores_KN: Tensor, part: slice) -> tuple[Tensor, Tensor]:
        """Scores of all victims' non-members, and of their members."""
        scores, mine = scores_KN[:, part], members_KN[:, part]
        return scores[~mine], scores[mine]

    expected, others = slice(0, quarter), slice(quarter, None)
    outside, inside = told(torch.stack(ratios), expected)
    return {
        "auroc": auroc(outside, inside),
        "tpr1": (inside > threshold_at(outside, 0.01)).float().mean().item(),
        "loss": auroc(*told(sure_KN, expected)),
        "others": auroc(*told(torch.stack(ratios), others)),
        "before": right(published, unseen, task),
        "after": mean(after),
    }


@torch.no_grad()
def right(classifier: ZeroShot, images: Dataset, task: str) -> float:
    """Accuracy."""
    found_N = classifier(images.images_N3HW).argmax(dim=1)
    return (found_N == images.labels[task]).float().mean().item()


GRID = Grid(
    home=Path(__file__).parent,
    about="Tamper with a CLIP so that fine-tuning it leaks what it was fine-tuned on.",
    presets=PRESETS,
    shown="brief",
    kept=("victims", "tuning", "batch"),
    measure=measure,
    columns={name: Column(share=name in ("tpr1", "before", "after")) for name in ("auroc", "tpr1", "loss", "others", "before", "after")},
    told=[Told(preset="backdoor", measure=one, better="higher") for one in ("auroc", "tpr1")],
    chart=("auroc", "tpr1", "after"),
    tasks=("foreground",),
    model=studied_clip,
    images=512,
    quick={"steps": 2, "tuning": 2, "batch": 4, "victims": 3},
    says={"victims": PRESETS["backdoor"].victims},
    examples=["", "--preset backdoor --tuning 30"],
    smoke="--steps 2 --tuning 2 --batch 4 --victims 3",
)  # fmt: skip
