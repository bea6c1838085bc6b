"""The words of the interface in one language; a word without both languages cannot be loaded."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import yaml
from pydantic import TypeAdapter

Lang = Literal["en", "zh"]
TAG = {"en": "en", "zh": "zh-CN"}
"""Language -> the value of HTML's `lang` attribute."""

_FILE = Path(__file__).with_name("words.yaml")
_Words = dict[str, dict[str, tuple[str, str]]]


@cache
def _both() -> _Words:
    raw = yaml.load(_FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return TypeAdapter(_Words).validate_python(raw)


@cache
def words(lang: Lang) -> SimpleNamespace:
    """Words of one language: `words("en").home.search`."""
    pick = 1 if lang == "zh" else 0
    return SimpleNamespace(
        **{
            section: SimpleNamespace(**{key: pair[pick] for key, pair in pairs.items()})
            for section, pairs in _both().items()
        }
    )
