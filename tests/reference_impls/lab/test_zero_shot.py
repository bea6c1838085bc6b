"""A CLIP as a classifier: logits by hand, and what it refuses."""

import pytest
import torch
from torch.nn import functional as F

from reference_impls.lab.data.dataset import CLASS, Dataset
from reference_impls.lab.errors import DatasetError
from reference_impls.lab.models.heads import zero_shot
from reference_impls.lab.models.zero_shot import (
    SCALE,
    ZeroShot,
    blank_text,
    task_of,
    zero_shot_classifier,
)
from reference_impls.lab.models.zoo import train_dataset
from tests.reference_impls.conftest import TINY_LAB


def test_logits_are_scaled_cosines_of_any_length(tiny_clip):
    classes = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    found = ZeroShot(encoder=tiny_clip.image, classes_CD=classes)
    logits = found.logits(torch.tensor([[3.0, 4.0]]))
    torch.testing.assert_close(logits, SCALE * torch.tensor([[0.6, 0.8]]))


def test_it_names_what_the_nearest_text_names(tiny_clip):
    train = train_dataset(TINY_LAB)
    found = zero_shot_classifier(tiny_clip.image, tiny_clip.embed_text, train, "size")
    images = train.images_N3HW[:20]
    named = zero_shot(tiny_clip.image.encode(images), found.classes_CD)
    assert torch.equal(found(images).argmax(dim=1), named)
    with pytest.raises(DatasetError, match="no task 'weather'; it has shape, foregr"):
        zero_shot_classifier(tiny_clip.image, tiny_clip.embed_text, train, "weather")


def test_a_blank_text_names_no_class(tiny_clip):
    train = train_dataset(TINY_LAB)
    found = blank_text(tiny_clip.embed_text, train)
    assert found.norm().item() == pytest.approx(1)
    captions = tiny_clip.embed_text(train.captions[:512]).mean(dim=0)
    torch.testing.assert_close(found, F.normalize(captions, dim=0))
    asked = []

    def embed(sentences):
        asked.extend(sentences)
        return torch.ones(1, 4)

    plain = Dataset(
        name="plain",
        images_N3HW=train.images_N3HW[:2],
        labels={CLASS: torch.zeros(2).long()},
        classes={CLASS: ("cat",)},
    )
    blank_text(embed, plain)
    assert asked == ["a photo of a"]
    assert (task_of(plain, "texture"), task_of(train, "texture")) == (CLASS, "texture")
