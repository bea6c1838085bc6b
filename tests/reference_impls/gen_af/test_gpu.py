"""On a GPU both stages give nearly the CPU's model, also in bfloat16: `pytest -m gpu`."""

from dataclasses import replace

import pytest
import torch

from reference_impls.gen_af.config import (
    AdaptationConfig,
    HardenConfig,
    SensitivityConfig,
)
from reference_impls.gen_af.evaluate import EvaluationConfig, evaluate
from reference_impls.gen_af.method import harden
from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.attacks.universal import random_sign_perturbation

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.usefixtures("exact_arithmetic"),
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
]
DEVICE = torch.device("cuda")
CONFIG = HardenConfig(
    budget=Budget(epsilon=8 / 255, steps=2, random_start=False),
    epochs=2,
    batch=16,
    dropout=0.0,
    hidden=(16, 8),
    adaptation=AdaptationConfig(
        epochs=1,
        images=32,
        share=0.3,
        sensitivity=SensitivityConfig(mode="first-order"),
    ),
)


@pytest.mark.parametrize("method", ["standard", "pgd-at", "trades", "gen-af"])
def test_every_method_takes_the_cpus_steps(encoder, task, method):
    """Signed gradients part ways with rounding; the losses of the first epoch do not yet."""
    config = replace(CONFIG, method=method, adaptation=None, epochs=1)
    losses = {}
    for device in (torch.device("cpu"), DEVICE):
        kept = losses[device.type] = []
        found = harden(
            encoder.copy().to(device),
            task,
            config,
            progress=lambda *step, kept=kept: kept.append(step[2]),
        )
        assert found.model.device.type == device.type
    assert losses[DEVICE.type] == pytest.approx(losses["cpu"], rel=3e-2)


@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_both_stages_and_the_evaluation_run(encoder, task, precision):
    config = replace(CONFIG, precision=precision)
    found = harden(encoder.copy().to(DEVICE), task, config)
    assert len(found.report.adaptation.layers) == 3
    noise = {"noise": random_sign_perturbation(8 / 255, encoder.size, seed=0)}
    settings = EvaluationConfig(epsilon=4 / 255, white_box_images=32)
    accuracies = evaluate(found.model, task, noise, settings)
    assert set(accuracies) == {"clean", "noise", "pgd-10", "pgd-20", "adaptive"}
    assert all(0 <= value <= 1 for value in accuracies.values())
