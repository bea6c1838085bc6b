"""Text for readers, in English and in Chinese at once; a method's own lies in `words.yaml` beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from string import Formatter
from typing import Any, Literal

import yaml

from reference_impls.lab.errors import ConfigError

Language = Literal["en", "zh"]
"""What a reader can choose."""


@dataclass(frozen=True)
class Bilingual:
    """The same statement in both languages."""

    en: str
    zh: str

    def fill(self, **values: object) -> Bilingual:
        """With its fields filled as `str.format` does; a `Bilingual` gives each language its own."""
        return Bilingual(
            self.en.format_map({name: _part(v, "en") for name, v in values.items()}),
            self.zh.format_map({name: _part(v, "zh") for name, v in values.items()}),
        )

    def then(self, *sentences: Bilingual) -> Bilingual:
        """This and further sentences in one paragraph."""
        said = (self, *sentences)
        return Bilingual(
            " ".join(one.en for one in said), "".join(one.zh for one in said)
        )


Text = Bilingual | str
"""A plain string is the same in both languages: a name, a symbol, a number."""


def localize(text: Text, language: Language) -> str:
    """The text in one language."""
    return text if isinstance(text, str) else getattr(text, language)


def _part(value: object, language: Language) -> object:
    return localize(value, language) if isinstance(value, Bilingual) else value


def plural(number: int, noun: str) -> str:
    """So many of a noun that is given for one: `1 epoch`, `12 epochs`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


class Words(Mapping[str, Bilingual]):
    """`words["report.title"]`: the names in `words.yaml`, joined by dots; read when first asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def beside(cls, module: str) -> Words:
        """Those of the method whose module's `__file__` this is."""
        return cls(Path(module).with_name("words.yaml"))

    @cached_property
    def _texts(self) -> dict[str, Bilingual]:
        read = yaml.safe_load(self.path.read_text(encoding="utf-8"))
        return dict(_flat(read, "", self.path))

    def __getitem__(self, name: str) -> Bilingual:
        """The text of a name.

        Raises:
            KeyError: there is none.
        """
        return self._texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        """Number of texts."""
        return len(self._texts)

    def group(self, name: str) -> dict[str, Bilingual]:
        """Texts below a name, by the rest of their names: what things of one kind are called.

        Raises:
            KeyError: there is none.
        """
        start = f"{name}."
        found = {
            key.removeprefix(start): text
            for key, text in self._texts.items()
            if key.startswith(start)
        }
        if not found:
            raise KeyError(name)
        return found


def _flat(read: Any, start: str, path: Path) -> Iterator[tuple[str, Bilingual]]:
    if isinstance(read, dict) and set(read) == {"en", "zh"}:
        text = Bilingual(str(read["en"]), str(read["zh"]))
        if _fields(text.en) != _fields(text.zh):
            raise ConfigError(f"{path}: {start} does not fill in the same in en and zh")
        yield start, text
    elif isinstance(read, dict) and read:
        for key, part in read.items():
            yield from _flat(part, f"{start}.{key}" if start else str(key), path)
    else:
        raise ConfigError(f"{path}: {start or 'the file'} must have en and zh")


def _fields(text: str) -> set[str | None]:
    return {field for _, field, _, _ in Formatter().parse(text) if field is not None}


LAB = Words(Path(__file__).with_name("words.yaml"))
"""What the lab itself tells."""


def listed(names: Iterable[Bilingual]) -> Bilingual:
    """Names one after the other, as a sentence lists them."""
    known, between = list(names), LAB["separator"]
    return Bilingual(
        between.en.join(one.en for one in known),
        between.zh.join(one.zh for one in known),
    )
