"""Tensors in files: written whole, and read where somebody else wrote them; code is refused, not run.

safetensors hold no code; a PyTorch file is opened with `weights_only=True`.
"""

from __future__ import annotations

import argparse
import pickle
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from reference_impls.lab.errors import EncoderError
from reference_impls.lab.files import replacing


def read_state(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors or PyTorch file by name; no code in it is run.

    Raises:
        EncoderError: the file is damaged, holds objects beside tensors, or holds no tensor.
    """
    content = (
        _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    )
    state = _tensors(content)
    if not state:
        raise EncoderError(
            f"{path} holds no tensors; an encoder's state_dict was expected"
        )
    return state


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as error:
        raise EncoderError(
            f"{path} is damaged or no safetensors file: {error}"
        ) from error


def write_tensors(
    tensors: Mapping[str, Tensor], path: Path, metadata: dict[str, str]
) -> None:
    """Write safetensors; a file is whole or not there.

    Raises:
        OSError: what the disk said, which the library's own writer would not pass on.
    """
    raw = save(dict(tensors), metadata)
    with replacing(path) as new:
        new.write_bytes(raw)


def is_lab_encoder(path: Path) -> bool:
    """Whether the lab wrote this file."""
    if path.suffix != ".safetensors":
        return False
    try:
        with safe_open(path, framework="pt") as file:
            return "lab" in (file.metadata() or {})
    except (SafetensorError, OSError):
        return False  # read_state says what is wrong


def _read_torch(path: Path) -> Any:
    try:
        # Training programs like to store their settings; a Namespace is data.
        with (
            torch.serialization.safe_globals([argparse.Namespace]),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter(
                "ignore", UserWarning
            )  # TorchScript is refused just below
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise EncoderError(_refusal(path, str(error))) from error
    except (
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
        KeyError,
        zipfile.BadZipFile,
    ) as error:
        if "TorchScript" in str(error):
            raise EncoderError(
                f"{path} is a TorchScript program, which was not run; save its state_dict instead"
            ) from error
        first_line = str(error).partition("\n")[0].partition(". ")[0]
        raise EncoderError(
            f"{path} is truncated or no PyTorch file: {first_line}"
        ) from error


def _refusal(path: Path, reason: str) -> str:
    if "GLOBAL" not in reason and "global" not in reason:
        return f"{path} is damaged or no PyTorch file: {reason.partition(chr(10))[0]}"
    culprit = reason.partition("GLOBAL ")[2].split(" ")[0] or "code"
    return (
        f"{path} holds pickled code or objects beside tensors ({culprit}); nothing was run. "
        "Where you trust it, save its state_dict alone, best as safetensors"
    )


def _tensors(content: Any) -> dict[str, Tensor]:
    """The state dict in a file: the outermost mapping with tensors in it, else the largest inside."""
    if not isinstance(content, Mapping):
        return {}
    own = {
        str(key): value for key, value in content.items() if isinstance(value, Tensor)
    }
    if own:
        return own
    wrapped = [
        _tensors(content[key]) for key in ("state_dict", "model") if key in content
    ]
    others = [
        _tensors(value)
        for key, value in content.items()
        if key not in ("optimizer", "ema")
    ]
    return next(filter(None, wrapped), None) or max(others, key=len, default={})
