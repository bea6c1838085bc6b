"""What a method tells its readers: every sentence in both languages, from the `words.yaml` beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from string import Formatter
from typing import Any

import yaml

from reference_impls.lab.bilingual import Bilingual
from reference_impls.lab.errors import ConfigError


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
