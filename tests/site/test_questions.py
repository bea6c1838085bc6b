"""Questions as researchers type them: the search of the site answers at least 95 of 100 among its first five hits."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.browser

QUESTIONS = yaml.safe_load(
    (Path(__file__).parent / "questions.yaml").read_text("utf-8")
)
ASK = """async asked => {
    const engine = await (await sk.searching()).ready();
    return asked.map(query => engine.search(query).hits.slice(0, 5).map(hit => hit.url));
}"""


def address(answer: str) -> str:
    """A paper is named by its id, any other page by its address."""
    return answer if "/" in answer else f"papers/{answer}/"


def unanswered(page, questions) -> list[tuple[str, list[str]]]:
    """Questions whose first five hits hold no right answer, with these hits."""
    hits = page.evaluate(ASK, [question["ask"] for question in questions])
    return [
        (question["ask"], found)
        for question, found in zip(questions, hits, strict=True)
        if not {address(answer) for answer in question["any"]} & set(found)
    ]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_search_answers_questions(visit, lang):
    questions = QUESTIONS[lang]
    missed = unanswered(visit("" if lang == "en" else "zh/"), questions)
    assert len(questions) >= 60
    assert len(missed) <= 0.05 * len(questions), missed


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_answers_to_questions_exist(site, lang):
    wanted = {address(answer) for question in QUESTIONS[lang] for answer in question["any"]}  # fmt: skip
    assert [page for page in wanted if not (site / page / "index.html").is_file()] == []
