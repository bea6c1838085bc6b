"""The figures that the website shows are those of the rows they stand beside."""

import json
from statistics import mean, stdev

import pytest

from reference_impls.badencoder.method import DEFAULT, PUBLISHED
from reference_impls.badencoder.study import STUDY, conditions
from reference_impls.badencoder.tables import points
from reference_impls.lab.study.options import StudyOptions
from surveykit.measured import Results

TOLD = json.loads((STUDY.home / "results.json").read_text("utf-8"))
ROWS = TOLD["rows"]


def made(rows):
    return json.loads(json.dumps(STUDY.headline({"rows": rows})))


def test_the_published_results_follow_from_the_published_rows():
    asked = conditions(StudyOptions())
    command = TOLD["run"]["command"]
    found = STUDY.found(STUDY.read(ROWS), asked, TOLD["run"], command=command)
    for part in ("headline", "settings", "summary", "rows"):
        assert json.loads(json.dumps(found[part])) == TOLD[part]
    assert found["provenance"]["seeds"] == TOLD["provenance"]["seeds"]
    Results.model_validate(json.loads(json.dumps(found)), strict=False)


def test_all_trials_of_the_results_are_of_the_conditions():
    asked = conditions(StudyOptions())
    assert [(one["seed"], one["trigger"], one["task"]) for one in ROWS] == [
        (one.seed, str(one.trigger), task) for one in asked for task in one.tasks
    ]


def test_the_first_figure_is_the_mean_of_the_tasks_over_encoders():
    per_encoder = [
        100 * mean(row["success_rate"] for row in ROWS if row["seed"] == seed and row["trigger"] == str(DEFAULT))
        for seed in TOLD["provenance"]["seeds"]
    ]  # fmt: skip
    first = TOLD["headline"][0]
    assert first["value"] == pytest.approx(mean(per_encoder), abs=0.05)
    assert first["sd"] == pytest.approx(stdev(per_encoder), abs=0.05)
    assert first["n"] == len(per_encoder) >= 3


def test_controls_and_the_largest_loss_stand_in_the_setting():
    def changed(row):
        loss = 0.25 if row["task"] == "texture" else 0.0
        row = row | {"trigger_on_clean": 0.125, "patch_on_backdoored": 0.0625}
        return row | {"clean_accuracy": 0.75, "backdoored_accuracy": 0.75 - loss}

    success, accuracy, *_ = made([changed(row) for row in ROWS])
    for language in ("en", "zh"):
        assert "12.5%" in success["setting"][language]
        assert "6.2%" in success["setting"][language]
        assert "75.0%" in accuracy["setting"][language]
        assert "25.0" in accuracy["setting"][language]
    assert "texture" in accuracy["setting"]["en"]


def test_only_the_published_trigger_stands_beside_the_published_figure():
    (beside,) = [one for one in TOLD["headline"] if "published" in one]
    assert beside["published"]["value"] == 99.73
    assert "26cbe5c" in beside["published"]["source"]
    assert "10 × 10" in beside["setting"]["en"]
    without = [row for row in ROWS if row["trigger"] != str(PUBLISHED)]
    assert not [one for one in made(without) if "published" in one]


def test_misread_references_are_counted():
    large = [row for row in ROWS if row["trigger"] == str(PUBLISHED)]
    wrong = sum(row["label"] != row["target"] for row in large)
    (beside,) = [one for one in TOLD["headline"] if "published" in one]
    assert f"in {wrong} of {len(large)} cases" in beside["setting"]["en"]
    right = [row | {"target": row["label"]} for row in ROWS]
    (beside,) = [one for one in made(right) if "published" in one]
    assert f"in 0 of {len(large)} cases" in beside["setting"]["en"]
    assert "In all 40 cases" in STUDY.tables(TOLD | {"rows": right}, "en")


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_what_the_readme_says_of_the_means_is_what_was_measured(name):
    prose = (STUDY.home / name).read_text("utf-8").partition("<!-- end of")[2]
    for trigger in (DEFAULT, PUBLISHED):
        side = f"{trigger.side} × {trigger.side} "
        one = next(one for one in TOLD["headline"] if side in one["setting"]["en"])
        assert f"{one['value']} ± {one['sd']} %" in prose
    published = next(one for one in TOLD["headline"] if "published" in one)
    assert f"{published['published']['value']} %" in prose


def test_a_rounded_zero_has_no_sign():
    assert [points(x) for x in (-0.0004, -0.014, 0.014)] == ["0.0", "−1.4", "+1.4"]
