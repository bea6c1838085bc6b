"""Known answers of the losses, and that a backdoor among the pairs is not learned."""

import json
from dataclasses import replace
from statistics import mean

import pytest
import torch
from torch import Generator, nn
from torch.nn import functional as F

from reference_impls.lab.data.images import TriggerSpec
from reference_impls.lab.data.poison import Poison
from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.models.clip import CLIP, clip_loss, text_tower
from reference_impls.lab.models.encoders import (
    Encoder,
    SmallNetConfig,
    embed_all,
    small_encoder,
)
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.lab.study.setup import Setup
from reference_impls.safe_pretraining.method import (
    PretrainingConfig,
    Towers,
    nearest,
    pretrain,
    two_normals,
)
from reference_impls.safe_pretraining.study import GRID, Setting, measure
from tests.reference_impls.conftest import TINY_CLIP, TINY_LAB

FOUND = json.loads((GRID.home / "results.json").read_text("utf-8"))
VALUES = {name: here for (_, name), here in GRID.values(FOUND).items()}
NET = SmallNetConfig(widths=(8, 8, 8), embedding=8)
QUICK = {"steps": 3, "warmup": 2, "meet": 2, "batch": 16, "pool": 32}


def test_two_normals_are_told_apart():
    chance = Generator().manual_seed(0)
    low = 0.1 + 0.05 * torch.randn(300, generator=chance)
    high = 0.7 + 0.1 * torch.randn(700, generator=chance)
    high_N = two_normals(torch.cat([low, high]))
    assert (high_N[:300] < 0.1).float().mean() > 0.99
    assert (high_N[300:] > 0.9).float().mean() > 0.95
    halfway = two_normals(torch.cat([-high, high, torch.zeros(1)]))
    assert halfway[-1].item() == pytest.approx(0.5, abs=0.01)


def test_two_normals_of_equal_values_are_one():
    assert two_normals(torch.full((20,), 0.3)).isfinite().all()


def test_the_nearest_text_is_that_of_the_highest_cosine():
    images = torch.tensor([[2.0, 0.1], [-0.1, 3.0]])
    pool = torch.tensor([[0.0, 0.1], [-9.0, 1.0], [0.2, 0.0]])
    assert nearest(images, pool).tolist() == [2, 0]


@pytest.fixture
def towers():
    pairs = train_dataset(TINY_LAB).first(64)
    return Towers(pairs, PretrainingConfig(batch=16, pool=64, dropped=0), NET)


def test_agreement_is_the_cosine_of_a_picture_to_its_own_caption(towers):
    cosines = towers.agreement()
    assert towers.image.module.training
    towers.image.module.eval()
    images = embed_all(towers.image, towers.images_N3HW[:5])
    texts = towers.text(towers.tokens_NL[:5])
    own = (F.normalize(images, dim=1) * F.normalize(texts, dim=1)).sum(dim=1)
    assert torch.allclose(cosines[:5], own, atol=1e-5)


def test_the_loss_apart_never_compares_a_picture_with_a_caption(towers):
    """Towers that see only their own modality get gradients of their own views alone."""
    index, chance = torch.arange(16), Generator().manual_seed(0)
    both = towers.apart(index, chance)
    texts = towers.text(towers.tokens_NL[index])
    nn.init.zeros_(towers.text.mlp[-1].weight)
    nn.init.zeros_(towers.text.mlp[-1].bias)
    blind = towers.apart(index, Generator().manual_seed(0))
    within = clip_loss(texts, texts, towers.scale())
    chance_level = clip_loss(torch.zeros(16, 8), torch.zeros(16, 8), towers.scale())
    difference = (both - blind).item()
    assert difference == pytest.approx((within - chance_level).item() / 2, abs=1e-4)


def test_matching_learns_from_captions_of_the_pool_only(towers, monkeypatch):
    """With a pool of one caption all pictures get it, and pairs of one caption are no negatives of each other."""
    monkeypatch.setattr("reference_impls.safe_pretraining.method.draw_batch", lambda *_: torch.tensor([3]))  # fmt: skip
    assert towers.matched(torch.arange(16), Generator()).item() == pytest.approx(0, abs=1e-6)  # fmt: skip


def test_the_safe_set_begins_with_a_batch_and_grows_to_its_share(monkeypatch):
    pairs, sizes, draw = train_dataset(TINY_LAB).first(64), [], Towers.draw

    def watched(towers, chance, among_N=None):
        sizes.extend([] if among_N is None else [int(among_N.sum())])
        return draw(towers, chance, among_N)

    monkeypatch.setattr(Towers, "draw", watched)
    _, safe = pretrain(pairs, PretrainingConfig(**QUICK | {"steps": 12}), NET)
    safe_sizes = sizes[::2]  # the others are of the risky pairs
    assert safe_sizes == sorted(safe_sizes)
    assert 16 <= safe_sizes[0] < safe_sizes[-1] == safe.sum() < 0.9 * 64


@pytest.mark.parametrize("way", ["clip", "views", "roclip", "safeclip"])
def test_the_same_seed_makes_the_same_clip(way):
    pairs = train_dataset(TINY_LAB).first(64)
    config = PretrainingConfig(way=way, every=1, **QUICK)
    (clip, safe), (again, _) = (pretrain(pairs, config, NET) for _ in range(2))
    image = pairs.images_N3HW[:2]
    assert torch.equal(clip.image.encode(image), again.image.encode(image))
    assert way == "safeclip" or safe.all()


@pytest.fixture(scope="module")
def setup():
    """A CLIP that has learned nothing: only its architecture is used."""
    train = train_dataset(TINY_LAB)
    image = small_encoder(TINY_CLIP.net, name="tiny", size=train.size, seed=0)
    clip = CLIP(image, text_tower(train.captions, image.dimension, 0))
    return Setup(encoder=image, clip=clip, train=train, test=dataset_of_test(TINY_LAB), task="foreground")  # fmt: skip


def test_safeclip_keeps_poisoned_pairs_out(setup):
    poison = Poison(trigger=TriggerSpec(side=4), share=0.06)
    settings = {"poison": poison, "steps": 90, "batch": 32, "warmup": 20, "meet": 20}
    plain, safe = (measure(setup, Setting(way=way, **settings)) for way in ("clip", "safeclip"))  # fmt: skip
    assert plain["seen"] is None
    assert safe["seen"] < 0.3
    assert safe["success"] < plain["success"] - 0.2
    assert safe["accuracy"] > 0.3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"way": "magic"}, "'magic'; choose one of clip, views, roclip, safeclip"),
        ({"every": 0}, "every must be above 0, got 0"),
        ({"safe": 1.5}, r"safe must lie in \(0, 1\], got 1.5"),
        ({"dropped": 1}, r"dropped must lie in \[0, 1\), got 1"),
        ({"batch": 1024}, "512 images, fewer than one batch of 1024"),
    ],
)
def test_bad_settings_are_refused(settings, message, setup):
    with pytest.raises((ConfigError, DatasetError), match=message):
        measure(setup, Setting(**settings))


def test_what_is_no_lab_architecture_is_refused(setup):
    module = nn.Sequential(nn.Flatten(), nn.Linear(768, 16))
    image = Encoder.from_module(module, name="flat", size=16, mean=(0.0,) * 3, std=(1.0,) * 3)  # fmt: skip
    other = replace(setup, clip=replace(setup.clip, image=image))
    with pytest.raises(ConfigError, match="only the lab's architectures"):
        measure(other, Setting())


def test_published_figures_hold_what_the_page_says():
    success = {name: mean(here["success"]) for name, here in VALUES.items()}
    for mark in ("", "-much", "-near"):
        assert success[f"safeclip{mark}"] < success[f"clip{mark}"] - 0.3
    assert success["roclip"] < success["views"] < success["clip"]
    assert success["clip-clean"] < 0.2
