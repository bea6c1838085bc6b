"""Text for readers, in English and in Chinese at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
