"""The report: the right answer first, in both languages, and nothing of the caller unescaped."""

import pytest
import torch
from selectolax.lexbor import LexborHTMLParser

from reference_impls.advclip.downstream import (
    ITSELF,
    PROBE,
    TO_TEXT,
    ZERO_SHOT,
    Classified,
    Retrieved,
    Scores,
)
from reference_impls.advclip.report import Report, grid
from reference_impls.advclip.report import page as report_page
from reference_impls.lab.attacks.universal import (
    AtRandomPlaces,
    random_patch,
    random_sign_perturbation,
)
from reference_impls.lab.data.patches import PatchSpec
from reference_impls.lab.study.page import html


def scores(fooling, *, tasks=("texture",)):
    classified = [
        Classified(
            task=task, classifier=kind, before=0.9, after=0.9 - fooling, fooling=fooling
        )
        for task in tasks
        for kind in (ZERO_SHOT, PROBE)
    ]
    retrieved = [
        Retrieved(direction=way, measure="R@1", before=1.0, after=1 - fooling)
        for way in (ITSELF, TO_TEXT)
    ]
    return Scores(
        victim="<b>lab</b>", classified=tuple(classified), retrieved=tuple(retrieved)
    )


def report(change, fooling, control=0.1, **settings):
    return Report(
        victim="<b>lab</b>",
        dataset="shapes",
        change=change,
        scores=scores(fooling, **settings),
        controls={
            "random patch": scores(control, **settings),
            "mean-colour patch": scores(control / 2, **settings),
        },
        defense="blur",
    )


def page(given, language="en"):
    text = html(report_page(given, torch.rand(8, 3, 16, 16), {"seconds": 1}), language)
    return LexborHTMLParser(text)


PATCH = random_patch(PatchSpec(share=0.1), 16, seed=0)


def test_a_patch_that_breaks_tasks_raises_the_alarm_in_both_languages():
    shown = page(report(PATCH, 0.6))
    answer = shown.css_first(".answer")
    assert "alarm" in answer.attributes["class"]
    said = answer.text()
    assert "The tasks break" in said
    assert "下游任务失效" in said
    assert (
        "changes 60% of all predictions; a random patch of the same size changes 10%"
        in said
    )
    assert "accuracy 90.0% → 30.0%" in said
    assert "Every image is blurred first." in said


def test_a_patch_no_stronger_than_its_control_does_not():
    answer = page(report(PATCH, 0.15)).css_first(".answer")
    assert "calm" in answer.attributes["class"]


def test_each_row_has_its_control_beside_it():
    rows = page(report(PATCH, 0.6)).css("table")[0].css("tbody tr")
    assert [row.css("td")[-1].text() for row in rows] == ["10%", "10%"]


@pytest.mark.parametrize(
    "change", [AtRandomPlaces(PATCH), random_sign_perturbation(8 / 255, 16, seed=0)]
)
def test_every_kind_of_change_has_its_picture(change):
    shown = page(report(change, 0.6), "zh")
    assert len(shown.css("figure")) == 3
    assert shown.css_first("html").attributes["lang"] == "zh-CN"


def test_without_tasks_the_images_themselves_answer():
    shown = page(report(PATCH, 0.8, tasks=()))
    answer = shown.css_first(".answer")
    assert "alarm" in answer.attributes["class"]
    assert len(shown.css("table")) == 1


def test_names_are_escaped():
    assert not page(report(PATCH, 0.6)).css("b")


def test_the_grid_has_changed_images_under_the_same_images():
    images = torch.zeros(3, 3, 4, 4)
    found = grid(images, images + 0.5)
    assert found.shape == (3, 9, 3 * 4 + 2)
    assert found[:, 0, 0].tolist() == [0, 0, 0]
    assert found[:, 8, 0].tolist() == [0.5] * 3
