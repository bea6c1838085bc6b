"""A family of encoders with the same names, and what becomes of a file of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Literal

from torch import nn

from reference_impls.lab.models.formats.shapes import State
from reference_impls.lab.models.normalisation import Statistics

Activation = Literal["gelu", "quick_gelu"]


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What no tensor tells; none is decided as published programs do."""

    activation: Activation | None = None
    """Of a vision transformer."""
    heads: int | None = None
    """Of its attention."""
    stem_padding: int | None = None
    """Of a ResNet's 3x3 stem."""
    stem_pool: bool | None = None
    """Whether a ResNet's 3x3 stem ends with pooling."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """An encoder that waits for its weights."""

    module: nn.Module
    weights: State
    """By the names of the module; heads and other files' parts may be among them."""
    size: int
    """Height and width of its images, in pixels."""
    statistics: str | Statistics
    """The normalisation that published programs use with such files, by name where it has one."""
    assumed: tuple[str, ...] = ()
    """What no tensor decided, each with the option that decides it."""
    beside: frozenset[str] = frozenset()
    """Names in the file of weights that lie outside its prefix."""


IMAGENET_ASSUMED = ("its images are normalised as ImageNet's (--statistics)",)
"""Where nothing tells whose images it takes."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where an encoder was found."""

    prefix: str
    state: State
    """Everything in the file."""


OWNERS = {
    "encoder_q.": "MoCo",
    "backbone.": "solo-learn",
    "visual.": "CLIP's `visual`",
    "f.": "SimCLR",
}
"""Whose files have a prefix that ends so."""

HEADS = re.compile(
    r"(fc\d*|heads?|head_\w+|\w*classifier\w*|linear|pre_logits|pooler|mlp|g|"
    r"\w*proj(ector|ection)?(_\w+)?|\w*predict(or|ion)\w*|prototypes|queue\w*|"
    r"mask_token|decoder_?\w*|last_layer|center|text_\w+|logit_\w+)(\.|$)"
)
"""Names of what training programs put behind or beside an encoder."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """Encoders with the same names."""

    label: str
    anchors: tuple[str, ...]
    """Names that lie together below the prefix."""
    plan: Callable[[State, Site, Choices], Plan]
    heads: re.Pattern[str] = HEADS
    """Names below the prefix that are no part of the encoder."""
    choices: tuple[str, ...] = ()
    """Names of the `Choices` that decide something of it."""
    owners: Mapping[str, str] = field(default_factory=OWNERS.copy)
    """Whose files have a prefix that ends so."""


def idle(family: Family | None, choices: Choices) -> tuple[str, ...]:
    """Options that were chosen and decide nothing of such encoders."""
    open_to_choice = family.choices if family else ()
    return tuple(
        f"--{one.name.replace('_', '-')}"
        for one in fields(Choices)
        if getattr(choices, one.name) is not None and one.name not in open_to_choice
    )


_WRAPPERS = ("state_dict/", "model/")


def shown(name: str) -> str:
    """A name without the usual wrapper around it."""
    for wrapper in _WRAPPERS:
        name = name.removeprefix(wrapper)
    return name
