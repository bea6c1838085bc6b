"""`catalog/link_policy.yaml`, and what is wrong with it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, TypeAdapter
from pydantic_core import PydanticCustomError

from surveykit.errors import Problem
from surveykit.fields import validated
from surveykit.links.policy import FILE, Policy, PolicyRule
from surveykit.models import Model
from surveykit.scalars import Day, PlainText, Url
from surveykit.yaml_tree import read


def _with_path(url: str) -> str:
    if not urlsplit(url).path:
        raise PydanticCustomError(
            "bad_url",
            "prefix {value} ends inside the host name; end it with `/`",
            {"value": repr(url)},
        )
    return url


class WrittenRule(Model):
    """One exception."""

    prefix: Annotated[Url, AfterValidator(_with_path)]
    """Beginning of the addresses meant, with scheme, host and at least `/`."""
    treat: Literal["skip", "unverifiable"]
    """`skip` sends nothing; `unverifiable` asks, and counts a failure as unverifiable."""
    reason: PlainText
    """What was seen, and by whom or where."""
    until: Day
    """Last day on which the rule holds; then somebody looks again."""


_RULES = TypeAdapter(tuple[WrittenRule, ...])


def read_policy(root: Path) -> tuple[Policy, list[Problem]]:
    """The policy of a repository and what is wrong with it; without a file it is empty."""
    if not os.path.lexists(root / FILE):
        return Policy(), []
    tree = read(root / FILE, root=root)
    faults = list(tree.faults)
    written = validated(_RULES, tree, faults) if not faults and tree.data else ()
    problems = [Problem(FILE, f.line, f.column, f.rule, f.message) for f in faults]
    if problems:
        return Policy(), problems
    lines = tuple(tree.place((index,))[0] for index in range(len(written)))
    rules = tuple(PolicyRule(**one.model_dump()) for one in written)
    return Policy(rules, lines), []
