"""No text of others takes quadratic time: every regular expression of the program, and every reader, on its worst input.

The worst inputs are made from the expressions: for each repetition in one, what may stand before it and the piece that it
repeats, the piece alone, and both again and again, with and without an end that fits nowhere.
"""

from __future__ import annotations

import ast
import gc
import importlib
import re
import signal
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest
from fuzz.targets import TARGETS

from surveykit import identifier
from surveykit.imports import run as imports_run
from surveykit.imports import tables as imports_tables

SRC = Path(__file__).parents[1] / "src"
METHODS = ("search", "match", "fullmatch", "sub", "split", "findall", "finditer")
FEW = ("match", "fullmatch")
SIZE = 16 * 1024
LARGE = 1024 * 1024
SECONDS = 0.25
"""Quadratic is 100,000,000 steps and more for a text of `SIZE`, half a second; linear is under 0.005."""
STEEPEST = 4
"""How much more a character of a text of `LARGE` may cost than one of a sixteenth of that."""
COUNTED = 0.2
"""Processor time below which a text of `LARGE` is soon done, however busy the machine."""
PATIENCE = 4.0
"""Processor time after which nothing more is waited for."""
MANY = 50
"""A repetition that may come so often is one that counts."""

# Module and a part of the expression -> characters that it gets to see at most, and who sees to that.
BOUNDED = {
    ("addresses", r"!?\[[^\]]*\]"): 4_000,  # issue.MOST_OF_ONE
    ("identifier", r"(?i)(?:\.pdf)+$"): 2_000,  # identifier.MOST_CHARACTERS
    ("identifier", r"(?:[0-9]-)?((?:[a-z0-9]+[.-])*?"): 253,  # hosts.LONGEST_HOST
    ("identifier", r"(?i)(?:/(?:abstract|cite"): 2_000,
    ("imports.entry", r"(\w+)\s*[:：]\s*$"): 40,  # where it is called
    ("imports.titles", r"\s*[\[(【]([^\[\]"): 200,
    ("imports.segments", r"(?:(?:IEEE|ACM|"): 220,  # is_venue
    ("imports.segments", r"(?i)(?<![\s,])[\s,]*(?:\bet"): 60,  # where it is called
    ("links.judge", r"((http|error"): 400,  # a title: page.TITLE_LENGTH
    ("links.judge", r"\s+[|·•–—-]\s+"): 400,
    ("links.repair", r"utm_\w+"): 100,  # where it is called
    ("text.names", r"[ ,\u2500\u2501]+("): 300,  # names._LONGEST
    ("text.names", r"^(?:Dr|Prof"): 300,
    ("render.casing", r".*(?:[.?!…]"): 99,  # where it is called
    ("sources.page", r"(?i)<\?xml[^>]{0,200}?"): 4_096,  # where it is called
    ("venue_names", r"\s*([^,;:/|"): 600,  # venue_names.LONGEST
}
OWN = ("render.pages.policy",)
"""What reads the program's own pages alone."""


class Expressions(ast.NodeVisitor):
    """The expressions of one module and how they are used."""

    def __init__(self, name: str, tree: ast.Module) -> None:
        self.module = importlib.import_module(name)
        self.found: dict[re.Pattern[Any], set[str]] = defaultdict(set)
        self.unknown: list[str] = []
        self._called: dict[str, set[str]] = defaultdict(set)
        self._local: dict[str, ast.expr] = {}
        self.visit(tree)
        for value in list(vars(self.module).values()):
            self._table(value)
        for known, methods in self._called.items():
            value = getattr(self.module, known, None)
            if isinstance(value, re.Pattern):
                self.found[value] |= methods

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Names that a function gives to one text are known inside of it."""
        given = [a for a in ast.walk(node) if isinstance(a, ast.Assign)]
        outside = self._local
        self._local = outside | {
            a.targets[0].id: a.value
            for a in given
            if isinstance(a.targets[0], ast.Name) and isinstance(a.value, ast.Constant)
        }
        self.generic_visit(node)
        self._local = outside

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]  # noqa: N815

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        called = node.func
        if not isinstance(called, ast.Attribute) or called.attr not in METHODS:
            return
        if not isinstance(called.value, ast.Name):
            return
        if called.value.id != "re":
            self._called[called.value.id].add(called.attr)
            return
        rest = node.args[2 if called.attr not in ("sub", "split") else 4 :]
        try:
            said = node.args[0]
            if isinstance(said, ast.Name):
                said = self._local.get(said.id, said)
            form = self._value(said)
            flags = [k.value for k in node.keywords if k.arg == "flags"] + rest
            made = re.compile(form, sum(self._value(flag) for flag in flags))
        except NameError:  # put together from what is known at run time alone
            self.unknown.append(f"{self.module.__name__}: {ast.unparse(node.args[0])}")
        else:
            self.found[made].add(called.attr)

    def _value(self, node: ast.expr) -> Any:
        code = compile(ast.Expression(node), "expression", "eval")
        return eval(code, vars(self.module))  # noqa: S307  # the program's own

    def _table(self, value: object) -> None:
        """Expressions inside of tuples and mappings, where one does not see the method."""
        parts = value.values() if isinstance(value, dict) else value
        for part in (
            parts if isinstance(parts, tuple | list | type({}.values())) else ()
        ):
            if isinstance(part, re.Pattern):
                self.found[part] |= {"search", "fullmatch"}
            self._table(part)


@cache
def modules() -> dict[str, Expressions]:
    found = {}
    for path in sorted((SRC / "surveykit").rglob("*.py")):
        name = ".".join(path.relative_to(SRC).with_suffix("").parts)
        name = name.removesuffix(".__init__")
        if not name.endswith("__main__"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found[name.removeprefix("surveykit.")] = Expressions(name, tree)
    return found


def signs(op: Any, of: Any) -> list[str]:
    """Some characters that one place of an expression takes."""
    if op is ops.LITERAL:
        return [chr(of)]
    if op in (ops.ANY, ops.NOT_LITERAL):
        return [c for c in "a ." if op is ops.ANY or ord(c) != of]
    if op is ops.IN:
        inside = re.compile(_class(of))
        tried = [c for o, a in of for c in _members(o, a)] + list(
            'a1 \n.,-(){}[]<>"\\#/'
        )
        return list(dict.fromkeys(c for c in tried if inside.fullmatch(c)))[:6]
    return []


def _members(op: Any, of: Any) -> list[str]:
    if op is ops.RANGE:
        return [chr(of[0])]
    return [chr(of)] if op is ops.LITERAL else []


def _class(parts: Any) -> str:
    """A class of characters, written anew."""
    said = ""
    for op, of in parts:
        if op is ops.NEGATE:
            said = "^"
        elif op is ops.CATEGORY:
            name = str(of).removeprefix("CATEGORY_")
            letter = {"DIGIT": "d", "SPACE": "s", "WORD": "w"}[
                name.removeprefix("NOT_")
            ]
            said += f"\\{letter.upper() if name.startswith('NOT_') else letter}"
        else:
            low, high = of if op is ops.RANGE else (of, of)
            said += f"{re.escape(chr(low))}-{re.escape(chr(high))}"
    return f"[{said}]"


REPEATS = (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT)


def example(sequence: Any, pick: int = 0) -> str:
    """A text that fits, more or less."""
    text = ""
    for op, of in sequence:
        if op in REPEATS:
            text += example(of[2], pick) * max(of[0], min(of[1], 1))
        elif op is ops.SUBPATTERN:
            text += example(of[3], pick)
        elif op is ops.ATOMIC_GROUP:
            text += example(of, pick)
        elif op is ops.BRANCH:
            text += example(of[1][pick % len(of[1])], pick)
        elif found := signs(op, of):
            text += found[pick % len(found)]
    return text


def repetitions(sequence: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """What stands before each repetition, and pieces that it repeats."""
    for index, (op, of) in enumerate(sequence):
        here = before + example(sequence[:index])
        if op in REPEATS:
            if of[1] >= MANY:
                yield from ((here, example(of[2], pick)) for pick in range(6))
            yield from repetitions(of[2], here)
        elif op is ops.SUBPATTERN:
            yield from repetitions(of[3], here)
        elif op is ops.ATOMIC_GROUP:
            yield from repetitions(of, here)
        elif op is ops.BRANCH:
            for branch in of[1]:
                yield from repetitions(branch, here)
        elif op in (ops.ASSERT, ops.ASSERT_NOT):
            yield from repetitions(of[1], here)


def worst(form: re.Pattern[Any]) -> Iterator[Callable[[int], Any]]:
    """Texts that cost most, each as what makes it in a size."""
    pieces = set()
    for before, piece in set(repetitions(list(parser.parse(form.pattern, form.flags)))):
        pieces |= {("", piece), (before, piece), ("", before + piece), ("", before)}
        pieces.add(("", before + piece * 8))
    for before, piece in sorted(pieces):
        for end in ("", "\0"):
            yield partial(_text, isinstance(form.pattern, str), before, piece, end)


def _text(plain: bool, before: str, piece: str, end: str, size: int) -> Any:
    text = before + piece * (size // max(len(piece), 1)) + end
    return text if plain else text.encode("latin-1", "replace")


def seconds(work: Callable[[], object], most: float = SECONDS) -> float:
    """Processor time of some work, at most `most`."""

    def stop(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, most)
    gc.disable()  # it looks at thousands of matches again and again
    start = time.process_time()
    try:
        work()
    except TimeoutError:
        return most
    finally:
        gc.enable()
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return time.process_time() - start


def used(form: re.Pattern[Any], method: str, text: Any) -> None:
    call = getattr(form, method)
    found = call(text[:0], text) if method == "sub" else call(text)
    if method == "finditer":
        deque(found, maxlen=0)


def limit(name: str, form: re.Pattern[Any]) -> int:
    pattern = form.pattern if isinstance(form.pattern, str) else form.pattern.decode()
    bounds = (n for (m, p), n in BOUNDED.items() if m == name and pattern.startswith(p))
    return next(bounds, SIZE)


def slow(form: re.Pattern[Any], methods: set[str], bound: int) -> Iterator[str]:
    """Inputs for which an expression takes more than linear time.

    All worst texts are tried in small; the one that takes longest in a megabyte, too, where a character must not cost much
    more than in a sixteenth of it.
    """
    for method in methods:
        took: list[tuple[float, Callable[[int], Any]]] = []
        for make in worst(form):
            took.append((cost(form, method, make(bound), 4 * SECONDS), make))
            if took[-1][0] >= 4 * SECONDS:
                break
        took.sort(key=lambda one: one[0])
        if took and took[-1][0] >= 4 * SECONDS:
            yield shown(form, took[-1][1](bound), took[-1][0])
        elif bound == SIZE:
            for _, make in took[-1:]:
                large, middle = make(LARGE), make(LARGE // 16)
                part = cost(form, method, middle, 4 * SECONDS)
                if part >= 4 * SECONDS:
                    yield shown(form, middle, part)
                    continue
                whole = cost(form, method, large)
                if whole < COUNTED:
                    continue
                part = min(part, cost(form, method, middle))
                whole = min(whole, cost(form, method, large))
                if whole > STEEPEST * 16 * part or whole >= 16 * SECONDS:
                    yield shown(form, large, whole)


def cost(
    form: re.Pattern[Any], method: str, text: Any, most: float = 16 * SECONDS
) -> float:
    return seconds(lambda: used(form, method, text), most)


def shown(form: re.Pattern[Any], text: Any, took: float) -> str:
    return f"{form.pattern!r}: {took:.2f} s for {len(text):,} times {text[:60]!r}…"


@pytest.mark.parametrize("name", [n for n in modules() if n not in OWN])
def test_every_regular_expression_takes_linear_time(name):
    found = modules()[name].found
    told = [s for f, ms in found.items() for s in slow(f, ms, limit(name, f))]
    assert not told, "\n".join(told)


# What stands in the source of an expression that is put together -> those that it may become. Words that are escaped are of
# the catalog or of who searches; the worst of them repeat themselves and fail at their end.
WORDS = ("a" * 60, "a" * 60 + "b", "a a", "a-a")
MADE_AT_RUN = {
    "identifier: pattern": [p for _, p, _ in identifier._PAGE_OF_PDF],
    "imports.review: f'(?i)(?<!\\\\w){re.escape(called)}(?!\\\\w)'": [rf"(?i)(?<!\w){re.escape(w)}(?!\w)" for w in WORDS],
    "imports.run: sign": list(imports_run._SIGNS.values()),
    "imports.tables: f'(?i){sign}'": [f"(?i){s}" for s in imports_tables._COLUMNS.values()],
    "lookup: f'(?<!\\\\w){re.escape(word)}'": [rf"(?<!\w){re.escape(w)}" for w in WORDS],
    "lookup: f'(?<!\\\\w){re.escape(word)}(?!\\\\w)'": [rf"(?<!\w){re.escape(w)}(?!\w)" for w in WORDS],
    "start.adopted: f\"[,(]?\\\\s?(?:{year}|['’]{year % 100:02})\\\\)?\"": [r"[,(]?\s?(?:2021|['’]21)\)?"],
    "text.names: f'[{{}}]|{sign}'": [f"(?i)[{{}}]|{s}" for s in (" and ", ",")],
}  # fmt: skip
AT_MOST = {"identifier: pattern": identifier.MOST_CHARACTERS}


def test_expressions_that_only_a_run_knows_are_all_made_here():
    unknown = {one for known in modules().values() for one in known.unknown}
    assert {one.removeprefix("surveykit.") for one in unknown} == set(MADE_AT_RUN)


@pytest.mark.parametrize("name", MADE_AT_RUN)
def test_an_expression_that_only_a_run_knows_takes_linear_time(name):
    methods = {"search", "fullmatch", "finditer"}
    forms = map(re.compile, MADE_AT_RUN[name])
    told = [s for f in forms for s in slow(f, methods, AT_MOST.get(name, SIZE))]
    assert not told, "\n".join(told)


def test_bounds_are_those_of_expressions_that_are_there():
    for name, start in BOUNDED:
        forms = [f.pattern for f in modules()[name].found]
        texts = [f if isinstance(f, str) else f.decode() for f in forms]
        assert any(text.startswith(start) for text in texts), (name, start)


@pytest.mark.parametrize(
    "bad", [r"\s+$", r"<!--.*?-->", r"(\w+\s?)*!", r"a*b?a*c", r"\s*,", r"[a-z]+@"]
)
def test_expressions_that_are_not_linear_are_found(bad):
    assert list(slow(re.compile(bad), {"search"}, SIZE))


PIECES = (
    *(" ", "\n", "a", "a ", "1", ",", ", ", ". ", "(", "[", "]", "{", "}", "<", "<a>", "</a>", "<!--", "&", "&amp;"),
    *("\\", "\\a{", "$", "$a$ ", "{\\", "%", "#", "@", "@a{", "@a{b,", "@a{b, c = {d},}\n", '"', "'", "`", "*", "**a", "_"),
    *("|", "| a ", "|-", "- ", "- a\n", "  - a\n", "1. ", "> ", "# a\n", "### a\n", "[a](", "[a](b)", "![a](", "](", "http://a.b/"),
    *("TY  - JOUR\n", "AU  - a\n", "ER  - \n", "[{", '{"a":', "and ", " and ", "A B and ", "et al. ", "A, B; ", "é", "e\u0301", "\0", "\u200b"),
    *("10.1/", "doi:", "arXiv:2101.00001 ", "~~~\n", "```\n", "<td>", "<tr><td>", "<div>", "<meta ", "<title>", "<script>"),
)  # fmt: skip


@pytest.mark.parametrize("name", TARGETS)
def test_every_reader_takes_linear_time(name):
    """Four times the text takes no eight times as long."""
    TARGETS[name](b"x")  # what is read once is read now
    slow = []
    for piece in PIECES:
        texts = [(piece * size).encode()[:size] for size in (2_000, 8_000)]
        few, many = (
            seconds(lambda t=text: TARGETS[name](t), PATIENCE) for text in texts
        )
        if many >= 4 * SECONDS and many >= 8 * few:
            slow.append(f"{piece!r}: {few:.3f} s, then {many:.3f} s")
    assert not slow, "\n".join(slow)
