"""How well `surveykit discover` ranks, beside a random order, a keyword query and ASReview's default.

    PYTHONPATH=. python benchmarks/discover.py STREAM.jsonl.gz --known-before 2025-01-01 [--abstracts FILE.jsonl]
    PYTHONPATH=. python benchmarks/discover.py STREAM.jsonl.gz --abstracts FILE.jsonl --hidden 2024
    PYTHONPATH=. python benchmarks/discover.py --speed

STREAM holds papers with `id`, `date`, `title`, `abstract`, `label` (`in`, `out`, `unknown`) and `judged`. Weeks are quarters of a
month. Papers that are neither in nor out count neither way. `--hidden` is for choosing between rankings without a look at the
judged months: entries of a year are hidden among the papers of STREAM that are not in, on days drawn by chance. ASReview is not a dependency: where `pip install asreview` was
done its ELAS u4 runs, trained on the same entries against the unlabelled candidates; else its row is left out.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import math
import random
import re
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from surveykit import load
from surveykit.catalog import Catalog
from surveykit.discover import listed
from surveykit.discover.candidate import Candidate
from surveykit.discover.ranking import rank
from surveykit.discover.run import as_of
from surveykit.models import Paper

SEED = 20261130
Scores = Mapping[str, float]
Row = dict[str, Any]


def measured(rows: Sequence[Row], scores: Scores) -> list[float]:
    """Recall at 10, 20 and 50 of a week, and WSS@95 over one list; ties are broken against the ranking."""
    judged = [r for r in rows if r["judged"] and r.get("basis") != "arguable"]
    weeks: dict[tuple[str, int], list[tuple[float, bool]]] = defaultdict(list)
    for row in judged:
        day = int(row["date"][8:])
        key = row["date"][:7], min(3, (day - 1) // 7)
        weeks[key].append((-scores.get(row["id"], -math.inf), row["label"] == "in"))
    places = [
        n
        for week in weeks.values()
        for n, (_, is_in) in enumerate(sorted(week), 1)
        if is_in
    ]
    found = [sum(n <= most for n in places) / len(places) for most in (10, 20, 50)]
    whole = sorted(one for week in weeks.values() for one in week)
    needed, seen = math.ceil(0.95 * len(places)), 0
    for n, (_, is_in) in enumerate(whole, 1):
        seen += is_in
        if seen == needed:
            return [*found, 0.95 - n / len(whole)]
    raise AssertionError("fewer relevant papers than there are")


def by_chance(candidates: Sequence[Candidate], *_: Any) -> Scores:
    """A random order."""
    chance = random.Random(SEED)
    return {c.id: chance.random() for c in candidates}


QUERY = (
    "adversarial|backdoor|trojan|poison|privacy|inversion|membership inference|extraction|stealing|watermark|attack|robustness",
    "pre-train|pretrain|encoder|foundation model|clip|vision-language|multimodal|embedding|self-supervised|contrastive|bert|fine-tun",
)
"""What a person would ask for: one of each side."""


def by_query(candidates: Sequence[Candidate], *_: Any) -> Scores:
    """All that match the plain query, those with most of its words first."""
    groups = [side.split("|") for side in QUERY]
    scores = {}
    for one in candidates:
        said = f"{one.record.title} {one.record.abstract or ''}".lower()
        hits = [sum(word in said for word in group) for group in groups]
        scores[one.id] = float(sum(hits) if all(hits) else -1)
    return scores


def by_discover(
    candidates: Sequence[Candidate], catalog: Catalog, abstracts: Mapping[str, str]
) -> Scores:
    """The ranking that is measured."""
    found = rank(candidates, catalog.papers, catalog.taxonomy, abstracts)
    return {one.candidate.id: one.score for one in found}


def by_asreview(
    candidates: Sequence[Candidate], catalog: Catalog, abstracts: Mapping[str, str]
) -> Scores:
    """ASReview's default model, fitted once."""
    import numpy as np
    import pandas as pd
    from asreview.learner import ActiveLearningCycle
    from asreview.models.models import get_ai_config

    ours = [(p.title.en, text_of(p, abstracts)) for p in catalog.papers]
    theirs = [(c.record.title, c.record.abstract or "") for c in candidates]
    frame = pd.DataFrame([*ours, *theirs], columns=["title", "abstract"])
    cycle = ActiveLearningCycle.from_meta(get_ai_config("elas_u4")["value"])
    features = cycle.transform(frame)
    cycle.fit(features, np.array([1] * len(ours) + [0] * len(theirs)))
    values = cycle.classifier.decision_function(features[len(ours) :])
    return {c.id: float(v) for c, v in zip(candidates, values, strict=True)}


def text_of(paper: Paper, abstracts: Mapping[str, str]) -> str:
    """What is known of an entry beside its title."""
    return abstracts.get(paper.id) or (paper.tldr.en if paper.tldr else "")


def own_abstracts(catalog: Catalog, file: Path) -> dict[str, str]:
    """Entry id -> abstract, from a file with `arxiv` or `title`, and `abstract`."""
    owners = {p.identifiers.arxiv: p.id for p in catalog.papers if p.identifiers.arxiv}
    owners |= {plain(p.title.en): p.id for p in catalog.papers}
    found = {}
    for row in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
        named = owners.get(row.get("arxiv")) or owners.get(plain(row["title"]))
        if named:
            found[named] = row["abstract"]
    return found


def hidden(
    whole: Catalog, rows: Sequence[Row], abstracts: Mapping[str, str], year: int
) -> tuple[Catalog, list[Row]]:
    """The catalog before a year, and a stream in which the entries of that year alone are relevant."""
    catalog = as_of(whole, date(year, 1, 1))
    have = {p.id for p in catalog.papers}
    later = [p for p in as_of(whole, date(year + 1, 1, 1)).papers if p.id not in have and p.id in abstracts]  # fmt: skip
    known = {p.identifiers.arxiv for p in whole.papers}
    chance = random.Random(SEED)
    stream = [r | {"judged": True, "label": "out"} for r in rows if r["label"] != "in" and r["id"] not in known and r.get("basis") != "arguable"]  # fmt: skip
    for paper in later:
        row = {"id": paper.id, "date": chance.choice(rows)["date"], "title": paper.title.en}  # fmt: skip
        stream.append(row | {"abstract": abstracts[paper.id], "judged": True, "label": "in"})  # fmt: skip
    return catalog, stream


def plain(text: str) -> str:
    """Letters and digits of a title."""
    return re.sub(r"\W+", "", text.lower())


def speed(catalog: Catalog) -> None:
    """Time and memory of 10,000 candidates against 1,000 entries; candidates are made of words of the entries."""
    chance = random.Random(SEED)
    words = [
        w for p in catalog.papers for w in f"{p.title.en} {text_of(p, {})}".split()
    ]
    text = lambda n: " ".join(chance.choices(words, k=n))  # noqa: E731
    lines = [
        json.dumps(
            {
                "id": f"x{n}",
                "date": "2026-11-16",
                "title": text(10),
                "abstract": text(180),
            }
        )
        for n in range(10_000)
    ]
    candidates = [listed.from_json(line.encode(), "x") for line in lines]
    start, before = time.perf_counter(), time.process_time()
    rank(candidates, catalog.papers[:1000], catalog.taxonomy)
    took, busy = time.perf_counter() - start, time.process_time() - before
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(f"10,000 candidates, {min(1000, len(catalog.papers))} entries: {took:.1f} s ({busy:.1f} s of CPU), {memory:.0f} MiB\n")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)  # fmt: skip
    parser.add_argument("stream", type=Path, nargs="?")
    parser.add_argument("--known-before", type=date.fromisoformat, default=date(2025, 1, 1))  # fmt: skip
    parser.add_argument("--abstracts", type=Path)
    parser.add_argument("--hidden", type=int, metavar="YEAR")
    parser.add_argument("--speed", action="store_true")
    told = parser.parse_args()
    whole = load.load_catalog(Path())
    if told.speed:
        speed(whole)
        return
    catalog = as_of(whole, told.known_before)
    with gzip.open(told.stream, "rt", encoding="utf-8") as lines:
        rows = [{"judged": False, **json.loads(line)} for line in lines]
    known = own_abstracts(whole, told.abstracts) if told.abstracts else {}
    if told.hidden:
        catalog, rows = hidden(whole, rows, known, told.hidden)
    candidates = [listed.from_json(json.dumps(row).encode(), "x") for row in rows]
    known = {p.id: known[p.id] for p in catalog.papers if p.id in known}
    ways: dict[str, tuple[Callable[..., Scores], Mapping[str, str]]] = {
        "random": (by_chance, {}),
        "keyword query": (by_query, {}),
        "discover": (by_discover, {}),
    }
    if known:
        ways["discover, with abstracts"] = by_discover, known
    if importlib.util.find_spec("asreview"):
        ways["ASReview ELAS u4"] = by_asreview, {}
        if known:
            ways["ASReview ELAS u4, with abstracts"] = by_asreview, known
    sys.stdout.write(f"{len(candidates)} candidates, {len(catalog.papers)} entries, abstracts of {len(known)} of them\n")  # fmt: skip
    sys.stdout.write("| | R@10 | R@20 | R@50 | WSS@95 |\n|---|--:|--:|--:|--:|\n")
    for name, (way, texts) in ways.items():
        figures = measured(rows, way(candidates, catalog, texts))
        sys.stdout.write(f"| {name} | {' | '.join(f'{f:.2f}' for f in figures)} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
