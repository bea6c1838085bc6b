"""What a run leaves behind: JSON that says how it came about, and pictures."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reference_impls.lab.data.images import Trigger
from reference_impls.lab.files import replacing

PACKAGES = ("torch", "torchvision", "safetensors", "numpy", "pillow")


def as_data(value: Any) -> Any:
    """Dataclasses, tuples and paths as what JSON can hold; tensors are left out."""
    if is_dataclass(value) and not isinstance(value, type):
        pairs = {item.name: getattr(value, item.name) for item in fields(value)}
        return {
            name: as_data(part) for name, part in pairs.items() if not _is_picture(part)
        }
    if isinstance(value, dict):
        return {str(key): as_data(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_data(part) for part in value]
    return str(value) if isinstance(value, Path) else value


def _is_picture(value: Any) -> bool:
    return isinstance(value, (Tensor, Trigger))


def surroundings(*, device: torch.device, seconds: float) -> dict[str, Any]:
    """Versions, hardware and time: what a reader needs to judge a figure."""
    return {
        "versions": {"python": platform.python_version()} | _versions(),
        "machine": platform.machine(),
        "device": torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else "CPU",
        "cpu_cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "seconds": round(seconds, 2),
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def today() -> str:
    """The day of a run, `2026-11-21`, in UTC."""
    return datetime.now(UTC).date().isoformat()


def write_json(data: Any, path: Path) -> None:
    """Write it, indented; a killed run leaves the file of before."""
    text = json.dumps(as_data(data), indent=2, ensure_ascii=False) + "\n"
    with replacing(path) as new:
        new.write_text(text, encoding="utf-8")
