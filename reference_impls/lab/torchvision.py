"""torchvision and libraries that import it, so that they also work beside a CPU-only torch.

The wheel's compiled operators need CUDA libraries. Where they cannot be loaded, importing
torchvision fails on operators that nothing here uses; declaring their schemas first is
enough. Where they can be loaded nothing is declared.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from reference_impls.lab.errors import DeviceError

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


@cache
def import_torchvision() -> ModuleType:
    """The package torchvision.

    Raises:
        DeviceError: it is not installed.
    """
    if "torchvision" not in sys.modules:
        spec = importlib.util.find_spec("torchvision")
        if spec is None or not spec.submodule_search_locations:
            raise DeviceError("this needs torchvision; pip install torchvision")
        folder = Path(spec.submodule_search_locations[0])
        if not _compiled_operators_load(folder):
            _declare_operators(folder)
    return importlib.import_module("torchvision")


def import_library(module: str, package: str) -> Any:
    """A library that only some encoders need.

    Raises:
        DeviceError: it is not installed.
    """
    if importlib.util.find_spec("torchvision"):
        import_torchvision()  # they import it too, and do not know how
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise DeviceError(f"this needs {module}; pip install {package}") from error


def _compiled_operators_load(folder: Path) -> bool:
    libraries = sorted(folder.glob("_C*.so")) + sorted(folder.glob("_C*.pyd"))
    try:
        for library in libraries:
            torch.ops.load_library(str(library))
    except OSError:
        return False
    return bool(libraries)


def _declare_operators(folder: Path) -> None:
    """Declare what torchvision registers fakes for; which these are differs by release."""
    source = (folder / "_meta_registrations.py").read_text(encoding="utf-8")
    names = re.findall(r'register_fake\("torchvision::(\w+)"\)', source)
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in dict.fromkeys(names):
        library.define(f"{name}{_SCHEMA}")
    _kept.append(library)


_kept: list[torch.library.Library] = []
"""Declarations last as long as the object that made them."""
