"""An encoder from a module of one's own: `package.module:callable`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import torch
from torch import nn

from reference_impls.lab.errors import EncoderError
from reference_impls.lab.models.encoders import RGB, told
from reference_impls.lab.models.libraries import LIBRARIES, Built, rgb


def build(module: str, attribute: str, name: str) -> Built:
    """Call `module.attribute()`; attributes size, mean, std of what it returns are used."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)  # as `python -m` does
    try:
        make = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        raise EncoderError(
            f"{name}: no module {error.name!r}; known libraries: {', '.join(LIBRARIES)}"
        ) from error
    except (Exception, SystemExit) as error:
        if isinstance(error, AttributeError) and module in sys.modules:
            raise EncoderError(
                f"{name}: module {module} has no {attribute!r}"
            ) from error
        raise EncoderError(f"{name}: importing it raised {told(error)}") from error
    try:
        net = make()
    except (Exception, SystemExit) as error:  # whatever a stranger's code does
        raise EncoderError(f"{name} raised {told(error)}") from error
    if not isinstance(net, nn.Module):
        raise EncoderError(
            f"{name} must return a torch.nn.Module, got {type(net).__name__}"
        )
    buffers = {"mean", "std"} & dict(net.named_buffers()).keys()
    return Built(
        net,
        _size_of(net, name),
        _statistic(net, "mean", 0.0, name),
        _statistic(net, "std", 1.0, name),
        assumed=(
            "its buffers mean and std are applied to its images (--statistics none if it does so itself)",
        )
        if buffers
        else (),
    )


def _size_of(net: nn.Module, name: str) -> int:
    size = getattr(net, "size", 224)
    if isinstance(size, (tuple, list)) and len(set(size)) == 1:
        size = size[0]
    try:
        edge = int(size)
    except (TypeError, ValueError) as error:
        raise EncoderError(
            f"{name}: size must be a number of pixels, got {size!r}"
        ) from error
    if edge < 1:
        raise EncoderError(f"{name}: size must be at least 1 pixel, got {edge}")
    return edge


def _statistic(net: nn.Module, what: str, default: float, name: str) -> RGB:
    """Three numbers of an attribute: numbers, tuples, arrays or tensors, of three channels or one."""
    values = getattr(net, what, None)
    if values is None or callable(values):  # a method of that name says nothing
        values = default
    try:
        numbers = torch.as_tensor(values, dtype=torch.float64).flatten().tolist()
    except (TypeError, ValueError, RuntimeError) as error:
        raise EncoderError(
            f"{name}: {what} must be three numbers, got {values!r}"
        ) from error
    numbers = numbers * 3 if len(numbers) == 1 else numbers
    if len(numbers) != 3 or not all(-1 <= one <= 2 for one in numbers):
        raise EncoderError(
            f"{name}: {what} must be one number or three for images in [0, 1], got {numbers}"
        )
    if what == "std" and min(numbers) <= 0:
        raise EncoderError(f"{name}: std must be above 0, got {numbers}")
    return rgb(numbers)
