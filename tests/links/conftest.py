"""The hostile server, and a run against it as the command line makes one."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.links.hostile import Hostile, lookup

from surveykit.links.address import Guard
from surveykit.links.connect import transport
from surveykit.links.engine import Outcome, Plan, Run
from surveykit.links.fetch import Fetcher, Limits
from surveykit.links.gate import Gate
from surveykit.links.gather import Link, Place
from surveykit.links.history import History


@pytest.fixture(scope="session")
def hostile():
    server = Hostile()
    yield server
    server.close()
