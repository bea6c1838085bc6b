from __future__ import annotations

import json

from surveykit.render.csl import csl_json, item


def test_a_conference_paper_as_a_csl_item(catalog):
    assert item(catalog.get("rodriguez2021planting"), catalog) == {
        "id": "rodriguez2021planting",
        "type": "paper-conference",
        "title": "Planting BadSeeds: Backdoors in CLIP-like Encoders",
        "author": [
            {"family": "Rodríguez", "given": "Ricardo J."},
            {
                "family": "Maaten-Test",
                "given": "Laurens",
                "non-dropping-particle": "van der",
            },
            {"literal": "Invented Research Team"},
        ],
        "issued": {"date-parts": [[2021, 6]]},
        "container-title": (
            "Proceedings of the IEEE/CVF Conference on Computer Vision and "
            "Pattern Recognition"
        ),
        "page": "1201-1210",
        "publisher": "IEEE",
        "archive": "arXiv",
        "archive_location": "2103.00001",
        "DOI": "10.5555/CVPR.2021.00123",
        "URL": "https://doi.org/10.5555/CVPR.2021.00123",
    }


def test_a_preprint_has_its_number_and_its_server(catalog):
    read = item(catalog.get("chen2025breaking"), catalog)
    assert (read["type"], read["publisher"], read["number"]) == (
        "article",
        "arXiv",
        "arXiv:2501.00777",
    )
    assert "container-title" not in read


STRAIGHT = str.maketrans("‘’“”\u202f", "''\"\" ")


def whole(name: dict[str, str]) -> str:
    keys = ("given", "dropping-particle", "non-dropping-particle", "family", "suffix")
    return " ".join(name[key] for key in (*keys, "literal") if key in name)


def test_pandoc_reads_the_items_back_unchanged(any_catalog, pandoc):
    text = csl_json(any_catalog.papers, any_catalog)
    read = pandoc(text, "csljson")
    for sent, got in zip(json.loads(text), read, strict=True):
        # pandoc curls quotes, narrows the blank before "!", finds particles itself and adds a short title
        for item_ in (sent, got):
            item_["title"] = item_["title"].translate(STRAIGHT)
            item_["author"] = [
                whole(name).translate(STRAIGHT) for name in item_["author"]
            ]
        assert {key: got.get(key) for key in sent} == sent
