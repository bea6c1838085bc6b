"""Image-text models behind one interface: the lab's small CLIP, OpenCLIP, Hugging Face CLIP.

Nothing is downloaded unless asked for; the libraries are imported only for their own names.

Shape letters: B batch, H and W pixels, L words of a caption, D width of the common space.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from reference_impls.lab.errors import ConfigError, DatasetError, DeviceError
from reference_impls.lab.models.checkpoints import AS_SUGGESTED, Preprocessing
from reference_impls.lab.models.clip import CLIP
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.libraries import open_clip_model
from reference_impls.lab.models.named import Weights, open_encoder
from reference_impls.lab.models.normalisation import STATISTICS, Statistics
from reference_impls.lab.torchvision import import_library

EXAMPLES = ("open_clip:RN50/openai", "hf-clip:openai/clip-vit-base-patch32")
"""Models with a text tower, by name."""
TEXT_BATCH = 256


@dataclass(frozen=True, eq=False, kw_only=True)
class ImageText:
    """An image encoder and, if it has one, the text tower that shares its space."""

    image: Encoder
    """Its image tower."""
    text: Callable[[Sequence[str]], Tensor] | None = None
    """Captions to embeddings (B, D); none for an image encoder alone."""

    @property
    def name(self) -> str:
        """What reports call it."""
        return self.image.name

    @torch.no_grad()
    def embed_text(self, captions: Sequence[str]) -> Tensor:
        """Unit-length embeddings (B, D) of captions, on the image tower's device.

        Raises:
            ConfigError: there is no text tower.
            DatasetError: a caption that the tokenizer cannot read.
        """
        if self.text is None:
            raise ConfigError(
                f"{self.name} has no text tower, which cross-modal losses and zero-shot classes "
                f"need; take a CLIP such as {EXAMPLES[0]}, or --image-only"
            )
        starts = range(0, len(captions), TEXT_BATCH)
        parts = [self.text(captions[start : start + TEXT_BATCH]) for start in starts]
        return F.normalize(torch.cat(parts).float(), dim=1).to(self.image.device)

    def to(self, device: torch.device) -> ImageText:
        """The model with its image tower on a device; texts are embedded where they were."""
        return ImageText(image=self.image.to(device), text=self.text)

    @classmethod
    def of_clip(cls, clip: CLIP) -> ImageText:
        """The lab's small CLIP."""
        return cls(image=clip.image, text=clip.embed_text)


def open_image_text(
    name: str,
    preprocessing: Preprocessing = AS_SUGGESTED,
    *,
    weights: Weights,
) -> ImageText:
    """The model of a name; a name of `lab/models/named.py` gives an image encoder without texts.

    Raises:
        EncoderError: there is none, or it does not work.
        ConfigError: its weights would have to be downloaded and nobody asked for it.
        DeviceError: its library is not installed, or the download failed.
    """
    library, _, model = name.partition(":")
    if library not in OPENERS or not (weights.download or weights.random):
        return ImageText(
            image=open_encoder(name, preprocessing, weights=weights).encoder
        )
    try:
        return OPENERS[library](name, model, weights.download)
    except OSError as error:
        first_line = str(error).partition("\n")[0]
        raise DeviceError(f"{name} could not be fetched: {first_line}") from error


def _encoder(
    module: torch.nn.Module,
    name: str,
    size: int,
    statistics: Statistics = STATISTICS["clip"],
) -> Encoder:
    return Encoder.from_module(
        module, name=name, size=size, mean=statistics.mean, std=statistics.std
    )


def _open_clip(name: str, model: str, download: bool) -> ImageText:
    found = open_clip_model(model, download)
    net = found.net
    tokenizer = import_library("open_clip", "open_clip_torch").get_tokenizer(
        model.partition("/")[0]
    )
    net.eval().requires_grad_(False)

    def text(captions: Sequence[str]) -> Tensor:
        tokens_BL = tokenizer(list(captions))
        # It cuts what is too long, the end-of-text token last, without a word.
        for caption, row_L in zip(captions, tokens_BL, strict=True):
            _check_length(caption, len(tokenizer.encode(caption)) + 2, len(row_L))
        embeddings_BD: Tensor = net.encode_text(tokens_BL)
        return embeddings_BD

    image = _encoder(net.visual, name, found.size, found.statistics)
    return ImageText(image=image, text=text)


def _hf_clip(name: str, model: str, download: bool) -> ImageText:
    transformers = import_library("transformers", "transformers")
    if download:
        net = transformers.CLIPModel.from_pretrained(model)
        tokenizer = transformers.CLIPTokenizer.from_pretrained(model)
    else:
        net, tokenizer = transformers.CLIPModel(transformers.CLIPConfig()), None
    net.eval().requires_grad_(False)
    size = net.config.vision_config.image_size
    image = _encoder(_HuggingFaceImages(net), name, size)
    if tokenizer is None:  # its vocabulary comes with the weights
        return ImageText(image=image)
    longest = net.config.text_config.max_position_embeddings

    def text(captions: Sequence[str]) -> Tensor:
        for caption in captions:
            _check_length(caption, len(tokenizer(caption)["input_ids"]), longest)
        tokens = tokenizer(list(captions), padding=True, return_tensors="pt")
        pooled_BD = net.text_model(**tokens).pooler_output
        embeddings_BD: Tensor = net.text_projection(pooled_BD)
        return embeddings_BD

    return ImageText(image=image, text=text)


class _HuggingFaceImages(torch.nn.Module):
    """The projected image embedding of a whole Hugging Face CLIP."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.vision, self.projection = net.vision_model, net.visual_projection

    def forward(self, images_B3HW: Tensor) -> Tensor:
        """Embeddings (B, D)."""
        pooled_BD = self.vision(pixel_values=images_B3HW).pooler_output
        embeddings_BD: Tensor = self.projection(pooled_BD)
        return embeddings_BD


def _check_length(caption: str, tokens: int, longest: int) -> None:
    if tokens > longest:
        raise DatasetError(
            f"the caption {caption[:40]!r}… has {tokens} tokens, more than the {longest} that "
            "this text tower reads; shorten it"
        )


OPENERS: dict[str, Callable[[str, str, bool], ImageText]] = {
    "open_clip": _open_clip,
    "hf-clip": _hf_clip,
}
