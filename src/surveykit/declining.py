"""Papers that were looked at and stay out: new ones are added to `catalog/declined.yaml`, whose text and comments stay."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from surveykit.canon import entry_text
from surveykit.models import Identifiers
from surveykit.vocabulary import Declined
from surveykit.yaml_tree import parse

HEAD = "# Papers that were looked at and stay out, each with the reason; nobody has to read them twice.\n"
DEFAULT = "scope"
"""Reason in one word where none is given."""
REASONS = {
    "scope": "out of scope",
    "evidence": "too little could be read of it",
    "duplicate": "another version of an entry",
    "quality": "not fit to be listed",
}
"""Words for reasons that need no sentence."""


def decision(
    title: str, identifiers: Identifiers, day: date, kind: str, reason: str = ""
) -> Declined:
    """One decision; the reason is what its word stands for where no sentence is given. Raises ValidationError."""
    told = identifiers.model_dump(exclude_none=True)
    return Declined.model_validate(
        {
            "title": title,
            "identifiers": told,
            "kind": kind,
            "reason": reason or REASONS.get(kind, kind),
            "date": day.isoformat(),
        }
    )


def with_declined(text: str, decisions: Iterable[Declined]) -> str:
    """The file's text with decisions behind those it has; what stands there is not touched."""
    text = text or HEAD
    if not text.endswith("\n"):
        text += "\n"
    if parse(text).data == []:  # `[]` cannot be followed by an item
        text = text.replace("[]", "", 1)
    return text + "".join(map(_item, decisions))


def _item(one: Declined) -> str:
    told: dict[str, Any] = one.model_dump(mode="json", exclude_none=True)
    if not told["identifiers"]:
        del told["identifiers"]
    _, *lines = entry_text(told).splitlines()  # without the line that names a schema
    return "- " + "\n  ".join(lines) + "\n"
