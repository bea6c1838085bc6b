"""The command `run`: one detector before one CLIP, and attackers who do not know it or do."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import torch
import tyro
from torch import Generator, Tensor
from torch.nn import functional as F

from reference_impls.adversarial_detection.method import (
    PRESETS,
    DetectorConfig,
    Scene,
    Score,
    detector,
)
from reference_impls.lab.attacks.adaptive import evade
from reference_impls.lab.attacks.auto_pgd import auto_pgd
from reference_impls.lab.attacks.pgd import Budget, ascend, pgd
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import DatasetError
from reference_impls.lab.metrics.detection import auroc, threshold_at
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.fast import accelerated
from reference_impls.lab.models.heads import captioned
from reference_impls.lab.models.zero_shot import (
    EmbedText,
    ZeroShot,
    task_of,
    zero_shot_classifier,
)
from reference_impls.lab.records import as_data
from reference_impls.lab.study import console
from reference_impls.lab.study.clips import open_clip
from reference_impls.lab.study.options import DataOptions, EncoderName

FALSE_ALARMS = 0.05


@dataclass(frozen=True, kw_only=True)
class Detection:
    """What a detector makes of one attack; shares in [0, 1]."""

    attack: str
    """`noise` is none: random signs of the same size, all of which are judged."""
    fooled: float
    """Of images that the victim names right, those that it no longer does."""
    auroc: float | None
    """Of fooling images against the clean ones; none if nothing is fooled."""
    found: float | None
    """Of fooling images, those that are flagged."""
    evaded: float
    """Of images that the victim names right, those that fool it and are not flagged."""
    false_alarms: float
    """Of clean images."""


def scene_of(
    encoder: Encoder,
    embed_text: EmbedText,
    observer: Encoder,
    train: Dataset,
    task: str,
) -> Scene:
    """What a detector may use, from a CLIP and an observer."""
    victim = zero_shot_classifier(encoder, embed_text, train, task)
    captions_ND = embed_text(captioned(train, task).captions).to(encoder.device)
    return Scene(
        victim=victim,
        observer=accelerated(observer),
        train=train,
        labels_N=train.labels[task].to(encoder.device),
        captions_ND=F.normalize(captions_ND, dim=1),
    )


def unaware(
    victim: ZeroShot, images: Tensor, labels_B: Tensor, attack: Budget
) -> dict[str, Tensor]:
    """Attacked images of each attack that knows the victim only; noise first, as the control."""
    chance = Generator().manual_seed(attack.seed)
    signs = torch.randint(2, images.shape, generator=chance).to(images) * 2 - 1
    clean_BD = victim.encoder.encode(images).detach()

    def away(changed: Tensor) -> Tensor:
        return -F.cosine_similarity(victim.encoder.encode(changed), clean_BD).sum()

    return {
        "noise": (images + attack.epsilon * signs).clamp(0, 1),
        "pgd": pgd(victim, images, labels_B, attack),
        "auto_pgd": auto_pgd(victim, images, labels_B, attack),
        "embedding": ascend(away, images, attack),
    }


@torch.no_grad()
def judged(
    victim: ZeroShot,
    suspicion: Score,
    threshold: float,
    pairs: Mapping[str, Tensor],
    clean: Tensor,
    labels_B: Tensor,
) -> list[Detection]:
    """What the detector makes of each attack on clean images that the victim names right."""
    clean_B, found = suspicion(clean), []
    alarms = (clean_B > threshold).float().mean().item()
    for name, attacked in pairs.items():
        fooled_B = victim(attacked).argmax(dim=1) != labels_B
        score_B = suspicion(attacked)
        chosen_B = fooled_B | (name == "noise")
        seen_B = score_B > threshold
        shares = {
            "fooled": fooled_B.float().mean().item(),
            "auroc": auroc(clean_B, score_B[chosen_B]) if chosen_B.any() else None,
            "found": seen_B[chosen_B].float().mean().item() if chosen_B.any() else None,
            "evaded": (fooled_B & ~seen_B).float().mean().item(),
            "false_alarms": alarms,
        }
        rounded = {k: v if v is None else round(v, 4) for k, v in shares.items()}
        found.append(Detection(attack=name, **rounded))  # type: ignore[arg-type]
    return found


def detection(
    scene: Scene,
    test: tuple[Tensor, Tensor],
    kept_N3HW: Tensor,
    config: DetectorConfig,
    attack: Budget,
    attacked: Mapping[str, Tensor],
) -> list[Detection]:
    """Of each given attack on test images and labels (named right), and of one made with the detector in view.

    The clean images kept apart standardise the signals and give the threshold; of them, too, only those count
    that the victim names right, since a doubt about the others is no false alarm.
    """
    suspicion = detector(scene, config, kept_N3HW)
    with torch.no_grad():
        threshold = threshold_at(suspicion(kept_N3HW), FALSE_ALARMS)
    longer = replace(attack, steps=2 * attack.steps, step=attack.epsilon / 5)
    pairs = {**attacked, "aware": evade(scene.victim, suspicion, *test, longer)}
    return judged(scene.victim, suspicion, threshold, pairs, *test)


def named_right(
    victim: ZeroShot, images: Tensor, labels_B: Tensor
) -> tuple[Tensor, Tensor]:
    """The images that the victim names right, and their labels.

    Raises:
        DatasetError: there is none.
    """
    with torch.no_grad():
        right_B = victim(images).argmax(dim=1) == labels_B
    if not right_B.any():
        raise DatasetError(
            f"the victim names none of {len(images)} images right; the study needs such images"
        )
    return images[right_B], labels_B[right_B]


@dataclass(frozen=True, kw_only=True)
class Run(DataOptions):
    """Put a detector before a CLIP and attack it, without and with knowledge of the detector."""

    encoder: EncoderName = "lab"
    """`lab`, `lab:SEED` (trained at first use), or a CLIP such as `open_clip:RN50/openai`."""
    presets: ClassVar[Mapping[str, DetectorConfig]] = PRESETS
    preset: Literal[tuple(PRESETS)] = "beyond"  # type: ignore[valid-type]
    """Settings to begin with, one row of the published table; other options change them."""
    config: Annotated[DetectorConfig, tyro.conf.arg(name="")] = field(
        default_factory=DetectorConfig
    )
    observer: str = "lab"
    """The encoder that looks on: `lab` (SimCLR), or any image encoder."""
    attack: Budget = field(default_factory=Budget)
    """Budget of the attackers; who knows the detector takes twice the steps toward each of three classes."""
    task: str = "foreground"
    """What is told of an image; a dataset of classes has `class` alone."""
    count: int = 40
    """Images to attack."""
    clean: int = 200
    """Other clean images that set the threshold."""
    out: Path = Path("build/adversarial_detection")
    """Folder of the figures."""

    def __call__(self) -> int:
        """Attack, judge, write."""
        started, clip = time.monotonic(), open_clip(self.encoder, self)
        encoder, observer = accelerated(clip.image), self.open_encoder(self.observer)
        train, test = (
            replace(one, images_N3HW=one.images_N3HW.to(encoder.device))
            for one in (
                self.open_dataset(encoder.size, split="train", seed=1, count=4096),
                self.open_dataset(encoder.size, seed=2, count=self.count + self.clean),
            )
        )
        task = task_of(test, self.task)
        scene = scene_of(encoder, clip.embed_text, observer, train, task)
        images, labels = test.images_N3HW, test.labels[task].to(encoder.device)
        pair, (kept, _) = (
            named_right(scene.victim, images[part], labels[part])
            for part in (slice(self.count), slice(self.count, None))
        )
        with console.progress(f"attacking {self.config.detector}"):
            attacked = unaware(scene.victim, *pair, self.attack)
            found = detection(scene, pair, kept, self.config, self.attack, attacked)
        path = self.out / "detection.json"
        lines = [
            f"{one.attack:10} fools {one.fooled:.1%}, unseen {one.evaded:.1%}; AUROC {'-' if one.auroc is None else format(one.auroc, '.3f')}"
            for one in found
        ]
        lines += [
            f"false alarms {found[0].false_alarms:.1%} of {len(pair[0])} clean images",
            f"figures  {path}",
        ]
        return self.leave(
            as_data({"attacks": found, "task": task}), lines, path, started=started
        )
