"""What can be learned of the shapes dataset; the figures of its table at full length are in README.md."""

import json

import pytest
import torch

from reference_impls.lab import __main__ as command
from reference_impls.lab import learnable as lab
from reference_impls.lab.data.shapes import CLASSES, shapes
from reference_impls.lab.models.clip import CLIPConfig, train_clip


def test_quick_training_beats_guessing_where_the_dataset_shows_it(capsys):
    assert command.main(["tasks", "--quick", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    accuracy = found["accuracy"]
    for way in accuracy.values():
        assert set(way) == {"shape", "background"}
        assert all(0 <= value <= 1 for value in way.values())
        assert way["background"] > 2 / len(CLASSES["background"])
    assert accuracy["supervised, 40 steps"]["shape"] > 0.3
    assert found["config"]["supervised_steps"] == 40


def test_shape_is_learnable_from_labels():
    """The ceiling: a network that does not learn it would say that the pictures do not show it."""
    train, test = shapes(2048, seed=1), shapes(512, seed=2)
    assert lab._supervised("shape", train, test, 200) > 0.85


def test_a_class_is_the_mean_of_captions_that_name_it():
    dataset = shapes(256, seed=0)
    clip = train_clip(dataset, CLIPConfig(steps=2, batch=128))
    classes = lab.class_embeddings(clip, "size")
    assert classes.shape == (2, 64)
    assert (classes.norm(dim=1) <= 1 + 1e-5).all()
    assert torch.equal(classes, lab.class_embeddings(clip, "size"))
    assert not torch.equal(classes, lab.class_embeddings(clip, "size", seed=1))


def test_the_table_has_a_row_per_training_and_one_for_guessing():
    rows = lab.table({"a": dict.fromkeys(CLASSES, 0.5)}).splitlines()
    assert rows[0] == "| training | shape | foreground | background | texture | size |"
    assert rows[2] == "| guessing | 0.12 | 0.12 | 0.12 | 0.17 | 0.50 |"
    assert rows[3] == "| a | 0.50 | 0.50 | 0.50 | 0.50 | 0.50 |"


def test_an_unknown_command_is_a_usage_error():
    with pytest.raises(SystemExit) as exit_code:
        command.main(["weather"])
    assert exit_code.value.code == 2
