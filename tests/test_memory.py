"""What is recalled of the last pass is what a whole pass would give, whatever has changed in between."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surveykit import clock, deployment, files, load, memory
from surveykit.cli import generated
from surveykit.cli.terminal import FINE, FOUND

ROOT = Path(__file__).parents[1]
ENTRY = "catalog/papers/2025/chen2025breaking.yaml"
COMMANDS = (["build", "--check"], ["validate", "--format", "json"], ["build"])


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """The folder in which verdicts are kept."""
    monkeypatch.delenv(memory.FORGET)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/surveykit/memory"


@pytest.fixture
def passes(monkeypatch):
    """Grows by one with each whole pass."""
    seen: list[Path] = []
    check = load.check

    def counted(root, paths=()):
        seen.append(root)
        return check(root, paths)

    monkeypatch.setattr(load, "check", counted)
    return seen


def snapshot(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def _copied(old: str, new: str) -> None:
    if Path(old).is_fifo():
        os.mkfifo(new)
    else:
        shutil.copy2(old, new)


def same_as_a_whole_pass(run, root, copy, monkeypatch, *command):
    """Asserts that a run gives the bytes, words and exit code of one that knows nothing."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(root, copy, symlinks=True, copy_function=_copied)
    recalled = run(*command, root=root)
    with monkeypatch.context() as there:
        there.setenv(memory.FORGET, "1")
        whole = run(*command, root=copy)
    assert recalled == whole
    assert snapshot(root) == snapshot(copy)


# ---- nothing has changed ----


def test_what_is_known_is_not_looked_at_again(run, kept, passes, catalog_dir):
    first = run("build")
    assert first.code == FINE
    again = run("build")
    assert (again.code, again.out) == (FINE, "")
    assert re.fullmatch(r"0 of \d+ files changed\n", again.err)
    assert run("build", "--check") == (FINE, "", "")
    assert run("validate") == (FINE, "no errors, no warnings\n", "")
    assert len(passes) == 1
    assert len(list(kept.iterdir())) == 1


def test_problems_are_told_again_in_every_format(run, kept, passes, catalog_dir):
    entry = catalog_dir / ENTRY
    text = entry.read_text("utf-8").replace("venue: arxiv", "venue: arxvi")
    entry.write_text(text, "utf-8")
    forms = ("text", "json", "github", "sarif")
    first = [run("validate", "--format", form) for form in forms]
    assert first == [run("validate", "--format", form) for form in forms]
    assert {result.code for result in first} == {FOUND}
    assert len(passes) == 1
    assert run("build").code == FOUND  # with the errors, and nothing is written
    assert not (catalog_dir / "README.md").exists()


def test_a_verdict_without_generated_files_is_none_for_a_build(
    run, kept, passes, catalog_dir
):
    run("validate")
    assert run("build").out
    assert len(passes) == 2


def test_a_recalled_run_imports_nothing_heavy(catalog_dir, kept):
    program = [sys.executable, "-X", "importtime", "-m", "surveykit.cli"]
    for command in ("build", "validate"):
        for _ in range(2):
            done = subprocess.run(
                [*program, "--root", str(catalog_dir), command],
                capture_output=True,
                check=True,
                text=True,
            )
        imported = set(re.findall(r"\| +([\w.]+)$", done.stderr, re.MULTILINE))
        assert "surveykit.memory" in imported
        heavy = {"pydantic", "yaml", "jinja2", "rich", "rapidfuzz", "surveykit.load"}
        assert not imported & heavy


# ---- something has changed ----


def _rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def _quietly(path: Path, old: str, new: str) -> None:
    """Edit a file so that neither its size nor its times tell."""
    before = path.stat()
    _rewrite(path, old, new)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size


def _link(path: Path) -> None:
    aside = path.with_name("aside")
    path.rename(aside)
    path.symlink_to(aside)


def _new(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


CHANGES = {
    "an entry is edited": lambda r: _rewrite(r / ENTRY, "Breaking", "Mending"),
    "an entry is edited behind its times": lambda r: _quietly(r / ENTRY, "Breaking", "Braeking"),
    "an entry is edited into a fault": lambda r: _rewrite(r / ENTRY, "venue: arxiv", "venue: arxvi"),
    "an entry is touched": lambda r: os.utime(r / ENTRY, ns=(1, 1)),
    "an entry is deleted": lambda r: (r / ENTRY).unlink(),
    "an entry is no longer readable text": lambda r: (r / ENTRY).write_bytes(b"\xff"),
    "an entry becomes a link": lambda r: _link(r / ENTRY),
    "an entry is copied": lambda r: shutil.copy(r / ENTRY, r / "catalog/papers/2025/chen2025copied.yaml"),
    "an empty folder appears": lambda r: (r / "catalog/papers/later").mkdir(),
    "a pipe appears": lambda r: os.mkfifo(r / "catalog/papers/2025/pipe.yaml"),
    "the survey is edited": lambda r: _rewrite(r / "catalog/survey.yaml", "Invented", "Imagined"),
    "the taxonomy is edited": lambda r: _rewrite(r / "catalog/taxonomy.yaml", "Backdoored encoder", "Backdoor in an encoder"),
    "the venues are edited": lambda r: _rewrite(r / "catalog/venues.yaml", "name: CVPR", "name: CVPRX"),
    "the kit is told its words": lambda r: _new(r / "catalog/kit.yaml", "languages: [en]\n"),
    "a card is edited": lambda r: _rewrite(r / "reference_impls/badseeds/card.yaml", "BadSeeds", "GoodSeeds"),
    "a card is deleted": lambda r: (r / "reference_impls/badseeds/card.yaml").unlink(),
    "results appear": lambda r: _new(r / "reference_impls/badseeds/results.json", '{"headline": 1}'),
    "a program of a method changes": lambda r: _new(r / "reference_impls/badseeds/method.py", "x = 1\n"),
    "a document appears": lambda r: _new(r / "docs/README.md", "# Documents\n"),
    "a generated file is edited": lambda r: _rewrite(r / "README.md", "Survey", "survey"),
    "a generated file is edited behind its times": lambda r: _quietly(r / "README.md", "Survey", "Surbey"),
    "a generated file below docs is edited": lambda r: _rewrite(r / "docs/format.md", "the", "teh"),
    "the schema is edited": lambda r: _rewrite(r / "catalog/schema.json", "{", "{ "),
    "a generated file is touched": lambda r: os.utime(r / "README.md", ns=(1, 1)),
    "a generated file is deleted": lambda r: (r / "survey.bib").unlink(),
    "a generated file is empty": lambda r: (r / "survey.bib").write_text(""),
    "a generated file becomes a link": lambda r: _link(r / "survey.bib"),
    "a generated file becomes a folder": lambda r: [(r / "survey.bib").unlink(), (r / "survey.bib").mkdir()],
    "all generated files below docs are deleted": lambda r: shutil.rmtree(r / "docs"),
    "an unfinished file is left": lambda r: _new(r / f"{files.TEMPORARY}99999999-x", "half"),
}  # fmt: skip


@pytest.fixture
def built(run, kept, catalog_dir):
    run("build")
    return catalog_dir


@pytest.mark.parametrize("change", CHANGES)
def test_after_any_change_a_run_gives_what_a_whole_pass_gives(
    run, built, tmp_path, monkeypatch, change
):
    CHANGES[change](built)
    copy = tmp_path / "copy"
    for command in (*COMMANDS, COMMANDS[0], COMMANDS[-1]):
        same_as_a_whole_pass(run, built, copy, monkeypatch, *command)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.sampled_from([*CHANGES, *map(" ".join, COMMANDS)]), min_size=2, max_size=6
    )
)
def test_after_any_sequence_of_changes_too(
    run, kept, tmp_path, monkeypatch, write_catalog, steps
):
    shutil.rmtree(tmp_path / "other", ignore_errors=True)
    root = write_catalog(tmp_path / "other")
    run("build", root=root)
    for step in steps:
        if step not in CHANGES:
            same_as_a_whole_pass(run, root, tmp_path / "copy", monkeypatch, *step.split())  # fmt: skip
            continue
        # An earlier change may have taken what this one needs.
        with contextlib.suppress(OSError, AssertionError, UnicodeDecodeError):
            CHANGES[step](root)
    for command in COMMANDS:
        same_as_a_whole_pass(run, root, tmp_path / "copy", monkeypatch, *command)


def test_a_day_that_comes_makes_a_new_verdict(run, kept, catalog_dir, monkeypatch):
    _rewrite(catalog_dir / ENTRY, "added: '2026-11-01'", "added: '2026-12-01'")
    monkeypatch.setattr(clock, "latest_day", lambda: date(2026, 11, 30))
    assert "SK362" in run("validate").out
    assert "SK362" in run("validate").out
    monkeypatch.setattr(clock, "latest_day", lambda: date(2026, 12, 1))
    assert run("validate").out == "no errors, no warnings\n"


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.setattr(memory, "_packages", lambda: iter(["jinja2-9.dist-info"])),
        lambda m: m.setattr(sys, "version", "4.0"),
        lambda m: m.setenv(deployment.SITE, "https://elsewhere.example.edu/"),
        lambda m: m.setenv("CI_PROJECT_URL", "https://elsewhere.example.edu/"),
    ],
)
def test_another_program_or_deployment_is_another_state(
    run, built, passes, monkeypatch, change
):
    change(monkeypatch)
    run("build")
    assert len(passes) == 1
    run("build")
    assert len(passes) == 1


def test_another_source_of_the_package_is_another_state(
    run, built, passes, tmp_path, monkeypatch
):
    package = shutil.copytree(memory.PACKAGE, tmp_path / "package")
    monkeypatch.setattr(memory, "PACKAGE", package)
    run("validate")  # the same files elsewhere
    assert not passes
    template = package / "render/templates/readme.md.jinja"
    template.write_text(template.read_text("utf-8") + "\n", "utf-8")
    run("validate")
    assert len(passes) == 1


@pytest.mark.parametrize("flag", [["--publish"], ["--pages", "build/pages"]])
def test_other_flags_take_a_whole_pass(run, built, passes, flag):
    run("build", *flag)
    assert len(passes) == 1


def test_what_changes_during_a_pass_is_not_taken_for_what_was_judged(
    run, kept, catalog_dir, monkeypatch
):
    check = load.check

    def meanwhile(root, paths=()):
        checked = check(root, paths)
        _rewrite(catalog_dir / ENTRY, "venue: arxiv", "venue: arxvi")
        return checked

    with monkeypatch.context() as there:
        there.setattr(load, "check", meanwhile)
        assert run("validate").code == FINE
    assert run("validate").code == FOUND


# ---- what is kept ----


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: b"",
        lambda raw: raw[:-1],
        lambda raw: raw[:64],
        lambda raw: raw.partition(b"\n")[0] + b"\n[[], {}]",
        lambda raw: b"0" * 64 + raw[64:],
        lambda raw: raw + b" ",
        lambda raw: b"\xff\x00" * 99,
    ],
)
def test_a_torn_or_forged_verdict_counts_as_none(run, built, kept, passes, spoil):
    (path,) = kept.iterdir()
    path.write_bytes(spoil(path.read_bytes()))
    assert run("build").err.startswith("0 of ")
    assert len(passes) == 1
    assert run("build").err.startswith("0 of ")
    assert len(passes) == 1  # it was written anew


def test_it_may_be_deleted_at_any_time(run, built, kept, passes):
    shutil.rmtree(kept)
    assert run("build").err.startswith("0 of ")
    assert len(passes) == 1


def test_where_nothing_can_be_kept_everything_works(
    run, kept, passes, catalog_dir, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", f"{os.devnull}/none")
    assert run("validate") == run("validate") == (FINE, "no errors, no warnings\n", "")
    assert len(passes) == 2


def test_a_folder_that_would_lie_in_the_repository_is_not_taken(
    run, kept, passes, catalog_dir, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    before = snapshot(catalog_dir)
    run("validate")
    assert snapshot(catalog_dir) == before
    assert len(list((tmp_path / "home/.cache/surveykit/memory").iterdir())) == 1


def test_nothing_of_the_repository_is_believed_and_nothing_is_kept_there(
    run, built, kept, passes
):
    """A pull request would bring the verdict on itself."""
    assert not [path for path in snapshot(built) if "memory" in path]
    (path,) = kept.iterdir()
    for place in (".cache/surveykit/memory", "build", "cache/surveykit/memory"):
        _new(built / place / path.name, path.read_text())
    path.unlink()
    assert run("validate").code == FINE
    assert len(passes) == 1


def test_few_repositories_are_remembered(kept, tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "MOST", 3)
    monkeypatch.setattr(memory, "PACKAGE", tmp_path / "package")
    memory.PACKAGE.mkdir()
    for number in range(5):
        root = tmp_path / f"r{number}"
        root.mkdir()
        memory.Memory(root).keep(())
        assert memory.Memory(root).recall() == memory.Recalled((), {})
    assert len(list(kept.iterdir())) == 3


# ---- the list of what is compared ----


def test_whatever_a_pass_reads_is_compared(monkeypatch):
    opened = set()
    plain = files.Folder.open

    def noted(self, name, *more):
        opened.add((self.path / name).relative_to(ROOT).as_posix())
        return plain(self, name, *more)

    things = memory._things(ROOT)
    monkeypatch.setattr(files.Folder, "open", noted)
    generated.generated(load.check(ROOT).catalog)
    assert len(opened) > 1000
    assert opened - set(things) == set()


def test_every_variable_of_a_deployment_is_compared():
    text = Path(deployment.__file__).read_text("utf-8")
    names = re.findall(r'environ\.get\("(\w+)"', text)
    assert len(names) == 4
    for name in (*names, deployment.SITE, deployment.REPOSITORY):
        assert name.startswith(memory.ENVIRONMENT)
