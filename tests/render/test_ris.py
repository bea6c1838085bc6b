from __future__ import annotations

import re

from surveykit.render.ris import ris

LINE = re.compile(r"([A-Z][A-Z0-9])  - (.*)")


def records(text: str) -> list[dict[str, list[str]]]:
    """Records of a RIS file, read strictly: every line a tag, every TY its ER."""
    found: list[dict[str, list[str]]] = []
    inside = False
    for line in text.split("\n")[:-1]:
        if not inside and not line:
            continue
        tag, value = LINE.fullmatch(line).groups()
        assert inside != (tag == "TY"), line
        if tag == "TY":
            found.append({})
        inside = tag != "ER"
        found[-1].setdefault(tag, []).append(value)
    assert not inside
    return found


def test_a_journal_article_as_a_record(catalog):
    paper = catalog.get("muller2024journal")
    assert ris([paper], catalog) == (
        "TY  - JOUR\n"
        "ID  - muller2024journal\n"
        "TI  - Guarding Encoders: A Long Journal Study of Backdoor Scanning\n"
        "AU  - Müller, Jürgen\n"
        "AU  - Öztürk, Aslı\n"
        "AU  - Țepeș, Ștefan\n"
        "PY  - 2024\n"
        "DA  - 2024/03//\n"
        "JO  - IEEE Transactions on Information Forensics and Security\n"
        "VL  - 19\n"
        "IS  - 4\n"
        "SP  - 2101\n"
        "EP  - 2115\n"
        "PB  - IEEE\n"
        "DO  - 10.5555/TIFS.2024.3351234\n"
        "UR  - https://doi.org/10.5555/TIFS.2024.3351234\n"
        "ER  - \n"
    )


def test_particles_suffixes_and_groups(catalog):
    (first, second) = records(
        ris(
            [catalog.get("rodriguez2021planting"), catalog.get("oconnor2022universal")],
            catalog,
        )
    )
    assert first["AU"][1:] == [
        "van der Maaten-Test, Laurens",
        "Invented Research Team,",
    ]
    assert second["AU"] == ["O'Connor, Seán", "Li, Wei, Jr."]


def test_a_strict_reader_gets_every_entry_back(any_catalog):
    read = records(ris(any_catalog.papers, any_catalog))
    for paper, record in zip(any_catalog.papers, read, strict=True):
        assert record["ID"] == [paper.id]
        assert record["TI"] == [paper.title.en]
        assert len(record["AU"]) == len(paper.authors)
        assert record["PY"] == [str(paper.year)]
        assert record.get("DO", [None]) == [paper.identifiers.doi]
        assert record["UR"] == [paper.links.paper]


def test_pandoc_gets_every_entry_back(any_catalog, pandoc):
    items = pandoc(ris(any_catalog.papers, any_catalog), "ris")
    for paper, item in zip(any_catalog.papers, items, strict=True):
        assert item["title"].replace("’", "'") == paper.title.en.replace("’", "'")
        assert item["issued"]["date-parts"][0][0] == paper.year
        assert item.get("DOI") == paper.identifiers.doi
        assert len(item["author"]) == len(paper.authors)
        for author, name in zip(paper.authors, item["author"], strict=True):
            family = author.family or author.literal
            assert family in (name.get("family", ""), name.get("literal", ""))
