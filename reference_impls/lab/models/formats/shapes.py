"""What rebuilding a network from the names and shapes of its weights takes."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from reference_impls.lab.errors import DeviceError
from reference_impls.lab.torchvision import import_torchvision

State = Mapping[str, Tensor]


def count_children(state: State, prefix: str, child: str = r"(\d+)") -> int:
    """How many numbered children a name has."""
    pattern = re.compile(rf"{re.escape(prefix)}\.{child}\.")
    return len({match[1] for key in state if (match := pattern.match(key))})


def fits(net: nn.Module, state: State) -> bool:
    """Whether the tensors of a network are all there, in its shapes."""
    return all(
        key in state and state[key].shape == value.shape
        for key, value in net.state_dict().items()
        if not key.endswith("num_batches_tracked")
    )


def with_names(state: State, names: tuple[tuple[str, str], ...]) -> dict[str, Tensor]:
    """Tensors under other names; `names` are regular expressions and what replaces them, in turn."""
    renamed = {}
    for key, value in state.items():
        for old, new in names:
            key = re.sub(old, new, key)
        flat = ".grn." in key  # its own program keeps a pixel's axes
        renamed[key] = value.flatten() if flat else value
    return renamed


def need(module: str, package: str) -> Any:
    """A library that only some encoders need.

    Raises:
        DeviceError: it is not installed.
    """
    import_torchvision()
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise DeviceError(
            f"such encoders need {module}; pip install {package}"
        ) from error
