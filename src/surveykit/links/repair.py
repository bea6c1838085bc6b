"""Moved links rewritten where they stand: the bytes of one value change, all others stay."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urldefrag, urlsplit

from pydantic import TypeAdapter, ValidationError

from surveykit import files, outputs
from surveykit.errors import Loc
from surveykit.links.engine import LinkFinding
from surveykit.links.gather import Place
from surveykit.links.state import State
from surveykit.scalars import Url
from surveykit.yaml_tree import RefusedError, Tree, decode, parse

IDENTIFIER_HOSTS = frozenset({"doi.org", "dx.doi.org", "hdl.handle.net", "arxiv.org"})
"""Hosts whose addresses are names that stay, wherever they lead today."""

_PASSING = re.compile(
    # where a visitor came from
    r"utm_\w+|mtm_\w+|pk_\w+|hsa_\w+|_hs\w+|_g[al]|mc_[ce]id|mkt_tok|ref_src|trk|vero_id|oly_\w+|igsh(?:id)?|needaccess"
    r"|(?:fb|g|d|y|tw|tt|irc)clid|msclkid|li_fat_id|[gw]braid"
    # who a visitor is, and for how long
    r"|(?:j|php|asp|asp\.net_|cf|\w+[-_.])?sess(?:ion)?(?:[-_]?(?:id|key|token)\w*)?|s?sid|cfid|osid|zenid|nonce|state|ticket|expires"
    r"|(?:.*[-_.])?\w*(?:token|signature|credential|password|passwd|apikey|api_key|auth)|sig|key-pair-id|x-amz-.*",
    re.IGNORECASE,
)
"""Names of parameters that belong to one visit."""
_LIKE_A_TOKEN = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[\w.~+/=-]{32,}", re.ASCII)


@dataclass(frozen=True)
class Edit:
    """One rewritten link."""

    place: Place
    new: str


@dataclass(frozen=True)
class Repairs:
    """What `--fix` did, and what it left for a person."""

    done: tuple[Edit, ...]
    refused: tuple[tuple[Place, str], ...]
    """Place and reason."""


def repair(findings: Iterable[LinkFinding], root: Path) -> Repairs:
    """Rewrite each moved link below `root` whose new address is safe to take. Raises MachineError."""
    files: dict[str, list[Edit]] = defaultdict(list)
    refused: list[tuple[Place, str]] = []
    for finding in findings:
        for place, new in _moves(finding):
            if why := _doubt(place.written, new):
                refused.append((place, why))
            else:
                files[place.path].append(Edit(place, new))
    done: list[Edit] = []
    texts: dict[str, str] = {}
    for path, edits in files.items():
        text, made, left = _rewrite(root, path, edits)
        done += made
        refused += left
        if made:
            texts[path] = text
    outputs.write(root, texts)  # all or none
    return Repairs(tuple(done), tuple(refused))


def _moves(finding: LinkFinding) -> Iterator[tuple[Place, str]]:
    target = finding.result.target
    if finding.result.state is not State.MOVED or not target:
        return
    for place in finding.link.places:
        if place.loc:  # a list of links is not ours to change
            fragment = urldefrag(place.written).fragment
            bare = not urldefrag(target).fragment
            yield place, f"{target}#{fragment}" if fragment and bare else target


def _doubt(old: str, new: str) -> str:
    """Why a person should decide; empty for a move that is safe to take."""
    try:
        TypeAdapter(Url).validate_python(new)
    except ValidationError:
        return "the new address is not one that an entry may hold"
    before, after = urlsplit(old), urlsplit(new)
    if before.hostname in IDENTIFIER_HOSTS and before.hostname != after.hostname:
        return "the old address is a lasting name"
    if before.scheme == "https" and after.scheme == "http":
        return "the new address is not encrypted"
    for name in sorted(_visit(new) - _visit(old)):
        return f"the new address holds {name!r}, which belongs to one visit"
    return ""


def _visit(url: str) -> set[str]:
    """Parameters of an address that tell of a session or of where a visitor came from."""
    parts = urlsplit(url)
    inside_path = parts.path.partition(";")[2].replace(";", "&").replace("/", "&")
    fragment = parts.fragment if "=" in parts.fragment else ""
    texts = (parts.query.replace(";", "&"), inside_path, fragment)
    pairs = [pair for text in texts for pair in parse_qsl(text, keep_blank_values=True)]
    return {
        name
        for name, value in pairs
        if _PASSING.fullmatch(name[:100]) or _LIKE_A_TOKEN.fullmatch(value)
    }


def _rewrite(
    root: Path, path: str, edits: list[Edit]
) -> tuple[str, list[Edit], list[tuple[Place, str]]]:
    """The file's new text, what changed in it, and what did not."""
    done: list[Edit] = []
    refused: list[tuple[Place, str]] = []
    try:
        text = decode(files.read(root, path))
    except (OSError, RefusedError) as error:
        return "", [], [(edit.place, f"cannot be read: {error}") for edit in edits]
    for edit in edits:
        changed = rewritten(text, edit.place.loc, edit.place.written, edit.new)
        if changed is None:
            refused.append(
                (edit.place, "not a value on one line, or changed meanwhile")
            )
        else:
            text = changed
            done.append(edit)
    return text, done, refused


def rewritten(text: str, loc: Loc, old: str, new: str) -> str | None:
    """`text` with the value at `loc` changed from `old` to `new`; None when that cannot be done safely.

    The result is read again: it must hold the same data but for this value.
    """
    tree = parse(text)
    if tree.faults or _at(tree.data, loc) != old:
        return None
    line, column = tree.place(loc)
    start = _index(text, line, column)
    for mark in ("'", '"', ""):
        written = mark + (old.replace("'", "''") if mark == "'" else old) + mark
        if text.startswith(written, start):
            tail = text[start + len(written) :]
            quoted = new.replace("'", "''") if mark == "'" else new
            candidates = [mark + quoted + mark, "'" + new.replace("'", "''") + "'"]
            return next(
                (
                    t
                    for c in candidates
                    if _same(tree, t := text[:start] + c + tail, loc, new)
                ),
                None,
            )
    return None


def _same(before: Tree, text: str, loc: Loc, new: str) -> bool:
    expected = deepcopy(before.data)
    inner = _at(expected, loc[:-1])
    inner[loc[-1]] = new
    after = parse(text)
    return not after.faults and after.data == expected


def _at(data: Any, loc: Loc) -> Any:
    for step in loc:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _index(text: str, line: int, column: int) -> int:
    start = 0
    for _ in range(line - 1):
        start = text.index("\n", start) + 1
    return start + column - 1
