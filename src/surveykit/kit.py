"""How the kit speaks of one survey: its languages, its license, and words in place of the kit's own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from surveykit.models import Model

Lang = Literal["en", "zh"]
LICENSES = {"CC-BY-4.0": "CC BY 4.0", "CC-BY-SA-4.0": "CC BY-SA 4.0", "CC0-1.0": "CC0 1.0"}  # fmt: skip
"""SPDX name of each license that a catalog may have -> how readers call it."""


def _languages(value: tuple[Lang, ...]) -> tuple[Lang, ...]:
    if value not in (("en",), ("en", "zh")):
        message = "languages are [en] or [en, zh]"
        raise PydanticCustomError("languages", message)
    return value


class Said(Model):
    """Words in the languages of the survey; unlike other texts they may have several lines."""

    en: str
    """English words."""
    zh: str = ""
    """Chinese words."""

    def in_(self, lang: str) -> str:
        """The words in `lang`, which is `en` or `zh`."""
        return self.zh if lang == "zh" else self.en


class Kit(Model):
    """`catalog/kit.yaml`: how the kit speaks of this survey; it may be absent."""

    languages: Annotated[tuple[Lang, ...], AfterValidator(_languages)] = ("en", "zh")
    """Languages of entries and pages: `[en]` or `[en, zh]`."""
    license: Literal["CC-BY-4.0", "CC-BY-SA-4.0", "CC0-1.0"] = "CC-BY-4.0"
    """License of the catalog and of what is generated from it."""
    words: dict[str, dict[str, Said]] = Field(default={})
    """Section and key of src/surveykit/words.yaml -> what stands there in this survey."""

    kinds: tuple[str, ...] = ()
    """Words of the field that name a kind of thing, and so are no paper's own short name: `backyard trial`."""
    examples: tuple[tuple[str, str], ...] = ()
    """What stands in the kit's own examples, and what stands there in the documents of this survey; in the order of replacing."""

    def told(self, text: str) -> str:
        """A document of the kit with examples of this survey."""
        for kits, own in self.examples:
            text = text.replace(kits, own)
        return text

    @property
    def license_name(self) -> str:
        """The license as readers call it: `CC BY 4.0`."""
        return LICENSES[self.license]
