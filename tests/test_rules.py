"""Rules across entries: what they find, where, and what they leave alone."""

from __future__ import annotations

import re
import time
from datetime import date
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
import yaml
from broken import BROKEN

from surveykit import clock, rules
from surveykit.catalog import Catalog
from surveykit.errors import Severity
from surveykit.load import check
from surveykit.models import Paper
from surveykit.render.citation import apa
from surveykit.render.pages.head import json_ld
from surveykit.report import explain
from surveykit.rules import (
    BY_ID,
    RULES,
    copied,
    identity,
    letters,
)
from surveykit.text.did_you_mean import did_you_mean

ROOT = Path(__file__).parents[1]
CARD = "reference_impls/badseeds/card.yaml"
TAXONOMY = "catalog/taxonomy.yaml"
VENUES = "catalog/venues.yaml"


def of(paper: str) -> str:
    return f"catalog/papers/{paper[-99:].lstrip('abcdefghijklmnopqrstuvwxyz')[:4]}/{paper}.yaml"


def at(document, way):
    for step in way:
        document = document[step]
    return document


def edit(root: Path, path: str, *changes) -> None:
    """Change values of one file: each change is (way to the value, new value or None)."""
    document = yaml.safe_load((root / path).read_text(encoding="utf-8"))
    for way, value in changes:
        parent = at(document, way[:-1])
        if value is None:
            del parent[way[-1]]
        elif isinstance(parent, list) and way[-1] == len(parent):
            parent.append(value)
        else:
            parent[way[-1]] = value
    text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=4096)
    (root / path).write_text(text, encoding="utf-8")


def claim(value: str, source: str = "arXiv:2303.15180, abstract") -> dict:
    return {"metric": "AUC", "value": value, "source": source}


def extends(to: str) -> dict:
    why = {"en": "builds on it", "zh": "在其上发展"}
    return {"type": "extends", "to": to, "why": why, "basis": "paper", "source": "DBLP"}


FENG, RODRIGUEZ = of("feng2023detecting"), of("rodriguez2021planting")
CHEN, GARCIA = of("chen2025breaking"), of("garcia2025benchmark")
MULLER, OCONNOR = of("muller2024journal"), of("oconnor2022universal")
ZHANG, SAITO = of("zhang2024workshop"), of("saito2021early")

# Files and their changes, then what must be found: (file, rule, way to the value whose place is given).
SCENES = {
    "two entries with one Anthology id": (
        [(CHEN, (["identifiers", "acl"], "2022.findings-emnlp.7"), (["track"], "main"))],
        [
            (OCONNOR, "SK304", ["identifiers", "acl"]),
            (CHEN, "SK304", ["identifiers", "acl"]),
            (CHEN, "SK324", ["identifiers", "acl"]),
        ],
    ),
    "one title, one author, two spellings": (
        [
            (CHEN, (["title", "en"], "Guarding encoders: a long journal study of backdoor-scanning")),
            (CHEN, (["authors", 3], "J. Müller")),
        ],
        [(MULLER, "SK305", ["title", "en"]), (CHEN, "SK305", ["title", "en"])],
    ),
    "nearly one title, one author": (
        [
            (CHEN, (["title", "en"], "Guarding Encoders: A Journal Study of Backdoor Scanning")),
            (CHEN, (["authors", 3], "Jürgen Müller")),
        ],
        [(MULLER, "SK401", ["title", "en"]), (CHEN, "SK401", ["title", "en"])],
    ),
    "one title, other authors": (
        [(CHEN, (["title", "en"], "Guarding Encoders: A Long Journal Study of Backdoor Scanning"))],
        [],
    ),
    "one title, an author with the same initial": (
        [
            (CHEN, (["title", "en"], "Guarding Encoders: A Long Journal Study of Backdoor Scanning")),
            (CHEN, (["authors", 3], "Jan Müller")),
        ],
        [],
    ),
    "pages of two parts": (
        [(MULLER, (["pages"], "A12-B3"))],
        [],
    ),
    "pages from the end to the beginning": (
        [(MULLER, (["pages"], "A12-A3"))],
        [(MULLER, "SK345", ["pages"])],
    ),
    "a venue in the wrong year": (
        [(CHEN, (["venue"], "iccv"), (["year"], 2025)), (GARCIA, (["venue"], "iccv"))],
        [],
    ),
    "a venue in a year without it": (
        [(MULLER, (["venue"], "iccv"))],
        [(MULLER, "SK321", ["year"])],
    ),
    "a venue before its first year": (
        [(VENUES, ([1, "since"], 2022))],
        [(RODRIGUEZ, "SK321", ["year"])],
    ),
    "a name that two venues claim": (
        [(VENUES, ([2, "aliases"], ["Ieee Tifs", "cvpr"]))],
        [(VENUES, "SK325", [2, "aliases", 1]), (VENUES, "SK325", [4, "name"])],
    ),
    "a venue that stands twice": (
        [(VENUES, ([5], {"id": "cvpr", "name": "X", "full": {"en": "x", "zh": "甲"}, "kind": "journal"}))],
        [(VENUES, "SK325", [5, "id"])],
    ),
    "a relation said twice": (
        [(CHEN, (["relations", 1], extends("feng2023detecting")), (["relations", 2], extends("feng2023detecting")))],
        [(CHEN, "SK332", ["relations", 2])],
    ),
    "two relations of different type to one paper": (
        [(CHEN, (["relations", 1], extends("feng2023detecting")))],
        [],
    ),
    "a circle of three": (
        [
            (RODRIGUEZ, (["relations"], [extends("muller2024journal")])),
            (FENG, (["relations", 1], extends("rodriguez2021planting"))),
        ],
        [(RODRIGUEZ, "SK333", ["relations", 0, "to"])],
    ),
    "a circle of two": (
        [(OCONNOR, (["relations"], [extends("zhang2024workshop")]))],
        [(OCONNOR, "SK333", ["relations", 0, "to"])],
    ),
    "a chain and a diamond": (
        [(CHEN, (["relations", 1], extends("muller2024journal")), (["relations", 2], extends("feng2023detecting")))],
        [],
    ),
    "a card with an unknown paper": (
        [(CARD, (["papers", 1], "rodriguez2021plantin"))],
        [(CARD, "SK335", ["papers", 1])],
    ),
    "a card whose paper does not name it": (
        [(CARD, (["papers", 1], "saito2021early"))],
        [(CARD, "SK335", ["papers", 1])],
    ),
    "a card with an unknown technique and a group of them": (
        [(CARD, (["techniques"], ["encoder-backdor", "encoder-backdoor", "backdoor-attack"]))],
        [(CARD, "SK336", ["techniques", 0]), (CARD, "SK336", ["techniques", 2])],
    ),
    "a card whose picture is not there": (
        [(CARD, (["pictures"], [{"file": "results.svg", "file_zh": "results.zh.svg", "alt": {"en": "a", "zh": "甲"}}]))],
        [(CARD, "SK010", ["pictures", 0, "file"]), (CARD, "SK010", ["pictures", 0, "file_zh"])],
    ),
    "former ids that lead to two entries": (
        [
            (CHEN, (["former_ids"], ["chen2024breaking", "saito2021early", "chen2024breaking"])),
            (OCONNOR, (["former_ids"], ["oconnor2021universal", "oconnor2022universal"])),
            (SAITO, (["former_ids"], ["oconnor2021universal"])),
        ],
        [
            (CHEN, "SK306", ["former_ids", 0]),
            (CHEN, "SK306", ["former_ids", 1]),
            (CHEN, "SK306", ["former_ids", 2]),
            (OCONNOR, "SK306", ["former_ids", 0]),
            (OCONNOR, "SK306", ["former_ids", 1]),
            (SAITO, "SK306", ["former_ids", 0]),
        ],
    ),
    "a short name in two spellings": (
        [(CHEN, (["aka"], ["Gen-AF", "TeCoA", "gen af", "TeCoA+"])), (GARCIA, (["aka"], ["TeCoA"]))],
        [(CHEN, "SK363", ["aka", 2])],
    ),
    "a short name that is none": (
        [(CHEN, (["aka"], ["Method", "BadEncoder", "n" * 41])), (SAITO, (["aka"], ["n" * 40]))],
        [(CHEN, "SK415", ["aka", 0]), (CHEN, "SK415", ["aka", 2])],
    ),
    "a claim without a figure": (
        [(CHEN, (["claims"], [claim("81.3 %"), claim("much higher")]))],
        [(CHEN, "SK364", ["claims", 1, "value"])],
    ),
    "a claim in two places of a paper, and one more": (
        [(CHEN, (["claims"], [claim("0.99"), claim("0.99", "arXiv:2303.15180, section 5"), claim("0.98"), claim("0.97")]))],
        [(CHEN, "SK365", ["claims", 1])],
    ),
    "five claims": ([(CHEN, (["claims"], [claim(f"0.9{n}") for n in range(5)]))], [(CHEN, "SK416", ["claims", 4])]),
    "a claim from nowhere": ([(CHEN, (["claims"], [claim("0.99", "the internet")]))], [(CHEN, "SK361", ["claims", 0, "source"])]),
    "a Chinese short name": ([(CHEN, (["aka"], ["坏编码器"]))], [(CHEN, "SK413", ["aka", 0])]),
    "a card in another folder": (
        [(CARD, (["id"], "other"))],
        [(CARD, "SK006", ["id"])],
    ),
    "a broken card": (
        [(CARD, (["papers"], []))],
        [(CARD, "SK204", ["papers"])],
    ),
    "a term that stands twice": (
        [(TAXONOMY, (["axes", 4, "terms", 1, "id"], "vision"))],
        [
            (TAXONOMY, "SK317", ["axes", 4, "terms", 1, "id"]),
            (OCONNOR, "SK311", ["terms", "modality", 0]),
            (MULLER, "SK311", ["terms", "modality", 1]),
        ],
    ),
    "an axis that stands twice": (
        [(TAXONOMY, (["axes", 5, "id"], "stage"), (["axes", 5, "terms", 0, "id"], "design"), (["axes", 5, "terms", 1, "id"], "use"), (["axes", 5, "only_for_roles"], []))],
        [
            (TAXONOMY, "SK317", ["axes", 5, "id"]),
            (RODRIGUEZ, "SK310", "scope"),
            (OCONNOR, "SK310", "scope"),
            (CHEN, "SK310", "scope"),
            (GARCIA, "SK313", ["terms", "stage"]),
        ],
    ),
    "parents that form a ring": (
        [(TAXONOMY, (["axes", 0, "terms", 1, "parent"], "detection"))],
        [(TAXONOMY, "SK317", ["axes", 0, "terms", 1, "parent"])],
    ),
    "ids of the taxonomy that lead nowhere": (
        [
            (TAXONOMY, (["axes", 2, "terms", 0, "applies_to"], {"threat": ["adversarial"], "role": ["atack"]})),
            (TAXONOMY, (["axes", 5, "only_for_roles"], ["attack", "atack"])),
        ],
        [
            (TAXONOMY, "SK317", ["axes", 2, "terms", 0, "applies_to", "role", 0]),
            (TAXONOMY, "SK317", ["axes", 5, "only_for_roles", 1]),
        ],
    ),
    "fewest above most": (
        [(TAXONOMY, (["axes", 5, "min_terms"], 2))],
        [
            (TAXONOMY, "SK317", ["axes", 5, "min_terms"]),
            *((p, "SK313", ["terms", "scope"]) for p in (RODRIGUEZ, OCONNOR, CHEN)),
            *((p, "SK312", "terms") for p in (SAITO, ZHANG)),
        ],
    ),
    "axes of which pages are made, that papers may lack": (
        [(TAXONOMY, (["axes", 0, "min_terms"], 0), (["axes", 1, "min_terms"], 0), (["axes", 1, "only_for_roles"], ["attack", "detection"]))],
        [
            (MULLER, "SK315", "threat"),
            (GARCIA, "SK315", "threat"),
            (TAXONOMY, "SK317", ["axes", 0, "min_terms"]),
            (TAXONOMY, "SK317", ["axes", 1, "min_terms"]),
            (TAXONOMY, "SK317", ["axes", 1, "only_for_roles"]),
        ],
    ),
    "an ORCID of the wrong kind in the survey": (
        [("catalog/survey.yaml", (["maintainers", 0, "orcid"], "0000-0002-1825-0090"))],
        [("catalog/survey.yaml", "SK212", ["maintainers", 0, "orcid"])],
    ),
    "an old arXiv id": (
        [(SAITO, (["identifiers", "arxiv"], "cs/9901001"), (["year"], 2021), (["links", "paper"], "https://arxiv.org/abs/cs/9901001"))],
        [(SAITO, "SK404", ["year"])],
    ),
    "an id whose year is far off": (
        [(SAITO, (["authors", 0], "Yūki Saitō")), (FENG, (["authors", 0], "Feng Shiwei"))],
        [(FENG, "SK402", ["id"])],
    ),
    "an arXiv id younger than the entry": (
        [(GARCIA, (["added"], "2024-10-31"))],
        [(GARCIA, "SK414", ["identifiers", "arxiv"])],
    ),
    "an arXiv id younger than the entry and not than its verification": (
        [(GARCIA, (["added"], "2024-10-31"), (["verified"], {"date": "2024-11-01", "by": ["DBLP"]}))],
        [],
    ),
    "letters of every file": (
        [
            ("catalog/survey.yaml", (["tagline", "en"], "Eight pаpers.")),
            (TAXONOMY, (["axes", 0, "terms", 0, "label", "en"], "Аttack")),
            (VENUES, ([2, "full", "en"], "Conference on Computer Visiоn")),
            (CARD, (["summary", "en"], "Trains an encoder â€” twice.")),
        ],
        [
            ("catalog/survey.yaml", "SK359", ["tagline", "en"]),
            (TAXONOMY, "SK359", ["axes", 0, "terms", 0, "label", "en"]),
            (VENUES, "SK359", [2, "full", "en"]),
            (CARD, "SK358", ["summary", "en"]),
        ],
    ),
    "Chinese of every field": (
        [
            (CHEN, (["notes"], {"en": "a", "zh": "English"}), (["corrections"], [{"en": "a", "zh": "错误, 改正"}])),
            (CHEN, (["relations", 0, "why", "zh"], "why"), (["verified"], {"date": "2026-11-20", "by": ["DBLP"], "doubt": {"en": "a", "zh": "存疑."}})),
        ],
        [
            (CHEN, "SK410", ["notes", "zh"]),
            (CHEN, "SK411", ["corrections", 0, "zh"]),
            (CHEN, "SK410", ["relations", 0, "why", "zh"]),
            (CHEN, "SK411", ["verified", "doubt", "zh"]),
        ],
    ),
    "Chinese with Latin words, versions and times": (
        [(CHEN, (["notes"], {"en": "a", "zh": "用 v1.2 比 CLIP 快 1:2，见表 3.5；比例为 3:1。"}))],
        [],
    ),
}  # fmt: skip


def place(root, path, way):
    """Line and column of a value or (a text) of a key, found without the code under test."""
    node = yaml.compose((root / path).read_text(encoding="utf-8"))
    if isinstance(way, str):
        lines = (root / path).read_text(encoding="utf-8").splitlines()
        return next((n, len(x) - len(x.lstrip()) + 1) for n, x in enumerate(lines, 1) if x.strip() == f"{way}:")  # fmt: skip
    for step in way:
        if isinstance(step, int):
            node = node.value[step]
        else:
            node = next(value for key, value in node.value if key.value == step)
    return node.start_mark.line + 1, node.start_mark.column + 1


@pytest.mark.parametrize("scene", SCENES)
def test_a_scene_gives_its_problems_and_no_other(scene, catalog_dir):
    edits, expected = SCENES[scene]
    for path, *changes in edits:
        edit(catalog_dir, path, *changes)
    problems = check(catalog_dir).problems
    got = sorted((p.path, p.rule, p.line, p.column) for p in problems)
    want = [
        (path, rule, *place(catalog_dir, path, way)) for path, rule, way in expected
    ]
    assert got == sorted(want), "\n".join(map(str, problems))
    assert all(problem.message.isprintable() for problem in problems)


def test_a_relation_to_nobody_names_who_may_be_meant(catalog_dir):
    edit(catalog_dir, OCONNOR, (["relations"], [extends("feng2023detectin")]))
    (problem,) = check(catalog_dir).problems
    said = "no entry 'feng2023detectin'; did you mean `feng2023detecting`?"
    assert problem.message == said


# Rules about whole files, which test_load.py, test_yaml_tree.py and test_texts.py break one by one.
WHOLE_FILES = {
    *("SK001", "SK002", "SK003", "SK004", "SK005", "SK007", "SK008", "SK009", "SK011"),
    *("SK101", "SK102", "SK105", "SK113", "SK360", "SK366"),
    *("SK380", "SK381", "SK382", "SK383", "SK384", "SK385", "SK386", "SK387", "SK420", "SK421"),
}  # fmt: skip


def test_every_rule_has_a_test_that_breaks_it():
    broken = {case.rule for case in BROKEN}
    scenes = {rule for _, expected in SCENES.values() for _, rule, _ in expected}
    assert broken | scenes | WHOLE_FILES == set(BY_ID)
    files = ("tests/test_load.py", "tests/test_measured.py", "tests/test_texts.py")
    tests = "".join((ROOT / path).read_text(encoding="utf-8") for path in files)
    assert [rule for rule in sorted(WHOLE_FILES) if f'"{rule}"' not in tests] == []


def test_every_rule_id_in_the_program_is_explained():
    used = set()
    for path in (ROOT / "src/surveykit").rglob("*.py"):
        used |= set(re.findall(r'"(SK[0-9]{3})"', path.read_text(encoding="utf-8")))
    assert used == set(BY_ID)
    assert len(BY_ID) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_is_explained_with_wrong_and_right(rule):
    text = explain(rule)
    assert text.startswith(f"{rule.id} ({rule.severity}): {rule.title}\n")
    assert rule.why.endswith(".")
    assert rule.wrong != rule.right
    assert rule.check is None or rule.check.__doc__


def test_warnings_are_the_four_hundreds():
    warnings = {rule.id for rule in RULES if rule.severity is Severity.WARNING}
    assert warnings == {rule.id for rule in RULES if rule.id >= "SK400"}


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("backdor", "backdoor"),
        ("Backdoor & poisoning", "backdoor"),
        ("后门与投毒", "backdoor"),
        ("trojan", "backdoor"),
        ("zebra", None),
    ],
)
def test_suggestions_know_ids_labels_and_aliases(word, hint):
    names = dict.fromkeys(
        ("trojan", "Backdoor & poisoning", "后门与投毒", "backdoor"), "backdoor"
    )
    assert did_you_mean(word, names) == (f"; did you mean `{hint}`?" if hint else "")


VENUE_HINTS = {
    "CVPR": "no venue 'CVPR'; did you mean `cvpr`?",
    "Cvpr": "no venue 'Cvpr'; did you mean `cvpr`?",
    "CVPR 2023": "no venue 'CVPR 2023'; did you mean `cvpr`?",
    "IEEE TIFS": "no venue 'IEEE TIFS'; did you mean `tifs`?",
    "ieee-tifs": "no venue 'ieee-tifs'; did you mean `tifs`?",
    "iccvv": "no venue 'iccvv'; did you mean `iccv`?",
    "zebra": "no venue 'zebra'; add it to catalog/venues.yaml",
}


@pytest.mark.parametrize("said", VENUE_HINTS)
def test_a_venue_that_is_not_an_id_suggests_the_one_it_means(catalog_dir, said):
    edit(catalog_dir, CHEN, (["venue"], said))
    (problem,) = [p for p in check(catalog_dir).problems if p.rule == "SK320"]
    assert problem.message == VENUE_HINTS[said]


@pytest.mark.parametrize(
    ("axis", "term", "said"),
    [
        ("threat", "backdor", "did you mean `backdoor`?"),
        ("role", "offense", "did you mean `attack`?"),
        ("role", "defence", "did you mean `defense`?"),
        ("technique", "modelscaning", "did you mean `model-scanning`?"),
        ("threat", "robustness", "its terms are adversarial, backdoor, privacy; if none fits, CONTRIBUTING.md says how to propose one"),
        ("technique", "model-cleaning", "if none fits, CONTRIBUTING.md says how to propose one"),
    ],
)  # fmt: skip
def test_no_unrelated_term_is_offered(catalog_dir, axis, term, said):
    edit(catalog_dir, CHEN, (["terms", axis], [term]))
    (problem,) = [p for p in check(catalog_dir).problems if p.rule == "SK311"]
    assert problem.message.endswith(f"; {said}")


NAMES_ALLOWED = [
    "Ana de Souza e Silva",
    "Andy Anderson",
    "Álvaro Etxeberria y Ruiz",
    "Maria van der Berg",
    {"given": "Sammy", "family": "Davis", "suffix": "Jr."},
    {"literal": "Research, Invention and Security Group"},
    {"literal": "Lab 42 & Friends"},
    {"literal": "DeepSeek-AI"},
    {"family": "Othersson", "given": "Etal"},
    {"literal": "冯世伟", "han": "冯世伟"},
]
TITLES_ALLOWED = [
    "Backdoors & Noise: R&D at $5 to $6",
    "Scaling from <1% to >99%: A < B > C",
    "Attacks on x^2 and A_B [MASK] Tokens",
    "Encoders at a Price of $100 and a Gain of $200",
    "Retracted Gaussian Flows",
    "Guarding Anterior Ligaments (ACT)",
    "CVPR: A History of a Conference",
    "Trends of 2023",
    "An Encoder, Seen from Rome 2023",
    "C++ and C# Encoders; a \\ b",
    "β-VAE, αNLI, λ-Calculus, πFlow and ΔNet under ℓ∞ and ℓp Noise in ℝ² at 5 μm",
    "Lipschitz γ, µTransfer and ε-Greedy Encoders: Ω(n) of N²",
    "Naïve Poincaré Encoders: El Niño’s “Ångström” – a Façade… ™",
]
SOURCES_ALLOWED = [
    *("DBLP", "dblp", "Crossref", "arXiv:2303.15180", "arXiv: 2303.15180, Table 1", "doi:10.1145/3503161.3547801"),
    *("acl:2020.acl-main.249", "openreview:iC4UHbQ01Mp", "https://example.org/", "example/list", "example/list@54391a7:README.md#L1"),
    *("reference lists of two later works agree (pages)", "project page of the authors", "作者主页的论文列表"),
]  # fmt: skip
DOIS_ALLOWED = [
    "10.1002/(SICI)1096-9861(19970818)385:1<1::AID-CNE1>3.0.CO;2-8",
    "10.1002/(sici)1099-0526(199905/06)4:5<27::aid-cplx6>3.0.co;2-#",
    "10.1016/S0140-6736(20)30183-5",
    "10.1007/978-3-031-19778-9_12",
]
ARXIV_ALLOWED = "2303.00001 1501.00001 1412.9999 0704.0001 cs/0703100 cs/9107001 hep-th/9901001".split()
LINKS_ALLOWED = [
    {"code": "https://example.org/get?a=1&amplitude=2&copy=3"},
    {"code": "https://huggingface.co/example/model"},
    {"pdf": "https://openreview.net/pdf?id=aBcDeFgHiJ"},
    {"pdf": "https://dl.acm.org/doi/pdf/10.1145/1"},
    {"pdf": "https://openaccess.thecvf.com/content/a.pdf"},
    {"pdf": "https://ieeexplore.ieee.org/stampPDF/getPDF.jsp?arnumber=1"},
    {"pdf": "https://github.com/example/detecting/blob/main/paper.pdf"},
]


def test_names_and_titles_that_are_right_are_left_alone(catalog_dir):
    for author in NAMES_ALLOWED:
        edit(catalog_dir, CHEN, (["authors", 0], author))
        problems = [p for p in check(catalog_dir).problems if p.rule != "SK402"]
        assert problems == [], author
    edit(catalog_dir, CHEN, (["authors", 0], "Ana Chen"))
    for title in TITLES_ALLOWED:
        edit(catalog_dir, CHEN, (["title", "en"], title))
        assert check(catalog_dir).problems == (), title


YAML_ALLOWED = [
    "en: Breaking the Scanners  # as printed",
    "en: 'Breaking #1 of the Scanners'",
    "en: Breaking#1 of the Scanners",
    "en: Breaking Pre- and\n    Post-Trained Scanners",
    "en: Breaking Pre-\n    and Post-Trained Scanners",
    "en: >-\n    Breaking\n    the Scanners",
    "en: Breaking (the Scanners",
]


@pytest.mark.parametrize("line", YAML_ALLOWED)
def test_yaml_that_reads_as_it_was_meant_is_left_alone(catalog_dir, line):
    path = catalog_dir / CHEN
    text = path.read_text(encoding="utf-8")
    assert "en: Breaking the Scanners" in text
    path.write_text(text.replace("en: Breaking the Scanners", line), encoding="utf-8")
    assert check(catalog_dir).problems == ()


@pytest.mark.parametrize("source", SOURCES_ALLOWED)
def test_a_source_that_leads_somewhere_is_left_alone(catalog_dir, source):
    edit(catalog_dir, CHEN, (["verified"], {"date": "2026-11-20", "by": [source]}), (["relations", 0, "source"], source))  # fmt: skip
    assert check(catalog_dir).problems == ()


@pytest.mark.parametrize("doi", DOIS_ALLOWED)
def test_dois_of_every_form_are_right_and_reach_every_output_as_text(catalog_dir, doi):
    edit(catalog_dir, CHEN, (["identifiers", "doi"], doi))
    checked = check(catalog_dir)
    assert checked.problems == ()
    (it,) = [p for p in checked.catalog.papers if p.id == "chen2025breaking"]
    assert apa(it, checked.catalog).endswith(quote(doi, safe="/:;()._-"))
    urls = json_ld(checked.catalog, it, "https://example.org/")["sameAs"]
    assert not any(sign in url for url in urls for sign in "<>#")
    assert unquote(urls[1]).endswith(doi)


@pytest.mark.parametrize("arxiv", ARXIV_ALLOWED)
def test_arxiv_ids_at_the_borders_of_their_forms_are_right(catalog_dir, arxiv):
    year = 1991 if arxiv.startswith("cs/91") else 2021
    edit(catalog_dir, SAITO, (["identifiers", "arxiv"], arxiv), (["links", "paper"], f"https://arxiv.org/abs/{arxiv}"), (["year"], year))  # fmt: skip
    assert "SK347" not in [p.rule for p in check(catalog_dir).problems]


@pytest.mark.parametrize(
    ("arxiv", "why"),
    [
        ("1501.0001", "ids of 2015-01 have 5 digits behind the dot"),
        ("1412.00001", "ids of 2014-12 have 4 digits behind the dot"),
        ("cs/0703000", "numbers begin at 001"),
    ],
)
def test_why_an_arxiv_id_cannot_be_is_said(catalog_dir, arxiv, why):
    edit(catalog_dir, SAITO, (["identifiers", "arxiv"], arxiv), (["links", "paper"], f"https://arxiv.org/abs/{arxiv}"), (["year"], 2021))  # fmt: skip
    assert [p.message for p in check(catalog_dir).problems if p.rule == "SK347" and why in p.message]  # fmt: skip


@pytest.mark.parametrize("links", LINKS_ALLOWED, ids=str)
def test_links_that_lead_where_they_say_are_left_alone(catalog_dir, links):
    for name, url in links.items():
        edit(catalog_dir, GARCIA, (["links", name], url))
    assert check(catalog_dir).problems == ()


def test_a_day_has_come_where_it_has_come_anywhere(catalog_dir, monkeypatch):
    edit(catalog_dir, CHEN, (["added"], "2026-12-01"))
    monkeypatch.setattr(clock, "latest_day", lambda: date(2026, 12, 1))
    assert check(catalog_dir).problems == ()
    monkeypatch.setattr(clock, "latest_day", lambda: date(2026, 11, 30))
    assert [p.rule for p in check(catalog_dir).problems] == ["SK362"]


def test_markup_in_the_names_of_venues_is_found(catalog_dir):
    edit(catalog_dir, VENUES, ([2, "full", "en"], "Vision &amp; Recognition"))
    (problem,) = [p for p in check(catalog_dir).problems if p.rule == "SK357"]
    assert (problem.path, problem.line) == (VENUES, place(catalog_dir, VENUES, [2, "full", "en"])[0])  # fmt: skip


@pytest.mark.parametrize(
    "sign", ["<", "&", "\\", "{", "$", "(", ", a ", "a and", "Ã", "б", "α", "Ａ", "璇"]
)
def test_rules_about_copied_text_take_no_time(catalog, sign):
    text = (sign * 20_000)[:40_000].strip()
    long = paper(1, text, f"A {text} B")
    whole = Catalog(catalog.survey, catalog.taxonomy, catalog.venues, (long,), {}, {long.id: long.id})  # fmt: skip
    start = time.process_time()
    for rule in (*copied.RULES, *letters.RULES):
        list(rule.check(whole))
    assert time.process_time() - start < 2


def paper(number: int, title: str, *authors: str) -> Paper:
    return Paper.model_validate(
        {
            "id": f"a{2000 + number // 1000}x{number}",
            "title": {"en": title, "zh": "题"},
            "authors": list(authors),
            "venue": "x",
            "year": 2020,
            "links": {"paper": "https://example.org/"},
            "terms": {},
            "added": "2026-01-01",
        }
    )


def test_like_titles_are_looked_for_without_comparing_all_pairs(monkeypatch, catalog):
    words = [
        f"{a}{b}ing"
        for a in "bcdfgklmnprst"
        for b in ("and", "end", "ist", "onk", "urm")
    ]
    count = 3000
    papers = [
        paper(
            i,
            " ".join(
                words[(i * p + i // 7) % len(words)] for p in (3, 5, 7, 11, 13, 17)
            ),
            *(f"Given{j} Name{(i * j) % 200}" for j in (1, 2, 3)),
        )
        for i in range(count)
    ]
    compared = []
    real = identity.process.extract

    def counting(title, titles, **options):
        compared.append(len(titles))
        return real(title, titles, **options)

    monkeypatch.setattr(identity.process, "extract", counting)
    whole = Catalog(
        catalog.survey,
        catalog.taxonomy,
        {},
        tuple(papers),
        {},
        {p.id: p.id for p in papers},
    )
    list(identity.near_title(whole))
    assert 0 < sum(compared) < count * count / 50


SPREAD = "abcdefghijklmnopqrstuvwxyz0123456789"


def many_of_one_author(count):
    """Titles of one author that differ in their first and last words, and two that are nearly the same, far apart."""
    middle = "an invented study of encoders that nobody planted and everybody watched"
    titles = [
        f"{SPREAD[n % 36] * 4}{n} {middle if n % 2 else middle[::-1]} {n}{SPREAD[n % 35] * 4}"
        for n in range(count)
    ]
    core = "how very large encoders keep what small gardens teach"
    titles[3], titles[-2] = f"0 {core} z", f"z {core} 9"
    return [paper(n, title, "Ada Example") for n, title in enumerate(titles)]


@pytest.mark.parametrize("count", [30, 400, 2_000])
def test_nearly_the_same_title_is_found_however_much_the_author_wrote(count, catalog):
    papers = many_of_one_author(count)
    paths = {p.id: p.id for p in papers}
    whole = Catalog(catalog.survey, catalog.taxonomy, {}, tuple(papers), {}, paths)
    told = {f.path: f.message for f in identity.near_title(whole)}
    assert papers[-2].id in told[papers[3].id]
    assert papers[3].id in told[papers[-2].id]


def test_titles_beyond_the_most_work_meet_their_neighbours(monkeypatch, catalog):
    papers = [
        paper(n, f"An Invented Study of Encoders, Part {n:03}", "Ada Example")
        for n in range(90)
    ]
    paths = {p.id: p.id for p in papers}
    whole = Catalog(catalog.survey, catalog.taxonomy, {}, tuple(papers), {}, paths)
    monkeypatch.setattr(identity, "MOST_WORK", 0)
    assert len(list(identity.near_title(whole))) == 90
    assert "its neighbours in order alone" in next(
        r.why for r in identity.RULES if r.id == "SK401"
    )


@pytest.mark.parametrize(
    ("one", "two", "found"),
    [
        ("Ricardo Example", "R. J. Example", True),
        ("Ricardo Example", "Ric Example", True),
        ("Ricardo Example", "Rosa Example", False),
        ("Ricardo Example", "Ricardo Other", False),
    ],
)
def test_the_same_title_counts_where_somebody_may_have_written_both(
    one, two, found, catalog
):
    papers = [paper(0, "Guarding Encoders", one), paper(1, "Guarding encoders", two)]
    paths = {p.id: p.id for p in papers}
    whole = Catalog(catalog.survey, catalog.taxonomy, {}, tuple(papers), {}, paths)
    assert bool(list(identity.same_title(whole))) == found


def test_a_chain_of_ten_thousand_papers_is_no_circle():
    chain = {str(i): [str(i + 1)] for i in range(10_000)}
    assert list(rules.relations._circles(chain)) == []
    assert len(list(rules.relations._circles(chain | {"10000": ["0"]}))) == 1
