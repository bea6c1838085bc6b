"""Lists of papers in Markdown: two styles, and whatever is wrong in them."""

from collections import Counter
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveykit.imports import markdown, report
from surveykit.imports.mojibake import repaired
from surveykit.imports.run import import_file
from surveykit.references.reading import ANOMALIES

TODAY = date(2026, 11, 20)

BULLETS = """\
# **A List**

Made with love 👍.

```
@article{,
  title={A List},
  author={},
}
```

- [Attacks](#Attacks of All Kinds)
- [Defenses](#defenses)

## Attacks of All Kinds

| | 2023 | 2024 | total |
| :-: | :-: | :-: | :-: |
| papers | 2 | 1 | 5 |

- **Planting Seeds: Backdoors in Encoders** [[pdf]](https://arxiv.org/abs/2401.00001) [[code]](https://github.com/duong/planting-seeds)
  - Linh Duong,Ana Cruz, Bo Rodríguez
  - First University,Second Univisity
  - Proceedings of the Computer Vision and Pattern Recognition (CVPR 2024)
- **Harvesting Seeds** [[pdf]](https://arxiv.org/pdf/2401.00001v1)[[code]](https://github.com/someone/torch-tool)
  - CARL ADAMS, Dora Evans2, Fan zheng
  - None
  - arXiv 2023
- Watering Seeds [[pdf]](https://arxiv.org/abs/2305.00002) [[code]](https://github.com/
  duong/watering)
  - Linh Duong
  - First University
  - Proceedings of the International Conference on Computer Vision (ICCV 2023)
- **SELLING SEEDS ON THE MARKET (SSM)** [[pdf]](https://openaccess.thecvf.com/content/CVPR2024W/X/papers/Duong_X_CVPRW_2024_paper.pdf)
  - Linh Duong
  - First University
  - Proceedings of the Computer Vision and Pattern Recognition (CVPR 2024)
- **Buying Seeds CVPR Proceedings** [[pdf]](http://example.com/buying.pdf) [[video]](https://example.com/v)
  - Linh Duong
  - First University,
  - Proceedings of the Computer Vision and Pattern Recognition (CVPR 2024)
- an item that leads nowhere

## Defenses

## Empty
"""
NUMBERED = """\
![img](imgs/vis.png)

# 深度学习
## 设计阶段的攻击
### 下游任务

1. Weight Poisoning of Models. ACL 2020. [\\[pdf\\]](https://aclanthology.org/2020.acl-main.249/)  [\\[code\\]](https://github.com/lonely)

2. Can't Steal? Cont-Steal! Contrastive Attacks. SP 2022.  [\\[pdf\\]](https://ieeexplore.ieee.org/document/1/)

10. RIBAC: Towards R obust and I mperceptible A ttack. EMNLP 2022. [\\[pdf\\]](https://aclanthology.org/2022.findings-emnlp.26/)

11. How should models be tuned? NeurIPS 2021. [\\[pdf\\]](https://example.org/paper)
"""


@pytest.fixture
def imported(tmp_path, empty):
    def imported(text, name="list.md"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return import_file(path, empty, TODAY)

    return imported


def said(result, kind):
    return [a.message for a in result.anomalies if a.kind == kind]


def test_every_paper_of_a_list_with_bullets_is_read(imported):
    result = imported(BULLETS)
    titles = [found.record.title for found, _ in result.drafts]
    assert titles == [
        "Planting Seeds: Backdoors in Encoders",
        "Harvesting Seeds",
        "Watering Seeds",
        "Selling Seeds on the Market (SSM)",
        "Buying Seeds",
    ]
    first = result.drafts[0][0].record
    assert [a.name for a in first.authors] == ["Linh Duong", "Ana Cruz", "Bo Rodríguez"]
    assert (first.arxiv, first.year) == ("2401.00001", 2024)
    assert first.code_url == "https://github.com/duong/planting-seeds"
    assert result.drafts[2][0].record.code_url == "https://github.com/duong/watering"
    assert result.drafts[3][1].data["track"] == "workshop"


def test_everything_that_is_wrong_with_it_is_reported(imported):
    kinds = Counter(a.kind for a in imported(BULLETS).anomalies)
    assert kinds == {
        "empty-key": 1,
        "check": 1,  # the list's own BibTeX entry
        "anchor": 1,
        "count": 1,
        "shared-identifier": 1,
        "version": 1,
        "code-elsewhere": 1,
        "author": 2,  # a footnote mark, a small letter
        "capitals": 2,
        "year": 1,
        "broken-line": 1,
        "track": 1,
        "title-suffix": 1,
        "http": 1,
        "not-kept": 2,  # the video, the affiliations
        "no-link": 1,
        "text": 2,  # the introduction, the table of numbers
        "empty-section": 2,
    }


def test_links_within_the_list_lead_where_the_forge_leads_them(imported, tmp_path):
    (tmp_path / "my figure.png").touch()
    result = imported(
        "## 📖 后门 攻击\n\n[to it](#-%E5%90%8E%E9%97%A8-%E6%94%BB%E5%87%BB)\n[to none](#nowhere)\n\n"
        "![drawn](my%20figure.png?raw=true) ![lost](my%20other.png)\n"
    )
    assert said(result, "anchor") == ["no heading has the anchor #nowhere"]
    assert said(result, "missing-file") == [
        "my%20other.png does not lie beside the list"
    ]


def test_the_shared_number_of_two_papers_names_both_lines(imported):
    (message,) = said(imported(BULLETS), "shared-identifier")
    assert "Harvesting Seeds" in message
    assert "line 21" in message
    assert "2401.00001" in message


def test_every_paper_of_a_numbered_list_is_read(imported):
    result = imported(NUMBERED)
    rows = [
        (f.record.title, f.record.venue_text, f.record.year) for f, _ in result.drafts
    ]
    assert rows == [
        ("Weight Poisoning of Models", "ACL 2020", 2020),
        ("Can't Steal? Cont-Steal! Contrastive Attacks", "SP 2022", 2022),
        ("RIBAC: Towards Robust and Imperceptible Attack", "EMNLP 2022", 2022),
        ("How should models be tuned?", "NeurIPS 2021", 2021),
    ]
    assert result.drafts[0][0].record.headings == ("设计阶段的攻击", "下游任务")
    kinds = {a.kind for a in result.anomalies}
    assert kinds >= {
        "missing-file",
        "no-repository",
        "no-authors",
        "stray-space",
        "track",
    }


@pytest.mark.parametrize("charset", ["mac_roman", "cp1252"])
def test_mojibake_is_set_right_and_reported(imported, charset):
    good = BULLETS.replace("👍", "é")
    spoiled = good.encode().decode(charset)
    result = imported(spoiled)
    assert result.drafts[0][0].record.authors[2].family == "Rodríguez"
    assert any(charset in message for message in said(result, "mojibake"))


WORDS = ["l’été", "Müller", "Straße", "冯世伟", "后门攻击", "👍", "Łukasz", "“x”", "naïve", "Țepeș", "É", "¿Qué?", "10 µs", "α→β"]  # fmt: skip


@given(st.lists(st.sampled_from(WORDS)).map(" ".join))
def test_good_text_is_left_alone(text):
    assert repaired(text)[0] == text


@pytest.mark.parametrize("charset", ["gb18030", "utf-16", "utf-8-sig"])
def test_files_in_other_character_sets_are_read(tmp_path, empty, charset):
    path = tmp_path / "list.md"
    path.write_bytes(NUMBERED.encode(charset))
    result = import_file(path, empty, TODAY)
    assert result.drafts[0][0].record.headings == ("设计阶段的攻击", "下游任务")


def test_what_the_catalog_has_is_compared_instead_of_imported(tmp_path, catalog):
    paper = next(p for p in catalog.papers if p.identifiers.arxiv)
    path = tmp_path / "list.md"
    path.write_text(
        f"- **{paper.title.en}** [[pdf]](https://arxiv.org/abs/{paper.identifiers.arxiv})\n"
        f"  - {', '.join(a.name for a in paper.authors)}\n  - arXiv 1999\n",
        encoding="utf-8",
    )
    result = import_file(path, catalog, TODAY)
    assert not result.drafts
    assert [other for _, other in result.known] == [paper.id]
    assert said(result, "duplicate")


def test_drafts_are_entries_that_only_lack_what_a_person_judges(imported):
    result = imported(BULLETS)
    ids = [draft.id for _, draft in result.drafts]
    assert len(set(ids)) == len(ids)
    for _, draft in result.drafts:
        assert "title.zh" in draft.todo
        assert draft.paper.id == draft.id


def test_the_report_can_carry_no_markup_of_the_list(imported):
    evil = "- **<script>alert(1)</script> `${{ secrets.X }}` | @all** [[pdf]](https://e.org/x)\n  - A B\n  - XYZ 2020\n"
    text = report.markdown(imported(evil), "<b>.md")
    assert "<script" not in text
    assert "<b>" not in text
    assert "@all" not in text


def test_reports_have_every_anomaly(imported):
    result = imported(BULLETS)
    assert report.text(result, "list.md").count("list.md:") == len(result.anomalies)
    for kind in {a.kind for a in result.anomalies}:
        assert kind in ANOMALIES
        assert kind.replace("-", "\\-") in report.markdown(result, "list.md") or (
            kind in report.markdown(result, "list.md")
        )


@given(st.text(alphabet="-*#[]()`|@ \n1.ahtps:/{}", max_size=200))
def test_no_text_crashes_the_reader(text):
    markdown.read(text, "list.md")
