"""Options that several commands share: each is declared once, and read as what it means."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import get_args

from reference_impls.lab.bilingual import Language
from reference_impls.lab.data.named import DATASETS
from reference_impls.lab.models.checkpoints import STATISTICS, Preprocessing
from reference_impls.lab.models.named import Weights


def add_dataset(parser: ArgumentParser, name: str = "--images") -> None:
    """Which pictures."""
    parser.add_argument(
        name,
        default="shapes",
        metavar="DATASET",
        help=f"one of {', '.join(DATASETS)}; default %(default)s",
    )


def add_preprocessing(parser: ArgumentParser, whose: str = "the encoder's") -> None:
    """How an encoder wants its images, and whether its weights may be fetched."""
    add = parser.add_argument
    add(
        "--size",
        type=int,
        help=f"height and width of {whose} images, if the file does not tell",
    )
    add(
        "--statistics",
        choices=sorted(STATISTICS),
        help="normalisation, if the file does not tell",
    )
    add(
        "--download",
        action="store_true",
        help="let a library fetch published weights and data",
    )


def preprocessing(options: Namespace) -> Preprocessing:
    """What `add_preprocessing` declared of images."""
    return Preprocessing(size=options.size, statistics=options.statistics)


def weights(options: Namespace) -> Weights:
    """What `add_preprocessing` declared of weights."""
    return Weights(download=options.download)


def add_language(parser: ArgumentParser) -> None:
    """Which language a report opens in."""
    parser.add_argument(
        "--language",
        choices=get_args(Language),
        default="en",
        help="what the report opens in (it holds both); default %(default)s",
    )


def add_device(parser: ArgumentParser) -> None:
    """Where to compute."""
    parser.add_argument(
        "--device", default="cpu", help="cpu, cuda, cuda:1; default %(default)s"
    )


def add_threads(parser: ArgumentParser) -> None:
    """How many threads; `commands.run` sets them."""
    parser.add_argument(
        "--threads",
        type=int,
        default=1,
        help="default %(default)s: more only pay on idle cores",
    )


def add_json(parser: ArgumentParser) -> None:
    """Whether a program reads the answer."""
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def add_publish(parser: ArgumentParser, out: Path) -> None:
    """Where the results of a sweep go."""
    add = parser.add_argument
    add(
        "--out",
        type=Path,
        default=out,
        help="folder of the results; default %(default)s",
    )
    add(
        "--publish",
        action="store_true",
        help="also write the committed results beside the method",
    )
