"""DECREE's equations by themselves, and its verdict on encoders whose answer is known."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from reference_impls.decree import search
from reference_impls.decree.calibration import Calibration
from reference_impls.decree.config import PUBLISHED, ROBUST, DecreeConfig
from reference_impls.decree.method import detect
from reference_impls.decree.objective import (
    covered_fraction,
    squash,
    stamped_embeddings,
    trigger_loss,
    unsquash,
)
from reference_impls.decree.search import (
    Restart,
    SizeWeight,
    batches,
    invert_triggers,
    window,
)
from reference_impls.lab.data.images import stamp
from reference_impls.lab.errors import ConfigError, DatasetError, EncoderError
from reference_impls.lab.metrics.similarity import mean_pairwise_cosine
from reference_impls.lab.models.encoders import SmallNetConfig, small_encoder
from reference_impls.lab.models.fast import accelerated

QUICK = replace(PUBLISHED, batch=32, max_epochs=120, stop_patience=20)
SWIFT = replace(ROBUST, bf16=False)


class TestCoveredFraction:
    def test_is_one_for_a_full_mask_and_zero_for_none(self):
        masks = torch.stack([torch.ones(8, 8), torch.zeros(8, 8)])
        assert covered_fraction(masks).tolist() == [1, 0]

    def test_is_the_share_of_covered_pixels(self):
        mask = torch.zeros(32, 32)
        mask[3:9, 4:10] = 1
        assert covered_fraction(mask).item() == pytest.approx(36 / 1024)


class TestTriggerLoss:
    def test_counts_height_width_and_channels(self):
        mask = torch.rand(2, 3, 5, generator=torch.Generator().manual_seed(0))
        weight, cosine = torch.tensor([0.1, 2.0]), torch.tensor([0.3, -0.4])
        expected = [
            -cosine[k]
            + weight[k]
            * sum(mask[k, i, j] for i in range(3) for j in range(5) for _ in range(3))
            for k in range(2)
        ]
        torch.testing.assert_close(
            trigger_loss(cosine, mask, weight), torch.stack(expected)
        )


class TestSquash:
    def test_there_and_back(self):
        values = torch.linspace(0.001, 0.999, 50)
        torch.testing.assert_close(squash(unsquash(values)), values, rtol=0, atol=1e-5)

    def test_never_leaves_the_range_and_the_ends_stay_finite(self):
        assert squash(torch.tensor([-1e9, 1e9])).tolist() == [0, 1]
        assert unsquash(torch.tensor([0.0, 1.0])).isfinite().all()


def replay(config, outcomes):
    """Lambda after each step of a scripted run."""
    weight = SizeWeight(config)
    return [weight.update(works=works) for works in outcomes]


class TestSizeWeight:
    def test_rises_by_five_after_more_than_five_working_steps(self):
        values = replay(PUBLISHED, [True] * 12)
        assert values == pytest.approx([1e-3] * 5 + [5e-3] * 6 + [25e-3])

    def test_falls_by_five_after_more_than_five_failing_steps(self):
        values = replay(PUBLISHED, [False] * 12)
        assert values == pytest.approx([1e-3] * 5 + [2e-4] * 6 + [4e-5])

    def test_an_interrupted_run_counts_from_the_beginning(self):
        assert set(replay(PUBLISHED, [True] * 5 + [False] + [True] * 5)) == {1e-3}

    def test_is_not_divided_below_its_least_value(self):
        assert replay(PUBLISHED, [False] * 60)[-1] == pytest.approx(8e-6)

    def test_starts_again_after_more_than_ten_working_steps_below_it(self):
        values = replay(PUBLISHED, [False] * 60 + [True] * 11)
        assert values[-2:] == pytest.approx([8e-6, 1e-3])

    def test_is_not_multiplied_beyond_its_largest_value(self):
        config = replace(PUBLISHED, weight_start=1e4, weight_range=(1e-5, 1e5))
        assert replay(config, [True] * 60)[-1] == pytest.approx(25e4)


class TestWindow:
    def test_without_a_grid_every_pixel_may_start_strong(self):
        assert torch.equal(window(3, 0, 8), torch.ones(8, 8))

    def test_the_windows_of_a_grid_cover_the_image(self):
        strong = torch.stack([window(number, 3, 32) == 1 for number in range(9)])
        assert strong.any(dim=0).all()
        assert (strong.sum(dim=(1, 2)) == 16 * 16).all()
        assert strong.flatten(1).unique(dim=0).shape[0] == 9

    def test_a_tenth_start_begins_the_grid_anew(self):
        assert torch.equal(window(9, 3, 32), window(0, 3, 32))


class TestBatches:
    def test_a_pass_shows_every_image_at_most_once(self):
        images = torch.arange(70.0).view(70, 1)
        seen = torch.cat(
            list(batches(images, replace(PUBLISHED, batch=32), torch.Generator()))
        )
        assert len(seen) == 64
        assert len(seen.unique()) == 64

    def test_a_fixed_number_of_steps_takes_as_many_passes_as_needed(self):
        parts = list(
            batches(
                torch.rand(10, 1),
                replace(PUBLISHED, batch=4, epoch_steps=7),
                torch.Generator(),
            )
        )
        assert [len(part) for part in parts] == [4] * 7

    def test_fewer_images_than_a_batch_are_one_batch(self):
        (part,) = batches(torch.rand(5, 1), PUBLISHED, torch.Generator())
        assert len(part) == 5


def test_many_triggers_in_one_pass_are_each_alone(harmless, images):
    generator = torch.Generator().manual_seed(3)
    masks, patterns = (
        torch.rand(3, 16, 16, generator=generator),
        torch.rand(3, 3, 16, 16, generator=generator),
    )
    alone = [
        mean_pairwise_cosine(harmless.encode(stamp(images, mask, pattern)))
        for mask, pattern in zip(masks, patterns, strict=True)
    ]
    torch.testing.assert_close(
        mean_pairwise_cosine(stamped_embeddings(harmless, images, masks, patterns)),
        torch.stack(alone),
    )


@pytest.mark.parametrize("config", [QUICK, SWIFT], ids=["published", "robust"])
def test_a_planted_trigger_is_found_and_none_where_there_is_none(
    armed, harmless, images, config
):
    calibration = Calibration(source="known", clean_scores=(0.3, 0.35, 0.4))
    bad, good = (
        detect(subject, images, config, calibration=calibration)
        for subject in (armed, harmless)
    )
    assert bad.backdoored
    assert bad.score < 0.15
    assert not good.backdoored
    assert good.score is None or good.score > 0.2


def test_the_mask_lies_on_the_planted_corner(armed, images):
    report = detect(armed, images, QUICK)
    assert report.trigger.mask_HW[:4, :4].sum() > 0.6 * report.trigger.mask_HW.sum()


def test_the_found_trigger_works_and_is_what_was_reported(armed, images):
    report = detect(armed, images, QUICK)
    cosine = mean_pairwise_cosine(armed.encode(report.trigger.apply(images)))
    assert cosine > 0.98
    assert report.score == pytest.approx(
        covered_fraction(report.trigger.mask_HW).item()
    )
    assert report.score == min(
        one.score for one in report.restarts if one.score is not None
    )


def test_the_same_seed_gives_the_same_report(armed, images):
    one, same = (detect(armed, images, SWIFT) for _ in range(2))
    other = detect(armed, images, replace(SWIFT, seed=81))
    assert torch.equal(one.trigger.mask_HW, same.trigger.mask_HW)
    assert one.restarts == same.restarts
    assert not torch.equal(one.trigger.mask_HW, other.trigger.mask_HW)


@pytest.mark.parametrize("together", [1, 2, 64])
def test_a_start_among_others_searches_as_it_would_alone(
    armed, images, together, monkeypatch
):
    """How many starts share a pass, and which have ended, is a matter of speed only."""
    config = replace(QUICK, max_epochs=4, restarts=3, halve_after=(2,))
    monkeypatch.setattr(search, "CPU_IMAGES", together * config.batch)
    among = invert_triggers(armed, images, config)
    monkeypatch.setattr(search, "CPU_IMAGES", 1)
    alone = invert_triggers(armed, images, config)
    assert [one.steps for one in among] == [one.steps for one in alone]
    for one, same in zip(among, alone, strict=True):
        torch.testing.assert_close(one.mask, same.mask, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(one.pattern, same.pattern, rtol=1e-3, atol=1e-3)


def test_a_search_that_was_dropped_stays_where_it_was(armed, images):
    config = replace(QUICK, restarts=2, halve_after=(1,))
    short, long = (
        invert_triggers(armed, images, replace(config, max_epochs=epochs))
        for epochs in (1, 5)
    )
    (dropped,) = (i for i in range(2) if long[i].steps == short[i].steps)
    assert torch.equal(long[dropped].mask, short[dropped].mask)
    assert not torch.equal(long[1 - dropped].mask, short[1 - dropped].mask)


def test_the_accelerated_search_takes_the_same_steps(images):
    """Folding, layout, pooling and the stamp's own gradients against plain autograd."""
    encoder = small_encoder(
        SmallNetConfig(widths=(8, 16, 24)), name="x", size=16, seed=0
    )
    config = replace(QUICK, max_epochs=3, restarts=2)
    fast = invert_triggers(accelerated(encoder), images, config)
    for number, found in enumerate(fast):
        mask, pattern = plain_search(encoder, images, config, number)
        torch.testing.assert_close(found.mask, mask, rtol=1e-3, atol=5e-3)
        torch.testing.assert_close(found.pattern, pattern, rtol=1e-3, atol=5e-3)


def plain_search(encoder, images, config, number):
    """The same search written as one would on paper; lambda stays, as it does at first."""
    generator = torch.Generator().manual_seed(config.seed)
    starts = [
        Restart(i, encoder.size, config, generator, torch.device("cpu"))
        for i in range(config.restarts)
    ]
    mask, pattern = starts[number].mask, starts[number].pattern
    optimizer = torch.optim.Adam([mask, pattern], lr=0.5, betas=config.betas)
    for _ in range(config.max_epochs):
        for some in batches(images, config, generator):
            m, t = squash(mask), squash(pattern)
            cosine = mean_pairwise_cosine(encoder.encode(stamp(some, m, t)))
            weight = starts[number].weight.value
            optimizer.zero_grad()
            trigger_loss(cosine, m, torch.tensor(weight)).backward()
            optimizer.step()
            starts[number].weight.update(works=cosine.item() > config.target_cosine)
    return mask, pattern


def test_halving_ends_the_worse_searches_early(armed, images):
    report = detect(armed, images, replace(SWIFT, stop_patience=10**6))
    steps = sorted(one.steps for one in report.restarts)
    assert steps == [32] * 4 + [64] * 2 + [96] + [160] * 2


def test_folding_and_layout_change_no_verdict(armed, images):
    config = replace(QUICK, max_epochs=20)
    slow, fast = (
        detect(armed, images, replace(config, fast=fast)) for fast in (False, True)
    )
    assert fast.score == pytest.approx(slow.score, rel=0.05)
    torch.testing.assert_close(accelerated(armed).encode(images), armed.encode(images))


@pytest.mark.usefixtures("bfloat16_everywhere")
def test_bf16_finds_the_same_trigger(armed, images):
    exact, rounded = (
        detect(armed, images, replace(QUICK, bf16=bf16)) for bf16 in (False, True)
    )
    assert rounded.backdoored == exact.backdoored
    assert rounded.score == pytest.approx(exact.score, rel=0.5)


def test_no_working_trigger_is_an_answer_and_no_number(harmless, images):
    report = detect(harmless, images, replace(QUICK, max_epochs=1))
    assert report.score is None
    assert report.trigger is None
    assert not report.backdoored
    assert report.comparison is None
    assert report.verdict.reasons[0] == "no_trigger"


def test_progress_tells_epoch_running_searches_and_the_smallest_trigger(armed, images):
    told = []
    detect(armed, images, SWIFT, progress=lambda *words: told.append(words))
    starts = [i for i, (epoch, _, _) in enumerate(told) if epoch == 1]
    assert len(starts) >= 2  # the search, then that for the next attractor
    for start, end in pairwise([*starts, len(told)]):
        epochs, _, sizes = zip(*told[start:end], strict=True)
        assert list(epochs) == list(range(1, end - start + 1))
        smallest = [size for size in sizes if size is not None]
        assert smallest == sorted(smallest, reverse=True)


def test_the_encoder_is_left_as_it_was(armed, images):
    before = {key: value.clone() for key, value in armed.module.state_dict().items()}
    detect(armed, images, replace(QUICK, max_epochs=2))
    for key, value in armed.module.state_dict().items():
        assert torch.equal(value, before[key])


class TestBadInput:
    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"restarts": 0}, "restarts must be above 0, got 0"),
            ({"batch": 1}, "at least 2 images to form pairs, got 1"),
            ({"target_cosine": 1.0}, r"\(0, 1\), got 1\.0"),
            ({"mask_start": (0.5, 0.5)}, r"rising numbers in \[0, 1\]"),
        ],
    )
    def test_a_bad_setting_says_what_it_got(self, settings, message):
        with pytest.raises(ConfigError, match=message):
            DecreeConfig(**settings)

    def test_one_image_has_no_pairs(self, harmless, images):
        with pytest.raises(DatasetError, match="compares pairs of images and got 1"):
            detect(harmless, images[:1], QUICK)

    def test_images_of_another_size(self, harmless):
        with pytest.raises(EncoderError, match=r"got \(3, 8, 8\)"):
            detect(harmless, torch.rand(4, 3, 8, 8), QUICK)

    def test_nan_weights(self, harmless, images):
        harmless.module.net[3].bias.data[0] = float("nan")
        with pytest.raises(EncoderError, match="holds NaN"):
            detect(harmless, images, QUICK)

    def test_a_constant_encoder(self, harmless, images):
        harmless.module.net[3].weight.data.zero_()
        with pytest.raises(EncoderError, match="is constant"):
            detect(harmless, images, QUICK)
