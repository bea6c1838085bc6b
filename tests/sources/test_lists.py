"""`surveykit coverage` of lists on the web: a repository's README, a file, and what is no list."""

from __future__ import annotations

import json

import pytest
from sources.server import Answer

LIST = """# Papers
- [An Attack on Encoders That Nobody Knows Yet](https://arxiv.org/abs/2401.00777), 2024
- [Another Attack on Encoders Unknown to All](https://arxiv.org/abs/2401.00778), 2024
"""
BIBTEX = "@article{a, title={An Attack on Encoders That Nobody Knows Yet}, author={Li, Wei}, year={2024}}\n"


def compare(world, *words):
    done = world.run("coverage", *words, "--json")
    return done, json.loads(done.out) if done.out else None


def test_a_repository_is_its_readme(world, server):
    server.answers["/github/ada/list/readme"] = Answer(LIST)
    done, data = compare(world, "https://github.com/ada/list", "--write")
    assert done.code == 1
    assert data["lists"]["ada/list"]["missing"] == 2
    (kept,) = json.loads((world.root / "catalog/coverage.json").read_text("utf-8"))["lists"]  # fmt: skip
    assert (kept["name"], kept["url"]) == ("ada/list", "https://github.com/ada/list")
    (asked,) = server.asked
    assert asked.headers["accept"] == "application/vnd.github.raw+json"


@pytest.mark.parametrize(("name", "text", "papers"), [("refs.bib", BIBTEX, 1), ("list.md", LIST, 2), ("list.csv", "title,year\nAn Attack on Encoders,2024\n", 1)])  # fmt: skip
def test_a_file_on_the_web_is_read_by_its_name(world, server, name, text, papers):
    server.answers[f"/{name}"] = Answer(text, headers={"content-type": "text/plain"})
    done, data = compare(world, f"Mine={server.site}/{name}")
    assert (done.code, data["lists"]["Mine"]["papers"]) == (1, papers)


def test_the_second_look_of_a_day_asks_nobody(world, server):
    server.answers["/github/ada/list/readme"] = Answer(LIST)
    compare(world, "https://github.com/ada/list")
    first = len(server.asked)
    compare(world, "https://github.com/ada/list")
    assert len(server.asked) == first


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer("<!DOCTYPE html><title>x</title>"), "is a web page"),
        (Answer(status=404), "knows nothing"),
        (Answer(status=403), "answered 403"),
        (Answer(status=429, headers={"retry-after": "4000"}), "try again in 67 min"),
        (Answer("", headers={"content-length-wrong": "1"}), "no paper was found"),
    ],
)
def test_what_is_no_list_is_one_clear_line(world, server, answer, said):
    server.answers["/list.md"] = answer
    done, _ = compare(world, f"{server.site}/list.md")
    assert said in done.err
    assert "Traceback" not in done.err
    assert done.code in (0, 3)


def test_a_file_named_like_a_repository_is_linked(world, tmp_path):
    path = tmp_path / "README.md"
    path.write_text(LIST, encoding="utf-8")
    compare(world, f"ada/list={path}", "--write")
    (kept,) = json.loads((world.root / "catalog/coverage.json").read_text("utf-8"))["lists"]  # fmt: skip
    assert kept["url"] == "https://github.com/ada/list"
