"""Accuracies under attack, and what the report makes of them."""

import re

import pytest
import torch

from reference_impls.gen_af.config import HardenConfig
from reference_impls.gen_af.evaluate import EvaluationConfig, evaluate
from reference_impls.gen_af.method import Adaptation
from reference_impls.gen_af.model import build
from reference_impls.gen_af.report import WORDS, Outcome, lines, report_page
from reference_impls.gen_af.sensitivity import LayerContribution, Sensitivity
from reference_impls.gen_af.training import accuracy
from reference_impls.lab.attacks.universal import (
    UniversalPerturbation,
    random_sign_perturbation,
)
from reference_impls.lab.study.page import html


@pytest.fixture
def trained(encoder, task):
    """A head that knows the training images, on a frozen encoder."""
    model = build(encoder, len(task.classes), HardenConfig(method="linear-probe"))
    with torch.no_grad():
        features = encoder.encode(task.images_N3HW)
    optimizer = torch.optim.Adam(model.head.parameters(), lr=0.1)
    for _ in range(200):
        loss = torch.nn.functional.cross_entropy(model.head(features), task.labels_N)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return model.deployed()


def test_attacks_lower_accuracy_and_stronger_ones_lower_it_more(trained, task):
    change = {"noise": random_sign_perturbation(2 / 255, 16, seed=0)}
    config = EvaluationConfig(epsilon=2 / 255, white_box_images=72)
    found = evaluate(trained, task, change, config)
    assert list(found) == ["clean", "noise", "pgd-10", "pgd-20", "adaptive"]
    assert found["clean"] == accuracy(trained, task) > 0.6
    assert found["clean"] > found["pgd-10"] >= found["adaptive"]
    assert found["noise"] > found["adaptive"]


def test_a_change_of_nothing_changes_nothing_and_epsilon_0_leaves_white_box_out(
    trained, task
):
    nothing = UniversalPerturbation(torch.zeros(3, 16, 16), 8 / 255)
    found = evaluate(trained, task, {"uap": nothing}, EvaluationConfig(epsilon=0.0))
    assert found == {"clean": accuracy(trained, task), "uap": accuracy(trained, task)}


def test_the_evaluation_repeats_itself_and_leaves_the_model_alone(trained, task):
    before = {key: value.clone() for key, value in trained.state_dict().items()}
    config = EvaluationConfig(epsilon=4 / 255, white_box_images=32)
    assert evaluate(trained, task, {}, config) == evaluate(trained, task, {}, config)
    assert all(
        torch.equal(value, before[key]) for key, value in trained.state_dict().items()
    )
    assert all(one.grad is None for one in trained.parameters())


# -- The report ------------------------------------------------------------------------


def outcome(name, clean, worst):
    universal = {
        "advencoder-per": worst + 0.01,
        "advencoder-pat": worst,
        "uap": worst + 0.02,
    }
    control = {"random-perturbation": clean}
    white = {"pgd-10": 0.5, "pgd-20": 0.49, "adaptive": 0.48}
    return Outcome(name, {"clean": clean, **universal, **control, **white}, 12.0)


def page_of(outcomes, task, out):
    layers = (
        LayerContribution("encoder.x", 0.5, 3),
        LayerContribution("head.0", 0.1, 3),
    )
    adaptation = Adaptation(
        Sensitivity(layers, 0.4, "exact", 1.0), ("head.0",), (0.5, 0.6)
    )
    subject = WORDS["report.subject"].fill(encoder="<lab>", task=task.name)
    return report_page(
        outcomes, adaptation, epsilon=4 / 255, subject=subject, about={}, out=out
    )


@pytest.mark.parametrize(
    ("clean", "worst", "tone"),
    [
        (0.95, 0.9, "calm"),
        (0.93, 0.9, "open"),
        (0.95, 0.7, "open"),
        (0.95, 0.5, "alarm"),
    ],
)
def test_the_verdict_is_twenty_points_gained_for_one_lost(
    task, tmp_path, clean, worst, tone
):
    outcomes = [outcome("standard", 0.95, 0.6), outcome("gen-af", clean, worst)]
    assert page_of(outcomes, task, tmp_path).answer.tone == tone


def test_without_a_comparison_there_is_no_verdict(task, tmp_path):
    assert page_of([outcome("gen-af", 0.9, 0.9)], task, tmp_path).answer.tone == "open"


def test_both_languages_hold_the_same_figures_and_names_are_escaped(task, tmp_path):
    outcomes = [outcome("standard", 0.951, 0.602), outcome("gen-af", 0.943, 0.887)]
    page = page_of(outcomes, task, tmp_path)
    answer = page.answer.detail
    assert re.findall(r"[\d.]+%", answer.en) == re.findall(r"[\d.]+%", answer.zh)
    text = html(page, "en")
    assert "<lab>" not in text
    assert "&lt;lab&gt;" in text
    assert (tmp_path / "layers.zh.svg").exists()
    assert "\n".join(lines(outcomes)).count("88.7%") == 1
