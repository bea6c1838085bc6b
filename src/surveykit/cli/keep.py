"""Commands for whoever brings entries in and keeps them in order: import, fmt."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from surveykit.cli.outside import readable
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
from surveykit.errors import MachineError, plural

if TYPE_CHECKING:
    from surveykit.errors import Problem
    from surveykit.imports.run import Form, Imported


PAPERS = "catalog/papers"


@click.command("import", epilog=example("surveykit import README.md --dry-run"))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--from",
    "form",
    type=click.Choice(["bibtex", "csl", "ris", "markdown"]),
    help="Format of the file. Default: by its name, else by how it begins.",
)
@click.option("--dry-run", is_flag=True, help="Write nothing; show the report alone.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the entries below this folder instead of the repository.",
)
@click.option(
    "--format",
    "shown",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="How the report is written.",
)
@click.option("--json", "as_json", is_flag=True, help="Same as --format json.")
@click.pass_obj
def import_references(
    root: Path | None,
    *,
    file: Path,
    form: Form | None,
    dry_run: bool,
    out: Path | None,
    shown: str,
    as_json: bool,
) -> int:
    """Turn a FILE of references into entries.

    Understood are BibTeX, CSL-JSON, RIS and lists of papers in Markdown. Each paper that the catalog does not have becomes
    one entry, in which what only a person can judge is marked TODO. Whatever looked wrong in the file is reported;
    nothing of it is dropped in silence. Exit code 1 says that there is something to look at.
    """
    from surveykit import outputs
    from surveykit.imports import report
    from surveykit.imports.run import import_file

    home = repository(root)
    taken = frozenset(path.stem for path in (home / PAPERS).rglob("*.yaml"))
    today = datetime.now(UTC).date()
    imported = import_file(file, readable(home), today, form=form, taken=taken)
    writers = {
        "text": lambda: report.text(imported, str(file)),
        "json": lambda: report.as_json(imported),
        "markdown": lambda: report.markdown(imported, file.name),
    }
    say(writers["json" if as_json else shown](), end="")
    if not dry_run:
        target = out or home
        outputs.sweep_below(target, PAPERS)
        if out is None or out.resolve() == home:
            _refuse_taken(home, imported)
        written = outputs.write(target, imported.texts)
        note(f"{plural(len(written), 'entry')} written below {target}")
    return FOUND if imported.anomalies else FINE


def _refuse_taken(home: Path, imported: Imported) -> None:
    """No file is written over, whatever it holds."""
    for path in imported.texts:
        if (home / path).exists():
            raise MachineError(
                f"{openable(home, path)} exists already; nothing is written"
            )


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

    Comments stay, facts do not change, and a second run changes nothing. Without PATHS all entries are meant.
    """
    from surveykit import outputs

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
    from surveykit.canon import format_text
    from surveykit.errors import Problem
    from surveykit.yaml_tree import RefusedError, read

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
                f"{click.format_filename(path)} is no entry; entries lie below {folder}"
            )
        found |= {p.relative_to(home).as_posix() for p in mine if not p.is_symlink()}
    return sorted(found)


def _difference(path: str, old: str, new: str) -> str:
    lines = (old.splitlines(keepends=True), new.splitlines(keepends=True))
    return "".join(
        difflib.unified_diff(*lines, fromfile=f"a/{path}", tofile=f"b/{path}")
    )


COMMANDS = (import_references, fmt)
