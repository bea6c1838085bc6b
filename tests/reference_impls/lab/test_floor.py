"""The plain universal attack, and how a method's figures stand beside it."""

import json
from dataclasses import dataclass, replace

import pytest
import torch

from reference_impls.advclip import floor as clip_floor
from reference_impls.advclip.study import STUDY as ADVCLIP
from reference_impls.advencoder import floor as encoder_floor
from reference_impls.advencoder.study import STUDY as ADVENCODER
from reference_impls.lab.attacks.plain import SETTINGS, plain_attack
from reference_impls.lab.attacks.universal import (
    UniversalPerturbation,
    random_patch,
    random_sign_perturbation,
)
from reference_impls.lab.data.patches import PatchSpec
from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.metrics.similarity import mean_cosine_to
from reference_impls.lab.models.encoders import embed_all
from reference_impls.lab.study.floor import (
    PLAIN,
    SIZES,
    Condition,
    Trial,
    conditions,
    results,
    tables,
)
from reference_impls.lab.study.options import StudyOptions
from reference_impls.lab.study.readme import READMES

SHORT = replace(SETTINGS, steps=40)
PICTURES = shapes(128, seed=5, size=16)


def left(encoder, change):
    """Mean cosine of changed images to themselves."""
    images = shapes(64, seed=6, size=16).images_N3HW
    clean, changed = (embed_all(encoder, one) for one in (images, change.apply(images)))
    return mean_cosine_to(changed, clean).item()


def test_it_moves_images_further_than_chance_and_no_further_than_allowed(tiny_clip):
    encoder, spec = tiny_clip.image, PatchSpec(share=0.1)
    patch = plain_attack(encoder, PICTURES, spec, settings=SHORT)
    assert patch.side == spec.side(16, 16)
    assert left(encoder, patch) < left(encoder, random_patch(spec, 16, seed=0)) - 0.02
    change = plain_attack(encoder, PICTURES, 0.05, settings=SHORT)
    assert isinstance(change, UniversalPerturbation)
    assert change.delta_3HW.abs().max() <= 0.05 + 1e-6
    signs = random_sign_perturbation(0.05, 16, seed=0)
    assert left(encoder, change) < left(encoder, signs) - 0.02


def test_texts_are_targets_too_and_the_seed_decides(tiny_clip):
    texts = tiny_clip.embed_text(PICTURES.captions)
    one, again, without = (
        plain_attack(tiny_clip.image, PICTURES, 0.05, texts_ND=t, settings=SHORT)
        for t in (texts, texts, None)
    )
    assert torch.equal(one.delta_3HW, again.delta_3HW)
    assert not torch.equal(one.delta_3HW, without.delta_3HW)


def test_too_few_images_and_patches_that_do_not_fit_are_refused(tiny_clip):
    with pytest.raises(DatasetError, match="fewer than one batch"):
        plain_attack(tiny_clip.image, PICTURES.first(10), 0.05)
    with pytest.raises(ConfigError, match="does not fit"):
        plain_attack(tiny_clip.image, PICTURES, PatchSpec(share=1.0))


def trials(victims, beyond):
    return [
        Trial(victim=v, seed=0, size="8 × 8", attack=name, fooled=0.3 + more, seconds=1)
        for number, v in enumerate(victims)
        for name, more in ((PLAIN, 0.0), ("direct", beyond[number]))
    ]


ASKED = conditions(StudyOptions())


@pytest.mark.parametrize(
    ("beyond", "verdict"),
    [
        ((0.1, 0.2, 0.15), "beats the floor"),
        ((-0.1, -0.2, -0.1), "below the floor"),
        ((0.1, -0.1, 0.0), "no difference shown"),
    ],
)
def test_the_difference_is_judged_by_its_interval(beyond, verdict):
    found = results(trials("abc", beyond), ASKED)
    (one,) = found["beyond_plain"]
    low, high = one["interval"]
    assert one["mean"] == pytest.approx(sum(beyond) / 3, abs=1e-4)
    assert min(beyond) - 1e-4 <= low <= one["mean"] <= high <= max(beyond) + 1e-4
    rows = [vars(row) for row in found["rows"]]
    run = {"date": "2026-11-30", "command": "floor"}
    assert verdict in tables(found | {"rows": rows, "run": run}, "en")


def test_one_victim_shows_nothing():
    found = results(trials("a", (0.2,)), ASKED[:1])
    rows = [vars(row) for row in found["rows"]]
    run = {"date": "2026-11-30", "command": "floor"}
    shown = tables(found | {"rows": rows, "run": run}, "en")
    assert "no difference shown" in shown
    assert "beats" not in shown


@dataclass(frozen=True)
class Tiny:
    """A victim of 16 px."""

    name: str = "tiny"

    def draw(self, count, seed):
        found = shapes(min(count, 192), seed=seed, size=16)
        return replace(found, labels={"texture": found.labels["texture"]})


@pytest.mark.parametrize("module", [clip_floor, encoder_floor])
def test_every_attack_of_every_size_is_measured(module, tiny_clip, monkeypatch):
    monkeypatch.setattr(module, "held_back", lambda victim: tiny_clip)
    found = module.measured(Condition(victim=Tiny(), seed=0, steps=2, test=64))
    asked = [(size, name) for size in SIZES for name in (PLAIN, "direct", "generator")]
    if module is clip_floor:
        asked.remove(("8/255", "generator"))
    assert [(one.size, one.attack) for one in found] == asked
    assert all(0 <= one.fooled <= 1 for one in found)


@pytest.mark.parametrize("language", READMES)
@pytest.mark.parametrize("study", [ADVCLIP, ADVENCODER], ids=lambda one: one.method)
def test_the_readmes_show_what_was_measured(study, language):
    (floor,) = study.parts
    found = json.loads((study.home / floor.file).read_text("utf-8"))
    readme = (study.home / READMES[language]).read_text("utf-8")
    start, end = floor.markers.values()
    shown = readme.partition(start)[2].partition(end)[0]
    assert shown.strip() == floor.tables(found, language).strip()
