"""The services on loopback, as tests/sources has them."""

from sources.conftest import desk, running, server, world

__all__ = ["desk", "running", "server", "world"]
