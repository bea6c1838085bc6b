"""What the study measures, what it makes of radii, and that the committed ones are possible."""

import json
from dataclasses import asdict
from statistics import NormalDist, mean

import pytest

from reference_impls.lab.study.options import StudyOptions
from reference_impls.smoothing import study as module
from reference_impls.smoothing.run import RADII
from reference_impls.smoothing.study import STUDY, Trial, conditions, groups
from tests.reference_impls.conftest import TINY_LAB

FOUND = json.loads((STUDY.home / "results.json").read_text("utf-8"))
TRIALS = STUDY.read(FOUND["rows"])


def trial(**changes):
    base = {
        "task": "foreground",
        "denoiser": "none",
        "sigma": 0.25,
        "seed": 0,
        "images": 4,
        "abstained": 1,
        "alone": 1.0,
        "seconds": 1.0,
        "radii": (0.3, 0.4),
    }
    return Trial(**base | changes)


def test_every_setting_is_measured_on_every_encoder():
    asked = conditions(StudyOptions())
    assert [(one.task, one.config.denoiser, one.config.sigma, one.config.seed) for one in asked] == [
        (one.task, one.denoiser, one.sigma, one.seed) for one in TRIALS
    ]  # fmt: skip
    assert {one.images for one in asked} == {FOUND["settings"]["images"]}
    assert {one.encoder.seed for one in asked} == {0, 1, 2}
    few = conditions(StudyOptions(quick=True))
    assert {(one.config.seed, one.images, one.config.n) for one in few} == {(0, 4, 100)}


def test_the_headline_counts_what_is_certified_at_a_quarter():
    rows = [
        trial(),
        trial(denoiser="mse", radii=(0.24, 0.25, 0.5)),
        trial(denoiser="mse", seed=1, radii=(0.25,)),
        trial(denoiser="mse", sigma=0.5, radii=(1.0,)),
    ]
    (figure,) = STUDY.headline({"rows": [asdict(one) for one in rows]})
    assert (figure["value"], figure["n"], figure["unit"]) == (37.5, 2, "%")
    assert "without a denoiser 50.0%" in figure["setting"]["en"]
    assert "classifier alone, without noise and certificate, 100.0%" in str(figure)


class TestCommitted:
    def test_no_radius_is_larger_than_the_samples_allow(self):
        settings = FOUND["settings"]
        cap = NormalDist().inv_cdf(settings["alpha"] ** (1 / settings["n"]))
        for one in TRIALS:
            assert all(0 < radius <= one.sigma * cap for radius in one.radii)
            assert len(one.radii) + one.abstained <= one.images

    def test_a_denoiser_certifies_more_and_nothing_beats_the_classifier_by_much(self):
        grouped = groups(FOUND)

        def at(task, kind):
            return mean(one.within(0.25) for one in grouped[task, (kind, 0.25)])

        for kind in ("mse", "stability", "diffusion"):
            assert at("foreground", kind) > at("foreground", "none") + 0.1
        for trials in grouped.values():
            curve = [mean(one.within(radius) for one in trials) for radius in RADII]
            assert curve == sorted(curve, reverse=True)
            assert curve[0] <= mean(one.alone for one in trials) + 0.1


def test_a_small_study_measures_and_keeps_its_trials(tiny_clip, monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "LabData", lambda: TINY_LAB)
    monkeypatch.setattr(module, "clean_encoder", lambda *_: tiny_clip.image)
    asked = conditions(StudyOptions(quick=True))
    asked = [one for one in asked if one.task == "texture"]
    trials = STUDY.run(asked)
    assert [(one.task, one.denoiser) for one in trials] == [
        ("texture", "none"),
        ("texture", "mse"),
    ]
    assert all(one.images == 4 and 0 <= one.alone <= 1 for one in trials)
    monkeypatch.setattr(module, "certify_all", None)
    assert STUDY.run(asked) == trials


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_table_has_a_row_for_each_setting(language):
    table = STUDY.tables(FOUND, language)
    assert table.count("\n|") == 2 + len(groups(FOUND))
