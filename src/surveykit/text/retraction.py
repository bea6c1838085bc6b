"""The words by which publishers and authors say that a paper no longer stands: retracted, withdrawn, under concern."""

from __future__ import annotations

import re

_PAPER = (
    "(?:papers?|articles?|submissions?|manuscripts?|work|preprints?|drafts?|documents?"
    "|chapters?|publications?)"
)
_GONE = "(?:retracted|withdrawn|retirado|retractado|retratado|rétracté|zurückgezogen)"
_STATUS = (
    rf"(?:(?:partially|partly|temporarily) )?{_GONE}(?: {_PAPER})?"
    rf"|(?:(?:this )?{_PAPER}|art[íi]culo|artigo) (?:has been |is )?{_GONE}"
    r"|temporary removal|article withdrawal"
    r"|已?(?:撤稿|撤回|撤销)|(?:论文|文章)已?(?:撤稿|撤回)"
)
_NOTICE = (
    r"(?:(?:editorial|publisher|editor)(?:'s|s'|’s|s’)? )?(?:statement |note |notice )?(?:of )?"
    r"(?:partial )?(?:retraction|withdrawal)(?: (?:note|notice|statement))?(?: (?:to|of|for|on))?"
    r"|notice of removal"
    r"|(?:notice of )?(?:editorial )?(?:notice: )?expression of concern(?: (?:to|of|for|on|about))?"
    r"|撤稿(?:声明|启事|通知)"
)
# A word alone is part of a title (`Retracted Gaussian Flows`); set off by a bracket, a colon or a dash it is a mark.
_BEFORE = re.compile(
    rf"\s*(?:[\[(（【<{{*]+\s*(?:{_STATUS}|removed|{_NOTICE})\s*[\])）】>}}*]+\s*[:：.–—-]?"
    rf"|(?:{_STATUS}|(?-i:REMOVED)|{_NOTICE})(?:\s*[:：]|\s[–—|-]\s|\.\s)"
    rf"|(?:{_NOTICE})\s*$"
    r"|notice of (?:retraction|violation of ieee publication principles)\b\s*[:：]?"
    r"|(?:retraction|withdrawal) (?:note|notice|statement) (?:to|of|for|on)\b\s*[:：]?"
    r"|(?:retraction|withdrawal) (?:to|of|for)(?=\s*[\"“‘])"
    r"|关于.{1,200}的撤稿(?:声明|启事|通知))\s*",
    re.I,
)
_BEHIND = re.compile(
    rf"\s(?:[\[(（]\s*(?:{_STATUS}|retraction of vol\b)(?:[.:;, ][^()（）\[\]]*)?[\])）]"
    rf"|[–—|-]\s*(?-i:RETRACTED|WITHDRAWN)(?-i: ARTICLE)?)\s*$|[（【](?:{_STATUS})[）】]\s*$",
    re.I,
)

_THIS = (
    rf"(?:(?:this|the|our|that|following|present|current)\s+)*(?:{_PAPER}|version|v)"
    r"(?:\s*v?([0-9]+))?\b"
)
_HAS = (
    "(?:has|have|had|is|was|were|are|be|being|been|hereby|now|temporarily|voluntarily|formally"
    "|needs|to|must|will|should)"
)
# Withdrawn from a conference is not withdrawn from the world.
_HENCE = r"\b(?!\s+(?:from|at|in)\s+(?!(?:the\s+)?(?:arxiv|consideration|publication|public)\b))"
_WITHDRAWN = re.compile(
    rf"{_THIS}(?:\s*\([^()]{{0,60}}\)|\s*,[^,.]{{0,60}},)?"
    rf"(?:(?:\s+{_HAS})*\s+withdrawn{_HENCE}|(?:\s+{_HAS})+\s+(?:retracted|removed){_HENCE})"
    r"|(?:we|i|the\s+authors?)(?:\s+(?:have|has|hereby|would|like|wish|want|decided|to|are|now))*"
    rf"\s+(?:withdraws?|withdrew|withdrawn|withdrawing|retract|retracted)\s+{_THIS}{_HENCE}"
    r"|(?:withdrawn|withdrawal|retracted)"
    r"(?=\s*(?:$|[.;:,!)\]])|\s+(?:by|due|because|as|since|for|until|pending|temporarily|and"
    r"|in\s+favou?r|at\s+the|from\s+(?:the\s+)?arxiv|of\s+(?:the|this)\s+paper)\b)",
    re.I,
)
_START = re.compile(r"(?:^|[.;:!?,]\s+|\s[-–—]\s)[\[({\s*•–—-]*", re.I)


def in_title(title: str) -> str:
    """The mark in a title by which a publisher says that the paper no longer stands; empty where there is none."""
    found = _BEFORE.match(title) or _BEHIND.search(title)
    return found[0].strip() if found else ""


def unmarked(title: str) -> str:
    """A title without such marks; the whole title where nothing would be left."""
    bare = title.strip()
    for _ in range(3):  # no publisher marks a title more often
        mark = in_title(bare)
        at_start = bool(mark) and bare.startswith(mark)
        bare = (
            bare.removeprefix(mark) if at_start else bare.removesuffix(mark)
        ).strip()
    return bare or title


def in_comment(comment: str, version: int | None = None) -> bool:
    """Whether a remark of authors or of a server says that this version of the paper is withdrawn.

    A remark about a conference, about another version or about what replaced the paper says nothing of the kind.
    """
    return any(_says_so(comment, at.end(), version) for at in _START.finditer(comment))


def in_abstract(abstract: str, version: int | None = None) -> bool:
    """Whether an abstract opens with the notice that its paper is withdrawn; one about withdrawals does not."""
    text = re.sub(r"^[\s\[(]*arxiv admin note:", "", abstract, flags=re.I)
    start = _START.match(text)
    return _says_so(text, start.end() if start else 0, version)


def _says_so(text: str, at: int, version: int | None) -> bool:
    found = _WITHDRAWN.match(text, at)
    if not found:
        return False
    named = next((number for number in found.groups() if number), None)
    return named is None or version is None or int(named) == version
