"""Hostile text in every field of the catalog stays text: in pages, in search, in the browser."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from surveykit.models import Bilingual, Event

HOSTILE = (
    "<script>window.pwned = 1</script>",
    "</script><script>window.pwned = 2</script>",
    '" onmouseover="window.pwned = 3" x="',
    "' onfocus='window.pwned = 4' autofocus='",
    "{{ 7 * 7 }}{% raw %}",
    "<img src=x onerror=window.pwned=5>",
    "[link](javascript:window.pwned=6)",
    "</title></textarea></style><svg/onload=window.pwned=7>",
    "--><script>window.pwned = 8</script><!--",
    "${window.pwned=9}`",
    "&lt;script&gt;window.pwned=10&lt;/script&gt;",
)


def spoiled(catalog):
    """The invented catalog with a hostile string in every text that a person types."""
    texts = iter(HOSTILE * 200)

    def both(_):
        return Bilingual.model_construct(en=next(texts), zh=next(texts))

    def paper(p):
        changes = {
            "title": both(p.title),
            "notes": both(None),
            "workshop": next(texts),
            "corrections": (both(None), both(None)),
            "history": (
                Event.model_construct(kind="corrected", date=p.added, note=both(None)),
            ),
            "authors": tuple(
                a.model_copy(
                    update={"family": next(texts), "literal": None, "han": next(texts)}
                )
                for a in p.authors
            ),
            "relations": tuple(
                r.model_copy(update={"why": both(None), "source": next(texts)})
                for r in p.relations
            ),
        }
        if p.tldr:
            hostile = {"en": next(texts), "zh": next(texts), "source": next(texts)}
            changes["tldr"] = p.tldr.model_copy(update=hostile)
        if p.verified:
            by = {"by": (next(texts), next(texts)), "doubt": both(None)}
            changes["verified"] = p.verified.model_copy(update=by)
        return p.model_copy(update=changes)

    def term(t):
        return t.model_copy(update={"label": both(None), "definition": both(None)})

    axes = tuple(
        axis.model_copy(
            update={
                "label": both(None),
                "question": both(None),
                "note": both(None),
                "terms": tuple(term(t) for t in axis.terms),
            }
        )
        for axis in catalog.taxonomy.axes
    )
    kinds = tuple(
        k.model_copy(update={"label": both(None), "inverse": both(None)})
        for k in catalog.taxonomy.relations
    )
    taxonomy = catalog.taxonomy.model_copy(update={"axes": axes, "relations": kinds})
    venues = {
        id_: v.model_copy(
            update={"name": next(texts), "full": both(None), "publisher": next(texts)}
        )
        for id_, v in catalog.venues.items()
    }
    survey = catalog.survey.model_copy(
        update={
            "title": both(None),
            "short_title": both(None),
            "tagline": both(None),
            "introduction": (both(None), both(None)),
        }
    )
    cards = {
        id_: c.model_copy(
            update={
                "name": next(texts),
                "question": both(None),
                "summary": both(None),
                "command": next(texts),
            }
        )
        for id_, c in catalog.cards.items()
    }
    return dataclasses.replace(
        catalog,
        survey=survey,
        taxonomy=taxonomy,
        venues=venues,
        cards=cards,
        papers=tuple(paper(p) for p in catalog.papers),
    )


@pytest.fixture(scope="module")
def hostile(catalog, build_site, tmp_path_factory):
    """A site of the spoiled catalog in both languages."""
    home = tmp_path_factory.mktemp("hostile")
    return build_site(spoiled(catalog), home)


def test_no_element_attribute_or_address_comes_out_of_a_text(hostile):
    for path in Path(hostile).rglob("*.html"):
        document = LexborHTMLParser(path.read_text("utf-8"))
        for node in document.css("*"):
            for name, value in node.attributes.items():
                assert not name.startswith("on"), f"{path}: {name}={value}"
                if name in ("href", "src", "action"):
                    assert not (value or "").strip().lower().startswith("javascript")
        for script in document.css("script:not([src])"):
            if script.attributes.get("type") == "application/ld+json":
                json.loads(script.text())
            else:
                assert "pwned" not in script.text(), path
        assert not document.css("img"), path


def test_templates_in_a_text_are_not_evaluated(hostile):
    for path in Path(hostile).rglob("papers/*/index.html"):
        text = path.read_text("utf-8")
        assert ">49" not in text
    assert any(
        "{{ 7 * 7 }}" in p.read_text("utf-8") for p in Path(hostile).rglob("*.html")
    )


@pytest.mark.browser
def test_nothing_runs_in_a_browser(hostile, visit, serve, catalog):
    paths = ["", "papers/", "lifecycle/", "terms/", "years/", "venues/"]
    paths += [f"papers/{p.id}/" for p in catalog.papers[:3]]
    paths += ["terms/threat/backdoor/", f"venues/{catalog.papers[0].venue}/"]
    with serve(hostile) as address:
        page = visit("", address=address)
        for lang in ("", "zh/"):
            for path in paths:
                page.goto(f"{address}{lang}{path}")
                for link in page.locator("article a:visible").all()[:5]:
                    link.hover()
                    link.focus()
                assert page.evaluate("window.pwned") is None, lang + path
        page = visit("", address=address)
        page.keyboard.press("/")
        page.locator(".sk-finder input").fill("raw")
        page.locator(".sk-hit").first.wait_for()
        page.keyboard.press("ArrowDown")
        page.wait_for_timeout(300)
        assert page.evaluate("window.pwned") is None
        page = visit(
            "papers/?find=%3Cscript%3E&threat=%22%3E%3Cimg src=x onerror=window.pwned=1%3E",
            address=address,
        )
        page.wait_for_timeout(200)
        assert page.evaluate("window.pwned") is None
