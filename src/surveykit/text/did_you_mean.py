"""The name that was likely meant by a wrong word."""

from __future__ import annotations

from collections.abc import Mapping

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA


def did_you_mean(
    word: str, names: Mapping[str, str], least: int = 60, *, misspelled: bool = False
) -> str:
    """`; did you mean …?` with the id behind the nearest name, or an empty string.

    `names` leads from every known way to say a thing to its id; `least` is the likeness, 0 to 100, of a name that counts.
    With `misspelled`, one letter in five may be wrong: `model-cleaning` is like `model-scanning`, and another word.
    """
    exact = names.get(word) or names.get(word.casefold())
    if exact is None:
        lower = {name.casefold(): id_ for name, id_ in names.items()}
        best = process.extractOne(
            word.casefold(), lower.keys(), scorer=fuzz.ratio, score_cutoff=least
        )
        near = best and (
            not misspelled
            or OSA.distance(word.casefold(), best[0]) <= max(1, len(word) // 5)
        )
        exact = lower[best[0]] if best and near else None
    return f"; did you mean `{exact}`?" if exact else ""
