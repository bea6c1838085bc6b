import pytest
import torch

from reference_impls.lab.data.shapes import CLASSES, COLOURS, shapes
from reference_impls.lab.errors import DatasetError


def test_the_same_seed_draws_the_same_pictures():
    one, same, other = (shapes(40, seed=s) for s in (1, 1, 2))
    assert torch.equal(one.images_N3HW, same.images_N3HW)
    assert one.captions == same.captions
    assert not torch.equal(one.images_N3HW, other.images_N3HW)


def test_pictures_are_images_of_the_size_asked_for():
    dataset = shapes(30, seed=0, size=48)
    assert dataset.images_N3HW.shape == (30, 3, 48, 48)
    assert dataset.images_N3HW.dtype == torch.float32
    assert dataset.images_N3HW.min() >= 0
    assert dataset.images_N3HW.max() <= 1


def test_captions_say_what_the_labels_say():
    dataset = shapes(50, seed=3)
    for i, caption in enumerate(dataset.captions):
        words = caption.split()
        expected = [
            CLASSES[task][dataset.labels[task][i]]
            for task in ("size", "foreground", "shape", "texture", "background")
        ]
        assert [words[1], words[2], words[3], words[6], words[7]] == expected


def test_object_and_background_never_have_one_colour():
    dataset = shapes(500, seed=4)
    assert (dataset.labels["foreground"] != dataset.labels["background"]).all()


def test_every_class_of_every_task_occurs():
    dataset = shapes(500, seed=5)
    for task, names in dataset.classes.items():
        assert dataset.labels[task].unique().tolist() == list(range(len(names)))


def test_large_objects_show_more_of_their_colour():
    dataset = shapes(1500, seed=6)
    palette = torch.tensor(list(COLOURS.values()))
    own = palette[dataset.labels["foreground"]].view(-1, 3, 1, 1)
    ground = palette[dataset.labels["background"]].view(-1, 3, 1, 1)
    nearer = (dataset.images_N3HW - own).abs().sum(1) < (
        dataset.images_N3HW - ground
    ).abs().sum(1)
    plain = dataset.labels["texture"] == CLASSES["texture"].index("plain")
    area = nearer.float().mean(dim=(1, 2))
    small, large = (
        area[plain & (dataset.labels["size"] == size)].mean() for size in (0, 1)
    )
    assert large > 1.5 * small


def test_taking_images_takes_their_labels_and_captions():
    dataset = shapes(10, seed=7)
    part = dataset.take([7, 2])
    assert torch.equal(part.images_N3HW[0], dataset.images_N3HW[7])
    assert part.labels["shape"].tolist() == dataset.labels["shape"][[7, 2]].tolist()
    assert part.captions == (dataset.captions[7], dataset.captions[2])
    assert len(dataset.first(4)) == 4


@pytest.mark.parametrize(("count", "size"), [(0, 32), (5, 4)])
def test_impossible_datasets_are_refused(count, size):
    with pytest.raises(DatasetError, match=f"got {count} of {size}"):
        shapes(count, seed=0, size=size)
