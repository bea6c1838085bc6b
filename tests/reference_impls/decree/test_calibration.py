"""What clean encoders say of another: thresholds, their limits, and files of them."""

import json
from dataclasses import replace

import pytest

from reference_impls.decree.calibration import (
    CLEAN_FRACTION,
    LAB_CALIBRATION,
    Kind,
    calibrate,
    load,
    save,
    search_key,
)
from reference_impls.decree.config import PUBLISHED, ROBUST
from reference_impls.lab.errors import ConfigError


def test_the_threshold_lies_below_every_clean_encoder():
    found = calibrate([0.2, 0.1, 0.4], source="x")
    assert found.threshold == pytest.approx(CLEAN_FRACTION * 0.1)
    assert (found.suspicious(0.059), found.suspicious(0.061)) == (True, False)


def test_an_encoder_without_a_trigger_is_an_answer_and_no_number():
    some = calibrate([0.2, None, 0.3], source="x")
    assert some.threshold == pytest.approx(CLEAN_FRACTION * 0.2)
    assert some.enough
    none = calibrate([None, None, None], source="x")
    assert none.threshold is None
    assert none.suspicious(0.3) is None
    assert none.suspicious(None) is False


def test_the_next_clean_encoder_is_predicted_from_three_on():
    assert calibrate([0.1, 0.2, None], source="x").interval is None
    low, high = calibrate([0.1, 0.2, 0.4], source="x").interval
    # log2 steps: mean log 0.2, sd log 2, t(2) = 4.3027.
    assert (low, high) == pytest.approx((0.00639, 6.261), rel=1e-3)


def test_fewer_than_three_are_not_enough():
    assert not calibrate([0.1, 0.2], source="x").enough


@pytest.mark.parametrize(
    ("scores", "message"),
    [([], "at least one"), ([0.0], "got 0.0"), ([1.2], "got 1.2")],
)
def test_impossible_scores_are_refused(scores, message):
    with pytest.raises(ConfigError, match=message):
        calibrate(scores, source="x")


def test_settings_that_change_a_search_change_its_key_and_speed_and_seed_do_not():
    key = search_key(ROBUST)
    assert search_key(replace(ROBUST, seed=3, bf16=False, fast=False)) == key
    assert search_key(replace(ROBUST, max_epochs=9)) != key
    assert search_key(PUBLISHED) != key


def test_it_survives_a_file(tmp_path):
    kind = Kind(architecture="transformer", size=32)
    found = calibrate([0.1, None, 0.4], source="x", kind=kind, search="s")
    save(found, tmp_path / "c.json")
    assert load(tmp_path / "c.json") == found


def test_the_committed_one_belongs_to_the_default_search():
    found = load(LAB_CALIBRATION)
    assert found.search == search_key(ROBUST)
    assert 0 < found.threshold < 0.1


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"source": "", "clean_scores": ["x"]}',
        '{"source": "", "clean_scores": []}',
        '{"source": "", "clean_scores": [0.1], "kind": {"moon": 1}}',
        '{"source": "", "clean_scores": [7]}',
    ],
)
def test_another_file_is_one_line(tmp_path, content):
    (tmp_path / "c.json").write_text(content)
    with pytest.raises(ConfigError, match=r"c\.json is no calibration file"):
        load(tmp_path / "c.json")


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match="no calibration file"):
        load(tmp_path / "c.json")


def test_a_file_of_before_kinds_were_known_is_read(tmp_path):
    (tmp_path / "c.json").write_text(
        json.dumps({"threshold": 0.06, "source": "x", "clean_scores": [0.1]})
    )
    assert load(tmp_path / "c.json").kind is None
