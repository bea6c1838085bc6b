"""A small BERT: a masked language model that also gives one embedding of a text.

Devlin et al., NAACL 2019, https://arxiv.org/abs/1810.04805, without its sentence pairs: an embedding is the mean over words.

Shape letters: B or N texts, L tokens, D width, V vocabulary, R places with a gap.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.data.people import Corpus, corpus
from reference_impls.lab.data.sentences import Sentences
from reference_impls.lab.errors import ConfigError, DatasetError, EncoderError
from reference_impls.lab.models.encoders import device_of
from reference_impls.lab.models.tensor_files import write_tensors
from reference_impls.lab.models.training import (
    Progress,
    check_positive,
    draw_batch,
    fit,
    one_cycle_learner,
    seeded,
)
from reference_impls.lab.models.transformer import Block

PAD, START, MASK, UNKNOWN = range(4)
SPECIAL = ("[PAD]", "[CLS]", "[MASK]", "[UNK]")
WORD = re.compile(r"\[[A-Z]+\]|\w+|[^\w\s]")
SKIPPED = -100
"""What PyTorch's cross entropy takes for a token that is not asked for."""


@dataclass(frozen=True, kw_only=True)
class TextEncoderConfig:
    """Settings of a small BERT, trained in a dozen seconds on one core."""

    steps: int = 400
    """Optimiser steps."""
    batch: int = 64
    """Sentences per step."""
    learning_rate: float = 2e-3
    """Peak of AdamW's one-cycle schedule."""
    masked: float = 0.25
    """Share of the words that it has to guess."""
    width: int = 64
    """Channels of a token."""
    depth: int = 2
    """Blocks."""
    heads: int = 4
    """Of attention."""
    length: int = 24
    """Tokens at most; what follows is cut off."""
    corpus: Corpus = "sentences"
    """What the lab's own one reads: `sentences`, or those about `people`."""
    seed: int = 0
    """Of weights, batches and masks."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_positive(steps=self.steps, batch=self.batch, masked=self.masked)
        if self.width % self.heads:
            raise ConfigError(f"{self.width} channels do not divide into {self.heads} heads")  # fmt: skip


class MaskedModel(nn.Module):
    """Words and positions, pre-norm blocks, and scores of words that share their vectors."""

    def __init__(self, words: Sequence[str], config: TextEncoderConfig) -> None:
        """`words` is the vocabulary, the special ones first."""
        super().__init__()
        self.vocabulary, self.config = tuple(words), config
        self.index = {word: number for number, word in enumerate(words)}
        self.words = nn.Embedding(len(words), config.width)
        self.positions = nn.Parameter(0.02 * torch.randn(config.length, config.width))
        nn.init.normal_(self.words.weight, std=0.1)
        self.blocks = nn.ModuleList(
            Block(config.width, config.heads) for _ in range(config.depth)
        )
        self.norm = nn.LayerNorm(config.width)
        self.guess = nn.Sequential(
            nn.Linear(config.width, config.width), nn.GELU(), nn.LayerNorm(config.width)
        )
        self.bias = nn.Parameter(torch.zeros(len(words)))

    def forward(self, tokens_BL: Tensor, shift_BLD: Tensor | None = None) -> Tensor:
        """Vectors of tokens (B, L, D), of shifted word vectors if asked; padding is not attended to."""
        states_BLD = self.words(tokens_BL) + self.positions[: tokens_BL.shape[1]]
        if shift_BLD is not None:
            states_BLD = states_BLD + shift_BLD
        seen_B11L = (tokens_BL != PAD)[:, None, None]
        for block in self.blocks:
            states_BLD = block(states_BLD, seen_B11L)
        vectors_BLD: Tensor = self.norm(states_BLD)
        return vectors_BLD

    def scores(self, vectors: Tensor) -> Tensor:
        """Scores of all words (..., V) at tokens (..., D)."""
        scores: Tensor = self.guess(vectors) @ self.words.weight.T + self.bias
        return scores


@dataclass(frozen=True, eq=False)
class TextEncoder:
    """A masked model with its words."""

    module: MaskedModel
    name: str = "text"

    def tokens(self, texts: Sequence[str]) -> Tensor:
        """Word indices (B, L), `[CLS]` first, as long as the longest text."""
        index, length = self.module.index, self.module.config.length
        rows = [
            [START, *(index.get(word, UNKNOWN) for word in split(text))][:length]
            for text in texts
        ]
        longest = max(map(len, rows))
        padded = [row + [PAD] * (longest - len(row)) for row in rows]
        return torch.tensor(padded, device=self.device)

    def pool(self, vectors_BLD: Tensor, tokens_BL: Tensor) -> Tensor:
        """The mean (B, D) over tokens that are no padding."""
        seen_BL1 = (tokens_BL != PAD).unsqueeze(2).to(vectors_BLD)
        pooled_BD: Tensor = (vectors_BLD * seen_BL1).sum(1) / seen_BL1.sum(1)
        return pooled_BD

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Embeddings (B, D); gradients reach the weights."""
        tokens_BL = self.tokens(texts)
        return self.pool(self.module(tokens_BL), tokens_BL)

    @torch.no_grad()
    def embed(self, texts: Sequence[str], *, batch: int = 256) -> Tensor:
        """Embeddings (N, D) without gradients."""
        parts = [texts[n : n + batch] for n in range(0, len(texts), batch)]
        return torch.cat([self.encode(part) for part in parts])

    def copy(self) -> TextEncoder:
        """One whose weights can be changed."""
        module = MaskedModel(self.module.vocabulary, self.module.config)
        module.load_state_dict(self.module.state_dict())
        return TextEncoder(module.to(self.device), self.name)

    def knowing(self, texts: Sequence[str], seed: int) -> TextEncoder:
        """One that also knows all words of the texts; vectors of new ones are drawn at random."""
        old = self.module
        new = {word for text in texts for word in split(text)} - set(old.vocabulary)
        words = (*old.vocabulary, *sorted(new))
        module = seeded(lambda: MaskedModel(words, old.config), seed)
        module.to(self.device).eval().requires_grad_(False)
        for name, values in module.state_dict().items():
            before = old.state_dict()[name]
            values[: len(before)] = before
        return TextEncoder(module, self.name)

    def untrained(self, seed: int) -> TextEncoder:
        """One of the same plan whose weights are drawn anew."""
        old = self.module
        module = seeded(lambda: MaskedModel(old.vocabulary, old.config), seed)
        module.eval().requires_grad_(False)
        return TextEncoder(module.to(self.device), f"untrained {self.name}")

    def to(self, device: torch.device) -> TextEncoder:
        """The same on another device."""
        return TextEncoder(self.module.to(device), self.name)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return device_of(self.module)


def split(text: str) -> list[str]:
    """Words and punctuation marks of a text, in lower case."""
    return [one if one in SPECIAL else one.lower() for one in WORD.findall(text)]


# -- Training ------------------------------------------------------------------------


def masked_tokens(
    tokens_BL: Tensor, share: float, vocabulary: int, chance: Generator
) -> tuple[Tensor, Tensor]:
    """BERT's task: tokens with gaps, and what stood there (`SKIPPED` where nothing is asked), both (B, L).

    Of the words that are asked for, 80 % are masked, 10 % another word, 10 % left alone.
    """
    draw = torch.rand(tokens_BL.shape, generator=chance).to(tokens_BL.device)
    how = torch.rand(tokens_BL.shape, generator=chance).to(tokens_BL.device)
    other = torch.randint(len(SPECIAL), vocabulary, tokens_BL.shape, generator=chance)
    asked = (draw < share) & (tokens_BL >= MASK)
    shown = torch.where(asked & (how < 0.8), MASK, tokens_BL)
    shown = torch.where(asked & (how >= 0.9), other.to(tokens_BL), shown)
    return shown, torch.where(asked, tokens_BL, SKIPPED)


def masked_loss(module: MaskedModel, tokens_BL: Tensor, chance: Generator) -> Tensor:
    """Mean cross entropy of the words that are asked for."""
    shown, asked = masked_tokens(
        tokens_BL, module.config.masked, len(module.vocabulary), chance
    )
    at = asked != SKIPPED
    return F.cross_entropy(module.scores(module(shown)[at]), asked[at])


@torch.no_grad()
def pseudo_perplexity(
    encoder: TextEncoder, texts: Sequence[str], apart: int = 4
) -> Tensor:
    """Exp of the mean of -log p(word | the others) over a text's words, (N,); every `apart`-th word is masked at once."""
    loss_N, count_N = torch.zeros(len(texts)), torch.zeros(len(texts))
    for start in range(0, len(texts), 256):
        here = slice(start, start + 256)
        tokens_BL = encoder.tokens(texts[here])
        place_L = torch.arange(tokens_BL.shape[1], device=encoder.device)
        for first in range(1, apart + 1):
            asked_BL = (tokens_BL != PAD) & (place_L % apart == first % apart)
            asked_BL[:, 0] = False  # [CLS]
            vectors_BLD = encoder.module(tokens_BL.masked_fill(asked_BL, MASK))
            scores_RV = encoder.module.scores(vectors_BLD[asked_BL])
            lost_BL = torch.zeros(tokens_BL.shape, device=encoder.device)
            lost_BL[asked_BL] = F.cross_entropy(scores_RV, tokens_BL[asked_BL], reduction="none")  # fmt: skip
            loss_N[here] += lost_BL.sum(1).cpu()
            count_N[here] += asked_BL.sum(1).cpu()
    return (loss_N / count_N.clamp(min=1)).exp()


def together(tokens_NL: Tensor, vocabulary: int, width: int) -> Tensor:
    """Word vectors (V, D) in which words of the same texts lie close: positive mutual information, of rank D.

    Levy and Goldberg, NeurIPS 2014: max(0, log p(v, w) / (p(v) p(w))), here over whole texts. A model that starts from
    them needs a tenth of the steps.
    """
    held_NV = torch.zeros(len(tokens_NL), vocabulary).scatter_(1, tokens_NL, 1.0)
    held_NV[:, : len(SPECIAL)] = 0
    both_VV = held_NV.T @ held_NV
    both_VV.fill_diagonal_(0)
    of_word_V = both_VV.sum(1).clamp(min=1)
    ratio_VV = both_VV * both_VV.sum() / torch.outer(of_word_V, of_word_V)
    left_VV, size_V, _ = torch.linalg.svd(ratio_VV.clamp(min=1).log())
    vectors_VD = torch.zeros(vocabulary, width)
    rank = min(vocabulary, width)
    vectors_VD[:, :rank] = left_VV[:, :rank] * size_V[:rank].sqrt()
    return 0.1 * vectors_VD / vectors_VD.std()


def train_text_encoder(
    data: Sentences,
    config: TextEncoderConfig,
    *,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> TextEncoder:
    """A masked language model of the texts, which sees no label; the same for the same seed.

    Raises:
        DatasetError: fewer texts than a batch.
    """
    if len(data) < config.batch:
        raise DatasetError(f"{data.name} has {len(data)} texts, fewer than one batch of {config.batch}")  # fmt: skip
    known = sorted({word for text in data.texts for word in split(text)})
    module = seeded(lambda: MaskedModel((*SPECIAL, *known), config), config.seed)
    encoder = TextEncoder(module, f"text-{config.seed}")
    tokens_NL = encoder.tokens(data.texts)
    module.words.weight.data = together(tokens_NL, len(module.vocabulary), config.width)
    learner = one_cycle_learner(
        {"module": module},
        steps=config.steps,
        learning_rate=config.learning_rate,
        seed=config.seed,
    )

    def loss_of_step(chance: Generator) -> Tensor:
        index_B = draw_batch(len(data), config.batch, chance)
        return masked_loss(module, tokens_NL[index_B], chance)

    fit(
        loss_of_step,
        learner,
        steps=config.steps,
        checkpoint=checkpoint,
        progress=progress,
    )
    return encoder


@lru_cache(maxsize=8)
def clean_text_encoder(
    config: TextEncoderConfig = TextEncoderConfig(),
    count: int = 4096,
    progress: Progress | None = None,
) -> TextEncoder:
    """The lab's own text encoder of a recipe, trained if the cache has none."""
    name = f"bert-{config.seed}-{content_key(config, count)}.safetensors"
    path = cache_folder() / "texts" / name
    if not path.exists():
        encoder = train_text_encoder(
            corpus(config.corpus, count),
            config,
            checkpoint=path.with_suffix(".checkpoint"),
            progress=progress,
        )
        save_text_encoder(encoder, path)
    return load_text_encoder(path)


# -- Files ---------------------------------------------------------------------------

FORMAT = "lab-bert-1"


def save_text_encoder(encoder: TextEncoder, path: Path) -> None:
    """Write weights, words and settings as one safetensors file."""
    module = encoder.module
    about = {"format": FORMAT, "words": module.vocabulary, "config": asdict(module.config)}  # fmt: skip
    write_tensors(module.state_dict(), path, {"lab": json.dumps(about)})


def load_text_encoder(path: Path) -> TextEncoder:
    """The frozen encoder of a file.

    Raises:
        EncoderError: no such file, or none that the lab wrote.
    """
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("lab", "{}"))
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
        if about.get("format") != FORMAT:
            raise EncoderError(f"{path} is no text encoder of the lab")
        module = MaskedModel(about["words"], TextEncoderConfig(**about["config"]))
        module.load_state_dict(state)
    except (SafetensorError, OSError, ValueError, TypeError, RuntimeError) as error:
        raise EncoderError(f"{path} is damaged or no text encoder: {error}") from error
    return TextEncoder(module.eval().requires_grad_(False), path.stem)
