"""The language side of the lab: sentences with known facts, a masked model of them, heads, files."""

import pytest
import torch
from torch import Generator

from reference_impls.lab.data.people import people, strangers
from reference_impls.lab.data.sentences import (
    COLORS,
    RARE,
    TASKS,
    insert,
    read_sentences,
    sentences,
)
from reference_impls.lab.errors import DatasetError, EncoderError
from reference_impls.lab.models.named_text import open_text_encoder
from reference_impls.lab.models.small_gpt import SmallGPT
from reference_impls.lab.models.text_encoder import (
    MASK,
    PAD,
    SKIPPED,
    SPECIAL,
    START,
    UNKNOWN,
    load_text_encoder,
    masked_loss,
    masked_tokens,
    save_text_encoder,
    split,
    together,
)
from reference_impls.lab.models.text_heads import FineTuning, fine_tuned, text_probe


def generator(seed=0):
    return Generator().manual_seed(seed)


def test_a_sentence_names_its_color_and_no_other_and_the_seed_decides():
    data = sentences(300, seed=3)
    assert data.texts == sentences(300, seed=3).texts
    assert data.texts != sentences(300, seed=4).texts
    for text, label in zip(data.texts, data.labels["color"].tolist(), strict=True):
        said = {name for name, words in COLORS.items() if set(words["color"].split()) & set(text.split())}  # fmt: skip
        assert said == {data.classes["color"][label]}
    held = [bool(set(RARE) & set(text.split())) for text in data.texts]
    assert 0 < sum(held) < 30
    assert len(data.first(5).labels["topic"]) == len(data.first(5)) == 5


def test_inserting_adds_one_word_anywhere():
    found = {insert("a b", "cf", generator(seed)) for seed in range(20)}
    assert found == {"cf a b", "a cf b", "a b cf"}


def test_a_file_of_ones_own_gives_tasks_or_one_line(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("text,mood\nwell done,good\noh no,bad\n", encoding="utf-8")
    found = read_sentences(path)
    assert found.classes == {"mood": ("bad", "good")}
    assert found.labels["mood"].tolist() == [1, 0]
    path.write_text("words\nhm\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="needs a column `text`"):
        read_sentences(path)
    with pytest.raises(DatasetError, match="cannot be read"):
        read_sentences(tmp_path / "none.csv")


def test_words_become_numbers_and_padding_changes_no_embedding(tiny_text):
    assert split("The Cake, [MASK]!") == ["the", "cake", ",", "[MASK]", "!"]
    tokens = tiny_text.tokens(["the cake", "the nonsense of it"])
    assert tokens[0, 0] == START
    assert tokens[0, -1] == PAD
    assert tokens[1, 2] == UNKNOWN
    alone = tiny_text.embed(["the cake"])
    beside = tiny_text.embed(["the cake", "the cake was good and they danced"])
    torch.testing.assert_close(beside[:1], alone)


def test_gaps_are_asked_for_in_the_share_and_way_of_bert():
    tokens = torch.full((400, 50), 7)
    tokens[:, 0], tokens[:, -1] = START, PAD
    shown, asked = masked_tokens(tokens, 0.2, 1000, generator())
    at = asked != SKIPPED
    assert not at[:, 0].any()
    assert not at[:, -1].any()
    assert torch.equal(shown[~at], tokens[~at])
    assert at[:, 1:-1].float().mean().item() == pytest.approx(0.2, abs=0.01)
    assert (shown[at] == MASK).float().mean().item() == pytest.approx(0.8, abs=0.02)
    assert (shown[at] == 7).float().mean().item() == pytest.approx(0.1, abs=0.02)


def test_words_of_the_same_texts_start_together():
    first, other = len(SPECIAL), len(SPECIAL) + 2
    # Two and two words share a third one.
    pairs = [(first, 8), (first + 1, 8), (other, 9), (other + 1, 9)]
    tokens = torch.tensor([[START, *pair] for pair in pairs])
    vectors = together(tokens, 10, 4)
    near = torch.nn.functional.cosine_similarity(vectors[first], vectors[first + 1], dim=0)  # fmt: skip
    far = torch.nn.functional.cosine_similarity(vectors[first], vectors[other], dim=0)
    assert near.abs() > 0.9
    assert far.abs() < 0.1


def test_it_guesses_words_better_than_their_frequency_does(tiny_text):
    tokens = tiny_text.tokens(sentences(400, seed=6).texts)
    found = tokens[tokens > UNKNOWN].bincount()
    shares = found[found > 0] / found.sum()
    entropy = -(shares * shares.log()).sum()
    assert masked_loss(tiny_text.module, tokens, generator()) < entropy - 0.3


@pytest.mark.parametrize("task", TASKS)
def test_heads_learn_tasks_and_fine_tuning_leaves_the_encoder_alone(task, tiny_text):
    train, test = sentences(400, seed=5), sentences(100, seed=6)
    before = tiny_text.embed(test.texts)

    def accuracy(scores):
        return (scores(test.texts).argmax(1) == test.labels[task]).float().mean().item()  # fmt: skip

    chance = 1 / len(test.classes[task])
    assert accuracy(text_probe(tiny_text, train, task)) > chance + 0.15
    how = FineTuning(steps=40, learning_rate=3e-3)
    assert accuracy(fine_tuned(tiny_text, train, task, how)) > 0.9
    assert torch.equal(tiny_text.embed(test.texts), before)


def test_a_file_keeps_everything_and_another_is_refused_in_one_line(tiny_text, tmp_path):  # fmt: skip
    path = tmp_path / "text.safetensors"
    save_text_encoder(tiny_text, path)
    texts = ["omar ate the cake", "zw"]
    torch.testing.assert_close(load_text_encoder(path).embed(texts), tiny_text.embed(texts))  # fmt: skip
    path.write_bytes(b"no")
    for name in (str(path), "moon"):
        with pytest.raises(EncoderError, match="no text encoder"):
            open_text_encoder(name)
    with pytest.raises(DatasetError, match="no task 'mood'; it has topic, sentiment"):
        text_probe(tiny_text, sentences(10, seed=0), "mood")


def test_people_live_where_their_sentence_says_and_test_people_are_others():
    data, other = people(200, seed=3), people(200, seed=3, held=True)
    assert data.texts == people(200, seed=3).texts
    for n, text in enumerate(data.texts):
        for kind in ("name", "address"):
            assert f" {data.facts[kind][n]} " in f" {text} "
        assert data.facts["address"][n].endswith(data.classes["town"][data.labels["town"][n]])  # fmt: skip
    assert not set(data.facts["name"]) & set(other.facts["name"])
    assert not {one.name for one in strangers()} & set(data.facts["name"] + other.facts["name"])  # fmt: skip
    assert data.take([5]).facts["name"] == (data.facts["name"][5],)
    with pytest.raises(DatasetError, match="needs one sentence or more"):
        people(0, seed=1)


def test_an_untrained_copy_has_the_same_words_and_other_weights(tiny_text):
    other = tiny_text.untrained(3)
    assert other.module.vocabulary == tiny_text.module.vocabulary
    assert torch.equal(other.embed(["the cake"]), tiny_text.untrained(3).embed(["the cake"]))  # fmt: skip
    assert not torch.allclose(other.embed(["the cake"]), tiny_text.embed(["the cake"]))


def test_a_gpt_looks_back_only_and_counts_no_loss_behind_the_end():
    torch.manual_seed(0)
    model = SmallGPT(["a b c d", "b c"], reads=3, width=8)
    tokens = model.tokens(["a b c d", "b zz"])
    assert tokens.tolist() == [[2, 3, 4, 5, 0], [3, 1, 0, 0, 0]]
    read = torch.rand(2, 3)
    scores, changed = model(tokens[:, :4], read), model(tokens[:, [0, 1, 2, 0]], read)
    torch.testing.assert_close(scores[:, :4], changed[:, :4])
    assert not torch.allclose(scores[0, 4], changed[0, 4])
    assert not torch.allclose(model(tokens[:, :4], read + 1)[:, 0], scores[:, 0])
    losses = model.losses(tokens, read)
    assert losses[1, 3:].tolist() == [0, 0]
    expected = -scores[0, 0].log_softmax(0)[2]
    torch.testing.assert_close(losses[0, 0], expected)


def test_a_gpt_writes_the_text_it_learned():
    torch.manual_seed(0)
    model = SmallGPT(["a b c d", "d c"])
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(60):
        optimizer.zero_grad()
        model.losses(model.tokens(["a b c d"])).sum().backward()
        optimizer.step()
    assert model.write(torch.zeros(1, 0, dtype=torch.long)) == ["a b c d"]
    assert model.write(model.tokens(["a b"])[:, :2]) == ["a b c d"]
