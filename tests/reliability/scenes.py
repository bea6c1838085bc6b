"""What is killed: a command, the state it begins from, and what must hold afterwards.

Each scene is a folder. `begin` puts it in its first state, `work` is what the killed process does, and `whole` says what is
wrong with the files as they lie. `work` done again to its end must leave the state of a run that nobody killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

from surveykit.files import TEMPORARY
from tests.conftest import write_catalog

ROOT = Path(__file__).parents[2]
IMPORTED = "".join(
    f"@inproceedings{{k{n}, title={{Encoders of the Invented Kind, Part {n}}}, author={{Ada Example and Bo{n} Li}}, "
    f"year={{{2015 + n % 5}}}, booktitle={{CVPR}}, pages={{{n}1--{n}9}}}}\n"
    for n in range(40)
)
LINKS, OLD, OLD_TIMES = 60, 20, 200
"""Addresses that are checked; old ones in the history, and lines for each."""
OLD_ROW = {"run": "2026-01-01T00:00:00Z/1", "at": 1.0, "state": "ok", "reason": "reached", "hops": []}  # fmt: skip
MOVING = {
    "catalog/papers/2024/muller2024journal.yaml": "https://github.com/example/guard",
    "catalog/papers/2023/feng2023detecting.yaml": "https://www.youtube.com/watch?v=invented&t=1",
}


def program(*words: str) -> int:
    """The exit code of a command in this process."""
    from surveykit.cli import main

    sys.argv = ["surveykit", *words]
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder but git's and unfinished ones."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(TEMPORARY)
    }


def unfinished(folder: Path) -> list[str]:
    """Files that a killed run left."""
    return [str(path) for path in folder.rglob(f"{TEMPORARY}*")]


@dataclass
class Scene:
    """A command that is killed in a catalog."""

    folder: Path
    url: str
    """Where the services on loopback answer."""
    before: dict[str, bytes] = field(default_factory=dict)
    after: dict[str, bytes] = field(default_factory=dict)
    """Files of the first state, and of a run that nobody killed."""

    words: ClassVar[tuple[str, ...]] = ()
    codes: ClassVar[tuple[int, ...]] = (0,)
    """Exit codes of a run that came to its end."""
    ignored: ClassVar[tuple[str, ...]] = (".cache/",)
    begun: ClassVar[str] = ""
    """A file that says that the program has been read and the work begins; empty for a scene that begins at once."""

    def begin(self) -> None:
        """The first state."""
        shutil.rmtree(self.folder, ignore_errors=True)
        write_catalog(self.folder)

    def work(self) -> int:
        """What is killed; its exit code."""
        return program(*self.words)

    def here(self) -> int:
        """The same in the process of a test."""
        with contextlib.chdir(self.folder):
            return self.work()

    def state(self) -> dict[str, bytes]:
        """The files that count."""
        found = contents(self.folder).items()
        return {p: raw for p, raw in found if not p.startswith(self.ignored)}

    def whole(self) -> Iterator[str]:
        """What is wrong after a kill: files lost, and files that are neither old nor new."""
        now = self.state()
        for path in self.before.keys() - now.keys():
            yield f"lost: {path}"
        for path, raw in now.items():
            if raw not in (self.before.get(path), self.after.get(path)):
                yield f"torn: {path}"


class Build(Scene):
    """All generated files."""

    words = ("build",)


class Pages(Scene):
    """The website's pages."""

    words = ("build", "--pages", "out")


class Fmt(Scene):
    """Entries that are not in their canonical form."""

    words = ("fmt",)


class Import(Scene):
    """A bibliography that becomes entries."""

    words = ("import", "refs.bib")
    codes = (0, 1)

    def begin(self) -> None:
        """A bibliography beside the catalog."""
        super().begin()
        (self.folder / "refs.bib").write_text(IMPORTED, encoding="utf-8")


class _Asking(Scene):
    """A command that asks services."""

    def work(self) -> int:
        """The command with services on loopback in the place of the real ones."""
        from sources.server import NOW, Desk, Server

        from surveykit.cli import add, preprints

        remote = SimpleNamespace(url=self.url)
        remote.services = lambda: Server.services(remote)  # type: ignore[arg-type]
        desk = Desk(remote, self.folder / ".cache")  # type: ignore[arg-type]

        @contextlib.asynccontextmanager
        async def client(*_: object) -> Any:
            async with desk.open(now=lambda: NOW, max_age_seconds=86400.0) as opened:
                yield opened

        add.client = preprints.client = client  # type: ignore[assignment,attr-defined]
        return program(*self.words)

    def whole(self) -> Iterator[str]:
        """Kept answers are whole, too."""
        yield from super().whole()
        for path in (self.folder / ".cache").rglob("*.answer"):
            head, _, body = path.read_bytes().partition(b"\n")
            if head.startswith(b"{") and json.loads(head)["bytes"] != len(body):
                yield f"torn: {path.name}"


class Add(_Asking):
    """A paper that services know."""

    words = ("add", "2401.00001", "--yes")


class Verify(_Asking):
    """An entry that lacks an identifier and a verification."""

    words = ("verify", "vanmuller2023planting", "--fix")
    codes = (0, 1)

    def begin(self) -> None:
        """The entry beside those of the catalog."""
        from sources.test_verify import ENTRY, PATH

        super().begin()
        path = self.folder / PATH
        path.parent.mkdir(parents=True, exist_ok=True)
        entry = ENTRY.replace("  doi: 10.5555/ccs24.0001\n", "", 1)
        path.write_text(entry, encoding="utf-8")


class Published(_Asking):
    """A preprint that was published: its entry is written anew, in the folder of another year."""

    words = ("verify", "--published", "vanmuller2022planting", "--fix")

    def begin(self) -> None:
        """The entry beside those of the catalog, a year before its publication."""
        from sources.test_published import ENTRY, PATH

        super().begin()
        path = self.folder / PATH.replace("2024", "2022")
        path.parent.mkdir(parents=True, exist_ok=True)
        entry = ENTRY.replace("vanmuller2024", "vanmuller2022")
        path.write_text(entry.replace("year: 2024", "year: 2022"), encoding="utf-8")

    def state(self) -> dict[str, bytes]:
        """Entries under their names, for this one moves; where the old file has not gone yet, the new one counts."""
        found = sorted(super().state().items())
        return {path.rpartition("/")[2]: raw for path, raw in found}

    def whole(self) -> Iterator[str]:
        """The move has an end, too."""
        yield from super().whole()
        left = list(self.folder.rglob("vanmuller2022planting.yaml"))
        if len(left) == 2 and left[0].read_bytes() == left[1].read_bytes():
            yield "torn: two files of one entry say the same"


class _Linking(Scene):
    """A command that asks for pages."""

    codes = (0, 1)
    more: ClassVar[tuple[str, ...]] = ()

    def work(self) -> int:
        """The check, polite to nobody: the server is ours, and so is every name in `.test`."""
        from sources import server

        connect = sys.modules[server.transport.__module__]
        connect.SystemLookup = lambda: server._lookup  # type: ignore[attr-defined]
        words = ("check-links", *self.words, "--allow", "127.0.0.0/8")
        return program(*words, "--spacing", "0", *self.more)


class Links(_Linking):
    """A list of addresses, and the history of what was found: so long that the run makes it shorter at its end."""

    words = ("--urls", "list.txt", "--per-host", "2", "--history", "h.jsonl")

    def begin(self) -> None:
        """A list, and a history of other addresses."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        lines = (f"{self.url}/page/{n}\n" for n in range(LINKS))
        (self.folder / "list.txt").write_text("".join(lines), encoding="utf-8")
        rows = (OLD_ROW | {"url": f"https://old.example/{n}"} for n in range(OLD))
        history = "".join(f"{json.dumps(row)}\n" for row in rows) * OLD_TIMES
        (self.folder / "h.jsonl").write_text(history, encoding="utf-8")

    def state(self) -> dict[str, bytes]:
        """The addresses with a result, in the place of the file with its times."""
        history = self.folder / "h.jsonl"
        lines = history.read_bytes().splitlines() if history.exists() else []
        rows = [json.loads(line) for line in lines if line.endswith(b"}")]
        return {row["url"]: b"" for row in rows if "url" in row}

    def whole(self) -> Iterator[str]:
        """Every line but the last can be read; what was found is not asked for again."""
        yield from super().whole()
        history = self.folder / "h.jsonl"
        lines = history.read_bytes().split(b"\n") if history.exists() else []
        for line in lines[:-1]:
            try:
                json.loads(line or b"{}")
            except ValueError:
                yield f"torn: {line[:60]!r}"


class Fix(_Linking):
    """Two entries whose links have moved, and are rewritten."""

    words = (
        "--fix",
        "--only",
        "code",
        "--only",
        "video",
        *(Path(p).stem for p in MOVING),
    )

    def begin(self) -> None:
        """Links that lead to our server."""
        super().begin()
        for path, old in MOVING.items():
            file = self.folder / path
            site = self.url.replace("127.0.0.1", "papers.test")
            text = file.read_text(encoding="utf-8")
            assert old in text
            new = text.replace(old, f"{site}/moved/{file.stem}")
            file.write_text(new, encoding="utf-8")


class Training(Scene):
    """A method's own command: it trains an encoder, attacks it and measures both, with a checkpoint at every step."""

    begun = "begun"

    def begin(self) -> None:
        """An empty folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)

    def work(self) -> int:
        """A program of its own, as torch does not bear to be forked."""
        more = {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "src", ROOT / "tests")))}  # fmt: skip
        words = [sys.executable, "-m", "tests.reliability.scenes", str(self.folder)]
        os.execve(sys.executable, words, os.environ | more)

    def here(self) -> int:
        """The method's command."""
        return train(self.folder)

    def state(self) -> dict[str, bytes]:
        """Weights, and what was found with them; times and dates are of the run, a checkpoint counts by what it leads to."""
        found = contents(self.folder)
        kept = {p: raw for p, raw in found.items() if p.endswith(".safetensors")}
        for path, raw in found.items():
            if path.endswith("results.json"):
                data = json.loads(raw)
                rows = [{**row, "seconds": 0} for row in data["rows"]]
                kept[path] = json.dumps([data["settings"], rows]).encode()
        return kept


def train(folder: Path, begun: Callable[[], None] = lambda: None) -> int:
    """The command with the smallest settings, which keeps all it writes below a folder; its exit code."""
    from unittest import mock

    import torch

    if torch.backends.cpu.get_cpu_capability() == "AVX2":
        os.environ.setdefault("DNNL_MAX_CPU_ISA", "AVX")  # see the methods' tests

    from reference_impls.badencoder import study
    from reference_impls.badencoder.__main__ import main
    from reference_impls.badencoder.method import DEFAULT
    from reference_impls.badencoder.study import Condition
    from reference_impls.lab.models import training
    from reference_impls.lab.models.encoders import SmallNetConfig
    from reference_impls.lab.models.training import SimCLRConfig
    from reference_impls.lab.models.zoo import LabData

    net = SmallNetConfig(widths=(8, 8, 16))
    tiny = Condition(
        seed=0,
        trigger=DEFAULT,
        tasks=("texture",),
        steps=12,
        parent=SimCLRConfig(steps=12, batch=32, net=net),
        lab=LabData(train=96, test=48, scan=8, size=16),
    )
    with (
        mock.patch.object(study, "QUICK", tiny),
        mock.patch.object(training, "CHECKPOINT_EVERY", 1),
        mock.patch.dict(os.environ, {"LAB_CACHE": str(folder / "lab")}),
    ):
        begun()
        words = ["study", "--quick", "--seeds", "0", "--out", str(folder / "out")]
        return main(words)


SCENES: dict[str, type[Scene]] = {
    "build": Build,
    "build --pages": Pages,
    "fmt": Fmt,
    "import": Import,
    "add": Add,
    "check-links": Links,
    "check-links --fix": Fix,
    "verify": Verify,
    "verify --published": Published,
    "training": Training,
}


def answers() -> Any:
    """A server on loopback with the services' answers and a page that takes its time."""
    from sources import test_verify as cases
    from sources.answers import ATOM, atom, atom_entry, crossref, dblp, dblp_info, work
    from sources.server import Answer, Server, as_json

    server = Server()
    xml = {"content-type": ATOM}
    item = work(**{"container-title": [cases.ICCV], **cases.YEAR})
    server.answers["/arxiv"] = Answer(atom(atom_entry()), headers=xml)
    server.answers["/crossref"] = as_json(crossref(item))
    server.answers["/dblp"] = as_json(dblp(dblp_info(venue="ICCV", year="2023")))
    server.answers["/openreview/search"] = as_json({"notes": [], "count": 0})
    page = "<html><title>A paper</title><body>" + "A page of words. " * 40
    html = {"content-type": "text/html"}
    server.answers["/page"] = Answer(page, headers=html, seconds=0.01)
    moved = {"location": "/page/new", "content-length": "0"}
    server.answers["/moved"] = Answer("", 301, headers=moved)
    return server


if __name__ == "__main__":
    where = Path(sys.argv[1])
    sys.exit(train(where, (where / Training.begun).touch))
