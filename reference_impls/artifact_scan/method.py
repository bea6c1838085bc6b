"""The verdict on a model file or folder: every part of it is read by what it is, and nothing of it is run.

Kellas et al., "PickleBall", CCS 2025, https://arxiv.org/abs/2508.15987: a policy for each library says what its pickles may call
(`policy.yaml`, `pickles.py`). Zhao et al., "Models Are Codes" (MalHug), ASE 2024, https://arxiv.org/abs/2409.09368: code beside
models counts, too. Liu et al., "The Art of Hide and Seek", USENIX Security 2026, https://arxiv.org/abs/2508.19774: there are more
ways to load a pickle, and more dangerous functions, than lists of bad names know; hence lists of good ones, and formats that are told by content.
"""

from __future__ import annotations

import mmap
import os
import re
import struct
import tarfile
import tokenize
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from reference_impls.artifact_scan import formats, texts
from reference_impls.artifact_scan.answer import Answer, Finding, ScanConfig, verdict
from reference_impls.artifact_scan.pickles import MOST_STEPS, Level, Machine
from reference_impls.artifact_scan.stream import Stream
from reference_impls.lab.errors import ConfigError

MOST_FINDINGS = 1000
TORCH_MAGIC = 0x1950A86A20F9469CFC6C
"""First pickle of PyTorch's older format; four more follow, then raw values."""
TORCH_RAW = re.compile(r"[^/]+/(\.?data/.+|version|byteorder|\.format_version|\.storage_alignment)")  # fmt: skip
"""Entries of PyTorch's zip that are values, not pickles."""
POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v\d+\r?\n(?:.*\n)*?oid sha256:([0-9a-f]{1,64})")  # fmt: skip
"""What Git LFS leaves where a large file was not fetched."""
DAMAGED = (
    ValueError, LookupError, TypeError, AttributeError, ArithmeticError, struct.error, SyntaxError, RecursionError,
    MemoryError, tarfile.TarError, tokenize.TokenError,
)  # fmt: skip


def scan(path: Path, config: ScanConfig | None = None) -> Answer:
    """The verdict on a file, or on all files of a folder.

    Raises:
        ConfigError: there is no such file.
        OSError: it cannot be read.
    """
    if not path.exists():
        raise ConfigError(f"{path} is not there")
    files = sorted(_files(path)) if path.is_dir() else [path]
    if not files:
        raise ConfigError(f"{path} holds no file")
    findings: list[Finding] = []
    size = 0
    for file in files:
        name = str(file.relative_to(path)) if path.is_dir() else file.name
        with _mapped(file) as view:
            findings += Scan(config or ScanConfig()).of(view, name)
            size += len(view)
    return Answer(verdict=verdict(findings), findings=tuple(findings), files=len(files), bytes=size)  # fmt: skip


def _files(folder: Path) -> Iterator[Path]:
    for above, _, names in os.walk(folder):
        yield from (path for name in names if (path := Path(above, name)).is_file())


@contextmanager
def _mapped(path: Path) -> Iterator[memoryview]:
    if not path.is_file():
        raise ConfigError(f"{path} is no file")
    with path.open("rb") as file:
        empty = not os.fstat(file.fileno()).st_size
        yield memoryview(b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))  # fmt: skip


@dataclass
class Scan:
    """One file, with all that is in it."""

    config: ScanConfig
    findings: dict[Finding, None] = field(default_factory=dict)
    where: list[str] = field(default_factory=list)
    steps: list[int] = field(default_factory=lambda: [0])

    def __post_init__(self) -> None:
        """Room to unpack."""
        self.room = formats.Room(self.config.limit << 20)

    def of(self, view: memoryview, name: str) -> list[Finding]:
        """What speaks against a file."""
        with warnings.catch_warnings():  # parsers warn of what a stranger wrote
            warnings.simplefilter("ignore")
            self.part(view, name)
        return list(self.findings)

    def report(self, level: Level, reason: str, about: str) -> None:
        """Keep a finding, and with it where it was made."""
        about = re.sub(r"[^\x20-\x7e]", "?", about[:200])  # it is a stranger's
        where = " > ".join(re.sub(r"[^\x20-\x7e]", "?", one[:200]) for one in self.where)  # fmt: skip
        full = len(self.findings) >= MOST_FINDINGS
        if not full or (level == "dangerous" and verdict(self.findings) != level):
            self.findings[Finding(level=level, where=where, reason=reason, about=about)] = None  # fmt: skip

    # -- What a file is --------------------------------------------------------------------

    def part(self, view: memoryview, name: str, *, kind: str = "pickle", raw: bool = False) -> None:  # fmt: skip
        """Read a file, or a part of one, as everything that it may be taken for; `raw` ones may be mere values."""
        self.where.append(name)
        try:
            if len(self.where) > formats.DEEPEST:
                raise ValueError("files in files without end")
            # A zip ends with its directory, so that anything may stand before it.
            as_zip = b"PK\x05\x06" in bytes(view[-65_557:]) and (not raw or bytes(view[:2]) == b"PK")  # fmt: skip
            if as_zip:
                self.zip(view)
            if not as_zip or bytes(view[:2]) != b"PK":
                self.by_head(view, name, kind, raw=raw or as_zip)
        except DAMAGED as error:
            said = str(error).partition("\n")[0] or type(error).__name__
            self.report("cannot decide", "damaged", said)
        finally:
            self.where.pop()

    def by_head(self, view: memoryview, name: str, kind: str, *, raw: bool) -> None:
        """Read a file by its first bytes."""
        head = bytes(view[:512])
        headed = head[:1] == b"\x80" and head[1:2] <= b"\x05" and not raw
        tensors = head[7:9] == b"\0{" and not raw
        if headed and not tensors:
            self.pickle(view, kind)
            return
        # Older protocols begin with no sign, so that the sign of another format may be their first opcode.
        known = self.perhaps_pickles(view, kind) > 0
        if formats.is_tar(head):  # its first file may be called like another format
            self.tar(view)
            known = True
        for magic, maker in formats.COMPRESSED:
            if head.startswith(magic) and not raw:
                self.part(formats.unpack(view, maker(), self.room), "unpacked", kind=kind)  # fmt: skip
                return
        for magic, read in HEADS:
            if head.startswith(magic):
                read(self, view)
                return
        if tensors:
            formats.safetensors(view)
        elif head:  # a program, too, may begin with a whole pickle
            self.other(view, name, raw=raw or known)

    def other(self, view: memoryview, name: str, *, raw: bool) -> None:
        """ONNX, which begins with no sign of its own; text; or nobody knows what."""
        if view[0] == 8 and not raw:
            formats.onnx(view, self.report)
        elif pointer := POINTER.match(bytes(view[:200])):
            self.report("cannot decide", "pointer", pointer[1].decode())
        elif text := texts.printable(view):
            texts.judge(text, Path(name).suffix.lower(), self.report)
        elif not raw:
            self.report("cannot decide", "unknown_format", "")

    # -- Pickles ---------------------------------------------------------------------------

    def machine(self, view: memoryview, kind: str, *, plain: bool = False) -> Machine:  # fmt: skip
        """That reads the pickles of a part."""

        def inner(part: memoryview) -> None:
            self.part(part, "argument", kind="torch")

        return Machine(Stream(view), kind, self.report, inner, self.steps, plain)

    def run(self, machine: Machine) -> Any:
        """What a pickle gives; the values of joblib's arrays are also read as every other loader reads them.

        Raises:
            ValueError: it is damaged.
        """
        rest = machine.stream.view[machine.stream.at :]
        try:
            return machine.run()
        finally:
            if machine.arrays and not machine.plain:
                self.perhaps_pickle(rest, machine.kind, plain=True)

    def pickle(self, view: memoryview, kind: str) -> None:
        """One pickle or several, up to the end of a file.

        Raises:
            ValueError: it is damaged.
        """
        machine = self.machine(view, kind)
        if self.run(machine) == TORCH_MAGIC:
            machine.kind = "torch"
            for _ in range(4):
                self.run(machine)
            return
        rest = view[machine.stream.at :]
        if left := len(rest) - self.perhaps_pickles(rest, kind):
            self.report("cannot decide", "follows", f"{left}")

    def perhaps_pickles(self, view: memoryview, kind: str) -> int:
        """Bytes of all pickles that follow each other, 0 if there is none."""
        used = 0
        while used < len(view) and (more := self.perhaps_pickle(view[used:], kind)):
            used += more
        return used

    def perhaps_pickle(self, view: memoryview, kind: str, *, plain: bool = False) -> int:  # fmt: skip
        """Bytes of a pickle, 0 if it is none; what is no pickle to its end counts if it imports of a known package and is not innocent, or calls."""
        kept, self.findings = self.findings, {}
        machine, used = self.machine(view, kind, plain=plain), 0
        try:
            self.run(machine)
            used = machine.stream.at
        except ValueError:
            if self.steps[0] > MOST_STEPS:  # nothing that follows is read either
                raise
            if machine.strange or (machine.named and self.findings):
                self.report("cannot decide", "damaged", "it breaks off")
                used = len(view)
        finally:
            found, self.findings = self.findings, kept
        if used:
            self.findings |= found
        return used

    # -- Files of files --------------------------------------------------------------------

    def zip(self, view: memoryview) -> None:
        """PyTorch, NumPy, Keras, or any other zip; every entry counts, whatever it is called."""
        entries = list(formats.zip_entries(view, self.room, self.report))
        names = [name for name, _ in entries]
        torch = any(name.endswith("data.pkl") for name in names)
        if any(name.endswith("/constants.pkl") or "/code/" in name for name in names):
            self.report("cannot decide", "torchscript", "")
        for name, content in entries:
            self.outside(name)
            raw = torch and bool(TORCH_RAW.fullmatch(name))
            self.part(content, name, kind="torch" if torch else "pickle", raw=raw)

    def tar(self, view: memoryview) -> None:
        """PyTorch's oldest format, and NeMo's."""
        with tarfile.open(fileobj=cast(Any, formats.Reader(view)), mode="r:") as archive:  # fmt: skip
            members = list(archive)
            torch = {"storages", "tensors", "pickle"} <= {one.name for one in members}
            for one in members:
                self.outside(one.name)
                if one.issym() or one.islnk():
                    self.outside(one.linkname)
                if one.issparse():
                    self.report("cannot decide", "unread", f"{one.name}, with gaps")
                elif one.isreg():
                    place, raw = one.offset_data, torch and one.name != "pickle"
                    self.part(view[place : place + one.size], one.name, raw=raw)

    def outside(self, name: str) -> None:
        """A name that leads out of the folder."""
        if formats.OUTSIDE.search(name):
            self.report("dangerous", "outside", name)

    # -- Everything else -------------------------------------------------------------------

    def npy(self, view: memoryview) -> None:
        """An array, or a pickle behind its header."""
        objects, rest = formats.npy(view)
        if objects:
            self.pickle(rest, "numpy")

    def gguf(self, view: memoryview) -> None:
        """A header of names and values; templates among them are programs."""
        for name, text in formats.gguf(view):
            if "chat_template" in name:
                texts.template(text, self.report)

    def hdf5(self, view: memoryview) -> None:
        """Keras's older format, which is not read here but for the sign of a lambda layer."""
        sign = re.search(
            rb'"class_name"\s*:\s*"(Lambda|TFOpLambda|TorchModuleWrapper)"', view
        )
        self.report(*(("dangerous", "lambda", "") if sign else ("cannot decide", "unread", "HDF5")))  # fmt: skip

    def unread(self, view: memoryview) -> None:
        """Programs, and archives that nothing here opens."""
        self.report("cannot decide", "unread", repr(bytes(view[:4])))

    def shown(self, view: memoryview) -> None:
        """Pictures and sounds, which people look at and listen to."""


HEADS: tuple[tuple[bytes, Callable[[Scan, memoryview], None]], ...] = (
    (b"\x93NUMPY", Scan.npy),
    (b"GGUF", Scan.gguf),
    (b"\x89HDF\r\n\x1a\n", Scan.hdf5),
    (b"7z\xbc\xaf\x27\x1c", Scan.unread),
    (b"Rar!\x1a\x07", Scan.unread),
    (b"\x28\xb5\x2f\xfd", Scan.unread),
    (b"\x04\x22\x4d\x18", Scan.unread),
    (b"\x7fELF", Scan.unread),
    (b"MZ", Scan.unread),
    *(
        (magic, Scan.shown)
        for magic in (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"fLaC", b"OggS")
    ),
)
"""How files begin, and what reads them."""
