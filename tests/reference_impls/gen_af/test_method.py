"""Gen-AF and its baselines on a tiny task; each listed bug of the published program has a test here."""

from dataclasses import replace

import pytest
import torch
from torch import Generator, nn
from torch.nn import functional as F

from reference_impls.gen_af import method as methods
from reference_impls.gen_af.config import (
    AdaptationConfig,
    HardenConfig,
    SensitivityConfig,
)
from reference_impls.gen_af.method import (
    first_stage,
    harden,
    second_stage,
    with_frozen_statistics,
)
from reference_impls.gen_af.model import Downstream, build, task_of
from reference_impls.gen_af.objectives import (
    Adversarial,
    Genetic,
    Plain,
    Trades,
    adversarial,
    divergence,
    objective,
)
from reference_impls.gen_af.topology import genetic_loss
from reference_impls.gen_af.training import accuracy
from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.models.encoders import Encoder

FAST = HardenConfig(
    budget=Budget(epsilon=8 / 255, steps=2, random_start=False),
    epochs=1,
    batch=16,
    dropout=0.0,
    hidden=(16, 8),
    adaptation=None,
)
SECOND = AdaptationConfig(
    epochs=2, images=32, sensitivity=SensitivityConfig(mode="first-order")
)


def weights(model):
    return {key: value.detach().clone() for key, value in model.state_dict().items()}


def changed(before, model):
    return {
        key
        for key, value in model.state_dict().items()
        if not torch.equal(value, before[key])
    }


def generator():
    return Generator().manual_seed(0)


# -- What is trained, what stays -----------------------------------------------------


def test_the_encoder_handed_in_stays_as_it_was(encoder, task):
    before = weights(encoder.module)
    found = harden(encoder, task, FAST)
    assert not changed(before, encoder.module)
    assert changed(before, found.model.encoder)
    assert not any(one.requires_grad for one in found.model.parameters())
    assert not any(part.training for part in found.model.modules())


def test_a_linear_probe_trains_one_linear_layer_and_nothing_else(encoder, task):
    config = replace(FAST, method="linear-probe")
    start = build(encoder, len(task.classes), config)
    found = harden(encoder, task, config)
    assert changed(weights(start), found.model) == {"head.0.weight", "head.0.bias"}


@pytest.mark.parametrize("method", ["standard", "pgd-at", "trades", "gen-af"])
def test_a_method_trains_encoder_and_head_and_repeats_itself(encoder, task, method):
    config = replace(FAST, method=method)
    start = build(encoder, len(task.classes), config)
    first, second = (harden(encoder, task, config).model for _ in range(2))
    moved = changed(weights(start), first)
    assert {"encoder.features.0.weight", "head.0.weight", "head.5.weight"} <= moved
    assert not changed(weights(first), second)


def test_two_optimisers_with_the_published_rates_and_neither_is_made_anew(
    encoder, task, monkeypatch
):
    made = []

    class Counted(torch.optim.Adam):
        def __init__(self, *arguments, **options):
            made.append(options["lr"])
            super().__init__(*arguments, **options)

    monkeypatch.setattr(torch.optim, "Adam", Counted)
    config = replace(FAST, epochs=3, adaptation=replace(SECOND, epochs=3))
    harden(encoder, task, config)
    # Row 26: the published stage 2 makes a new optimiser, without moments, every epoch.
    assert made == [5e-3, 1e-4, 1e-3]


def test_moments_carry_over_from_epoch_to_epoch(encoder, task):
    fit, validation = task.split(0.2)
    model = build(encoder, len(task.classes), FAST)
    stage = second_stage(model.deployed(), ("head.5",), fit, validation, FAST, SECOND)
    methods.train(model, stage, methods.open_accelerator(model.device, None))
    (state, *_) = stage.optimizers[0].state.values()
    assert int(state["step"]) == stage.steps == 2 * (len(fit) // 16)


# -- Row 23: PGD's gradients --------------------------------------------------------


@pytest.mark.parametrize("method", ["pgd-at", "trades", "gen-af"])
def test_an_attack_leaves_no_gradient_no_statistics_and_the_modes(
    encoder, task, method
):
    model = build(encoder, len(task.classes), FAST).train()
    before, modes = weights(model), [part.training for part in model.modules()]
    chosen = objective(replace(FAST, method=method), encoder)
    views = chosen.views(model, task.images_N3HW[:8], task.labels_N[:8], generator())
    assert all(one.grad is None for one in model.parameters())
    assert not any(view.requires_grad for view in views)
    assert not changed(before, model)
    assert [part.training for part in model.modules()] == modes


def test_the_step_takes_the_gradient_of_the_loss_alone(encoder, task, monkeypatch):
    config = replace(
        FAST, method="pgd-at", encoder_learning_rate=1e-9, head_learning_rate=1e-9
    )
    seen = []
    real = torch.optim.Adam.step

    def note(self, *arguments, **options):
        seen.append([p.grad.clone() for g in self.param_groups for p in g["params"]])
        return real(self, *arguments, **options)

    monkeypatch.setattr(torch.optim.Adam, "step", note)
    model = build(encoder, len(task.classes), config)
    fresh = build(encoder, len(task.classes), config)
    stage = replace(first_stage(model, encoder, task.part(0, 16), config), seed=3)
    methods.train(model, stage, methods.open_accelerator(model.device, None))
    order = torch.randperm(16, generator=Generator().manual_seed(methods_mixed(3, 0)))
    images, labels = task.images_N3HW[order], task.labels_N[order]
    attacked = adversarial(fresh, images, labels, config.budget, generator())
    F.cross_entropy(fresh.train().logits(attacked), labels).backward()
    head = [p.grad for p in fresh.head.parameters()]
    for got, expected in zip(seen[0], head, strict=True):
        torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-3)


def methods_mixed(*numbers):
    from reference_impls.gen_af.training import _mixed

    return _mixed(*numbers)


# -- Row 24: one normalisation ------------------------------------------------------


def test_attack_and_training_hand_the_encoder_the_same_pixels(encoder, task):
    """Far from 0, so that an attack on raw pixels would be seen at once."""
    seen = []
    shifted = replace(encoder, mean=(9.0,) * 3, std=(1.0,) * 3)
    model = build(shifted, len(task.classes), FAST)
    model.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    config = replace(FAST, method="gen-af")
    stage = first_stage(model, encoder, task.part(0, 16), config)
    methods.train(model, stage, methods.open_accelerator(model.device, None))
    assert (
        len(seen) == FAST.budget.steps + 1
    )  # the attack's steps, and both tracks at once
    assert min(pixels.min().item() for pixels in seen) >= -9.001
    assert max(pixels.max().item() for pixels in seen) <= -7.999


def test_the_attack_raises_the_loss_of_the_deployed_model_within_its_budget(
    model, task
):
    budget = Budget(epsilon=8 / 255, steps=5, random_start=False)
    attacked = adversarial(model, task.images_N3HW, task.labels_N, budget, generator())
    assert (attacked - task.images_N3HW).abs().max() <= 8 / 255 + 1e-6
    assert attacked.min() >= 0
    assert attacked.max() <= 1
    with torch.no_grad():
        losses = [
            F.cross_entropy(model.logits(i), task.labels_N)
            for i in (task.images_N3HW, attacked)
        ]
    assert losses[1] > losses[0]


# -- Stage 2: exactly the chosen layers ---------------------------------------------


def test_only_the_chosen_layers_move_and_no_statistics(encoder, task):
    config = replace(FAST, adaptation=replace(SECOND, share=0.3))
    alone = harden(encoder, task, FAST).model
    both = harden(encoder, task, config)
    report = both.report.adaptation
    assert len(report.layers) == 3
    moved = changed(weights(alone), both.model)
    # The best epoch may be the one before the first: then nothing moves at all.
    assert {key.rpartition(".")[0] for key in moved} <= set(report.layers)
    assert report.validation[0] <= max(report.validation)


def test_names_match_exactly(encoder, task):
    """Row 26: there, `0.conv1` also unfroze `0.layer1.0.conv1`."""
    model = build(encoder, len(task.classes), FAST)
    fit, validation = task.split(0.2)
    second_stage(model, ("encoder.features.0",), fit, validation, FAST, SECOND)
    free = {name for name, one in model.named_parameters() if one.requires_grad}
    assert free == {"encoder.features.0.weight"}


def test_statistics_of_frozen_layers_do_not_drift(encoder, task):
    model = build(encoder, len(task.classes), FAST)
    fit, validation = task.split(0.2)
    names = ("encoder.features.0", "head.3")
    stage = second_stage(model, names, fit, validation, FAST, SECOND)
    before = weights(model)
    methods.train(
        model,
        replace(stage, validation=None),
        methods.open_accelerator(model.device, None),
    )
    assert changed(before, model) == {
        "encoder.features.0.weight",
        "head.3.weight",
        "head.3.bias",
    }


def test_stage_2_trains_with_dropout_but_with_batch_norms_in_eval_mode(model):
    with_frozen_statistics(model)
    modes = {type(part): part.training for part in model.modules()}
    assert not modes[nn.BatchNorm2d]
    assert modes[nn.Dropout]


def test_the_best_epoch_is_kept_over_all_epochs(encoder, task, monkeypatch):
    """Row 26: there, the best was forgotten at every epoch and the last one won."""
    scripted = iter([0.2, 0.9, 0.5, 0.6])
    kept = []
    monkeypatch.setattr(
        "reference_impls.gen_af.training.accuracy",
        lambda model, _: (kept.append(weights(model)), next(scripted))[1],
    )
    model = build(encoder, len(task.classes), FAST)
    fit, validation = task.split(0.2)
    stage = second_stage(
        model, ("head.5",), fit, validation, FAST, replace(SECOND, epochs=3)
    )
    memory = methods.train(model, stage, methods.open_accelerator(model.device, None))
    assert memory.accuracies == [0.2, 0.9, 0.5, 0.6]
    assert not changed(kept[1], model)
    assert changed(kept[3], model) == {"head.5.weight", "head.5.bias"}


def test_a_guard_keeps_no_epoch_that_costs_too_much_robustness(encoder, task):
    accuracies, robust = [0.2, 0.9, 0.8, 0.7], iter([0.50, 0.30, 0.48, 0.49])
    model = build(encoder, len(task.classes), FAST)
    fit, validation = task.split(0.2)
    second = replace(SECOND, epochs=3, guard=0.02)
    stage = second_stage(model, ("head.5",), fit, validation, FAST, second)
    scripted = replace(stage, robustness=lambda _: next(robust))
    told = iter(accuracies)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reference_impls.gen_af.training.accuracy", lambda *_: next(told))
        memory = methods.train(
            model, scripted, methods.open_accelerator(model.device, None)
        )
    assert memory.kept == 2  # the best has lost too much, the last is not the best
    assert memory.accuracies == accuracies
    assert memory.robust == [0.50, 0.30, 0.48, 0.49]


def test_robust_accuracy_is_that_of_the_attacked_images(model, task):
    expected = adversarial(
        model, task.images_N3HW, task.labels_N, FAST.budget, generator()
    )
    got = methods.robust_accuracy(model, task, FAST)
    assert got == accuracy(model, replace(task, images_N3HW=expected))


@pytest.mark.parametrize("name", ["texture", "size"])
def test_stage_2_uses_the_task_it_was_given(encoder, dataset, name, monkeypatch):
    """Row 25: there, stage 2 read STL-10 whatever stage 1 had been given."""
    seen = []
    real = methods.measure_sensitivity

    def note(model, images, labels, config):
        seen.append(labels)
        return real(model, images, labels, config)

    monkeypatch.setattr(methods, "measure_sensitivity", note)
    harden(encoder, task_of(dataset, name), replace(FAST, adaptation=SECOND))
    assert torch.equal(seen[0], dataset.labels[name][:32])


# -- Losses ---------------------------------------------------------------------------


def outputs(model, images):
    with torch.no_grad():
        return model(images)


def test_the_variants_compare_the_graphs_they_name(model, encoder, task):
    images, labels = task.images_N3HW[:16], task.labels_N[:16]
    near = (images + 0.1).clamp(0, 1)
    clean, attacked = outputs(model, images), outputs(model, near)
    hard = F.cross_entropy(clean.logits_BC, labels, reduction="none")
    teacher = encoder.encode(images)
    graphs = {
        "published": (clean.logits_BC, attacked.logits_BC),
        "as-named": (attacked.logits_BC, clean.logits_BC),
        "frozen-teacher": (attacked.embeddings_BD, teacher),
    }
    entropy = F.cross_entropy(attacked.logits_BC, labels)
    for variant, pair in graphs.items():
        chosen = Genetic(FAST.budget, 20.0, variant, encoder)
        got = chosen.loss([images, near], [clean, attacked], labels)
        torch.testing.assert_close(
            got, entropy + 20 * genetic_loss(*pair, labels, hard)
        )


def test_without_weight_the_genetic_loss_is_that_of_adversarial_fine_tuning(
    model, encoder, task
):
    images, labels = task.images_N3HW[:16], task.labels_N[:16]
    clean, attacked = outputs(model, images), outputs(model, (images + 0.1).clamp(0, 1))
    alone = Adversarial(FAST.budget).loss([], [attacked], labels)
    without = Genetic(FAST.budget, 0.0, "published", encoder)
    torch.testing.assert_close(
        without.loss([images, images], [clean, attacked], labels), alone
    )


def test_trades_adds_the_divergence_to_the_clean_loss(model, task):
    images, labels = task.images_N3HW[:16], task.labels_N[:16]
    clean, near = outputs(model, images), outputs(model, (images + 0.1).clamp(0, 1))
    p, q = clean.logits_BC.softmax(1), near.logits_BC.softmax(1)
    by_hand = sum(
        float(a * (a / b).log())
        for row, other in zip(p, q, strict=True)
        for a, b in zip(row, other, strict=True)
    )
    got = Trades(FAST.budget, 6.0).loss([], [clean, near], labels)
    expected = Plain().loss([], [clean], labels).item() + 6 * by_hand / 16
    assert got.item() == pytest.approx(expected, rel=1e-4)
    assert divergence(clean.logits_BC, clean.logits_BC).abs().max() < 1e-6


def test_trades_seeks_images_on_which_the_answer_differs(model, task):
    images = task.images_N3HW[:16]
    budget = Budget(epsilon=8 / 255, steps=5, random_start=False)
    _, far = Trades(budget, 6.0).views(model, images, task.labels_N[:16], generator())
    noise = images + 8 / 255 * (torch.rand(images.shape, generator=generator()) * 2 - 1)
    apart = [
        divergence(model.logits(images), model.logits(x.clamp(0, 1))).mean()
        for x in (far, noise)
    ]
    assert (far - images).abs().max() <= 8 / 255 + 1e-6
    assert apart[0] > apart[1]


# -- What cannot be done --------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"budget": Budget(epsilon=0.0)}, "epsilon is 0, so gen-af has no adversary"),
        ({"batch": 1}, "hold two images in every part"),
        ({"batch": 16, "accumulate": 3}, "multiple of accumulate"),
        ({"method": "magic"}, "unknown method 'magic'"),
        ({"variant": "odd"}, "unknown variant 'odd'"),
        ({"genetic_weight": -1}, "weights must not be negative"),
        ({"epochs": 0}, "epochs must be above 0"),
        ({"dropout": 1.0}, "shares of 1"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        HardenConfig(**settings)


def test_a_method_without_an_adversary_takes_epsilon_0():
    assert (
        HardenConfig(method="standard", budget=Budget(epsilon=0.0)).budget.epsilon == 0
    )


def test_a_task_of_one_class_is_refused(dataset):
    dataset.labels["size"][:] = 1
    with pytest.raises(
        DatasetError, match=r"all 72 images .* are 'large' in task 'size'"
    ):
        task_of(dataset, "size")


def test_a_label_outside_the_head_is_refused(dataset):
    labels = dict(dataset.labels, size=dataset.labels["size"].clone())
    labels["size"][3] = 2
    with pytest.raises(
        DatasetError, match=r"label 2 .* outside the head: .* 2 classes, 0 to 1"
    ):
        task_of(replace(dataset, labels=labels), "size")


def test_an_unknown_task_is_refused_with_those_there_are(dataset):
    with pytest.raises(
        ConfigError, match="no task 'age'; it has background, foreground"
    ):
        task_of(dataset, "age")


def test_an_encoder_without_batch_norm_goes_through_both_stages(task):
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 8, 4, stride=4), nn.GELU(), nn.Flatten(), nn.LayerNorm(128)
    )
    plain = Encoder.from_module(
        net, name="plain", size=16, mean=(0.5,) * 3, std=(0.25,) * 3
    )
    found = harden(plain, task, replace(FAST, adaptation=replace(SECOND, share=0.5)))
    assert len(found.report.adaptation.layers) == 2
    assert 0 <= accuracy(found.model, task) <= 1


def test_too_few_images_are_refused(encoder, task):
    with pytest.raises(DatasetError, match="do not fill a batch of 16"):
        harden(encoder, task.part(0, 12), FAST)


def test_it_learns_something(encoder):
    """Not only that it runs: a few epochs on a task of two sizes beat guessing."""
    easy = task_of(shapes(320, seed=3, size=16), "background")
    config = replace(FAST, method="standard", epochs=6, encoder_learning_rate=1e-3)
    model: Downstream = harden(encoder, easy, config).model
    assert accuracy(model, task_of(shapes(200, seed=4, size=16), "background")) > 0.4
