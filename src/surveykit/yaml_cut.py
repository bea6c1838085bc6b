"""What YAML takes off a text, or puts into it, without a fault: the parser is content, the writer meant something else."""

from __future__ import annotations

import re
from typing import Any

_COMMENT = re.compile(r"( +)#(.?)")
_HAN = r"[\u3001-\u303f\u3400-\u4dbf\u4e00-\u9fff\uff01-\uff5e]"
_JOINED = re.compile(rf"{_HAN}\n *{_HAN}|[^\W\d_]-\n *(?!and\b|or\b|to\b)[^\W\d_]")


def cut(event: Any, text: str) -> str | None:
    """What is wrong with how a scalar was written in `text`; None where it reads as it was meant."""
    start, end = event.start_mark, event.end_mark
    if not event.style:
        behind = text.startswith(" ", end.index) and _COMMENT.match(text, end.index)
        if behind and (len(behind[1]) < 2 or behind[2] not in ("", " ")):
            return "a comment begins behind it; put the value in quotes, or write two spaces and `# `"
        opened = "(" in event.value and event.value.count("(") > event.value.count(")")
        if opened and _ends_at_comma(text, end.index):
            return (
                "a comma ends a value inside [ ] and { }; put the whole value in quotes"
            )
    folded = start.line < end.line and event.style != "|"
    if folded and _JOINED.search(text, start.index, end.index):
        return "the break of the line becomes a space; write the text on one line, or break it elsewhere"
    return None


def _ends_at_comma(text: str, at: int) -> bool:
    return text[at : at + 200].lstrip().startswith(",")
