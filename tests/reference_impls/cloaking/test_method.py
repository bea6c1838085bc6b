"""Cloaks: every score by hand, what is left open, the effect against random noise, refusals."""

import json
import math
from dataclasses import replace
from statistics import mean

import pytest
import torch
from torch import Generator
from torch.nn import functional as F

from reference_impls.cloaking import study
from reference_impls.cloaking.__main__ import PROGRAM
from reference_impls.cloaking.method import (
    PRESETS,
    CloakConfig,
    another_of,
    cloak,
    disentangled,
    joint,
    left_open,
)
from reference_impls.cloaking.study import GRID, blurred, measure, pictures, surrogates
from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.errors import ConfigError, EncoderError
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.lab.study.setup import Setup
from tests.reference_impls.conftest import TINY_LAB, one_error

TASK = "texture"
FOUND = json.loads((GRID.home / "results.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def setup(tiny_clip):
    return Setup(encoder=tiny_clip.image, clip=tiny_clip, train=train_dataset(TINY_LAB), test=dataset_of_test(TINY_LAB).first(96), task=TASK)  # fmt: skip


@pytest.fixture(scope="module")
def owned(setup):
    return pictures(setup.test, setup.train, TASK, seed=0)


def known(setup, **settings):
    """A cloak made on the very model, and that model as its owner has it."""
    config = CloakConfig(surrogates=0, **settings)
    return surrogates(setup, config), config


def test_what_lies_along_the_hidden_direction_is_left_and_the_rest_is_kept():
    clean, untold = torch.tensor([[0.6, 0.8]]), torch.tensor([[-0.6, 0.8]])
    # Between the two lies the first axis alone: what is kept is the second.
    for seen, along, kept in (((1, 0), 1, 0), ((0, 1), 0, 0.8), ((-0.6, 0.8), -0.6, 0.64)):  # fmt: skip
        score = disentangled(torch.tensor([seen]).float(), clean, untold, 2.0)
        assert score.item() == pytest.approx(2 * kept - along, abs=1e-6)


def test_nothing_raises_geoshields_score_like_the_description():
    clean, untold = F.normalize(torch.randn(2, 5, 8, generator=Generator().manual_seed(0)), dim=2)  # fmt: skip
    turns = (disentangled(F.normalize(clean + share * (untold - clean), dim=1), clean, untold, 1.0) for share in (0.0, 0.5, 1.0))  # fmt: skip
    before, half, whole = turns
    assert (whole > half).all()
    assert (half > before).all()


def test_the_joint_score_loses_one_attribute_and_keeps_the_other():
    even, sure = torch.zeros(1, 4), torch.tensor([[math.log(3), 0.0]])
    right = torch.tensor([0])
    assert joint(even, right, None, right, 5.0).item() == pytest.approx(math.log(4))
    expected = math.log(4) - 0.5 * math.log(4 / 3)
    assert joint(even, right, sure, right, 0.5).item() == pytest.approx(expected)


def test_scores_of_surrogates_are_what_they_are_called(setup, owned):
    (model,), _ = known(setup)
    seen, other = (F.normalize(model.encoder.encode(x), dim=1) for x in (owned.images_B3HW, owned.others_B3HW))  # fmt: skip
    away, another = (model.score(owned, CloakConfig(aim=aim)) for aim in ("away", "another"))  # fmt: skip
    torch.testing.assert_close(away(owned.images_B3HW), -torch.ones(96))
    torch.testing.assert_close(another(owned.images_B3HW), (seen * other).sum(dim=1))
    untold = F.normalize(torch.stack([setup.embed_text(one).mean(dim=0) for one in owned.untold]), dim=1)  # fmt: skip
    geoshield = model.score(owned, CloakConfig(weight=0.3))
    torch.testing.assert_close(geoshield(owned.images_B3HW), disentangled(seen, seen, untold, 0.3))  # fmt: skip
    both = model.score(owned, CloakConfig(aim="joint", weight=0.3))
    expected = joint(model.hidden.logits(seen), owned.hidden_B, model.shown.logits(seen), owned.shown_B, 0.3)  # fmt: skip
    torch.testing.assert_close(both(owned.images_B3HW), expected)


def test_a_description_leaves_open_what_is_hidden_and_says_the_rest():
    said = left_open("a red ring on red", "red", ("red", "dark blue"))
    assert said == ["a red ring on red", "a dark blue ring on dark blue"]
    assert left_open("redder rings", "red", ("red", "blue")) == ["redder rings"] * 2


def test_captions_of_the_lab_leave_one_word_open(setup, owned):
    for several, caption in zip(owned.untold, setup.test.captions, strict=True):
        assert caption in several
        assert len(set(several)) == 6
        assert len({" ".join(one.split()[:6] + one.split()[7:]) for one in several}) == 1  # fmt: skip


def test_another_picture_hides_something_else():
    hidden, pool = torch.tensor([0, 1, 0, 2]), torch.tensor([0, 0, 1, 2, 1])
    drawn = [another_of(hidden, pool, Generator().manual_seed(n)) for n in range(5)]
    assert all((pool[one] != hidden).all() for one in drawn)
    assert len({one.tolist()[0] for one in drawn}) > 1
    with pytest.raises(ConfigError, match="one class only"):
        another_of(hidden, torch.zeros(3).long(), Generator())


@pytest.mark.parametrize("aim", ["noise", "away", "another", "geoshield", "joint"])
def test_a_cloak_stays_within_its_budget_and_repeats(aim, setup, owned):
    models, config = known(setup, aim=aim, budget=Budget(epsilon=0.05, steps=2))
    shared = cloak(models, owned, config)
    assert 0 <= shared.min() <= shared.max() <= 1
    assert 0.04 < (shared - owned.images_B3HW).abs().max() <= 0.05 + 1e-6
    assert torch.equal(shared, cloak(models, owned, config))
    assert not torch.equal(shared, cloak(models, owned, replace(config, seed=1)))


def test_blurring_keeps_flat_pictures_and_takes_the_mean_of_nine():
    assert torch.allclose(blurred(torch.full((1, 3, 4, 4), 0.3)), torch.tensor(0.3))
    dot = torch.zeros(1, 3, 5, 5)
    dot[:, :, 2, 2] = 0.9
    assert blurred(dot)[0, 0, 1:4, 1:4].flatten().tolist() == pytest.approx([0.1] * 9)


def test_a_cloak_hides_where_noise_does_not_and_keeps_what_is_shown(setup):
    # The small CLIP tells colors, and hardly textures.
    budget, hides = Budget(epsilon=16 / 255, steps=10), replace(setup, task="background")  # fmt: skip
    noise, made, both = (
        measure(hides, CloakConfig(aim=aim, surrogates=0, budget=budget))
        for aim in ("noise", "geoshield", "joint")
    )
    for one in (made, both):
        assert one["hidden"] < noise["hidden"] - 0.1
        assert one["shown"] > noise["shown"]
        assert one["blurred"] > one["probe"]


def test_nothing_is_shown_where_it_is_what_is_hidden(setup):
    few = replace(setup, task="foreground", test=setup.test.first(8))
    settings = CloakConfig(aim="joint", surrogates=0, budget=Budget(steps=1))
    assert measure(few, settings)["shown"] is None


def test_surrogates_are_models_of_other_seeds(setup, tiny_clip, monkeypatch):
    asked = []
    monkeypatch.setattr(study, "clean_clip", lambda config: asked.append(config.seed) or tiny_clip)  # fmt: skip
    models = surrogates(replace(setup, seed=2), CloakConfig())
    assert asked == [22, 23, 24]
    assert len(models) == 3
    assert not set(asked) & set(GRID.seeds)


def test_surrogates_of_another_size_are_refused(setup, monkeypatch, tiny_clip):
    larger = replace(setup, encoder=replace(setup.encoder, size=64))
    monkeypatch.setattr(study, "clean_clip", lambda _: tiny_clip)
    with pytest.raises(EncoderError, match=r"take 16 px, .* takes 64; try --surrogates 0"):  # fmt: skip
        surrogates(larger, CloakConfig())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"aim": "magic"}, "unknown aim 'magic'"),
        ({"surrogates": -1}, "at least 0"),
        ({"weight": -1}, "at least 0"),
        ({"smallest_crop": 0}, "smallest_crop must lie in"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        CloakConfig(**settings)


def test_a_command_with_bad_input_is_one_line(small_files, tmp_path, capsys):
    words = ["run", str(small_files["clip"]), "--out", str(tmp_path / "out")]
    assert PROGRAM.main([*words, "--smallest-crop", "2"]) == 2
    assert "smallest_crop must lie in (0, 1], got 2.0" in one_error(capsys)


def test_every_setting_of_the_table_but_the_control_is_another():
    assert len(set(map(str, PRESETS.values()))) == len(PRESETS)


def test_published_cloaks_hide_more_than_noise_and_most_on_the_model_that_looks():
    here = {one: {k: mean(v) for k, v in GRID.values(FOUND)[TASK, one].items()} for one in GRID.presets}  # fmt: skip
    noise = here["noise"]
    for one in ("geoshield", "joint"):
        known = here[f"{one}-known"]
        assert known["hidden"] < here[one]["hidden"] < noise["hidden"]
        assert here[one]["blurred"] < noise["blurred"]
        assert here[one]["hidden"] < here[one]["adapted"] < noise["adapted"]
    assert here["joint"]["shown"] > noise["shown"]
