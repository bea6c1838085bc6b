"""The boards of privacy and theft: known answers of guards and figures, everybody meets everybody or says why, what is committed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Generator

from reference_impls.arena import privacy, theft
from reference_impls.arena.__main__ import main
from reference_impls.arena.boards import Trial
from reference_impls.arena.guards import Guard
from reference_impls.arena.privacy import PRIVACY, told_apart
from reference_impls.arena.theft import MARKS, THEFT, THIEVES, served
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.lab.study.setup import Setup
from reference_impls.stolen_encoder.method import steal
from reference_impls.watermark import method as watermark
from reference_impls.watermark import study as marks
from surveykit.load import load_catalog
from tests.reference_impls.conftest import TINY_CLIP, TINY_LAB

HOME = Path(privacy.__file__).parent
ROOT = HOME.parents[1]
BOARDS = [pytest.param(one, id=one.name) for one in (PRIVACY, THEFT)]
RUN = {
    "date": "2026-11-30",
    "command": "python -m reference_impls.arena privacy",
    "device": "CPU",
    "cpu_cores": 2,
    "threads": 1,
    "versions": {"torch": "2.13"},
}


def found(*rows):
    trials = [Trial(row=r, column=c, seed=s, figures=f, seconds=1.0) for r, c, s, f in rows]  # fmt: skip
    return {"rows": [vars(one) for one in trials], "run": RUN}


def committed(board):
    return json.loads((HOME / f"{board.name}.json").read_text("utf-8"))


def pairs(board):
    return [(row.id, column.id) for row in board.rows for column in board.columns]


# -- Guards --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def numbers():
    drawn = torch.randn(4000, 3, generator=Generator().manual_seed(0))
    return drawn * torch.tensor([1.0, 2.0, 5.0]) + 7


def test_a_guard_without_noise_or_bits_gives_everything_away(numbers):
    assert torch.equal(Guard(numbers)(numbers), numbers)


def test_noise_has_the_spread_of_each_number_and_is_drawn_anew(numbers):
    guard = Guard(numbers, noise=0.5, seed=1)
    first, second = guard(numbers) - numbers, guard(numbers) - numbers
    for drawn in (first, second):
        assert torch.allclose(drawn.std(dim=0), numbers.std(dim=0) / 2, rtol=0.05)
    assert not torch.equal(first, second)
    again = Guard(numbers, noise=0.5, seed=1)(numbers) - numbers
    assert torch.equal(first, again)


def test_one_bit_tells_on_which_side_of_the_mean_a_number_lies(numbers):
    given = Guard(numbers, bits=1)(numbers)
    above = numbers > numbers.mean(dim=0)
    assert torch.equal(given > numbers.mean(dim=0), above)
    assert [len(one.unique()) for one in given.T] == [2, 2, 2]


# -- Figures -------------------------------------------------------------------------


def test_members_above_the_one_in_a_hundred_are_found():
    others = torch.arange(100.0)
    figures = told_apart(others, torch.tensor([98.5, 99.5, 50.0, -1.0]))
    # 98 is what one of a hundred exceeds; two of four members lie above.
    assert figures == {
        "tpr1": 0.5,
        "auroc": pytest.approx((99 + 100 + 50.5 + 0) / 400),
    }


def test_one_in_a_thousand_needs_a_thousand_others():
    assert "tpr01" not in told_apart(torch.arange(999.0), torch.ones(2))
    figures = told_apart(torch.arange(1000.0), torch.tensor([998.5, 997.5]))
    assert figures["tpr01"] == 0.5


def test_cells_of_hand_made_trials():
    data = PRIVACY.published(found(
        ("deja-vu", "none", 0, {"recalled": 0.5}),
        ("deja-vu", "none", 1, {"recalled": 0.3}),
        ("encoder-mi-set", "noise", 0, {"auroc": 0.512, "tpr1": 0.02}),
    ))  # fmt: skip
    cells = {(one["row"], one["column"], one["metric"]["en"]): one for one in data["cells"]}  # fmt: skip
    recalled = cells["deja-vu", "none", "Foreground colours recalled from the background"]  # fmt: skip
    assert (recalled["value"], recalled["unit"], recalled["n"]) == (40, "%", 2)
    auroc = cells["encoder-mi-set", "noise", "AUROC, members against others"]
    assert (auroc["value"], auroc["better"]) == (0.512, "lower")
    assert "sd" not in auroc
    assert len(cells) == 3


def test_marks_are_told_with_three_digits_of_p():
    data = THEFT.published(found(("cont-steal", "sslguard", 0, {"p": 0.0304, "claimed": 0.0})))  # fmt: skip
    by_metric = {one["metric"]["en"]: one for one in data["cells"]}
    assert by_metric["p-value of the mark"]["value"] == 0.03
    assert by_metric["Claimed by the owner at p < 0.01"]["better"] == "higher"


# -- What is served ------------------------------------------------------------------


@pytest.fixture(scope="module")
def setup(tiny_clip):
    data = train_dataset(TINY_LAB), dataset_of_test(TINY_LAB)
    return Setup(encoder=tiny_clip.image, clip=None, train=data[0], test=data[1], task="")  # fmt: skip


def test_an_api_without_protection_is_robbed_as_in_the_methods_own_table(setup):
    api = served(theft.Condition(seed=3, protection="none"), setup)
    images = setup.train.images_N3HW[:40]
    for thief in THIEVES.values():
        if thief.loss == "scratch":
            continue
        config = replace(thief, pictures=40, steps=3, batch=16, seed=3)
        copy, own = theft.copied(api, setup, config), steal(setup.encoder, images, config)  # fmt: skip
        weights = zip(copy.module.parameters(), own.module.parameters(), strict=True)
        assert all(torch.allclose(a, b, atol=1e-6) for a, b in weights)


def test_marks_change_the_encoder_and_nothing_else_does(setup):
    for protection in (one.id for one in THEFT.columns):
        small = theft.Condition(seed=3, protection=protection, queries=40, marking=2)
        api = served(small, setup)
        assert (api.encoder is setup.encoder) == (protection not in MARKS)
        assert (api.key is None) == (protection not in MARKS)
    assert set(MARKS) <= set(watermark.PRESETS)


# -- The files -----------------------------------------------------------------------


@pytest.mark.parametrize("board", BOARDS)
def test_every_id_names_what_exists(board):
    catalog = load_catalog(ROOT)
    for one in (*board.rows, *board.columns):
        assert one.card is None or one.card in catalog.cards
        assert one.paper is None or one.paper in catalog.paths
    ids = [one.id for one in (*board.rows, *board.columns)]
    assert len(set(ids)) == len(ids)
    named = {name for one in board.missing for name in (*one.rows, *one.columns)}
    assert named <= set(ids)


def both_or_neither(board, met):
    """Every pair has a figure or a reason, and none has both."""
    why = {(r, c) for one in board.missing for r in one.rows for c in one.columns}
    assert met | why == set(pairs(board))
    assert not met & why


@pytest.mark.parametrize("board", BOARDS)
def test_every_committed_pair_has_a_figure_or_a_reason(board):
    held = board.figures(committed(board))
    both_or_neither(board, {(row, column) for _, row, column in held})
    assert {metric for metric, _, _ in held} == {one.id for one in board.metrics}
    assert all(set(one) == {0, 1, 2} for one in held.values())


@pytest.mark.parametrize("board", BOARDS)
def test_the_website_and_the_readme_have_the_committed_figures(board):
    data = json.loads((ROOT / "reference_impls" / f"arena-{board.name}.json").read_text("utf-8"))  # fmt: skip
    assert data == json.loads(json.dumps(board.published(committed(board))))
    for language, name in (("en", "README.md"), ("zh", "README.zh-CN.md")):
        text = (HOME / name).read_text("utf-8")
        assert board.tables(committed(board), language).strip() in text


# -- Both commands -------------------------------------------------------------------


@pytest.fixture
def _tiny(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "lab"))
    monkeypatch.setattr(privacy, "studied_clip", lambda seed: replace(TINY_CLIP, seed=seed))  # fmt: skip
    monkeypatch.setattr(theft, "studied_encoder", lambda seed: replace(TINY_CLIP, seed=seed))  # fmt: skip
    monkeypatch.setattr(marks, "OTHERS", 3)
    yield
    privacy.trained.cache_clear()
    theft.alone.cache_clear()


@pytest.mark.usefixtures("_tiny", "quick_heads")
@pytest.mark.parametrize("board", BOARDS)
def test_a_quick_study_fills_the_board(board, tmp_path, capsys):
    assert main([board.name, "--quick", "--out", str(tmp_path / "out")]) == 0
    told = json.loads((tmp_path / "out" / f"{board.name}.json").read_text("utf-8"))
    held = board.figures(told)
    both_or_neither(board, {(row, column) for _, row, column in held})
    assert all(0 <= value <= 1 for one in held.values() for value in one.values())
    assert "| " in capsys.readouterr().out
