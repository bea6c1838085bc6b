"""What stands on the stack of `pickles.py` for globals, for what calls give, and for types of NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy

DTYPE = "numpy dtype"
COUNTED, LISTED, POINTER = 1, 2, 4
"""Flags of a type whose values are addresses of objects."""


@dataclass(frozen=True)
class Global:
    """A name that a pickle imports, by the one that Python 3 knows it by."""

    name: str
    """Module and name, with a space between."""


@dataclass(eq=False)
class Made:
    """What a call gives; nothing is called, so only its recipe is known."""

    of: str = ""
    arguments: Any = None
    state: Any = None
    bare: bool = False
    """Made without a constructor and without arguments, and so no text that has letters."""
    measured: tuple[int, bool] | None = None
    """Of a type of NumPy with a state: its `layout`, once it is known."""


def layout(dtype: Any) -> tuple[int, bool]:
    """Bytes of one value of a type of NumPy, and whether it holds objects.

    A type believes the state that it is given: one that hides its objects makes NumPy take a file's bytes for addresses.

    Raises:
        ValueError: it is not what NumPy writes, so that nobody can tell.
    """
    if not isinstance(dtype, Made) or dtype.of != DTYPE:
        raise ValueError("the type of an array is no type of NumPy")
    if dtype.measured:
        return dtype.measured
    name = dtype.arguments[0]
    kind = numpy.dtype(name if isinstance(name, str) else None)
    if not isinstance(name, str) or kind.names or kind.subdtype:
        raise ValueError("a type of NumPy that no library writes so")
    if dtype.state is None:
        return kind.itemsize, kind.hasobject
    _, _, repeated, names, fields, size, _, flags = dtype.state[:8]
    objects, inside = kind.hasobject, size
    if repeated is not None:
        inner, shape = repeated
        one, objects = layout(inner)
        inside = one * prod(shape if isinstance(shape, tuple) else (shape,))
    elif fields is not None:
        inside, objects = _record(names, fields)
    sized = kind.kind in "VSU"
    plain = kind.kind != "V" and (repeated, fields) != (None, None)
    counted = COUNTED | LISTED if objects else 0
    if (
        size != (kind.itemsize if sized else -1)
        or plain
        or inside > size
        or flags & (COUNTED | LISTED) != counted
        or (flags & POINTER and not objects)
    ):
        raise ValueError("a state that does not fit a type of NumPy")
    return kind.itemsize, objects


def _record(names: tuple[str, ...], fields: dict[str, Any]) -> tuple[int, bool]:
    """Bytes up to the end of the last field, and whether any holds objects.

    Raises:
        ValueError: a field begins before the record, or objects lie over something else.
    """
    parts = [(at, *layout(one)) for one, at in (fields[name][:2] for name in names)]
    objects = any(held for *_, held in parts)
    end = 0
    for at, size, _ in sorted(parts):
        if at < (end if objects else 0):
            raise ValueError("fields of a type of NumPy that overlap")
        end = max(end, at + size)
    return end, objects
