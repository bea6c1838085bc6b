"""The command line: parse, call one function, print, exit code.

Each command has a module of its own, which is imported when the command is asked for, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from surveykit.cli.lazy import LazyGroup
from surveykit.cli.terminal import (
    FINE,
    INTERRUPTED,
    MACHINE,
    USAGE,
    fail,
    note,
    refuse,
    repository,
)
from surveykit.errors import CatalogError, FetchError, MachineError, SurveyError

EXIT_CODES = """\b
Exit codes:
  0    fine
  1    problems found: bad entries, stale files, broken links, nothing matches
  2    wrong usage; unknown id, term or rule
  3    the machine or the network failed: a file cannot be read, no host answers
  130  interrupted
"""


COMMANDS = {
    "add": ("add:add", "Create an entry for each paper that an IDENTIFIER names."),
    "build": ("build:build", "Write all generated files."),
    "check-links": ("check_links:check_links", "Check that links still lead where they should."),
    "cite": ("cite:cite", "Print the citations of some papers."),
    "decline": ("decline:decline", "Record that papers stay out, each with the reason."),
    "discover": ("discover:discover_papers", "Find new papers, and show the likeliest of each week with the reason and the command that adds it."),
    "coverage": ("coverage:coverage", "Compare the catalog with other lists: what it has of them, has declined, and lacks."),
    "doctor": ("doctor:doctor", "Look at everything a pull request is judged by, and say what to run for each finding."),
    "explain": ("explain:explain", "Explain what a RULE checks and how to comply."),
    "fmt": ("fmt:fmt", "Write entries in their canonical form: order of keys, quotes, line breaks."),
    "from-issue": ("from_issue:from_issue", "Turn the body of an issue, in FILE or `-`, into a new entry or a change of one."),
    "health": ("health:health", "See what became of the papers: retracted, withdrawn, corrected, published, their programs moved or archived."),
    "impl": ("impl:impl", "List, show and run methods."),
    "import": ("import_:import_references", "Turn a FILE of references into entries."),
    "init": ("init:init", "Make a survey of your own in the new folder DIR."),
    "list": ("list:list_papers", "List the papers with all given terms."),
    "news": ("news:news", "Tell what came in, was published, corrected, retracted or declined since a day."),
    "report": ("report:report", "Write the report on a pull request: what its entries look like, and what a reviewer should know of them."),
    "search": ("search:search", "Find papers by WORDS in either language."),
    "serve": ("serve:serve", "Show the website while you edit."),
    "show": ("show:show", "Show one paper with its relations."),
    "stats": ("stats:stats", "Count papers by year, topic, role, venue."),
    "ticked": ("ticked:ticked", "Tell what is ticked in the weekly issue of new papers, in FILE or `-`."),
    "validate": ("validate:validate", "Show every problem and where it is."),
    "verify": ("verify:verify", "Compare entries with arXiv, Crossref, DataCite, the ACL Anthology, OpenReview and DBLP."),
}  # fmt: skip
"""Name -> where the command is, and its line in the help."""


@click.group(cls=LazyGroup, table=COMMANDS, epilog=EXIT_CODES)
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Repository. Default: the nearest folder upwards that holds catalog/.",
)
@click.version_option(package_name="surveykit", message="%(version)s")
@click.pass_context
def app(context: click.Context, root: Path | None) -> None:
    """A living survey as one YAML file per paper: check it, build it, ask it."""
    context.obj = root
    try:
        Path.cwd()
    except FileNotFoundError:
        said = "the folder that you stand in was deleted; change to another one"
        raise MachineError(said) from None
    if os.environ.get("NO_COLOR"):
        context.color = False


def main() -> None:
    """Run the command line and leave with its exit code; a failure is one clear line."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by who started us: `<&-`, `>&-`
            nothing = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(nothing, mode, encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        # A terminal that knows no Chinese gets replacement characters instead of a crash.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # text streams have it
    try:
        code = _run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has seen enough; what is left must not fail again when Python closes the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = FINE
    except OSError as error:
        code = fail(f"{error.filename or 'output'}: {error.strerror or error}", MACHINE)
    except (KeyboardInterrupt, click.Abort):
        code = INTERRUPTED
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    try:
        with app.make_context("surveykit", arguments) as context:
            return _invoked(context)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        note(error.format_message())
        return USAGE
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "surveykit"
        return fail(f"{error.format_message()} (see {command} --help)", USAGE)
    except click.ClickException as error:
        return fail(error.format_message(), error.exit_code)
    except (MachineError, FetchError) as error:
        return fail(str(error), MACHINE)
    except SurveyError as error:
        return fail(str(error), USAGE)


def _invoked(context: click.Context) -> int:
    try:
        return app.invoke(context) or FINE
    except CatalogError as error:
        return refuse(error, repository(context.params["root"]))
