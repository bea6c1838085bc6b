"""Addresses come from the deployment; placeholders are never published and never shown."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest

from surveykit.deployment import check, placed
from surveykit.errors import SurveyError
from surveykit.render.feeds import feeds
from surveykit.render.pages import render_files, render_pages

GITHUB = {"GITHUB_REPOSITORY": "Lab/encoders", "GITHUB_SERVER_URL": "https://github.com"}  # fmt: skip
GITLAB = {
    "CI_PROJECT_URL": "https://gitlab.com/lab/encoders",
    "CI_PAGES_URL": "https://lab.gitlab.io/encoders",
}
OWN = {"SURVEYKIT_SITE": "https://survey.test/a/b", "SURVEYKIT_REPOSITORY": "https://forge.test/x/"}  # fmt: skip


@pytest.mark.parametrize(
    ("environ", "repository", "site"),
    [
        ({}, "", "https://example.github.io/invented-survey/"),
        (GITHUB, "https://github.com/Lab/encoders", "https://lab.github.io/encoders/"),
        (
            GITHUB | {"GITHUB_REPOSITORY": "Lab/lab.github.io"},
            "https://github.com/Lab/lab.github.io",
            "https://lab.github.io/",
        ),
        (
            GITHUB | {"GITHUB_SERVER_URL": "https://git.lab.test"},
            "https://git.lab.test/Lab/encoders",
            "https://example.github.io/invented-survey/",  # Pages of other servers are not known
        ),
        (GITLAB, GITLAB["CI_PROJECT_URL"], GITLAB["CI_PAGES_URL"] + "/"),
        (GITHUB | OWN, "https://forge.test/x", "https://survey.test/a/b/"),
        (
            GITHUB | {"SURVEYKIT_SITE": "", "SURVEYKIT_REPOSITORY": ""},
            "https://github.com/Lab/encoders",
            "https://lab.github.io/encoders/",
        ),
    ],
)
def test_own_words_come_before_the_forge_and_the_forge_before_the_file(
    catalog, environ, repository, site
):
    found = placed(catalog.survey, environ)
    assert (found.repository, found.site) == (repository, site)


def test_the_file_is_the_last_word_where_it_holds_no_placeholder(catalog):
    real = {"repository": "https://forge.test/x", "site": "https://survey.test/"}
    survey = catalog.survey.model_copy(update=real)
    assert placed(survey, {}) == survey


@pytest.mark.parametrize(
    "text", ["survey", "javascript:alert(1)", 'https://a.test/"><script>', "https://a.test/ b", "https://u:p@a.test/"]
)  # fmt: skip
def test_what_is_no_address_is_one_clear_line(catalog, text):
    with pytest.raises(SurveyError, match=r"^SURVEYKIT_SITE: .* is no address; write") as told:  # fmt: skip
        placed(catalog.survey, {"SURVEYKIT_SITE": text})
    assert "\n" not in str(told.value)


def test_placeholders_are_not_published(catalog, run, monkeypatch):
    for name in (*GITHUB, *GITLAB, *OWN):
        monkeypatch.delenv(name, raising=False)
    refused = run("build", "--publish")
    assert refused.code == 2
    assert refused.err.count("\n") == 1
    assert "SURVEYKIT_REPOSITORY" in refused.err
    monkeypatch.setenv("SURVEYKIT_REPOSITORY", "https://github.com/example/copy")
    assert run("build", "--publish").code == 2
    for name, address in OWN.items():
        monkeypatch.setenv(name, address)
    assert run("build", "--publish").code == 0
    check(placed(catalog.survey, OWN))


def test_all_that_is_missing_is_named_in_one_line(local):
    with pytest.raises(SurveyError, match="SURVEYKIT_SITE and SURVEYKIT_REPOSITORY"):
        check(local.survey)


@pytest.fixture(scope="module")
def local(catalog):
    update = {"site": "https://example.org/copy/"}
    survey = placed(catalog.survey.model_copy(update=update), {})
    return dataclasses.replace(catalog, survey=survey)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_local_build_names_no_dead_address(local, catalog, lang):
    dead = (catalog.survey.site, catalog.survey.repository, "example.org/copy")
    texts = {page.uri: page.head + page.html for page in render_pages(local, lang)}
    texts |= render_files(local, lang)
    for name, text in texts.items():
        assert not any(address in text for address in dead), name
        if name.endswith(".md"):
            assert not re.search(r'href="(/|/?(blob|edit|issues))', text), name


def test_without_an_address_feeds_and_data_lead_on_relatively(local):
    feed = feeds(local, "zh")["feeds/threat/backdoor.atom"]
    assert 'href="../../papers/feng2023detecting/"' in feed
    assert 'rel="self"' not in feed
    files = render_files(local, "en")
    assert "Sitemap" not in files["robots.txt"]
    spec = json.loads(files["api/v1/openapi.json"])
    assert spec["servers"] == [{"url": "."}]


def test_with_an_address_everything_is_absolute(catalog):
    there = dataclasses.replace(catalog, survey=placed(catalog.survey, OWN))
    assert "https://survey.test/a/b/zh/sitemap.xml" in render_files(there, "en")["robots.txt"]  # fmt: skip
    page = next(p for p in render_pages(there, "zh") if p.uri.startswith("papers/feng"))
    assert "https://survey.test/a/b/zh/papers/feng2023detecting/" in page.head
    assert "https://forge.test/x/edit/main/catalog/papers/2023/" in page.html
