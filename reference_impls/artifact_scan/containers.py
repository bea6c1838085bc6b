"""Files of each format, byte by byte: what formats allow, also where no library would write it."""

from __future__ import annotations

import io
import json
import pickle
import struct
import tarfile
import zipfile

Files = dict[str, bytes]
"""Content by file name: a file, or several of a folder."""


def zipped(entries: Files, *, method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for entry, content in entries.items():
            archive.writestr(zipfile.ZipInfo(entry), content, method)
    return out.getvalue()


def torch_zip(content: bytes, *, method: int = zipfile.ZIP_STORED) -> bytes:
    """PyTorch's format of today."""
    return zipped(
        {"archive/data.pkl": content, "archive/version": b"3\n"}, method=method
    )


def npy(content: bytes, descr: str = "'|O'", shape: str = "(1,)") -> bytes:
    """NumPy's format."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"  # fmt: skip
    return (
        b"\x93NUMPY\x01\x00"
        + struct.pack("<H", len(header))
        + header.encode()
        + content
    )


def tarred(entries: Files) -> bytes:
    """A tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for entry, content in entries.items():
            told = tarfile.TarInfo(entry)
            told.size = len(content)
            archive.addfile(told, io.BytesIO(content))
    return out.getvalue()


def legacy(*pickles: bytes) -> bytes:
    """PyTorch's older format: magic number, protocol, system, objects, keys, then values."""
    before: tuple[object, ...] = (0x1950A86A20F9469CFC6C, 1001, {})
    start = [pickle.dumps(one, 2) for one in before]
    return b"".join([*start, *pickles, pickle.dumps([], 2), b"\x80\x04\xff" * 9])


def message(**parts: bytes | int) -> bytes:
    """A message of protocol buffers; a part `n7` is of number 7, `n7_2` another of it."""
    out = b""
    for key, value in parts.items():
        number = int(key[1:].partition("_")[0])
        if isinstance(value, int):
            out += bytes([number << 3, value])
            continue
        size, count = b"", len(value)
        while count > 127:
            size, count = size + bytes([count & 127 | 128]), count >> 7
        head = number << 3 | 2
        out += (bytes([head]) if head < 128 else bytes([head & 127 | 128, head >> 7])) + size + bytes([count]) + value  # fmt: skip
    return out


def onnx(graph: bytes) -> bytes:
    """A model with that graph."""
    return message(n1=8, n2=b"stand-in", n7=graph, n8=message(n2=17))


def outside(place: str) -> bytes:
    """A tensor that lies in another file."""
    return message(
        n1=1, n2=1, n8=b"w", n13=message(n1=b"location", n2=place.encode()), n14=1
    )


def gguf(template: str) -> bytes:
    """A header with a template, and no tensor."""

    def said(one: str) -> bytes:
        return struct.pack("<Q", len(one.encode())) + one.encode()

    pairs = [said("general.architecture") + struct.pack("<I", 8) + said("llama"),
             said("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 2) + said("a") + said("b"),
             said("general.alignment") + struct.pack("<II", 4, 32),
             said("tokenizer.chat_template") + struct.pack("<I", 8) + said(template)]  # fmt: skip
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs)) + b"".join(pairs)


def safetensors(header: dict[str, object], content: bytes) -> bytes:
    """A header of one's own."""
    raw = json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + content


def patched(whole_file: bytes, at: bytes, shift: int, new: bytes) -> bytes:
    """A file with some bytes changed behind each sign."""
    out, place = bytearray(whole_file), whole_file.find(at)
    while place >= 0:
        out[place + shift : place + shift + len(new)] = new
        place = whole_file.find(at, place + 1)
    return bytes(out)
