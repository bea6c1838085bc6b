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
from collections.abc import Iterator
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
LINKS = 40


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

    def begin(self) -> None:
        """The first state."""
        shutil.rmtree(self.folder, ignore_errors=True)
        write_catalog(self.folder)

    def work(self) -> int:
        """What is killed; its exit code."""
        return program(*self.words)

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

        from surveykit.cli import add, verify

        remote = SimpleNamespace(url=self.url)
        remote.services = lambda: Server.services(remote)  # type: ignore[arg-type]
        desk = Desk(remote, self.folder / ".cache")  # type: ignore[arg-type]

        @contextlib.asynccontextmanager
        async def client(*_: object) -> Any:
            async with desk.open(now=lambda: NOW, max_age_seconds=86400.0) as opened:
                yield opened

        add.client = verify.client = client  # type: ignore[assignment,attr-defined]
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


class Links(Scene):
    """A list of addresses, and the history of what was found."""

    codes = (0, 1)

    def begin(self) -> None:
        """A list alone."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        lines = (f"{self.url}/page/{n}\n" for n in range(LINKS))
        (self.folder / "list.txt").write_text("".join(lines), encoding="utf-8")

    def work(self) -> int:
        """The check, polite to nobody: the server is ours."""
        words = ("--urls", "list.txt", "--allow", "127.0.0.0/8", "--spacing", "0")
        return program("check-links", *words, "--per-host", "2", "--history", "h.jsonl")

    def state(self) -> dict[str, bytes]:
        """The addresses with a result, in the place of the file with its times."""
        history = self.folder / "h.jsonl"
        lines = history.read_bytes().splitlines() if history.exists() else []
        rows = [json.loads(line) for line in lines if line.endswith(b"}")]
        return {row["url"]: b"" for row in rows if "url" in row}

    def whole(self) -> Iterator[str]:
        """Every line but the last can be read; what was found is not asked for again."""
        history = self.folder / "h.jsonl"
        lines = history.read_bytes().split(b"\n") if history.exists() else []
        for line in lines[:-1]:
            try:
                json.loads(line or b"{}")
            except ValueError:
                yield f"torn: {line[:60]!r}"


class Training(Scene):
    """A small training that writes a checkpoint at every step."""

    def begin(self) -> None:
        """An empty folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)

    def work(self) -> int:
        """A program of its own, as torch does not bear to be forked."""
        more = {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "src", ROOT / "tests")))}  # fmt: skip
        words = [sys.executable, "-m", "tests.reliability.scenes", str(self.folder)]
        os.execve(sys.executable, words, os.environ | more)

    def state(self) -> dict[str, bytes]:
        """The result; a checkpoint counts by what it leads to."""
        found = contents(self.folder).items()
        return {path: raw for path, raw in found if path == "weights.json"}


def train(folder: Path) -> None:
    """Train a tiny network with the loop that all methods use, and write numbers that tell its weights."""
    import torch

    from reference_impls.lab.models import training
    from reference_impls.lab.records import write_json

    training.CHECKPOINT_EVERY = 1
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.Linear(64, 8))
    learner = training.one_cycle_learner(
        {"network": network}, steps=60, learning_rate=0.01, seed=0
    )

    def loss(generator: torch.Generator) -> torch.Tensor:
        return network(torch.randn(16, 64, generator=generator)).square().mean()

    training.fit(loss, learner, steps=60, checkpoint=folder / "checkpoint.pt")
    weights = [w.double().sum().item() for w in network.parameters()]
    write_json({"weights": weights}, folder / "weights.json")


SCENES: dict[str, type[Scene]] = {
    "build": Build,
    "fmt": Fmt,
    "import": Import,
    "add": Add,
    "check-links": Links,
    "verify": Verify,
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
    page = "<html><title>A paper</title><body>" + "A page of words. " * 40
    html = {"content-type": "text/html"}
    server.answers["/page"] = Answer(page, headers=html, seconds=0.01)
    return server


if __name__ == "__main__":
    train(Path(sys.argv[1]))
