"""What can go wrong in the lab: each error is one line a person can act on.

LabError                  the command lines catch exactly this
├── ConfigError           a setting or an argument is out of its range
├── EncoderError          the encoder cannot be loaded or does not work
├── DatasetError            the images cannot be read
└── DeviceError           the machine lacks what was asked for
"""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin, get_type_hints


class LabError(Exception):
    """Root of all errors that the lab raises on purpose."""

    exit_code = 2
    """What a command line exits with: 2 is wrong input or usage, 3 the environment."""


class ConfigError(LabError):
    """A setting or an argument is out of its range."""

    exit_code = 2


def check_choices(settings: Any) -> None:
    """Refuse a dataclass that holds a value which the `Literal` of its field does not name.

    Raises:
        ConfigError: the first such field.
    """
    for name, kind in get_type_hints(type(settings)).items():
        known, value = get_args(kind), getattr(settings, name)
        if get_origin(kind) is Literal and value not in known:
            raise ConfigError(f"unknown {name} {value!r}; choose one of {', '.join(known)}")  # fmt: skip


class EncoderError(LabError):
    """The encoder cannot be loaded, or what it returns cannot be used."""

    exit_code = 2


class DatasetError(LabError):
    """The images cannot be found or read."""

    exit_code = 2


class DeviceError(LabError):
    """The machine lacks a device, a library, or room to write."""

    exit_code = 3
