"""Defenses of a frozen CLIP: known answers, planted masked gradients, a reader's own defense, refusals, what is committed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from reference_impls.arena import clips, own
from reference_impls.arena.__main__ import main
from reference_impls.arena.frozen import Terms, figures, met, smoothed
from reference_impls.arena.published import joined
from reference_impls.arena.registry import ATTACKS, FROZEN
from reference_impls.lab.attacks.masking import flat_share, traced
from reference_impls.lab.attacks.pgd import Budget
from reference_impls.smoothing.method import SmoothingConfig
from tests.reference_impls.conftest import TINY_CLIP, one_error

SMALL = {one.id for one in ATTACKS if not one.sparse}
EXAMPLE = Path(own.__file__).with_name("example.py")


@pytest.fixture(scope="module", autouse=True)
def _tiny(tmp_path_factory):
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_CACHE", str(tmp_path_factory.mktemp("lab")))
        patch.setattr(clips, "studied_clip", lambda seed: replace(TINY_CLIP, seed=seed))
        yield
    met.cache_clear()


@pytest.fixture(scope="module")
def terms():
    quick = clips.terms_of(0, quick=True)
    return replace(quick, images=32, budget=Budget(epsilon=8 / 255, steps=5))


@pytest.fixture(scope="module")
def base(terms):
    return met(terms)[0].zero_shot()


# -- Known answers -------------------------------------------------------------------


def test_a_loss_without_slope_is_flat_and_one_with_a_slope_is_not():
    images, labels = torch.full((4, 3, 2, 2), 0.3), torch.zeros(4, dtype=torch.long)
    steep = lambda x: torch.stack([x.sum((1, 2, 3)), -x.sum((1, 2, 3))], dim=1)  # noqa: E731
    assert flat_share(steep, images, labels) == 0
    assert flat_share(lambda x: 1e4 * steep(x), images, labels) == 1  # saturated
    assert flat_share(lambda x: steep(x).detach(), images, labels) == 1
    half = images.clone()
    half[:2] = 0.9
    assert flat_share(lambda x: steep(x.clamp(max=0.5)), half, labels) == 0.5
    assert traced(lambda x: steep(x).detach())(images.requires_grad_()).requires_grad


def test_smoothing_adds_up_the_probabilities_of_noisy_copies(base):
    fixed = lambda x: torch.tensor([[0.0, 1.0]]).repeat(len(x), 1)  # noqa: E731
    config = SmoothingConfig(denoiser="none")
    logits = smoothed(fixed, None, config, 4)(torch.rand(3, 3, 4, 4))
    assert logits.shape == (3, 2)
    assert torch.allclose(logits.softmax(1), fixed(logits).softmax(1))


def test_no_attack_leaves_more_than_the_best_known_one(base, terms):
    found = figures(base, terms)
    assert found["strongest"] <= min(found[one] for one in SMALL & set(found))
    assert found["adaptive"] < found["clean"]
    assert found["flat"] == 0
    given = met(terms)[1]
    for name in SMALL & set(given):
        assert (given[name] - given["clean"]).abs().max() <= 8 / 255 + 1e-6
    assert clips.sign(found) is None


# -- Masked gradients, planted -------------------------------------------------------


def test_a_defense_without_gradients_is_warned_of(base, terms):
    found = figures(lambda x: base((16 * x).round() / 16), terms)
    assert found["flat"] == 1
    assert "the loss is flat at 100% of the images" in clips.sign(found).en


def test_a_defense_whose_gradients_mislead_is_warned_of(base, terms):
    found = figures(lambda x: base(2 * x.detach() - x), terms)
    assert found["flat"] == 0
    assert found["transfer"] < found["adaptive"]
    told = clips.sign(found)
    assert "follows no gradient" in told.en
    assert "误导" in told.zh


@pytest.mark.parametrize(("black", "warned"), [(0.30, True), (0.395, False), (0.5, False)])  # fmt: skip
def test_the_warning_needs_more_than_chance(black, warned):
    found = {"clean": 0.9, "transfer": black, "adaptive": 0.5, "eot-pgd": 0.4, "sa-moo": 0.0, "flat": 0.0}  # fmt: skip
    assert (clips.sign(found) is not None) == warned


# -- A reader's own defense ----------------------------------------------------------


def run(path, tmp_path, *words):
    out = tmp_path / "out"
    return main(["run", str(path), "--quick", "--seeds", "0", "--out", str(out), *words])  # fmt: skip


def test_the_example_gets_its_row_in_one_command(tmp_path, capsys):
    assert run(EXAMPLE, tmp_path) == 0
    shown = capsys.readouterr().out
    data = json.loads((tmp_path / "out/example.json").read_text())
    for attack in ATTACKS:
        assert (attack.label.en in shown) == (attack.id in data["own"][0])
    assert "warning" not in shown
    assert data["none"][0]["clean"] >= data["none"][0]["strongest"]


def test_a_masked_defense_of_a_reader_is_warned_of(tmp_path, capsys):
    file = tmp_path / "round.py"
    file.write_text("def defend(classifier, train):\n    return lambda x: classifier((8 * x).round() / 8)\n")  # fmt: skip
    assert run(file, tmp_path) == 0
    assert "warning: the loss is flat at 100% of the images" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "mine.py is no Python file"),
        ("def defend(:", "mine.py raised SyntaxError"),
        ("import sys; sys.exit(0)", "mine.py raised SystemExit: 0"),
        ("attack = 1", "mine.py has no function defend(classifier, train)"),
        ("def defend(classifier): ...", "mine.py raised TypeError"),
        ("def defend(c, t): raise ValueError('no\\nmore')", "raised ValueError: no"),
        ("def defend(c, t): return lambda x: x", "must give logits (2, 6) of two images, got (2, 3, 32, 32)"),
        ("def defend(c, t): return lambda x: None", "of two images, got NoneType"),
        ("def defend(c, t): return lambda x: c(x) / 0", "logits that are not finite"),
        ("def defend(c, t): return lambda x: c(x) if len(x) == 2 else 1 / 0", "raised ZeroDivisionError"),
    ],
)  # fmt: skip
def test_a_bad_defense_is_one_line(text, message, tmp_path, capsys):
    file = tmp_path / "mine.py"
    if text:
        file.write_text(text)
    assert run(file, tmp_path) == 2
    assert message in one_error(capsys)
    assert not (tmp_path / "out").exists()


def test_bad_options_are_one_line(tmp_path, capsys):
    assert run(EXAMPLE, tmp_path, "--images", "0") == 2
    assert "images must be above 0" in one_error(capsys)
    assert run(EXAMPLE, tmp_path, "--seeds") == 2
    assert "--seeds needs at least one" in one_error(capsys)


# -- The study and what is committed ---------------------------------------------------


def test_every_defense_meets_every_attack_or_says_why(tmp_path, capsys):
    assert main(["clips", "--quick", "--out", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    found = json.loads((tmp_path / "clips.json").read_text())
    frozen = clips.read(found)
    assert {row["defense"] for row in found["rows"]} == {one.id for one in FROZEN}
    holes = {(cell.attack, cell.defense) for cell in frozen.found if cell.value is None}
    searches = {("block-search", "reversal"), ("sa-moo", "reversal")}
    never = {(attack, one.id) for attack in ("pgd-20", "badencoder") for one in FROZEN}
    assert holes == searches | never
    for cell in frozen.found:
        assert cell.value is not None or cell.why.en != "not run"
    assert "ten gradient steps" in shown
    assert "未运行" in (tmp_path / "clips.zh.md").read_text("utf-8")


def test_the_committed_figures_are_in_the_arena():
    home = Path(clips.__file__).parent
    arena = json.loads((home.parent / "arena.json").read_text("utf-8"))
    again = json.loads(json.dumps(joined(arena, clips.clips_of(home))))
    assert again == arena
    rows = json.loads((home / "clips.json").read_text("utf-8"))["rows"]
    assert len(rows) == 3 * len(FROZEN)
    for row in rows:
        small = SMALL & set(row["figures"])
        assert row["figures"]["strongest"] <= min(row["figures"][one] for one in small)
    assert Terms().budget.epsilon == Terms().suite.epsilon  # one budget for all
