"""A pickle's bytes as opcodes with their arguments: never stricter than its loaders, so that nothing hides behind an argument."""

from __future__ import annotations

import codecs
import pickletools
import re
from collections.abc import Callable, Iterator
from typing import Any

LARGE = 1 << 20
"""Bytes of an argument from which on its content stays in the file."""
NOT_ASCII = bytes(range(128, 256))
LONGEST_LINE = 1 << 24
"""Bytes of a line of protocol 0."""
UNKNOWN = object()
"""An argument that loaders read in more than one way."""
OPCODES = {one.code.encode("latin-1"): one for one in pickletools.opcodes}
DECIMAL = re.compile(rb"(0|-?[1-9][0-9]{0,99})L?\n")


class Blob(bytes):
    """A long argument: its first bytes, and where all of it lies."""

    whole: memoryview

    def __len__(self) -> int:
        """As the file tells it; pickletools compares."""
        return len(self.whole)


class Stream:
    """What pickletools reads from: a part of a file, which is never copied whole."""

    def __init__(self, view: memoryview) -> None:
        self.view, self.at = view, 0
        self.cut = False
        """Whether the last argument was a long one."""

    def read(self, count: int) -> bytes:
        """So many bytes, or those that are left."""
        part = self.view[self.at : self.at + max(count, 0)]
        self.at += len(part)
        if len(part) <= LARGE:
            return bytes(part)
        blob = Blob(bytes(part[:LARGE]).rstrip(NOT_ASCII))  # no letter is cut
        blob.whole, self.cut = part, True
        return blob

    def readline(self) -> bytes:
        """Up to the end of the line.

        Raises:
            ValueError: it is too long.
        """
        line = bytearray()
        while not line.endswith(b"\n") and self.at < len(self.view):
            piece = bytes(self.view[self.at : self.at + 4096])
            piece = piece[: piece.find(b"\n") + 1] or piece
            line += piece
            self.at += len(piece)
            if len(line) > LONGEST_LINE:
                raise ValueError(f"a line of more than {LONGEST_LINE} bytes")
        return bytes(line)

    def tell(self) -> int:
        """Bytes read."""
        return self.at


def opcodes(stream: Stream) -> Iterator[tuple[pickletools.OpcodeInfo, Any]]:
    """Every opcode of a pickle with its argument, up to its end.

    Raises:
        ValueError: it is damaged.
    """
    name = ""
    while name != "STOP":
        at, code = stream.tell(), stream.read(1)
        opcode = OPCODES.get(code)
        if opcode is None:
            raise ValueError(f"at position {at}, opcode {code!r} unknown" if code else "no end")  # fmt: skip
        name = opcode.name
        read = READERS.get(name, opcode.arg and opcode.arg.reader)
        yield opcode, read(stream) if read else None  # type: ignore[arg-type]


def _number(stream: Stream) -> Any:
    """INT and LONG, which C reads in any base that its first digits name."""
    line = stream.readline()
    return int(found[1]) if (found := DECIMAL.fullmatch(line)) else UNKNOWN


def _quoted(stream: Stream) -> Any:
    """STRING: of Python 2, so that beyond ASCII it is what the loader is told that it is."""
    line = stream.readline().removesuffix(b"\n")
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
        raise ValueError("a text without quotes")
    raw = codecs.escape_decode(line[1:-1])[0]
    return raw.decode("ascii") if raw.isascii() else UNKNOWN


def _counted(name: str) -> Callable[[Stream], Any]:
    """BINSTRING and SHORT_BINSTRING: likewise."""
    argument = next(one.arg for one in pickletools.opcodes if one.name == name)

    def read(stream: Stream) -> Any:
        said = argument.reader(stream) if argument else ""  # type: ignore[arg-type]
        return said if said.isascii() else UNKNOWN

    return read


READERS: dict[str, Callable[[Stream], Any]] = {
    **dict.fromkeys(("INT", "LONG"), _number),
    "STRING": _quoted,
    **{name: _counted(name) for name in ("BINSTRING", "SHORT_BINSTRING")},
}
"""Arguments about which pickletools is stricter than a loader, or knows one reading of several."""
