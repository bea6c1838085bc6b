"""A whole repository beside the services on loopback, and the commands run in it."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from sources.server import Desk

from surveykit.cli import main, services


@dataclass
class Done:
    """What a run of the program left."""

    code: int
    out: str
    err: str


class World:
    """Runs of the program in one folder, against the services of one desk."""

    def __init__(self, root: Path, desk: Desk, patch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.desk = desk

        @contextlib.asynccontextmanager
        async def client(home: Path, catalog: object, how: services.Asking):  # type: ignore[no-untyped-def]
            age = 0.0 if how.refresh else 86400.0
            more = {
                "offline": how.offline,
                "mailto": how.mailto,
                "max_age_seconds": age,
            }
            async with desk.open(**more) as opened:
                yield opened

        self._patch = patch
        self._client = client

    def run(self, *arguments: str) -> Done:
        """The program with these arguments, in this process: services are not the real ones."""
        from surveykit.cli import add, coverage, decline, discover, preprints

        out, err = (
            io.TextIOWrapper(io.BytesIO(), "utf-8"),
            io.TextIOWrapper(io.BytesIO(), "utf-8"),
        )
        with self._patch.context() as patch:
            patch.chdir(self.root)
            patch.setattr(
                sys, "argv", ["surveykit", "--root", str(self.root), *arguments]
            )
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            for module in (add, coverage, decline, discover, preprints):
                if hasattr(module, "client"):
                    patch.setattr(module, "client", self._client)
            # There, as paths are shown the way they can be opened from where one stands.
            patch.chdir(self.root)
            with pytest.raises(SystemExit) as stop:
                main()
        for stream in (out, err):
            stream.flush()
        told = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
        return Done(int(stop.value.code or 0), *told)

    def entries(self) -> set[str]:
        """Names of the entry files, unfinished writes among them."""
        folder = self.root / "catalog/papers"
        return {path.name for path in folder.rglob("*") if path.is_file()}
