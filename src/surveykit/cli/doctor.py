"""`surveykit doctor`: everything a pull request is judged by, and what to run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from surveykit import load, outputs, yaml_tree
from surveykit.cli import generated
from surveykit.cli.fmt import entry_paths, formatted
from surveykit.cli.terminal import (
    FINE,
    FOUND,
    as_json,
    example,
    openable,
    placed,
    repository,
    say,
    say_json,
)
from surveykit.comments import comments
from surveykit.errors import Loc, plural
from surveykit.load import Checked
from surveykit.rules.unfinished import marks
from surveykit.text.printable import printable
from surveykit.yaml_tree import Tree

EXIT_CODES = """\b
Exit codes:
  0    fine; warnings do not count
  1    something is left to do: marks of drafts, errors, entries to format, stale files

"""


MOST_SHOWN = 20


MOST_IN_FULL = 5
"""Drafts of which every mark has a line; of more, each entry has one."""


UNFINISHED = "SK352"


HINT = "catalog/taxonomy.yaml defines the terms; where none fits, CONTRIBUTING.md, “When no term or venue fits”"


@dataclass(frozen=True)
class _Check:
    """One thing that the doctor looks at."""

    name: str
    findings: tuple[str, ...]
    run: str
    """Command that mends it, or tells more."""
    harmless: bool = False
    """Whether the findings are only warnings."""
    state: str = ""
    """What is said in the place of their number."""
    hint: str = ""
    """Where to read more."""


@click.command(epilog=EXIT_CODES + example("surveykit doctor"))
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@as_json
@click.pass_obj
def doctor(root: Path | None, paths: tuple[Path, ...], as_json: bool) -> int:
    """Look at everything a pull request is judged by, and say what to run for each finding.

    These are the marks that drafts of entries still hold, the entries (validate), their form (fmt --check) and the
    generated files (build --check). PATHS limit it to some entries.
    """
    checks = list(_examined(repository(root), paths))
    sick = any(check.findings and not check.harmless for check in checks)
    if as_json:
        rows = [dataclasses.asdict(check) for check in checks]
        say_json({"healthy": not sick, "checks": rows})
        return FOUND if sick else FINE
    for check in checks:
        found = f"{len(check.findings)} found" if check.findings else "fine"
        say(f"{check.name}: {check.state or found}")
        for finding in (
            check.findings[:MOST_SHOWN] if not check.state else check.findings
        ):
            say(f"  {printable(finding)}")
        if len(check.findings) > MOST_SHOWN and not check.state:
            say(f"  … and {len(check.findings) - MOST_SHOWN} more")
        if check.hint:
            say(f"  {check.hint}")
        if check.findings:
            say(f"  run: {check.run}")
    return FOUND if sick else FINE


def _examined(home: Path, paths: Sequence[Path]) -> Iterator[_Check]:
    checked = load.check(home, [path.resolve() for path in paths])
    yield from _drafts(home, checked, in_full=bool(paths))
    others = placed(home, [p for p in checked.problems if p.rule != UNFINISHED])
    for severity in ("error", "warning"):
        some = [p for p in others if p.severity == severity]
        rules = sorted({p.rule for p in some})
        run = "surveykit explain " + (rules[0] if rules else "")
        more = f"  (also {', '.join(rules[1:])})" if rules[1:] else ""
        lines = tuple(printable(str(p)) for p in some)
        yield _Check(f"{severity}s", lines, run + more, harmless=severity == "warning")
    done = formatted(home, entry_paths(home, paths))
    files = tuple(openable(home, path) for path in done.changed)
    yield _Check("form of the entries", files, "surveykit fmt")
    if paths:
        return
    if checked.catalog is None:
        state = "not looked at until the entries are finished and free of errors"
        yield _Check("generated files", (), "surveykit validate", state=state)
    else:
        stale = outputs.stale_paths(home, generated.generated(checked.catalog))
        yield _Check("generated files", stale, "surveykit build")


def _drafts(home: Path, checked: Checked, *, in_full: bool) -> Iterator[_Check]:
    """What is left to a person in entries that `add`, `import` or an issue began; nothing where there is none."""
    paths = sorted({p.path for p in checked.problems if p.rule == UNFINISHED})
    lines: list[str] = []
    for path in paths:
        tree = yaml_tree.read(home / path, root=home)
        left = dict(_left(tree))
        place = openable(home, path)
        if in_full or len(paths) <= MOST_IN_FULL:
            at = (f"{place}:{line}:{column}" for line, column in map(tree.place, left))
            lines += [
                f"{where}: {said}"
                for where, said in zip(at, left.values(), strict=True)
            ]
        else:
            lines.append(f"{place}: {', '.join(map(_named, left))}")
    if lines:
        state = f"{plural(len(paths), 'entry')} to finish by hand"
        short = not in_full and len(paths) > MOST_IN_FULL
        run = f"surveykit doctor{' PATH' if short else ''}"
        yield _Check("drafts", tuple(lines), run, state=state, hint=HINT)


def _left(tree: Tree) -> Iterator[tuple[Loc, str]]:
    """Each mark of an entry, and how to decide it."""
    sides = comments(tree.text).sides
    for loc in marks(tree.data):
        told = " ".join(
            c.lstrip("# ")
            for n in range(len(loc), 0, -1)
            for c in sides.get(loc[:n], ())
        )
        how = _how(loc, tree)
        yield loc, printable(f"{_named(loc)}: {how}" + (f" ({told})" if told else ""))


def _named(loc: Loc) -> str:
    return ".".join(str(step) for step in loc if isinstance(step, str))


def _how(loc: Loc, tree: Tree) -> str:
    if loc[0] == "terms":
        rest = [term for term in tree.data["terms"][loc[1]] if term != "todo"]
        keep = f"keep what holds of {', '.join(rest)}" if rest else "write what holds"
        return f"{keep}, and delete `todo`"
    if loc[0] == "venue":
        return "write its id in catalog/venues.yaml, `arxiv` for a preprint alone"
    if loc[0] == "links":
        return "write the address of the paper's page"
    if loc[0] == "authors":
        return "write the authors in printed order"
    return "write it in Chinese" if loc[-1] == "zh" else "write it"
