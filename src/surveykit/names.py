"""Names of people as files, services and people write them -> `Author`s, and what is doubtful about them.

BibTeX's rules hold: a particle begins with a small letter, `Family, Jr., Given`, braces keep together
(https://ctan.org/pkg/tamethebeast, section 11). What can be read in two ways is said and not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from pydantic import ValidationError

from surveykit.models import Author
from surveykit.plain import latex, markup


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
_LETTER = re.compile(r"[^\W\d_]")
_LATIN = re.compile(r"[A-Za-z]")
_HAN = r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff々]"
_LONG_HAN = re.compile(rf"{_HAN}{{2,}}")
_HAN_WORD = re.compile(rf"{_HAN}+(?:[·•・]{_HAN}+)*")
_CJK = re.compile(rf"(?:{_HAN}|[\u3040-\u30ff\uac00-\ud7af·])+")
_COMPOUNDS = "欧阳 司马 上官 诸葛 夏侯 皇甫 尉迟 公孙 慕容 令狐 司徒 东方 独孤 南宫 端木 百里 呼延 歐陽 司馬 諸葛 尉遲 公孫"
"""Family names of two characters."""
_GROUP = re.compile(
    r"\b(?:university|institute|consortium|collaboration|foundation|laborator(?:y|ies)|corporation|inc|ltd|llc|gmbh"
    r"|association|committee|council|ministry)\b|大学|研究院|研究所|实验室|公司|学院|中心|团队|集团",
    re.IGNORECASE,
)
_MAYBE_GROUP = re.compile(
    r" (?:teams?|groups?|labs?|project|community|research|(?-i:AI))$|^The ",
    re.IGNORECASE,
)
_SUFFIX = re.compile(r"(?:[JSjs]r|JR|SR)\.?|I{2,3}|IV|2nd|3rd|V|VI{0,3}")
_INITIALS = re.compile(r"(?:[A-Z]\.[ -]?)+|[A-Z](?:[ -]?[A-Z]){0,2}")
_VANCOUVER = re.compile(r"[^\W\d_]{2}[\w' -]* [A-Z]{1,3}")
_DEGREE = re.compile(
    r"(?:,| )+(Ph\. ?D\.?|Ph\.?D\.?|M\.D\.|M\.Sc\.?|MSc|MBA|D\.?Phil\.?)$|, ?(M[DS]|BSc)$"
)
_TITLE = re.compile(r"(?:Dr|Prof|Professor|Mr|Mrs|Ms)\.? (?=\S+ \S)|Prof\. |Dr\. ")
_MORE = re.compile(
    r"(?:^|(?<=[ ,;&]))(?:and |& ?)?(?:et\.? al(?:\.|ii\b|\b)|(?:etal|(?-i:(?:many |several )?others?))(?=\.?(?:$|[,;])))\.?"
    r"|(?:^|(?<=[,;&])|(?<=[,;&] )|\band )others?(?=\.?$|[,;])|\.\.\.+|…+|,? ?等人?[.。]?(?=$|[,;])",
    re.IGNORECASE,
)
_DIVIDED = re.compile(r",? and |^and | ?\\?[&＆] ?", re.IGNORECASE)
_MAIL = re.compile(r"[<(]?(?:mailto:)?[\w.+-]{1,99}@[\w.-]+[>)]?")
_ORCID = re.compile(
    r"\(?(?:https?://orcid\.org/|orcid:? ?)?\b([0-9]{4}(?:-[0-9]{4}){2}-[0-9]{3}[0-9X])\b\)?",
    re.I,
)
_BRACKETS = re.compile(r" ?[(\[<]([^()\[\]<>]*)[)\]>]")
_MARKS = re.compile(
    r"\^\{?[0-9a-z*†‡]*(?:,[0-9*†‡]+)*\}?|[*†‡§¶‖∗⁎⋆★☆✉✝✦♠♣♦♥#⁰¹²³⁴-⁹]+"
    r"|(?:(?<=[^\W\d_.])[0-9]{1,2}(?:,[0-9*†]{1,2})*| [0-9]{1,4})(?=$|[,;&])"
)
_ASCII = str.maketrans("，、；（）【】＆", ",,;()[]&")
# Stand for a blank and signs inside of braces, and for the brace itself, which hides a letter's case.
_KEPT = str.maketrans(" ,;&", "\ue000\ue001\ue002\ue003")
_BRACE = "\ue004"
_NOT_OURS = dict.fromkeys(range(0xE000, 0xE005))
_SHOWN = str.maketrans("\ue000\ue001\ue002\ue003", " ,;&", _BRACE)


def author(text: str, *, group: bool = False) -> Author | None:
    """One name: `Given Family`, `Family, Given`, `Family, Jr., Given`, 冯世伟; None for what is no name."""
    found = from_list([text], groups=group).authors
    return found[0] if len(found) == 1 else None


def from_parts(
    given: str, family: str, suffix: str = "", particle: str = ""
) -> Author | None:
    """One name whose parts a record tells apart; one part alone is read as a whole name."""
    parts = (_text(part) for part in (given, family, suffix, particle))
    given, family, suffix, particle = (_MARKS.sub("", p).strip(" ,") for p in parts)
    if _MORE.fullmatch(f"{given} {family}") or _MORE.fullmatch(f"{family} {given}"):
        return None
    if not _LETTER.search(given + family):
        return None
    if not given or not family or _HAN_WORD.search(given + family):
        latin = _LATIN.search(given)
        return author(f"{given} {particle} {family}" if latin else f"{family} {given}")
    return _made(given, f"{particle} {family}".strip(), suffix)


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


# BibTeX -------------------------------------------------------------------------------


@lru_cache(maxsize=20_000)  # people write more than one paper
def _from_bibtex(raw: str, alone: bool) -> People:
    if not re.search(r"[{\\=]", raw) or raw.count("{") != raw.count("}"):
        return _several(latex(raw), True, alone)
    if raw[:2] != "{\\" and _is_one_group(raw):
        name = latex(raw)
        doubts = [
            f"{name!r} is one name by its braces; if it is several, take them off"
        ]
        found = _one(name, True)
        return together([found, People((), tuple(doubts if " and " in name else ()))])
    fields = [part.partition("=") for part in _divided(raw, ",")]
    if all(sign and key.strip().replace("-", "").isalpha() for key, sign, _ in fields):
        told = {key.strip().lower(): v.strip(' "') for key, _, v in fields}
        names = (told.get(key, "") for key in ("given", "family", "suffix", "prefix"))
        one = from_parts(*map(latex, names))
        return People((one,)) if one else _no_name(raw)
    return _several(latex(_braces_kept(raw)), True, alone)


def _divided(text: str, sign: str) -> Iterator[str]:
    """Pieces between the signs that stand outside of braces."""
    depth, start = 0, 0
    for found in re.finditer(rf"[{{}}]|{sign}", text, re.IGNORECASE):
        depth += (found[0] == "{") - (found[0] == "}")
        if depth <= 0 and found[0] not in ("{", "}"):
            yield text[start : found.start()].strip()
            start = found.end()
    yield text[start:].strip()


def _is_one_group(raw: str) -> bool:
    depths = accumulate((sign == "{") - (sign == "}") for sign in raw)
    return raw[-1] == "}" and all(depth > 0 for depth in list(depths)[:-1])


def _braces_kept(raw: str) -> str:
    r"""Blanks and signs inside of braces hidden; `{\'e}` is a letter and no such group."""
    pieces, depth, kept = [], 0, False
    for piece in re.split(r"([{}])", raw):
        depth += (piece == "{") - (piece == "}")
        pieces.append(piece.translate(_KEPT) if kept and depth > 0 else piece)
        if piece == "{" and depth == 1:
            kept = True
            if not "".join(pieces[-2:-1]) or re.search(r"(?<!\\)[ ,~]$", pieces[-2]):
                pieces[-1] += _BRACE
    text = "".join(pieces).replace(f"{{{_BRACE}\\", "{\\")
    text = re.sub(f"{_BRACE}(?=[A-Z])", "", text)  # no letter's case to hide
    return re.sub(r"(\\[A-Za-z]+)\ue000", r"\1 ", text)  # the end of a command


# One line and one name ----------------------------------------------------------------


def _several(text: str, listed: bool, alone: bool) -> People:
    """Names of a text; in an item of a list, a comma is one of a name, and `and` an exception."""
    text, doubts = _cleaned(text)
    if ";" in text:
        pieces = [(p.strip().removeprefix("and "), True) for p in text.split(";")]
    else:
        apart = _DIVIDED.split(text)
        paired = list(_pairs(apart))
        pieces = [(p, True) for p in paired] or [(p, listed) for p in apart]
    given = [(piece, inverted) for piece, inverted in pieces if piece.strip(" ,")]
    found = [_commas(piece, inverted, alone) for piece, inverted in given]
    if text and not found and not doubts:
        return _no_name(text)
    return together([*found, People((), tuple(doubts))] if doubts else found)


def _pairs(pieces: list[str]) -> Iterator[str]:
    """`Cruz, Ana, Li, Bo, and Stone, Quinn`: one name follows the `and`, family name first, so all are like it."""
    parts = [[p.strip() for p in piece.split(",") if p.strip()] for piece in pieces]
    alike = (
        len(parts) > 1 and len(parts[-1]) == 2 and not any(len(p) % 2 for p in parts)
    )
    if alike and not _SUFFIX.fullmatch(parts[-1][1]):
        for some in parts:
            yield from map(", ".join, zip(some[::2], some[1::2], strict=True))


def _cleaned(text: str) -> tuple[str, list[str]]:
    """Text without `et al.`, marks of footnotes, addresses and what stands in brackets."""
    text = text.translate(_ASCII)
    doubts = [
        f"the list of authors ends with {more.strip(' ,')!r}; complete it"
        for more in _MORE.findall(text)
    ]
    text = _MAIL.sub("", _MORE.sub(",", text)) if doubts or "@" in text else text

    def within(found: re.Match[str]) -> str:
        inner, before = found[1], text[: found.start()].strip()[-1:]
        other = _HAN_WORD.search(inner) or (
            _HAN_WORD.fullmatch(before) and " " in inner
        )
        if _ORCID.search(inner) or (other and not _GROUP.search(inner)):
            return f" {inner}"
        if _LETTER.search(inner):
            doubts.append(f"{found[0].strip()!r} beside a name is left out")
        return ""

    text = _MARKS.sub("", _BRACKETS.sub(within, text))
    return " ".join(text.split()), doubts


def _commas(text: str, listed: bool, alone: bool) -> People:
    """Names of a text in which commas divide names, or the parts of one, or both."""
    parts: list[str] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        if (
            parts
            and len(parts[-1]) < _LONGEST
            and (_SUFFIX.fullmatch(part) or _DEGREE.fullmatch(f", {part}"))
        ):
            parts[-1] += f", {part}"
        elif _LETTER.search(part):
            parts.append(part)
    if len(parts) < 2:
        return _one(parts[0], False) if parts else _no_name(text)
    if all(map(_VANCOUVER.fullmatch, parts)):
        parts = [", ".join(part.rsplit(" ", 1)) for part in parts]
        return together(_one(part, False) for part in parts)
    short = [" " not in part and not _LONG_HAN.fullmatch(part) for part in parts]
    if len(parts) == 2 and (listed or any(short) or parts[0][0].islower()):
        found = _one(", ".join(parts), False)
        whole = parts[0][0].isupper() and len(parts[1].split()[-1].strip(".")) > 1
        if not alone or any(short) or not whole:
            return found
        said = (
            "is read as one name, family name first; if it is two, write `and` between"
        )
        return together([found, People((), (f"{_short(text)} {said}",))])
    if len(parts) in range(4, 999, 2) and all(map(_INITIALS.fullmatch, parts[1::2])):
        parts = [f"{a}, {b}" for a, b in zip(parts[::2], parts[1::2], strict=True)]
    elif any(short):
        said = f"{_short(text)} can be read in two ways; write `Given Family` with `;` between"
        return People((), (said,))
    return together(_one(part, False) for part in parts)


@lru_cache(maxsize=20_000)  # people write more than one paper
def _one(text: str, group: bool) -> People:
    orcid = _ORCID.search(text)
    name = (_ORCID.sub("", text) if orcid else text).strip(" ,;:")
    if len(name) > _LONGEST or not _LETTER.search(name) or "://" in name:
        return _no_name(text)
    doubts: list[str] = []
    if not group:
        for form in (_TITLE, _DEGREE):
            while found := form.search(name):
                doubts.append(f"{found[0].strip(' ,')!r} of {_short(name)} is left out")
                name = f"{name[: found.start()]}{name[found.end() :]}".strip(" ,")
    one = _read(name, group, doubts)
    if one is None:
        return _no_name(text) if not doubts else People((), tuple(doubts))
    if orcid:
        one = _valid(**one.model_dump() | {"orcid": orcid[1].upper()}) or one
    return People((one,), tuple(doubts))


def _no_name(text: str) -> People:
    return People((), (f"{_short(text)} is no name; left out",))


def _short(text: str) -> str:
    return repr(" ".join(text[:80].translate(_SHOWN).split()))


def _read(name: str, group: bool, doubts: list[str]) -> Author | None:
    han = _HAN_WORD.findall(name)
    rest = _HAN_WORD.sub("", name).strip(" ,()")
    if han and not rest and not _GROUP.search(name):
        if len(han) > 2 or (len(han) == 2 and _are_two(*han)):
            doubts.append(
                f"{_short(name)} can be read in two ways; write `;` between names"
            )
            return None
        backwards = len(han) == 2 and _is_backwards(*han)
        whole = "".join(reversed(han) if backwards else han)
        return _valid(literal=whole, han=whole)
    if (
        group
        or _GROUP.search(name)
        or (_CJK.fullmatch(name) and not _LATIN.search(name))
    ):
        return _valid(literal=name)
    if han and _LETTER.search(rest):
        one = _read(rest, group, doubts)
        return _valid(**one.model_dump() | {"han": "".join(han)}) if one else None
    if _MAYBE_GROUP.search(name):
        doubts.append(
            f"{_short(name)} is read as a person; write {{literal: …}} for a group"
        )
    family, *others = (part.strip() for part in _recased(name).split(","))
    suffix = next((o for o in others if _SUFFIX.fullmatch(o)), None)
    given = next((o for o in others if o and o != suffix), None)
    if given:
        return _made(given, family, suffix)
    return _in_order(family.split(), suffix, doubts)


def _is_backwards(one: str, other: str) -> bool:
    """Whether the family name is behind: of one character, or one of the few of two."""
    return len(other) < len(one) or {one, other} & set(_COMPOUNDS.split()) == {other}


def _are_two(one: str, other: str) -> bool:
    return (
        len(one) > 1 and len(other) > 1 and not {one, other} & set(_COMPOUNDS.split())
    )


def _in_order(words: list[str], suffix: str | None, doubts: list[str]) -> Author | None:
    """An author from `Given von Family Jr.` in words."""
    if len(words) > 1 and _SUFFIX.fullmatch(words[-1]) and len(words[-1]) > 1:
        suffix = suffix or words.pop()
    if len(words) == 1:
        if not suffix:
            said = "is one word, read as a family name; write {literal: …} for a group"
            doubts.append(f"{_short(words[0])} {said}")
        return _made("", words[0], suffix)
    at = next((i for i, w in enumerate(words[1:-1], 1) if _is_small(w)), len(words) - 1)
    return _made(" ".join(words[:at]), " ".join(words[at:]), suffix)


def _made(given: str, family: str, suffix: str | None) -> Author | None:
    """An author from given names and family name, each perhaps with a particle or suffix at its end."""
    first, last = _recased(f"{given}\0{family}").split("\0")
    last = re.sub("\ue001?\ue000(?=(?:[JS]r\\.?|I{2,3}|IV)$)", " ", last)
    givens, families = first.split(), last.split()
    for words in (families, givens):
        if len(words) > 1 and _SUFFIX.fullmatch(words[-1]) and len(words[-1]) > 1:
            suffix = suffix or words.pop()
    before = next((i for i, w in enumerate(families) if not _is_small(w)), 0)
    particle = families[:before]
    while len(givens) > 1 and _is_small(givens[-1]):  # `Maaten, Laurens van der`
        particle.insert(0, givens.pop())
    return _valid(
        given=" ".join(givens),
        particle=" ".join(particle),
        family=" ".join(families[before:]),
        suffix=suffix,
    )


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
    if not name.isupper():
        return name
    words = re.findall(r"[^\W\d_]+", name)
    return name.title() if len(words) > 1 and all(len(w) > 2 for w in words) else name
