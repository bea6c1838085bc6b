"""White-box attacks on classifiers whose answer is known in closed form."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from reference_impls.lab.attacks.auto_pgd import (
    apgd,
    auto_pgd,
    checkpoints,
    logits_ratio,
)
from reference_impls.lab.attacks.masking import masking_signs
from reference_impls.lab.attacks.pgd import (
    Budget,
    ascend,
    cross_entropy,
    evaluating,
    margin,
    pgd,
)
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.encoders import Encoder

ATTACKS = {"pgd": pgd, "apgd": apgd, "auto_pgd": auto_pgd}
every_attack = pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


class Linear(nn.Module):
    """Two classes and a plane between them: the worst case is known exactly."""

    def __init__(self, pixels=3 * 4 * 4):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2, pixels, generator=generator()))

    def forward(self, images):
        return images.flatten(1) @ self.weight.T


def middle(count=6, size=4):
    """Images so far from 0 and 1 that an epsilon of 0.1 never meets them."""
    return 0.2 + 0.6 * torch.rand(count, 3, size, size, generator=generator(1))


@every_attack
@pytest.mark.parametrize("random_start", [False, True])
def test_on_a_linear_model_the_margin_reaches_its_closed_form_optimum(
    attack, random_start
):
    model, images, epsilon = Linear(), middle(), 0.1
    labels = model(images).argmax(dim=1)
    before = margin(model(images), labels)
    # The margin is linear in the image, so its maximum in the ball is eps * ||w||_1 above.
    optimum = before + epsilon * (model.weight[0] - model.weight[1]).abs().sum()
    budget = Budget(epsilon=epsilon, steps=20, random_start=random_start)
    after = margin(model(attack(model, images, labels, budget)), labels)
    if attack is pgd:
        torch.testing.assert_close(after, optimum)
    else:  # these stop at the first misclassified point
        assert (after > 0).equal(optimum > 0)


def test_apgd_reaches_the_optimum_where_nothing_can_be_misclassified():
    model, images, epsilon = Linear(), middle(), 0.1
    labels = model(images).argmax(dim=1)
    far = model.weight.new_tensor([[100.0, 0.0], [0.0, 100.0]])[labels]

    def logits_of(x):
        return model(x) + far

    before = margin(logits_of(images), labels)
    optimum = before + epsilon * (model.weight[0] - model.weight[1]).abs().sum()
    for loss in (margin, logits_ratio):
        found = apgd(
            logits_of, images, labels, Budget(epsilon=epsilon, steps=10), loss=loss
        )
        torch.testing.assert_close(margin(logits_of(found), labels), optimum)


@every_attack
def test_epsilon_zero_returns_the_clean_images_exactly(attack):
    model, images = Linear(), middle()
    labels = torch.zeros(len(images), dtype=torch.long)
    assert attack(model, images, labels, Budget(epsilon=0)).equal(images)


@every_attack
def test_no_parameter_gains_or_loses_a_gradient(attack):
    model, images = Linear(), middle()
    labels = model(images).argmax(dim=1)
    attack(model, images, labels, Budget(epsilon=0.1))
    assert model.weight.grad is None
    kept = torch.full_like(model.weight, 7.0)
    model.weight.grad = kept.clone()
    attack(model, images, labels, Budget(epsilon=0.1))
    assert model.weight.grad.equal(kept)
    assert not images.requires_grad


@settings(max_examples=25, deadline=None)
@given(
    epsilon=st.floats(0, 1),
    steps=st.integers(1, 6),
    random_start=st.booleans(),
    seed=st.integers(0, 2**16),
    name=st.sampled_from(sorted(ATTACKS)),
)
def test_images_stay_in_the_ball_and_in_range(epsilon, steps, random_start, seed, name):
    model = Linear()
    images = torch.rand(4, 3, 4, 4, generator=generator(seed)).round(decimals=1)
    labels = torch.tensor([0, 1, 0, 1])
    budget = Budget(epsilon=epsilon, steps=steps, random_start=random_start, seed=seed)
    found = ATTACKS[name](model, images, labels, budget)
    assert ((found - images).abs() <= epsilon + 1e-6).all()
    assert found.min() >= 0
    assert found.max() <= 1


@every_attack
def test_the_same_seed_gives_the_same_images(attack):
    model, images = Linear(), middle()
    labels = model(images).argmax(dim=1)
    budget = Budget(epsilon=0.1, steps=1, seed=3)
    assert attack(model, images, labels, budget).equal(
        attack(model, images, labels, budget)
    )


def test_another_seed_starts_elsewhere():
    model, images = Linear(), middle()
    labels = model(images).argmax(dim=1)
    tiny = {"epsilon": 0.1, "steps": 1, "step": 1e-6}
    first, second = (
        pgd(model, images, labels, Budget(seed=seed, **tiny)) for seed in (0, 1)
    )
    assert (first - second).abs().max() > 0.05


def test_attack_and_training_see_the_same_normalisation():
    """Bug 24 of the published program: its attack met a function that nobody deploys."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(48, 5))
    statistics = {"mean": (0.5, 0.4, 0.3), "std": (0.05, 0.1, 0.2)}
    encoder = Encoder.from_module(net, name="net", size=4, **statistics)
    images, labels = middle(), torch.zeros(6, dtype=torch.long)
    seen = []
    handle = net.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    budget = Budget(epsilon=1e-6, steps=1, random_start=False)
    pgd(encoder.encode, images, labels, budget)
    encoder.encode(images)
    handle.remove()
    torch.testing.assert_close(seen[-2], seen[-1])


def test_modes_come_back_part_by_part():
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(), nn.Linear(3, 2)).train()
    model[0].eval()  # a frozen layer inside a model in training
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with evaluating(model):
        assert not any(part.training for part in model.modules())
        model(torch.randn(4, 3))
    assert [part.training for part in model.modules()] == [True, False, True, True]
    assert all(value.equal(before[name]) for name, value in model.state_dict().items())
    with pytest.raises(ValueError, match="stop"), evaluating(model):
        raise ValueError("stop")
    assert model.training


def test_modes_are_left_alone_by_the_attacks():
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(48, 3)).train()
    pgd(model, middle(), torch.zeros(6, dtype=torch.long), Budget())
    assert all(part.training for part in model.modules())


# -- Losses --------------------------------------------------------------------------


def test_losses_against_plain_loops():
    logits = torch.randn(16, 5, generator=generator())
    labels = torch.arange(16) % 5
    for row, label, ce, gap, ratio in zip(
        logits.tolist(),
        labels.tolist(),
        cross_entropy(logits, labels).tolist(),
        margin(logits, labels).tolist(),
        logits_ratio(logits, labels).tolist(),
        strict=True,
    ):
        wrong = max(value for index, value in enumerate(row) if index != label)
        ordered = sorted(row, reverse=True)
        exponentials = torch.tensor(row).exp()
        expected = -torch.log(exponentials[label] / exponentials.sum()).item()
        assert ce == pytest.approx(expected, abs=1e-5)
        assert gap == pytest.approx(wrong - row[label], abs=1e-6)
        dlr = -(row[label] - wrong) / (ordered[0] - ordered[2])
        assert ratio == pytest.approx(dlr, rel=1e-5)


def test_the_logits_ratio_ignores_scale_and_offset():
    logits = torch.randn(8, 4, generator=generator())
    labels = torch.arange(8) % 4
    torch.testing.assert_close(
        logits_ratio(50 * logits + 3, labels), logits_ratio(logits, labels)
    )


def test_apgd_on_the_ratio_is_not_fooled_by_saturated_logits():
    """Huge logits make cross entropy's gradient exactly zero; PGD stands still, DLR does not."""
    model, images = Linear(), middle()
    labels = model(images).argmax(dim=1)

    def saturated(x):
        logits = model(x)
        return 1e4 * torch.cat([logits, logits.mean(dim=1, keepdim=True) - 9], dim=1)

    budget = Budget(epsilon=0.15, steps=10, random_start=False)
    still = pgd(saturated, images, labels, budget)
    broken = auto_pgd(saturated, images, labels, budget)
    assert still.equal(images)
    assert (saturated(broken).argmax(dim=1) != labels).all()


# -- APGD ----------------------------------------------------------------------------


def test_checkpoints_are_those_of_the_paper():
    assert checkpoints(100) == [22, 41, 57, 70, 80, 87, 93, 99]


def test_apgd_finds_more_than_pgd_on_a_rugged_model():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(
            nn.Flatten(), nn.Linear(48, 64), nn.Tanh(), nn.Linear(64, 4)
        )
        for layer in (net[1], net[3]):
            nn.init.normal_(layer.weight, std=0.6)
    images = torch.rand(128, 3, 4, 4, generator=generator(2))
    labels = net(images).argmax(dim=1)
    budget = Budget(epsilon=0.04, steps=10)
    standing = {
        name: (net(attack(net, images, labels, budget)).argmax(1) == labels)
        .float()
        .mean()
        for name, attack in ATTACKS.items()
    }
    assert 0 < standing["auto_pgd"] <= standing["apgd"] <= standing["pgd"] < 1


def test_ascend_takes_any_objective():
    images = middle()
    budget = Budget(epsilon=0.1, steps=4)
    brighter = ascend(lambda x: x.sum(), images, budget)
    torch.testing.assert_close(brighter, images + 0.1)


def test_ascend_does_not_depend_on_who_else_is_in_the_batch():
    model, images = Linear(), middle()
    labels = model(images).argmax(dim=1)
    budget = Budget(epsilon=0.05, steps=5, random_start=False)
    alone = pgd(model, images[:1], labels[:1], budget)
    torch.testing.assert_close(pgd(model, images, labels, budget)[:1], alone)


# -- Bad input -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings_", "said"),
    [
        ({"epsilon": -0.1}, "epsilon must lie in"),
        ({"epsilon": 8.0}, "8 of 255 levels are"),
        ({"epsilon": float("nan")}, "epsilon must lie in"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"step": 0.0}, "step must be above 0"),
        ({"norm": "l2"}, "unknown norm 'l2'"),
    ],
)
def test_a_budget_out_of_range_is_refused(settings_, said):
    with pytest.raises(ConfigError, match=said):
        Budget(**settings_)


@every_attack
@pytest.mark.parametrize(
    ("images", "labels", "said"),
    [
        (2 * torch.ones(2, 3, 4, 4), [0, 0], "the encoder normalises"),
        (torch.full((2, 3, 4, 4), torch.nan), [0, 0], "must lie in"),
        (torch.ones(2, 3, 4, 4), [0, 2], "label 2 is outside the head"),
        (torch.ones(2, 3, 4, 4), [0, -1], "labels count from 0"),
        (torch.ones(2, 3, 4, 4), [0], "2 images must have as many labels"),
    ],
)
def test_images_and_labels_out_of_range_are_refused(attack, images, labels, said):
    with pytest.raises(ConfigError, match=said):
        attack(Linear(), images, torch.tensor(labels), Budget())


def test_step_size_follows_madrys_rule():
    assert Budget(epsilon=0.1, steps=10).step_size == pytest.approx(0.025)
    assert Budget(epsilon=0.1, step=0.01).step_size == 0.01


class Masked(nn.Module):
    """Decides by a plane, but shows its logits in steps: gradients are zero almost everywhere."""

    def __init__(self):
        super().__init__()
        self.inner = Linear()

    def forward(self, images):
        logits = self.inner(images)
        return (20 * logits).round() / 20 + 0 * logits


class TestMasking:
    def test_a_plain_model_shows_no_sign(self):
        model, images = Linear(), middle(16)
        labels = model(images).argmax(dim=1)
        budget = Budget(epsilon=0.05, steps=5)
        worse = pgd(model, images, labels, budget)
        assert masking_signs(model, images, labels, budget, transferred=[worse]) == ()

    def test_where_gradients_vanish_an_attack_from_elsewhere_is_stronger(self):
        model, images = Masked(), middle(16)
        labels = model(images).argmax(dim=1)
        budget = Budget(epsilon=0.05, steps=5)
        elsewhere = pgd(model.inner, images, labels, replace(budget, epsilon=0.5))
        found = masking_signs(model, images, labels, budget, transferred=[elsewhere])
        assert "transfer" in found
        assert "transfer" not in masking_signs(model, images, labels, budget)

    def test_gradients_that_point_backwards_lose_to_noise_and_to_fewer_steps(self):
        class Backwards(torch.autograd.Function):
            @staticmethod
            def forward(ctx, values):
                return values.clone()

            @staticmethod
            def backward(ctx, gradient):
                return -gradient

        inner, images = Linear(), middle(16)

        def model(batch):
            return Backwards.apply(inner(batch))

        labels = inner(images).argmax(dim=1)
        budget = Budget(epsilon=0.05, steps=5, step=0.002)
        assert masking_signs(model, images, labels, budget) == ("noise", "steps")
