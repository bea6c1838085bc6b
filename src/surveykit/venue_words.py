"""Which words of a venue's name tell it from others, and which say only when, where and how a paper appeared."""

from __future__ import annotations

import re

from surveykit.text.letters import fold

_WORD = re.compile(r"([^\W_]+(?:&[^\W_]+)*)(\.?)")
_YEAR_AT_END = re.compile(r"(?<=[^\W\d_])['’`]?(?=(?:[0-9]{2}|(?:19|20)[0-9]{2})\b)")
_NUMBER = re.compile(r"[0-9]+(?:st|nd|rd|th)?|[ivx]{2,5}|v[0-9]+")

_PHRASES = re.compile(
    r"\blecture notes in (?:computer science|artificial intelligence)\b|\bconference paper\b"
    r"|\bproceedings of machine learning research\b|\bdatasets? (?:and|&) benchmarks?\b"
    r"|\bmain conference\b|\b(?:research|technical|regular) (?:track|papers?)\b|\bearly access\b"
)
_SAID = """
    proceedings proc annual the of in on and for a an by at to as poster oral spotlight highlight talk notable top
    award best outstanding candidate honorable mention main track accept accepted appear published camera ready version
    d&b volume vol v part lncs lnai pmlr pp pages page no issue nr article paper papers long short full
    online virtual hybrid event press org net series
    january february march april may june july august september october november december
    jan feb mar apr jun jul aug sep sept oct nov dec
    first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth twelveth thirteenth fourteenth
    fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth
    twenty thirty forty fifty sixty seventy eighty
"""
_NOISE = frozenset(_SAID.split())
"""Words that tell one year's volume from another's, or how a paper was presented."""
_HOLDERS = "ieee acm cvf ifip sigkdd sigsac sigir sigsoft sigchi sigmm sigplan"
SOCIETIES = frozenset(_HOLDERS.split())
_KINDS = "international european asian national conference conf symposium"
_GENERIC = frozenset(_KINDS.split())
"""`17th European Conference`, as Springer's volumes say beside the short name."""
_OTHER = """
    conference conf symposium symp workshop workshops congress meeting journal transactions trans letters magazine
    review reviews bulletin international intl asia asian pacific european companion adjunct tutorial tutorials demo
    demos demonstration demonstrations industry industrial student students doctoral consortium posters abstract
    abstracts extended challenge competition special session sessions blog blogpost blogposts tiny late breaking
    findings supplement supplementary seminar school forum summit society letter reports report
"""
_OTHERS = frozenset(_OTHER.split())
"""Words beside a name that say that another venue, or another part of it, is meant."""
_NAMES = "elsevier springer mdpi wiley usenix siam openreview"
_PUBLISHERS = frozenset(_NAMES.split())
_BESIDE = """
    usa uae prc ieee acm cvf usenix isca mdpi bmva ios siam openreview dblp pmlr lncs
    de del la le las los di da do du der den el und y et
"""
_UNTOLD = frozenset(_BESIDE.split())
"""Countries, publishers and particles of places: in capitals, or without any, and still no name of a venue."""


Words = list[tuple[str, bool]]


def dotted(text: str) -> Words:
    """Words that tell a venue from others, and whether a full stop ends them."""
    plain = fold(text).replace("{", "").replace("}", "")
    plain = _YEAR_AT_END.sub(" ", _PHRASES.sub(" ", plain))
    return [
        (word, stop == ".")
        for word, stop in _WORD.findall(plain)
        if word not in _NOISE and not _NUMBER.fullmatch(word)
    ]


def bare(said: Words) -> tuple[str, ...]:
    """The same words alone, without signs in them: `S&P` is `sp`."""
    words = (word.replace("&", "") for word, _ in said)
    return tuple("workshop" if word == "workshops" else word for word in words)


def words_of(text: str) -> tuple[str, ...]:
    """Words of a text that tell a venue from others."""
    return bare(dotted(text))


def parted(words: tuple[str, ...]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Words of a name, and the societies among them; a name of societies alone is one of words."""
    rest = tuple(word for word in words if word not in SOCIETIES)
    return (rest, SOCIETIES.intersection(words)) if rest else (words, frozenset())


def stands_for(said: tuple[str, bool], word: str) -> bool:
    """Whether a word is another, or abbreviates it: its beginning, with a full stop behind it."""
    short, stop = said
    enough = len(short) > 1 or short == "j"
    return short == word or (stop and enough and word.startswith(short))


def harmless(part: str, strictly: bool) -> bool:
    """Whether what stands beside a name is a place, a publisher or nothing; else it may be another venue.

    With `strictly` it may be no place: in brackets and before the name stand other things.
    """
    words = words_of(part)
    if set(words) <= _GENERIC | SOCIETIES | _PUBLISHERS:
        return not (strictly and _GENERIC.intersection(words))
    if strictly or _OTHERS.intersection(words) or len(words) > 6:
        return False
    said = [word for word in re.findall(r"[^\W_]+", part) if fold(word) in words]
    return all(
        word[0].isupper() and (_capitals(word) < 2 or len(word) < 3)
        for word in said
        if fold(word) not in _UNTOLD
    )


def _capitals(word: str) -> int:
    return sum(letter.isupper() for letter in word)
