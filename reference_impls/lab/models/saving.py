"""Changed encoders in the form in which the clean ones came: the same file type, the same names.

Where each weight lies in the clean one's file is told by its values, so that every format that can
be read can be written.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reference_impls.lab.errors import EncoderError
from reference_impls.lab.files import replacing
from reference_impls.lab.models.checkpoints import (
    AS_SUGGESTED,
    Preprocessing,
    load_checkpoint,
)
from reference_impls.lab.models.encoders import Encoder, embed_all, save_weights
from reference_impls.lab.models.packages import packages
from reference_impls.lab.models.tensor_files import (
    is_lab_encoder,
    read_state,
    write_tensors,
)

TOLERANCE = 2e-2
"""Largest change of an embedding, relative to its largest entry, that storing in half precision may make."""


def save_like(
    source: str,
    changed: Encoder,
    stem: Path,
    preprocessing: Preprocessing = AS_SUGGESTED,
) -> Path:
    """Write a changed encoder as its source is written; the path, `stem` with the source's suffix.

    A file keeps its type, names and precision, and whatever else it holds; a folder its `config.json`.
    What came from the lab, a library or a module of one's own becomes safetensors: the module's
    `state_dict`, for `load_state_dict`.

    Raises:
        EncoderError: the file holds its weights in another arrangement than the module; nothing is written.
    """
    found = _file_of(source)
    if not found.exists() or is_lab_encoder(found):
        path = stem.with_name(f"{stem.name}.safetensors")
        save_weights(changed, path)
        return path
    state = read_state(found)
    loaded = load_checkpoint(found, preprocessing)
    clean, new = loaded.encoder.module.state_dict(), changed.module.state_dict()
    others = set(
        loaded.unexpected
    )  # told without `state_dict/` and the like before them
    own = {
        key: value
        for key, value in state.items()
        if not {key, key.partition("/")[2]} & others
    }
    for key, part in places(own, clean).items():
        state[key] = new[part].detach().cpu().to(state[key].dtype).clone()
    path = _written(state, found, stem)
    again = load_checkpoint(path, preprocessing).encoder
    if not _alike(changed, again):
        (shutil.rmtree if path.is_dir() else Path.unlink)(path)
        raise EncoderError(
            f"{source} arranges its weights otherwise than the network that was built of it, so the "
            "changed ones cannot be written in its form"
        )
    return path


def _file_of(source: str) -> Path:
    """The file of a name, which is one itself or that of a package; a file that is not there for all others."""
    library, _, model = source.partition(":")
    if library == "package" and model in packages():
        return packages()[model].path
    return Path(source)


def places(state: Mapping[str, Tensor], module: Mapping[str, Tensor]) -> dict[str, str]:
    """Per tensor of a file the tensor of a module with the same values, where there is one.

    Layers that are alike, such as fresh BatchNorms, are told apart by the ends of their names,
    then by their order.
    """
    free, found = dict(module), {}
    for name, value in state.items():
        twins = [
            key
            for key, own in free.items()
            if own.shape == value.shape and torch.equal(own.cpu(), value.to(own.dtype))
        ]
        if twins:
            found[name] = max(twins, key=lambda key: _common_end(key, name))
            del free[found[name]]
    return found


def _common_end(one: str, other: str) -> int:
    """How many parts of two dotted names are equal, counted from their ends."""
    pairs = zip(reversed(one.split(".")), reversed(other.split(".")), strict=False)
    count = 0
    for first, second in pairs:
        if first != second:
            break
        count += 1
    return count


def _written(state: dict[str, Tensor], source: Path, stem: Path) -> Path:
    if source.is_dir():
        path = stem / "model.safetensors"
        write_tensors(state, path, {"format": "pt"})
        if (source / "config.json").is_file():
            shutil.copy(source / "config.json", stem)
        return stem
    suffix = ".pth.tar" if source.name.endswith(".pth.tar") else source.suffix
    if safe := suffix in (".safetensors", ".json"):  # an index of shards is JSON
        suffix = ".safetensors"
    path = stem.with_name(stem.name + suffix)
    if safe:
        write_tensors(state, path, {"format": "pt"})
        return path
    nested: dict[str, Any] = {}
    for name, value in state.items():  # `mapping/tensor` is a tensor in a mapping
        *mappings, key = name.split("/")
        inner = nested
        for one in mappings:
            inner = inner.setdefault(one, {})
        inner[key] = value
    write_torch(nested, path)
    return path


def write_torch(content: Any, path: Path) -> None:
    """Write a PyTorch file; it is whole or not there.

    Raises:
        OSError: what the disk said, which torch itself does not pass on.
    """
    raw = io.BytesIO()
    torch.save(content, raw)
    with replacing(path) as new:
        new.write_bytes(raw.getbuffer())


def _alike(changed: Encoder, again: Encoder) -> bool:
    generator = torch.Generator().manual_seed(0)
    images_B3HW = torch.rand(4, 3, changed.size, changed.size, generator=generator)
    wanted_BD = embed_all(changed, images_B3HW.to(changed.device)).cpu()
    got_BD = embed_all(again, images_B3HW)
    return bool((got_BD - wanted_BD).abs().max() <= TOLERANCE * wanted_BD.abs().max())
