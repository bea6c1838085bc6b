"""`surveykit init`: a survey of another field, ready to build."""

from __future__ import annotations

import importlib.metadata
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from surveykit.cli.generated import generated
from surveykit.cli.terminal import FINE, FOUND, example, note, say, say_json
from surveykit.errors import CatalogError, plural
from surveykit.kit import LICENSES
from surveykit.start.adopted import Adopted, adopt
from surveykit.start.making import make, refused
from surveykit.start.skeleton import skeleton
from surveykit.start.wish import Axes, Called, Topic, Wish


@click.command(
    epilog=example('surveykit init demo --title "Edible Mushrooms" --topics "Boletes, Chanterelles"')
)  # fmt: skip
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--title", help="Title in English. Asked for on a terminal.")
@click.option("--title-zh", help="Title in Chinese; with it the survey has both languages.")  # fmt: skip
@click.option("--repository", default="", help="Address of the repository. Default: a placeholder, which a build on GitHub replaces.")  # fmt: skip
@click.option(
    "--license",
    "license_",
    type=click.Choice(list(LICENSES)),
    default="CC-BY-4.0",
    show_default=True,
    help="License of the catalog.",
)
@click.option("--maintainer", default="", help="Who keeps the survey, as it is cited.")
@click.option(
    "--axes",
    type=click.Choice(["four", "topics"]),
    default="four",
    show_default=True,
    help="Questions that every paper answers: role, topic, technique and stage, or the topic alone.",
)
@click.option("--topics", default="", help="Names of the topics, parted by commas; `Boletes=牛肝菌` has both languages.")  # fmt: skip
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A list that is there: README.md, refs.bib, list.csv and the like. Topics come from its headings or keywords.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
def init(
    directory: Path,
    *,
    title: str | None,
    title_zh: str | None,
    repository: str,
    license_: str,
    maintainer: str,
    axes: Axes,
    topics: str,
    source: Path | None,
    as_json: bool,
) -> int:
    """Make a survey of your own in the new folder DIR.

    The folder gets a catalog with two annotated entries, taxonomy and venues, the configuration of the website,
    workflows, a guide for contributors and everything that `surveykit build` generates. With --from it gets an entry for
    each paper of the list that says enough, and IMPORTED.md names the others with the command that looks each up; the exit
    code is 1 then. DIR must be new or empty; it is made as a whole or not at all.
    """
    if why := refused(directory):
        raise click.UsageError(why)
    title = " ".join((title or _asked("Title in English", "--title")).split())
    if not title:
        raise click.UsageError("the title is empty; give --title")
    if title_zh is None and sys.stdin.isatty() and not as_json:
        title_zh = click.prompt("Title in Chinese (empty: English alone)", default="", show_default=False, err=True)  # fmt: skip
    wish = Wish(
        Called(title, " ".join((title_zh or "").split())),
        datetime.now(UTC).date(),
        ("en", "zh") if title_zh else ("en",),
        repository.rstrip("/"),
        license_,
        " ".join(maintainer.split()),
        axes,
        _topics(topics),
        version=importlib.metadata.version("surveykit"),
    )
    adopted = adopt(source, wish) if source else None
    texts = skeleton(adopted.wish if adopted else wish)
    try:
        catalog = make(directory, texts | (adopted.texts if adopted else {}), generated)
    except CatalogError as error:  # of what was asked for, or of the list
        raise click.UsageError(f"nothing is made: {error.problems[0]}") from None
    told = _told(directory, len(catalog.papers), adopted)
    say_json(told) if as_json else _say(told)
    return FOUND if adopted and adopted.waiting else FINE


def _asked(question: str, option: str) -> str:
    if not sys.stdin.isatty():
        raise click.UsageError(f"give {option}")
    return str(click.prompt(question, err=True))


def _topics(text: str) -> tuple[Topic, ...]:
    names = [Called.read(part) for part in text.split(",") if part.strip()]
    ids = [name.slug for name in names]
    if bad := next((n for n in names if not n.slug or ids.count(n.slug) > 1), None):
        raise click.UsageError(
            f"--topics: {bad.en!r} stands twice or has no Latin letter; write `English=中文`"
        )
    return tuple(Topic(name.slug, name) for name in names)


def _told(folder: Path, entries: int, adopted: Adopted | None) -> dict[str, Any]:
    told: dict[str, Any] = {"folder": str(folder), "entries": entries}
    if adopted:
        told |= {
            "papers": adopted.papers,
            "topics": [topic.id for topic in adopted.wish.topics],
            "groups": [topic.id for topic in adopted.wish.groups],
            "to_look_up": len(adopted.waiting),
            "anomalies": len(adopted.anomalies),
        }
    return told


def _say(told: dict[str, Any]) -> None:
    folder = told["folder"]
    say(f"{folder}: {plural(told['entries'], 'entry')}")
    if "papers" in told:
        note(f"of {plural(told['papers'], 'paper')} in the list; {folder}/IMPORTED.md names the {told['to_look_up']} to look up")  # fmt: skip
    note(f"next: cd {folder} && surveykit serve")
