"""Text-on-Pair: its formulas by hand, and an attack that works on a small CLIP."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.images import TriggerSpec
from reference_impls.lab.errors import ConfigError, EncoderError
from reference_impls.lab.models.clip import clip_loss
from reference_impls.lab.models.image_text import ImageText
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.textonpair.method import (
    TextOnPairConfig,
    attack,
    backdoor_z_score,
    measure,
    poisoning_loss,
)
from tests.reference_impls.conftest import TINY_LAB


def rows(seed, shape=(5, 4)):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def config(**changes):
    settings = {
        "trigger": TriggerSpec(kind="coloured", side=4),
        "steps": 160,
        "batch": 64,
        "poisoned": 0.125,
        "bf16": False,
    }
    return TextOnPairConfig(**settings | changes)


class TestFormulas:
    def test_with_different_captions_the_loss_is_clips(self):
        images, texts, scale = rows(1), rows(2), torch.tensor(7.0)
        torch.testing.assert_close(
            poisoning_loss(images, texts, scale, torch.arange(5)),
            clip_loss(images, texts, scale),
        )

    def test_two_pairs_with_one_caption_are_no_negatives_of_each_other(self):
        images, texts = torch.eye(3), torch.eye(3)
        texts[1] = texts[0]
        same = torch.tensor([8, 8, 9])
        scale = torch.tensor(50.0)
        # Image 0 fits both texts 0 and 1; as the same caption they do not compete.
        counted = poisoning_loss(images[[0, 0, 2]], texts, scale, same)
        assert counted.item() == pytest.approx(0, abs=1e-5)
        assert clip_loss(images[[0, 0, 2]], texts, scale).item() > 0.4

    def test_the_z_score_by_hand(self):
        # Cosines of the clean pairs 0, 1, 0: mean 1/3, variance 2/9; all stamped alike.
        clean = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 2.0]])
        clean_pairs = torch.tensor([0.0, 0.0, 1.0])
        expected = (1 - clean_pairs.mean()) / clean_pairs.var(correction=0)
        assert backdoor_z_score(torch.ones(3, 2), clean) == pytest.approx(
            expected.item()
        )
        assert expected.item() == pytest.approx(3.0)

    def test_the_z_score_agrees_with_the_double_loop(self):
        stamped, clean = rows(1, (7, 3)), rows(2, (7, 3))

        def cosines(embeddings):
            return torch.stack(
                [
                    F.cosine_similarity(embeddings[i], embeddings[j], dim=0)
                    for i in range(7)
                    for j in range(i)
                ]
            )

        expected = (cosines(stamped).mean() - cosines(clean).mean()) / cosines(
            clean
        ).var(correction=0)
        assert backdoor_z_score(stamped, clean) == pytest.approx(
            expected.item(), rel=1e-4
        )

    def test_nothing_stamped_scores_nothing(self):
        assert backdoor_z_score(rows(1), rows(1)) == pytest.approx(0, abs=1e-6)


@pytest.fixture(scope="module")
def backdoored(tiny_clip):
    return attack(tiny_clip, train_dataset(TINY_LAB), config())


def test_the_attack_works_and_accuracy_stays(tiny_clip, backdoored):
    datasets = {"train": train_dataset(TINY_LAB), "test": dataset_of_test(TINY_LAB)}
    report = measure(backdoored, tiny_clip, config(), **datasets)
    assert report.backdoored.success_rate > 0.8
    assert report.backdoored.success_rate > report.clean.success_rate + 0.4
    assert report.backdoored.accuracy > report.clean.accuracy - 0.15
    assert report.backdoored.z_score > report.clean.z_score + 1
    assert report.works == (report.backdoored.z_score > 2.5)


def test_the_clean_clip_and_the_text_tower_are_left_alone(tiny_clip, backdoored):
    assert backdoored.text is tiny_clip.text
    dataset = train_dataset(TINY_LAB)
    before = tiny_clip.image.encode(dataset.images_N3HW[:4])
    attack(tiny_clip, dataset, config(steps=2))
    torch.testing.assert_close(tiny_clip.image.encode(dataset.images_N3HW[:4]), before)
    one, again = (attack(tiny_clip, dataset, config(steps=2)) for _ in range(2))
    images = dataset.images_N3HW[:4]
    assert torch.equal(one.image.encode(images), again.image.encode(images))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"poisoned": 0}, "poisoned must lie in"),
        ({"poisoned": 0.001}, "at least one pair, got 0.001"),
        ({"steps": 0}, "steps must be above 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        config(**settings)


def test_an_unknown_target_names_the_known_ones(tiny_clip):
    with pytest.raises(
        ConfigError, match=r"no class 'mauve' of 'foreground'; it has red"
    ):
        attack(tiny_clip, train_dataset(TINY_LAB), config(target="mauve"))
    with pytest.raises(ConfigError, match="it has tasks shape, foreground"):
        attack(tiny_clip, train_dataset(TINY_LAB), config(task="weather"))


def test_images_with_neither_captions_nor_labels_are_refused(tiny_clip):
    silent = Dataset(name="silent", images_N3HW=train_dataset(TINY_LAB).images_N3HW)
    with pytest.raises(ConfigError, match=r"silent has no class .* it has tasks none"):
        attack(tiny_clip, silent, config())


def test_images_without_captions_are_paired_with_prompts_of_their_classes(tiny_clip):
    labelled = replace(train_dataset(TINY_LAB), captions=())
    read = []

    def text(captions):
        read.extend(captions)
        return torch.eye(16)[[len(caption) % 16 for caption in captions]]

    clip = ImageText(image=tiny_clip.image, text=text)
    found = attack(clip, labelled, replace(config(), steps=2))
    assert found.text is text
    assert sorted(read) == sorted({f"a photo of a {name}" for name in labelled.classes["foreground"]})  # fmt: skip
    first, second = (next(one.image.module.parameters()) for one in (clip, found))
    assert not torch.equal(first, second)
    report = measure(found, clip, config(), train=labelled, test=labelled)
    assert report.backdoored.recall is None
    assert 0 <= report.backdoored.success_rate <= 1


def test_an_attack_that_collapses_the_encoder_stops_and_says_when(tiny_clip):
    wild = replace(config(), learning_rate=0.3, steps=60)
    with pytest.raises(
        EncoderError, match=r"stopped at step \d+ of 60: .*learning rate"
    ):
        attack(tiny_clip, train_dataset(TINY_LAB), wild)
