"""Which encoders lie in a file and where, and which of them to take."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reference_impls.lab.errors import EncoderError
from reference_impls.lab.models.formats import (
    clip,
    convolutional,
    hubs,
    resnets,
    torchvision_models,
    vision_transformers,
)
from reference_impls.lab.models.formats.family import Family, shown
from reference_impls.lab.models.formats.shapes import State

FAMILIES: tuple[Family, ...] = (
    *clip.FAMILIES,
    *resnets.FAMILIES,
    *vision_transformers.FAMILIES,
    *torchvision_models.FAMILIES,
    *convolutional.FAMILIES,
    *hubs.FAMILIES,
)
"""In the order in which they are tried below one prefix."""

_COPY = re.compile(
    r"(^|[._/])(ema|teacher|target|momentum)([._/]|$)|encoder_k|momentum_|key_encoder|_m([./]|$)"
)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One of the encoders in a file."""

    family: Family
    prefix: str
    """Where its names begin."""

    @property
    def format(self) -> str:
        """What it is taken for, in words."""
        owner = next(
            (o for end, o in self.family.owners.items() if self.prefix.endswith(end)),
            "plain",
        )
        below = f" below {shown(self.prefix)!r}" if shown(self.prefix) else ""
        return f"{self.family.label}, {owner} keys{below}"

    @property
    def is_copy(self) -> bool:
        """Whether its name says that it follows another encoder while that one is trained."""
        return bool(_COPY.search(self.prefix))


def candidates(state: State) -> list[Candidate]:
    """The encoders in a file, the likeliest first: none that follows another, none inside another."""
    found: dict[str, Candidate] = {}
    for family in FAMILIES:
        first, *others = family.anchors
        for key in state:
            prefix = key.removesuffix(first)
            if prefix == key or (prefix and prefix[-1] not in "./"):
                continue
            if all(prefix + other in state for other in others):
                found.setdefault(prefix, Candidate(family=family, prefix=prefix))
    return sorted(found.values(), key=lambda c: (c.is_copy, len(c.prefix)))


def choose(
    found: list[Candidate], part: str | None
) -> tuple[Candidate, tuple[Candidate, ...]]:
    """The encoder to take and the others; `part` is its prefix, or a word of it.

    Raises:
        EncoderError: no encoder, or several, are called so.
    """
    if part is None:
        return found[0], tuple(found[1:])
    wanted = part.strip("./")
    exact = [c for c in found if wanted in (c.prefix.strip("./"), bare(c))]
    named = exact or [c for c in found if wanted in re.split(r"[./]", c.prefix)]
    if len(named) != 1:
        parts = ", ".join(repr(bare(c)) for c in found)
        what = "several encoders are" if named else "no encoder is"
        raise EncoderError(f"{what} called {part!r}; the file has {parts}")
    return named[0], tuple(c for c in found if c is not named[0])


def bare(candidate: Candidate) -> str:
    """What an encoder of a file is called; empty for the outermost."""
    return shown(candidate.prefix).strip("./")


def below(candidate: Candidate, others: tuple[Candidate, ...], state: State) -> State:
    """The tensors of an encoder by their names below its prefix."""
    inner = tuple(
        other.prefix
        for other in others
        if other.prefix.startswith(candidate.prefix)
        and other.prefix != candidate.prefix
    )
    return {
        key.removeprefix(candidate.prefix): value
        for key, value in state.items()
        if key.startswith(candidate.prefix)
        and not (inner and key.startswith(inner))
        and "/" not in key.removeprefix(candidate.prefix)
    }
