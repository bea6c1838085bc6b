"""Names of people as files, services and people write them -> `Author`s, and what is doubtful about them.

BibTeX's rules hold: a particle begins with a small letter, `Family, Jr., Given`, braces keep together
(https://ctan.org/pkg/tamethebeast, section 11). What can be read in two ways is said and not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from pydantic import ValidationError

from surveykit.models import Author
from surveykit.text.plain import latex, markup


@dataclass(frozen=True)
class People:
    """Authors in order, and what a person should look at."""

    authors: tuple[Author, ...] = ()
    doubts: tuple[str, ...] = ()
    """One line each: what was left out or could be read in two ways, and what to do."""


def together(several: Iterable[People]) -> People:
    """The authors and the doubts of all."""
    found = list(several)
    if len(found) == 1:
        return found[0]
    return People(
        tuple(one for people in found for one in people.authors),
        tuple(doubt for people in found for doubt in people.doubts),
    )


_LONGEST = 300
_LETTER = re.compile(r"[^\W\d_]+")
_LATIN = re.compile(r"[A-Za-z]")
_HAN = r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff々]"
_HAN_WORD = re.compile(rf"{_HAN}+(?:[·•・]{_HAN}+)*")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af·]+")
_COMPOUNDS = "欧阳 司马 上官 诸葛 夏侯 皇甫 尉迟 公孙 慕容 令狐 司徒 东方 独孤 南宫 端木 百里 呼延 歐陽 司馬 諸葛 尉遲 公孫"
"""Family names of two characters."""
_GROUP = re.compile(
    r"\b(?:university|institute|consortium|collaboration|foundation|laborator(?:y|ies)|corporation|inc|ltd|llc|gmbh"
    r"|association|committee|council|ministry)\b|大学|研究院|研究所|实验室|公司|学院|中心|团队|集团",
    re.IGNORECASE,
)
_MAYBE_GROUP = re.compile(
    r"(?i: teams?| groups?| labs?| project| community| research)$| AI$|^The "
)
_SUFFIXES = r"(?:[JSjs]r|JR|SR)\.?|I{2,3}|IV|2nd|3rd"
_SUFFIX = re.compile(rf"[ ,\u2500\u2501]+({_SUFFIXES}|(?<=,)V|(?<=, )V)(?=$|,)")
_DEGREES = r"Ph\. ?D\.?|PhD|M\.D\.|M\.Sc\.?|MSc|MBA|D\.?Phil\.?|(?<=, )(?:M[DS]|BSc)"
_STYLE = re.compile(
    rf"^(?:Dr|Prof|Professor|Mrs?|Ms)\.? (?=\S+ \S)|[ ,]+(?:{_DEGREES})$"
)
_GOES_ON = re.compile(rf"(?<=, )(?:{_SUFFIXES}|VI?|{_DEGREES})$")
_INITIALS = re.compile(r"(?:[A-Z]\.[ -]?)+|[A-Z](?:[ -]?[A-Z]){0,2}")
_VANCOUVER = re.compile(r"[^\W\d_]{2}[\w' -]* [A-Z]{1,3}")
_MORE = re.compile(
    r"(?:^|(?<=[ ,;&]))(?:and |& ?)?(?:et\.? al(?:\.|ii\b|\b)|(?:etal|(?-i:(?:many |several )?others?))(?=\.?(?:$|[,;])))\.?"
    r"|(?:^|(?<=[,;&])|(?<=[,;&] )|\band )others?(?=\.?$|[,;])|\.\.\.+|…+|,? ?等人?[.。]?(?=$|[,;])",
    re.IGNORECASE,
)
_TWO_WAYS = "{} can be read in two ways; write `Given Family` with `;` between"
_FOR_GROUP = "write {literal: …} for a group"
_ENDS = "the list of authors ends with {!r}; complete it"
_DIVIDED = re.compile(r",? (?:and|AND) |^(?:and|AND) | ?\\?& ?")
_MAIL = re.compile(r"[<(]?(?:mailto:)?[\w.+-]{1,99}@[\w.-]+[>)]?")
_ORCID = re.compile(
    r"(?i:https?://orcid\.org/|orcid:? ?)?\b((?:[0-9]{4}-){3}[0-9]{3}[0-9X])\b"
)
_BRACKETS = re.compile(r" ?[(\[<]([^()\[\]<>]*)[)\]>]")
_MARKS = re.compile(
    r"\^\{?[0-9a-z*†‡]*(?:,[0-9*†‡]+)*\}?|[*†‡§¶‖∗⁎⋆★☆✉✝✦♠♣♦♥#⁰¹²³⁴-⁹]+"
    r"|(?:(?<=[^\W\d_.])[0-9]{1,2}(?:,[0-9*†]{1,2})*| [0-9]{1,4})(?=$|[,;&])"
)
_ASCII = str.maketrans("，、；（）【】＆", ",,;()[]&")
# Stand for a blank and signs inside of braces, and for the brace itself, which hides a letter's case.
_KEPT, _BRACE = str.maketrans(" ,;&", "\u2500\u2501\u2502\u2503"), "\u2504"
_SHOWN = str.maketrans("\u2500\u2501\u2502\u2503", " ,;&", _BRACE)
_NOT_OURS = dict.fromkeys(range(0x2500, 0x2505))


def author(text: str) -> Author | None:
    """One name: `Given Family`, `Family, Given`, `Family, Jr., Given`, 冯世伟; None for what is no name."""
    found = from_list([text]).authors
    return found[0] if len(found) == 1 else None


def from_parts(
    given: str, family: str, suffix: str = "", particle: str = ""
) -> Author | None:
    """One name whose parts a record tells apart; one part alone is read as a whole name."""
    parts = (_text(part) for part in (given, family, suffix, particle))
    given, family, suffix, particle = (_MARKS.sub("", p).strip(" ,") for p in parts)
    in_order = f"{given} {family}".strip()
    if not _LETTER.search(in_order) or {given, family} <= {"et", "al", "al."}:
        return None
    if _HAN_WORD.fullmatch(family + given):
        backwards = len(given) == 1 < len(family)
        return _read(given + family if backwards else family + given, [])
    if not given or not family or (_HAN_WORD.search(in_order) and _LATIN.search(given)):
        return author(in_order)
    family, given = family.replace(",", "\u2501"), given.replace(",", "\u2501")
    return _read(f"{particle} {family}, {given}".strip(), [], suffix)


def person(*parts: str, name: str = "", group: bool = False) -> People:
    """One author whose parts, as of `from_parts`, a record tells apart, or gives as one name."""
    one = None if group else from_parts(*parts)
    if one and parts[1]:
        return People((one,))
    return from_list([name or " ".join(parts[:2])], groups=group)


def from_list(names: Iterable[str], *, groups: bool = False) -> People:
    """Items of a list, one name each as a rule; one that holds several is divided or reported."""
    items = [item for item in map(_text, names) if item]
    if groups:
        return together(_one(item, True) for item in items)
    return together(_several(item, True, len(items) == 1) for item in items)


def from_line(text: str) -> People:
    r"""Names in a line of text: `A B, C D and E F`, `B, A; D, C`, `A B \& C D et al.`."""
    return _several(_text(text), False, False)


def from_bibtex(field: str) -> People:
    """The `author` field of BibTeX or biblatex, as it stands in the file."""
    flat = " ".join(field.translate(_NOT_OURS).split())
    names = [name for name in _divided(f" {flat} ", " and ") if name]
    return together(_from_bibtex(name, len(names) == 1) for name in names)


def _text(text: str) -> str:
    return markup(text).translate(_NOT_OURS).strip()


def _no_name(text: str) -> People:
    return People((), (f"{_short(text)} is not a name; left out",))


def _short(text: str) -> str:
    return repr(" ".join(text[:80].translate(_SHOWN).split()))


# BibTeX -------------------------------------------------------------------------------

_WHOLE_GROUP = re.compile(r"\{(?!\\)[^{}]*(?:\{[^{}]*\}[^{}]*)*\}")
_INNER = re.compile(r"\{(?!\\)((?:[^{}]|\{[^{}]*\})*)\}")
_HIDDEN = re.compile(r"(?<!\\)(?<!\\\w)[ ,;&]")


@lru_cache(maxsize=20_000)  # people write more than one paper
def _from_bibtex(raw: str, alone: bool) -> People:
    if not re.search(r"[{\\=]", raw) or raw.count("{") != raw.count("}"):
        return _several(latex(raw), True, alone)
    if _WHOLE_GROUP.fullmatch(raw):
        name = latex(raw)
        said = "is one name by its braces; if it is several, take them off"
        doubt = People((), (f"{_short(name)} {said}",) if " and " in name else ())
        return together([_one(name, True), doubt])
    fields = [part.partition("=") for part in _divided(raw, ",")]
    if all(sign and key.strip().replace("-", "").isalpha() for key, sign, _ in fields):
        told = {key.strip().lower(): latex(v.strip(' "')) for key, _, v in fields}
        names = (told.get(key, "") for key in ("given", "family", "suffix", "prefix"))
        one = from_parts(*names)
        return People((one,)) if one else _no_name(raw)
    return _several(latex(_INNER.sub(_hidden, raw)), True, alone)


def _divided(text: str, sign: str) -> list[str]:
    """Pieces between the signs that stand outside of braces."""
    depth, start, pieces = 0, 0, []
    for found in re.finditer(rf"[{{}}]|{sign}", text, re.IGNORECASE):
        depth += (found[0] == "{") - (found[0] == "}")
        if depth <= 0 and found[0] not in ("{", "}"):
            pieces.append(text[start : found.start()].strip())
            start = found.end()
    return [*pieces, text[start:].strip()]


def _hidden(group: re.Match[str]) -> str:
    """Braces whose blanks and signs divide nothing, and whose small letter makes no particle."""
    inner = _HIDDEN.sub(lambda sign: sign[0].translate(_KEPT), group[1])
    before = group.string[max(group.start() - 2, 0) : group.start()]
    starts = before[-1:] in " ," or (before[-1] == "~" and before != "\\~")
    return f"{{{_BRACE if starts and inner[:1].islower() else ''}{inner}}}"


# One line and one name ----------------------------------------------------------------


def _several(text: str, listed: bool, alone: bool) -> People:
    """Names of a text; in an item of a list, a comma is one of a name, and `and` an exception."""
    text, doubts = _cleaned(text)
    pieces = [p.removeprefix("and ") for p in text.split("; ")] if ";" in text else []
    apart = pieces or _DIVIDED.split(text)
    pairs = pieces or _pairs(apart)
    given = [piece for piece in pairs or apart if piece.strip(" ,")]
    found = [_commas(piece, bool(pairs) or listed, alone) for piece in given]
    if text and not found and not doubts:
        return _no_name(text)
    return together([*found, People((), tuple(doubts))] if doubts else found)


def _pairs(pieces: list[str]) -> list[str]:
    """`Cruz, Ana, Li, Bo, and Stone, Quinn`: one name follows the `and`, family name first, so all are like it."""
    parts = [[p.strip() for p in piece.split(",") if p.strip()] for piece in pieces]
    if len(parts) < 2 or len(parts[-1]) != 2 or any(len(p) % 2 for p in parts):
        return []
    if _GOES_ON.search(", ".join(parts[-1])):
        return []
    return [f"{a}, {b}" for p in parts for a, b in zip(p[::2], p[1::2], strict=True)]


def _cleaned(text: str) -> tuple[str, list[str]]:
    """Text without `et al.`, marks of footnotes, addresses and what stands in brackets."""
    text = text.translate(_ASCII)
    doubts = [_ENDS.format(more.strip(" ,")) for more in _MORE.findall(text)]
    text = _MAIL.sub("", _MORE.sub(",", text)) if doubts or "@" in text else text

    def within(found: re.Match[str]) -> str:
        before = found.string[max(found.start() - 1, 0) : found.start()]
        named = _HAN_WORD.search(before + found[1]) and not _GROUP.search(found[1])
        if named or _ORCID.search(found[1]):
            return f" {found[1]}"
        if _LETTER.search(found[1]):
            doubts.append(f"{_short(found[0].strip())} beside a name is left out")
        return ""

    text = _MARKS.sub("", _BRACKETS.sub(within, text))
    return " ".join(text.replace(";", "; ").split()), doubts


def _commas(text: str, listed: bool, alone: bool) -> People:
    """Names of a text in which commas divide names, or the parts of one, or both."""
    parts: list[str] = []
    for part in filter(_LETTER.search, map(str.strip, text.split(","))):
        if parts and len(parts[-1]) < _LONGEST and _GOES_ON.search(f", {part}"):
            parts[-1] += f", {part}"
        else:
            parts.append(part)
    if len(parts) < 2:
        return _one(parts[0], False) if parts else _no_name(text)
    short = [" " not in p and not (p[1:] and _HAN_WORD.fullmatch(p)) for p in parts]
    inverted = any(short) or parts[0][0].islower()
    if all(map(_VANCOUVER.fullmatch, parts)):
        parts = [", ".join(part.rsplit(" ", 1)) for part in parts]
    elif len(parts) == 2 and (listed or inverted):
        sure = inverted or not alone or _INITIALS.fullmatch(parts[1].split()[-1])
        said = "is read as one name, family first; if it is two, write `and` between"
        doubt = People((), () if sure else (f"{_short(text)} {said}",))
        return together([_one(", ".join(parts), False), doubt])
    elif len(parts) % 2 == 0 and all(map(_INITIALS.fullmatch, parts[1::2])):
        parts = list(map(", ".join, zip(parts[::2], parts[1::2], strict=True)))
    elif any(short):
        return People((), (_TWO_WAYS.format(_short(text)),))
    return together(_one(part, False) for part in parts)


@lru_cache(maxsize=20_000)  # people write more than one paper
def _one(text: str, group: bool) -> People:
    if _MORE.fullmatch(text):
        return People((), (_ENDS.format(text),))
    orcid = _ORCID.search(text)
    name = (_ORCID.sub("", text) if orcid else text).strip(" ,;:")
    if len(name) > _LONGEST or not _LETTER.search(name) or "://" in name:
        return _no_name(text)
    doubts: list[str] = []
    while not group and (style := _STYLE.search(name)):
        doubts.append(f"{style[0].strip(' ,')!r} of {_short(name)} is left out")
        name = f"{name[: style.start()]}{name[style.end() :]}".strip(" ,")
    literal = group and not _HAN_WORD.fullmatch(name)
    one = _valid(literal=name) if literal else _read(name, doubts)
    if one and orcid:
        one = _valid(**one.model_dump() | {"orcid": orcid[1]}) or one
    if one is None and not doubts:
        return _no_name(text)
    return People((one,) if one else (), tuple(doubts))


def _read(name: str, doubts: list[str], suffix: str = "") -> Author | None:
    """An author; what is only likely is added to the doubts."""
    han = _HAN_WORD.findall(name)
    rest = _HAN_WORD.sub("", name).strip(" ,()")
    if _GROUP.search(name) or (_CJK.fullmatch(name) and not han):
        return _valid(literal=name)
    if han and not rest:
        return _from_han(han, name, doubts)
    if han:
        one = _read(rest, doubts, suffix)
        return _valid(**one.model_dump() | {"han": "".join(han)}) if one else None
    if _MAYBE_GROUP.search(name):
        doubts.append(f"{_short(name)} is read as a person; {_FOR_GROUP}")
    if found := _SUFFIX.search(name):
        suffix, name = suffix or found[1], _SUFFIX.sub("", name, count=1)
    family, _, given = _recased(name).partition(",")
    first, last = given.split(), family.split()
    if not first:
        at = next(
            (i for i, w in enumerate(last[1:-1], 1) if _is_small(w)), len(last) - 1
        )
        first, last = last[:at], last[at:]
    if not first and not suffix:
        doubts.append(f"{_short(name)} is read as a family name; {_FOR_GROUP}")
    before = next((i for i, w in enumerate(last) if not _is_small(w)), 0)
    particle, last = last[:before], last[before:]
    while "," in name and len(first) > 1 and _is_small(first[-1]):
        particle.insert(0, first.pop())  # `Maaten, Laurens van der`
    parts = {"given": first, "particle": particle, "family": last}
    return _valid(**{k: " ".join(v) for k, v in parts.items()}, suffix=suffix)


def _from_han(han: list[str], name: str, doubts: list[str]) -> Author | None:
    """The family name of two parts is the one with one character, or one of the few with two."""
    compound = [part in _COMPOUNDS.split() for part in han]
    if len(han) > 2 or (min(map(len, han)) > 1 < len(han) and not any(compound)):
        doubts.append(_TWO_WAYS.format(_short(name)))
        return None
    backwards = len(han[-1]) < len(han[0]) or compound == [False, True]
    whole = "".join(reversed(han) if backwards else han)
    return _valid(literal=whole, han=whole)


def _is_small(word: str) -> bool:
    """Whether a word begins with a small letter; one in braces does not."""
    return word[:1].islower() or (word[:1] in "'’" and word[1:2].islower())


def _valid(**parts: str | None) -> Author | None:
    shown = {key: part.translate(_SHOWN) for key, part in parts.items() if part}
    try:
        return Author.model_validate(shown)
    except ValidationError:
        return None


def _recased(name: str) -> str:
    """A name in capitals as a name: `SHIWEI FENG`."""
    words = _LETTER.findall(name) if name.isupper() else ()
    return name.title() if len(words) > 1 and all(len(w) > 2 for w in words) else name
