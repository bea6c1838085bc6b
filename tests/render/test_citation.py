from __future__ import annotations

import pytest

from surveykit.models import Paper
from surveykit.render.citation import apa, gbt7714

APA = {
    "rodriguez2021planting": (
        "Rodríguez, R. J., van der Maaten-Test, L., & Invented Research Team. (2021). "
        "Planting BadSeeds: Backdoors in CLIP-like encoders. In Proceedings of the "
        "IEEE/CVF Conference on Computer Vision and Pattern Recognition "
        "(pp. 1201–1210). IEEE. https://doi.org/10.5555/CVPR.2021.00123"
    ),
    "muller2024journal": (
        "Müller, J., Öztürk, A., & Țepeș, Ș. (2024). Guarding encoders: A long journal "
        "study of backdoor scanning. IEEE Transactions on Information Forensics and "
        "Security, 19(4), 2101–2115. https://doi.org/10.5555/TIFS.2024.3351234"
    ),
    "chen2025breaking": (
        "Chen, C., Kim, M.-J., & An, N. V. (2025). Breaking the scanners "
        "(arXiv:2501.00777). arXiv. https://arxiv.org/abs/2501.00777"
    ),
}
GBT = {
    "rodriguez2021planting": (
        "RODRÍGUEZ R J, van der MAATEN-TEST L, Invented Research Team. Planting "
        "BadSeeds: Backdoors in CLIP-like Encoders[C]//Proceedings of the IEEE/CVF "
        "Conference on Computer Vision and Pattern Recognition. IEEE, 2021: 1201-1210. "
        "DOI: 10.5555/CVPR.2021.00123."
    ),
    "muller2024journal": (
        "MÜLLER J, ÖZTÜRK A, ȚEPEȘ Ș. Guarding Encoders: A Long Journal Study of "
        "Backdoor Scanning[J]. IEEE Transactions on Information Forensics and Security, "
        "2024, 19(4): 2101-2115. DOI: 10.5555/TIFS.2024.3351234."
    ),
    "chen2025breaking": (
        "CHEN C, KIM M J, AN N V. Breaking the Scanners[EB/OL]. arXiv, "
        "2025[2026-11-01]. https://arxiv.org/abs/2501.00777."
    ),
}


@pytest.mark.parametrize("id_", sorted(APA))
def test_apa_of_each_kind(catalog, id_):
    assert apa(catalog.get(id_), catalog) == APA[id_]


@pytest.mark.parametrize("id_", sorted(GBT))
def test_gbt7714_of_each_kind(catalog, id_):
    assert gbt7714(catalog.get(id_), catalog) == GBT[id_]


def with_authors(catalog, authors) -> Paper:
    paper = catalog.get("chen2025breaking").model_dump() | {"authors": authors}
    return Paper.model_validate(paper)


@pytest.mark.parametrize(
    ("author", "in_apa", "in_gbt"),
    [
        ("Yu-Gang Jiang", "Jiang, Y.-G.", "JIANG Y G."),
        ("Zhen Ming (Jack) Jiang", "Jiang, Z. M.", "JIANG Z M."),
        (
            {"given": "Martin", "family": "King", "suffix": "Jr."},
            "King, M., Jr.",
            "KING M Jr.",
        ),
        (
            {"given": "Shiwei", "family": "Feng", "han": "冯世伟"},
            "Feng, S.",
            "FENG Shiwei.",
        ),
        ({"given": "世伟", "family": "冯"}, "冯, 世伟.", "冯 世伟."),
        ({"family": "Nilaksh"}, "Nilaksh.", "NILAKSH."),
        ({"literal": "OpenAI"}, "OpenAI.", "OpenAI."),
        ("- X", "X.", "X."),
    ],
)
def test_a_name_in_both_styles(catalog, author, in_apa, in_gbt):
    paper = with_authors(catalog, [author])
    assert apa(paper, catalog).startswith(f"{in_apa} (2025). ")
    assert gbt7714(paper, catalog).startswith(f"{in_gbt} Breaking")


def test_apa_names_twenty_authors_and_from_twentyone_on_the_last_after_an_ellipsis(
    catalog,
):
    names = [f"A {chr(65 + place)}x" for place in range(21)]
    assert "Sx, A., & Tx, A. (2025)" in apa(with_authors(catalog, names[:20]), catalog)
    assert "Sx, A., … Ux, A. (2025)" in apa(with_authors(catalog, names), catalog)


def test_gbt7714_names_three_authors(catalog):
    names = ["A Bx", "C Dx", "E Fx", "G Hx"]
    text = gbt7714(with_authors(catalog, names), catalog)
    assert text.startswith("BX A, DX C, FX E, et al. Breaking")


def test_a_lone_page_of_a_journal_is_an_article_number_in_apa(catalog):
    paper = catalog.get("muller2024journal").model_copy(update={"pages": "103855"})
    assert ", 19(4), Article 103855. " in apa(paper, catalog)
    assert ", 2024, 19(4): 103855. " in gbt7714(paper, catalog)


def test_every_paper_can_be_cited_in_one_line(any_catalog):
    for paper in any_catalog.papers:
        for text in (apa(paper, any_catalog), gbt7714(paper, any_catalog)):
            assert "None" not in text
            assert "  " not in text
            assert ".." not in text.replace("...", "")
            assert "\n" not in text
            assert str(paper.year) in text
