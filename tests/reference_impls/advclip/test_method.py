"""AdvCLIP's equations by themselves, and attacks whose effect is measured."""

import math

import pytest
import torch
from torch.nn import functional as F

from reference_impls.advclip.method import (
    AdvCLIPConfig,
    attack,
    contrastive_loss,
    quality_loss,
    similarity_graph,
    topology_deviation,
    topology_loss,
)
from reference_impls.lab.attacks.universal import (
    UniversalPatch,
    UniversalPerturbation,
    random_patch,
    random_sign_perturbation,
)
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.patches import PatchSpec
from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.errors import ConfigError, DatasetError, EncoderError
from reference_impls.lab.models.contrastive import info_nce
from reference_impls.lab.models.encoders import SmallNetConfig, embed_all, small_encoder
from reference_impls.lab.models.image_text import ImageText

SPEC = PatchSpec(share=0.1)
FAST = AdvCLIPConfig(steps=60, batch=24, patch=SPEC)


def rows(seed, shape=(5, 4)):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def bernoulli(q, p):
    return q * math.log(q / p) + (1 - q) * math.log((1 - q) / (1 - p))


class TestTopology:
    THREE = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])

    def test_the_graph_of_three_points_by_hand(self):
        # Distances 1, 2, 1; the nearest is at 1 for all, so relative 0 or 1.
        expected = torch.tensor([[0.4, 0.4, 0.2], [1 / 3] * 3, [0.2, 0.4, 0.4]])
        torch.testing.assert_close(similarity_graph(self.THREE), expected)

    def test_the_deviation_of_three_points_by_hand(self):
        # Orthogonal rows are all equally far: a third each.
        one_row = 2 * bernoulli(1 / 3, 0.4) + bernoulli(1 / 3, 0.2)
        found = topology_deviation(self.THREE, torch.eye(3))
        assert found.item() == pytest.approx(2 * one_row, rel=1e-5)

    def test_it_is_zero_for_equal_embeddings_at_any_length(self):
        assert topology_deviation(rows(1), 3 * rows(1)).item() == pytest.approx(
            0, abs=1e-5
        )

    def test_it_is_positive_otherwise_and_not_symmetric(self):
        there = topology_deviation(rows(1), rows(2)).item()
        back = topology_deviation(rows(2), rows(1)).item()
        assert there > 0
        assert back > 0
        assert there != pytest.approx(back, rel=1e-3)

    def test_it_does_not_depend_on_the_order_of_the_images(self):
        order = torch.tensor([3, 1, 4, 0, 2])
        torch.testing.assert_close(
            topology_deviation(rows(1), rows(2)),
            topology_deviation(rows(1)[order], rows(2)[order]),
        )

    def test_it_agrees_with_the_double_loop(self):
        p, q = (similarity_graph(rows(seed)).tolist() for seed in (1, 2))
        expected = sum(bernoulli(q[i][j], p[i][j]) for i in range(5) for j in range(5))
        found = topology_deviation(rows(1), rows(2)).item()
        assert found == pytest.approx(expected, rel=1e-4)

    def test_rows_are_distributions_even_for_opposite_points(self):
        graph = similarity_graph(torch.tensor([[1.0, 0], [1.0, 0], [-1.0, 0]]))
        torch.testing.assert_close(graph.sum(dim=1), torch.ones(3))
        assert (graph >= 0).all()
        assert topology_deviation(torch.eye(3), torch.ones(3, 3)).isfinite()

    def test_its_gradient_is_the_one_of_finite_differences(self):
        first, second = (rows(s).double().requires_grad_() for s in (1, 2))
        assert torch.autograd.gradcheck(topology_deviation, (first, second))


class TestLosses:
    def test_the_contrastive_loss_is_both_parts(self):
        changed, clean, texts = rows(1), rows(2), rows(3)
        expected = -info_nce(clean, changed) - 5 * info_nce(changed, texts)
        found = contrastive_loss(changed, clean, texts, AdvCLIPConfig())
        torch.testing.assert_close(found, expected)

    def test_the_topology_loss_is_both_parts(self):
        changed, clean, texts = rows(1), rows(2), rows(3)
        expected = -topology_deviation(clean, changed)
        expected = expected - 5 * topology_deviation(changed, texts)
        found = topology_loss(changed, clean, texts, AdvCLIPConfig())
        torch.testing.assert_close(found, expected)

    def test_without_texts_the_images_parts_are_left(self):
        changed, clean = rows(1), rows(2)
        config = AdvCLIPConfig()
        torch.testing.assert_close(
            contrastive_loss(changed, clean, None, config), -info_nce(clean, changed)
        )
        torch.testing.assert_close(
            topology_loss(changed, clean, None, config),
            -topology_deviation(clean, changed),
        )

    def test_losses_fall_as_images_leave_their_texts(self):
        texts, config = torch.eye(6), AdvCLIPConfig()
        near, far = torch.eye(6), torch.eye(6).roll(1, 0)
        for loss in (contrastive_loss, topology_loss):
            assert loss(far, near, texts, config) <= loss(near, near, texts, config)

    def test_quality_is_the_mean_squared_change(self):
        assert quality_loss(torch.ones(2, 3, 4, 4), torch.zeros(2, 3, 4, 4)) == 1


@pytest.fixture(scope="module")
def victim(tiny_clip):
    return ImageText.of_clip(tiny_clip)


@pytest.fixture(scope="module")
def surrogate():
    return shapes(192, seed=77, size=16)


@pytest.fixture(scope="module")
def fresh():
    return shapes(192, seed=78, size=16)


def moved(victim, change, dataset):
    """Mean cosine between images before and after."""
    images = dataset.images_N3HW
    before = embed_all(victim.image, images)
    after = embed_all(victim.image, change.apply(images))
    return F.cosine_similarity(before, after).mean().item()


@pytest.mark.parametrize("crafter", ["direct", "generator"])
def test_a_crafted_patch_moves_new_images_much_further_than_a_random_one(
    crafter, victim, surrogate, fresh
):
    config = AdvCLIPConfig(crafter=crafter, steps=90, batch=24, patch=SPEC)
    patch = attack(victim, surrogate, config)
    assert isinstance(patch, UniversalPatch)
    control = random_patch(SPEC, 16, seed=1)
    assert torch.equal(patch.mask_HW, control.mask_HW)
    assert 1 - moved(victim, patch, fresh) > 1.5 * (1 - moved(victim, control, fresh))


def test_a_crafted_perturbation_keeps_its_bound_and_beats_random_signs(
    victim, surrogate, fresh
):
    config = AdvCLIPConfig(crafter="linf", epsilon=16 / 255, steps=60, batch=24)
    change = attack(victim, surrogate, config)
    assert isinstance(change, UniversalPerturbation)
    assert change.delta_3HW.abs().max() <= 16 / 255 + 1e-6
    control = random_sign_perturbation(16 / 255, 16, seed=1)
    assert 1 - moved(victim, change, fresh) > 2 * (1 - moved(victim, control, fresh))


def test_a_patch_for_random_places_works_at_random_places(victim, surrogate, fresh):
    spec = PatchSpec(share=0.1, place="random")
    patch = attack(victim, surrogate, AdvCLIPConfig(steps=60, batch=24, patch=spec))
    images, draw = fresh.images_N3HW, torch.Generator().manual_seed(0)
    before = embed_all(victim.image, images)
    after = embed_all(victim.image, patch.apply_randomly(images, draw))
    draw.manual_seed(0)
    noise = random_patch(spec, 16, seed=1).apply_randomly(images, draw)
    control = embed_all(victim.image, noise)
    assert (
        F.cosine_similarity(before, after).mean()
        < F.cosine_similarity(before, control).mean()
    )


def test_the_seed_decides_and_the_victim_is_left_alone(victim, surrogate):
    before = {k: v.clone() for k, v in victim.image.module.state_dict().items()}
    for weight in victim.image.module.parameters():
        weight.grad = None
    config = AdvCLIPConfig(steps=3, batch=8, patch=SPEC)
    one, again = (attack(victim, surrogate, config) for _ in range(2))
    assert torch.equal(one.pattern_3HW, again.pattern_3HW)
    other = attack(
        victim, surrogate, AdvCLIPConfig(steps=3, batch=8, patch=SPEC, seed=1)
    )
    assert not torch.equal(one.pattern_3HW, other.pattern_3HW)
    after = victim.image.module.state_dict()
    assert all(torch.equal(before[k], after[k]) for k in before)
    assert all(p.grad is None for p in victim.image.module.parameters())


@pytest.mark.parametrize("crafter", ["direct", "generator", "linf"])
def test_micro_batches_give_the_same_patch(crafter, victim, surrogate):
    def crafted(micro_batch):
        config = AdvCLIPConfig(
            crafter=crafter, steps=4, batch=12, patch=SPEC, micro_batch=micro_batch
        )
        change = attack(victim, surrogate, config)
        return change.apply(surrogate.images_N3HW[:4])

    torch.testing.assert_close(crafted(5), crafted(None), atol=2e-3, rtol=0)


def test_a_killed_attack_goes_on_and_ends_with_the_same_patch(
    victim, surrogate, tmp_path
):
    config = AdvCLIPConfig(crafter="generator", steps=60, batch=8, patch=SPEC)
    path = tmp_path / "checkpoint"

    def killer(step, *_):
        if step == 52:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attack(victim, surrogate, config, checkpoint=path, progress=killer)
    resumed = attack(victim, surrogate, config, checkpoint=path)
    whole = attack(victim, surrogate, config)
    assert torch.equal(resumed.pattern_3HW, whole.pattern_3HW)


def test_clean_images_and_texts_are_encoded_once(victim, surrogate, monkeypatch):
    seen = {"images": 0, "texts": 0}

    def text(captions):
        seen["texts"] += len(captions)
        return victim.text(captions)

    hook = victim.image.module.register_forward_hook(
        lambda module, inputs, output: seen.__setitem__(
            "images", seen["images"] + len(inputs[0])
        )
    )
    # What accelerates would bypass the hook; the count is of the victim as it is.
    monkeypatch.setattr(
        "reference_impls.advclip.method.accelerated", lambda encoder, bf16: encoder
    )
    try:
        counted = ImageText(image=victim.image, text=text)
        attack(counted, surrogate, AdvCLIPConfig(steps=5, batch=8, patch=SPEC))
    finally:
        hook.remove()
    assert seen["texts"] == len(surrogate)
    # Once all, once a batch to see whether the encoder works, then one batch per step.
    assert seen["images"] == len(surrogate) + 8 + 5 * 8


class TestBadInput:
    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"crafter": "magic"}, "'magic'; choose one of direct, generator, linf"),
            ({"epsilon": 0}, r"epsilon must lie in \(0, 1\].*got 0"),
            ({"epsilon": 2}, "got 2"),
            ({"steps": 0}, "steps must be above 0"),
            ({"batch": 2}, "at least 3 images"),
            ({"micro_batch": 0}, "micro_batch must be above 0"),
            ({"learning_rate": 0}, "learning_rate must be above 0"),
            ({"text_weight": -1}, "text_weight must not be negative"),
            ({"gan_weight": float("nan")}, "gan_weight must not be negative, got nan"),
        ],
    )
    def test_settings_out_of_range_are_refused(self, settings, message):
        with pytest.raises(ConfigError, match=message):
            AdvCLIPConfig(**settings)

    def test_a_patch_larger_than_the_image_is_refused(self, victim, surrogate):
        config = AdvCLIPConfig(steps=1, batch=8, patch=PatchSpec(share=1.0))
        with pytest.raises(ConfigError, match="does not fit on 16x16"):
            attack(victim, surrogate, config)

    def test_a_missing_text_tower_is_refused_where_a_loss_needs_it(
        self, victim, surrogate
    ):
        blind = ImageText(image=victim.image)
        with pytest.raises(ConfigError, match="has no text tower"):
            attack(blind, surrogate, FAST)
        config = AdvCLIPConfig(
            steps=1, batch=8, patch=SPEC, text_weight=0, text_topology_weight=0
        )
        assert isinstance(attack(blind, surrogate, config), UniversalPatch)

    def test_a_dataset_without_captions_is_refused_where_a_loss_needs_them(
        self, victim, surrogate
    ):
        silent = Dataset(name="silent", images_N3HW=surrogate.images_N3HW)
        with pytest.raises(DatasetError, match="silent has no captions"):
            attack(victim, silent, FAST)

    def test_a_caption_that_the_tokenizer_cannot_read_is_refused(
        self, victim, surrogate
    ):
        odd = surrogate.take(range(30))
        captions = ("a large zebra circle on a plain red background",) * 30
        odd = Dataset(name="odd", images_N3HW=odd.images_N3HW, captions=captions)
        with pytest.raises(DatasetError, match="'zebra'"):
            attack(victim, odd, FAST)

    def test_images_of_another_size_are_refused(self, victim):
        with pytest.raises(EncoderError, match=r"\(3, 16, 16\), got \(3, 20, 20\)"):
            attack(victim, shapes(30, seed=0, size=20), FAST)

    def test_fewer_images_than_a_batch_are_refused(self, victim, surrogate):
        with pytest.raises(DatasetError, match="fewer than one batch of 24"):
            attack(victim, surrogate.first(10), FAST)

    def test_a_constant_encoder_is_refused(self, surrogate):
        dead = small_encoder(
            SmallNetConfig(widths=(8, 8, 16)), name="dead", size=16, seed=0
        )
        for weight in dead.module.parameters():
            weight.zero_()
        with pytest.raises(EncoderError, match="constant"):
            attack(ImageText(image=dead), surrogate, FAST)
