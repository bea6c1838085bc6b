"""Files that are made once: named by the content of the recipe that makes them."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from reference_impls.lab.records import as_data

RECIPES = 1
"""Counted up when a change of code makes the same settings give another result."""


def cache_folder() -> Path:
    """Where trained encoders and finished scans are kept: `build/lab`, or `$LAB_CACHE`."""
    return Path(os.environ.get("LAB_CACHE", "build/lab"))


def content_key(*recipe: Any) -> str:
    """Sixteen hexadecimal digits that change with any setting of the recipe."""
    text = json.dumps([RECIPES, as_data(recipe)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
