"""A full disk and a read-only tree, for each command that writes: one line, exit code 3, no file changed."""

from __future__ import annotations

import errno
import os

import pytest
from sources.test_verify import ENTRY, PATH, on_arxiv

from surveykit import files
from surveykit.links.history import History
from tests.reliability.scenes import IMPORTED, contents, unfinished

COMMANDS = {
    "build": ("build",),
    "fmt": ("fmt",),
    "import": ("import", "refs.bib"),
    "pages": ("build", "--pages", "out"),
}


@pytest.fixture
def bibliography(catalog_dir):
    (catalog_dir / "refs.bib").write_text(IMPORTED, encoding="utf-8")
    return catalog_dir


class FullDisk:
    """A disk that takes so many bytes and then no more, in the place of the system's calls."""

    def __init__(self, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room = room
        self._open = os.fdopen
        monkeypatch.setattr(files.os, "fdopen", self._opened)

    def _opened(self, handle, mode="r", *more, **named):
        file = self._open(handle, mode, *more, **named)
        if "w" not in mode:
            return file
        return _Full(file, self)


class _Full:
    def __init__(self, file, disk):
        self._file, self._disk = file, disk

    def __enter__(self):
        self._file.__enter__()
        return self

    def __exit__(self, *told):
        return self._file.__exit__(*told)

    def __getattr__(self, name):
        return getattr(self._file, name)

    def write(self, raw):
        self._disk.room -= len(raw)
        if self._disk.room < 0:
            self._file.write(raw[: self._disk.room])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._file.write(raw)


@pytest.mark.parametrize("room", [0, 3_000])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk_is_one_line_and_changes_nothing(
    name, room, run, bibliography, monkeypatch
):
    before = contents(bibliography)
    FullDisk(room, monkeypatch)
    done = run(*COMMANDS[name])
    assert done.code == 3
    (line,) = [line for line in done.err.splitlines() if "Error" in line]
    assert "No space left on device" in line
    assert contents(bibliography) == before
    assert unfinished(bibliography) == []


@pytest.fixture
def verifiable(world, server):
    server.answers["/arxiv"] = on_arxiv()
    (world.root / PATH).parent.mkdir(parents=True, exist_ok=True)
    (world.root / PATH).write_text(ENTRY, encoding="utf-8")
    return world


@pytest.mark.parametrize(
    "words", [("add", "2401.00001", "--yes", "--anyway"), ("verify", "vanmuller2023planting")]
)  # fmt: skip
def test_a_full_disk_stops_what_asks_services_before_it_writes(
    words, verifiable, monkeypatch
):
    before = contents(verifiable.root)
    FullDisk(0, monkeypatch)
    done = verifiable.run(*words)
    assert done.code == 3
    assert "No space left on device" in done.err
    assert "Traceback" not in done.err
    assert contents(verifiable.root) == before


def test_a_history_on_a_full_disk_is_one_line_and_can_be_gone_on_with(
    tmp_path, monkeypatch
):
    from surveykit.errors import MachineError
    from surveykit.links.state import Reason, Result, State

    path = tmp_path / "links.jsonl"
    result = Result("https://e.org/", State.OK, Reason.REACHED)
    real, room = os.write, [150]

    def short(handle, raw):
        if room[0] <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        part = raw[: room[0]]
        room[0] -= len(part)
        return real(handle, part)

    with monkeypatch.context() as patch:
        patch.setattr("surveykit.links.history.os.write", short)
        with pytest.raises(MachineError, match="No space"):
            _filled(path, result)
    with History(path, 2.0) as history:
        history.add(result, 2.0)
    with History(path, 3.0) as history:
        assert history.past["https://e.org/"].at == 2.0


@pytest.mark.parametrize("name", COMMANDS)
def test_a_read_only_system_is_one_line_and_changes_nothing(
    name, run, bibliography, monkeypatch
):
    real = os.open

    def refusing(path, flags, *more, **named):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
        return real(path, flags, *more, **named)

    before = contents(bibliography)
    with monkeypatch.context() as patch:
        patch.setattr(files.os, "open", refusing)
        done = run(*COMMANDS[name])
    assert done.code == 3
    assert "Read-only file system" in done.err
    assert contents(bibliography) == before


def _filled(path, result):
    with History(path, 1.0) as history:
        for at in range(9):
            history.add(result, at)
