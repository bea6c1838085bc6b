"""What a pull request puts where the program keeps answers and results: neither believed nor written through."""

import subprocess
from pathlib import Path

import pytest

from surveykit.changes import kept
from surveykit.errors import MachineError

COMMANDS = {
    ".cache/links.jsonl": ["check-links", "muller2024journal", "--budget", "1s"],
    ".cache/discovered.jsonl": [
        "decline",
        "2501.00707",
        "--title",
        "A title",
        "--dry-run",
    ],
    ".cache/sources": ["verify", "--offline", "muller2024journal"],
}


@pytest.mark.parametrize("path", COMMANDS)
@pytest.mark.parametrize("linked", [".cache", ""])
def test_nothing_is_written_through_a_link(path, linked, catalog_dir, tmp_path, run):
    """A line with an address in it would be appended to a profile of the shell, which runs what stands in it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    place = catalog_dir / (linked or path)
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(outside if linked or path.endswith("sources") else outside / "rc")
    code, _, error = run(*COMMANDS[path])
    assert list(outside.iterdir()) == []
    assert code == 3
    assert "is a symbolic link" in error


@pytest.mark.parametrize("path", COMMANDS)
def test_what_a_commit_brought_is_not_believed(path, catalog_dir, run):
    place = catalog_dir / path
    place = place / "one.answer" if path.endswith("sources") else place
    place.parent.mkdir(parents=True)
    place.write_text("{}\n")
    for words in (["init", "-q"], ["add", "--force", ".cache"]):
        subprocess.run(["git", *words], cwd=catalog_dir, check=True)
    code, _, error = run(*COMMANDS[path])
    assert code == 3
    assert f"{path} is part of a commit" in error


def test_a_place_of_ones_own_is_taken(tmp_path):
    assert kept(tmp_path, ".cache/links.jsonl") == tmp_path / ".cache/links.jsonl"
    (tmp_path / ".cache").mkdir()
    assert kept(tmp_path, ".cache/sources") == tmp_path / ".cache/sources"
    (tmp_path / ".cache/sources").symlink_to(Path("nowhere"))
    with pytest.raises(MachineError):
        kept(tmp_path, ".cache/sources")


def test_this_repository_brings_no_answers_and_nothing_built():
    """They would be believed, or served, without anybody having looked at them."""
    root = Path(__file__).parents[1]
    done = subprocess.run(["git", "ls-files", "--", ".cache", "build"], cwd=root, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.stdout == ""
