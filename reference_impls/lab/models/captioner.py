"""A small captioner: a decoder of one transformer layer that reads the image tokens of a frozen encoder.

It stands for a large vision-language model, of which it has the plan: frozen image tower, projection, text decoder.

Shape letters: B batch, N images, H and W pixels, T image tokens, C their width, D width of the decoder,
L words of a caption with the one that ends it, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import DatasetError
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.feature_maps import image_tokens, keep
from reference_impls.lab.models.training import (
    Progress,
    check_dataset,
    check_positive,
    draw_batch,
    fit,
    one_cycle_learner,
    seeded,
)

END = 0
"""Index of the word that begins and ends every caption, and fills it up."""


@dataclass(frozen=True, kw_only=True)
class CaptionerConfig:
    """Settings of the captioner's training; the encoder is left alone."""

    steps: int = 400
    """Optimiser steps."""
    batch: int = 128
    """Captioned images per step."""
    learning_rate: float = 3e-3
    """Peak of AdamW's one-cycle schedule."""
    width: int = 64
    """D; a multiple of 4, the number of attention heads."""
    seed: int = 0
    """Of weights and batches."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_positive(steps=self.steps, batch=self.batch, width=self.width)


class CaptionDecoder(nn.Module):
    """Image tokens and the words so far to the scores of the next word."""

    def __init__(
        self, vocabulary: int, length: int, places: int, channels: int, width: int
    ) -> None:
        """For captions of `length` words and `places` image tokens of `channels` numbers."""
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.order = nn.Parameter(0.1 * torch.randn(length, width))
        self.project = nn.Sequential(nn.LayerNorm(channels), nn.Linear(channels, width))
        self.where = nn.Parameter(0.1 * torch.randn(places, width))
        self.layer = nn.TransformerDecoderLayer(width, 4, 2 * width, dropout=0.0, batch_first=True)  # fmt: skip
        self.scores = nn.Linear(width, vocabulary)

    def forward(self, tokens_BTC: Tensor, before_BL: Tensor) -> Tensor:
        """Scores (B, L, V) of each word, given the words before it (the first of them `END`)."""
        length = before_BL.shape[1]
        text_BLD = self.words(before_BL) + self.order[:length]
        image_BTD = self.project(tokens_BTC) + self.where
        later_LL = torch.ones(length, length, dtype=torch.bool).triu(1)
        read_BLD = self.layer(text_BLD, image_BTD, tgt_mask=later_LL.to(before_BL.device))  # fmt: skip
        scores_BLV: Tensor = self.scores(read_BLD)
        return scores_BLV


@dataclass(frozen=True, eq=False, kw_only=True)
class Captioner:
    """A frozen encoder with a decoder that writes captions."""

    encoder: Encoder
    decoder: CaptionDecoder
    vocabulary: tuple[str, ...]
    """Words by index; the first is `END`'s, and empty."""
    length: int
    """L of the longest caption it has learned."""

    def indices(self, captions: Sequence[str]) -> Tensor:
        """Words (N, L) of captions, `END` behind their last.

        Raises:
            DatasetError: an unknown word, or a caption that is too long.
        """
        known = {word: index for index, word in enumerate(self.vocabulary)}
        rows = [caption.split() for caption in captions]
        strange = next((w for row in rows for w in row if w not in known), None)
        if strange is not None:
            raise DatasetError(f"the captioner does not know the word {strange!r}")
        if any(len(row) >= self.length for row in rows):
            raise DatasetError(f"the captioner writes at most {self.length - 1} words")
        filled = [[known[w] for w in row] + [END] * (self.length - len(row)) for row in rows]  # fmt: skip
        return torch.tensor(filled, device=self.encoder.device)

    def loss(self, tokens_BTC: Tensor, words_BL: Tensor) -> Tensor:
        """Cross entropy of each caption (B,), mean over its words, each given the right words before it."""
        before_BL = F.pad(words_BL[:, :-1], (1, 0), value=END)
        scores_BLV = self.decoder(tokens_BTC, before_BL)
        losses_BL = F.cross_entropy(scores_BLV.mT, words_BL, reduction="none")
        return losses_BL.mean(dim=1)

    @torch.no_grad()
    def write(self, images_B3HW: Tensor) -> Tensor:
        """Words (B, L) of the captions of images, the best one at a time."""
        tokens_BTC = image_tokens(self.encoder, images_B3HW)
        said = torch.full((len(images_B3HW), 1), END, device=images_B3HW.device)
        for _ in range(self.length):
            following_B = self.decoder(tokens_BTC, said)[:, -1].argmax(dim=1)
            said = torch.cat([said, following_B.unsqueeze(1)], dim=1)
        over_BL = (said[:, 1:] == END).cumsum(dim=1) > 0
        return said[:, 1:].masked_fill(over_BL, END)

    def captions(self, words_BL: Tensor) -> list[str]:
        """Words as sentences."""
        return [" ".join(self.vocabulary[i] for i in row if i != END) for row in words_BL.tolist()]  # fmt: skip


def captioner(
    encoder: Encoder,
    train: Dataset,
    config: CaptionerConfig = CaptionerConfig(),
    *,
    progress: Progress | None = None,
) -> Captioner:
    """A captioner on the encoder, trained on captioned images if the cache has none; the same for the same seed.

    Raises:
        DatasetError: images without captions, or fewer than a batch.
        EncoderError: an encoder without feature maps.
    """
    if not train.captions:
        raise DatasetError(
            f"{train.name} has no captions for a captioner to learn from"
        )
    check_dataset(train, config.batch)
    rows = [caption.split() for caption in train.captions]
    vocabulary = ("", *sorted({word for row in rows for word in row}))
    length = max(map(len, rows)) + 1
    with torch.no_grad():
        parts = train.images_N3HW.split(256)
        tokens_NTC = torch.cat([image_tokens(encoder, part) for part in parts])
    sizes = len(vocabulary), length, *tokens_NTC.shape[1:], config.width
    decoder = seeded(lambda: CaptionDecoder(*sizes), config.seed).to(encoder.device)
    made = Captioner(encoder=encoder, decoder=decoder, vocabulary=vocabulary, length=length)  # fmt: skip

    def learn() -> None:
        words_NL = made.indices(train.captions)

        def loss_of_step(chance: Generator) -> Tensor:
            index_B = draw_batch(len(train), config.batch, chance)
            return made.loss(tokens_NTC[index_B], words_NL[index_B]).mean()

        rate, seed = config.learning_rate, config.seed
        learner = one_cycle_learner({"decoder": decoder}, steps=config.steps, learning_rate=rate, seed=seed)  # fmt: skip
        fit(loss_of_step, learner, steps=config.steps, progress=progress)

    keep("captioners", decoder, learn, encoder, train, config)
    return made
