import math

import pytest
import torch
from torch.nn import functional as F

from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.models import training
from reference_impls.lab.models.encoders import SmallNetConfig
from reference_impls.lab.models.training import (
    SimCLRConfig,
    fine_tuning_learner,
    nt_xent,
    train_simclr,
)

NET = SmallNetConfig(widths=(8, 8, 16))
TINY = SimCLRConfig(steps=6, batch=8, net=NET, bf16=False)


@pytest.fixture(scope="module")
def dataset():
    return shapes(64, seed=0, size=16)


def rows(seed, shape=(5, 4)):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_nt_xent_agrees_with_the_double_loop():
    first, second, temperature = rows(1), rows(2), 0.3
    views = F.normalize(torch.cat([first, second]), dim=1)
    losses = []
    for i in range(10):
        partner = (i + 5) % 10
        similarities = [
            math.exp(float(views[i] @ views[k]) / temperature)
            for k in range(10)
            if k != i
        ]
        own = math.exp(float(views[i] @ views[partner]) / temperature)
        losses.append(-math.log(own / sum(similarities)))
    assert nt_xent(first, second, temperature).item() == pytest.approx(
        sum(losses) / 10, rel=1e-5
    )


def test_nt_xent_is_symmetric_in_the_two_views():
    torch.testing.assert_close(
        nt_xent(rows(1), rows(2), 0.2), nt_xent(rows(2), rows(1), 0.2)
    )


def test_nt_xent_of_a_constant_encoder_is_the_logarithm_of_the_others():
    same = torch.ones(5, 4)
    assert nt_xent(same, same, 0.2).item() == pytest.approx(math.log(9))


def weights(encoder):
    return torch.cat(
        [values.flatten() for values in encoder.module.state_dict().values()]
    )


def test_the_same_seed_trains_the_same_encoder(dataset):
    one, same = (train_simclr(dataset, TINY) for _ in range(2))
    other = train_simclr(
        dataset, SimCLRConfig(steps=6, batch=8, net=NET, bf16=False, seed=1)
    )
    assert torch.equal(weights(one), weights(same))
    assert not torch.equal(weights(one), weights(other))


def test_a_trained_encoder_is_frozen_and_in_eval_mode(dataset):
    module = train_simclr(dataset, TINY).module
    assert not module.training
    assert not any(weight.requires_grad for weight in module.parameters())


class KilledError(Exception):
    """Stands for a kill."""


def test_a_killed_run_goes_on_and_ends_where_it_would_have(
    dataset, tmp_path, monkeypatch
):
    monkeypatch.setattr(training, "CHECKPOINT_EVERY", 2)
    whole = train_simclr(dataset, TINY)
    steps = []

    def die_at_five(step, total, loss):
        if step == 5:
            raise KilledError

    with pytest.raises(KilledError):
        train_simclr(dataset, TINY, checkpoint=tmp_path / "c.pt", progress=die_at_five)
    assert (tmp_path / "c.pt").exists()
    resumed = train_simclr(
        dataset,
        TINY,
        checkpoint=tmp_path / "c.pt",
        progress=lambda step, *_: steps.append(step),
    )
    assert steps[0] > 1
    assert torch.equal(weights(resumed), weights(whole))
    assert not list(tmp_path.iterdir())


def test_fine_tuning_moves_convolutions_and_leaves_batchnorm_alone():
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten()
    )
    before = {name: value.clone() for name, value in net.state_dict().items()}
    learner = fine_tuning_learner({"net": net}, steps=3, learning_rate=0.01, seed=0)

    def loss_of_step(generator):
        return net(torch.rand(2, 3, 8, 8, generator=generator)).square().mean()

    training.fit(loss_of_step, learner, steps=3)
    moved = {n for n, v in net.state_dict().items() if not torch.equal(v, before[n])}
    assert moved == {"0.weight", "0.bias"}


def test_training_draws_nothing_from_the_global_stream(dataset):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train_simclr(dataset, TINY)
    assert torch.equal(torch.rand(3), expected)


def test_too_few_images_are_refused(dataset):
    with pytest.raises(DatasetError, match="64 images, fewer than one batch of 128"):
        train_simclr(dataset, SimCLRConfig(steps=1))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SimCLRConfig(steps=0), "steps must be above 0, got 0"),
        (lambda: SimCLRConfig(temperature=-1), "temperature must be above 0, got -1"),
    ],
)
def test_bad_settings_say_what_they_got(build, message):
    with pytest.raises(ConfigError, match=message):
        build()
