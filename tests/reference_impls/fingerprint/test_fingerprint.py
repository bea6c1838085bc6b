"""Naming the encoder behind a service: known answers, probes that embed as they shall, and what the page claims."""

import json
from dataclasses import replace
from statistics import mean

import pytest
import torch

from reference_impls.fingerprint.method import (
    ProbeConfig,
    agreement,
    distance,
    named,
    probes,
    sure,
)
from reference_impls.fingerprint.study import GRID, measure
from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.models.encoders import embed_all, fresh
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.lab.study.setup import Setup
from tests.reference_impls.conftest import TINY_LAB


def test_agreement_is_of_labels_or_of_probabilities():
    scores = {0.0: [9.0, 0.0], 1.0: [0.0, 9.0], 0.5: [0.0, 0.0]}
    service = lambda x: torch.tensor([scores[one] for one in x.flatten().tolist()])  # noqa: E731
    pictures, made = torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0], [0.0]])
    assert agreement(service, pictures, made, "labels") == 0.5
    near = agreement(service, pictures, torch.tensor([[0.5], [0.5]]), "probabilities")
    assert near == pytest.approx(0.5, abs=1e-3)


def test_equal_candidates_are_named_by_chance():
    assert named([0.2, 0.9, 0.4], 1) == 1
    assert named([0.9, 0.2, 0.4], 1) == 0
    assert named([0.5, 0.5, 0.5, 0.1], 2) == pytest.approx(1 / 3)


def test_a_service_is_named_for_sure_above_what_any_wrong_candidate_reaches():
    assert sure([[0.9, 0.2], [0.7, 0.6], [0.8, 1.0]], [0, 0, 1]) == pytest.approx(2 / 3)
    assert sure([[0.5, 0.5]], [0]) == 0


@pytest.mark.parametrize("kind", ["teacher", "pei"])
def test_probes_embed_like_their_pictures_in_their_candidate_alone(kind, tiny_clip):
    pictures = dataset_of_test(TINY_LAB).images_N3HW[:8]
    made = probes(tiny_clip.image, pictures, ProbeConfig(kind=kind, steps=60))
    noise = probes(tiny_clip.image, pictures, ProbeConfig(kind="plain"))
    assert made.min() >= 0
    assert made.max() <= 1

    def far(encoder, images):
        return distance(*(embed_all(encoder, x) for x in (images, pictures))).mean()

    assert far(tiny_clip.image, made) < 0.3 * far(tiny_clip.image, noise)
    other = fresh(tiny_clip.image, 1)
    assert far(other, made) > 0.3 * far(other, noise)


def test_the_encoder_is_named_more_often_than_by_chance(tiny_clip):
    data = train_dataset(TINY_LAB), dataset_of_test(TINY_LAB)
    train = replace(data[0], labels={name: data[0].labels[name] for name in ("shape", "foreground")})  # fmt: skip
    setup = Setup(encoder=tiny_clip.image, clip=None, train=train, test=data[1], task="")  # fmt: skip
    tiny = ProbeConfig(steps=40, probes=8, candidates=3, training=20, tuning=3)
    found, control = (measure(setup, replace(tiny, kind=kind)) for kind in ("pei", "plain"))  # fmt: skip
    assert control["frozen"] == pytest.approx(1 / 3)
    assert control["frozen_sure"] == 0
    assert found["frozen"] > 0.6
    bare = replace(setup, train=replace(setup.train, labels={}, classes={}))
    with pytest.raises(DatasetError, match="has no labels"):
        measure(bare, tiny)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "magic"}, "'magic'; choose one of plain, teacher"),
        ({"outputs": "scores"}, "'scores'; choose one of labels"),
        ({"candidates": 1}, "candidate-encoders must be at least 2, got 1"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        ProbeConfig(**settings)


def test_published_figures_say_what_the_page_says():
    found = json.loads((GRID.home / "results.json").read_text("utf-8"))
    rows = {name: {key: mean(of) for key, of in one.items() if of} for (_, name), one in GRID.values(found).items()}  # fmt: skip
    plain, teacher, pei, few = (rows[name] for name in ("plain", "teacher", "pei", "few"))  # fmt: skip
    assert plain["frozen"] == plain["tuned"] == pytest.approx(0.2, abs=1e-3)
    assert plain["frozen_sure"] == 0
    assert min(teacher["frozen"], pei["frozen"]) > 0.9
    assert pei["tuned_sure"] < pei["frozen_sure"] - 0.2
    assert few["frozen_sure"] < pei["frozen_sure"]
