"""A downstream model: an encoder, its normalisation, and a head with class names.

Shape letters: B batch, 3 colour channels, H and W pixels, D embedding width, C classes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from reference_impls.gen_af.config import HardenConfig
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import ConfigError, DatasetError, EncoderError
from reference_impls.lab.models.encoders import Encoder, save_weights
from reference_impls.lab.models.tensor_files import write_tensors
from reference_impls.lab.models.training import seeded

HEAD_FORMAT = "gen-af-head-1"


class Outputs(NamedTuple):
    """What the model says of a batch."""

    embeddings_BD: Tensor
    logits_BC: Tensor


class Downstream(nn.Module):
    """Images in [0, 1] to embeddings and logits; normalises inside, for training and attack alike."""

    def __init__(self, encoder: Encoder, head: nn.Sequential) -> None:
        """Around an encoder's own module, which training will change."""
        super().__init__()
        self.about = encoder
        self.encoder = encoder.module
        self.head: nn.Sequential = head

    def forward(self, images_B3HW: Tensor) -> Outputs:
        """Embeddings (B, D) and logits (B, C)."""
        embeddings_BD = self.about.encode(images_B3HW)
        return Outputs(embeddings_BD, self.head(embeddings_BD))

    def logits(self, images_B3HW: Tensor) -> Tensor:
        """Logits (B, C): what an attacker attacks."""
        outputs: Outputs = self(images_B3HW)
        return outputs.logits_BC

    @property
    def device(self) -> torch.device:
        """Where its parameters live."""
        return self.about.device

    def deployed(self) -> Downstream:
        """Itself in eval mode and without gradients."""
        self.eval().requires_grad_(False)
        return self


def build(encoder: Encoder, classes: int, config: HardenConfig) -> Downstream:
    """A copy of the encoder under a new head; the same for the same seed."""

    def new_head() -> nn.Sequential:
        if config.method == "linear-probe":
            return nn.Sequential(nn.Linear(encoder.dimension, classes))
        return mlp_head(encoder.dimension, config.hidden, classes, config.dropout)

    head = seeded(new_head, config.seed)
    return Downstream(encoder.copy(), head.to(encoder.device))


def mlp_head(
    width: int, hidden: tuple[int, int], classes: int, dropout: float = 0.0
) -> nn.Sequential:
    """Linear, ReLU, dropout, linear, ReLU, linear, as in the published program."""
    first, second = hidden
    return nn.Sequential(
        nn.Linear(width, first),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(first, second),
        nn.ReLU(),
        nn.Linear(second, classes),
    )


# -- The downstream task -------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class Task:
    """Labelled images of one downstream task."""

    name: str
    """Name of the task in its dataset."""
    classes: tuple[str, ...]
    """Their names; labels are indices into it."""
    images_N3HW: Tensor
    """float32 in [0, 1]."""
    labels_N: Tensor
    """int64 (N,)."""

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images_N3HW)

    def part(self, start: int, end: int) -> Task:
        """Images `start` to `end`."""
        return replace(
            self,
            images_N3HW=self.images_N3HW[start:end],
            labels_N=self.labels_N[start:end],
        )

    def split(self, share: float) -> tuple[Task, Task]:
        """The task without and with its last `share` of images."""
        kept = len(self) - max(1, round(share * len(self)))
        return self.part(0, kept), self.part(kept, len(self))

    def batches(self, size: int = 256) -> Iterator[tuple[Tensor, Tensor]]:
        """Images and labels in order."""
        return iter(
            zip(self.images_N3HW.split(size), self.labels_N.split(size), strict=True)
        )


def task_of(dataset: Dataset, name: str) -> Task:
    """A dataset's task.

    Raises:
        ConfigError: the dataset has no such task.
        DatasetError: all its images have one label, or a label has no class.
    """
    if name not in dataset.labels:
        known = ", ".join(sorted(dataset.labels)) or "none: it has no labels"
        raise ConfigError(f"{dataset.name} has no task {name!r}; it has {known}")
    labels_N, classes = dataset.labels[name], dataset.classes[name]
    seen = labels_N.unique().tolist()
    if len(seen) < 2 or len(classes) < 2:
        only = classes[seen[0]] if 0 <= seen[0] < len(classes) else seen[0]
        raise DatasetError(
            f"all {len(dataset)} images of {dataset.name} are {only!r} in task {name!r}; "
            "a classifier needs two classes"
        )
    if min(seen) < 0 or max(seen) >= len(classes):
        wrong = max(seen) if max(seen) >= len(classes) else min(seen)
        raise DatasetError(
            f"label {wrong} of {dataset.name} lies outside the head: task {name!r} has "
            f"{len(classes)} classes, 0 to {len(classes) - 1}"
        )
    return Task(
        name=name, classes=classes, images_N3HW=dataset.images_N3HW, labels_N=labels_N
    )


# -- Files ---------------------------------------------------------------------------


def save(model: Downstream, classes: tuple[str, ...], task: str, folder: Path) -> None:
    """Write `encoder.safetensors` and `head.safetensors`; neither can hold code."""
    save_weights(model.about, folder / "encoder.safetensors")
    save_head(model, classes, task, folder)


def save_head(
    model: Downstream, classes: tuple[str, ...], task: str, folder: Path
) -> None:
    """Write `head.safetensors`, with what its encoder is."""
    encoder = model.about
    linear = [part for part in model.head if isinstance(part, nn.Linear)]
    about = {
        "format": HEAD_FORMAT,
        "task": task,
        "classes": classes,
        "widths": [linear[0].in_features, *(part.out_features for part in linear)],
        "encoder": encoder.name,
        "size": encoder.size,
        "mean": encoder.mean,
        "std": encoder.std,
    }
    state = {key: part.contiguous() for key, part in model.head.state_dict().items()}
    told = {"gen-af": json.dumps(about)}
    write_tensors(state, folder / "head.safetensors", told)


def load(encoder: Encoder, path: Path) -> tuple[Downstream, str, tuple[str, ...]]:
    """The model of an encoder and a head's file, its task and its classes.

    Raises:
        EncoderError: no head's file, or it belongs to another architecture.
    """
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("gen-af", "{}"))
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
    except FileNotFoundError as error:
        raise EncoderError(f"no head {path}") from error
    except (SafetensorError, OSError, json.JSONDecodeError) as error:
        raise EncoderError(
            f"{path} is no readable safetensors file: {error}"
        ) from error
    if about.get("format") != HEAD_FORMAT:
        raise EncoderError(f"{path} is no head that `run` wrote")
    width, *hidden, classes = about["widths"]
    if width != encoder.dimension or about["size"] != encoder.size:
        raise EncoderError(
            f"{path} belongs to another architecture: its encoder turns {about['size']} px "
            f"images into {width} numbers, {encoder.name} turns {encoder.size} px into "
            f"{encoder.dimension}"
        )
    head = (
        mlp_head(width, (hidden[0], hidden[1]), classes)
        if hidden
        else nn.Sequential(nn.Linear(width, classes))
    )
    head.load_state_dict(state)
    behind = replace(encoder, mean=tuple(about["mean"]), std=tuple(about["std"]))
    model = Downstream(behind, head.to(encoder.device)).deployed()
    return model, about["task"], tuple(about["classes"])
