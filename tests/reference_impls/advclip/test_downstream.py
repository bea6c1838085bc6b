"""The evaluation: what an absent change, a perfect one, and the controls must give."""

import pytest
import torch

from reference_impls.advclip.downstream import (
    ITSELF,
    MLP,
    PROBE,
    TO_IMAGE,
    TO_TEXT,
    ZERO_SHOT,
    Bench,
    controls,
)
from reference_impls.lab.attacks.universal import (
    AtRandomPlaces,
    UniversalPerturbation,
    random_patch,
)
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.patches import PatchSpec
from reference_impls.lab.models.image_text import ImageText
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from tests.reference_impls.conftest import TINY_LAB

SPEC = PatchSpec(share=0.1)


@pytest.fixture(scope="module")
def bench(tiny_clip):
    victim = ImageText.of_clip(tiny_clip)
    return Bench(victim, train_dataset(TINY_LAB), dataset_of_test(TINY_LAB))


def nothing():
    return UniversalPerturbation(torch.zeros(3, 16, 16), 0.1)


def test_nothing_changes_nothing(bench):
    scores = bench.measure(nothing())
    assert scores.fooling == 0
    assert all(one.before == one.after for one in scores.classified)
    assert all(one.before == one.after for one in scores.retrieved)
    assert scores.recall(ITSELF).before == 1


def test_every_task_is_judged_by_three_classifiers_and_both_directions_retrieve(bench):
    scores = bench.measure(nothing())
    tasks = {one.task for one in scores.classified}
    assert len(tasks) >= 4
    assert len(scores.classified) == 3 * len(tasks)
    for direction in (TO_TEXT, TO_IMAGE):
        names = [r.measure for r in scores.retrieved if r.direction == direction]
        assert names == ["R@1", "R@5", "R@10", "mAP"]


def test_the_tiny_clip_has_learned_something_to_lose(bench):
    scores = bench.measure(nothing())
    for classifier in (ZERO_SHOT, PROBE, MLP):
        assert scores.of("background", classifier).before > 0.5
    assert scores.recall(TO_TEXT, "R@10").before > 3 * 10 / 200


def test_one_embedding_for_all_images_is_chance(bench):
    everywhere = torch.ones(256, 16)
    scores = bench.compare(everywhere)
    for one in scores.classified:
        assert one.after < 0.75  # the largest class at most
        assert one.fooling > 0
    assert scores.recall(TO_TEXT).after <= 1 / 200
    assert scores.recall(TO_IMAGE).after == 0
    assert scores.recall(ITSELF).after <= 1 / 200


def test_figures_are_recounted_by_hand(bench, tiny_clip):
    patch, dataset = random_patch(SPEC, 16, seed=3), dataset_of_test(TINY_LAB)
    found = bench.measure(patch).of("texture", ZERO_SHOT)
    images = [dataset.images_N3HW, patch.apply(dataset.images_N3HW)]
    texts = train_dataset(TINY_LAB)
    rows = []
    for number in range(6):
        chosen = [
            caption
            for caption, label in zip(
                texts.captions, texts.labels["texture"].tolist(), strict=True
            )
            if label == number
        ][:64]
        rows.append(tiny_clip.embed_text(chosen).mean(dim=0))
    classes = torch.stack(rows)
    with torch.no_grad():
        before, after = (
            torch.cosine_similarity(
                tiny_clip.image.encode(part)[:, None], classes[None], dim=2
            ).argmax(dim=1)
            for part in images
        )
    right = dataset.labels["texture"]
    assert found.before == pytest.approx((before == right).float().mean().item())
    assert found.after == pytest.approx((after == right).float().mean().item())
    assert found.fooling == pytest.approx((before != after).float().mean().item())


def test_without_a_text_tower_heads_and_images_are_left(tiny_clip):
    blind = Bench(
        ImageText(image=tiny_clip.image),
        train_dataset(TINY_LAB).first(64),
        dataset_of_test(TINY_LAB).first(32),
    ).measure(nothing())
    assert {one.classifier for one in blind.classified} == {PROBE, MLP}
    assert [one.direction for one in blind.retrieved] == [ITSELF]


def test_images_alone_can_be_measured(tiny_clip):
    images = Dataset(name="bare", images_N3HW=torch.rand(40, 3, 16, 16))
    scores = Bench(ImageText.of_clip(tiny_clip), images, images).measure(nothing())
    assert scores.classified == ()
    assert [one.direction for one in scores.retrieved] == [ITSELF]


class TestControls:
    def test_a_patchs_controls_sit_where_it_sits(self):
        patch, images = random_patch(SPEC, 16, seed=1), torch.rand(8, 3, 16, 16)
        found = controls(patch, images)
        assert set(found) == {"random patch", "mean-colour patch"}
        for control in found.values():
            assert torch.equal(control.mask_HW, patch.mask_HW)
            outside = patch.mask_HW == 0
            assert torch.equal(
                control.apply(images)[..., outside], images[..., outside]
            )

    def test_a_perturbations_control_is_as_large_as_allowed(self):
        (control,) = controls(nothing(), torch.rand(4, 3, 16, 16)).values()
        assert control.epsilon == 0.1
        assert control.delta_3HW.abs().eq(0.1).all()

    def test_a_patch_at_random_places_has_controls_at_the_same_places(self):
        change = AtRandomPlaces(random_patch(SPEC, 16, seed=1), seed=5)
        images = torch.zeros(6, 3, 16, 16)
        found = controls(change, torch.rand(4, 3, 16, 16) * 0.5 + 0.2)
        for control in found.values():
            assert torch.equal(
                (control.apply(images) > 0).any(dim=1),
                (change.apply(images) > 0).any(dim=1),
            )
