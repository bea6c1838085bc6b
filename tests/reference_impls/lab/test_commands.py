"""The command line of a method: examples that work, threads, exit codes."""

import json
import shlex
from importlib import import_module

import pytest
import torch

from reference_impls.lab.errors import ConfigError
from reference_impls.lab.study import console
from reference_impls.lab.study.argparse_options import (
    add_dataset,
    add_device,
    add_json,
    add_language,
    add_preprocessing,
    add_threads,
    preprocessing,
    weights,
)
from reference_impls.lab.study.commands import Command, Program

PROGRAMS = [
    import_module(f"reference_impls.{method}.__main__").PROGRAM for method in ()
]
COMMANDS = [(program, one) for program in PROGRAMS for one in program.commands]


def helped(program, words, capsys):
    with pytest.raises(SystemExit) as stopped:
        program.main([*words, "--help"])
    assert stopped.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda one: one.name.split(".")[-1])
def test_a_programs_help_shows_its_commands_and_exit_codes(program, capsys):
    shown = helped(program, [], capsys)
    assert program.about in shown
    assert f"exit codes: {program.exits}" in shown
    assert all(line in shown for one in program.commands for line in one.examples)


@pytest.mark.parametrize(
    ("program", "command"),
    COMMANDS,
    ids=lambda one: one.name.split(".")[-1],
)
def test_every_command_has_examples_that_it_understands(program, command, capsys):
    shown = helped(program, [command.name], capsys)
    assert f"exit codes: {command.exits}" in shown
    for line in command.examples:
        assert line in shown
        before, _, rest = line.partition(program.name.removeprefix("python "))
        assert before.startswith(("python", "accelerate launch"))
        options = program.parser().parse_args(shlex.split(rest))
        assert options.run is command.run


def options_of_all(parser):
    for add in (
        add_dataset,
        add_preprocessing,
        add_device,
        add_language,
        add_threads,
        add_json,
    ):
        add(parser)


def program_of(run):
    command = Command(
        name="look",
        help="look at the README",
        examples=["python -m it look"],
        options=options_of_all,
        run=run,
    )
    return Program(name="python -m it", about="It looks.", commands=[command])


def test_options_are_read_as_what_they_mean():
    seen = []

    def look(options):
        seen.append(options)
        return 0

    words = (
        "look --size 64 --statistics clip --download --language zh --images folder:x"
    )
    assert program_of(look).main(words.split()) == 0
    (options,) = seen
    assert preprocessing(options).size == 64
    assert preprocessing(options).statistics == "clip"
    assert weights(options).download
    assert (options.language, options.images, options.device) == ("zh", "folder:x", "cpu")  # fmt: skip


@pytest.mark.parametrize(("asked", "got"), [("3", 3), ("0", 1), ("-2", 1)])
def test_a_command_computes_with_the_threads_it_is_given(asked, got):
    before = torch.get_num_threads()
    try:
        program = program_of(lambda options: torch.get_num_threads())
        assert program.main(["look", "--threads", asked]) == got
    finally:
        torch.set_num_threads(before)


def test_an_error_is_one_line_and_its_exit_code(capsys):
    def fail(options):
        raise ConfigError("no such thing; give another")

    assert program_of(fail).main(["look"]) == 2
    assert capsys.readouterr().err == "error: no such thing; give another\n"


def test_a_command_that_is_missing_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as stopped:
        program_of(lambda options: 0).main([])
    assert stopped.value.code == 2
    assert "required: COMMAND" in capsys.readouterr().err


def test_an_answer_is_json_for_a_program_and_lines_for_a_person(capsys):
    console.report({"a": (1, 2)}, ["one", "two"], as_json=True)
    assert json.loads(capsys.readouterr().out) == {"a": [1, 2]}
    console.report({"a": (1, 2)}, iter(["one", "two"]), as_json=False)
    assert capsys.readouterr().out == "one\ntwo\n"
