"""The verdict, from evidence alone: who may say what, and when nobody may."""

import pytest

from reference_impls.decree.attractor import SelfComparison
from reference_impls.decree.calibration import Kind, calibrate, search_key
from reference_impls.decree.config import PUBLISHED, ROBUST
from reference_impls.decree.verdict import EXIT_CODES, MEASURED, judge

HERE = MEASURED[0]
ELSEWHERE = Kind(architecture="transformer", size=224)
STANDS_OUT = SelfComparison(sizes=(0.02, 0.2), stubbornness=(1.0,))  # prominence 50
ALIKE = SelfComparison(sizes=(0.2, 0.22), stubbornness=(0.1,))  # 0.06
BETWEEN = SelfComparison(sizes=(0.05, 0.1), stubbornness=(0.6,))  # 2.4
LARGE = SelfComparison(sizes=(0.14, 0.42), stubbornness=(3.0,))  # 6.4
SMALL = SelfComparison(sizes=(0.08, 0.1), stubbornness=(0.2,))  # 0.3
NO_SECOND = SelfComparison(sizes=(0.02, None), stubbornness=(1.0,))
TWO = SelfComparison(sizes=(0.02, 0.021, 0.3), stubbornness=(0.5, 1.0))  # 71


def clean(*scores, kind=HERE, config=ROBUST):
    return calibrate(scores, source="known", kind=kind, search=search_key(config))


def answer(comparison, kind=HERE, calibration=None, config=ROBUST):
    score = comparison.sizes[0] if comparison else None
    return judge(score, comparison, kind, config, calibration)


@pytest.mark.parametrize(
    ("comparison", "said", "why"),
    [
        (STANDS_OUT, "backdoored", ("stands_out",)),
        (TWO, "backdoored", ("stands_out",)),
        (ALIKE, "no backdoor found", ("alike",)),
        (None, "no backdoor found", ("no_trigger",)),
        (BETWEEN, "cannot decide", ("between", "more")),
        (LARGE, "cannot decide", ("large", "more")),
        (SMALL, "cannot decide", ("small", "more")),
        (NO_SECOND, "cannot decide", ("no_second", "more")),
    ],
)
def test_an_encoder_of_a_measured_kind_is_judged_by_itself(comparison, said, why):
    found = answer(comparison)
    assert (found.answer, found.reasons) == (said, why)


@pytest.mark.parametrize("comparison", [STANDS_OUT, ALIKE, BETWEEN, None])
def test_of_another_kind_it_says_nothing_alone(comparison):
    found = answer(comparison, ELSEWHERE)
    assert found.answer == "cannot decide"
    assert found.reasons[-1] == "kind"


@pytest.mark.parametrize("comparison", [STANDS_OUT, ALIKE, None])
def test_with_other_settings_neither(comparison):
    assert answer(comparison, config=PUBLISHED).reasons[-1] == "settings"


@pytest.mark.parametrize("kind", [HERE, ELSEWHERE])
@pytest.mark.parametrize(
    ("comparison", "said", "why"),
    [
        (STANDS_OUT, "backdoored", "smaller"),
        (BETWEEN, "backdoored", "smaller"),
        (ALIKE, "no backdoor found", "not_smaller"),
        (None, "no backdoor found", "nothing_smaller"),
    ],
)
def test_three_clean_encoders_of_its_kind_decide(kind, comparison, said, why):
    found = answer(comparison, kind, clean(0.2, 0.3, 0.25, kind=kind))
    assert found.answer == said
    assert found.reasons[-1] == why


def test_a_large_patch_is_no_backdoor_for_being_smaller_than_others():
    found = answer(LARGE, calibration=clean(0.4, 0.5, 0.45))
    assert (found.answer, found.reasons) == ("cannot decide", ("large", "smaller", "more"))  # fmt: skip


@pytest.mark.parametrize(
    ("comparison", "scores"),
    [(STANDS_OUT, (0.02, 0.03, 0.025)), (ALIKE, (0.5, 0.6, 0.7))],
)
def test_witnesses_that_contradict_leave_it_open(comparison, scores):
    found = answer(comparison, calibration=clean(*scores))
    assert (found.answer, found.reasons[-1]) == ("cannot decide", "contradiction")


def test_clean_encoders_without_any_trigger_agree_with_an_encoder_that_stands_out():
    none = clean(None, None, None, kind=ELSEWHERE)
    assert answer(STANDS_OUT, ELSEWHERE, none).answer == "backdoored"
    assert answer(NO_SECOND, ELSEWHERE, none).answer == "backdoored"
    assert answer(LARGE, ELSEWHERE, none).answer == "cannot decide"
    assert answer(ALIKE, ELSEWHERE, none).answer == "cannot decide"
    assert answer(None, ELSEWHERE, none).answer == "no backdoor found"


@pytest.mark.parametrize(
    ("calibration", "why"),
    [
        (clean(0.2), "few_clean"),
        (clean(0.2, 0.2, 0.2, kind=ELSEWHERE), "other_kind"),
        (clean(0.2, 0.2, 0.2, config=PUBLISHED), "other_settings"),
    ],
)
def test_a_calibration_that_does_not_fit_is_told_and_decides_nothing(calibration, why):
    assert answer(BETWEEN, calibration=calibration).reasons == ("between", why, "more")
    assert answer(STANDS_OUT, calibration=calibration).answer == "backdoored"


def test_one_clean_encoder_that_yields_no_trigger_condemns_nobody():
    assert answer(ALIKE, calibration=clean(None)).answer == "no backdoor found"
    assert answer(ALIKE, ELSEWHERE, clean(None, kind=ELSEWHERE)).answer == "cannot decide"  # fmt: skip


def test_only_backdoored_ends_with_1():
    assert EXIT_CODES == {"no backdoor found": 0, "backdoored": 1, "cannot decide": 4}
