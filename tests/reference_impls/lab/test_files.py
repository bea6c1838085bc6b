"""Names of files."""

import os

import pytest

from reference_impls.lab.files import file_name, replacing


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("simclr-0+white_4.pth", "simclr-0+white_4.pth"),
        ("torchvision:resnet18 v2", "torchvision-resnet18-v2"),
        ("../up/../x", "-up-..-x"),
        ("..", "none"),
        ("", "none"),
    ],
)
def test_a_name_is_one_of_a_file_in_this_folder(name, file):
    assert file_name(name, empty="none") == file


def test_a_device_or_pipe_is_never_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with (
        pytest.raises(OSError, match="is no file that can be replaced"),
        replacing(pipe) as new,
    ):
        new.write_text("x")
    assert pipe.is_fifo()
    assert [one.name for one in tmp_path.iterdir()] == ["pipe"]
