"""Hub passages: gains and slopes by hand, the effect against its controls, refusals."""

import json
from dataclasses import replace
from statistics import mean

import pytest
import torch
from torch import Generator
from torch.nn import functional as F

from reference_impls.hub_attack.__main__ import PROGRAM
from reference_impls.hub_attack.method import (
    HubConfig,
    clusters,
    embedded,
    gain_of,
    hubs,
    slopes,
)
from reference_impls.hub_attack.study import GRID, before, measure, query, surprise
from reference_impls.lab.data.sentences import sentences
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.study.setup import TextSetup
from tests.reference_impls.conftest import one_error


def test_gain_is_the_mean_cosine_and_csls_subtracts_that_of_the_nearest():
    queries = torch.tensor([[2.0, 0.0]] * 10 + [[0.0, 1.0]] * 10)
    east, middle = torch.tensor([[3.0, 0.0], [1.0, 1.0]])
    both = torch.stack([east, middle])
    half = 0.5**0.5
    torch.testing.assert_close(gain_of(queries, aware=False)(both), torch.tensor([0.5, half]))  # fmt: skip
    torch.testing.assert_close(gain_of(queries, aware=True)(both), torch.tensor([0.0, half]))  # fmt: skip


def test_slopes_are_differences_to_first_order(tiny_text):
    gain = gain_of(tiny_text.embed(["red soup kitchen"]), aware=False)
    tokens = tiny_text.tokens(["she ate the cake at the cafe"])
    slope, word, place = slopes(tiny_text, tokens, gain), 40, 3
    moved = tiny_text.module.words.weight
    direction = moved[word] - moved[tokens[0, place]]
    step, values = 1e-2, []
    for sign in (1, -1):

        def nudge(_, __, out, sign=sign):
            out = out.clone()
            out[0, place] += sign * step * direction
            return out

        hook = tiny_text.module.words.register_forward_hook(nudge)
        values.append(gain(embedded(tiny_text, tokens)).item())
        hook.remove()
    expected = slope[place, word] - slope[place, tokens[0, place]]
    assert (values[0] - values[1]) / (2 * step) == pytest.approx(expected.item(), rel=0.05, abs=1e-3)  # fmt: skip
    assert not tiny_text.module.words._forward_hooks


def test_clusters_part_what_lies_apart():
    queries = F.normalize(torch.tensor([[1.0, 0.1], [1.0, -0.1], [-1.0, 0.1], [-1.0, -0.1]]), dim=1)  # fmt: skip
    of = clusters(queries, 2, Generator().manual_seed(1))
    assert of[0] == of[1] != of[2] == of[3]


def test_ranks_count_what_comes_before_and_ties_count_against_the_hub():
    scores = torch.tensor([[0.9, 0.5, 0.1], [0.9, 0.5, 0.1]])
    assert before(scores, torch.tensor([[0.5, 0.2], [0.95, 0.0]])).tolist() == [2, 0]


def test_a_query_is_three_long_words_of_a_text():
    assert query("she ate the crimson cake at the kitchen , once more") == "crimson cake kitchen"  # fmt: skip
    assert query("we won it") == "we won it"


def test_word_salad_is_odder_than_a_sentence(tiny_text):
    text = sentences(1, seed=9).texts[0]
    salad = " ".join(sorted(text.split(), key=lambda word: word[::-1]))
    told, odd = surprise(tiny_text, [text, salad]).tolist()
    assert odd > told


@pytest.fixture(scope="module")
def setup(tiny_text):
    train, test = sentences(800, seed=5), sentences(100, seed=6)
    return TextSetup(encoder=tiny_text, train=train, test=test, task="topic")


def test_hotflip_is_found_more_often_than_the_nearest_sentence(setup):
    config = HubConfig(way="hotflip", steps=80, known=64)
    made, natural = (measure(setup, replace(config, way=one)) for one in ("hotflip", "nearest"))  # fmt: skip
    assert made["top10"] > natural["top10"] + 0.1
    assert made["odd"] == 1


@pytest.mark.parametrize("options", [{}, {"aware": True}, {"fluent": 0.01}])
def test_gaslite_keeps_its_sentence_and_is_the_same_again(options, setup):
    own = list(setup.train.texts[:20])
    config = HubConfig(steps=3, **options)
    (one,), (other,) = (hubs(setup.encoder, ["red soup"], own, config) for _ in range(2))  # fmt: skip
    assert one == other
    assert any(one.startswith(text) for text in own)
    assert len(setup.encoder.tokens([one])[0]) == setup.encoder.module.config.length


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"way": "magic"}, "'magic'; choose one of any, nearest"),
        ({"passages": 0}, "passages must be above 0"),
        ({"steps": 0}, "steps must be above 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        HubConfig(**settings)


@pytest.mark.parametrize(
    ("words", "message"),
    [(["--only", "9"], "no query is of class 9"), (["--train", "20"], "40 texts are needed, got 20")],
)  # fmt: skip
def test_bad_input_is_one_line(words, message, small_files, tmp_path, capsys):
    out = tmp_path / "out"
    assert PROGRAM.main(["run", str(small_files["text"]), *words, "--out", str(out)]) == 2  # fmt: skip
    assert message in one_error(capsys)
    assert not out.exists()


def test_published_figures_hold_what_the_page_says():
    found = json.loads((GRID.home / "results.json").read_text("utf-8"))
    values = {name: {key: mean(some) for key, some in one.items()} for (_, name), one in GRID.values(found).items()}  # fmt: skip
    for made, natural in (("hotflip", "nearest"), ("gaslite-topic", "nearest-topic")):
        assert values[made]["top10"] > values[natural]["top10"] + 0.2
        assert values[made]["csls10"] < values[made]["top10"]
        assert values[made]["refused"] == values[made]["odd"] == 1
