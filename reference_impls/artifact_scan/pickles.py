"""A pickle read as a program of a small stack machine, without running it: what it would call, and with what.

PickleBall (Kellas et al., CCS 2025, https://arxiv.org/abs/2508.15987) allows a library's models the operations that loading
them needs, and nothing else. So does this: a global that the policy of the kind of file does not list is refused, whether or
not it is known to be bad, and so is a call of anything that is no such global.
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import Any, Literal

from reference_impls.artifact_scan.policy import allowed, known, renamed
from reference_impls.artifact_scan.stream import UNKNOWN, Blob, Stream, opcodes
from reference_impls.artifact_scan.values import DTYPE, Global, Made, layout

Level = Literal["dangerous", "cannot decide"]
Report = Callable[[Level, str, str], None]
"""Told of a level, a reason of `words.yaml`, and what it is about."""
MOST_STEPS = 20_000_000
"""Opcodes of a file: minutes of reading."""
LOAD_BYTES = "torch.storage _load_from_bytes"
"""Loads a pickle in a pickle: allowed where the inner one is there to be read."""
ARRAY = "joblib.numpy_pickle NumpyArrayWrapper"
"""Behind it in the stream lie the values of an array."""
BROKEN = (
    ValueError, KeyError, IndexError, TypeError, EOFError, OverflowError, struct.error, RecursionError
)  # fmt: skip


# -- The machine ---------------------------------------------------------------------

MARK = object()


@dataclass
class Machine:
    """Reads one pickle after another from a stream."""

    stream: Stream
    kind: str
    report: Report
    inner: Callable[[memoryview], None]
    """Is given pickles that are arguments."""
    steps: list[int]
    """Opcodes that were read of the file so far; several machines count together."""
    plain: bool = False
    """Whether the values of joblib's arrays are opcodes, as to every loader but joblib."""
    strange: bool = False
    """Whether it called something that no policy lists."""
    named: bool = False
    """Whether it imported something that is known; mere text or numbers hardly do."""
    arrays: int = 0
    """Arrays of joblib so far."""
    frame: int = 0
    """Where the last frame ends, which joblib reads at once."""
    fields: dict[int, Any] = field(default_factory=dict)
    """Mappings that became part of a type of NumPy, by identity."""
    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def run(self) -> Any:
        """Read up to the end of a pickle; what it would give.

        Raises:
            ValueError: it is damaged, or too long.
        """
        self.stack, self.memo = [], {}
        try:
            for opcode, argument in opcodes(self.stream):
                self.steps[0] += 1
                if self.steps[0] > MOST_STEPS:
                    raise ValueError(f"more than {MOST_STEPS} opcodes")
                self.step(opcode, argument)
            return self.stack.pop()
        except BROKEN as error:
            raise ValueError(str(error) or type(error).__name__) from error

    def step(self, opcode: pickletools.OpcodeInfo, argument: Any) -> None:
        """One opcode: its own rule, or what pickletools says that it takes and leaves."""
        cut, self.stream.cut = self.stream.cut, False
        if rule := RULES.get(opcode.name):
            rule(self, argument)
            return
        if cut and isinstance(argument, str):  # all of it is not there
            argument = Made()
        for _ in opcode.stack_before:
            self.stack.pop()
        self.stack += [argument if not opcode.stack_before else Made() for _ in opcode.stack_after]  # fmt: skip

    def marked(self) -> list[Any]:
        """What lies above the last mark."""
        for place in range(len(self.stack) - 1, -1, -1):
            if self.stack[place] is MARK:
                items = self.stack[place + 1 :]
                del self.stack[place:]
                return self.kept(items)
        raise ValueError("no mark on the stack")

    def kept(self, items: list[Any]) -> list[Any]:
        """Items that go into a container; what loads pickles or reads arrays may not go on to someone else."""
        for one in items:
            if isinstance(one, Global) and one.name in (LOAD_BYTES, ARRAY):
                self.report("dangerous", "handed_on", one.name)
        return items

    def imports(self, module: Any, name: Any) -> None:
        """A global, by its names."""
        if not isinstance(module, str) or not isinstance(name, str):
            if no_text(module) or no_text(name):  # which loaders refuse, too
                raise ValueError("the name of a global is no text")
            self.report("dangerous", "computed_name", "")
            self.stack.append(Made())
            return
        full = renamed(module, name)
        listed = bool(allowed(full, self.kind))
        self.named |= listed or known(full)
        if not listed:
            if known(full):
                self.report("dangerous", "refused", full)
            else:
                self.report("cannot decide", "unknown", full)
        self.stack.append(Global(full))

    def call(self, function: Any, arguments: Any, *, restored: bool = False) -> None:
        """A call, or an object without its constructor."""
        if not isinstance(function, Global):
            if not isinstance(function, Made):
                raise ValueError("a plain value is called")  # which loaders refuse
            self.report("dangerous", "computed_call", "")
            self.stack.append(Made())
            return
        name = function.name
        use = allowed(name, self.kind)
        self.strange |= not use
        if use == "values" or (use == "classes" and not restored):
            self.report("dangerous", "constructed", name)
        given = self.value(name, arguments)
        if isinstance(given, Made):
            given.bare = restored and arguments == ()
        self.stack.append(given)

    def value(self, name: str, arguments: Any) -> Any:
        """What a call gives, where it is plain to see."""
        first = arguments[0] if isinstance(arguments, tuple) and arguments else None
        if name == "_codecs encode" and isinstance(first, str) and arguments[1:] == ("latin1",):  # fmt: skip
            return first.encode("latin1", "replace")
        if name == "builtins bytes" and isinstance(first, bytes):
            return first
        if name == LOAD_BYTES:
            if isinstance(first, bytes):
                self.inner(first.whole if isinstance(first, Blob) else memoryview(first))  # fmt: skip
            else:
                self.report("dangerous", "computed_bytes", name)
        return Made(name, arguments)

    # -- Opcodes with a rule of their own ------------------------------------------------

    def from_marked(self, argument: Any, *, inst: bool) -> None:
        """INST and OBJ call what stands first."""
        items = self.marked()
        if inst:
            module, _, name = argument.partition(" ")
            self.imports(module, name)
        else:
            self.stack.append(items.pop(0))
        self.call(self.stack.pop(), tuple(items))

    def newobj(self, count: int) -> None:
        """NEWOBJ and NEWOBJ_EX: a class, arguments, and keywords."""
        *_, arguments = [self.stack.pop() for _ in range(count)]
        self.call(self.stack.pop(), arguments, restored=True)

    def reduce(self) -> None:
        """REDUCE: a function and its arguments."""
        arguments = self.stack.pop()
        self.call(self.stack.pop(), arguments)

    def build(self) -> None:
        """BUILD: an object gets its state. A class or function would be changed for everybody."""
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, Global):
            self.report("dangerous", "patched", target.name)
        elif isinstance(target, Made):
            target.state = state
            if target.of == DTYPE:
                self.typed(target)
            if target.of == ARRAY:
                self.array(state)

    def tuple_of(self, count: int) -> None:
        """TUPLE1 to TUPLE3."""
        items = [self.stack.pop() for _ in range(count)][::-1]
        self.stack.append(tuple(self.kept(items)))

    def set_items(self, items: list[Any]) -> None:
        """Keys and values for the mapping below them; the state of an array is read from there."""
        target = self.stack[-1]
        if isinstance(target, Global):
            self.report("dangerous", "patched", target.name)
        if id(target) in self.fields:
            self.report("cannot decide", "forged", "its fields change")
        if isinstance(target, dict):
            for key, value in zip(items[::2], items[1::2], strict=True):
                if isinstance(key, str):
                    target[key] = value
                elif key is UNKNOWN or isinstance(key, Made):
                    target.clear()  # it may be any text that is already there

    def append(self, items: list[Any]) -> None:
        """Items for what lies below them."""
        if isinstance(self.stack[-1], Global):
            self.report("dangerous", "patched", self.stack[-1].name)

    def persistent(self, key: Any) -> None:
        """A storage of torch, which the file holds elsewhere; in other pickles whatever the loader makes of it."""
        if self.kind != "torch" or not (isinstance(key, tuple) and key[:1] in (("storage",), ("module",))):  # fmt: skip
            self.report("cannot decide", "persistent", "")
        self.stack.append(Made())

    def extension(self, code: int) -> None:
        """A number that stands for a global in the loader's registry."""
        self.report("cannot decide", "extension", str(code))
        self.stack.append(Global(f"copyreg extension-{code}"))

    def typed(self, dtype: Made) -> None:
        """A type of NumPy with its state."""
        dtype.measured = None
        try:
            fields = dtype.state[4]
            if isinstance(fields, dict):
                self.fields[id(fields)] = fields
            dtype.measured = layout(dtype)
        except BROKEN as error:
            self.report("cannot decide", "forged", str(error))

    def array(self, state: Any) -> None:
        """The values of joblib's arrays, which stand in the stream.

        Raises:
            ValueError: nobody can tell how long they are.
        """
        self.arrays += 1
        if self.plain:
            self.named = False  # from here on, values may be read that are no opcodes
            return
        try:
            self.skip(state)
        except BROKEN as error:
            self.report("cannot decide", "damaged", str(error))
            raise
        self.stack[-1] = Made()

    def skip(self, state: Any) -> None:
        """Go to the end of an array.

        Raises:
            ValueError: there is no telling where it is.
        """
        if self.stream.at < self.frame:
            raise ValueError("an array within a frame")
        size, objects = layout(state["dtype"])
        if objects:
            inner = Machine(self.stream, self.kind, self.report, self.inner, self.steps)
            inner.run()
            self.strange |= inner.strange
            return
        if state.get("numpy_array_alignment_bytes") is not None:
            padding = self.stream.read(1)[0]
            self.stream.at += padding
        size *= prod(state["shape"])
        if not 0 <= size <= len(self.stream.view) - self.stream.at:
            raise ValueError("an array is longer than the file")
        self.stream.at += size


def no_text(value: Any) -> bool:
    """Whether something on the stack is certainly no text of letters."""
    if isinstance(value, Made):
        return value.bare
    return not isinstance(value, str) and value is not UNKNOWN


Rule = Callable[[Machine, Any], None]


def _name(machine: Machine, argument: Any) -> None:
    module, _, name = argument.partition(" ")
    machine.imports(module, name)


def _names(machine: Machine, _: Any) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.imports(module, name)


def _put(machine: Machine, place: Any) -> None:
    machine.memo[len(machine.memo) if place is None else place] = machine.stack[-1]


RULES: dict[str, Rule] = {
    "MARK": lambda m, _: m.stack.append(MARK),
    "POP": lambda m, _: m.stack.__delitem__(-1),
    "DUP": lambda m, _: m.stack.append(m.stack[-1]),
    "POP_MARK": lambda m, _: m.stack.extend(m.marked()[:0]),
    "EMPTY_DICT": lambda m, _: m.stack.append({}),
    "EMPTY_TUPLE": lambda m, _: m.stack.append(()),
    "LIST": lambda m, _: m.stack.append(Made(state=m.marked()[:0])),
    "FROZENSET": lambda m, _: m.stack.append(Made(state=m.marked()[:0])),
    "DICT": lambda m, _: (items := m.marked(), m.stack.append({}), m.set_items(items))[-1],
    "TUPLE": lambda m, _: m.stack.append(tuple(m.marked())),
    "TUPLE1": lambda m, _: m.tuple_of(1),
    "TUPLE2": lambda m, _: m.tuple_of(2),
    "TUPLE3": lambda m, _: m.tuple_of(3),
    "APPEND": lambda m, _: m.append(m.kept([m.stack.pop()])),
    "APPENDS": lambda m, _: m.append(m.marked()),
    "ADDITEMS": lambda m, _: m.append(m.marked()),
    "SETITEM": lambda m, _: m.set_items(m.kept([m.stack.pop(), m.stack.pop()][::-1])),
    "SETITEMS": lambda m, _: m.set_items(m.marked()),
    "GLOBAL": _name,
    "STACK_GLOBAL": _names,
    "INST": lambda m, argument: m.from_marked(argument, inst=True),
    "OBJ": lambda m, argument: m.from_marked(argument, inst=False),
    "NEWOBJ": lambda m, _: m.newobj(1),
    "NEWOBJ_EX": lambda m, _: m.newobj(2),
    "REDUCE": lambda m, _: m.reduce(),
    "BUILD": lambda m, _: m.build(),
    "PERSID": lambda m, argument: m.persistent(argument),
    "BINPERSID": lambda m, _: m.persistent(m.stack.pop()),
    "READONLY_BUFFER": lambda m, _: None,
    "STOP": lambda m, _: None,
    "FRAME": lambda m, size: setattr(m, "frame", m.stream.at + size),
} | {
    **dict.fromkeys(("EXT1", "EXT2", "EXT4"), Machine.extension),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), _put),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), lambda m, place: m.stack.append(m.memo[place])),
}  # fmt: skip
"""What an opcode does, where it is more than to push its argument."""
