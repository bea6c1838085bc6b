"""Layer robustness contribution: exact against by hand, first-order against exact."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from reference_impls.gen_af.config import AdaptationConfig, SensitivityConfig
from reference_impls.gen_af.model import Downstream
from reference_impls.gen_af.sensitivity import (
    LayerContribution,
    Sensitivity,
    adaptable_layers,
    measure_sensitivity,
    project,
    rank_correlation,
)
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.encoders import Encoder


def weights(model):
    return {key: value.detach().clone() for key, value in model.state_dict().items()}


def of(contributions):
    layers = tuple(
        LayerContribution(name, value, 1) for name, value in contributions.items()
    )
    return Sensitivity(layers, 0.0, "exact", 0.0)


def test_the_least_contributing_layers_are_spare_in_the_models_order():
    found = of(
        {
            "a": 0.3,
            "b": 0.1,
            "c": 0.2,
            "d": 0.9,
            "e": 0.05,
            "f": 1,
            "g": 1,
            "h": 1,
            "i": 1,
            "j": 1,
        }
    )
    assert found.spare(0.2) == ("b", "e")
    assert found.spare(0.1) == ("e",)
    assert found.spare(1.0) == tuple("abcdefghij")


def test_no_layer_at_all_is_refused_with_the_least_share_that_works():
    with pytest.raises(
        ConfigError, match=r"0\.05 of 10 layers is no layer.*at least 0\.1"
    ):
        of(dict.fromkeys("abcdefghij", 0.5)).spare(0.05)


@pytest.mark.parametrize("share", [0, -0.1, 1.1])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(ConfigError, match="share must lie in"):
        AdaptationConfig(share=share)


def test_a_weight_is_kept_in_its_ball():
    start, radius = torch.tensor([3.0, 4.0]), torch.tensor(0.5)
    torch.testing.assert_close(
        project(start + torch.tensor([0, 5.0]), start, radius), torch.tensor([3.0, 4.5])
    )
    near = start + torch.tensor([0.1, 0.2])
    torch.testing.assert_close(project(near, start, radius), near)
    torch.testing.assert_close(project(start, start, radius), start)


def linear_model(weight):
    """Flat images straight into a linear head."""
    encoder = Encoder.from_module(
        nn.Flatten(), name="flat", size=1, mean=(0, 0, 0), std=(1, 1, 1)
    )
    head = nn.Sequential(nn.Linear(3, 2, bias=False))
    head[0].weight.data = weight
    return Downstream(encoder, head).deployed()


def test_exact_climbs_to_the_edge_of_the_ball_of_a_linear_layer():
    torch.manual_seed(0)
    images, labels = torch.rand(16, 3, 1, 1), torch.arange(16) % 2
    weight = torch.tensor([[1.0, -2.0, 0.5], [0.3, 1.0, -1.0]])
    model = linear_model(weight.clone())
    config = SensitivityConfig(epochs=40)
    found = measure_sensitivity(model, images, labels, config)
    # The same by plain projected gradient ascent.
    moved, radius, highest = weight.clone(), 0.1 * weight.norm(), -1.0
    for _ in range(config.epochs):
        moved.requires_grad_()
        loss = F.cross_entropy(images.flatten(1) @ moved.T, labels)
        (slope,) = torch.autograd.grad(loss, moved)
        moved = moved.detach() + slope
        step = moved - weight
        moved = weight + step * min(1.0, float(radius / step.norm()))
        highest = max(
            highest, F.cross_entropy(images.flatten(1) @ moved.T, labels).item()
        )
    before = F.cross_entropy(images.flatten(1) @ weight.T, labels).item()
    (layer,) = found.layers
    assert layer.layer == "head.0"
    assert found.loss == pytest.approx(before, abs=1e-6)
    assert layer.contribution == pytest.approx(highest - before, abs=1e-6)
    # Nowhere on the sphere is it higher.
    for _ in range(200):
        direction = torch.randn_like(weight)
        there = weight + radius * direction / direction.norm()
        assert (
            F.cross_entropy(images.flatten(1) @ there.T, labels).item()
            <= highest + 1e-6
        )


def test_first_order_is_radius_times_both_norms_and_nearly_exact_for_a_small_radius():
    images, labels = (
        torch.rand(16, 3, 1, 1, generator=torch.Generator().manual_seed(0)),
        torch.arange(16) % 2,
    )
    weight = torch.tensor([[1.0, -2.0, 0.5], [0.3, 1.0, -1.0]])
    model = linear_model(weight.clone())
    small = {"radius": 1e-3, "epochs": 30}
    fast = measure_sensitivity(
        model, images, labels, SensitivityConfig(mode="first-order", **small)
    )
    exact = measure_sensitivity(model, images, labels, SensitivityConfig(**small))
    asked = weight.clone().requires_grad_()
    (slope,) = torch.autograd.grad(
        F.cross_entropy(images.flatten(1) @ asked.T, labels), asked
    )
    assert fast.layers[0].contribution == pytest.approx(
        1e-3 * (weight.norm() * slope.norm()).item()
    )
    assert fast.layers[0].contribution == pytest.approx(
        exact.layers[0].contribution, rel=2e-2
    )


@pytest.mark.parametrize("mode", ["exact", "first-order"])
def test_batches_do_not_matter_and_the_model_stays_as_it_was(model, task, mode):
    before = weights(model)
    asked = [one.requires_grad for one in model.parameters()]
    # One epoch of one step, or the steps themselves differ.
    config = {"mode": mode, "epochs": 1}
    images, labels = task.images_N3HW[:32], task.labels_N[:32]
    whole = measure_sensitivity(
        model, images, labels, SensitivityConfig(batch=32, **config)
    )
    parts = measure_sensitivity(
        model, images, labels, SensitivityConfig(batch=8, **config)
    )
    assert whole.loss == pytest.approx(parts.loss, abs=1e-5)
    if mode == "first-order":
        for one, other in zip(whole.layers, parts.layers, strict=True):
            assert one.contribution == pytest.approx(other.contribution, rel=1e-3)
    assert all(
        torch.equal(value, before[key]) for key, value in model.state_dict().items()
    )
    assert [one.requires_grad for one in model.parameters()] == asked
    assert all(one.grad is None for one in model.parameters())


def test_every_convolution_and_linear_layer_is_measured_once_under_its_exact_name(
    model, task
):
    names = adaptable_layers(model)
    modules = dict(model.named_modules())
    assert set(names) == {
        n for n, m in modules.items() if isinstance(m, (nn.Conv2d, nn.Linear))
    }
    config = SensitivityConfig(mode="first-order")
    found = measure_sensitivity(
        model, task.images_N3HW[:16], task.labels_N[:16], config
    )
    assert tuple(one.layer for one in found.layers) == names
    assert all(one.contribution > 0 for one in found.layers)


def test_a_model_in_training_mode_is_refused(model, task):
    model.train()
    with pytest.raises(ConfigError, match="eval mode"):
        measure_sensitivity(model, task.images_N3HW, task.labels_N, SensitivityConfig())


def test_an_unknown_way_to_measure_is_refused():
    with pytest.raises(ConfigError, match="unknown mode 'quick'; choose one of exact"):
        SensitivityConfig(mode="quick")


def test_a_model_without_layers_is_refused():
    with pytest.raises(ConfigError, match="neither convolutions nor linear layers"):
        adaptable_layers(nn.ReLU())


def test_rank_correlation_of_known_rankings():
    assert rank_correlation([1, 2, 3, 4], [10, 20, 30, 40]) == pytest.approx(1)
    assert rank_correlation([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1)
    assert rank_correlation([1, 2, 3, 4], [1, 2, 4, 3]) == pytest.approx(0.8)
