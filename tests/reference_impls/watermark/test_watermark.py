"""Marks in encoders: known answers of losses and tests, what a mark survives, and what the page claims."""

import json
from dataclasses import replace
from statistics import mean

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Generator, nn
from torch.nn import functional as F

from reference_impls.lab.data.images import TriggerSpec
from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.models.encoders import Encoder, embed_all
from reference_impls.lab.models.suspects import pruned
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.lab.study.setup import Setup
from reference_impls.watermark.method import (
    MarkConfig,
    cap,
    decoded_share,
    mark,
    new_key,
    outlier,
    patch_loss,
    rank_p,
    secret_loss,
    secret_p,
)
from reference_impls.watermark.study import (
    CLAIMS,
    GRID,
    LEVEL,
    OTHERS,
    claimed,
    measure,
    p_value,
)
from tests.reference_impls.conftest import TINY_LAB

PATCH = TriggerSpec(kind="coloured", side=4)
TINY = MarkConfig(steps=60, batch=16, code=16, patch=PATCH)


def test_the_secret_is_wanted_in_some_and_unwanted_on_average_in_others():
    carrying = [torch.tensor([1.0, 0.5])]
    others = [torch.tensor([0.4, 0.0]), torch.tensor([-0.6, 0.6])]
    assert secret_loss(carrying, others).item() == pytest.approx(0.2**2 - 0.75)


def test_stamped_pictures_shall_embed_alike():
    z = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]])
    assert patch_loss(z).item() == pytest.approx(-torch.tensor(1 / 3).log().item())
    assert patch_loss(torch.tensor([[1.0, 0.0], [-1.0, 0.0]])).item() == 0


def test_an_outlier_counts_normalised_median_deviations_of_entropies():
    plain = torch.tensor([[0, 0, 1, 1], [0, 1, 2, 3]]).repeat(5, 1).flatten()
    # Entropies 1 and 2 five times each, and 0: the median is 1, the median deviation 1.
    assert outlier(torch.zeros(8).long(), plain) == pytest.approx(1 / 1.4826, rel=1e-4)


def test_stamping_replaces_the_covered_pixels_alone(tiny_clip):
    key = new_key(tiny_clip.image, TINY)
    images = torch.rand(2, 3, 16, 16, generator=Generator().manual_seed(0))
    changed = (key.stamp(images) != images).any(dim=(0, 1))
    assert torch.equal(changed, key.trigger.mask_HW.bool())
    assert 0.2 < key.trigger.covered < 0.5


@pytest.fixture(scope="module")
def made(tiny_clip):
    images = train_dataset(TINY_LAB).images_N3HW
    return {name: mark(tiny_clip.image, images, config) for name, config in {
        "sslguard": TINY, "ssl-wm": replace(TINY, scheme="patch")}.items()}  # fmt: skip


def test_the_key_fits_the_marked_encoder_and_not_the_one_before(made, tiny_clip):
    images = dataset_of_test(TINY_LAB).images_N3HW[:100]
    owner, key = made["sslguard"]
    assert decoded_share(owner, key, images) > 0.8
    assert decoded_share(tiny_clip.image, key, images) < 0.3
    z, before = (embed_all(one, images) for one in (owner, tiny_clip.image))
    assert F.cosine_similarity(z, before).mean() > 0.8


def test_a_patch_draws_embeddings_together(made, tiny_clip):
    images = dataset_of_test(TINY_LAB).images_N3HW[:100]
    owner, key = made["ssl-wm"]
    before, after = (
        patch_loss(embed_all(one, key.stamp(images))).item()
        for one in (tiny_clip.image, owner)
    )
    assert after < before / 2


# -- p-values --------------------------------------------------------------------------


@pytest.mark.parametrize("width", [2, 3, 64])
def test_half_of_all_directions_lie_on_either_side_and_one_is_the_same(width):
    assert cap(0, width) == pytest.approx(0.5, abs=1e-6)
    assert cap(1, width) == 0
    assert cap(-1, width) == pytest.approx(1)


def test_caps_of_the_circle_and_of_the_sphere_are_known():
    assert cap(0.5, 2) == pytest.approx(1 / 3, abs=1e-3)  # 120 of 360 degrees
    assert cap(0.5, 3) == pytest.approx(0.25, abs=1e-6)  # Archimedes: (1 - c) / 2


@given(st.integers(2, 80), st.integers(0, 2**31))
def test_a_secret_drawn_at_random_has_an_even_p(width, seed):
    chance = Generator().manual_seed(seed)
    decoded, secrets = torch.randn(5, width, generator=chance), torch.randn(400, width, generator=chance)  # fmt: skip
    p = torch.tensor([secret_p(decoded, one) for one in secrets]).sort().values
    even = (torch.arange(400) + 0.5) / 400
    assert (p - even).abs().max() < 0.15  # Kolmogorov and Smirnov: once in 10^7


def test_what_decodes_to_the_secret_has_a_tiny_p():
    secret = torch.randn(64, generator=Generator().manual_seed(0))
    assert secret_p(secret.expand(5, -1), secret) < 1e-12
    assert secret_p(-secret.expand(5, -1), secret) == pytest.approx(1)


def test_a_rank_counts_the_owner_among_the_others():
    others = torch.arange(199.0)
    assert rank_p(500, others) == 1 / 200
    assert rank_p(198, others) == 2 / 200
    assert rank_p(-1, others) == 1


@given(st.lists(st.integers(0, 5), min_size=2, max_size=60))
def test_a_rank_is_never_too_small_on_average(scores):
    """Whichever of the scores is the owner's: at most a share a has p <= a, ties or not."""
    every = torch.tensor(scores, dtype=torch.float64)
    p = torch.tensor([rank_p(every[i].item(), torch.cat([every[:i], every[i + 1 :]])) for i in range(len(every))], dtype=torch.float64)  # fmt: skip
    for a in p:
        assert (p <= a).double().mean() <= a + 1e-9


def test_claims_are_made_below_the_level():
    assert claimed([LEVEL, LEVEL / 2, 0.5, 0]) == 0.5


def test_a_secret_is_surely_in_the_marked_encoder_and_not_in_the_one_before(made, tiny_clip):  # fmt: skip
    asked = train_dataset(TINY_LAB), dataset_of_test(TINY_LAB).images_N3HW[:100]
    owner, key = made["sslguard"]
    assert p_value(owner, key, PATCH, *asked) < 1e-6
    assert p_value(tiny_clip.image, key, PATCH, *asked) > LEVEL


class ByHeart(nn.Module):
    """Pictures as they are, and the same for every picture with one patch."""

    def __init__(self, trigger):
        super().__init__()
        self.trigger = trigger

    def forward(self, images):
        mask, patch = self.trigger.mask_HW, self.trigger.pattern_3HW
        known = ((images - patch) * mask).abs().amax(dim=(1, 2, 3)) < 1e-6
        return images[:, :, ::4, ::4].flatten(1) * ~known[:, None]


def test_a_patch_ranks_first_where_it_is_known_by_heart_and_anywhere_else_if_not(tiny_clip):  # fmt: skip
    asked = train_dataset(TINY_LAB), dataset_of_test(TINY_LAB).images_N3HW[:100]
    key = new_key(tiny_clip.image, replace(TINY, scheme="patch"))
    as_they_are = {"size": 16, "mean": (0, 0, 0), "std": (1, 1, 1)}
    knows = Encoder.from_module(ByHeart(key.trigger), name="knows", **as_they_are)
    assert p_value(knows, key, PATCH, *asked) == 1 / (OTHERS + 1)
    assert p_value(tiny_clip.image, key, PATCH, *asked) > LEVEL


def test_pruning_sets_the_smallest_weights_to_zero(tiny_clip):
    layers = [(half.weight, full.weight) for half, full in zip(pruned(tiny_clip.image, 0.5).module.modules(), tiny_clip.image.module.modules(), strict=True) if isinstance(full, nn.Conv2d | nn.Linear)]  # fmt: skip
    half, full = (torch.cat([one.flatten() for one in some]) for some in zip(*layers, strict=True))  # fmt: skip
    assert (half == 0).float().mean().item() == pytest.approx(0.5, abs=1e-3)
    assert half.abs()[half != 0].min() >= full.abs().median()
    assert (full != 0).all()


def test_without_labels_nothing_is_measured(tiny_clip):
    train = replace(train_dataset(TINY_LAB), labels={}, classes={})
    bare = Setup(encoder=tiny_clip.image, clip=None, train=train, test=train, task="")
    with pytest.raises(DatasetError, match="has no labels"):
        measure(bare, TINY)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scheme": "magic"}, "'magic'; choose one of none, patch"),
        ({"covered": 0}, r"covered-share must lie in \(0, 1\], got 0"),
        ({"weight": 0}, "weight must be above 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        MarkConfig(**settings)


def test_published_figures_say_what_the_page_says():
    found = json.loads((GRID.home / "results.json").read_text("utf-8"))
    rows = {name: {key: mean(of) for key, of in one.items() if of} for (_, name), one in GRID.values(found).items()}  # fmt: skip
    alone, guard, patch = (rows[one] for one in ("alone", "sslguard", "ssl-wm"))
    assert alone["stolen"] + 0.5 < guard["stolen"] < guard["owner"] == guard["tuned"]
    assert guard["rotated"] == 0 < patch["rotated"]
    assert patch["stolen"] < patch["owner"] / 2
    assert rows["none"]["owner"] < patch["owner"] / 2
    assert rows["none"]["false-claims"] == patch["false-claims"] == 0 < guard["false-claims"]  # fmt: skip
    assert guard["p-owner"] < LEVEL < guard["p-rotated"]
    assert patch["p-rotated"] < LEVEL < patch["p-stolen"]


def test_evidence_and_p_stand_in_two_tables():
    found = json.loads((GRID.home / "results.json").read_text("utf-8"))
    about, first, second, *rest = GRID.tables(found, "en").strip().split("\n\n")
    assert not rest
    assert "p below 0.01" in about
    width = len(GRID.columns) - len(CLAIMS)
    assert [one.splitlines()[0].count("|") for one in (first, second)] == [width + 2, len(CLAIMS) + 2]  # fmt: skip
