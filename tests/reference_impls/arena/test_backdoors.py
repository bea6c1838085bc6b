"""The board of backdoors: known answers of its cells, everybody meets everybody or says why, what is committed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from reference_impls.arena import backdoors, planters
from reference_impls.arena.__main__ import main
from reference_impls.arena.backdoors import BACKDOORS, meets, told
from reference_impls.arena.boards import Trial
from reference_impls.arena.planters import Planted, met, pairs_of, planted, terms_of
from reference_impls.lab.data.images import TriggerSpec, make_trigger
from reference_impls.lab.errors import EncoderError
from surveykit.load import load_catalog
from tests.reference_impls.conftest import TINY_CLIP

HOME = Path(backdoors.__file__).parent
ROOT = HOME.parents[1]
ROWS = [one.id for one in BACKDOORS.rows]
COLUMNS = [one.id for one in BACKDOORS.columns]
PAIRS = [(row, column) for row in ROWS for column in COLUMNS]
RUN = {
    "date": "2026-11-30",
    "command": "python -m reference_impls.arena backdoors",
    "device": "CPU",
    "cpu_cores": 2,
    "threads": 1,
    "versions": {"torch": "2.13"},
}


@pytest.fixture(scope="module", autouse=True)
def _tiny(tmp_path_factory):
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_CACHE", str(tmp_path_factory.mktemp("lab")))
        patch.setattr(planters, "studied_clip", lambda seed: replace(TINY_CLIP, seed=seed))  # fmt: skip
        yield
    for kept in (met, backdoors.small_for, backdoors.scan_of):
        kept.cache_clear()


@pytest.fixture(scope="module")
def terms():
    return terms_of(1, quick=True)


# -- Known answers -------------------------------------------------------------------


def trial(row, column, seed, **figures):
    return Trial(row=row, column=column, seed=seed, figures=figures, seconds=1.0)


def test_cells_are_percent_over_seeds_and_absent_figures_leave_holes():
    rows = [
        trial("badencoder", "none", 0, success=1.0, accuracy=0.8),
        trial("badencoder", "none", 1, success=0.8, accuracy=0.7),
        trial("badencoder", "decree", 0, decree=1.0),
        trial("pretrained", "beatrix", 0, success=0.5, accuracy=0.7, poison=0.75),
    ]
    found = {"rows": [vars(one) for one in rows], "run": RUN}
    data = BACKDOORS.published(found)
    cells = {(one["row"], one["column"], one["metric"]["en"]): one for one in data["cells"]}  # fmt: skip
    assert len(cells) == 6
    success = cells["badencoder", "none", "Attack success"]
    assert (success["value"], success["n"], success["better"]) == (90.0, 2, "lower")
    assert success["sd"] == pytest.approx(14.1)
    auroc = cells["pretrained", "beatrix", "AUROC of poisoned among training pictures"]
    assert auroc["value"] == 0.75
    assert "unit" not in auroc
    text = BACKDOORS.tables(found, "en")
    assert "| BadEncoder | 0.900 ± 0.141 |" in text
    assert ".." not in text
    assert "。。" not in BACKDOORS.tables(found, "zh")


def test_success_is_the_share_of_the_tried_that_are_taken_for_the_target(terms):
    setup = met(terms)
    named = setup.zero_shot()(setup.images_N3HW).argmax(dim=1)
    most = int(named.mode().values)
    for images, expected in ((setup.images_N3HW[named == most], 1.0), (setup.images_N3HW[named != most], 0.0)):  # fmt: skip
        subject = Planted(clip=setup.clip, tried_M3HW=images, target=most)
        found = told("none", subject, terms)
        assert found["success"] == expected
        right = (named == setup.labels_N).float().mean().item()
        assert found["accuracy"] == pytest.approx(right)
        assert set(found) == {"success", "accuracy"}


def test_a_filter_that_knows_drops_the_poisoned_pairs(terms, monkeypatch):
    subject = planted("pretrained", terms)
    marked = subject.marked_N
    assert marked.sum() == round(terms.share * len(marked))
    given = []
    monkeypatch.setattr(backdoors, "detector", lambda *_: lambda images: marked.float())
    monkeypatch.setattr(backdoors, "learned", lambda pairs, _: given.append(pairs) or subject.clip)  # fmt: skip
    found = told("beatrix", subject, terms)
    assert found["poison"] == 1.0
    (left,) = given
    assert len(left) == len(marked) - round(backdoors.REMOVED * len(marked))
    bad = {one.numpy().tobytes() for one in subject.pairs.images_N3HW[marked]}
    assert not bad & {one.numpy().tobytes() for one in left.images_N3HW}


def test_detectors_judge_the_model_after_a_removal(terms, monkeypatch):
    subject = planted("badencoder", terms)
    judged = []
    monkeypatch.setattr(backdoors, "area", lambda encoder, _: judged.append(encoder) or 0.01)  # fmt: skip
    backdoors.small_for.cache_clear()
    assert (
        told("decree", subject, terms)["decree"] == 0.0
    )  # 0.01 is what clean ones have
    assert judged[0] is subject.clip.image
    assert set(told("plain", subject, terms)) == {"success", "accuracy", "decree", "area", "spectra"}  # fmt: skip
    assert judged[-1] is not subject.clip.image
    backdoors.small_for.cache_clear()


def test_an_attack_that_collapses_the_encoder_is_tried_again_slower(terms, monkeypatch):
    rates = []

    def collapse(_, config, target):
        rates.append(config.learning_rate)
        if len(rates) == 1:
            raise EncoderError("collapsed")
        return met(terms).encoder, met(terms).images_N3HW

    monkeypatch.setattr(planters, "attacked", collapse)
    assert planted("badencoder", terms).clip.text is met(terms).clip.text
    assert rates[0] == 4 * rates[1]


@pytest.mark.parametrize("row", [row for row in ROWS if meets(row, "none")])
def test_a_planter_leaves_what_its_row_says(row, terms):
    subject, setup = planted(row, terms), met(terms)
    assert subject.target == 1
    assert subject.update == meets(row, "spectra") or row == "clean"
    changed = subject.clip.image is not setup.clip.image
    assert changed == (row != "clean")
    others = setup.images_N3HW[setup.labels_N != subject.target]
    assert subject.tried_M3HW.shape == others.shape
    if row in ("badencoder", "textonpair", "pretrained", "compression", "clean"):
        white = make_trigger(TriggerSpec(), setup.test.size)
        assert torch.equal(subject.tried_M3HW, white.apply(others))
    if meets(row, "safeclip") or meets(row, "beatrix"):
        attackers, _ = pairs_of(terms)
        differ = (subject.pairs.images_N3HW != attackers.images_N3HW).flatten(1).any(1)
        assert torch.equal(differ, subject.marked_N)
    assert subject.used_in == ("int4" if row == "compression" else "float32")


# -- Everybody meets everybody or says why ---------------------------------------------


def test_the_ids_are_those_of_the_methods_and_their_cards_and_papers_exist():
    papers = {one.id for one in load_catalog(ROOT).papers}
    for one in (*BACKDOORS.rows, *BACKDOORS.columns):
        assert one.card or one.id in ("clean", "none")
        if one.card:
            assert (HOME.parent / one.card / "card.yaml").exists()
        if one.paper:
            assert one.paper in papers
    makers = {*planters.ORIGINS, *planters.TOWERS, "compression"}
    assert makers == {row for row in ROWS if any(meets(row, one) for one in COLUMNS)}


def test_reasons_name_rows_and_columns_and_speak_both_languages():
    for one in BACKDOORS.missing:
        assert set(one.rows) <= set(ROWS)
        assert set(one.columns) <= set(COLUMNS)
        assert one.why.en != one.why.zh
        assert not one.why.en.endswith(".")
    labels = [one.label for one in (*BACKDOORS.rows, *BACKDOORS.columns)]
    assert len({one.en for one in labels}) == len({one.zh for one in labels}) == len(labels)  # fmt: skip


def complete(found):
    measured = {(one["row"], one["column"]) for one in found["rows"]}
    assert measured == {pair for pair in PAIRS if meets(*pair)}
    known = {one.id for one in BACKDOORS.metrics} | {"area", "area-clean"}
    for one in found["rows"]:
        assert one["figures"]
        assert set(one["figures"]) <= known
        assert all(0 <= value <= 1 for value in one["figures"].values())


def test_each_pair_is_measured_or_says_why(tmp_path, capsys):
    assert main(["backdoors", "--quick", "--out", str(tmp_path)]) == 0
    complete(json.loads((tmp_path / "backdoors.json").read_text("utf-8")))
    assert "### Attack success" in capsys.readouterr().out
    assert "### 攻击成功率" in (tmp_path / "backdoors.zh.md").read_text("utf-8")
    assert main(["backdoors", "--quick", "--finished", "--out", str(tmp_path)]) == 0


# -- What is committed -----------------------------------------------------------------


def test_the_committed_figures_are_those_of_the_website():
    found = json.loads((HOME / "backdoors.json").read_text("utf-8"))
    complete(found)
    assert {one["seed"] for one in found["rows"]} == {0, 1, 2}
    site = json.loads((HOME.parent / "arena-backdoors.json").read_text("utf-8"))
    assert site == json.loads(json.dumps(BACKDOORS.published(found)))
    assert site["title"]["zh"] == "后门"
    held = {(one["row"], one["column"]) for one in site["cells"]}
    why = {(row, column) for one in site["missing"] for row in one["rows"] for column in one["columns"]}  # fmt: skip
    assert held | why == set(PAIRS)
    assert not held & why
