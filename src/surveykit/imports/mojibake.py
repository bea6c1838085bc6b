"""Text that was decoded with the wrong character set, set right.

UTF-8 read as MacRoman gives `Rodr√≠guez`, read as Windows-1252 `RodrÃ­guez`. The way back is the
same two steps in reverse, which succeeds by chance almost never: every run of odd characters
must form valid UTF-8.
"""

from __future__ import annotations

import re
from contextlib import suppress

from charset_normalizer import from_bytes

CHARSETS = ("mac_roman", "cp1252", "latin-1")
# What lists of papers hold: Latin, Greek, Cyrillic, punctuation, arrows and mathematics, Han, kana, Hangul, wide forms,
# pictures. Not Armenian: `l’été` read back through MacRoman would hold some.
_LIKELY = re.compile(
    "[\u00a0-\u024f\u0300-\u036f\u0391-\u03c9\u0400-\u045f\u1e00-\u1eff\u2010-\u2027\u2030-\u205e\u2070-\u214f"
    "\u2190-\u22ff\u2500-\u27bf\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\ufe0f\uff00-\uffef\U0001f000-\U0001faff]+"
)
_CHARSETS = ("gb18030", "cp1252", "big5", "shift_jis")
_WORD = re.compile(rb"(?<![^\x00-\x2f])[^\x00-\x2f]*[\x80-\xff][^\x00-\x2f]*")
_RUN = re.compile(r"[^\x00-\x7f]+")


def decoded(raw: bytes) -> tuple[str, str]:
    """Text of a file, and the character set that it was taken for, with others that fit as well."""
    marked = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
    for charset in ("utf-8-sig", "utf-16") if marked else ("utf-8-sig",):
        with suppress(UnicodeDecodeError):
            return raw.decode(charset), charset
    for half, charset in ((1, "utf-16-le"), (0, "utf-16-be")):
        if raw[half:2000:2].count(0) > len(raw[half:2000:2]) / 2:
            return raw.decode(charset, "replace"), charset
    likely = _likely(raw)
    for charset in likely:
        with suppress(UnicodeDecodeError):
            others = [f", or is it {other}?" for other in likely if other != charset]
            hint = f"{''.join(others)} Save it as UTF-8 to be sure" if others else ""
            return raw.decode(charset), charset + hint
    return raw.decode("latin-1"), "latin-1"


def _likely(raw: bytes) -> list[str]:
    """Character sets that explain the bytes beyond ASCII best; more than one where they do so equally.

    Only words with such bytes are looked at: among much English, a few Chinese characters pass for accents.
    """
    words = b" ".join(_WORD.findall(raw)[:5000])
    found = list(from_bytes(words, cp_isolation=list(_CHARSETS)))
    best = [one.encoding for one in found if one.chaos == found[0].chaos]
    leads = [byte for byte in words if byte > 0x7F][::2]
    with suppress(UnicodeDecodeError):
        words.decode("gb2312")  # no byte stands alone, as those of Latin letters do,
        if sum(lead < 0xD8 for lead in leads) * 3 > len(leads) * 2:  # most are common
            best = ["gb18030", *best]
    best = sorted(dict.fromkeys(best), key=lambda name: name != "gb18030")
    others = [name for name in best[1:] if name != "cp1252"]
    return [*best[:1], *others] or ["cp1252"]


def repaired(text: str) -> tuple[str, str, int]:
    """The text set right, the character set it had been read with, and how many runs changed.

    Unchanged, with an empty name, where no character set explains the odd characters.
    """
    return max((_with(text, charset) for charset in CHARSETS), key=lambda one: one[2])


def _with(text: str, charset: str) -> tuple[str, str, int]:
    count = 0

    def back(run: re.Match[str]) -> str:
        nonlocal count
        try:
            right = run[0].encode(charset).decode("utf-8")
        except UnicodeError:
            return run[0]
        if not _LIKELY.fullmatch(right):
            return run[0]
        count += 1
        return right

    changed = _RUN.sub(back, text)
    return changed, charset if count else "", count
