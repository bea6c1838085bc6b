"""`surveykit import`: a file of references -> entries."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from surveykit import outputs
from surveykit.cli.catalog import entry_names, readable, write_new
from surveykit.cli.terminal import (
    FINE,
    FOUND,
    example,
    note,
    openable,
    repository,
    say,
)
from surveykit.errors import plural
from surveykit.imports import report
from surveykit.imports.run import FileFormat, import_file
from surveykit.load import PAPERS


@click.command("import", epilog=example("surveykit import README.md --dry-run"))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--from",
    "form",
    type=click.Choice(["bibtex", "csl", "ris", "csv", "markdown"]),
    help="Format of the file. Default: by its name, else by its first lines.",
)
@click.option("--dry-run", is_flag=True, help="Write nothing; only print the report.")
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
    help="Format of the report.",
)
@click.option("--json", "as_json", is_flag=True, help="Same as --format json.")
@click.pass_obj
def import_references(
    root: Path | None,
    *,
    file: Path,
    form: FileFormat | None,
    dry_run: bool,
    out: Path | None,
    shown: str,
    as_json: bool,
) -> int:
    """Turn a FILE of references into entries.

    The file may be BibTeX, CSL-JSON, RIS, a table (CSV) or a list of papers in Markdown. Each paper that the catalog does not have becomes
    an entry, in which what only a person can decide is marked TODO. Whatever looked wrong in the file is reported;
    nothing is dropped silently. Exit code 1 means that there is something to look at.
    """
    home = repository(root)
    today = datetime.now(UTC).date()
    catalog, taken = readable(home), entry_names(home)
    imported = import_file(file, catalog, today, form=form, taken=taken)
    writers = {
        "text": lambda: report.text(imported, str(file)),
        "json": lambda: report.as_json(imported),
        "markdown": lambda: report.markdown(imported, file.name),
    }
    say(writers["json" if as_json else shown](), end="")
    if not dry_run:
        target = out or home
        outputs.sweep_below(target, PAPERS)
        written = write_new(target, imported.texts)
        where = openable(target, written[0]) if len(written) == 1 else f"below {target}"
        note(f"{plural(len(written), 'entry')} written: {where}")
        if written and target.resolve() == home:
            note("then run: surveykit doctor")
    return FOUND if imported.anomalies else FINE
