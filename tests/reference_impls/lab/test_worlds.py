import pytest
import torch
from PIL import Image

from reference_impls.lab.data import pictures
from reference_impls.lab.data.dataset import folder
from reference_impls.lab.errors import DatasetError


def test_a_folder_is_read_in_the_order_of_its_paths(tmp_path):
    (tmp_path / "b").mkdir()
    Image.new("RGB", (40, 20), (255, 0, 0)).save(tmp_path / "b" / "red.png")
    Image.new("L", (9, 30), 0).save(tmp_path / "a.jpg")
    (tmp_path / "notes.txt").write_text("no image")
    dataset = folder(tmp_path, size=8)
    assert dataset.images_N3HW.shape == (2, 3, 8, 8)
    assert dataset.images_N3HW[0].max() < 0.05
    torch.testing.assert_close(
        dataset.images_N3HW[1, :, 4, 4], torch.tensor([1.0, 0, 0])
    )


def test_the_middle_square_is_kept(tmp_path):
    picture = Image.new("RGB", (30, 10), (0, 0, 255))
    picture.paste((0, 255, 0), (10, 0, 20, 10))
    picture.save(tmp_path / "stripes.png")
    image = folder(tmp_path, size=10).images_N3HW[0]
    torch.testing.assert_close(image.mean(dim=(1, 2)), torch.tensor([0.0, 1, 0]))


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="no image in"):
        folder(tmp_path, size=8)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="no folder"):
        folder(tmp_path / "none", size=8)


def test_a_file_that_is_no_image_is_named(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG but not really")
    with pytest.raises(DatasetError, match=r"broken\.png is no image"):
        folder(tmp_path, size=8)


def test_huge_pictures_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "MAX_PIXELS", 99)
    Image.new("RGB", (10, 10)).save(tmp_path / "big.png")
    with pytest.raises(DatasetError, match="10x10 pixels are too many"):
        folder(tmp_path, size=8)
