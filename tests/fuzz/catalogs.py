"""Fuzz whole catalogs: `python -m tests.fuzz.catalogs --runs 200000 --seconds 600 --log catalogs.log`.

Every run takes the invented catalog, changes one to three of its files in structure or as text, and runs one command
on it. None may raise, and none may take five seconds. A run follows from seed and number alone: `--first N --runs 1`
repeats it. `--programs` runs the commands as programs of their own.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import faulthandler
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import CARD, PAPERS, SURVEY, VENUES, write_catalog
from tests.fuzz.running import inside, outside
from tests.reliability import counted

SECONDS = 5.0
"""Processor time that one run may take; as a program, beside its start."""
COMMANDS = (
    *[("validate", "--format", form) for form in ("text", "json", "github", "sarif")],
    ("validate", "catalog/papers"),
    ("doctor",),
    ("doctor", "catalog/papers/2023", "--json"),
    ("build",),
    ("build", "--check"),
    ("report", "--base", "HEAD"),
)
WEIGHTS = (24, 24, 12, 12, 8, 6, 4, 3, 4, 3)
CODES = {0, 1, 2, 3}
FIGURE = {"label": {"en": "a", "zh": "甲"}, "value": 1.5, "better": "higher", "n": 3}
RUN = {
    "command": "python -m reference_impls.badseeds",
    "seeds": [0, 1],
    "hardware": "CPU",
    "versions": {"torch": "2.11"},
}
RESULTS = {
    "headline": [FIGURE, {**FIGURE, "sd": 0.1, "unit": "%"}],
    "provenance": {**RUN, "date": "2026-11-20"},
    "rows": [{"x": 1}],
}
ARENA = {
    **RUN,
    "schema_version": 1,
    "generated_at": "2026-11-20",
    "rows": [
        {"id": "a", "label": {"en": "A", "zh": "甲"}, "paper": PAPERS[0]["id"]},
        {"id": "b", "label": {"en": "B", "zh": "乙"}, "card": "badseeds"},
    ],
    "columns": [{"id": "c", "label": {"en": "C", "zh": "丙"}}],
    "cells": [
        {"row": r, "column": "c", "metric": FIGURE["label"], "value": 1, "better": "lower"}
        for r in ("a", "b")
    ],
}  # fmt: skip
POLICY = [
    {
        "prefix": "https://example.org/",
        "treat": "skip",
        "reason": "seen to be shut",
        "until": "2027-01-01",
    }
]
ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 10**17, 1.5, "", " ", "a", "null", "1e999", "2026-02-30", "todo"),
    *("TODO", "TODO: x", "<b>x</b>", "$x$ {y} \\z", "a\nb", "x" * 300, "x" * 20_000, "﷽" * 9),
    *("\u202eevil", "e\u0301", "\U0001f9ea", "９" * 5000, "1" * 5000, "https://e.org:99999/"),
    *("https://[::1/", "http://10.0.0.1/", "javascript:alert(1)", "10.5555/x", "0000-0000"),
    *("rodriguez2021planting", "feng2023detecting", "../../etc/passwd", "--x", "@{u}", "%s%n"),
    *([], {}, [[]], [{}], {"en": None}, {"en": "a", "zh": "b"}, {"": ""}, ["a"] * 60),
)  # fmt: skip
MILD = (
    " | a",
    " `b`",
    " 100%",
    " [x](y)",
    " #1 & 2",
    "_z_",
    " 中文",
    " é",
    "." * 300,
    " -->",
    "；",
    " {{ x }}",
    " ]]>",
)
"""What an entry may hold, and a page or a table must bear."""
PIECES = (
    *(b"\0", b"\xff", b"\xef\xbb\xbf", b"\r\n", b"\r", b"\t", b"- ", b": ", b"'", b'"', b"\\"),
    *(b"{", b"}", b"[", b"]", b"&a ", b"*a", b"!x ", b"#", b"|", b">", b"%", b"---\n", b"...\n"),
    *(b"? ", b"<<: ", b"\\ud800", b"NaN", b"Infinity", b"1e999", b"9" * 5000, b"\xe2\x80\xa8"),
    *(b"[" * 300, b"{a: " * 300, b'{"a":' * 300, b"\xed\xa0\x80", b"-0", b"0x1", b"~", b"\x1b[2J"),
)  # fmt: skip


def _originals(root: Path) -> dict[str, Any]:
    """Path -> data of each file that is read."""
    found: dict[str, Any] = {
        f"catalog/papers/{paper['year']}/{paper['id']}.yaml": paper for paper in PAPERS
    }
    taxonomy = (root / "catalog/taxonomy.yaml").read_text("utf-8")
    return found | {
        "catalog/survey.yaml": SURVEY,
        "catalog/taxonomy.yaml": yaml.load(taxonomy, yaml.CSafeLoader),
        "catalog/venues.yaml": VENUES,
        "catalog/link_policy.yaml": POLICY,
        "reference_impls/badseeds/card.yaml": CARD,
        "reference_impls/badseeds/results.json": RESULTS,
        "reference_impls/arena.json": ARENA,
    }


def _written(path: str, data: Any) -> bytes:
    if path.endswith(".json"):
        return json.dumps(data, ensure_ascii=False, indent=1).encode(errors="replace")
    text = yaml.dump(
        data, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False, width=4096
    )
    return text.encode(errors="replace")


def _nodes(data: Any) -> list[tuple[Any, Any]]:
    """(mapping or list, key) of every value."""
    found = []
    items = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in items:
        found.append((data, key))
        if isinstance(value, dict | list):
            found += _nodes(value)
    return found


class Catalogs:
    """A folder with the invented catalog, from which each run begins."""

    def __init__(self, root: Path, seed: str) -> None:
        self.root = write_catalog(root)
        self.seed = seed
        self.data = _originals(self.root)
        self.raw = {path: _written(path, data) for path, data in self.data.items()}
        self._values = [
            holder[key] for data in self.data.values() for holder, key in _nodes(data)
        ]
        self._restore(self.raw)
        who = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        for words in (("init", "-q"), ("add", "."), (*who, "commit", "-qm", "base")):
            subprocess.run(["git", "-C", str(root), *words], check=True)

    def _restore(self, paths: Any) -> None:
        for path in paths:
            there = self.root / path
            if there.is_dir() and not there.is_symlink():
                shutil.rmtree(there)
            elif os.path.lexists(there):
                there.unlink()
            there.parent.mkdir(parents=True, exist_ok=True)
            there.write_bytes(self.raw[path])

    @contextlib.contextmanager
    def changed(self, number: int) -> Any:
        """The folder in the state of one run, and its command."""
        chance = random.Random(f"{self.seed}:{number}")
        paths = chance.sample(sorted(self.raw), chance.choice((1, 1, 1, 2, 3)))
        try:
            for path in paths:
                self._change(chance, path)
            yield list(chance.choices(COMMANDS, WEIGHTS)[0])
        finally:
            self._restore(paths)

    def _change(self, chance: random.Random, path: str) -> None:
        there = self.root / path
        kind = chance.random()
        if kind < 0.01:
            there.unlink()
            makers: tuple[Callable[[], object], ...] = (
                there.mkdir,
                lambda: os.mkfifo(there),
                lambda: there.symlink_to("/etc/passwd"),
                lambda: there.symlink_to("/dev/zero"),
                lambda: None,
            )
            chance.choice(makers)()
        elif kind < 0.3:
            data = copy.deepcopy(self.data[path])
            texts = [(h, k) for h, k in _nodes(data) if k in ("en", "zh", "name")]
            for holder, key in chance.choices(texts, k=2 if texts else 0):
                holder[key] += chance.choice(MILD)
            there.write_bytes(_written(path, data))
        elif kind < 0.7:
            data = copy.deepcopy(self.data[path])
            for _ in range(chance.choice((1, 1, 1, 2, 4))):
                self._turn(chance, data)
            there.write_bytes(_written(path, data))
        else:
            there.write_bytes(_cut(chance, self.raw[path]))

    def _turn(self, chance: random.Random, data: Any) -> None:
        """One change of structure."""
        if not (nodes := _nodes(data)):
            return
        holder, key = chance.choice(nodes)
        kind = chance.randrange(6)
        if kind < 2:
            holder[key] = copy.deepcopy(chance.choice(ODD))
        elif kind == 2:
            holder[key] = copy.deepcopy(chance.choice(self._values))
        elif kind == 3:
            del holder[key]
        elif isinstance(holder, list):
            holder[key:key] = [copy.deepcopy(holder[key])] * chance.choice(
                (1, 1, 2, 40)
            )
        elif kind == 4:
            holder[str(chance.choice(ODD))[:400]] = holder.pop(key)
        elif isinstance(holder[key], str):
            at = chance.randrange(len(holder[key]) + 1)
            odd = str(chance.choice(ODD))
            holder[key] = holder[key][:at] + odd + holder[key][at:]


def _cut(chance: random.Random, raw: bytes) -> bytes:
    """A text with some bytes, pieces or lines changed."""
    out = bytearray(raw)
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(len(out) + 1)
        kind = chance.randrange(5)
        if kind == 0:
            out[at:] = b""
        elif kind == 1:
            lines = out.splitlines(keepends=True) or [b""]
            here = chance.randrange(len(lines))
            lines[here:here] = [lines[here]] * chance.choice((1, 1, 3, 200))
            out = bytearray(b"".join(lines))
        elif kind == 2:
            out[at : at + chance.randrange(12)] = b""
        else:
            out[at : at + chance.randrange(3)] = chance.choice(PIECES)
    return bytes(out)


def fuzz(
    catalogs: Catalogs,
    numbers: range,
    seconds: float,
    how: Callable[[list[str], Path], tuple[int | None, str]],
    tell: Callable[[str], object],
) -> tuple[Counter[str], list[str]]:
    """Runs by outcome, and what went wrong in them."""
    counts: Counter[str] = Counter()
    wrong = []
    slowest = 0.0
    end = time.monotonic() + seconds
    allowed = SECONDS + 5 * (how is outside)  # a program has to begin
    for number in numbers:
        if time.monotonic() > end:
            break
        faulthandler.dump_traceback_later(90, exit=True)
        with catalogs.changed(number) as words:
            start = sum(os.times()[:4])  # of this process and of those it started
            code, raised = how(words, catalogs.root)
            now = sum(os.times()[:4])
        counts["runs"] += 1
        counts[f"exit code {code}"] += 1
        took = now - start
        slowest = max(slowest, took)
        if raised or code not in CODES or took > allowed:
            wrong.append(f"run {number} {words}: code {code}, {took:.2f} s\n{raised}")
            tell(wrong[-1])
        if counts["runs"] % 1000 == 0:
            tell(f"{counts['runs']} runs, {len(wrong)} wrong")
    faulthandler.cancel_dump_traceback_later()
    counts["slowest run, in ms"] = round(1000 * slowest)
    return counts, wrong


def main() -> int:
    """Run until one of the limits; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0, help="number of the first run")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", default="20261129")
    parser.add_argument("--log", type=Path, help="file for what went wrong")
    parser.add_argument("--write", action="store_true", help="docs/reliability.md")
    parser.add_argument("--programs", action="store_true", help="one program a run")
    options = parser.parse_args()

    def tell(text: str) -> None:
        if options.log:
            with options.log.open("a", encoding="utf-8") as log:
                log.write(f"{text}\n")

    with tempfile.TemporaryDirectory() as folder:
        catalogs = Catalogs(Path(folder) / "repo", options.seed)
        numbers = range(options.first, options.first + options.runs)
        how = outside if options.programs else inside
        counts, wrong = fuzz(catalogs, numbers, options.seconds, how, tell)
    told = ", ".join(f"{name}: {count}" for name, count in sorted(counts.items()))
    if options.write:
        name = "programs" if options.programs else "runs"
        data = {
            "seed": options.seed,
            "runs": counts["runs"],
            "wrong": len(wrong),
            "slowest": counts["slowest run, in ms"],
        }
        counted.keep(name, data, more=options.first > 0)
    tell(f"seed {options.seed}, {told}; {len(wrong)} wrong")
    sys.stdout.write(f"{told}; {len(wrong)} wrong\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
