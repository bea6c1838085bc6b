"""Files of the website that the package brings: styles, scripts and templates of the theme."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def folder(name: str) -> Path:
    """`assets` or `overrides`: inside the installed package, or beside `src/` in a clone."""
    inside = _PACKAGE / "site" / name
    return inside if inside.is_dir() else _PACKAGE.parents[1] / "site" / name
