"""The command `run`: attack pairs of image and caption on one CLIP, and see what it does to another."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import torch
import tyro
from torch import Tensor
from torch.nn import functional as F

from reference_impls.co_attack.captions import (
    caption_sets,
    one_word_changes,
    paraphrase_clip,
)
from reference_impls.co_attack.method import PRESETS, AttackConfig, attack
from reference_impls.lab.data.dataset import CLASS, Dataset
from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.models.clip import CLIP
from reference_impls.lab.models.heads import captioned
from reference_impls.lab.models.image_text import ImageText
from reference_impls.lab.models.zoo import LabData
from reference_impls.lab.records import as_data
from reference_impls.lab.study import console
from reference_impls.lab.study.clips import lab_config, open_clip
from reference_impls.lab.study.options import DataOptions, EncoderName

CAPTIONS = 4
"""Of each image."""


@torch.no_grad()
def retrieval(
    clip: CLIP | ImageText, images_N3HW: Tensor, captions: Sequence[Sequence[str]]
) -> tuple[float, float]:
    """R@1 in [0, 1] from image to text, and from text to image; ties count against the query."""
    each = len(captions[0])
    images_ND = F.normalize(clip.image.encode(images_N3HW), dim=1)
    texts_TD = clip.embed_text([one for several in captions for one in several])
    cosines_NT = images_ND @ texts_TD.T
    own_NT = (
        torch.eye(len(images_ND), device=cosines_NT.device)
        .repeat_interleave(each, dim=1)
        .bool()
    )
    best_N = cosines_NT.masked_fill(~own_NT, -2).amax(dim=1)
    other_N = cosines_NT.masked_fill(own_NT, -2).amax(dim=1)
    own_T = cosines_NT[own_NT].view(-1)
    rival_T = cosines_NT.masked_fill(own_NT, -2).amax(dim=0)
    return (best_N > other_N).float().mean().item(), (
        own_T > rival_T
    ).float().mean().item()


def one_of_each(dataset: Dataset, count: int) -> Dataset:
    """The first images whose captions are no other's, so that each caption has one right image."""
    first: dict[str, int] = {}
    for number, caption in enumerate(dataset.captions):
        first.setdefault(caption, number)
    return dataset.take(list(first.values())[:count])


@dataclass(frozen=True, kw_only=True)
class Run(DataOptions):
    """Attack images and captions together, and measure retrieval."""

    encoder: EncoderName = "lab"
    """`lab`, `lab:SEED` (trained at first use), or a CLIP such as `open_clip:RN50/openai`."""
    presets: ClassVar[Mapping[str, AttackConfig]] = PRESETS
    preset: Literal[tuple(PRESETS)] = "sga"  # type: ignore[valid-type]
    """Settings to begin with, one row of the published table; other options change them."""
    config: Annotated[AttackConfig, tyro.conf.arg(name="")] = field(
        default_factory=AttackConfig
    )
    victim: str = ""
    """Another CLIP, to which the attack is transferred; by name, as the first one."""
    count: int = 100
    """Images to attack, each with four captions; images whose caption is another's are left out."""
    out: Path = Path("build/co_attack")
    """Folder of the figures and changed captions."""

    def __call__(self) -> int:
        """Attack, measure, write."""
        started, clip = time.monotonic(), self._open(self.encoder)
        victims = {self.encoder: clip}
        if self.victim:
            victims[self.victim] = self._open(self.victim)
        size = clip.image.size
        data = self.open_dataset(size, seed=2, count=2 * self.count)
        data = captioned(data, CLASS)
        if min(self.count, len(set(data.captions))) < 2:
            raise DatasetError(f"{data.name} gives no two images of different captions")
        if any(one.image.size != size for one in victims.values()):
            raise ConfigError(f"{self.victim} takes images of another size than {size}")
        data = one_of_each(data, self.count)
        sets = self._sets(data.captions, victims.values())
        corpus = [one for several in sets for one in several]
        changes = one_word_changes(corpus, self.config.substitutes)
        images_N3HW = data.images_N3HW.to(clip.image.device)
        with console.progress(f"attacking {len(data)} images"):
            attacked, changed = attack(clip, images_N3HW, sets, self.config, changes)
        found, lines = {}, []
        for name, one in victims.items():
            before = retrieval(one, images_N3HW, sets)
            after = retrieval(one, attacked, changed)
            found[name] = {"before": before, "after": after}
            lines.append(
                f"{name:12} image to text {before[0]:.1%} to {after[0]:.1%}, "
                f"text to image {before[1]:.1%} to {after[1]:.1%} (R@1)"
            )
        path = self.out / "retrieval.json"
        told = {"retrieval": found, "captions": sets, "changed": changed}
        lines += [
            f"for example  {sets[0][0]!r} became {changed[0][0]!r}",
            f"figures      {path}",
        ]
        return self.leave(as_data(told), lines, path, started=started)

    def _sets(
        self, captions: Sequence[str], clips: Iterable[CLIP | ImageText]
    ) -> list[tuple[str, ...]]:
        sets = caption_sets(captions, CAPTIONS, seed=self.config.seed)
        try:
            for clip in clips:
                clip.embed_text([one for several in sets for one in several])
        except DatasetError as error:
            console.say(f"note: {error}, so each image has its own caption alone")
            return [(one,) for one in captions]
        return sets

    def _open(self, name: str) -> CLIP | ImageText:
        config = lab_config(name)
        if config is None:
            return open_clip(name, self)
        with console.progress(f"training {name}, once") as step:
            clip = paraphrase_clip(config, LabData(), console.training(step))
        return CLIP(clip.image.named(name).to(self.torch_device), clip.text)
