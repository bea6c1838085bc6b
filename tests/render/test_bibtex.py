from __future__ import annotations

import pytest

from surveykit.models import Author, Paper
from surveykit.render.bibtex import bibliography, entry, name


def with_(paper: Paper, **changes) -> Paper:
    return Paper.model_validate(paper.model_dump() | changes)


def test_a_conference_paper_keeps_its_preprint_number(catalog):
    assert (
        entry(catalog.get("rodriguez2021planting"), catalog)
        == """\
@inproceedings{rodriguez2021planting,
  author        = {Rodr{\\'i}guez, Ricardo J. and van der Maaten-Test, Laurens and {Invented Research Team}},
  title         = {Planting {BadSeeds}: Backdoors in {CLIP}-like Encoders},
  booktitle     = {Proceedings of the {IEEE/CVF} Conference on Computer Vision and Pattern Recognition},
  year          = {2021},
  month         = jun,
  pages         = {1201--1210},
  publisher     = {IEEE},
  doi           = {10.5555/CVPR.2021.00123},
  eprint        = {2103.00001},
  archivePrefix = {arXiv},
  url           = {https://doi.org/10.5555/CVPR.2021.00123},
}
"""
    )


def test_a_findings_paper_stands_in_the_findings_volume(catalog):
    assert (
        entry(catalog.get("oconnor2022universal"), catalog)
        == """\
@inproceedings{oconnor2022universal,
  author    = {O'Connor, Se{\\'a}n and Li, Jr., Wei},
  title     = {100\\% Transfer \\& \\$5 {\\textbackslash} Noise: {A\\_B} Tests of \\#Universal Perturbations},
  booktitle = {Findings of the Association for Computational Linguistics: {EMNLP}},
  year      = {2022},
  month     = dec,
  pages     = {11--25},
  publisher = {Association for Computational Linguistics},
  doi       = {10.18653/v1/2022.findings-emnlp.7},
  url       = {https://aclanthology.org/2022.findings-emnlp.7/},
}
"""
    )


def test_a_workshop_paper_names_its_workshop_and_han_names_stand_beside(catalog):
    text = entry(catalog.get("zhang2024workshop"), catalog)
    assert '  author+an:han = {1="张伟"},\n' in text
    assert (
        "  booktitle     = {{IEEE/CVF} Conference on Computer Vision and Pattern "
        "Recognition Workshops: Workshop on Invented Threats},\n"
    ) in text


def test_a_journal_article_has_volume_and_number_but_no_publisher(catalog):
    assert (
        entry(catalog.get("muller2024journal"), catalog)
        == """\
@article{muller2024journal,
  author  = {M{\\"u}ller, J{\\"u}rgen and {\\"O}zt{\\"u}rk, Asl{\\i} and {\\relax Ț}epe{\\relax ș}, {\\relax Ș}tefan},
  title   = {Guarding Encoders: A Long Journal Study of Backdoor Scanning},
  journal = {IEEE Transactions on Information Forensics and Security},
  year    = {2024},
  month   = mar,
  volume  = {19},
  number  = {4},
  pages   = {2101--2115},
  doi     = {10.5555/TIFS.2024.3351234},
  url     = {https://doi.org/10.5555/TIFS.2024.3351234},
}
"""
    )


def test_the_primary_class_stands_beside_the_number_of_the_preprint(catalog):
    paper = catalog.get("chen2025breaking")
    text = entry(with_(paper, arxiv_class="cs.CV"), catalog)
    assert "  archivePrefix = {arXiv},\n  primaryClass  = {cs.CV},\n" in text
    published = with_(paper, arxiv_class="cs.CV", identifiers={}, venue="cvpr")
    assert "primaryClass" not in entry(published, catalog)


def test_proceedings_with_volume_and_number_are_read_like_a_journal(catalog):
    paper = catalog.get("rodriguez2021planting")
    numbered = entry(with_(paper, volume="38", number="7"), catalog)
    assert numbered.startswith("@article{rodriguez2021planting,\n")
    for field in (
        "journal       = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition}",
        "volume        = {38}",
        "number        = {7}",
    ):
        assert f"  {field},\n" in numbered
    assert "booktitle" not in numbered
    assert "publisher" not in numbered
    volume = entry(with_(paper, volume="38"), catalog)
    assert "@inproceedings" in volume
    assert "  volume        = {38},\n" in volume


def test_a_preprint_shows_its_number_in_classic_styles_too(catalog):
    assert (
        entry(catalog.get("chen2025breaking"), catalog)
        == """\
@misc{chen2025breaking,
  author        = {Chen, Chen and Kim, Min-Ji and An, Nguy{\\~{\\^e}}n V{\\u{a}}n},
  title         = {Breaking the Scanners},
  howpublished  = {arXiv:2501.00777},
  year          = {2025},
  month         = jan,
  eprint        = {2501.00777},
  archivePrefix = {arXiv},
  url           = {https://arxiv.org/abs/2501.00777},
}
"""
    )


def test_doi_and_url_stand_verbatim(catalog):
    paper = catalog.get("chen2025breaking")
    doi, url = "10.1007/978-3-0_1#2%3", "https://example.org/a%20b_c?d=1&e=~#f"
    strange = with_(paper, identifiers={"doi": doi}, links={"paper": url})
    text = entry(strange, catalog)
    assert f"= {{{doi}}},\n" in text
    assert f"= {{{url}}},\n" in text


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        ("Shiwei Feng", "Feng, Shiwei"),
        ("Yu-Gang Jiang", "Jiang, Yu-Gang"),
        (
            {"given": "Laurens", "particle": "van der", "family": "Maaten"},
            "van der Maaten, Laurens",
        ),
        ({"given": "Martin", "family": "King", "suffix": "Jr."}, "King, Jr., Martin"),
        ({"literal": "OpenAI"}, "{OpenAI}"),
        ({"literal": "Salt and Pepper, Inc."}, "{Salt and Pepper, Inc.}"),
        ({"family": "Nilaksh"}, "Nilaksh"),
        ({"family": "Foo Bar"}, "{Foo Bar}"),
        ({"given": "Ana", "family": "Foo Bar"}, "Foo Bar, Ana"),
        ({"family": "Foo Bar", "suffix": "Jr."}, "Foo Bar, Jr., {}"),
        ({"given": "Q.", "family": "Ruiz de Lara"}, "{Ruiz de Lara}, Q."),
        ({"given": "世伟", "family": "冯"}, r"{\relax 冯}, {\relax 世伟}"),
        ({"given": "A and", "family": "B, C"}, "{B, C}, {A and}"),
        ({"given": "D{", "family": "E"}, r"E, {D{$\lbrace$}}"),
        ({"given": "Thomas", "family": "others"}, "{others}, Thomas"),
    ],
)
def test_names_are_written_as_bibtex_splits_them(author, expected):
    assert name(Author.model_validate(author)) == expected


def test_the_file_says_what_it_is_and_keeps_the_order(catalog):
    text = bibliography(catalog.papers, catalog)
    assert text.startswith(
        "% An Invented Survey\n"
        "% https://github.com/example/invented-survey\n"
        "% Updated 2026-11-20. License: CC-BY-4.0.\n\n@"
    )
    keys = [line.split("{")[1][:-1] for line in text.splitlines() if line[:1] == "@"]
    assert keys == [paper.id for paper in catalog.papers]
    assert text == bibliography(catalog.papers, catalog)
