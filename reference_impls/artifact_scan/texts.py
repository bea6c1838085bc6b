"""Texts beside weights: configurations, templates, YAML and programs, which are parsed and never run."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import yaml

from reference_impls.artifact_scan.formats import LONGEST
from reference_impls.artifact_scan.pickles import Report
from reference_impls.artifact_scan.policy import allowed, known, renamed

LONGEST_PROGRAM = 1 << 20
"""Letters of a program, a template or YAML that are looked at."""
TEMPLATE = re.compile(
    r"""__|\|\s*attr|\\x|\\u00|lipsum|cycler|joiner|\bself\b|\.mro\b|\{%-?\s*(?:import|include|extends|from)\b|["']_|_["']"""
)
"""What a chat template has no need of, and an escape from its sandbox has."""
SINKS = re.compile(
    r"(os\.(system|popen|exec\w*|spawn\w*|posix_spawn\w*|remove|unlink|dup2)|subprocess\.\w+|pty\.spawn|socket\.\w+|shutil\.rmtree|"
    r"(builtins\.)?(exec|eval|compile|__import__|getattr)|importlib\.import_module|ctypes\.\w+|marshal\.loads|pickle\.loads?|"
    r"urllib\.request\.\w+|requests\.\w+)"
)
"""Calls that a model's own code has no need of."""
KERAS = re.compile(
    r"keras\.(src\.)?(layers|initializers|optimizers|losses|metrics|activations|regularizers|constraints|models|dtype_policies)\b|keras$"
)
"""Modules whose classes a Keras model is made of."""
PYTHON_TAG = "tag:yaml.org,2002:python/"
CODE_LAYERS = ("Lambda", "TFOpLambda", "TorchModuleWrapper")
"""Layers of Keras that bring Python's byte code, or a pickle of PyTorch (CVE-2025-49655)."""


def printable(view: memoryview) -> str:
    """A file as text; nothing where it is none, or too long to be looked at."""
    if len(view) > LONGEST:
        return ""
    try:
        text = str(view, "utf-8-sig")
    except UnicodeDecodeError:
        return ""
    return "" if re.search(r"[\x00-\x08\x0e-\x1f]", text) else text


def calls(text: str) -> Iterator[str]:
    """Dotted names of what a Python file calls, by where they are imported from; it is only parsed.

    `getattr(a.b, "c")` counts as `a.b.c`, and one that computes the name only where it looks into a module of Python's own.
    """
    tree = ast.parse(text)
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {one.asname: one.name for one in node.names if one.asname}
        elif isinstance(node, ast.ImportFrom):
            names |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = _resolved(ast.unparse(node.func), names)
            if called in ("getattr", "builtins.getattr") and len(node.args) > 1:
                called = _looked_up(node.args[0], node.args[1], names)
            yield called


def _resolved(dotted: str, names: dict[str, str]) -> str:
    first, dot, rest = dotted.partition(".")
    return f"{names.get(first, first)}{dot}{rest}"


def _looked_up(owner: ast.expr, name: ast.expr, names: dict[str, str]) -> str:
    """What `getattr` gives, by its dotted name; `getattr` itself where that cannot be told of a module of Python's own."""
    dotted = _resolved(ast.unparse(owner), names)
    if isinstance(name, ast.Constant) and isinstance(name.value, str):
        return f"{dotted}.{name.value}"
    package = dotted.partition(".")[0]
    own = package in sys.stdlib_module_names or package in ("builtins", "__builtins__")
    return "getattr" if own else dotted


def settings(read: Any) -> Iterator[tuple[str, Any]]:
    """Every key and value of JSON; items of lists go by the key of their list."""
    waiting = [("", read)]
    while waiting:
        key, here = waiting.pop()
        yield key, here
        if isinstance(here, dict):
            waiting += [(str(name), one) for name, one in here.items()]
        elif isinstance(here, list):
            waiting += [(key, one) for one in here]


# -- The verdict on a text ---------------------------------------------------------------


def judge(text: str, suffix: str, report: Report) -> None:
    """JSON, YAML, Python, a template; any other text is only read by people.

    Raises:
        ValueError: it is not what it is called.
    """
    read = READERS.get(suffix)
    if read and len(text) > LONGEST_PROGRAM:
        report("cannot decide", "unread", f"long {suffix}")
    elif read:
        read(text, report)
    elif text.lstrip()[:1] in ("{", "["):
        try:
            settled = json.loads(text)
        except ValueError:
            if suffix == ".json":
                raise
            return
        for key, value in settings(settled):
            _setting(key, value, report)


def _program(text: str, report: Report) -> None:
    """Python: never cleared."""
    for one in calls(text):
        if SINKS.fullmatch(one):
            report("dangerous", "code_calls", one)
    report("cannot decide", "own_code", "")


def _yaml(text: str, report: Report) -> None:
    """YAML: tags that make objects, and names of what is to be called."""
    for key, value in pairwise(_events(text)):
        if (tag := getattr(value, "tag", None) or "").startswith(PYTHON_TAG):
            report("dangerous", "yaml_tag", tag)
        if getattr(key, "value", "") == "_target_":
            _called(str(getattr(value, "value", "")), report)


def _events(text: str) -> Iterator[yaml.Event]:
    """With its tags as its readers spell them out."""
    try:
        yield from yaml.parse(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise ValueError("no YAML") from error


def template(text: str, report: Report) -> None:
    """A chat template, which a sandbox of Jinja runs."""
    if sign := TEMPLATE.search(text):
        report("dangerous", "template", sign[0])


def _setting(key: str, value: Any, report: Report) -> None:
    """A key of JSON that makes its reader import or run something."""
    if isinstance(value, dict) and "class_name" in value:
        _keras(value, report)
    if key in ("auto_map", "custom_pipelines") or (key, value) == ("trust_remote_code", True):  # fmt: skip
        told = json.dumps(value)
        elsewhere = "--" in told or "://" in told
        report(*(("dangerous", "remote_code", told) if elsewhere else ("cannot decide", "own_code", told)))  # fmt: skip
    if not isinstance(value, str):
        return
    if key in ("chat_template", "template"):
        template(value, report)
    if key == "_target_":
        _called(value, report)


def _called(target: str, report: Report) -> None:
    """A function by its dotted name."""
    module, _, name = target.rpartition(".")
    full = renamed(module, name)
    if not allowed(full, "pickle"):
        report(*(("dangerous", "refused", full) if known(full) else ("cannot decide", "unknown", full)))  # fmt: skip


def _keras(layer: dict[str, Any], report: Report) -> None:
    """A layer of Keras, by name."""
    name, module = layer["class_name"], layer.get("module") or "keras"
    if name in CODE_LAYERS:
        report("dangerous", "lambda", str(layer.get("name", "")))
    elif not KERAS.match(str(module)):
        report("dangerous", "refused", f"{module} {name}")


READERS: dict[str, Callable[[str, Report], None]] = {
    ".py": _program,
    **dict.fromkeys((".jinja", ".j2"), template),
    **dict.fromkeys((".yaml", ".yml"), _yaml),
}
"""What reads a text that is called so."""
