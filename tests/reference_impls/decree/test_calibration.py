import pytest

from reference_impls.decree.calibration import CLEAN_FRACTION, calibrate, load, save
from reference_impls.lab.errors import ConfigError


def test_the_threshold_lies_below_every_clean_encoder():
    found = calibrate([0.2, 0.1, 0.4], source="clean encoders")
    assert found.threshold == pytest.approx(CLEAN_FRACTION * 0.1)
    assert found.source == "0.6 x the smallest PL1 of 3 clean encoders"


def test_deviations_count_from_the_clean_mean_in_the_logarithm():
    found = calibrate([0.1, 0.2, 0.4], source="x")
    assert found.deviations(0.2) == pytest.approx(0, abs=1e-9)
    assert found.deviations(0.1) == pytest.approx(1)
    assert found.deviations(0.8) == pytest.approx(-2)


@pytest.mark.parametrize("scores", [[0.1, 0.2], [0.1, 0.1, 0.1]])
def test_too_few_or_equal_clean_scores_give_no_deviations(scores):
    assert calibrate(scores, source="x").deviations(0.05) is None


@pytest.mark.parametrize(
    ("scores", "message"),
    [([], "at least one"), ([0.0], "got 0.0"), ([1.2], "got 1.2")],
)
def test_impossible_scores_are_refused(scores, message):
    with pytest.raises(ConfigError, match=message):
        calibrate(scores, source="x")


def test_it_survives_a_file(tmp_path):
    found = calibrate([0.1, 0.2, 0.4], source="x")
    save(found, tmp_path / "c.json")
    assert load(tmp_path / "c.json") == found


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"threshold": "x", "source": "", "clean_scores": []}']
)
def test_another_file_is_one_line(tmp_path, content):
    (tmp_path / "c.json").write_text(content)
    with pytest.raises(ConfigError, match=r"c\.json is no calibration file"):
        load(tmp_path / "c.json")


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match="no calibration file"):
        load(tmp_path / "c.json")
