"""Each address of the catalog once, with the place where it stands."""

from __future__ import annotations

from pathlib import Path

from surveykit.links.gather import LINK_KINDS, catalog_links, from_lines
from surveykit.load import load_catalog


def test_every_address_has_the_place_where_it_stands(catalog_dir):
    catalog = load_catalog(catalog_dir)
    links = catalog_links(catalog, catalog_dir)
    places = [place for link in links for place in link.places]
    assert (
        {"paper", "pdf", "code"} <= {place.kind for place in places} <= set(LINK_KINDS)
    )
    for place in places:
        line = (
            (catalog_dir / place.path)
            .read_text(encoding="utf-8")
            .splitlines()[place.line - 1]
        )
        assert line[place.column - 1 :].strip("'\"") == place.written
    assert len({link.url for link in links}) == len(links)


def test_entries_and_kinds_can_be_chosen(catalog_dir):
    catalog = load_catalog(catalog_dir)
    links = catalog_links(
        catalog, catalog_dir, ids={"muller2024journal"}, kinds={"code"}
    )
    assert [link.url for link in links] == ["https://github.com/example/guard"]


def test_a_doi_speaks_for_the_paper_and_an_arxiv_id_for_its_pdf(catalog_dir):
    catalog = load_catalog(catalog_dir)
    links = {
        p.kind: link
        for link in catalog_links(catalog, catalog_dir, ids={"rodriguez2021planting"})
        for p in link.places
    }
    assert (links["paper"].doi, links["paper"].arxiv) == (
        "10.5555/CVPR.2021.00123",
        "2103.00001",
    )
    assert (links["pdf"].doi, links["pdf"].arxiv) == (None, "2103.00001")
    assert (links["code"].doi, links["code"].arxiv) == (None, None)
    assert links["pdf"].pdf


def test_the_real_catalog_is_gathered_whole():
    root = Path(__file__).parents[2]
    catalog = load_catalog(root)
    places = [p for link in catalog_links(catalog, root) for p in link.places]
    typed = sum(
        len(paper.links.model_dump(exclude_none=True)) for paper in catalog.papers
    )
    assert sum(p.kind not in ("source", "survey") for p in places) == typed


def test_a_list_keeps_lines_and_columns():
    (link,) = from_lines(["# x", "", "  https://a.example/#f"], "list")
    assert (link.url, link.places[0].line, link.places[0].column) == (
        "https://a.example/",
        3,
        3,
    )


def test_addresses_that_only_hold_a_place_are_not_asked_for(catalog_dir):
    catalog = load_catalog(catalog_dir)
    links = catalog_links(catalog, catalog_dir, kinds={"survey"})
    assert [link.url for link in links] == [
        "https://example.github.io/invented-survey/"
    ]
    file = catalog_dir / "catalog/survey.yaml"
    text = file.read_text(encoding="utf-8").replace("example.github.io", "a.example")
    file.write_text(text, encoding="utf-8")
    assert not catalog_links(load_catalog(catalog_dir), catalog_dir, kinds={"survey"})
