"""Public datasets: tiny archives in the published binary formats, written here."""

import hashlib
import pickle

import numpy
import pytest
import torch
from PIL import Image

from reference_impls.lab.data.dataset import spread
from reference_impls.lab.data.named import DatasetSpec, open_dataset
from reference_impls.lab.errors import ConfigError, DatasetError, DeviceError
from reference_impls.lab.torchvision import import_torchvision

COUNT = 6


@pytest.fixture
def datasets():
    return import_torchvision().datasets


@pytest.fixture
def pixels():
    return numpy.random.default_rng(0).integers(
        0, 256, (COUNT, 3, 32, 32), dtype=numpy.uint8
    )


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture
def cifar10(tmp_path, datasets, pixels, monkeypatch):
    """Six images in two batches: rows of 3072 bytes, channel after channel."""
    base = tmp_path / datasets.CIFAR10.base_folder
    base.mkdir()
    listed = []
    for name, rows in (("one", slice(0, 4)), ("two", slice(4, 6))):
        flat = pixels[rows].reshape(-1, 3072)
        (base / name).write_bytes(
            pickle.dumps({"data": flat, "labels": [3] * len(flat)}, protocol=2)
        )
        listed.append([name, md5(base / name)])
    (base / "meta").write_bytes(
        pickle.dumps({"label_names": [f"c{i}" for i in range(10)]}, protocol=2)
    )
    monkeypatch.setattr(datasets.CIFAR10, "train_list", listed[:1])
    monkeypatch.setattr(datasets.CIFAR10, "test_list", listed)
    meta = {"filename": "meta", "key": "label_names", "md5": md5(base / "meta")}
    monkeypatch.setattr(datasets.CIFAR10, "meta", meta)
    return tmp_path


def drawn(pixels, count=COUNT):
    """The pixels as they come: some at equal distances, in the order of the seed 0."""
    return torch.from_numpy(pixels)[spread(len(pixels), count, seed=0)].float()


ORDER = spread(COUNT, COUNT, seed=0).tolist()


def test_the_order_is_random_and_every_image_comes_once():
    assert sorted(ORDER) == list(range(COUNT))
    assert list(range(COUNT)) != ORDER
    assert sorted(spread(9, 3, seed=1).tolist()) == [0, 3, 6]
    orders = {tuple(spread(9, 9, seed=seed).tolist()) for seed in range(4)}
    assert len(orders) == 4


def test_cifar10_is_read_from_its_batches(cifar10, pixels):
    dataset = open_dataset(f"cifar10:{cifar10}")
    torch.testing.assert_close(dataset.images_N3HW * 255, drawn(pixels))
    assert dataset.labels["class"].tolist() == [3] * COUNT
    assert dataset.classes["class"][3] == "c3"


def test_a_part_is_spread_over_the_data_set_and_the_split_is_chosen(cifar10, pixels):
    some = open_dataset(f"cifar10:{cifar10}", DatasetSpec(count=3))
    torch.testing.assert_close(some.images_N3HW * 255, drawn(pixels, 3))
    assert len(open_dataset(f"cifar10:{cifar10}", DatasetSpec(split="train"))) == 4


def test_images_are_resized_to_the_encoders_size(cifar10):
    images = open_dataset(f"cifar10:{cifar10}", DatasetSpec(size=48)).images_N3HW
    assert images.shape == (COUNT, 3, 48, 48)
    assert images.min() >= 0
    assert images.max() <= 1


def test_stl10_is_read_column_by_column(tmp_path, datasets, monkeypatch):
    images = numpy.random.default_rng(1).integers(
        0, 256, (COUNT, 3, 96, 96), dtype=numpy.uint8
    )
    base = tmp_path / datasets.STL10.base_folder
    base.mkdir()
    images.transpose(0, 1, 3, 2).tofile(
        base / "test_X.bin"
    )  # the files store columns first
    numpy.arange(1, COUNT + 1, dtype=numpy.uint8).tofile(
        base / "test_y.bin"
    )  # classes count from 1
    (base / "class_names.txt").write_text("\n".join(f"c{i}" for i in range(10)))
    monkeypatch.setattr(datasets.STL10, "train_list", [])
    listed = [[name, md5(base / name)] for name in ("test_X.bin", "test_y.bin")]
    monkeypatch.setattr(datasets.STL10, "test_list", listed)
    dataset = open_dataset(f"stl10:{tmp_path}", DatasetSpec(size=96))
    torch.testing.assert_close(dataset.images_N3HW * 255, drawn(images))
    assert dataset.labels["class"].tolist() == ORDER


def test_svhn_is_read_from_its_matrix_with_ten_as_zero(
    tmp_path, datasets, pixels, monkeypatch
):
    scipy = pytest.importorskip("scipy.io", reason="SVHN's .mat files need scipy")
    labels = numpy.array([[1], [2], [10], [4], [5], [6]], dtype=numpy.uint8)
    scipy.savemat(
        tmp_path / "test_32x32.mat", {"X": pixels.transpose(2, 3, 1, 0), "y": labels}
    )
    listed = {"test": ["", "test_32x32.mat", md5(tmp_path / "test_32x32.mat")]}
    monkeypatch.setattr(datasets.SVHN, "split_list", listed)
    dataset = open_dataset(f"svhn:{tmp_path}")
    torch.testing.assert_close(dataset.images_N3HW * 255, drawn(pixels))
    labels = [1, 2, 0, 4, 5, 6]
    assert dataset.labels["class"].tolist() == [labels[i] for i in ORDER]


def test_gtsrb_is_read_from_its_folders_and_tables(tmp_path, pixels):
    base = tmp_path / "gtsrb"
    images = base / "GTSRB" / "Final_Test" / "Images"
    images.mkdir(parents=True)
    rows = ["Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId"]
    for i, image in enumerate(pixels):
        Image.fromarray(image.transpose(1, 2, 0)).save(images / f"{i:05}.ppm")
        rows.append(f"{i:05}.ppm;32;32;1;1;30;30;{i}")
    (base / "GT-final_test.csv").write_text("\n".join(rows) + "\n")
    dataset = open_dataset(f"gtsrb:{tmp_path}")
    torch.testing.assert_close(dataset.images_N3HW * 255, drawn(pixels))
    assert dataset.labels["class"].tolist() == ORDER


def test_shapes_and_folders_are_datasets_too(tmp_path, pixels):
    Image.fromarray(pixels[0].transpose(1, 2, 0)).save(tmp_path / "one.png")
    assert len(open_dataset(f"folder:{tmp_path}")) == 1
    assert len(open_dataset("shapes", DatasetSpec(count=5, seed=1))) == 5


@pytest.mark.parametrize("kind", ["cifar10", "stl10", "svhn", "gtsrb"])
def test_nothing_is_downloaded_unasked(tmp_path, kind):
    with pytest.raises(
        (DatasetError, DeviceError), match=r"--download|pip install scipy"
    ):
        open_dataset(f"{kind}:{tmp_path}")


def test_a_damaged_batch_is_not_unpickled(cifar10, datasets):
    (cifar10 / datasets.CIFAR10.base_folder / "one").write_bytes(
        b"cos\nsystem\n(S'false'\ntR."
    )
    with pytest.raises(DatasetError, match="damaged"):
        open_dataset(f"cifar10:{cifar10}")


@pytest.mark.parametrize("name", ["mnist", "cifar10", "cifar10:", "folder:"])
def test_unknown_datasets_are_answered_with_the_known_ones(name):
    with pytest.raises(DatasetError, match="choose one of shapes, folder:PATH"):
        open_dataset(name)


def test_a_dataset_without_images_is_refused():
    with pytest.raises(ConfigError, match="a dataset needs images, got 0"):
        DatasetSpec(count=0)
