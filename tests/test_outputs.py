"""Files are whole: old or new, whatever happens in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveykit import files, outputs
from surveykit.errors import MachineError

OLD = {
    "README.md": "old readme\n",
    "docs/format.md": "old format\n",
    "survey.bib": "x\n",
}
NEW = {
    "README.md": "new readme\n",
    "docs/format.md": "new format\n",
    "survey.bib": "x\n",
}


@pytest.fixture
def root(tmp_path):
    outputs.write(tmp_path, OLD)
    return tmp_path


def contents(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in root.rglob("*")
        if path.is_file()
    }


def test_writing_creates_folders_and_reports_what_changed(tmp_path):
    assert outputs.write(tmp_path, OLD) == tuple(OLD)
    assert contents(tmp_path) == OLD


def test_a_file_that_already_holds_its_text_is_not_touched(root):
    before = (root / "survey.bib").stat()
    assert set(outputs.write(root, NEW)) == {"README.md", "docs/format.md"}
    after = (root / "survey.bib").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert outputs.write(root, NEW) == ()


def test_no_folder_that_is_a_link_is_written_through(root, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "format.md").write_text("new", encoding="utf-8")
    (root / "new").symlink_to(outside)
    (root / "a/b").mkdir(parents=True)
    (root / "a/b/c").symlink_to(outside)
    for path in ("new/format.md", "a/b/c/deep/format.md"):
        texts = {"survey.bib": "new", path: "new"}
        assert outputs.stale_paths(root, texts) == ("survey.bib", path)
        assert len(outputs.stale(root, texts)) == 2
        link = path.rpartition("/format")[0].removesuffix("/deep")
        with pytest.raises(MachineError, match=f"'{link}' is a symbolic link"):
            outputs.write(root, texts)
    assert contents(outside) == {"format.md": "new"}
    assert (root / "survey.bib").read_text("utf-8") == "x\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name")
def test_a_link_or_pipe_in_the_place_of_a_file_gives_way_to_it(root, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("old readme\n", encoding="utf-8")
    for make in (lambda: (root / "README.md").symlink_to(secret), lambda: os.mkfifo(root / "README.md")):  # fmt: skip
        (root / "README.md").unlink()
        make()
        assert outputs.stale_paths(root, OLD) == ("README.md",)
        assert "secret" not in outputs.stale(root, NEW)[0]
        assert outputs.write(root, OLD) == ("README.md",)
        assert not (root / "README.md").is_symlink()
    assert secret.read_text("utf-8") == "old readme\n"


def test_a_listing_behind_a_link_deletes_nothing(tmp_path):
    folder, outside = tmp_path / "pages", tmp_path / "outside"
    outside.mkdir()
    (outside / "a.md").write_text("keep", encoding="utf-8")
    outputs.write_folder(folder, {"b.md": "b"})
    (folder / "c").symlink_to(outside)
    (folder / outputs.LISTING).write_text("c/a.md\n", encoding="utf-8")
    with pytest.raises(MachineError, match="symbolic link"):
        outputs.write_folder(folder, {"b.md": "b"})
    assert (outside / "a.md").exists()


def test_bytes_are_utf8_without_translated_line_ends(tmp_path):
    outputs.write(tmp_path, {"a": "后门\r\né\n"})
    assert (tmp_path / "a").read_bytes() == "后门\r\né\n".encode()


def test_permissions_of_an_existing_file_stay_and_new_files_follow_the_umask(tmp_path):
    (tmp_path / "tool").write_text("old", encoding="utf-8")
    (tmp_path / "tool").chmod(0o750)
    mask = os.umask(0o027)
    try:
        outputs.write(tmp_path, {"tool": "new", "fresh": "new"})
    finally:
        os.umask(mask)
    assert (tmp_path / "tool").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "fresh").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("step", [0, 1])
def test_a_failing_replacement_leaves_whole_files_and_no_litter(
    root, monkeypatch, step
):
    real, calls = os.replace, []

    def failing(source, target, **where):
        if len(calls) == step:
            raise OSError(28, "No space left on device")
        calls.append(target)
        real(source, target, **where)

    monkeypatch.setattr("surveykit.files.os.replace", failing)
    with pytest.raises(MachineError, match=r"(README|format)\.md: No space left"):
        outputs.write(root, NEW)
    found = contents(root)
    assert set(found) == set(OLD)
    assert all(text in (OLD[path], NEW[path]) for path, text in found.items())
    assert (
        sum(found[path] == NEW[path] for path in ("README.md", "docs/format.md"))
        == step
    )


def test_a_failing_preparation_changes_nothing(root, monkeypatch):
    real, calls = os.fsync, []

    def failing(descriptor):
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")
        real(descriptor)

    monkeypatch.setattr("surveykit.outputs.os.fsync", failing)
    with pytest.raises(MachineError, match="Input/output error"):
        outputs.write(root, NEW)
    assert contents(root) == OLD


def test_a_folder_in_the_way_is_named(root):
    (root / "LICENSE").mkdir()
    with pytest.raises(MachineError, match="LICENSE: Is a directory"):
        outputs.write(root, {"README.md": "new", "LICENSE": "text"})
    assert contents(root) == OLD


KILLED = """
import sys, itertools
from pathlib import Path
from surveykit import files, outputs
for turn in itertools.count():
    text = f"{turn % 2}" * 200_000
    outputs.write(Path(sys.argv[1]), {"a.txt": text, "b/c.txt": text})
"""


def test_killing_a_writer_at_any_moment_never_leaves_half_a_file(tmp_path):
    for turn in range(12):
        child = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)])
        limit = time.monotonic() + 20
        while not (tmp_path / "b/c.txt").exists() and time.monotonic() < limit:
            time.sleep(0.005)
        time.sleep(0.003 * turn)
        child.send_signal(signal.SIGKILL)
        child.wait(timeout=20)
        for path in ("a.txt", "b/c.txt"):
            text = (tmp_path / path).read_text(encoding="utf-8")
            assert text in ("0" * 200_000, "1" * 200_000)


def gone() -> int:
    """Number of a process that is no more."""
    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid


def test_leftovers_are_swept_at_once_when_their_process_is_gone(root):
    left = root / f"docs/{files.TEMPORARY}{gone()}-0123456789ab"
    left.write_text("half", encoding="utf-8")
    outputs.write(root, OLD)  # nothing to write
    assert not left.exists()


def test_unfinished_files_of_a_living_process_stay_until_they_are_old(root):
    mine, reused = (
        root / f"{files.TEMPORARY}{os.getpid()}-{word}" for word in ("new", "old")
    )
    unnumbered = root / f"{files.TEMPORARY}x"
    for path in (mine, reused, unnumbered):
        path.write_text("half", encoding="utf-8")
    past = time.time() - files.LEFTOVER_SECONDS - 60
    os.utime(reused, (past, past))
    outputs.write(root, NEW)
    assert mine.exists()
    assert not reused.exists()
    assert unnumbered.exists()


@pytest.mark.parametrize(
    "path", ["../escape", "/etc/passwd", "a/../../b", "", "a\\..\\b", "."]
)
def test_nothing_is_written_outside_of_the_root(root, path):
    with pytest.raises(MachineError, match="does not name a file below"):
        outputs.write(root, {"README.md": "new", path: "x"})
    assert contents(root) == OLD


def test_stale_files_are_shown_as_unified_diffs_and_nothing_is_written(root):
    changed, created = outputs.stale(root, {**NEW, "extra.md": "more\n"})[::2]
    assert changed.splitlines() == [
        "--- a/README.md",
        "+++ b/README.md",
        "@@ -1 +1 @@",
        "-old readme",
        "+new readme",
    ]
    assert created.splitlines()[:2] == ["--- /dev/null", "+++ b/extra.md"]
    assert contents(root) == OLD
    assert outputs.stale(root, OLD) == ()


def test_a_file_that_is_not_utf8_counts_as_stale(root):
    (root / "README.md").write_bytes(b"\xff\xfe\n")
    (difference,) = outputs.stale(root, OLD)
    assert "+old readme" in difference


def test_a_folder_of_generated_files_forgets_only_what_it_wrote_itself(tmp_path):
    outputs.write_folder(tmp_path, {"a.md": "a", "b/b.md": "b"})
    (tmp_path / "mine.md").write_text("by hand", encoding="utf-8")
    assert outputs.write_folder(tmp_path, {"a.md": "a", "c.md": "c"}) == ("c.md",)
    found = set(contents(tmp_path))
    assert found == {"a.md", "c.md", "mine.md", outputs.LISTING}


def test_a_listing_that_points_outside_deletes_nothing_there(tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("keep", encoding="utf-8")
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / outputs.LISTING).write_text("../outside\n", encoding="utf-8")
    with pytest.raises(MachineError):
        outputs.write_folder(folder, {"a": "a"})
    assert outside.exists()


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8}\.md)?", fullmatch=True),
        st.text(st.characters(exclude_categories=["Cs"])),
        max_size=5,
    )
)
def test_after_writing_nothing_is_stale(tmp_path_factory, texts):
    folders = {path.split("/")[0] for path in texts if "/" in path}
    texts = {path: text for path, text in texts.items() if path not in folders}
    root = tmp_path_factory.mktemp("outputs")
    outputs.write(root, texts)
    assert outputs.stale(root, texts) == ()


@pytest.mark.skipif(not Path("/dev/null").is_char_device(), reason="no such device")
def test_a_device_is_never_replaced(tmp_path, monkeypatch):
    (tmp_path / "part").write_text("new\n")
    (tmp_path / "device").touch()
    with files.folder(tmp_path) as folder:
        device = Path("/dev/null").stat()
        monkeypatch.setattr(files.Folder, "state", lambda *_: device)
        with pytest.raises(files.NotPlainError, match="a device"):
            folder.replace("part", "device")
    assert (tmp_path / "part").exists()
