"""What assistive programs are told: tables stay tables on a phone, where their parts are laid out as blocks."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

TABLES = {"": ".sk-map", "papers/": ".sk-papers", "matrix/": ".sk-pairs"}


def roles(page):
    """Role -> how often, in the tree that Chromium gives to screen readers."""
    client = page.context.new_cdp_session(page)
    told = {}
    for node in client.send("Accessibility.getFullAXTree")["nodes"]:
        role = node.get("role", {}).get("value")
        if not node.get("ignored"):
            told[role] = told.get(role, 0) + 1
    return told


@pytest.mark.parametrize("path", TABLES)
def test_a_table_is_a_table_on_a_phone_without_the_help_of_roles(visit, path):
    page = visit(path, width=390)
    table = page.locator(TABLES[path]).first
    assert table.locator("[role]:not(svg, span, div, ul)").count() == 0
    told = roles(page)
    assert told["table"] >= 1
    assert told["row"] >= 5
    assert told["cell"] >= 5
    assert told.get("rowheader", 0) >= 3


@pytest.mark.parametrize("path", ["papers/", "zh/papers/"])
def test_the_filters_are_folded_on_a_phone_before_anything_moves(visit, path):
    page = visit(path, width=390)
    assert not page.locator(".sk-facets__fold").evaluate("fold => fold.open")
    shift = page.evaluate(
        """() => new Promise(done => {
            let sum = 0;
            new PerformanceObserver(list => { for (const one of list.getEntries()) sum += one.value; })
                .observe({ type: "layout-shift", buffered: true });
            setTimeout(() => done(sum), 300);
        })"""
    )
    assert shift < 0.1
    wide = visit(path)
    assert wide.locator(".sk-facets__fold").evaluate("fold => fold.open")
