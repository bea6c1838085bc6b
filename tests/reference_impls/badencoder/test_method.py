"""BadEncoder's equations by themselves, and an attack that is measured."""

import pytest
import torch
from torch import nn

from reference_impls.badencoder.method import (
    BadEncoderConfig,
    attack,
    consistency_loss,
    effectiveness_loss,
    evasion_loss,
    utility_loss,
)
from reference_impls.decree.population import make
from reference_impls.lab.data.images import TriggerSpec
from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.errors import ConfigError, DatasetError, EncoderError
from reference_impls.lab.models.encoders import SmallNetConfig, embed_all, small_encoder
from reference_impls.lab.models.zoo import scan_dataset
from tests.reference_impls.conftest import ATTACK

NET = SmallNetConfig(widths=(8, 8, 16))
TINY = BadEncoderConfig(trigger=TriggerSpec(side=3), steps=6, batch=8, bf16=False)


@pytest.fixture(scope="module")
def shadow():
    return shapes(32, seed=0, size=16)


def clean(seed=0):
    return small_encoder(NET, name="clean", size=16, seed=seed)


def rows(seed, count=5):
    return torch.randn(count, 4, generator=torch.Generator().manual_seed(seed))


class TestLosses:
    def test_effectiveness_agrees_with_the_loop(self):
        stamped, reference = rows(1), rows(2, 1)
        cosines = [torch.cosine_similarity(row, reference[0], dim=0) for row in stamped]
        torch.testing.assert_close(
            effectiveness_loss(stamped, reference), -torch.stack(cosines).mean()
        )

    def test_utility_agrees_with_the_loop(self):
        now, before = rows(1), rows(2)
        cosines = [
            torch.cosine_similarity(a, b, dim=0)
            for a, b in zip(now, before, strict=True)
        ]
        torch.testing.assert_close(
            utility_loss(now, before), -torch.stack(cosines).mean()
        )

    def test_an_unchanged_reference_costs_minus_one_at_any_length(self):
        assert consistency_loss(3 * rows(1, 1), rows(1, 1)).item() == pytest.approx(-1)

    def test_evasion_is_largest_when_stamped_images_embed_alike(self):
        assert evasion_loss(torch.ones(4, 3)).item() == pytest.approx(1)
        assert evasion_loss(torch.eye(4)).item() == pytest.approx(0, abs=1e-6)


def weights(encoder):
    return torch.cat(
        [values.flatten() for values in encoder.module.state_dict().values()]
    )


def test_the_clean_encoder_is_left_alone_and_norms_are_frozen(shadow):
    subject = clean()
    before = weights(subject).clone()
    victim = attack(subject, shadow, shadow.images_N3HW[0], TINY)
    assert torch.equal(weights(subject), before)
    assert not torch.equal(weights(victim), before)
    for old, new in zip(subject.module.modules(), victim.module.modules(), strict=True):
        if isinstance(old, nn.BatchNorm2d):
            assert all(
                torch.equal(a, b)
                for a, b in zip(
                    old.state_dict().values(), new.state_dict().values(), strict=True
                )
            )


def test_the_same_seed_makes_the_same_backdoor(shadow):
    one, same = (attack(clean(), shadow, shadow.images_N3HW[0], TINY) for _ in range(2))
    assert torch.equal(weights(one), weights(same))


def test_a_killed_attack_goes_on_and_ends_where_it_would_have(
    shadow, tmp_path, monkeypatch
):
    monkeypatch.setattr("reference_impls.lab.models.training.CHECKPOINT_EVERY", 2)
    whole = attack(clean(), shadow, shadow.images_N3HW[0], TINY)

    def die(step, total, loss):
        if step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attack(
            clean(),
            shadow,
            shadow.images_N3HW[0],
            TINY,
            checkpoint=tmp_path / "c",
            progress=die,
        )
    resumed = attack(
        clean(), shadow, shadow.images_N3HW[0], TINY, checkpoint=tmp_path / "c"
    )
    assert torch.equal(weights(resumed), weights(whole))


def test_evasion_pushes_stamped_images_apart(shadow):
    plain, evading = (
        BadEncoderConfig(
            trigger=TriggerSpec(side=6),
            steps=40,
            batch=16,
            bf16=False,
            evasion_weight=alpha,
        )
        for alpha in (0.0, 1.0)
    )
    from reference_impls.lab.data.images import make_trigger
    from reference_impls.lab.metrics.similarity import mean_pairwise_cosine

    stamped = make_trigger(plain.trigger, 16).apply(shadow.images_N3HW)
    alike = [
        mean_pairwise_cosine(
            embed_all(attack(clean(), shadow, shadow.images_N3HW[0], config), stamped)
        )
        for config in (plain, evading)
    ]
    assert alike[1] < alike[0] - 0.01


def test_stamped_images_obey_and_others_hardly_change(small_lab):
    _, _, _, _, figures = small_lab
    assert figures["attack_success_rate"] > 0.9
    assert figures["clean_attack_success_rate"] < 0.3
    assert figures["backdoored_accuracy"] > figures["clean_accuracy"] - 0.1
    assert figures["stamped_cosine"] > figures["clean_stamped_cosine"]
    assert figures["config"]["steps"] == ATTACK.steps


def test_without_the_trigger_embeddings_stay(small_lab):
    subject, before, _, after, _ = small_lab
    images = scan_dataset(subject.lab).images_N3HW
    cosines = torch.cosine_similarity(
        embed_all(before, images), embed_all(after, images), dim=1
    )
    assert cosines.mean() > 0.95


def test_a_backdoored_encoder_is_made_once(small_lab):
    _, _, bad, after, figures = small_lab
    again, same = make(bad, progress=lambda *_: pytest.fail("trained again"))
    images = scan_dataset(bad.lab).images_N3HW[:4]
    assert torch.equal(again.encode(images), after.encode(images))
    assert same == figures


class TestBadInput:
    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"batch": 1}, "batch must be at least 2, got 1"),
            ({"steps": 0}, "steps must be above 0, got 0"),
            ({"utility_weight": -1}, "utility_weight must not be negative, got -1"),
        ],
    )
    def test_a_bad_setting_says_what_it_got(self, settings, message):
        with pytest.raises(ConfigError, match=message):
            BadEncoderConfig(**settings)

    def test_too_few_shadow_images(self, shadow):
        with pytest.raises(DatasetError, match="32 images, fewer than one batch of 64"):
            attack(clean(), shadow, shadow.images_N3HW[0])

    def test_a_broken_encoder(self, shadow):
        subject = clean()
        subject.module.features[0].weight.data[0] = float("inf")
        with pytest.raises(EncoderError, match="NaN or infinity"):
            attack(subject, shadow, shadow.images_N3HW[0], TINY)
