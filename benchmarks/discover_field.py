"""How well `surveykit discover` does for another field: what a public list of papers names later is looked for in a stream.

    PYTHONPATH=. python benchmarks/discover_field.py LIST.md TAXONOMY.yaml STREAM.jsonl.gz --known-before 2025-01-01

The catalog are the last 60 papers of the list with an arXiv id before the day, by title alone. Relevant are the later ones that
STREAM holds; what no list names counts as irrelevant, so the figures are low rather than high. Weeks are quarters of a month.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from datetime import date
from pathlib import Path

import yaml

from surveykit.discover import listed
from surveykit.discover.candidate import known_before, month_of
from surveykit.discover.ranking import rank
from surveykit.imports.markdown import read
from surveykit.models import Bilingual, Identifiers, Paper
from surveykit.record import Record
from surveykit.vocabulary import Taxonomy

PAPERS = 60


def entry(number: int, record: Record) -> Paper:
    """What the ranking reads of an entry."""
    title = Bilingual.model_construct(en=record.title, zh=record.title)
    year, _ = month_of(record.arxiv or "") or (0, 0)
    ids = Identifiers(arxiv=record.arxiv)
    return Paper.model_construct(id=f"p{number}", title=title, identifiers=ids, year=year, tldr=None)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)  # fmt: skip
    parser.add_argument("list", type=Path)
    parser.add_argument("taxonomy", type=Path)
    parser.add_argument("stream", type=Path)
    parser.add_argument("--known-before", type=date.fromisoformat, default=date(2025, 1, 1))  # fmt: skip
    told = parser.parse_args()
    reading = read(told.list.read_text(encoding="utf-8"), told.list.name)
    records = [one.record for one in reading.found if one.record.arxiv]
    every = [entry(n, r) for n, r in enumerate(sorted(records, key=lambda r: month_of(r.arxiv or "") or (0, 0)))]  # fmt: skip
    before = known_before(every, told.known_before)
    papers = before[-PAPERS:]
    later = {p.identifiers.arxiv for p in every} - {p.identifiers.arxiv for p in before}
    taxonomy = Taxonomy.model_validate(yaml.safe_load(told.taxonomy.read_text(encoding="utf-8")))  # fmt: skip
    candidates = listed.read(told.stream).candidates
    weeks: dict[tuple[int, int, int], list[bool]] = defaultdict(list)
    for one in rank(candidates, papers, taxonomy):
        day = one.candidate.day
        key = day.year, day.month, min(3, (day.day - 1) // 7)
        weeks[key].append(one.candidate.record.arxiv in later)
    whole = sum(map(sum, weeks.values()))
    sys.stdout.write(f"{len(papers)} entries, {len(candidates)} candidates, {whole} relevant in {len(weeks)} weeks\n")  # fmt: skip
    for most in (10, 20, 50):
        found = sum(sum(week[:most]) for week in weeks.values())
        at_best = sum(min(most, sum(week)) for week in weeks.values())
        sys.stdout.write(f"R@{most} {found / whole:.2f} (at best {at_best / whole:.2f})\n")  # fmt: skip


if __name__ == "__main__":
    main()
