"""However large and however odd a file is, `validate` ends soon and says so in few lines."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import yaml
from conftest import PAPERS, TAXONOMY, VENUES

from surveykit.intake import MOST_FAULTS
from surveykit.load import check
from surveykit.models import Paper
from surveykit.rules import identity

SECONDS = 5.0
"""Processor time that one file may take."""
ENTRY = "catalog/papers/2023/feng2023detecting.yaml"
RESULTS = "reference_impls/badseeds/results.json"
ARENA = "reference_impls/arena.json"
RUN = {
    "schema_version": 1,
    "generated_at": "2026-11-29",
    "command": "python -m x",
    "hardware": "CPU",
    "versions": {},
}


def contender(name: str) -> dict[str, object]:
    return {"id": name, "label": {"en": name, "zh": name}}


def cell(row: int, column: int, metric: str = "loss") -> dict[str, object]:
    names = {"row": f"r{row}", "column": f"c{column}"}
    metrics = {"metric": {"en": metric, "zh": metric}}
    return {**names, **metrics, "value": 1.0, "better": "lower"}


def arena(rows: int, columns: int, cells: list[dict[str, object]]) -> str:
    data = {
        **RUN,
        "rows": [contender(f"r{n}") for n in range(rows)],
        "columns": [contender(f"c{n}") for n in range(columns)],
        "cells": cells,
    }
    return json.dumps(data, separators=(",", ":"))


def flat(lines: int, line: str) -> str:
    return "".join(line.replace("#", str(n)) for n in range(lines))


FILES = {
    "an arena of 2,000 times 2,000": (ARENA, lambda: arena(2000, 2000, [])),
    "an arena with a cell for each pair": (
        ARENA,
        lambda: arena(140, 140, [cell(n // 140, n % 140) for n in range(14_000)]),
    ),
    "an arena of unknown rows": (
        ARENA,
        lambda: arena(200, 200, [cell(n + 999, n + 999) for n in range(14_000)]),
    ),
    "an arena of many metrics": (
        ARENA,
        lambda: arena(200, 200, [cell(1, 1, f"m{n}") for n in range(14_000)]),
    ),
    "cells that are none": (ARENA, lambda: arena(1, 1, [{"x": n} for n in range(90_000)])),
    "a number of 5,000 digits in JSON": (RESULTS, lambda: '{"headline": ' + "9" * 5000 + "}"),
    "a fraction of 5,000 digits": (RESULTS, lambda: '{"headline": ' + "9" * 5000 + ".5}"),
    "half a character as a key": (RESULTS, lambda: '{"headline": 1, "\\ud800": 2}'),
    "half a character as a text": (RESULTS, lambda: '{"headline": "\\udc00"}'),
    "a key that stands twice, late": (
        RESULTS,
        lambda: '{"headline":0' + flat(120_000, ',"k#":1') + ',"k119999":2}',
    ),
    "keys that all stand twice": (RESULTS, lambda: '{"headline":0' + ',"k":1' * 300_000 + "}"),
    "quotes without an end": (RESULTS, lambda: '"\\"' * 500_000),
    "lists in lists in JSON": (RESULTS, lambda: "[" * 1_000_000),
    "a word that is not JSON": (RESULTS, lambda: '{"headline": [NaN, Infinity, -Infinity]}'),
    "a number of 5,000 digits in YAML": (ENTRY, lambda: f"year: {'9' * 5000}\nmonth: '{'1' * 5000}'\n"),
    "a page of 5,000 digits": (ENTRY, lambda: entry(pages=f"{'1' * 5000}-{'2' * 5000}")),
    "lists in lists": (ENTRY, lambda: "[" * 200_000),
    "mappings in mappings": (ENTRY, lambda: "{a: " * 60_000),
    "dashes in dashes": (ENTRY, lambda: "- " * 120_000),
    "a text without end": (ENTRY, lambda: entry(title={"en": "A " * 90_000 + "b", "zh": "题"})),
    "a key without end": (ENTRY, lambda: "x" * 250_000 + ": 1\n"),
    "an anchor without end": (ENTRY, lambda: "&" + "x" * 250_000 + " 1\n"),
    "a tag without end": (ENTRY, lambda: "!" + "x" * 250_000 + " 1\n"),
    "unknown fields": (ENTRY, lambda: flat(25_000, "field#: 1\n")),
    "former ids": (ENTRY, lambda: entry(former_ids=["feng2022word"] * 12_000)),
    "authors": (ENTRY, lambda: entry(authors=[f"A{n} Bee" for n in range(20_000)])),
    "authors that are none": (ENTRY, lambda: entry(authors=["Bee"] * 20_000)),
    "relations": (ENTRY, lambda: entry(relations=[RELATION] * 1_500)),
    "terms": (ENTRY, lambda: entry(terms={f"t{n}": ["x"] for n in range(12_000)})),
    "percent signs": (ENTRY, lambda: entry(notes={"en": "$a {" * 2_400 + "b", "zh": "题"})),
    "repeated keys in YAML": (ENTRY, lambda: "a: 1\n" * 50_000),
    "a taxonomy of thousands of terms": (
        "catalog/taxonomy.yaml",
        lambda: yaml.dump(taxonomy(2_500), Dumper=yaml.CSafeDumper),
    ),
    "thousands of venues": (
        "catalog/venues.yaml",
        lambda: yaml.dump(
            [{**VENUES[1], "id": f"v{n}", "aliases": [f"Venue {n}"]} for n in range(2_500)],
            Dumper=yaml.CSafeDumper,
        ),
    ),
    "thousands of exceptions for links": (
        "catalog/link_policy.yaml",
        lambda: "- prefix: 1\n" * 15_000,
    ),
}  # fmt: skip
RELATION = {
    "type": "extends",
    "to": "rodriguez2021planting",
    "why": {"en": "because", "zh": "因为"},
    "basis": "title",
    "source": "arXiv:2303.00015",
}


def entry(**changes: object) -> str:
    data = {**PAPERS[1], **changes}
    return yaml.dump(data, Dumper=yaml.CSafeDumper, allow_unicode=True, width=10**9)


def taxonomy(terms: int) -> object:
    data = json.loads(json.dumps(TAXONOMY))
    held = data["axes"][0]["terms"]
    held += [{**held[0], "id": f"t{n}", "parent": "defense"} for n in range(terms)]
    return data


def timed(root: Path) -> list[str]:
    start = time.process_time()
    told = [str(problem) for problem in check(root).problems]
    assert time.process_time() - start < SECONDS
    assert max(map(len, told), default=0) < 700
    assert not [line for line in told if "\n" in line]
    return told


@pytest.mark.parametrize("name", FILES)
def test_a_huge_or_odd_file_is_a_few_lines_soon(name, catalog_dir):
    path, text = FILES[name]
    (catalog_dir / path).write_text(text(), encoding="utf-8")
    told = [line for line in timed(catalog_dir) if line.startswith(path)]
    assert len(told) <= MOST_FAULTS + 1
    if name not in ("an arena with a cell for each pair", "authors", "percent signs"):
        assert told


@pytest.mark.parametrize(
    "raw", [b"\xef\xbb\xbfid: a", b"\0", b"\xff", b"a: \xed\xa0\x80"]
)
def test_bytes_that_are_no_text_are_one_line(raw, catalog_dir):
    for path in (ENTRY, RESULTS, ARENA, "catalog/link_policy.yaml"):
        (catalog_dir / path).write_bytes(raw)
        told = [line for line in timed(catalog_dir) if line.startswith(path)]
        assert len(told) == 1, told


MANY = {
    "titles nearly the same": lambda n: {"title": {"en": f"Planting the BadSeeds in Encoder Number {n}", "zh": "题"}},
    "the same title": lambda n: {},
    "the same title, authors with letters": lambda n: {"authors": [f"{chr(65 + n % 26)}{n} Feng"]},
    "the same DOI": lambda n: {"identifiers": {"doi": "10.5555/1"}},
    "the same former id": lambda n: {"former_ids": ["feng2020old"]},
    "titles that share one word": lambda n: {"title": {"en": f"Electroencephalography {n * 7919 % 99991} {n}", "zh": "题"}},
}  # fmt: skip


@pytest.mark.parametrize("name", MANY)
def test_five_thousand_entries_alike_are_a_line_each(name, catalog):
    """Rules alone: reading five thousand files takes longer than judging them."""
    first = catalog.by_id["feng2023detecting"]
    papers = [one(first, n, MANY[name](n)) for n in range(5_000)]
    many = type(catalog)(
        catalog.survey,
        catalog.taxonomy,
        catalog.venues,
        tuple(papers),
        paths={p.id: f"catalog/papers/2023/{p.id}.yaml" for p in papers},
    )
    start = time.process_time()
    told = {rule.id: list(rule.check(many)) for rule in identity.RULES}
    assert time.process_time() - start < 2 * SECONDS
    assert max(map(len, told.values())) <= 5_000
    words = [finding.message for found in told.values() for finding in found]
    assert max(map(len, words), default=0) < 300
    if name != "titles that share one word":
        assert words


def one(first: Paper, number: int, changes: dict[str, object]) -> Paper:
    new = Paper.model_validate({**PAPERS[1], **changes}) if changes else first
    return new.model_copy(update={"id": f"feng2023word{number}"})
