"""A catalog without papers, with the real taxonomy and venues."""

from dataclasses import replace
from pathlib import Path

import pytest

from surveykit.load import load_catalog


@pytest.fixture(scope="session")
def empty():
    real = load_catalog(Path(__file__).parents[2])
    return replace(real, papers=(), cards={}, paths={})
