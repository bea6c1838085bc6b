"""Which globals a pickle of each kind of file may name: `policy.yaml`, and how names of Python 2 read today.

PickleBall (Kellas et al., CCS 2025, https://arxiv.org/abs/2508.15987) gives each library a policy of its own.
"""

from __future__ import annotations

import re
import sys
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_CLASS = re.compile(r"_?[A-Z][A-Za-z0-9_]*")
_OTHERS = re.compile(
    r"\.(externals|tests|testing|_testing|conftest|datasets|callback|models\.feature_extraction)\b"
)
"""Parts of a library that no model needs, and from which other libraries can be reached: files, threads, connections."""


@cache
def policy() -> dict[str, Any]:
    """The content of `policy.yaml`."""
    read: dict[str, Any] = yaml.safe_load(
        Path(__file__).with_name("policy.yaml").read_text("utf-8")
    )
    return read


@cache
def allowed(name: str, kind: str) -> str:
    """`calls`, `classes`, `values`, or nothing, for a global in a kind of file; of two, the first."""
    module, _, attribute = name.partition(" ")
    for library in policy()["kinds"][kind].split():
        for use, modules in policy()[library].items():
            if attribute in modules.get(module, "").split():
                return str(use)
            starred = any(
                fnmatchcase(module, one)
                for one, names in modules.items()
                if names == "*"
            )
            if starred and _CLASS.fullmatch(attribute) and not _OTHERS.search(module):
                return str(use)
    return ""


@cache
def known(name: str) -> bool:
    """Whether the package of a global is Python's own or one that the policy knows."""
    package = name.partition(" ")[0].partition(".")[0]
    return package in sys.stdlib_module_names or package in policy()["known"].split()


def renamed(module: str, name: str) -> str:
    """A global by the name of today: pickles of Python 2 say `__builtin__` or `commands`."""
    module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))  # fmt: skip
    if module.startswith("sklearn.externals.joblib"):  # its own copy, up to 0.22
        module = module.removeprefix("sklearn.externals.")
    return f"{module} {name}"
