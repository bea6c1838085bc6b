"""A small GPT: a decoder of words, that may begin with an embedding instead of a start token.

Shape letters: B texts, L words of a text with the one that ends it, D width, E width of an embedding, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.models.text_encoder import split
from reference_impls.lab.models.transformer import Block

END, STRANGE = 0, 1
"""Indices of the word that ends and fills up every text, and of all unknown words."""


class SmallGPT(nn.Module):
    """Words and positions, pre-norm blocks that look back, scores by the words' own vectors."""

    def __init__(self, texts: Sequence[str], *, reads: int = 0, width: int = 64, depth: int = 1) -> None:  # fmt: skip
        """Its words are those of `texts`; `reads` is the width E of the embedding it begins with, none for 0."""
        super().__init__()
        known = sorted({word for text in texts for word in split(text)})
        self.vocabulary = ("", "?", *known)
        self.index = {word: number for number, word in enumerate(self.vocabulary)}
        self.length = 1 + max(len(split(text)) for text in texts)
        self.words = nn.Embedding(len(self.vocabulary), width)
        nn.init.normal_(self.words.weight, std=0.1)
        self.positions = nn.Parameter(0.02 * torch.randn(self.length, width))
        self.first = nn.Linear(max(reads, 1), width)
        self.blocks = nn.ModuleList(Block(width, 4) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def tokens(self, texts: Sequence[str]) -> Tensor:
        """Words (B, L) of texts, `END` behind their last; what is too long is cut off."""
        rows = [[self.index.get(word, STRANGE) for word in split(text)][: self.length - 1] for text in texts]  # fmt: skip
        filled = [row + [END] * (self.length - len(row)) for row in rows]
        return torch.tensor(filled, device=self.positions.device)

    def forward(self, before_BK: Tensor, read_BE: Tensor | None = None) -> Tensor:
        """Scores (B, K + 1, V) of every word and the next, given the words before it and the embedding."""
        if read_BE is None:
            read_BE = self.positions.new_ones(len(before_BK), 1)
        states_BLD = torch.cat([self.first(read_BE).unsqueeze(1), self.words(before_BK)], dim=1)  # fmt: skip
        length = states_BLD.shape[1]
        states_BLD = states_BLD + self.positions[:length]
        back_LL = torch.ones(length, length, dtype=torch.bool, device=states_BLD.device).tril()  # fmt: skip
        for block in self.blocks:
            states_BLD = block(states_BLD, back_LL)
        scores_BLV: Tensor = self.norm(states_BLD) @ self.words.weight.T
        return scores_BLV

    def losses(self, tokens_BL: Tensor, read_BE: Tensor | None = None) -> Tensor:
        """Cross entropy (B, L) of each word given the right ones before it; 0 behind the first `END`."""
        scores_BLV = self(tokens_BL[:, :-1], read_BE)
        losses_BL = F.cross_entropy(scores_BLV.mT, tokens_BL, reduction="none")
        over_BL = (tokens_BL == END).cumsum(dim=1) > 1
        return losses_BL.masked_fill(over_BL, 0.0)

    @torch.no_grad()
    def write(self, begun_BK: Tensor, read_BE: Tensor | None = None) -> list[str]:
        """Texts that go on from words (B, K), the best word at a time."""
        said = begun_BK
        while said.shape[1] < self.length:
            said = torch.cat([said, self(said, read_BE)[:, -1:].argmax(dim=2)], dim=1)
        over = (said == END).cumsum(dim=1) > 0
        rows = said.masked_fill(over, END).tolist()
        return [" ".join(self.vocabulary[i] for i in row if i != END) for row in rows]
