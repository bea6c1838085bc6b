"""Names of files."""

import pytest

from reference_impls.lab.files import file_name


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
