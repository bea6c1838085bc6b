"""Every command of a method that a page, card, README or result shows is one that its program understands."""

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACES = [
    ROOT / name
    for name in ("README.md", "README.zh-CN.md", "CONTRIBUTING.md", "CHANGELOG.md")
]
PLACES += [
    path
    for folder in ("docs", "reference_impls", "src/surveykit")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".md", ".yaml", ".json", ".jinja", ".html", ".py"}
]
COMMAND = re.compile(
    r"-m reference_impls\.([a-z_]+)((?: [^\s`\"'#|&;()<（，。、；]+)*)"
)


def shown():
    found = {}
    for path in PLACES:
        if "results" in path.name and path.name.count(".") > 1:
            continue
        for module, words in COMMAND.findall(path.read_text("utf-8")):
            found.setdefault((module, words.strip()), path.relative_to(ROOT))
    return [
        pytest.param(module, words, id=f"{module} {words}")
        for (module, words) in sorted(found)
    ]


SHOWN = shown()


def test_there_are_commands_to_look_at():
    assert len({param.values[0] for param in SHOWN}) >= 8


@pytest.mark.parametrize(("module", "words"), SHOWN)
def test_a_shown_command_is_understood(module, words):
    program = import_module(f"reference_impls.{module}.__main__").PROGRAM
    arguments = shlex.split(words)
    if "{file}" in words or not arguments:
        arguments = [one for one in arguments if one != "{file}"] or ["--help"]
    if arguments[-1].startswith(("…", "--help")) or arguments == ["--help"]:
        assert set(arguments[:-1]) <= set(program.all_verbs)
    else:
        assert program.parse(arguments)
