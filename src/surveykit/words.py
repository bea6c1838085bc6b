"""The words of the interface in one language: the kit's own, with the labels of the axes in them, or those of the survey."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import yaml
from pydantic import TypeAdapter

from surveykit.catalog import Catalog
from surveykit.kit import Lang
from surveykit.models import Bilingual

TAG = {"en": "en", "zh": "zh-CN"}
"""Language -> the value of HTML's `lang` attribute."""
OPEN = ("axes", "arena_notes")
"""Sections whose keys are the survey's: axes by their ids, and notes on words of its measured tables."""

_PAPERS = Bilingual(en="Papers", zh="论文")
_FILE = Path(__file__).with_name("words.yaml")
_TOKEN = re.compile(r"<(\w+)>")
_Words = dict[str, dict[str, tuple[str, str]]]


@cache
def _both() -> _Words:
    raw = yaml.load(_FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return TypeAdapter(_Words).validate_python(raw)


def words(lang: Lang, catalog: Catalog | None = None) -> SimpleNamespace:
    """Words of one language: `words("en", catalog).home.search`; without a catalog the kit's own."""
    pick = 1 if lang == "zh" else 0
    labels = dict(_labels(catalog, lang)) if catalog else {}
    said = {
        section: {key: _labelled(pair[pick], labels) for key, pair in pairs.items()}
        for section, pairs in _both().items()
    }
    for section in OPEN:
        said.setdefault(section, {})
    for section, own in (catalog.kit.words if catalog else {}).items():
        said.setdefault(section, {}).update({k: v.in_(lang) for k, v in own.items()})
    open_ = {section: said.pop(section) for section in OPEN}
    return SimpleNamespace(
        **{section: SimpleNamespace(**keys) for section, keys in said.items()}, **open_
    )


def _labelled(text: str, labels: Mapping[str, str]) -> str:
    """The text with labels in it; in one whose blanks are filled later, a brace of a label stays a brace."""

    def label(found: re.Match[str]) -> str:
        said = labels.get(found[1], found[0])
        return said.replace("{", "{{").replace("}", "}}") if "{" in text else said

    return _TOKEN.sub(label, text)


def _labels(catalog: Catalog, lang: Lang) -> Iterator[tuple[str, str]]:
    """`Topic` -> the axis's label as a heading has it; `topic` -> as it stands inside a sentence."""
    names = {
        "above": _PAPERS,
        "below": _PAPERS,
        "stage": _label(catalog, "stage"),
        "medium": _label(catalog, "modality"),
        "topic": catalog.topic_axis.label,
        "group": catalog.group_axis.label,
        **{
            place: term.label
            for place, term in zip(("above", "below"), catalog.poles, strict=False)
        },
    }
    for name, label in names.items():
        text = label.in_(lang)
        yield name.capitalize(), text
        yield name, text[:1].lower() + text[1:] if text[1:2].islower() else text
    yield "license", catalog.kit.license_name


def _label(catalog: Catalog, axis: str) -> Bilingual:
    """The label of an axis; what stands nowhere, where there is none."""
    return catalog.axes[axis].label if axis in catalog.axes else _PAPERS


def misplaced(catalog: Catalog) -> Iterator[tuple[str, str, str]]:
    """Section, key and fault of each word of the survey that the kit does not know, or whose blanks it cannot fill."""
    for section, own in catalog.kit.words.items():
        if section in OPEN:
            continue
        known = _both().get(section, {})
        for key, said in own.items():
            if key not in known:
                yield section, key, "the kit has no such word"
                continue
            may = set(re.findall(r"\{(\w+)\}", "".join(known[key])))
            for text in (said.en, said.zh):
                found = re.findall(r"\{[^}]*\}?|\}", text)
                if odd := [one for one in found if one.strip("{}") not in may]:
                    yield section, key, f"{odd[0]} is not filled in here"
                    break
