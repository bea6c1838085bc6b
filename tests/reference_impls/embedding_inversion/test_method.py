"""Embedding inversion: known answers of defenses and measures, the effect against its controls, refusals."""

import json
from dataclasses import replace
from statistics import mean

import pytest
import torch
from torch import Generator

from reference_impls.embedding_inversion.__main__ import PROGRAM
from reference_impls.embedding_inversion.method import (
    InversionConfig,
    apart,
    clusters,
    obfuscated,
    released,
    rounded,
)
from reference_impls.embedding_inversion.study import GRID, f1, measure
from reference_impls.lab.data.people import people
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.text_encoder import (
    TextEncoderConfig,
    train_text_encoder,
)
from reference_impls.lab.study.setup import TextSetup
from tests.reference_impls.conftest import one_error


@pytest.fixture(scope="module")
def setup():
    train, test = people(700, seed=1), people(60, seed=2, held=True)
    encoder = train_text_encoder(train, TextEncoderConfig(steps=40))
    return TextSetup(encoder=encoder, train=train, test=test, task="topic")


def test_rounding_takes_the_middle_of_cells_within_two_deviations():
    z = torch.tensor([[0.1], [-7.0], [2.3], [9.0]])
    mean_, std = torch.tensor([1.0]), torch.tensor([2.0])
    assert rounded(z, mean_, std, 1).flatten().tolist() == [-1, -1, 3, 3]
    assert rounded(z, mean_, std, 2).flatten().tolist() == [0, -2, 2, 4]


def test_prototypes_are_means_of_near_vectors_and_their_distance_is_the_mean_one():
    vectors = torch.tensor([[0.0], [2.0], [10.0], [12.0]])
    centers, nearest = clusters(vectors, 2, Generator().manual_seed(0))
    assert sorted(centers.flatten().tolist()) == [1, 11]
    assert nearest[0] == nearest[1] != nearest[2] == nearest[3]
    assert apart(torch.tensor([[0.0], [3.0], [9.0]])).item() == 6


def test_f1_is_that_of_sets_of_words():
    assert f1({"a", "b"}, {"b", "c", "d"}) == pytest.approx(0.4)
    assert f1(set(), {"a"}) == 0


def test_noise_has_the_deviation_asked_for_and_no_defense_changes_nothing(setup):
    texts = setup.test.texts
    plain = setup.encoder.embed(texts)
    std = setup.encoder.embed(setup.train.texts).std(dim=0)
    config = InversionConfig(defense="noise", noise=0.5)
    moved = released(setup.encoder, setup.train, "topic", config)(texts)
    assert ((moved - plain) / std).std().item() == pytest.approx(0.5, rel=0.05)
    assert torch.equal(released(setup.encoder, setup.train, "topic", InversionConfig())(texts), plain)  # fmt: skip


def test_sentences_are_read_back_and_not_from_embeddings_of_others(setup):
    config = InversionConfig(steps=120)
    plain, shuffled = (measure(setup, replace(config, control=one)) for one in ("no", "shuffled"))  # fmt: skip
    for name in ("words", "tokens"):
        assert plain[name] > shuffled[name] + 0.1
    assert plain["attribute"] > 1 / 12 + 0.1
    assert plain["naive"] is None


def test_obfuscation_draws_words_together_and_leaves_the_encoder_alone(setup):
    before = setup.encoder.embed(setup.test.texts)
    config = InversionConfig(defense="obfuscation", tuning=30, noise=0.3)
    answer = obfuscated(setup.encoder, setup.train, "topic", config)
    one, other = answer(setup.test.texts), answer(setup.test.texts)
    assert not torch.equal(one, other)
    assert torch.equal(setup.encoder.embed(setup.test.texts), before)
    few = {"steps": 60, "tuning": 30}
    found = measure(setup, InversionConfig(defense="obfuscation", **few))
    assert found["naive"] < measure(setup, InversionConfig(**few))["tokens"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"defense": "magic"}, "'magic'; choose one of none, noise"),
        ({"control": "maybe"}, "'maybe'; choose one of no, shuffled"),
        ({"bits": 0}, "bits must be above 0"),
        ({"width": 6}, "width must be a multiple of 4, got 6"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        InversionConfig(**settings)


def test_texts_of_the_readers_name_nobody_and_an_unknown_dataset_is_one_line(small_files, tmp_path, capsys):  # fmt: skip
    path = tmp_path / "own.csv"
    rows = [f"{'fine' if n % 2 else 'poor'} cake {n},{n % 2}" for n in range(60)]
    path.write_text("\n".join(["text,mood", *rows]), encoding="utf-8")
    words = ["run", str(small_files["text"]), "--steps", "2", "--batch", "8", "--task", "mood"]  # fmt: skip
    assert PROGRAM.main([*words, "--dataset", f"csv:{path}", "--out", str(tmp_path)]) == 0  # fmt: skip
    found = json.loads((tmp_path / "measured.json").read_text())["measures"]
    assert set(found) == {"plain", "shuffled"}
    assert found["plain"]["names"] is found["plain"]["attribute"] is None
    capsys.readouterr()
    assert PROGRAM.main([*words, "--dataset", "moon"]) == 2
    assert "unknown dataset 'moon'" in one_error(capsys)


def test_published_figures_hold_what_the_page_says():
    found = json.loads((GRID.home / "results.json").read_text("utf-8"))
    values = {
        preset: {name: mean(some) if some else None for name, some in one.items()}
        for (_, preset), one in GRID.values(found).items()
    }
    plain, shuffled = values["plain"], values["shuffled"]
    assert plain["tokens"] > shuffled["tokens"] + 0.2
    assert plain["names"] > shuffled["names"] + 0.2
    for name in ("noise-0.5", "noise-1.5", "rounding", "obfuscation"):
        assert values[name]["tokens"] < plain["tokens"]
        assert values[name]["naive"] <= values[name]["tokens"] + 0.02
