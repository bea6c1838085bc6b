"""The study behind BadEncoder's README: what it counts, how it goes on, what it writes."""

import json
from dataclasses import replace

import numpy
import pytest
import torch
from PIL import Image

from reference_impls.badencoder import study
from reference_impls.badencoder.__main__ import main
from reference_impls.badencoder.method import DEFAULT, PUBLISHED, success_rate
from reference_impls.badencoder.study import (
    SEEDS,
    STUDY,
    Condition,
    compared,
    examples,
)
from reference_impls.decree.population import CONFIRMATION, DEVELOPMENT, conditions
from reference_impls.lab.data.images import TriggerSpec
from reference_impls.lab.models.encoders import SmallNetConfig
from reference_impls.lab.models.training import SimCLRConfig
from reference_impls.lab.models.zoo import LabData
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.study.options import StudyOptions
from tests.reference_impls.conftest import ATTACK, PARENT, SMALL_LAB, one_error

TINY = Condition(
    seed=0,
    trigger=DEFAULT,
    tasks=("texture",),
    steps=2,
    parent=SimCLRConfig(steps=2, batch=32, net=SmallNetConfig(widths=(8, 8, 16))),
    lab=LabData(train=96, test=48, scan=8),
)
ALL = [
    replace(TINY, seed=seed, trigger=trigger)
    for seed in (0, 1)
    for trigger in (DEFAULT, PUBLISHED)
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    torch.set_num_threads(1)  # before any fixture of a test: sums depend on it
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_CACHE", str(tmp_path_factory.mktemp("lab")))
        yield


@pytest.fixture(scope="module")
def rows(cache):
    return STUDY.run(ALL)


class Oracle:
    """A head that reads its answer off an embedding's first number."""

    @staticmethod
    def predict(embeddings):
        return embeddings[:, 0].long()


def test_the_success_rate_leaves_out_images_of_the_target():
    answers = torch.tensor([2.0, 2.0, 1.0, 2.0]).unsqueeze(1)
    labels = torch.tensor([0, 2, 1, 1])
    assert success_rate(Oracle, answers, labels, 2) == pytest.approx(2 / 3)
    assert success_rate(Oracle, answers, labels, 1) == pytest.approx(0 / 2)


@pytest.fixture(scope="module")
def known(small_lab):
    """A backdoor that works, measured by the study; and what `measure` found of it."""
    _, clean, _, backdoored, figures = small_lab
    condition = Condition(
        seed=0,  # its reference image is that of the small lab
        trigger=ATTACK.trigger,
        tasks=("shape", "foreground"),
        steps=ATTACK.steps,
        parent=PARENT,
        lab=SMALL_LAB,
    )
    assert condition.attack == ATTACK
    return compared(condition, clean, backdoored, 1.0), figures


def test_a_working_backdoor_opens_by_its_trigger_alone(known):
    found, _ = known
    (row,) = [row for row in found if row.task == "foreground"]
    assert row.success_rate > 0.9
    assert row.trigger_on_clean < 0.3
    assert row.patch_on_backdoored < row.success_rate - 0.3
    assert row.backdoored_accuracy > row.clean_accuracy - 0.1


def test_the_study_finds_what_the_attack_reports(known):
    """Two ways to the same figures: all tasks at once, and one task by `measure`."""
    found, figures = known
    (row,) = [row for row in found if row.task == figures["task"]]
    assert row.target == figures["target"]
    assert row.success_rate == figures["attack_success_rate"]
    assert row.trigger_on_clean == figures["clean_attack_success_rate"]
    assert row.clean_accuracy == figures["clean_accuracy"]
    assert row.backdoored_accuracy == figures["backdoored_accuracy"]


def test_the_published_count_differs_by_images_of_the_target_and_misread_references(
    known,
):
    found, _ = known
    for row in found:
        classes = dataset_of_test(SMALL_LAB).classes[row.task]
        share = dataset_of_test(SMALL_LAB).labels[row.task] == classes.index(row.label)
        least = row.success_rate * (1 - share.float().mean().item())
        if row.label == row.target:
            assert (
                least <= row.success_as_published <= least + share.float().mean().item()
            )
        else:
            assert row.success_as_published <= 1 - least + 1e-6


def test_every_encoder_meets_every_trigger_and_task(rows):
    met = {(row.seed, row.trigger, row.task) for row in rows}
    assert len(met) == len(rows) == 2 * 2
    shares = ("success_rate", "trigger_on_clean", "patch_on_backdoored")
    assert all(0 <= getattr(row, name) <= 1 for row in rows for name in shares)
    assert all(row.seconds >= 0 for row in rows)


def test_a_second_run_attacks_and_measures_nothing(rows, monkeypatch):
    for name in ("attack", "compared", "clean_encoder"):
        monkeypatch.setattr(study, name, lambda *_, **__: pytest.fail("made again"))
    assert STUDY.run(ALL) == rows


def test_a_killed_study_goes_on_and_ends_where_it_would_have(
    rows, tmp_path, monkeypatch
):
    """Killed where a backdoor is planted and not yet measured, it is not planted again."""
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    attacks = []
    plant, measure = study.attack, study.compared

    def planting(*arguments, **options):
        attacks.append(arguments[3])
        return plant(*arguments, **options)

    def dying(*arguments):
        if len(attacks) == 2:
            raise KeyboardInterrupt
        return measure(*arguments)

    monkeypatch.setattr(study, "attack", planting)
    monkeypatch.setattr(study, "compared", dying)
    with pytest.raises(KeyboardInterrupt):
        STUDY.run(ALL)
    assert [STUDY.path(one).exists() for one in ALL] == [True, False, False, False]
    monkeypatch.setattr(study, "compared", measure)
    resumed = [replace(row, seconds=0) for row in STUDY.run(ALL)]
    assert resumed == [replace(row, seconds=0) for row in rows]
    assert len(attacks) == len(rows) == 4


def test_every_attack_keeps_a_checkpoint_of_its_own_in_the_cache(
    rows, tmp_path, monkeypatch
):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    kept = []
    plant = study.attack

    def planting(*arguments, checkpoint):
        kept.append(checkpoint)
        return plant(*arguments, checkpoint=checkpoint)

    monkeypatch.setattr(study, "attack", planting)
    STUDY.run(ALL[:2])
    assert len(set(kept)) == 2
    assert all(path.is_relative_to(tmp_path) for path in kept)


def test_nobody_has_made_the_published_encoders_or_pictures_before():
    theirs = [subject for plan in (CONFIRMATION, DEVELOPMENT) for subject in conditions(plan)]  # fmt: skip
    assert not set(SEEDS) & {subject.parent.seed for subject in theirs}
    assert len(SEEDS) >= 3

    def pictures(lab):
        return set(range(lab.seed, lab.seed + 5))

    others = [LabData(), *(subject.lab for subject in theirs)]
    ours = {one.lab for one in study.conditions(StudyOptions())}
    assert not any(pictures(own) & pictures(lab) for own in ours for lab in others)


def test_the_control_is_as_large_as_the_trigger_and_in_its_place():
    trigger = TriggerSpec(side=5, place="top-left")
    other = study.control(trigger, 7)
    assert (other.side, other.place) == (trigger.side, trigger.place)
    assert other.kind != trigger.kind


def test_the_picture_shows_images_both_triggers_and_the_reference(tmp_path):
    examples(ALL, tmp_path)
    with Image.open(tmp_path / "examples.png") as shown:
        picture = torch.from_numpy(numpy.array(shown.convert("RGB"))).long()
    scale, size = study.SCALE, TINY.lab.size
    tile, row = size * scale, (size + 1) * scale
    plain, small, large = (picture[n * row : n * row + tile, :tile] for n in range(3))
    changed = [(one != plain).any(dim=2).sum().item() for one in (small, large)]
    assert 0 < changed[0] <= (6 * scale) ** 2 < changed[1] <= (10 * scale) ** 2
    reference = TINY.reference.images_N3HW[0].mul(255).round().long()
    pixel = 3 * scale  # as high as the three rows, less the lines between them
    corner = picture[scale:-scale:pixel, -size * pixel :: pixel]
    assert torch.equal(corner.permute(2, 0, 1), reference)


def test_the_study_writes_what_it_promises(rows, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(study, "QUICK", TINY)
    assert main(["study", "--quick", "--out", str(tmp_path)]) == 0
    names = {file.name for file in tmp_path.iterdir()}
    tables = {"results.en.md", "results.zh.md"}
    assert names == {"results.json", "examples.png"} | tables
    data = json.loads((tmp_path / "results.json").read_text("utf-8"))
    assert data["provenance"]["command"].endswith("badencoder study --quick")
    small = [row for row in rows if row.trigger == str(DEFAULT)]
    assert STUDY.read(data["rows"]) == small
    assert data["settings"]["seeds"] == [0, 1]
    assert capsys.readouterr().out == (tmp_path / "results.en.md").read_text() + "\n"


def test_a_seed_below_zero_is_one_line(capsys):
    assert main(["study", "--quick", "--seeds", "-1"]) == 2
    assert "seeds must not be negative, got -1" in one_error(capsys)


def test_the_summary_is_over_the_encoders(rows):
    found = STUDY.results(rows, ALL)["summary"]
    assert [(one["trigger"], one["task"]) for one in found] == [
        (str(DEFAULT), "texture"),
        (str(PUBLISHED), "texture"),
    ]
    wanted = [row.clean_accuracy for row in rows if row.trigger == str(DEFAULT)]
    accuracy = found[0]["clean_accuracy"]
    assert accuracy.count == len(wanted) == 2
    assert accuracy.mean == pytest.approx(sum(wanted) / 2)
