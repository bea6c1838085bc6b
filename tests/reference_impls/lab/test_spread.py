"""Mean and std over seeds."""

from statistics import mean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_impls.lab.metrics.mean_std import MeanStd


@given(st.lists(st.floats(0, 1), min_size=2, max_size=9))
def test_it_is_mean_and_sample_deviation(values):
    spread = MeanStd.of(values)
    assert spread.mean == pytest.approx(mean(values))
    assert spread.std == pytest.approx(stdev(values))
    assert spread.count == len(values)


def test_it_is_written_with_three_digits_and_a_single_value_has_no_deviation():
    assert str(MeanStd.of([0.1, 0.2, 0.3])) == "0.200 ± 0.100"
    assert str(MeanStd.of([0.5])) == "0.500"


def test_both_numbers_take_the_format_that_is_asked_for():
    assert f"{MeanStd.of([10, 20, 30]):.1f}" == "20.0 ± 10.0"
    assert f"{MeanStd.of([12.34]):.1f}" == "12.3"
    assert f"{MeanStd.of([0.1, 0.2, 0.3])}" == "0.200 ± 0.100"
