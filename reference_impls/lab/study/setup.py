"""What a method is tried on: a model, images to learn from and to test on, and one task of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from torch import Tensor

from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.people import corpus
from reference_impls.lab.data.sentences import Sentences
from reference_impls.lab.errors import DatasetError
from reference_impls.lab.models.clip import CLIP, CLIPConfig
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.fast import accelerated
from reference_impls.lab.models.heads import linear_classifier
from reference_impls.lab.models.image_text import ImageText
from reference_impls.lab.models.text_encoder import (
    TextEncoder,
    TextEncoderConfig,
    clean_text_encoder,
)
from reference_impls.lab.models.training import Progress, SimCLRConfig
from reference_impls.lab.models.zero_shot import ZeroShot, zero_shot_classifier
from reference_impls.lab.models.zoo import (
    LabData,
    clean_clip,
    clean_encoder,
    test_dataset,
    train_dataset,
)

ImageConfig = SimCLRConfig | CLIPConfig
ModelConfig = ImageConfig | TextEncoderConfig
"""How the lab trains the model of a seed."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Setup:
    """A model with its data, the same for every setting of a method."""

    encoder: Encoder
    """The image tower of `clip`, if there is one."""
    clip: CLIP | ImageText | None
    train: Dataset
    test: Dataset
    task: str
    seed: int = 0
    original: Encoder | None = None
    """The encoder before it was rewritten for speed: what a method goes on training."""
    quick: bool = False
    """Whether figures do not matter, only that all of it runs."""
    progress: Progress | None = None
    """Told of steps of a training or an attack."""

    @property
    def images_N3HW(self) -> Tensor:  # noqa: N802 - a shape
        """Test images."""
        return self.test.images_N3HW

    @property
    def labels_N(self) -> Tensor:  # noqa: N802 - a shape
        """Classes of the test images in the task."""
        return self.test.labels[self.task]

    def linear(self, encoder: Encoder | None = None) -> Callable[[Tensor], Tensor]:
        """Images to scores: the encoder, or a changed one, with a linear head that learned the task."""
        return linear_classifier(encoder or self.encoder, self.train, self.task)

    def embed_text(self, captions: Sequence[str]) -> Tensor:
        """Unit-length embeddings (B, D) of captions, where the encoder computes.

        Raises:
            DatasetError: an encoder without a text tower.
        """
        if self.clip is None:
            raise DatasetError("an encoder without a text tower reads no captions")
        return self.clip.embed_text(captions).to(self.encoder.device)

    def zero_shot(self, encoder: Encoder | None = None) -> ZeroShot:
        """The CLIP as a classifier of the task, with a changed image tower if one is given.

        Raises:
            DatasetError: an encoder without a text tower.
        """
        tower = encoder or self.encoder
        return zero_shot_classifier(tower, self.embed_text, self.train, self.task)


@dataclass(frozen=True, eq=False, kw_only=True)
class TextSetup:
    """A text encoder with its data, the same for every setting of a method."""

    encoder: TextEncoder
    train: Sentences
    test: Sentences
    task: str
    seed: int = 0
    quick: bool = False
    """Whether figures do not matter, only that all of it runs."""
    progress: Progress | None = None
    """Told of steps of a training or an attack."""

    @property
    def labels_N(self) -> Tensor:  # noqa: N802 - a shape
        """Classes of the test texts in the task."""
        return self.test.labels[self.task].to(self.encoder.device)


def lab_model(config: ImageConfig) -> tuple[Encoder, CLIP | None]:
    """The lab's own model of a recipe, trained if the cache has none: encoder, and the CLIP that it is of."""
    if isinstance(config, CLIPConfig):
        clip = clean_clip(config, LabData())
        return clip.image, clip
    return clean_encoder(config, LabData()), None


@lru_cache(maxsize=8)  # so that what a method makes of it once, it finds again
def lab_setup(
    config: ImageConfig, task: str, images: int, *, quick: bool = False
) -> Setup:
    """The lab's model of a recipe, all its images to learn from, and the first ones to test on."""
    encoder, clip = lab_model(config)
    return Setup(
        encoder=accelerated(encoder),
        original=encoder,
        clip=clip,
        train=train_dataset(LabData()),
        test=test_dataset(LabData()).first(images),
        task=task,
        seed=config.seed,
        quick=quick,
    )


def text_setup(
    config: TextEncoderConfig, task: str, count: int, *, quick: bool = False, texts: str = ""
) -> TextSetup:  # fmt: skip
    """The lab's language encoder of a recipe, sentences to learn from, and others to test on: as it has read, or `texts`."""
    name = texts or config.corpus
    train, test = corpus(name, 4096), corpus(name, 512, test=True).first(count)
    encoder = clean_text_encoder(config)
    return TextSetup(encoder=encoder, train=train, test=test, task=task, seed=config.seed, quick=quick)  # fmt: skip


def trained(config: ModelConfig) -> object:
    """The lab's model of any recipe, trained if the cache has none."""
    if isinstance(config, TextEncoderConfig):
        return clean_text_encoder(config)
    return lab_model(config)


def setup_of(
    config: ModelConfig, task: str, count: int, *, quick: bool = False, texts: str = ""
) -> Setup | TextSetup:  # fmt: skip
    """The lab's model of any recipe with what it is tried on."""
    if isinstance(config, TextEncoderConfig):
        return text_setup(config, task, count, quick=quick, texts=texts)
    return lab_setup(config, task, count, quick=quick)


def on_device(data: Dataset, encoder: Encoder) -> Dataset:
    """The dataset with images and labels where the encoder computes."""
    return replace(
        data,
        images_N3HW=data.images_N3HW.to(encoder.device),
        labels={name: one.to(encoder.device) for name, one in data.labels.items()},
        masks_NHW=None if data.masks_NHW is None else data.masks_NHW.to(encoder.device),
    )
