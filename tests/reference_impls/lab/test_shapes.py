import pytest
import torch

from reference_impls.lab.errors import WorldError
from reference_impls.lab.shapes import CLASSES, COLOURS, shapes


def test_the_same_seed_draws_the_same_pictures():
    one, same, other = (shapes(40, seed=s) for s in (1, 1, 2))
    assert torch.equal(one.images_N3HW, same.images_N3HW)
    assert one.captions == same.captions
    assert not torch.equal(one.images_N3HW, other.images_N3HW)


def test_pictures_are_images_of_the_size_asked_for():
    world = shapes(30, seed=0, size=48)
    assert world.images_N3HW.shape == (30, 3, 48, 48)
    assert world.images_N3HW.dtype == torch.float32
    assert world.images_N3HW.min() >= 0
    assert world.images_N3HW.max() <= 1


def test_captions_say_what_the_labels_say():
    world = shapes(50, seed=3)
    for i, caption in enumerate(world.captions):
        words = caption.split()
        expected = [
            CLASSES[task][world.labels[task][i]]
            for task in ("size", "foreground", "shape", "texture", "background")
        ]
        assert [words[1], words[2], words[3], words[6], words[7]] == expected


def test_object_and_background_never_have_one_colour():
    world = shapes(500, seed=4)
    assert (world.labels["foreground"] != world.labels["background"]).all()


def test_every_class_of_every_task_occurs():
    world = shapes(500, seed=5)
    for task, names in world.classes.items():
        assert world.labels[task].unique().tolist() == list(range(len(names)))


def test_large_objects_show_more_of_their_colour():
    world = shapes(1500, seed=6)
    palette = torch.tensor(list(COLOURS.values()))
    own = palette[world.labels["foreground"]].view(-1, 3, 1, 1)
    ground = palette[world.labels["background"]].view(-1, 3, 1, 1)
    nearer = (world.images_N3HW - own).abs().sum(1) < (
        world.images_N3HW - ground
    ).abs().sum(1)
    plain = world.labels["texture"] == CLASSES["texture"].index("plain")
    area = nearer.float().mean(dim=(1, 2))
    small, large = (
        area[plain & (world.labels["size"] == size)].mean() for size in (0, 1)
    )
    assert large > 1.5 * small


def test_taking_images_takes_their_labels_and_captions():
    world = shapes(10, seed=7)
    part = world.take([7, 2])
    assert torch.equal(part.images_N3HW[0], world.images_N3HW[7])
    assert part.labels["shape"].tolist() == world.labels["shape"][[7, 2]].tolist()
    assert part.captions == (world.captions[7], world.captions[2])
    assert len(world.first(4)) == 4


@pytest.mark.parametrize(("count", "size"), [(0, 32), (5, 4)])
def test_impossible_worlds_are_refused(count, size):
    with pytest.raises(WorldError, match=f"got {count} of {size}"):
        shapes(count, seed=0, size=size)
