"""Commands for those who keep the survey: validate, explain, build, serve."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from surveykit.cli.terminal import (
    FINE,
    FOUND,
    as_json,
    example,
    known,
    note,
    openable,
    placed,
    repository,
    say,
    say_json,
    table,
    warn,
)
from surveykit.errors import MachineError, Problem, Severity, plural

if TYPE_CHECKING:
    from surveykit.catalog import Catalog
    from surveykit.report import Format
    from surveykit.rules import Rule

CLI_DOC = "docs/cli.md"
SITE_CONFIGS = {"en": "mkdocs.yml", "zh": "site/mkdocs.zh.yml"}


@click.command(epilog=example("surveykit validate catalog/papers/2023 --format github"))
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    show_default=True,
    help="How problems are written.",
)
@click.pass_obj
def validate(root: Path | None, paths: tuple[Path, ...], form: Format) -> int:
    """Show every problem with its place.

    Without PATHS the whole catalog is meant.
    """
    from surveykit import load, report

    home = repository(root)
    checked = load.check(home, [path.resolve() for path in paths])
    # Programs get paths as the repository has them, people as they can open them.
    shown = placed(home, checked.problems) if form == "text" else checked.problems
    say(report.render(shown, form), end="")
    return _code(checked.problems)


@click.command(epilog=example("surveykit explain SK201"))
@click.argument("rule", required=False)
@as_json
def explain(rule: str | None, as_json: bool) -> int:
    """Say what a RULE checks and how to obey.

    Without a RULE all of them are listed.
    """
    from surveykit import report
    from surveykit.rules import BY_ID, RULES

    wanted = [BY_ID[known(rule.upper(), BY_ID, "rule")]] if rule else RULES
    if as_json:
        say_json([_plain(one) for one in wanted])
    elif rule:
        say(report.explain(wanted[0]), end="")
    else:
        rows = [(one.id, str(one.severity), one.title) for one in wanted]
        table(("rule", "severity", "title"), rows)
    return FINE


@click.command(epilog=example("surveykit build --check"))
@click.option("--check", is_flag=True, help="Write nothing; show what is stale.")
@click.option(
    "--pages",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the website's pages into this folder, as Markdown, and nothing else.",
)
@click.pass_obj
def build(root: Path | None, check: bool, pages: Path | None) -> int:
    """Write all generated files.

    These are the READMEs with their pictures, survey.bib, catalog/schema.json and the
    generated pages of docs/. Nothing is written while the catalog has errors.
    """
    from surveykit import load

    if check and pages:
        raise click.UsageError("--check and --pages exclude each other")
    home = repository(root)
    checked = load.check(home, [])
    warn(placed(home, checked.problems))
    if checked.catalog is None or _code(checked.problems):
        return FOUND
    if pages:
        return _write_pages(pages, checked.catalog)
    texts = generated(checked.catalog)
    return _stale(home, texts) if check else _write(home, texts)


@click.command(epilog=example("surveykit serve --lang zh"))
@click.option(
    "--lang",
    type=click.Choice(list(SITE_CONFIGS)),
    default="en",
    show_default=True,
    help="Language of the site.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8000,
    show_default=True,
    help="Port on this machine.",
)
@click.pass_obj
def serve(root: Path | None, lang: str, port: int) -> NoReturn:
    """Show the website while you edit.

    It has one language and follows every change of an entry.
    """
    home = repository(root)
    config = home / SITE_CONFIGS[lang]
    if not config.is_file():
        raise MachineError(
            f"{config} is missing; run this in a clone of the repository"
        )
    # The option is spelled out because some releases of click turn its default around.
    command = ["serve", "--livereload", "-f", str(config), "-a", f"127.0.0.1:{port}"]
    os.chdir(home)
    os.environ["NO_MKDOCS_2_WARNING"] = "1"
    # In place of this process, so that a signal meant for it ends the server.
    os.execv(sys.executable, [sys.executable, "-m", "mkdocs", *command])


COMMANDS = (validate, explain, build, serve)


def _plain(rule: Rule) -> dict[str, str]:
    names = ("id", "severity", "title", "why", "wrong", "right")
    return {name: str(getattr(rule, name)) for name in names}


def _code(problems: Sequence[Problem]) -> int:
    return FOUND if any(p.severity is Severity.ERROR for p in problems) else FINE


def generated(catalog: Catalog) -> dict[str, str]:
    """Path -> text of everything that `surveykit build` writes."""
    from surveykit.cli.reference import reference
    from surveykit.render.repository import render_repository

    return {**render_repository(catalog), CLI_DOC: reference()}


def _stale(home: Path, texts: dict[str, str]) -> int:
    from surveykit import outputs

    differences = outputs.stale(home, texts)
    if not differences:
        return FINE
    say("".join(differences), end="")
    note(
        f"{len(differences)} of {plural(len(texts), 'file')} stale; run `surveykit build`"
    )
    return FOUND


def _write(home: Path, texts: dict[str, str]) -> int:
    from surveykit import outputs

    written = outputs.write(home, texts)
    for path in written:
        say(openable(home, path))
    note(f"{len(written)} of {plural(len(texts), 'file')} changed")
    return FINE


def _write_pages(folder: Path, catalog: Catalog) -> int:
    from surveykit import outputs
    from surveykit.render.pages import as_markdown, render_files, render_pages

    for lang in ("en", "zh"):
        texts = {page.uri: as_markdown(page) for page in render_pages(catalog, lang)}
        texts |= render_files(catalog, lang)
        # Chinese pages lie below zh/, as on the site: they link to files beside the English ones.
        below = folder if lang == "en" else folder / lang
        written = outputs.write_folder(below, texts)
        note(f"{lang}: {len(written)} of {plural(len(texts), 'file')} changed")
    return FINE
