"""Formats other than pickle: what their readers would open, import or run. Nothing is taken from a file's name."""

from __future__ import annotations

import bz2
import io
import json
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy

from reference_impls.artifact_scan.pickles import Report

LONGEST = 1 << 24
"""Bytes of a header or a text that are read."""
DEEPEST = 12
"""Messages in messages, or files in files."""
OUTSIDE = re.compile(r"^[/\\]|^\w:|(^|[/\\])\.\.([/\\]|$)|://")
"""A path that leads out of its folder."""


@dataclass
class Room:
    """Bytes that compressed parts of a file may still unpack to."""

    left: int

    def take(self, count: int) -> None:
        """Use some.

        Raises:
            ValueError: there is no more.
        """
        self.left -= count
        if self.left < 0:
            raise ValueError("it unpacks to more than --limit")


class Reader(io.RawIOBase):
    """A part of a file as a file; it is not copied."""

    def __init__(self, view: memoryview) -> None:
        super().__init__()
        self.view, self.at = view, 0

    def read(self, count: int = -1) -> bytes:
        """So many bytes, or those that are left."""
        end = len(self.view) if count < 0 else self.at + count
        part = bytes(self.view[self.at : end])
        self.at += len(part)
        return part

    def seek(self, place: int, whence: int = 0) -> int:
        """Go somewhere."""
        self.at = max(0, place + (0, self.at, len(self.view))[whence])
        return self.at

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Where it stands."""
        return self.at

    def take(self, form: str) -> tuple[Any, ...]:
        """Numbers, as `struct` reads them."""
        return struct.unpack(form, self.read(struct.calcsize(form)))


# -- Compressed, zip -------------------------------------------------------------------

COMPRESSED: tuple[tuple[bytes, Any], ...] = (
    (b"\x1f\x8b", lambda: zlib.decompressobj(31)),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ", lzma.LZMADecompressor),
    (b"\x5d\x00\x00", lzma.LZMADecompressor),
    *((b"\x78" + level, zlib.decompressobj) for level in (b"\x01", b"\x5e", b"\x9c", b"\xda")),
)  # fmt: skip
"""How files begin that joblib and others unpack first, and what unpacks them."""


def unpack(view: memoryview, program: Any, room: Room) -> memoryview:
    """A compressed file's content.

    Raises:
        ValueError: it is damaged, something follows it, or there is no room.
    """
    out, most, at = bytearray(), 1 << 20, 0
    piece = found = b""
    try:
        while not program.eof and (piece or found or at < len(view)):
            if not piece and not found:
                piece = bytes(view[at : at + (1 << 16)])
                at += len(piece)
            found = program.decompress(piece, most)
            room.take(len(found))
            out += found
            piece = getattr(program, "unconsumed_tail", b"")
            found = found if len(found) == most else b""
    except (zlib.error, OSError, lzma.LZMAError) as error:
        raise ValueError(str(error)) from error
    if not program.eof or program.unused_data or at < len(view):
        raise ValueError("it ends too early, or something follows its end")
    return memoryview(out)


def zip_entries(view: memoryview, room: Room, report: Report) -> Iterator[tuple[str, memoryview]]:  # fmt: skip
    """Name and content of every entry, by its own header and without its checksum, as PyTorch reads it.

    Raises:
        ValueError: there is no such header, or no room.
    """
    try:
        entries = zipfile.ZipFile(Reader(view)).infolist()
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise ValueError(str(error)) from error
    if min((one.header_offset for one in entries), default=0) or not _framed(view):
        report("cannot decide", "zip_framed", "")
    for one in entries:
        at, name = one.header_offset, one.orig_filename
        sign, flags, method, n, m = struct.unpack_from("<4s2xHH16xHH", view, at)
        start = at + 30 + n + m
        raw = view[start : start + one.compress_size]
        if sign != b"PK\x03\x04" or len(raw) < one.compress_size:
            raise ValueError(f"no entry {name}")
        encrypted = (flags | one.flag_bits) & 1
        if encrypted or bytes(view[at + 30 : at + 30 + n]) not in (name.encode(), name.encode("cp437", "replace")):  # fmt: skip
            report("cannot decide", "zip_disagrees", name)
        if method in (0, 8) and method == one.compress_type:
            yield name, unpack(raw, zlib.decompressobj(-15), room) if method else raw
        else:
            report("cannot decide", "zip_method", name)


def _framed(view: memoryview) -> bool:
    """Whether the directory lies right before the end's records and where they say, so that no reader takes another one."""
    start = max(0, len(view) - 65_557)
    end = start + bytes(view[start:]).rfind(b"PK\x05\x06")
    size, place = struct.unpack_from("<II", view, end + 12)
    if bytes(view[end - 20 : end - 16]) == b"PK\x06\x07":
        (larger,) = struct.unpack_from("<Q", view, end - 12)
        end -= 20 + 56
        if larger != end or bytes(view[end : end + 4]) != b"PK\x06\x06":
            return False
        size, place = struct.unpack_from("<QQ", view, end + 40)
    return bool(place + size == end)


def is_tar(head: bytes) -> bool:
    """Whether a first block is a tar's, by its checksum: the oldest ones have no other sign."""
    try:
        return bool(tarfile.TarInfo.frombuf(head, "utf-8", "replace"))
    except tarfile.HeaderError:
        return False


# -- Arrays and tensors ----------------------------------------------------------------


def npy(view: memoryview) -> tuple[bool, memoryview]:
    """Whether a NumPy file holds a pickle, and what follows its header; NumPy reads that as plain data.

    Raises:
        ValueError: it is damaged.
    """
    file, form = Reader(view), numpy.lib.format
    first = form.read_magic(file)[0] == 1
    *_, kind = (form.read_array_header_1_0 if first else form.read_array_header_2_0)(file)  # fmt: skip
    return kind.hasobject, view[file.at :]


def safetensors(view: memoryview) -> None:
    """Nothing in it runs, if its tensors lie one behind the other up to the end.

    Raises:
        ValueError: they do not, so that another reader may see another file.
    """
    size = Reader(view).take("<Q")[0]
    if size > min(LONGEST, len(view) - 8):
        raise ValueError("its header is longer than the file or than is read here")
    header = json.loads(bytes(view[8 : 8 + size]), object_pairs_hook=_once)
    spans = sorted(one["data_offsets"] for name, one in header.items() if name != "__metadata__")  # fmt: skip
    if [0, *(end for _, end in spans)] != [*(start for start, _ in spans), len(view) - 8 - size]:  # fmt: skip
        raise ValueError("its tensors overlap, leave gaps, or something follows")


def _once(items: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(items)
    if len(found) < len(items):
        raise ValueError("its header says something twice")
    return found


# -- ONNX: a message of protocol buffers -------------------------------------------------

PARTS = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 10: "tensor", 6: "graph", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "place"},
}  # fmt: skip
"""Which field of a message holds which message, of those that matter (onnx.proto)."""
OWN_DOMAINS = {b"", b"ai.onnx", b"ai.onnx.ml", b"ai.onnx.training", b"ai.onnx.preview.training", b"com.microsoft"}  # fmt: skip
"""Of operators that ONNX Runtime brings along."""


def onnx(view: memoryview, report: Report, kind: str = "model", depth: int = 0) -> None:
    """Where its tensors lie outside, and which operators it calls.

    Raises:
        ValueError: it is no ONNX model.
    """
    parts = list(_fields(view))
    said = {number: part for number, part in parts if number in (1, 2, 4, 7)}
    if depth > DEEPEST or (kind == "model" and not {1, 7} <= said.keys()):
        raise ValueError("no ONNX model")
    if kind == "node":
        operator, domain = bytes(said.get(4, b"")), bytes(said.get(7, b""))
        if re.match(rb"Py(thon)?(Op|Func)", operator):
            report("dangerous", "python_operator", operator.decode("latin1"))
        elif domain not in OWN_DOMAINS:
            report("cannot decide", "custom_operator", f"{domain!r} {operator!r}")
    elif kind == "place" and bytes(said.get(1, b"")) == b"location":
        place = bytes(said.get(2, b"")).decode("utf-8", "replace")
        if OUTSIDE.search(place):
            report("dangerous", "outside", place)
    for number, part in parts:
        if inner := PARTS.get(kind, {}).get(number):
            onnx(part, report, inner, depth + 1)


def _fields(view: memoryview) -> Iterator[tuple[int, Any]]:
    """Number and value of every field of a message."""
    at = 0
    while at < len(view):
        key, at = _number(view, at)
        number, kind = key >> 3, key & 7
        size, at = _number(view, at) if kind in (0, 2) else ({1: 8, 5: 4}[kind], at)
        size = size if kind else 0
        if not number or at + size > len(view):
            raise ValueError("no message of protocol buffers")
        yield number, view[at : at + size] if kind else b""
        at += size


def _number(view: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for place in range(10):
        byte = view[at + place]
        value |= (byte & 127) << (7 * place)
        if byte < 128:
            return value, at + place + 1
    raise ValueError("no number")


# -- GGUF ------------------------------------------------------------------------------

SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of a value of each type that has a fixed size; 8 is a text, 9 an array."""


def gguf(view: memoryview) -> Iterator[tuple[str, str]]:
    """Texts of the header by name.

    Raises:
        ValueError: it is damaged.
    """
    file = Reader(view)
    _, version, _, count = file.take("<4sIQQ")
    if version not in (2, 3):
        raise ValueError("its header is of no known version")

    def value(kind: int, depth: int = 0) -> str:
        if kind == 8:
            (size,) = file.take("<Q")
            if size > min(LONGEST, len(view) - file.at) or depth > DEEPEST:
                raise ValueError("a text is longer than the file")
            return file.read(size).decode("utf-8", "replace")
        if kind != 9:
            file.seek(SIZES[kind], 1)
            return ""
        inner, items = file.take("<IQ")
        if inner in SIZES:
            file.seek(SIZES[inner] * items, 1)
            return ""
        for _ in range(items):  # each takes bytes, so the end of the file ends it
            value(inner, depth + 1)
        return ""

    for _ in range(count):
        name = value(8)
        yield name, value(file.take("<I")[0])
