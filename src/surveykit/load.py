"""A folder of YAML files -> `Catalog`, or every problem in it with its place."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from surveykit.catalog import Catalog
from surveykit.coverage import ListCoverage
from surveykit.errors import CatalogError, Problem, Severity
from surveykit.files import folder
from surveykit.health import Health
from surveykit.intake import SHARED_BYTES, Intake, inside
from surveykit.kit import Kit
from surveykit.links.policy import FILE as LINK_POLICY
from surveykit.links.policy_file import read_policy
from surveykit.load_documents import read_documents
from surveykit.load_texts import read_glossary, read_texts
from surveykit.measured import Arena, Results, arena_path
from surveykit.models import Paper
from surveykit.rules import findings
from surveykit.scalars import SLUG
from surveykit.vocabulary import Card, Declined, Survey, Taxonomy, Venue
from surveykit.words import misplaced
from surveykit.yaml_tree import Fault, Tree

PAPERS = "catalog/papers"
CARDS = "reference_impls"
DECLINED = "catalog/declined.yaml"
HEALTH = "catalog/health.json"
COVERAGE = "catalog/coverage.json"
KIT = "catalog/kit.yaml"
MOST_ARENAS = 20

_DECLINED = TypeAdapter(tuple[Declined, ...])
_PAPER = TypeAdapter(Paper)
_CARD = TypeAdapter(Card)
_RESULTS = TypeAdapter(Results)
_ARENA = TypeAdapter(Arena)
_HEALTH = TypeAdapter(Health)
_COVERAGE = TypeAdapter(ListCoverage)
_KIT = TypeAdapter(Kit)
_SHARED: dict[str, TypeAdapter[Any]] = {
    "survey": TypeAdapter(Survey),
    "taxonomy": TypeAdapter(Taxonomy),
    "venues": TypeAdapter(tuple[Venue, ...]),
}
_EMPTY: dict[str, Any] = {
    "survey": Survey.model_construct(),
    "taxonomy": Taxonomy(axes=(), relations=()),
    "venues": (),
}


@dataclass(frozen=True)
class Checked:
    """What reading a catalog gives."""

    catalog: Catalog | None
    """The catalog; None when any of its files has an error."""
    problems: tuple[Problem, ...]
    """Everything found, by file and place."""
    readable: Catalog
    """The entries that could be read, faulty or unfinished ones among them; for programs that mend or add."""


def load_catalog(root: Path) -> Catalog:
    """The catalog below a repository root. Raises CatalogError with all problems."""
    checked = check(root)
    if checked.catalog is None:
        raise CatalogError(checked.problems)
    return checked.catalog


def load_cards(root: Path) -> dict[str, Card]:
    """The methods of a folder without a catalog. Raises CatalogError with what is wrong with a card."""
    files = Intake(root)
    cards = [card for card in _cards(files) if card]
    if files.problems:
        raise CatalogError(sorted(files.problems))
    return {card.id: card for card in cards}


def check(root: Path, paths: Sequence[Path] = ()) -> Checked:
    """Read everything below a repository root and apply every rule.

    `paths` (files or folders) limits whose problems are reported; rules across entries
    see the whole catalog all the same.
    """
    files = Intake(root)
    catalog = _read(files)
    problems = sorted(files.problems)
    bad = any(p.severity is Severity.ERROR for p in problems)
    if paths:
        problems = _limited(files, problems, paths)
    return Checked(None if bad else catalog, tuple(problems), catalog)


def _read(files: Intake) -> Catalog:
    kit = _kit(files)
    files.languages = kit.languages
    shared = {name: _shared(files, name, form) for name, form in _SHARED.items()}
    broken = {name for name, value in shared.items() if value is None}
    good = {name: _EMPTY[name] if v is None else v for name, v in shared.items()}
    cards = list(_cards(files))
    if None in cards:
        broken.add("cards")
    papers, paths = _papers(files)
    venues = _unique(files, good["venues"])
    if len(venues) < len(good["venues"]):
        broken.add("venues")
    _policy(files)
    catalog = Catalog(
        good["survey"],
        good["taxonomy"],
        venues,
        Catalog.ordered(papers),
        {card.id: card for card in cards if card},
        paths,
        dict(_results(files, [card for card in cards if card])),
        dict(_arenas(files)),
        read_texts(files),
        read_glossary(files),
        _declined(files),
        files.read_json(HEALTH, _HEALTH),
        files.read_json(COVERAGE, _COVERAGE) or ListCoverage(),
        kit,
        documents=read_documents(files),
    )
    for section, key, said in misplaced(catalog):
        place = files.trees[KIT].place(("words", section, key), key=True)
        files.report(KIT, Fault("SK202", *place, f"words.{section}.{key}: {said}"))
    for rule, found in findings(catalog, broken):
        if found.loc[-1:] == ("zh",) and "zh" not in kit.languages:
            continue  # the English text again
        line, column = files.trees[found.path].place(found.loc, key=found.key)
        files.report(found.path, Fault(rule.id, line, column, found.message))
    files.sum_up()
    return catalog


def _shared(files: Intake, name: str, form: TypeAdapter[Any]) -> Any:
    path = f"catalog/{name}.yaml"
    if os.path.lexists(files.root / path):
        return files.read(path, form, SHARED_BYTES)
    message = f"no such file below {str(files.root)!r}; is this the root of a survey?"
    files.report(path, Fault("SK008", 1, 1, message))
    return None


def _kit(files: Intake) -> Kit:
    """How the kit speaks of the survey; as of any other where there is no file."""
    if not os.path.lexists(files.root / KIT):
        return Kit()
    return files.read(KIT, _KIT, SHARED_BYTES) or Kit()


def _declined(files: Intake) -> tuple[Declined, ...]:
    """Papers that stay out; none where there is no file."""
    if not os.path.lexists(files.root / DECLINED):
        return ()
    return files.read(DECLINED, _DECLINED, SHARED_BYTES) or ()


def _policy(files: Intake) -> None:
    """Reports what is wrong with the exceptions for links; whether one has ended is seen when links are checked."""
    if os.path.lexists(files.root / LINK_POLICY):
        files.trees[LINK_POLICY] = Tree()
        _, problems = read_policy(files.root)
        told = (Fault(p.rule, p.line, p.column, p.message) for p in problems)
        files.report(LINK_POLICY, *told)


def _unique(files: Intake, venues: tuple[Venue, ...]) -> dict[str, Venue]:
    """Venues by id; an id that stands twice is reported."""
    path = "catalog/venues.yaml"
    known: dict[str, Venue] = {}
    for index, venue in enumerate(venues):
        if venue.id in known:
            place = files.trees[path].place((index, "id"))
            message = f"venue {venue.id!r} stands here twice; merge them"
            files.report(path, Fault("SK325", *place, message))
        known.setdefault(venue.id, venue)
    return known


def _papers(files: Intake) -> tuple[list[Paper], dict[str, str]]:
    papers: list[Paper] = []
    paths: dict[str, str] = {}
    misnamed: dict[str, str] = {}  # relations to these lead somewhere all the same
    for path in sorted(_entries(files)):
        stem = path.rpartition("/")[2].removesuffix(".yaml")
        paper = files.read(path, _PAPER)
        if first := paths.get(stem.casefold()):
            message = f"{first} has the same name; delete one"
            files.report(path, Fault("SK007", 1, 1, message))
            continue
        paths[stem.casefold()] = path
        if paper and _in_place(files, path, paper):
            papers.append(paper)
        elif paper:
            misnamed[paper.id] = path
    return papers, misnamed | paths


def _in_place(files: Intake, path: str, paper: Paper) -> bool:
    """Whether file and folder say what the entry says."""
    *_, folder, name = path.split("/")
    tree = files.trees[path]
    if folder != str(paper.year):
        message = f"year {paper.year} in the folder {folder!r}; move the file or correct the year"
        files.report(path, Fault("SK005", *tree.place(("year",)), message))
    if name == f"{paper.id}.yaml":
        return True
    message = f"id {paper.id!r} in the file {name!r}; rename one"
    files.report(path, Fault("SK006", *tree.place(("id",)), message))
    return False


def _entries(files: Intake) -> Iterator[str]:
    """Paths of the entry files; whatever else lies there is reported."""
    for year, deep in inside(files, PAPERS):
        path = f"{PAPERS}/{year}"
        if not (deep and year.isdecimal()):
            message = f"{year!r} is not a year; entries are {PAPERS}/<year>/<id>.yaml"
            files.report(path, Fault("SK004", 1, 1, message))
            continue
        for name, deeper in inside(files, path):
            if name.endswith(".yaml") and not deeper:
                yield f"{path}/{name}"
            else:
                message = f"{name!r} is not an entry; entries are <id>.yaml"
                files.report(f"{path}/{name}", Fault("SK004", 1, 1, message))


def _cards(files: Intake) -> Iterator[Card | None]:
    for name, _ in inside(files, CARDS):
        path = f"{CARDS}/{name}/card.yaml"
        if not os.path.lexists(files.root / path):
            continue
        card = files.read(path, _CARD)
        if card and card.id != name:
            place = files.trees[path].place(("id",))
            message = f"id {card.id!r} in the folder {name!r}; rename one"
            files.report(path, Fault("SK006", *place, message))
            card = None
        if card:
            _pictures(files, path, card)
        yield card


def _pictures(files: Intake, path: str, card: Card) -> None:
    """Reports pictures that are no plain files of moderate size."""
    named = (
        (index, key, getattr(picture, key))
        for index, picture in enumerate(card.pictures)
        for key in ("file", "file_zh")
    )
    for index, key, name in named:
        if name is None:
            continue
        try:
            with folder(files.root, f"{CARDS}/{card.id}") as here:
                state = here.state(name)
            fault = "is not a plain file" * (not stat.S_ISREG(state.st_mode))
            fault = fault or "is larger than 2 MiB" * (state.st_size > SHARED_BYTES)
        except OSError as error:
            fault = f"cannot be read: {error.strerror}"
        if fault:
            place = files.trees[path].place(("pictures", index, key))
            message = f"{CARDS}/{card.id}/{name} {fault}"
            files.report(path, Fault("SK010", *place, message))


def _results(files: Intake, cards: Sequence[Card]) -> Iterator[tuple[str, Results]]:
    """What was measured; a file without `headline` is a method's own business."""
    for card in cards:
        path = f"{CARDS}/{card.id}/results.json"
        if results := files.read_json(path, _RESULTS, needs="headline"):
            yield card.id, results


def _arenas(files: Intake) -> Iterator[tuple[str, Arena]]:
    """`arena.json`, which has no name, then each `arena-<name>.json` in the order of names."""
    found = (files.root / CARDS).glob("arena-*.json") if files.root.is_dir() else ()
    names = sorted(path.stem.removeprefix("arena-") for path in found)[:MOST_ARENAS]
    for name in ("", *names):
        if name and not re.fullmatch(SLUG, name):
            message = f"{name!r} becomes an address: lower-case letters, digits and single hyphens"
            files.report(arena_path(name), Fault("SK360", 1, 1, message))
        elif arena := files.read_json(arena_path(name), _ARENA):
            yield name, arena


def _limited(
    files: Intake, problems: list[Problem], paths: Sequence[Path]
) -> list[Problem]:
    """Problems of the files that `paths` name; paths that name none are problems themselves."""
    root = files.root.resolve()
    wanted = set()
    known = {*files.trees, *(p.path for p in problems)}
    extra = []
    for path in paths:
        full = path.resolve()
        under = full.relative_to(root).as_posix() if full.is_relative_to(root) else None
        mine = {k for k in known if under == "." or f"{k}/".startswith(f"{under}/")}
        wanted |= mine
        if not mine:
            message = (
                "no file of the catalog; name files below catalog/ or reference_impls/"
            )
            extra.append(Problem(path.as_posix(), 1, 1, "SK009", message))
    return sorted([p for p in problems if p.path in wanted] + extra)
