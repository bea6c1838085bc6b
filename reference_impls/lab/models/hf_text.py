"""Text encoders of the library transformers, from a folder as model hubs lay it out.

The library builds network and tokenizer; nothing is fetched, and no code that comes with a model is run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.errors import EncoderError
from reference_impls.lab.models.hugging_face import load_transformers, with_weights
from reference_impls.lab.models.tensor_files import read_json, read_state
from reference_impls.lab.models.text_encoder import (
    MaskedModel,
    TextEncoder,
    TextEncoderConfig,
)
from reference_impls.lab.models.training import seeded

LONGEST = 128
"""Tokens at most; what follows is cut off."""


class HuggingFaceModel(MaskedModel):
    """A model of the library as one from tokens to vectors; it guesses no words."""

    model: Any

    def __init__(self, model: Any, pad: int) -> None:
        """`pad` is the token that fills up."""
        nn.Module.__init__(self)
        about = model.config
        self.model, self.pad = model, pad
        self.config = TextEncoderConfig(width=about.hidden_size, heads=about.num_attention_heads, depth=about.num_hidden_layers, length=LONGEST)  # fmt: skip

    def forward(self, tokens_BL: Tensor, shift_BLD: Tensor | None = None) -> Tensor:
        """Vectors of tokens (B, L, D), of shifted word vectors if asked."""
        seen_BL = (tokens_BL != self.pad).long()
        what = {"input_ids": tokens_BL}
        if shift_BLD is not None:
            words_BLD = self.model.get_input_embeddings()(tokens_BL)
            what = {"inputs_embeds": words_BLD + shift_BLD}
        found: Tensor = self.model(**what, attention_mask=seen_BL).last_hidden_state
        return found

    def __getattr__(self, name: str) -> Any:
        """Parts of the network; one that only the lab's own have is told in a line."""
        if name in ("vocabulary", "index", "words", "guess", "bias"):
            raise EncoderError("this needs a text encoder of the lab's own, which guesses words")  # fmt: skip
        return super().__getattr__(name)


@dataclass(frozen=True, eq=False)
class HuggingFaceText(TextEncoder):
    """A model of the library with its tokenizer."""

    module: HuggingFaceModel
    tokenizer: Any = None
    unit: bool = False
    """Whether its embeddings are brought to unit length."""

    def tokens(self, texts: Sequence[str]) -> Tensor:
        """Indices (B, L) of the tokenizer, as long as the longest text."""
        found = self.tokenizer(list(texts), padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")  # fmt: skip
        tokens_BL: Tensor = found["input_ids"].to(self.device)
        return tokens_BL

    def pool(self, vectors_BLD: Tensor, tokens_BL: Tensor) -> Tensor:
        """The mean (B, D) over tokens that are no padding."""
        seen_BL1 = (tokens_BL != self.tokenizer.pad_token_id).unsqueeze(2).to(vectors_BLD)  # fmt: skip
        pooled_BD: Tensor = (vectors_BLD * seen_BL1).sum(1) / seen_BL1.sum(1)
        return F.normalize(pooled_BD, dim=1) if self.unit else pooled_BD

    def _with(self, model: Any, name: str) -> HuggingFaceText:
        module = HuggingFaceModel(model, self.tokenizer.pad_token_id)
        module.eval().requires_grad_(False).to(self.device)
        return replace(self, module=module, name=name)

    def copy(self) -> HuggingFaceText:
        """One whose weights can be changed."""
        model = type(self.module.model)(self.module.model.config)
        model.load_state_dict(self.module.model.state_dict())
        return self._with(model, self.name)

    def untrained(self, seed: int) -> HuggingFaceText:
        """One of the same plan whose weights are drawn anew."""
        old = self.module.model
        model = seeded(lambda: type(old)(old.config), seed)
        return self._with(model, f"untrained {self.name}")

    def to(self, device: torch.device) -> HuggingFaceText:
        """The same on another device."""
        return replace(self, module=self.module.to(device))


def load_hugging_face_text(folder: Path, name: str = "") -> HuggingFaceText:
    """The frozen encoder of a folder: the mean over tokens, of unit length if a `Normalize` of sentence-transformers lies in it.

    Raises:
        EncoderError: its architecture is unknown or has no tokenizer, weights are missing, or it pools otherwise.
        DeviceError: the library is not installed.
    """
    library, config = load_transformers(), read_json(folder / "config.json")
    kind = str(config.get("model_type"))
    if kind not in library.CONFIG_MAPPING:
        raise EncoderError(f"{folder}: transformers has no architecture {kind!r}")
    pooling = read_json(folder / "1_Pooling" / "config.json")
    if pooling and not pooling.get("pooling_mode_mean_tokens"):
        raise EncoderError(f"{folder} does not pool by the mean over tokens, which alone is known here")  # fmt: skip
    try:
        settings = library.CONFIG_MAPPING[kind].from_dict(config)
        make = library.MODEL_MAPPING[type(settings)]
        tokenizer = library.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)  # fmt: skip
    except Exception as error:  # the library checks with many kinds of its own
        said = str(error).partition("\n")[0]
        raise EncoderError(f"{folder} is no text encoder: {said}") from error
    model = with_weights(make, settings, read_state(folder), kind, optional=r"pooler\.")[0]  # fmt: skip
    if not hasattr(settings, "num_attention_heads") or tokenizer.pad_token_id is None:
        raise EncoderError(f"{folder} is no text encoder: {kind} with its tokenizer fills up no batch")  # fmt: skip
    module = HuggingFaceModel(model, tokenizer.pad_token_id)
    module.eval().requires_grad_(False)
    parts = folder / "modules.json"
    unit = parts.is_file() and "models.Normalize" in parts.read_text("utf-8")
    return HuggingFaceText(module, name or folder.name, tokenizer, unit)
