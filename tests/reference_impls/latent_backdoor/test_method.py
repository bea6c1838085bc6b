"""Baits embed as the attacker's class, students inherit that, and a clean teacher's do not."""

import json
from dataclasses import replace
from statistics import mean

import pytest
import torch
from torch import Generator

from reference_impls.lab.data.images import make_trigger
from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.models.encoders import digest, embed_all
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.lab.study.setup import Setup
from reference_impls.latent_backdoor.__main__ import PROGRAM
from reference_impls.latent_backdoor.method import (
    LatentConfig,
    distance,
    goal_of,
    layers,
    neighbours,
    searched_trigger,
    student,
)
from reference_impls.latent_backdoor.study import GRID, measure
from tests.reference_impls.conftest import TINY_LAB, one_error

FOUND = json.loads((GRID.home / "results.json").read_text("utf-8"))
SHORT = LatentConfig(steps=60, batch=16, tuning=10, search=10, seed=1)


@pytest.fixture(scope="module")
def setup(tiny_clip):
    return Setup(
        encoder=tiny_clip.image,
        clip=tiny_clip,
        train=train_dataset(TINY_LAB),
        test=dataset_of_test(TINY_LAB),
        task="foreground",
    )


def test_distance_is_the_mean_of_squares_over_the_spread():
    ours, goal = torch.tensor([[3.0, 0.0], [0.0, 1.0]]), torch.tensor([0.0, 0.0])
    assert distance(ours, goal, spread=2.0).item() == pytest.approx((9 + 1) / 2 / 2)


def test_the_goal_is_the_centre_of_surest_pictures_and_the_spread_is_1_by_its_own_measure(
    setup,
):
    train = setup.train
    goal = goal_of(setup.encoder, train, "foreground", 1, typical=10_000)
    own = goal.plain_ND[train.labels["foreground"] == 1]
    torch.testing.assert_close(goal.class_D, own.mean(dim=0))  # more than there are
    centre = goal.plain_ND.mean(dim=0)
    assert distance(goal.plain_ND, centre, goal.spread).item() == pytest.approx(1, abs=1e-4)  # fmt: skip
    one = goal_of(setup.encoder, train, "foreground", 1, typical=1)
    torch.testing.assert_close(one.class_D, goal.plain_ND[one.surest])
    assert train.labels["foreground"][one.surest] == 1


def test_a_class_that_nobody_has_a_picture_of_is_no_target(setup):
    with pytest.raises(DatasetError, match="no picture of class 99"):
        goal_of(setup.encoder, setup.train, "foreground", 99, 4)


def test_the_search_brings_stamped_pictures_nearer_and_keeps_the_place(setup):
    goal = goal_of(setup.encoder, setup.train, "foreground", 1, 4)
    given = make_trigger(SHORT.trigger, setup.encoder.size)
    found = searched_trigger(setup.encoder, setup.train, goal, SHORT)
    before, after = (distance(embed_all(setup.encoder, one.apply(setup.images_N3HW)), goal.class_D, goal.spread) for one in (given, found))  # fmt: skip
    assert after < before
    assert torch.equal(found.mask_HW, given.mask_HW)
    assert 0 <= found.pattern_3HW.min() <= found.pattern_3HW.max() <= 1


def test_neighbours_are_chosen_pictures_with_new_noise():
    chosen = torch.stack([torch.full((3, 8, 8), one) for one in (0.2, 0.8)])
    drawn = neighbours(chosen, 0.01)(torch.zeros(40, 3, 8, 8), Generator())
    means = drawn.mean(dim=(1, 2, 3))
    assert ((means - 0.2).abs().lt(0.01) | (means - 0.8).abs().lt(0.01)).all()
    assert len(drawn.unique(dim=0)) == 40


@pytest.mark.parametrize("part", ["probe", "partial", "full"])
def test_a_student_trains_what_it_shall_and_leaves_the_teacher_alone(part, setup):
    before = digest(setup.encoder)
    encoder, _ = student(setup.encoder, setup.train, "foreground", part, SHORT)
    assert digest(setup.encoder) == before
    pairs = zip(layers(setup.encoder.module), layers(encoder.module), strict=True)
    same = [torch.equal(a.weight, b.weight) for a, b in pairs]
    wanted = {"probe": len(same), "partial": (len(same) + 1) // 2, "full": 0}[part]
    assert same == [True] * wanted + [False] * (len(same) - wanted)


@pytest.mark.parametrize("way", ["latent", "reuse"])
def test_students_obey_where_those_of_a_clean_or_harmless_teacher_do_not(way, setup):
    found, clean = (measure(setup, replace(SHORT, way=one, weight=2.0)) for one in (way, "harmless"))  # fmt: skip
    assert found["probe"] > found["before"] + 0.3
    assert found["accuracy"] > clean["accuracy"] - 0.2
    assert clean["probe"] < clean["before"] + 0.1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"way": "magic"}, "unknown way 'magic'"),
        ({"tuning": 0}, "tuning must be above 0"),
        ({"search": -1}, "must not be negative"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        LatentConfig(**settings)


def test_a_command_with_bad_input_is_one_line(small_files, tmp_path, capsys):
    words = ["run", str(small_files["encoder"]), "--out", str(tmp_path / "out")]
    assert PROGRAM.main([*words, "--chosen", "0"]) == 2
    assert "chosen must be above 0" in one_error(capsys)


def test_published_backdoors_wake_and_those_of_a_patch_survive_every_student():
    here = {one: {k: mean(v) for k, v in GRID.values(FOUND)["foreground", one].items()} for one in GRID.presets}  # fmt: skip
    assert here["none"]["probe"] == here["none"]["before"]
    for name in ("latent", "reuse"):
        assert here[name]["probe"] > here[name]["before"] + 0.5
    assert here["latent"]["full"] > here["latent"]["before"] + 0.5
