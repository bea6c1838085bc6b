"""A short run over whole catalogs; `python -m tests.fuzz.catalogs` runs for as long as one likes."""

from tests.fuzz.catalogs import Catalogs, fuzz
from tests.fuzz.running import inside, outside


def test_no_catalog_makes_a_command_raise_or_dawdle(tmp_path):
    catalogs = Catalogs(tmp_path / "repo", "short")
    counts, wrong = fuzz(catalogs, range(90), 60.0, inside, print)
    assert wrong == []
    assert counts["exit code 1"] > 15


def test_a_program_ends_with_one_of_its_codes(tmp_path):
    catalogs = Catalogs(tmp_path / "repo", "programs")
    counts, wrong = fuzz(catalogs, range(2), 60.0, outside, print)
    assert wrong == []
    assert counts["runs"] == 2
