"""Tensors in files: written whole, and read where somebody else wrote them; code is refused, not run.

safetensors hold no code; a PyTorch file is opened with `weights_only=True`. NumPy's scalars and
arrays, which training programs leave beside the weights, are read as plain data.
"""

from __future__ import annotations

import argparse
import json
import pickle
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from reference_impls.lab.errors import EncoderError
from reference_impls.lab.files import replacing

INDEX_SUFFIX = ".index.json"
"""End of the name of the file that says which tensor lies in which shard."""
WEIGHT_FILES = tuple(
    f"{stem}{end}"
    for stem in (
        "model.safetensors",
        "open_clip_model.safetensors",
        "pytorch_model.bin",
        "open_clip_pytorch_model.bin",
    )
    for end in ("", INDEX_SUFFIX)
)
"""Files of weights in a folder as model hubs lay it out, in the order in which they are looked for."""
_NO_WEIGHTS = re.compile(r"optim|sched|scaler|rng")
"""Mappings of a training program's state: their tensors are no network's."""
_DEEPEST = 8
"""Mappings inside mappings; a file may refer to itself."""


def read_state(path: Path) -> dict[str, Tensor]:
    """All tensors of a file, a folder or an index of shards by name; no code in it is run.

    A tensor in a mapping inside the file is named `mapping/tensor`.

    Raises:
        EncoderError: a file is damaged or missing, holds objects beside tensors, or holds no tensor.
    """
    path = weights_in(path) if path.is_dir() else path
    content = _read_shards(path) if path.name.endswith(INDEX_SUFFIX) else _read(path)
    state = dict(_tensors(content))
    if not state:
        raise EncoderError(
            f"{path} holds no tensors; an encoder's state_dict was expected"
        )
    for name, value in state.items():
        _check_plain(name, value, path)
    return state


def weights_in(folder: Path) -> Path:
    """The file of weights in a folder.

    Raises:
        EncoderError: there is none.
    """
    for name in WEIGHT_FILES:
        if (folder / name).is_file():
            return folder / name
    raise EncoderError(
        f"no weights in the folder {folder} (looked for {', '.join(WEIGHT_FILES)})"
    )


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object beside weights; empty where there is no such file.

    Raises:
        EncoderError: the file is no JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise EncoderError(f"{path} is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise EncoderError(
            f"{path} must hold a JSON object, got {type(content).__name__}"
        )
    return content


def _read(path: Path) -> Any:
    return (
        _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    )


def _read_shards(index: Path) -> dict[str, Any]:
    listed = read_json(index).get("weight_map")
    if not isinstance(listed, dict) or not listed:
        raise EncoderError(f"{index} lists no shards; `weight_map` was expected")
    state: dict[str, Any] = {}
    for name in sorted({str(name) for name in listed.values()}):
        shard = index.with_name(Path(name).name)
        if Path(name).name != name or not shard.is_file():
            raise EncoderError(f"{index} names the shard {name!r}, which is not there")
        state |= _read(shard)
    if absent := listed.keys() - state.keys():
        raise EncoderError(
            f"{index}: {min(absent)} is in no shard, and {len(absent) - 1} more"
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


# -- NumPy as plain data -------------------------------------------------------------


class _Type:
    """A NumPy type in a file: its name, never the type itself, whose pickled state could reach into memory."""

    def __init__(self, code: str, *_: Any) -> None:
        self.code, self.order = str(code), "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1] if state[1] in ("<", ">") else "="

    def read(self, raw: bytes) -> Any:
        """The numbers in these bytes."""
        if not re.fullmatch(r"[biufc]\d{1,2}|S\d+|U\d+", self.code):
            raise pickle.UnpicklingError(f"GLOBAL numpy.dtype({self.code})")
        order = self.order if self.code[0] in "iufcU" else "|"
        return numpy.frombuffer(raw, numpy.dtype(f"{order}{self.code}"))


class _Array:
    """A NumPy array in a file; `values` once it is read."""

    values: Any = None

    def __init__(self, *_: Any) -> None:
        """What its maker is called with says nothing: the state follows."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, columns_first, raw = state
        if not isinstance(kind, _Type) or not isinstance(raw, bytes):
            raise pickle.UnpicklingError("GLOBAL numpy.ndarray of objects")
        flat = kind.read(raw)
        self.values = flat.reshape(shape, order="F" if columns_first else "C")


def _array(_kind: Any, *_: Any) -> _Array:
    return _Array()


def _scalar(kind: _Type, raw: bytes) -> Any:
    return kind.read(raw)[0].item()


_PLAIN: list[Any] = [
    argparse.Namespace,  # training programs like to store their settings
    (_Type, "numpy.dtype"),
    (_Array, "numpy.ndarray"),
    *(
        (stand_in, f"numpy.{core}.multiarray.{name}")
        for core in ("core", "_core")
        for stand_in, name in ((_scalar, "scalar"), (_array, "_reconstruct"))
    ),
]
"""What a file may hold beside tensors; NumPy's own functions are never called on what it says."""


def _read_torch(path: Path) -> Any:
    try:
        _check_size(path)
        with torch.serialization.safe_globals(_PLAIN), warnings.catch_warnings():
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
        IndexError,
        TypeError,
        AttributeError,
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


def _check_size(path: Path) -> None:
    """Refuse what PyTorch never writes: parts that are compressed or lie over each other, so that a small file fills the memory."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            size = sum(one.file_size for one in archive.infolist())
        if size > path.stat().st_size:
            raise EncoderError(f"{path} unpacks to more than it holds; save it with torch.save")  # fmt: skip


def _refusal(path: Path, reason: str) -> str:
    if "GLOBAL" not in reason and "global" not in reason:
        return f"{path} is damaged or no PyTorch file: {reason.partition(chr(10))[0]}"
    culprit = reason.partition("GLOBAL ")[2].split(" ")[0] or "code"
    return (
        f"{path} holds pickled code or objects beside tensors ({culprit}); nothing was run. "
        "Where you trust it, save its state_dict alone, best as safetensors"
    )


def _tensors(
    content: Any, above: str = "", depth: int = 0
) -> Iterator[tuple[str, Any]]:
    if not isinstance(content, Mapping) or depth > _DEEPEST:
        return
    for key, value in content.items():
        if isinstance(value, Tensor):
            yield f"{above}{key}", value
        elif isinstance(value, _Array) and value.values is not None:
            if value.values.dtype.kind in "biuf":
                native = value.values.astype(value.values.dtype.newbyteorder("="))
                yield f"{above}{key}", torch.from_numpy(native)
        elif not _NO_WEIGHTS.search(str(key)):
            yield from _tensors(value, f"{above}{key}/", depth + 1)


def _check_plain(name: str, value: Tensor, path: Path) -> None:
    if value.layout != torch.strided or value.is_quantized:
        raise EncoderError(f"{path}: {name} is sparse or quantised; save it as floats")
    held = value.untyped_storage().nbytes() if value.device.type == "cpu" else 0
    if held < value.numel() * value.element_size():
        raise EncoderError(f"{path}: {name} claims more values than the file holds")
