"""The arena's file on the website: what the lab writes is what the catalog reads."""

import dataclasses
import json
import re
from pathlib import Path

import pytest

from reference_impls.arena.matrix import cells
from reference_impls.arena.published import joined, published
from reference_impls.arena.registry import ATTACKS, DEFENSES
from reference_impls.arena.trials import Plan, trials
from surveykit.load import check, load_catalog
from surveykit.measured import Arena
from surveykit.render.pages.matrix import tables
from surveykit.rules.arena import unknown_in_arena

ROOT = Path(__file__).parents[3]
SETTINGS = [("foreground", 4), ("texture", 8)]
RUN = {
    "date": "2026-11-21",
    "command": "python -m reference_impls.arena study",
    "device": "CPU",
    "cpu_cores": 2,
    "threads": 1,
    "versions": {"torch": "2.13"},
}


def figures(trial):
    if trial.kind == "detector":
        bad = trial.start == "backdoored"
        return {"score": 0.02 if bad else 0.15, "flagged": bad, "threshold": 0.09}
    if trial.start == "backdoored":
        return {"accuracy": 0.9, "success": 0.5 + trial.seed / 10}
    names = [one.id for one in ATTACKS if one.kind != "backdoor"]
    base = 0.6 if trial.defense == "gen-af" else 0.3
    return {"accuracies": dict.fromkeys(names, base + trial.seed / 10)}


def read(finished):
    """Through JSON and through the website's reader."""
    data = joined(published(cells(finished, SETTINGS), RUN), None)
    return Arena.model_validate(json.loads(json.dumps(data)))


@pytest.fixture(scope="module")
def catalog():
    return load_catalog(ROOT)


@pytest.fixture(scope="module")
def arena():
    return read([(trial, figures(trial)) for trial in trials(Plan())])


def test_the_website_reads_a_whole_arena_and_no_rule_objects(arena, catalog):
    assert [one.id for one in arena.rows] == [one.id for one in ATTACKS]
    assert [one.id for one in arena.columns] == [one.id for one in DEFENSES]
    assert not list(unknown_in_arena(dataclasses.replace(catalog, arenas={"": arena})))
    assert arena.hardware == "CPU, 2 cores, 1 thread"
    assert arena.seeds == (0, 1, 2)


def test_figures_are_percent_over_seeds(arena):
    (cell,) = [
        one
        for one in arena.cells
        if (one.row, one.column) == ("uap", "gen-af") and "texture" in one.metric.en
    ]
    assert (cell.value, cell.sd, cell.n, cell.unit) == (70, 10, 3, "%")
    assert cell.better == "higher"
    assert cell.metric.zh == "准确率：纹理，ε = 8/255"


def test_every_metric_has_one_direction(arena):
    better = {}
    for cell in arena.cells:
        assert better.setdefault(cell.metric.en, cell.better) == cell.better
    for table in tables(arena):
        for line in table.lines:
            assert better[line.metric.en] == line.better
    assert better["Clean encoders flagged"] == "lower"
    assert better["Backdoored encoders flagged"] == "higher"
    assert better["Area of the smallest trigger (PL1), backdoored encoders"] == "lower"
    assert better["Success of the backdoor's trigger: foreground, ε = 4/255"] == "lower"


def test_a_metric_of_every_attack_has_no_hole(arena):
    for table in tables(arena):
        if table.by_attack:
            assert len({line.metric.en for line in table.lines}) == 1
            assert all(all(line.duels) for line in table.lines)


def test_a_verdict_after_fine_tuning_stands_under_the_fine_tuning(arena):
    columns = {
        line.metric.en: [
            column.id
            for column, duel in zip(table.columns, line.duels, strict=True)
            if duel
        ]
        for table in tables(arena)
        for line in table.lines
    }
    assert columns["Clean encoders flagged"] == ["decree"]
    assert columns["Clean encoders flagged, after fine-tuning"] == ["standard", "pgd-at", "trades", "gen-af"]  # fmt: skip


def test_what_was_not_run_is_no_cell():
    assert read([]).cells == ()
    one = next(trial for trial in trials(Plan()) if trial.kind == "classifier")
    arena = read([(one, figures(one))])
    assert {cell.column for cell in arena.cells} == {one.defense}
    assert {(cell.n, cell.sd) for cell in arena.cells} == {(1, None)}


def test_the_published_arena_is_read_and_names_what_exists(catalog):
    assert catalog.arena
    assert [p for p in check(ROOT).problems if p.path.endswith("arena.json")] == []
    assert [one.id for one in catalog.arena.rows] == [one.id for one in ATTACKS]
    assert [one.id for one in catalog.arena.columns] == [one.id for one in DEFENSES]
    assert catalog.arena.command == RUN["command"]


def test_the_published_figures_are_those_of_the_readme(catalog):
    readme = (ROOT / "reference_impls/arena/README.md").read_text("utf-8")
    shown = {float(text) for text in re.findall(r"\| (\d\.\d{3})", readme)}
    for cell in catalog.arena.cells:
        value = cell.value / 100 if cell.unit == "%" else cell.value
        assert min(abs(value - one) for one in shown) < 0.0011, (
            cell
        )  # each rounds a tie its own way
