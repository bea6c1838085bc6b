"""Rules about where a paper appeared: venue, year and track agree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from surveykit.catalog import Catalog
from surveykit.models import Paper
from surveykit.rules.rule import VENUES, Finding, Rule, at
from surveykit.scalars import is_mark
from surveykit.text.did_you_mean import did_you_mean
from surveykit.venue_names import VenueNames
from surveykit.vocabulary import Venue

NEEDS = "venues"

WORKSHOP_SIGN = re.compile(
    r"CVPRW|ICCVW|ECCVW|WACVW|(?<=[0-9]{4})W/|_workshops?_|/w[0-9]{1,2}/|Workshops?/",
    re.IGNORECASE,
)
"""What the addresses and DOIs of workshop papers contain."""


def _known(catalog: Catalog) -> Iterator[tuple[Paper, Venue]]:
    return (
        (paper, catalog.venues[paper.venue])
        for paper in catalog.papers
        if paper.venue in catalog.venues
    )


def unknown_venue(catalog: Catalog) -> Iterator[Finding]:
    """Venues that the registry does not have."""
    names: dict[str, str] = {}
    for venue in catalog.venues.values():
        names |= dict.fromkeys((*venue.aliases, venue.full.en, venue.full.zh), venue.id)
    names |= {venue.name: venue.id for venue in catalog.venues.values()}
    names |= {id_: id_ for id_ in catalog.venues}
    known = VenueNames(catalog.venues)
    for paper in catalog.papers:
        if paper.venue not in catalog.venues and not is_mark(paper.venue):
            meant = known.find(paper.venue)
            hint = did_you_mean(meant.venue if meant else paper.venue, names, 75)
            message = f"no venue {paper.venue!r}{hint or f'; add it to {VENUES}'}"
            yield at(catalog, paper, ("venue",), message)


def not_held(catalog: Catalog) -> Iterator[Finding]:
    """Years in which the venue did not take place or did not exist."""
    parity = {"odd": 1, "even": 0}
    for paper, venue in _known(catalog):
        if venue.since and paper.year < venue.since:
            message = f"{venue.name} began in {venue.since}; {paper.year} is too early"
            yield at(catalog, paper, ("year",), message)
        elif parity.get(venue.held or "", paper.year % 2) != paper.year % 2:
            message = f"{venue.name} takes place in {venue.held} years, not in {paper.year}; look the year up"
            yield at(catalog, paper, ("year",), message)


def no_such_track(catalog: Catalog) -> Iterator[Finding]:
    """Tracks that the venue does not have."""
    for paper, venue in _known(catalog):
        if paper.track == "findings" and not venue.findings:
            message = f"{venue.name} has no Findings; delete the track, or give `findings` to the venue"
            yield at(catalog, paper, ("track",), message)
        elif paper.track == "workshop" and venue.kind != "conference":
            message = (
                f"{venue.name} is a {venue.kind} and has no workshops; delete the track"
            )
            yield at(catalog, paper, ("track",), message)


def workshop_of_main(catalog: Catalog) -> Iterator[Finding]:
    """Names of workshops at papers of another track."""
    for paper in catalog.papers:
        if paper.workshop and paper.track != "workshop":
            message = f"workshop {paper.workshop!r} needs `track: workshop`"
            yield at(catalog, paper, ("workshop",), message)


def hidden_track(catalog: Catalog) -> Iterator[Finding]:
    """Workshop and Findings papers that are labelled as main."""
    for paper in catalog.papers:
        signs: dict[tuple[str, str], str | None] = {
            ("identifiers", "doi"): paper.identifiers.doi,
            ("identifiers", "acl"): paper.identifiers.acl,
            ("links", "paper"): paper.links.paper,
            ("links", "pdf"): paper.links.pdf,
        }
        for loc, text in signs.items() if paper.track == "main" else ():
            if text and (sign := other_track(text)):
                message = f"{text!r} is a {sign} paper; set `track: {sign}`"
                yield at(catalog, paper, loc, message)
                break


def other_track(text: str) -> Literal["findings", "workshop"] | None:
    """The track that a DOI, an Anthology id or an address betrays; None where it is the main one."""
    if "findings-" in text and (
        "aclanthology" in text or "/" not in text.removeprefix("10.18653/v1/")
    ):
        return "findings"
    return "workshop" if WORKSHOP_SIGN.search(text) else None


def preprint_without_arxiv(catalog: Catalog) -> Iterator[Finding]:
    """Papers of the venue arXiv that have no arXiv id."""
    for paper, venue in _known(catalog):
        if venue.id == "arxiv" and not paper.identifiers.arxiv:
            message = "venue arxiv needs `identifiers: {arxiv: …}`; add it"
            yield at(catalog, paper, ("venue",), message)


def ambiguous_venue(catalog: Catalog) -> Iterator[Finding]:
    """Names and aliases that two venues claim."""
    owners: dict[str, str] = {}
    for index, venue in enumerate(catalog.venues.values()):
        mine: dict[str, tuple[str | int, ...]] = {}
        for at_alias, alias in enumerate(venue.aliases):
            mine.setdefault(alias.casefold(), (index, "aliases", at_alias))
        mine[venue.name.casefold()] = (index, "name")
        for name, loc in mine.items():
            if (owner := owners.setdefault(name, venue.id)) != venue.id:
                message = f"{name!r} already means the venue {owner!r}; keep it at one"
                yield Finding(VENUES, loc, message)


RULES = (
    Rule(
        "SK320",
        "the venue is in the registry",
        "Venues are listed once in catalog/venues.yaml, so that one conference does not appear under three names.",
        "venue: neurips2023",
        "venue: neurips",
        unknown_venue,
        NEEDS,
    ),
    Rule(
        "SK321",
        "the venue took place in the year",
        "ICCV meets in odd years, ECCV in even ones, and no volume is older than its venue. The year is that of the proceedings.",
        "venue: iccv\nyear: 2022",
        "venue: iccv\nyear: 2023",
        not_held,
        NEEDS,
    ),
    Rule(
        "SK322",
        "the venue has the track",
        "Findings is a track of the ACL conferences, and `findings` in catalog/venues.yaml names the volume; journals and preprint servers have no workshops.",
        "venue: cvpr\ntrack: findings",
        "venue: cvpr",
        no_such_track,
        NEEDS,
    ),
    Rule(
        "SK323",
        "a workshop belongs to a workshop paper",
        "`workshop` says at which workshop a paper of the track `workshop` appeared; one of the two lines is wrong.",
        "venue: cvpr\nworkshop: Workshop on Field Guides",
        "venue: cvpr\ntrack: workshop\nworkshop: Workshop on Field Guides",
        workshop_of_main,
    ),
    Rule(
        "SK324",
        "workshop and Findings papers are not called main",
        "The DOI or address is that of another track. Lists often raise a workshop paper to the conference.",
        "identifiers:\n  doi: 10.1109/CVPRW63382.2024.00001\n# track left out",
        "track: workshop\nworkshop: …\nidentifiers:\n  doi: 10.1109/CVPRW63382.2024.00001",
        hidden_track,
    ),
    Rule(
        "SK325",
        "a venue's names are its own",
        "Two venues with one name or alias make every suggestion a guess.",
        "- {id: sp, aliases: [Oakland]}\n- {id: ndss, aliases: [Oakland]}",
        "- {id: sp, aliases: [Oakland]}\n- {id: ndss}",
        ambiguous_venue,
        NEEDS,
    ),
    Rule(
        "SK326",
        "a paper at arXiv has an arXiv id",
        "`venue: arxiv` says that the preprint is all there is; without the id nobody finds it.",
        "venue: arxiv\nidentifiers: {}",
        "venue: arxiv\nidentifiers:\n  arxiv: '2303.15180'",
        preprint_without_arxiv,
        NEEDS,
    ),
)
