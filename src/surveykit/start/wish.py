"""What a new survey is to be, as its founder says it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal
from urllib.parse import urlsplit

from surveykit.kit import Lang
from surveykit.text.letters import fold

Axes = Literal["four", "topics"]


@dataclass(frozen=True)
class Called:
    """A name in the languages of the survey."""

    en: str
    zh: str = ""

    @classmethod
    def read(cls, text: str) -> Called:
        """`Boletes=牛肝菌`, or `Boletes` alone."""
        en, _, zh = text.partition("=")
        return cls(" ".join(en.split()), " ".join(zh.split()))

    @property
    def slug(self) -> str:
        """An id made of the English name; of the Chinese one's place nothing, so it may be empty."""
        return slug(self.en)


@dataclass(frozen=True)
class Topic:
    """One term of the axis of topics, or below one."""

    id: str
    name: Called
    definition: str = ""
    """An English sentence; empty for one that the founder has still to write."""


@dataclass(frozen=True)
class Wish:
    """Everything that the skeleton needs to know."""

    title: Called
    today: date
    languages: tuple[Lang, ...] = ("en",)
    repository: str = ""
    license: str = "CC-BY-4.0"
    maintainer: str = ""
    axes: Axes = "four"
    topics: tuple[Topic, ...] = ()
    groups: tuple[Topic, ...] = ()
    """Terms of a second axis, as the headings below the topics of a list give them."""
    venues: str = ""
    """Text of `catalog/venues.yaml`; empty for that of the examples."""
    examples: bool = True
    """Whether the two annotated entries are written."""
    version: str = ""
    """Version of the kit that the survey is made with."""

    @property
    def project(self) -> str:
        """Name of the repository: the last step of its address, else made of the title."""
        last = urlsplit(self.repository).path.rstrip("/").rpartition("/")[2]
        return last or slug(self.title.en) or "survey"

    @property
    def home(self) -> str:
        """Address of the repository; a placeholder where none was given."""
        return self.repository or f"https://github.com/example/{self.project}"

    @property
    def site(self) -> str:
        """Address of the website: that of GitHub's Pages, else a placeholder."""
        parts = urlsplit(self.repository)
        owner, _, name = parts.path.strip("/").partition("/")
        if parts.hostname == "github.com" and owner and name:
            host = f"{owner.lower()}.github.io"
            return f"https://{host}/" + (f"{name}/" if name.lower() != host else "")
        return f"https://example.org/{self.project}/"


def slug(text: str) -> str:
    """A text as an id: `Backyard & field trials` is `backyard-and-field-trials`; empty where no letter is Latin."""
    plain = fold(text.replace("&", " and "))
    return "-".join(re.findall(r"[a-z0-9]+", plain))[:60].strip("-")
