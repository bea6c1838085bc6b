"""`surveykit import`: a file of references -> entries."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from surveykit import outputs
from surveykit.cli.catalog import readable
from surveykit.cli.terminal import (
    FINE,
    FOUND,
    example,
    note,
    openable,
    repository,
    say,
)
from surveykit.errors import MachineError, plural
from surveykit.imports import report
from surveykit.imports.run import Form, Imported, import_file
from surveykit.load import PAPERS


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
