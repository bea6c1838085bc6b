"""In a program that a test starts, names that end in `.test` lead to this machine, as they do in the test itself."""

import socket
from typing import Any

_system = socket.getaddrinfo


def _looked_up(host: Any, *args: Any, **more: Any) -> Any:
    name = host.decode() if isinstance(host, bytes) else str(host)
    return _system("127.0.0.1" if name.endswith(".test") else host, *args, **more)


socket.getaddrinfo = _looked_up
