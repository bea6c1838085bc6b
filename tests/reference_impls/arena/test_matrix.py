"""The matrix from invented figures: every cell is there, and a missing one says why."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from reference_impls.arena.matrix import as_json, cells, frozen_cells, task_label
from reference_impls.arena.present import markdown, page, sections
from reference_impls.arena.registry import ATTACKS, DEFENSES, FINE_TUNINGS
from reference_impls.arena.trials import Plan, trials
from reference_impls.lab.study.page import html

ROOT = Path(__file__).parents[3]
PLAN = Plan()
SETTINGS = [("foreground", 4), ("texture", 8)]
NAMES = [one.id for one in ATTACKS if one.kind not in ("backdoor",)]


def figures(trial):
    """What a trial might have found; each seed a tenth above the one before."""
    if trial.kind == "detector":
        bad = trial.start == "backdoored"
        return {"score": 0.02 if bad else 0.15, "flagged": bad, "threshold": 0.09}
    if trial.start == "backdoored":
        return {"accuracy": 0.9, "success": 0.5 + trial.seed / 10}
    base = 0.6 if trial.defense == "gen-af" else 0.3
    return {"accuracies": dict.fromkeys(NAMES, base + trial.seed / 10)}


@pytest.fixture(scope="module")
def found():
    return cells([(trial, figures(trial)) for trial in trials(PLAN)], SETTINGS)


def pick(found, **wanted):
    chosen = [
        cell
        for cell in found
        if all(getattr(cell, name) == value for name, value in wanted.items())
    ]
    assert chosen, wanted
    return chosen


def test_every_attack_meets_every_defense(found):
    frozen = frozen_cells({}, "texture 4/255")
    for attack in ATTACKS:
        for defense in DEFENSES:
            pick([*found, *frozen], attack=attack.id, defense=defense.id)


def test_a_cell_is_mean_and_deviation_over_seeds(found):
    (cell,) = pick(found, attack="uap", defense="gen-af", task="texture 8/255")
    assert cell.value == pytest.approx(0.7)
    assert cell.deviation == pytest.approx(0.1)
    assert cell.seeds == (0, 1, 2)


def test_a_backdoor_is_measured_by_success_and_by_accuracy(found):
    chosen = pick(found, attack="badencoder", defense="trades", task="foreground 4/255")
    assert {cell.metric for cell in chosen} == {
        "attack-success-rate",
        "backdoored-accuracy",
    }
    # Backdoored copies are fine-tuned for the first task alone.
    (missing, *_) = pick(
        found, attack="badencoder", defense="trades", task="texture 8/255"
    )
    assert missing.value is None
    assert missing.why.en == "not run"


def test_a_detector_is_asked_before_and_after_every_fine_tuning(found):
    for attack, metric, value in (
        ("clean", "false-alarm", 0),
        ("badencoder", "found", 1),
    ):
        for after in (None, "standard", "pgd-at", "trades", "gen-af"):
            (cell,) = pick(
                found, attack=attack, defense="decree", after=after, metric=metric
            )
            assert cell.value == value
            assert cell.seeds == (0, 1, 2)


def test_a_detector_of_encoders_has_nothing_to_say_of_changed_images(found):
    for cell in pick(found, attack="uap", defense="decree"):
        assert cell.value is None
        assert "changes images, not encoders" in cell.why.en
        assert cell.why.zh


def test_without_a_trial_cells_say_that_it_was_not_run():
    for cell in cells([], SETTINGS):
        assert cell.value is None
        assert cell.why is not None
        assert cell.seeds == ()


def test_no_score_is_no_figure_but_still_a_verdict():
    detectors = [trial for trial in trials(PLAN) if trial.kind == "detector"]
    nothing = {"score": None, "flagged": False, "threshold": 0.09}
    found = cells([(trial, nothing) for trial in detectors], SETTINGS)
    flags = pick(found, attack="clean", defense="decree", metric="false-alarm")
    assert all(cell.value == 0 for cell in flags)
    assert not [cell for cell in found if cell.metric == "pl1"]


# -- The file ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data(found):
    return json.loads(json.dumps(as_json(found, run={"date": "2026-11-21"}, plan=PLAN)))


def check(data):
    """The format of a run's own file."""
    known = {
        "attack": {one["id"] for one in data["attacks"]},
        "defense": {one["id"] for one in data["defenses"]},
        "metric": {one["id"] for one in data["metrics"]},
        "task": {one["id"] for one in data["tasks"]},
    }
    assert data["format"] == 1
    for entry in (
        *data["attacks"],
        *data["defenses"],
        *data["metrics"],
        *data["tasks"],
    ):
        assert entry["label"]["en"]
        assert entry["label"]["zh"]
    for metric in data["metrics"]:
        assert metric["better"] in ("higher", "lower")
        assert metric["unit"] == "fraction"
    for cell in data["cells"]:
        assert cell["attack"] in known["attack"]
        assert cell["defense"] in known["defense"]
        assert cell["task"] is None or " " in cell["task"]
        if "value" not in cell:
            assert cell["why"]["en"]
            assert cell["why"]["zh"]
            continue
        assert cell["metric"] in known["metric"]
        assert cell["n"] == len(cell["seeds"]) >= 1
        assert 0 <= cell["value"] <= 1
        assert cell["deviation"] >= 0


def test_a_run_leaves_every_cell_with_figure_or_reason(data):
    check(data)
    assert {one["id"] for one in data["tasks"]} == {"foreground 4/255", "texture 8/255"}
    assert data["run"] == {"date": "2026-11-21"}


def test_papers_and_cards_exist():
    papers = {path.stem for path in (ROOT / "catalog/papers").rglob("*.yaml")}
    for entry in (*ATTACKS, *DEFENSES):
        assert set(entry.papers) <= papers, entry.id
        if entry.card:
            card = ROOT / "reference_impls" / entry.card / "card.yaml"
            assert yaml.safe_load(card.read_text("utf-8"))["id"] == entry.card


# -- For a reader --------------------------------------------------------------------


def test_the_page_names_the_best_defense_and_what_is_missing(found):
    whole = html(page(found, waiting=0, total=9, about={}))
    assert "Gen-AF keeps most" in whole
    assert "70.0%" in whole
    assert "竞技场" in whole
    part = html(page(found, waiting=4, total=9, about={}))
    assert "4 of 9 trials have not been run" in part
    empty = html(page(cells([], SETTINGS), waiting=9, total=9, about={}))
    assert "Nothing has been run yet" in empty


@pytest.mark.parametrize(
    ("language", "word"), [("en", "random signs"), ("zh", "随机符号扰动")]
)
def test_markdown_tables_are_whole(found, language, word):
    text = markdown(sections(found), language)
    assert word in text
    table = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            table.append(line.count("|"))
        elif table:
            assert len(set(table)) == 1
            table = []
    assert text.count("###") == 4  # two tasks, one backdoor, the verdicts


def test_a_task_has_a_name_in_both_languages():
    assert task_label("texture 8/255").zh == "纹理，ε = 8/255"
    assert task_label("odd 1/255").en == "odd, ε = 1/255"


# -- The order of trials --------------------------------------------------------------


def test_trials_are_different_and_cover_the_population():
    everything = trials(PLAN)
    assert len({trial.key for trial in everything}) == len(everything)
    ways = len(FINE_TUNINGS)
    seeds, settings = 3, 2
    assert len(everything) == seeds * (
        ways * settings  # classifiers on public encoders
        + 2  # detector on public and backdoored ones as they are
        + (ways - 1)  # and on fine-tuned ones, without the probe
        + 2 * ways  # the same on backdoored ones, one task, with the probe
    )


def test_other_settings_are_other_trials():
    longer = replace(PLAN, backdoor=replace(PLAN.backdoor, steps=401))
    pairs = zip(trials(PLAN), trials(longer), strict=True)
    assert all(one.key != other.key for one, other in pairs)
