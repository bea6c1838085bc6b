"""Feature attacks: known answers, the effect against noise, the command, and what the pages claim."""

import json
from dataclasses import replace
from statistics import mean

import pytest
import torch
from torch import Generator

from reference_impls.feature_attack.__main__ import PROGRAM
from reference_impls.feature_attack.method import (
    AttackConfig,
    attacked,
    leave_embedding,
    leave_tokens,
    match,
    telling,
    unlike,
)
from reference_impls.feature_attack.study import GRID, Setting, measure
from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.captioner import CaptionerConfig
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.lab.study.setup import Setup
from tests.reference_impls.conftest import TINY_LAB, one_error

VALUES = GRID.values(json.loads((GRID.home / "results.json").read_text("utf-8")))


def published(preset, measure):
    return mean(VALUES["", preset][measure])


def test_scores_are_cosines_of_each_image():
    one, other = torch.tensor([[3.0, 0.0], [1.0, 1.0]]), torch.tensor([[2.0, 0.0], [0.0, 5.0]])  # fmt: skip
    torch.testing.assert_close(match(one, other), torch.tensor([1.0, 0.5**0.5]))
    torch.testing.assert_close(leave_embedding(one, other), -match(one, other))
    # The two rows as the tokens of one image: the mean of their cosines, not the cosine of their mean.
    torch.testing.assert_close(leave_tokens(one[None], other[None]), -match(one, other).mean(0, keepdim=True))  # fmt: skip


def test_targets_share_no_attribute_where_there_is_one():
    pool = torch.tensor([[9, 1, 3], [9, 1, 4], [9, 2, 3], [9, 2, 4]])
    assert telling(pool).tolist() == [False, True, True]
    assert unlike(pool, pool, Generator().manual_seed(0)).tolist() == [3, 2, 1, 0]
    draws = {unlike(pool[:1], pool[1:3], Generator().manual_seed(s)).item() for s in range(9)}  # fmt: skip
    assert draws == {0, 1}


@pytest.fixture(scope="module")
def found(tiny_clip, tmp_path_factory):
    """Every attack on a tiny captioner."""
    train, test = train_dataset(TINY_LAB), dataset_of_test(TINY_LAB).first(60)
    setup = Setup(encoder=tiny_clip.image, clip=tiny_clip, train=train, test=test, task="")  # fmt: skip
    budget, learned = Budget(epsilon=16 / 255, steps=8), CaptionerConfig(steps=80, batch=64, width=32)  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_CACHE", str(tmp_path_factory.mktemp("captioners")))
        names = "noise", "embedding", "tokens", "image", "text", "caption", "caption-target"  # fmt: skip
        return {one: measure(setup, Setting(attack=one, budget=budget, captioner=learned)) for one in names}  # fmt: skip


@pytest.mark.parametrize("attack", ["embedding", "tokens", "caption"])
def test_leaving_the_clean_features_makes_captions_wrong(attack, found):
    assert found[attack]["attacked"] < found["noise"]["attacked"] - 0.05
    assert found[attack]["clean"] == found["noise"]["clean"]


@pytest.mark.parametrize("attack", ["image", "text", "caption-target"])
def test_going_toward_a_target_makes_captions_its_own(attack, found):
    assert found[attack]["target"] > found["noise"]["target"] + 0.05


def test_who_knows_the_decoder_comes_closest_to_the_target(found):
    closest = found["caption-target"]
    assert all(closest["target"] >= one["target"] for one in found.values())
    assert closest["caption"] <= closest["target"]


def test_noise_stays_in_its_budget():
    images = torch.rand(2, 3, 8, 8, generator=Generator().manual_seed(1))
    config = AttackConfig(attack="noise")
    noisy = attacked(config, None, images, None, None)
    assert 0 < (noisy - images).abs().max() <= config.budget.epsilon + 1e-6
    assert not torch.equal(noisy, attacked(replace(config, seed=1), None, images, None, None))  # fmt: skip


def test_an_unknown_attack_is_refused():
    with pytest.raises(ConfigError, match="'magic'; choose one of noise, embedding"):
        AttackConfig(attack="magic")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--budget.epsilon", "3"], "epsilon must lie in [0, 1], got 3"),
        (["--captioner.steps", "0"], "steps must be above 0"),
        (["--dataset", "folder:{images}"], "has no captions"),
        (["--dataset", "moon"], "unknown dataset 'moon'"),
    ],
)
def test_bad_input_is_one_line(options, message, small_files, tmp_path, capsys):
    words = [option.format(**small_files) for option in options]
    out = ["--count", "8", "--train", "256", "--out", str(tmp_path / "out")]
    assert PROGRAM.main(["run", str(small_files["clip"]), *words, *out]) == 2
    assert message in one_error(capsys)


def test_the_published_figures_say_what_the_pages_claim():
    """VEAttack beats noise, the embedding is hit harder, and a matched target is named more often than by noise."""
    assert published("tokens", "attacked") < published("noise", "attacked") - 0.1
    assert published("embedding", "attacked") < published("tokens", "attacked")
    for wide in ("", "-wide"):
        for attack in ("image", "text"):
            beside = published(f"noise{wide}", "target")
            assert published(attack + wide, "target") > beside + 0.1
