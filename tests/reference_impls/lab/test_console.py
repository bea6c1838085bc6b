"""What a command line shows, and what it exits with."""

import pytest
import torch

from reference_impls.lab.errors import (
    ConfigError,
    DatasetError,
    DeviceError,
    EncoderError,
    LabError,
)
from reference_impls.lab.study import console


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError, 2),
        (EncoderError, 2),
        (DatasetError, 2),
        (DeviceError, 3),
        (LabError, 2),
    ],
)
def test_every_error_is_one_line_and_has_its_exit_code(error, code, capsys):
    def fail():
        raise error("what is wrong, got 7; do this")

    assert console.exit_code(fail) == code
    assert capsys.readouterr().err == "error: what is wrong, got 7; do this\n"


def test_a_full_disk_is_the_environment(capsys):
    def fail():
        raise OSError(28, "No space left on device", "out/report.json")

    assert console.exit_code(fail) == 3
    assert "No space left on device" in capsys.readouterr().err


def test_a_bug_is_not_hidden_and_ends_as_no_answer(capsys):
    """Python's own exit code would be 1, which some commands answer with."""
    assert console.exit_code(lambda: 1 // 0) == console.UNEXPECTED == 3
    told = capsys.readouterr().err
    assert "Traceback" in told
    last = told.strip().splitlines()[-1]
    assert last.startswith("error: unexpected ZeroDivisionError: ")


def test_a_commands_own_code_comes_through():
    assert console.exit_code(lambda: 1) == 1


def test_a_log_gets_plain_lines_now_and_then(monkeypatch, capsys):
    clock = iter([0.0, 1.0, 11.0, 11.0, 12.0])
    monkeypatch.setattr(console.time, "monotonic", lambda: next(clock))
    with console.progress("training") as step:
        for done in (1, 2, 3):
            step(done, 3, "loss 0.5")
    assert capsys.readouterr().err == "training: 2/3 loss 0.5\n"


@pytest.mark.parametrize("name", ["warp", "cuda:99", "meta:x"])
def test_a_device_that_is_not_there_is_named(name):
    with pytest.raises(DeviceError, match=f"no device '{name}' here"):
        console.device(name)


def test_the_cpu_is_there():
    assert console.device("cpu") == torch.device("cpu")
