from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sources.server import Desk, Server
from sources.world import World


@pytest.fixture(scope="session")
def running() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def server(running: Server) -> Server:
    running.answers.clear()
    running.asked.clear()
    return running


@pytest.fixture
def desk(server: Server, tmp_path: Path) -> Desk:
    return Desk(server, tmp_path)


@pytest.fixture
def world(catalog_dir: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(catalog_dir, desk, monkeypatch)
