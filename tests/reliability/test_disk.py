"""A full disk and a read-only tree, for each command that writes: one line, exit code 3, no file changed."""

from __future__ import annotations

import errno
import math
import os
import shutil
import sys
from pathlib import Path

import pytest
from sources import server

from surveykit.cli import add, preprints
from tests.reliability.disk import FullDisk, ReadOnly
from tests.reliability.scenes import SCENES, answers, contents, unfinished

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/fd").exists(), reason="names of open folders are read there"
)
GROWING = (".cache/", "h.jsonl", "lab/", "out/examples.png", "out/results")
"""What a command keeps as it goes, so that the next run need not begin anew; a method's results are whole new files."""
ALSO_IN = {
    "fmt": "catalog",
    "import": "catalog",
    "add": "catalog",
    "verify": "catalog",
    "check-links --fix": "catalog",
    "training": "out",
}
"""A folder that may be the only one that is read-only, so that what comes before its files finds its place."""


@pytest.fixture(scope="module")
def services():
    running = answers()
    yield running.url
    running.close()


@pytest.fixture
def scene(request, services, tmp_path, monkeypatch):
    """A scene in its first state; what it puts in the place of the network goes when the test ends."""
    for module, name in (
        (add, "client"),
        (preprints, "client"),
        (sys.modules[server.transport.__module__], "SystemLookup"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name))
    made = SCENES[request.param](tmp_path / "tree", services)
    made.begin()
    made.before = made.state()
    return made


def files(scene):
    """All files but those that grow."""
    found = contents(scene.folder).items()
    return {path: raw for path, raw in found if not path.startswith(GROWING)}


def refused(scene, capsys, why):
    """Run it where it cannot write: one line says so, and every file is as it was."""
    before = files(scene)
    capsys.readouterr()
    return before, scene.here(), capsys.readouterr(), why


def check(told):
    before, code, shown, why = told
    assert code == 3, shown
    lines = [line for line in shown.err.splitlines() if "error" in line.lower()]
    assert len(lines) == 1, shown.err
    assert why in lines[0]
    assert "Traceback" not in shown.err
    return before


NEEDED: dict[str, tuple[int, dict[str, bytes]]] = {}
"""Scene -> bytes that a whole run writes, and the state that it leaves."""


def needed(name, scene, monkeypatch):
    if name not in NEEDED:
        with monkeypatch.context() as patch:
            disk = FullDisk(math.inf, patch)
            assert scene.here() in scene.codes
        NEEDED[name] = disk.taken, scene.state()
        scene.begin()
    return NEEDED[name]


ROOMS = {"none": 0.0, "some": 0.3, "almost all": 1.0}


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize(("name", "scene"), [(n, n) for n in SCENES], indirect=["scene"])  # fmt: skip
def test_a_full_disk_is_one_line_and_the_next_run_comes_to_the_end(
    name, scene, room, monkeypatch, capsys
):
    size, scene.after = needed(name, scene, monkeypatch)
    if name == "check-links":  # what comes last, a shorter history, is not needed
        size //= 10
    with monkeypatch.context() as patch:
        FullDisk(max(0, ROOMS[room] * size - 100), patch)
        told = refused(scene, capsys, os.strerror(errno.ENOSPC))
    assert files(scene) == check(told)
    assert unfinished(scene.folder) == []
    assert list(scene.whole()) == []
    assert scene.here() in scene.codes
    assert scene.state() == scene.after


@pytest.mark.parametrize(
    ("scene", "place"),
    [*((name, "") for name in SCENES), *ALSO_IN.items()],
    indirect=["scene"],
)
def test_a_read_only_tree_is_one_line_and_stays_as_it_is(
    scene, place, monkeypatch, capsys
):
    everything = contents(scene.folder)
    (scene.folder / place).mkdir(exist_ok=True)
    with monkeypatch.context() as patch:
        ReadOnly(scene.folder / place, patch)
        told = refused(scene, capsys, os.strerror(errno.EROFS))
    assert files(scene) == check(told)
    assert unfinished(scene.folder) == []
    if not place:
        assert contents(scene.folder) == everything


@pytest.mark.parametrize("scene", ["check-links"], indirect=True)
def test_a_history_that_cannot_be_made_shorter_stays_long(scene, monkeypatch):
    size, after = needed("check-links", scene, monkeypatch)
    with monkeypatch.context() as patch:
        FullDisk(size - 100, patch)
        assert scene.here() in scene.codes
    assert scene.state() == after
    assert unfinished(scene.folder) == []


CHANGES = {
    "a new file": lambda tree: (tree / "new").write_text("x", encoding="utf-8"),
    "a file without its name": lambda tree: os.open("new", os.O_CREAT | os.O_WRONLY, dir_fd=os.open(tree, os.O_RDONLY)),
    "more at the end": lambda tree: (tree / "old").open("a"),
    "a folder": lambda tree: (tree / "folder").mkdir(),
    "another name": lambda tree: (tree / "old").replace(tree / "new"),
    "a name from outside": lambda tree: (tree.parent / "other").replace(tree / "new"),
    "a name gone": lambda tree: (tree / "old").unlink(),
    "an end cut off": lambda tree: os.truncate(tree / "old", 1),
    "a copy": lambda tree: shutil.copyfile(tree.parent / "other", tree / "new"),
    "a tree gone": lambda tree: shutil.rmtree(tree),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_the_read_only_tree_of_these_tests_refuses_every_way_to_write(
    change, tmp_path, monkeypatch
):
    tree = tmp_path / "tree"
    tree.mkdir()
    for path in (tree / "old", tmp_path / "other"):
        path.write_text("before", encoding="utf-8")
    with monkeypatch.context() as patch:
        ReadOnly(tree, patch)
        with pytest.raises(OSError, match="Read-only file system"):
            CHANGES[change](tree)
        (tmp_path / "beside").write_text("x", encoding="utf-8")
        assert (tree / "old").read_text("utf-8") == "before"
    assert contents(tree) == {"old": b"before"}


@pytest.mark.parametrize("error", [RuntimeError("unexpected pos 704 vs 598"), OSError(errno.ENOSPC, "No space left")])  # fmt: skip
def test_a_checkpoint_of_many_files_that_finds_no_room_is_one_line(
    error, tmp_path, monkeypatch
):
    """Libraries write these, and have errors of their own."""
    from types import SimpleNamespace

    from reference_impls.gen_af import training
    from reference_impls.lab.errors import DeviceError

    def save_state(folder):
        Path(folder).mkdir(parents=True)
        raise error

    accelerator = SimpleNamespace(
        is_main_process=True, wait_for_everyone=lambda: None, save_state=save_state
    )
    run = SimpleNamespace(accelerator=accelerator, memory=training.Memory())
    with pytest.raises(DeviceError, match="cannot be written: ") as told:
        training._Run._save(run, tmp_path / "stage-1")
    assert told.value.exit_code == 3
    assert list((tmp_path / "stage-1").iterdir()) == []
