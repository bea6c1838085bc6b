"""The command line of a method: options, presets, threads, exit codes; and a study's own options."""

import json
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

import pytest
import torch
import tyro

from reference_impls.lab.errors import ConfigError
from reference_impls.lab.study import console
from reference_impls.lab.study.options import DataOptions, Fraction, StudyOptions
from reference_impls.lab.study.program import Program


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of a search."""

    steps: int = 10
    """How long it takes."""
    radius: Fraction = 0.5
    """How far it goes."""


@dataclass(frozen=True, kw_only=True)
class Look(DataOptions):
    """Look at the README."""

    presets: ClassVar = {"short": Settings(steps=1), "long": Settings(steps=99)}
    preset: Literal["short", "long"] = "long"
    """Which settings the others change."""
    config: Annotated[Settings, tyro.conf.arg(name="")] = field(
        default_factory=lambda: Look.presets["long"]
    )

    def __call__(self):
        if self.dataset == "nowhere":
            raise ConfigError("no such thing; give another")
        return torch.get_num_threads()


PROGRAM = Program(module="it", about="It looks.", verbs={"look": Look})


def test_options_are_read_as_what_they_mean():
    words = (
        "look --size 64 --statistics clip --download --language zh --dataset folder:x"
    )
    options = PROGRAM.parse(words.split())
    assert (options.preprocessing.size, options.preprocessing.statistics) == (64, "clip")  # fmt: skip
    assert options.weights.download
    assert (options.language, options.dataset, options.device) == ("zh", "folder:x", "cpu")  # fmt: skip


@pytest.mark.parametrize(
    ("words", "steps", "radius"),
    [
        ("", 99, 0.5),
        ("--preset short", 1, 0.5),
        ("--preset=short --radius 1/4", 1, 0.25),
        ("--steps 7 --preset short", 7, 0.5),
        ("--preset short --preset long", 99, 0.5),
    ],
)
def test_a_preset_is_where_the_other_options_begin(words, steps, radius):
    asked = PROGRAM.parse(["look", *words.split()])
    assert asked.config == Settings(steps=steps, radius=radius)


@pytest.mark.parametrize("words", ["--preset none", "--radius x", "--radius 1/0"])
def test_an_option_without_a_meaning_is_wrong_usage(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        PROGRAM.parse(["look", *words.split()])
    assert stopped.value.code == 2
    assert words.split()[1] in capsys.readouterr().err


@pytest.mark.parametrize(("asked", "got"), [("3", 3), ("0", 1), ("-2", 1)])
def test_a_command_computes_with_the_threads_it_is_given(asked, got):
    before = torch.get_num_threads()
    try:
        assert PROGRAM.main(["look", "--threads", asked]) == got
    finally:
        torch.set_num_threads(before)


def test_an_error_is_one_line_and_its_exit_code(capsys):
    assert PROGRAM.main(["look", "--dataset", "nowhere"]) == 2
    assert capsys.readouterr().err == "error: no such thing; give another\n"


@dataclass(frozen=True, kw_only=True)
class OtherStudy(StudyOptions):
    """Of a study that can measure something else."""

    development: bool = False
    """Something else."""


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        ({"jobs": 4, "json": True, "threads": 2}, ""),
        ({"publish": True}, ""),
        ({"quick": True, "seeds": (1, 2)}, "--quick --seeds 1 2"),
        ({"finished": True, "development": True}, "--finished --development"),
    ],
)
def test_options_that_ask_for_another_study_are_told_apart(options, chosen):
    assert " ".join(OtherStudy(**options).chosen) == chosen


def test_an_answer_is_json_for_a_program_and_lines_for_a_person(capsys):
    console.report({"a": (1, 2)}, ["one", "two"], as_json=True)
    assert json.loads(capsys.readouterr().out) == {"a": [1, 2]}
    console.report({"a": (1, 2)}, iter(["one", "two"]), as_json=False)
    assert capsys.readouterr().out == "one\ntwo\n"
