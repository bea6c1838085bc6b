"""Memorisation: known answers of ranks, exposure, energies and DP-SGD, the effect against its control, refusals."""

import json
import math
from dataclasses import replace
from statistics import mean

import pytest
import torch
from torch import Generator
from torch.nn import functional as F

from reference_impls.lab.data.people import people, strangers
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.text_encoder import (
    MASK,
    SKIPPED,
    TextEncoderConfig,
    masked_tokens,
    train_text_encoder,
)
from reference_impls.memorisation import method
from reference_impls.memorisation.__main__ import PROGRAM
from reference_impls.memorisation.method import (
    ADDRESSES,
    LossOfOne,
    MemorisationConfig,
    energies,
    exposure,
    learned,
    likelihood_ratio,
    privately,
    ranks,
)
from reference_impls.memorisation.study import GRID, caught
from tests.reference_impls.conftest import one_error


@pytest.fixture(scope="module")
def encoder():
    """A model that knows all words, and hardly more."""
    return train_text_encoder(people(400, seed=1), TextEncoderConfig(steps=10)).knowing(
        [method.CANARY.format(name=one.name, address=one.address) for one in strangers()], 0
    )  # fmt: skip


def test_new_words_change_nothing_of_known_ones(tiny_text):
    wide = tiny_text.knowing(["the zebra ate"], 0)
    assert set(wide.module.vocabulary) - set(tiny_text.module.vocabulary) == {"zebra"}
    assert torch.equal(wide.embed(["the cake"]), tiny_text.embed(["the cake"]))
    assert not torch.equal(wide.embed(["the zebra"]), tiny_text.embed(["the zebra"]))


def test_the_likeliest_address_has_rank_one_and_the_exposure_of_all(encoder):
    model, someone = encoder.copy(), strangers()[0]
    assert ranks(model, strangers()[:20]).float().mean() > 500
    number, street, *_, town = someone.address.split()
    for word in (number, street, town):
        model.module.bias.data[model.module.index[word]] += 100
    assert ranks(model, [someone]).tolist() == [1]
    found = exposure(torch.tensor([1, ADDRESSES]))
    assert found.tolist() == pytest.approx([math.log2(ADDRESSES), 0], abs=1e-9)


def test_the_energy_is_the_mean_loss_of_words_masked_one_by_one(encoder):
    texts = ["anna berg", "mill street in arlo"]
    tokens = encoder.tokens(texts[:1])
    expected = []
    for place in (1, 2):
        shown = tokens.clone()
        shown[0, place] = MASK
        scores = encoder.module.scores(encoder.module(shown)[0, place])
        expected.append(F.cross_entropy(scores, tokens[0, place]).item())
    assert energies(encoder, texts)[0].item() == pytest.approx(mean(expected), rel=1e-4)
    assert likelihood_ratio(torch.tensor([1.0]), torch.tensor([3.0])).item() == 2


def test_members_are_caught_above_all_but_one_in_a_hundred():
    others = torch.arange(200.0)
    assert caught(torch.tensor([198.5, 197.5, 196.0, 500.0]), others) == 0.75


@pytest.mark.filterwarnings(
    "ignore:Optimal order is"
)  # of opacus, where noise is next to none
def test_gradients_of_single_texts_are_clipped_and_noise_is_that_asked_for(encoder, monkeypatch):  # fmt: skip
    tokens = encoder.tokens(people(8, seed=5).texts)
    seen = []
    monkeypatch.setattr(torch.optim.Adam, "step", lambda self, *_: seen.append(torch.cat([p.grad.flatten() for p in self.param_groups[0]["params"]])))  # fmt: skip
    config = MemorisationConfig(training="private", batch=8, steps=1, clip=0.5, noise=1e-9)  # fmt: skip
    privately(encoder.copy().module, tokens, config, None)
    # All eight are drawn; each is clipped to 0.5, so the sum over them by 8 is at most that long.
    whole, chance = LossOfOne(encoder.copy().module), Generator().manual_seed(0)
    torch.rand(8, generator=chance)
    shown, asked = masked_tokens(tokens, 0.25, len(encoder.module.vocabulary), chance)
    total = 0
    for one in range(8):
        whole.requires_grad_(True).zero_grad()
        if (asked[one] != SKIPPED).any():
            whole(shown[one], asked[one]).backward()
            flat = torch.cat([p.grad.flatten() for p in whole.parameters()])
            total = total + flat * min(1, 0.5 / flat.norm().item()) / 8
    torch.testing.assert_close(seen[0], total, atol=1e-5, rtol=1e-3)
    epsilon = privately(encoder.copy().module, tokens, replace(config, noise=2.0), None)
    assert (seen[1] - seen[0]).std().item() == pytest.approx(2.0 * 0.5 / 8, rel=0.05)
    assert 0 < epsilon < privately(encoder.copy().module, tokens, replace(config, noise=1.0), None)  # fmt: skip


def test_repetitions_are_kept_and_deduplication_forgets_them(encoder):
    who = strangers()[:4]
    texts = [*people(60, seed=2).texts, *(method.CANARY.format(name=one.name, address=one.address) for one in who for _ in range(30))]  # fmt: skip
    config = MemorisationConfig(steps=150)
    plain, once = (exposure(ranks(learned(encoder, texts, replace(config, training=one))[0], who)).mean() for one in ("plain", "deduplicated"))  # fmt: skip
    assert plain > once + 1


def test_an_encoder_without_masked_words_and_bad_settings_are_one_line(tmp_path, capsys):  # fmt: skip
    with pytest.raises(ConfigError, match="there are people for 9 canaries each, not 10"):  # fmt: skip
        MemorisationConfig(canaries=10)
    with pytest.raises(ConfigError, match="'magic'; choose one of none, plain"):
        MemorisationConfig(training="magic")
    with pytest.raises(ConfigError, match="noise must be above 0"):
        MemorisationConfig(noise=0)
    assert PROGRAM.main(["run", str(tmp_path / "none"), "--out", str(tmp_path)]) == 2
    assert "no text encoder" in one_error(capsys)


def test_published_figures_hold_what_the_page_says():
    found = json.loads((GRID.home / "results.json").read_text("utf-8"))
    values = {
        preset: {name: mean(some) if some else None for name, some in one.items()}
        for (_, preset), one in GRID.values(found).items()
    }
    plain = values["plain"]
    assert plain["recovered_64"] >= plain["recovered_16"] >= plain["recovered_4"]
    assert plain["recovered_64"] > 0.8
    for name in ("none", "plain"):
        assert values[name]["recovered_0"] < 0.05
    assert plain["ratio"] > values["none"]["ratio"] + 0.1
    for name in ("deduplicated", "private"):
        assert values[name]["recovered_64"] < plain["recovered_64"]
