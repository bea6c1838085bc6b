"""Text that was decoded with the wrong character set, set right.

UTF-8 read as MacRoman gives `Rodr√≠guez`, read as Windows-1252 `RodrÃ­guez`. The way back is the
same two steps in reverse, which succeeds by chance almost never: every run of odd characters
must form valid UTF-8.
"""

from __future__ import annotations

import re

CHARSETS = ("mac_roman", "cp1252", "latin-1")
# Latin, Greek, Cyrillic, punctuation, arrows and mathematics, Han, kana, Hangul, wide forms, pictures. Not Armenian:
# `l’été` read back through MacRoman would hold some.
_LIKELY = re.compile(
    "[\u00a0-\u024f\u0300-\u036f\u0391-\u03c9\u0400-\u045f\u1e00-\u1eff\u2010-\u2027\u2030-\u205e\u2070-\u214f"
    "\u2190-\u22ff\u2500-\u27bf\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\ufe0f\uff00-\uffef\U0001f000-\U0001faff]+"
)
_RUN = re.compile(r"[^\x00-\x7f]+")


def decoded(raw: bytes) -> tuple[str, str]:
    """Text of a file, and the character set that it was taken for."""
    for charset in ("utf-8-sig", "utf-16") if raw[:2] in _MARKS else ("utf-8-sig",):
        try:
            return raw.decode(charset), charset
        except UnicodeDecodeError:
            continue
    try:
        return raw.decode("gb18030"), "gb18030"
    except UnicodeDecodeError:
        return raw.decode("latin-1"), "latin-1"


def repaired(text: str) -> tuple[str, str, int]:
    """The text set right, the character set it had been read with, and how many runs changed.

    Unchanged, with an empty name, where no character set explains the odd characters.
    """
    whole, best, most = text, "", 0
    for charset in CHARSETS:
        changed, count = _with(text, charset)
        if count > most:
            whole, best, most = changed, charset, count
    return whole, best, most


def _with(text: str, charset: str) -> tuple[str, int]:
    count = 0

    def back(run: re.Match[str]) -> str:
        nonlocal count
        try:
            right = run[0].encode(charset).decode("utf-8")
        except UnicodeError:
            return run[0]
        if not _better(right):
            return run[0]
        count += 1
        return right

    return _RUN.sub(back, text), count


def _better(text: str) -> bool:
    """Whether a repaired run holds nothing but characters that lists of papers do."""
    return _LIKELY.fullmatch(text) is not None


_MARKS = (b"\xff\xfe", b"\xfe\xff")
