"""`surveykit fmt`: entries in their canonical form."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from surveykit import outputs
from surveykit.canon import format_text
from surveykit.cli.terminal import (
    FINE,
    FOUND,
    as_json,
    example,
    note,
    openable,
    placed,
    repository,
    say,
    say_json,
    warn,
)
from surveykit.errors import Problem, plural
from surveykit.load import PAPERS
from surveykit.yaml_tree import RefusedError, read


@click.command(epilog=example("surveykit fmt --check"))
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--check", is_flag=True, help="Write nothing; exit code 1 if a file would change."
)
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@as_json
@click.pass_obj
def fmt(
    root: Path | None,
    *,
    paths: tuple[Path, ...],
    check: bool,
    diff: bool,
    as_json: bool,
) -> int:
    """Write entries in their canonical form: order of keys, quotes, line breaks.

    Comments stay, facts do not change, and a second run changes nothing. Without PATHS, all entries are formatted.
    """
    home = repository(root)
    done = formatted(home, entry_paths(home, paths))
    dry = check or diff
    if not dry:
        outputs.sweep_below(home, PAPERS)
        outputs.write(home, {path: new for path, (_, new) in done.changed.items()})
    warn(placed(home, done.problems))
    if as_json:
        rows = [dataclasses.asdict(problem) for problem in done.problems]
        say_json({"changed": list(done.changed), "problems": rows})
    elif diff:
        for path, (old, new) in done.changed.items():
            say(_difference(path, old, new), end="")
    else:
        for path in done.changed:
            say(openable(home, path))
    done_or_not = "would change" if dry else "changed"
    note(f"{len(done.changed)} of {plural(done.seen, 'entry')} {done_or_not}")
    return FOUND if done.problems or (dry and done.changed) else FINE


@dataclass(frozen=True)
class Formatted:
    """What formatting would do."""

    seen: int
    changed: dict[str, tuple[str, str]]
    """Path -> text before and after."""
    problems: tuple[Problem, ...]
    """Files that cannot be formatted."""


def formatted(home: Path, paths: Sequence[str]) -> Formatted:
    """What formatting would do to entry files."""
    changed, problems = {}, []
    for path in paths:
        tree = read(home / path, root=home)
        try:
            faults = tree.faults
            new = format_text(tree.text) if not faults else tree.text
        except RefusedError as error:
            faults, new = [error.fault], tree.text
        problems += [Problem(path, f.line, f.column, f.rule, f.message) for f in faults]
        if new != tree.text:
            changed[path] = (tree.text, new)
    return Formatted(len(paths), changed, tuple(problems))


def entry_paths(home: Path, paths: Sequence[Path]) -> list[str]:
    """Entry files that `paths` name, relative to the repository; all for none."""
    folder = home / PAPERS
    found = set()
    for path in [p.resolve() for p in paths] or [folder]:
        inside = path.rglob("*.yaml") if path.is_dir() else [path]
        mine = [p for p in inside if p.is_relative_to(folder)]
        if paths and not mine:
            raise click.UsageError(
                f"{click.format_filename(path)} is not an entry; entries lie below {folder}"
            )
        found |= {p.relative_to(home).as_posix() for p in mine if not p.is_symlink()}
    return sorted(found)


def _difference(path: str, old: str, new: str) -> str:
    lines = (old.splitlines(keepends=True), new.splitlines(keepends=True))
    return "".join(
        difflib.unified_diff(*lines, fromfile=f"a/{path}", tofile=f"b/{path}")
    )
