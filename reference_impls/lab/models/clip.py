"""A small CLIP: an image encoder and a text tower that share a space.

Shape letters: B batch, N pairs of a dataset, H and W pixels, D embedding width, L words of a caption.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import ConfigError, DatasetError, EncoderError
from reference_impls.lab.models.encoders import (
    Encoder,
    LabNetConfig,
    SmallNetConfig,
    load_encoder,
    save_encoder,
    small_encoder,
)
from reference_impls.lab.models.fast import in_bfloat16
from reference_impls.lab.models.tensor_files import write_tensors
from reference_impls.lab.models.training import (
    Progress,
    check_dataset,
    check_positive,
    draw_batch,
    fit,
    one_cycle_learner,
    seeded,
)


@dataclass(frozen=True, kw_only=True)
class CLIPConfig:
    """Settings of a small CLIP (Radford et al., ICML 2021) at lab scale."""

    steps: int = 400
    """Optimiser steps."""
    batch: int = 256
    """Image-caption pairs per step."""
    learning_rate: float = 3e-3
    """Peak of AdamW's one-cycle schedule."""
    net: LabNetConfig = field(default_factory=lambda: SmallNetConfig(embedding=64))
    """Architecture of the image tower; its `embedding` is the common space."""
    bf16: bool = True
    """Convolve in bfloat16, where the device does."""
    seed: int = 0
    """Of weights and batches."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_positive(steps=self.steps, batch=self.batch)
        if self.net.embedding is None:
            raise ConfigError(
                "a CLIP image tower needs net.embedding, the width of the common space"
            )


class TextTower(nn.Module):
    """Captions of a fixed number of words to embeddings: word vectors by position, then an MLP."""

    def __init__(self, words: Sequence[str], length: int, dimension: int) -> None:
        """`words` is the vocabulary, `length` the number of words of a caption."""
        super().__init__()
        self.index = {word: i for i, word in enumerate(words)}
        self.length = length
        self.words = nn.Embedding(len(words), 32)
        self.mlp = nn.Sequential(
            nn.Linear(32 * length, 128), nn.ReLU(), nn.Linear(128, dimension)
        )

    def tokens(self, captions: Sequence[str]) -> Tensor:
        """Word indices (B, L).

        Raises:
            DatasetError: an unknown word, or a caption of another length.
        """
        try:
            rows = [
                [self.index[word] for word in caption.split()] for caption in captions
            ]
        except KeyError as error:
            raise DatasetError(
                f"this text tower does not know the word {error}"
            ) from error
        if any(len(row) != self.length for row in rows):
            raise DatasetError(f"this text tower takes captions of {self.length} words")
        return torch.tensor(rows)

    def forward(self, tokens_BL: Tensor) -> Tensor:
        """Embeddings (B, D)."""
        embeddings_BD: Tensor = self.mlp(self.words(tokens_BL).flatten(1))
        return embeddings_BD


@dataclass(frozen=True, eq=False)
class CLIP:
    """An image encoder and the text tower that shares its space."""

    image: Encoder
    text: TextTower

    @torch.no_grad()
    def embed_text(self, captions: Sequence[str]) -> Tensor:
        """Unit-length embeddings (B, D) of captions."""
        embeddings_BD: Tensor = self.text(self.text.tokens(captions))
        return F.normalize(embeddings_BD, dim=1)


def clip_loss(images_BD: Tensor, texts_BD: Tensor, scale: Tensor) -> Tensor:
    """Symmetric cross entropy between each image and its text among the batch."""
    logits = scale * F.normalize(images_BD, dim=1) @ F.normalize(texts_BD, dim=1).T
    match = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, match) + F.cross_entropy(logits.T, match)) / 2


class LogScale(nn.Module):
    """CLIP's learned temperature, kept as a logarithm and at most 100."""

    def __init__(self) -> None:
        """Start at 1 / 0.07, as CLIP does."""
        super().__init__()
        self.value = nn.Parameter(torch.tensor(1 / 0.07).log())

    def forward(self) -> Tensor:
        """The factor on the cosines."""
        return self.value.exp().clamp(max=100)


def train_clip(
    dataset: Dataset,
    config: CLIPConfig = CLIPConfig(),
    *,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> CLIP:
    """A clean image-text model trained on captioned images; the same for the same seed."""
    check_dataset(dataset, config.batch)
    if not dataset.captions:
        raise DatasetError(f"{dataset.name} has no captions; a CLIP needs them")
    image = small_encoder(
        config.net, name=f"clip-{config.seed}", size=dataset.size, seed=config.seed
    )
    text = text_tower(dataset.captions, image.dimension, config.seed)
    scale, tokens_NL = LogScale(), text.tokens(dataset.captions)
    learner = one_cycle_learner(
        {"image": image.module, "text": text, "scale": scale},
        steps=config.steps,
        learning_rate=config.learning_rate,
        seed=config.seed,
    )

    def loss_of_step(generator: Generator) -> Tensor:
        index_B = draw_batch(len(dataset), config.batch, generator)
        with in_bfloat16(torch.device("cpu"), wanted=config.bf16):
            images_BD = image.encode(dataset.images_N3HW[index_B])
        return clip_loss(images_BD.float(), text(tokens_NL[index_B]), scale())

    fit(
        loss_of_step,
        learner,
        steps=config.steps,
        checkpoint=checkpoint,
        progress=progress,
    )
    return CLIP(image, text)


def text_tower(captions: Sequence[str], dimension: int, seed: int) -> TextTower:
    """An untrained one for captions of one length, the same for the same seed."""
    words = sorted({word for caption in captions for word in caption.split()})
    length = len(captions[0].split())
    return seeded(lambda: TextTower(words, length, dimension), seed + 1)


# -- Files ---------------------------------------------------------------------------

TEXT_FORMAT = "lab-text-1"


def save_clip(clip: CLIP, path: Path) -> None:
    """Write the image tower to `path` and the text tower beside it, as safetensors.

    Raises:
        EncoderError: the image tower is no lab encoder.
    """
    about = {"words": list(clip.text.index), "length": clip.text.length}
    told = json.dumps({"format": TEXT_FORMAT} | about)
    write_tensors(clip.text.state_dict(), text_file(path), {"lab": told})
    save_encoder(clip.image, path)  # last: its presence says that both are there


def load_clip(path: Path) -> CLIP:
    """Read what `save_clip` wrote.

    Raises:
        EncoderError: one of the two files is missing or is something else.
    """
    image, beside = load_encoder(path), text_file(path)
    try:
        with safe_open(beside, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("lab", "{}"))
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
    except FileNotFoundError as error:
        raise EncoderError(
            f"{path} has no text tower beside it ({beside.name})"
        ) from error
    except (SafetensorError, OSError) as error:
        raise EncoderError(f"{beside} is no readable text tower: {error}") from error
    if about.get("format") != TEXT_FORMAT:
        raise EncoderError(f"{beside} was not written by the lab")
    text = TextTower(about["words"], about["length"], image.dimension)
    text.load_state_dict(state)
    return CLIP(image, text.eval().requires_grad_(False))


def text_file(path: Path) -> Path:
    """Where the text tower of an image tower's file lies."""
    return path.with_suffix(".text.safetensors")
