"""Kill commands at random moments: `python -m tests.reliability.kills --runs 300 --log kills.log`.

After each kill every file must be old or new, and the next run must come to the same end as one that nobody killed. With
`--write`, docs/reliability.md is written from the counts.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.reliability import counted
from tests.reliability.scenes import SCENES, Scene, answers, unfinished

SIGKILL = signal.SIGKILL
WRONG = ("lost", "torn", "blocked", "left over")


def forked(work: Callable[[], int], folder: Path | None = None) -> int:
    """A child that does some work and ends with its exit code; the number of its process."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        if folder:
            os.chdir(folder)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1) if os.environ.get("KILLS_LOUD") else (0, 1, 2):
            os.dup2(nowhere, stream)
        code = work()
    finally:
        os._exit(code)


def ended(child: int) -> int:
    """Exit code of a child; negative for the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def serving() -> tuple[int, str]:
    """Number and address of a process that answers on loopback."""
    out, into = os.pipe()

    def serve() -> int:
        server = answers()
        os.write(into, server.url.encode())
        os.close(into)
        while os.getppid() != 1:
            time.sleep(1)
        server.close()
        return 0

    child = forked(serve)
    os.close(into)
    with os.fdopen(out, "rb") as told:
        url = told.read().decode()
    return child, url


class Trial:
    """One scene, measured once without a kill."""

    def __init__(self, name: str, folder: Path, url: str) -> None:
        self.scene: Scene = SCENES[name](folder / name, url)
        self.scene.begin()
        self.scene.before = self.scene.state()
        start, since = time.monotonic(), time.time()
        self._to_the_end()
        self.seconds = time.monotonic() - start
        if begun := self.scene.begun:
            before_it = (self.scene.folder / begun).stat().st_mtime - since
            self.seconds -= before_it
        self.scene.after = self.scene.state()
        self.unfinished = 0
        """Kills that left an unfinished file behind."""
        assert self.scene.after != self.scene.before, name

    def _to_the_end(self) -> int:
        return ended(forked(self.scene.work, self.scene.folder))

    def _wait(self, chance: random.Random) -> None:
        """Until a random moment of the work, or a little longer than until a file is being written."""
        begun, end = self.scene.folder / self.scene.begun, time.monotonic() + 60
        while not begun.exists() and time.monotonic() < end:
            time.sleep(0.002)
        if chance.random() < 0.5:
            time.sleep(chance.uniform(0, self.seconds))
            return
        end = time.monotonic() + self.seconds
        while not unfinished(self.scene.folder) and time.monotonic() < end:
            time.sleep(0.0005)
        time.sleep(chance.uniform(0, 0.02))

    def kill(self, chance: random.Random) -> tuple[bool, list[str]]:
        """Whether a run was killed before its end, and what is wrong then or after the next run."""
        self.scene.begin()
        child = forked(self.scene.work, self.scene.folder)
        self._wait(chance)
        os.kill(child, SIGKILL)
        if ended(child) != -SIGKILL:
            return False, []
        wrong = list(self.scene.whole())
        self.unfinished += bool(unfinished(self.scene.folder))
        known = self.scene.state()
        code = self._to_the_end()
        if code not in self.scene.codes:
            wrong.append(f"blocked: the next run ends with {code}")
        now = self.scene.state()
        wrong += [f"lost: {path}" for path in known.keys() - now.keys()]
        wrong += [
            f"blocked: {path} is not as after a whole run"
            for path in self.scene.after.keys() | now.keys()
            if self.scene.after.get(path) != now.get(path)
        ]
        wrong += [f"left over: {path}" for path in unfinished(self.scene.folder)]
        return True, wrong


def warm() -> None:
    """Import what the children need, so that they are killed at work and not at their beginning."""
    import surveykit.adding
    import surveykit.imports.run
    import surveykit.links.session
    import surveykit.mkdocs_plugin
    import surveykit.render.repository
    import surveykit.verifying  # noqa: F401 - see above


def kills(
    names: list[str],
    first: int,
    runs: int,
    seconds: float,
    seed: str,
    tell: Callable[[str], object],
) -> Counter[tuple[str, str]]:
    """(scene, what) -> how often; `killed` is one of the words, `lost`, `torn`, `blocked` and `left over` are the others."""
    counts: Counter[tuple[str, str]] = Counter()
    end = time.monotonic() + seconds
    server, url = serving()
    warm()
    try:
        with tempfile.TemporaryDirectory() as folder:
            trials = {name: Trial(name, Path(folder), url) for name in names}
            for number in range(first, first + 10 * runs):
                name = names[number % len(names)]
                killed = sum(n for (_, what), n in counts.items() if what == "killed")
                late = time.monotonic() > end and number >= first + len(names)
                if killed >= runs or late:  # on a slow machine each is killed once
                    break
                chance = random.Random(f"{seed}:{number}")
                hit, wrong = trials[name].kill(chance)
                counts[name, "killed"] += hit
                counts[name, "unfinished"] = trials[name].unfinished
                for line in wrong:
                    counts[name, line.partition(":")[0]] += 1
                    tell(f"{name} {number}: {line}")
    finally:
        os.kill(server, SIGKILL)
        ended(server)
    return counts


def main() -> int:
    """Kill, count, tell; 1 if anything was lost, torn, blocked or left over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenes", nargs="*", choices=[[], *SCENES], metavar="SCENE")
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--first", type=int, default=0, help="number of the first")
    parser.add_argument("--seconds", type=float, default=900)
    parser.add_argument("--seed", default="20261129")
    parser.add_argument("--log", type=Path, help="file for what went wrong")
    parser.add_argument("--write", action="store_true", help="docs/reliability.md")
    options = parser.parse_args()
    sys.path.insert(0, "tests")

    def tell(text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
        if options.log:
            with options.log.open("a", encoding="utf-8") as log:
                log.write(f"{text}\n")

    rows: dict[str, dict[str, int]] = {}
    names = options.scenes or list(SCENES)
    counts = kills(
        names, options.first, options.runs, options.seconds, options.seed, tell
    )
    for name in names:
        told = {what: n for (scene, what), n in sorted(counts.items()) if scene == name}
        tell(f"{name}: {told}")
        rows[name] = told
    if options.write:
        data = {"seed": options.seed, "scenes": rows}
        counted.keep("kills", data, more=options.first > 0)
    return 1 if any(what in WRONG for (_, what) in counts) else 0


if __name__ == "__main__":
    sys.exit(main())
