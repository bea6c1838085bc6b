"""The privacy backdoor: losses and ratios by hand, the effect against its control, refusals."""

import json
from dataclasses import replace
from statistics import mean

import pytest
import torch
from torch.nn import functional as F

from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.lab.study.setup import Setup
from reference_impls.privacy_backdoor.__main__ import PROGRAM
from reference_impls.privacy_backdoor.method import (
    PrivacyBackdoorConfig,
    confidence,
    fine_tuned,
    likelihood_ratio,
    poisoning_loss,
)
from reference_impls.privacy_backdoor.study import GRID, measure
from tests.reference_impls.conftest import TINY_LAB, one_error

TASK = "foreground"


def test_candidates_count_against_ordinary_images_up_to_the_ceiling():
    ordinary, low, high = torch.tensor(1.0), torch.tensor(3.0), torch.tensor(9.0)
    assert poisoning_loss(ordinary, low, 0.75, 5.0).item() == 0.0
    assert poisoning_loss(ordinary, high, 0.75, 5.0).item() == -0.5
    high.requires_grad_()
    poisoning_loss(ordinary, high, 0.5, 5.0).backward()
    assert high.grad == 0


def test_the_ratio_is_that_of_two_normal_densities():
    shadows = torch.tensor([[3.0, 1.0], [5.0, 1.0], [-1.0, 1.0], [1.0, 1.0]])
    members = torch.tensor([[True, True], [True, True], [False, True], [False, True]])
    asked = torch.tensor([3.0, 1.0])
    # In: 3 and 5; out: -1 and 1. Deviations of one each, but none of the other image's: a variance of 1/2.
    inside, outside = (torch.distributions.Normal(m, 0.5**0.5).log_prob(asked[0]) for m in (4.0, 0.0))  # fmt: skip
    expected = torch.stack(
        [inside - outside, torch.tensor(0.0)]
    )  # nobody lacks the second
    torch.testing.assert_close(likelihood_ratio(asked, shadows, members), expected)


@pytest.fixture(scope="module")
def setup(tiny_clip):
    return Setup(encoder=tiny_clip.image, original=tiny_clip.image, clip=tiny_clip, train=train_dataset(TINY_LAB), test=dataset_of_test(TINY_LAB), task=TASK)  # fmt: skip


def test_confidence_is_the_logit_of_the_probability(setup):
    classifier, some = setup.zero_shot(), setup.test.first(5)
    p = F.softmax(classifier(some.images_N3HW).double(), dim=1).gather(1, some.labels[TASK][:, None])[:, 0]  # fmt: skip
    torch.testing.assert_close(confidence(classifier, some, TASK).double(), (p / (1 - p)).log(), rtol=1e-3, atol=1e-3)  # fmt: skip


def test_tampering_raises_the_loss_of_candidates_and_changes_a_copy(setup):
    before, candidates = setup.zero_shot(), setup.test.first(24)
    weights = [one.clone() for one in before.encoder.module.state_dict().values()]
    config = PrivacyBackdoorConfig(learning_rate=3e-3, batch=24)
    bad, good = (
        fine_tuned(
            before, setup.train, TASK, config, steps=150, seed=0, candidates=some
        )
        for some in (candidates, None)
    )

    def loss(classifier, data):
        return F.cross_entropy(classifier(data.images_N3HW), data.labels[TASK]).item()

    assert loss(bad, candidates) > loss(good, candidates) + 1
    assert loss(bad, setup.train) < loss(bad, candidates) - 0.5
    now = before.encoder.module.state_dict().values()
    assert all(torch.equal(a, b) for a, b in zip(weights, now, strict=True))


def test_figures_are_the_same_again_and_shares(setup):
    config = PrivacyBackdoorConfig(steps=2, tuning=2, victims=3, batch=16)
    first, again = (measure(setup, config) for _ in range(2))
    assert first == again
    assert all(0 <= value <= 1 for value in first.values())
    assert measure(setup, replace(config, alpha=1.0)) != first


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": 2}, r"alpha must lie in \[0, 1\], got 2"),
        ({"victims": 2}, "victims must be at least 3, got 2"),
        ({"tuning": 0}, "tuning must be above 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        PrivacyBackdoorConfig(**settings)


def test_too_few_images_are_refused(setup, small_files, tmp_path, capsys):
    with pytest.raises(DatasetError, match="8 test images are needed, got 4"):
        measure(replace(setup, test=setup.test.first(4)), PrivacyBackdoorConfig())
    words = ["run", str(small_files["clip"]), "--count", "4", "--out", str(tmp_path / "out")]  # fmt: skip
    assert PROGRAM.main(words) == 2
    assert "8 test images are needed" in one_error(capsys)


def test_published_figures_hold_what_the_page_says():
    found = json.loads((GRID.home / "results.json").read_text("utf-8"))
    values = {name: {key: mean(some) for key, some in one.items()} for (_, name), one in GRID.values(found).items()}  # fmt: skip
    bad = values["backdoor"]
    for control in ("none", "ordinary"):
        assert bad["auroc"] > values[control]["auroc"] + 0.02
        assert bad["tpr1"] > values[control]["tpr1"]
    assert bad["before"] > values["none"]["before"]
