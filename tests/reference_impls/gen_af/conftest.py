"""A tiny encoder and a tiny task, for tests that train for a few steps."""

import pytest
import torch

from reference_impls.gen_af.config import HardenConfig
from reference_impls.gen_af.model import build, task_of
from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.models.encoders import SmallNetConfig, small_encoder

PIXELS = 16
FAST = HardenConfig(
    budget=Budget(epsilon=8 / 255, steps=2, random_start=False),
    epochs=1,
    batch=16,
    dropout=0.0,
    hidden=(16, 8),
    adaptation=None,
)


@pytest.fixture
def encoder():
    """Random weights, but batch norms whose statistics fit the images."""
    made = small_encoder(
        SmallNetConfig(widths=(8, 8, 16)), name="tiny", size=PIXELS, seed=0
    )
    made.module.train()
    with torch.no_grad():
        for _ in range(30):
            made.encode(shapes(64, seed=9, size=PIXELS).images_N3HW)
    made.module.eval()
    return made


@pytest.fixture
def dataset():
    return shapes(72, seed=1, size=PIXELS)


@pytest.fixture
def task(dataset):
    return task_of(dataset, "foreground")


@pytest.fixture
def model(encoder, task):
    return build(encoder, len(task.classes), FAST).deployed()
