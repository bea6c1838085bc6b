"""An invented catalog of eight papers, as models and as a folder of YAML files."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

try:
    from hypothesis import HealthCheck, settings
except ImportError:  # the GPU tests need torch and pytest alone
    settings = None

if TYPE_CHECKING:
    from surveykit.catalog import Catalog


# Tests look at whole passes, and leave nothing in the folders of whoever runs them.
os.environ["SURVEYKIT_FORGET"] = "1"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Where SURVEYKIT_NO_SKIP is set, a missing program is a failure; a missing GPU is not."""
    report = yield
    waived = "gpu" in item.keywords or hasattr(report, "wasxfail")
    if report.skipped and os.environ.get("SURVEYKIT_NO_SKIP") and not waived:
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be: {report.longrepr}"
    return report


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests in a browser come last: while Playwright is open, its event loop is the thread's."""
    items.sort(key=lambda item: "browser" in getattr(item, "fixturenames", ()))


# A busy machine is no failure: no test measures time.
if settings is not None:
    settings.register_profile(
        "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    # The same examples for the same tests, so that a change is not stopped by an example that it did not bring up;
    # people's own runs go on looking for new ones.
    settings.register_profile("ci", settings.get_profile("patient"), derandomize=True)
    settings.load_profile("ci" if os.environ.get("CI") else "patient")


def _term(id_: str, en: str, zh: str, **more: Any) -> dict[str, Any]:
    definition = {"en": f"Papers about {en.lower()}.", "zh": f"与{zh}有关的论文。"}
    return {
        "id": id_,
        "label": {"en": en, "zh": zh},
        "definition": definition,
    } | more


def _axis(id_: str, en: str, zh: str, *terms: Any, **more: Any) -> dict[str, Any]:
    question = {"en": f"Which {en.lower()}?", "zh": f"属于哪一种{zh}？"}
    return (
        {"id": id_, "label": {"en": en, "zh": zh}, "question": question}
        | more
        | {"terms": terms}
    )


def _relation(id_: str, en: str, inverse: str, zh: str, zh_inverse: str) -> Any:
    return {
        "id": id_,
        "label": {"en": en, "zh": zh},
        "inverse": {"en": inverse, "zh": zh_inverse},
        "definition": {"en": f"The first {en} the second.", "zh": f"前者{zh}后者。"},
    }


SURVEY = {
    "title": {"en": "An Invented Survey", "zh": "虚构的综述"},
    "short_title": {"en": "Invented", "zh": "虚构"},
    "tagline": {"en": "Eight papers nobody wrote.", "zh": "八篇无人写过的论文。"},
    "introduction": [
        {"en": "First paragraph.", "zh": "第一段。"},
        {"en": "Second paragraph.", "zh": "第二段。"},
    ],
    "year": 2026,
    "maintainers": [{"name": "Ada Example", "orcid": "0000-0002-1825-0097"}],
    "repository": "https://github.com/example/invented-survey",
    "site": "https://example.github.io/invented-survey/",
}

TAXONOMY = {
    "axes": [
        _axis(
            "role",
            "Role",
            "角色",
            _term("attack", "Attack", "攻击", aliases={"en": ["offense"]}),
            _term("defense", "Defense", "防御", aliases={"zh": ["防护"]}),
            _term("detection", "Detection", "检测", parent="defense"),
            _term("benchmark", "Benchmark & analysis", "基准与分析"),
        ),
        _axis(
            "threat",
            "Threat",
            "威胁",
            _term("adversarial", "Adversarial examples", "对抗样本"),
            _term("backdoor", "Backdoor & poisoning", "后门与投毒"),
            _term("privacy", "Privacy", "隐私"),
            max_terms=3,
        ),
        _axis(
            "technique",
            "Technique",
            "技术",
            _term(
                "adversarial-attack",
                "Adversarial attack techniques",
                "对抗攻击技术",
                applies_to={"threat": ["adversarial"], "role": ["attack"]},
            ),
            _term(
                "universal-perturbation",
                "Universal perturbation",
                "通用对抗扰动",
                parent="adversarial-attack",
                aliases={"en": ["UAP"], "zh": ["通用补丁"]},
            ),
            _term(
                "backdoor-attack",
                "Backdoor techniques",
                "后门攻击技术",
                applies_to={"threat": ["backdoor"], "role": ["attack"]},
            ),
            _term(
                "encoder-backdoor",
                "Backdoored encoder",
                "编码器后门",
                parent="backdoor-attack",
            ),
            _term(
                "backdoor-defense",
                "Backdoor defense techniques",
                "后门防御技术",
                applies_to={"threat": ["backdoor"], "role": ["defense", "detection"]},
            ),
            _term(
                "model-scanning",
                "Model scanning",
                "模型扫描",
                parent="backdoor-defense",
            ),
            _term(
                "assessment",
                "Assessment",
                "评估",
                applies_to={"role": ["benchmark"]},
            ),
            _term(
                "benchmark-analysis",
                "Benchmark and analysis",
                "基准与分析方法",
                parent="assessment",
                runs=False,
            ),
            max_terms=2,
            leaves_only=True,
        ),
        _axis(
            "stage",
            "Stage",
            "阶段",
            _term("design", "Design and pre-training", "设计与预训练"),
            _term("use", "Use", "使用"),
            max_terms=2,
        ),
        _axis(
            "modality",
            "Modality",
            "模态",
            _term("vision", "Vision", "视觉"),
            _term("language", "Language", "语言"),
            _term("vision-language", "Vision-language", "视觉-语言"),
            max_terms=3,
        ),
        _axis(
            "scope",
            "Scope",
            "范围",
            _term("downstream-specific", "Downstream-specific", "下游特定"),
            _term("downstream-agnostic", "Downstream-agnostic", "下游无关"),
            min_terms=0,
            only_for_roles=["attack"],
        ),
    ],
    "relations": [
        _relation("extends", "extends", "extended by", "扩展", "被扩展于"),
        _relation("attacks", "attacks", "attacked by", "攻破", "被攻破于"),
        _relation(
            "defends-against", "defends against", "defended by", "防御", "被防御于"
        ),
        _relation("detects", "detects", "detected by", "检测", "被检测于"),
        _relation("evaluates", "evaluates", "evaluated by", "评测", "被评测于"),
        _relation(
            "compares-with", "compares with", "compared with in", "对比", "作为基线"
        ),
    ],
}

VENUES = [
    {
        "id": "arxiv",
        "name": "arXiv",
        "full": {"en": "arXiv", "zh": "arXiv 预印本"},
        "kind": "preprint",
    },
    {
        "id": "cvpr",
        "name": "CVPR",
        "full": {
            "en": "IEEE/CVF Conference on Computer Vision and Pattern Recognition",
            "zh": "IEEE/CVF 计算机视觉与模式识别会议",
        },
        "kind": "conference",
        "workshops": "IEEE/CVF Conference on Computer Vision and Pattern Recognition Workshops",
        "publisher": "IEEE",
        "aliases": ["Computer Vision and Pattern Recognition"],
        "held": "yearly",
        "since": 1983,
    },
    {
        "id": "iccv",
        "name": "ICCV",
        "full": {
            "en": "IEEE/CVF International Conference on Computer Vision",
            "zh": "IEEE/CVF 国际计算机视觉会议",
        },
        "kind": "conference",
        "publisher": "IEEE",
        "held": "odd",
        "since": 1987,
    },
    {
        "id": "emnlp",
        "name": "EMNLP",
        "full": {
            "en": "Conference on Empirical Methods in Natural Language Processing",
            "zh": "自然语言处理经验方法会议",
        },
        "kind": "conference",
        "findings": "Findings of the Association for Computational Linguistics: EMNLP",
        "publisher": "Association for Computational Linguistics",
        "held": "yearly",
        "since": 1996,
    },
    {
        "id": "tifs",
        "name": "IEEE TIFS",
        "full": {
            "en": "IEEE Transactions on Information Forensics and Security",
            "zh": "IEEE 信息取证与安全汇刊",
        },
        "kind": "journal",
        "publisher": "IEEE",
        "aliases": ["TIFS"],
        "since": 2006,
    },
]

ADDED = "2026-11-01"
VERIFIED = {"date": "2026-11-20", "by": ["arXiv:2103.00001", "DBLP"]}

PAPERS = [
    {
        "id": "rodriguez2021planting",
        "title": {
            "en": "Planting BadSeeds: Backdoors in CLIP-like Encoders",
            "zh": "植入 BadSeeds：类 CLIP 编码器中的后门",
        },
        "authors": [
            "Ricardo J. Rodríguez",
            {"given": "Laurens", "particle": "van der", "family": "Maaten-Test"},
            {"literal": "Invented Research Team"},
        ],
        "venue": "cvpr",
        "year": 2021,
        "month": 6,
        "pages": "1201-1210",
        "identifiers": {"arxiv": "2103.00001", "doi": "10.5555/CVPR.2021.00123"},
        "links": {
            "paper": "https://doi.org/10.5555/CVPR.2021.00123",
            "pdf": "https://arxiv.org/pdf/2103.00001",
            "code": "https://github.com/example/badseeds",
            "project": "https://example.org/badseeds/",
        },
        "terms": {
            "role": ["attack"],
            "threat": ["backdoor"],
            "technique": ["encoder-backdoor"],
            "stage": ["design"],
            "modality": ["vision-language", "vision"],
            "scope": ["downstream-agnostic"],
        },
        "tldr": {
            "en": "A backdoor planted in the image encoder survives into every downstream classifier.",
            "zh": "在图像编码器中植入的后门会延续到每一个下游分类器。",
            "basis": "abstract",
            "source": "arXiv:2103.00001",
        },
        "implementations": ["badseeds"],
        "added": ADDED,
        "verified": VERIFIED,
    },
    {
        "id": "feng2023detecting",
        "title": {
            "en": "Detecting Planted Backdoors in Pre-trained Encoders",
            "zh": "检测预训练编码器中植入的后门",
        },
        "authors": [
            {
                "given": "Shiwei",
                "family": "Feng",
                "han": "冯世伟",
                "orcid": "0000-0002-1825-0097",
            },
            "José Álvarez",
            "Łukasz Żółć",
        ],
        "venue": "iccv",
        "year": 2023,
        "pages": "16352-16362",
        "identifiers": {"arxiv": "2303.00015", "doi": "10.5555/ICCV.2023.01569"},
        "links": {
            "paper": "https://doi.org/10.5555/ICCV.2023.01569",
            "pdf": "https://arxiv.org/pdf/2303.00015",
            "video": "https://www.youtube.com/watch?v=invented&t=1",
        },
        "terms": {
            "role": ["detection"],
            "threat": ["backdoor"],
            "technique": ["model-scanning"],
            "stage": ["use"],
            "modality": ["vision"],
        },
        "relations": [
            {
                "type": "detects",
                "to": "rodriguez2021planting",
                "why": {
                    "en": "finds the trigger it plants",
                    "zh": "找出其植入的触发器",
                },
                "basis": "paper",
                "source": "arXiv:2303.00015",
            }
        ],
        "added": ADDED,
        "verified": VERIFIED
        | {"doubt": {"en": "The page range was not seen.", "zh": "未见到页码。"}},
    },
    {
        "id": "oconnor2022universal",
        "title": {
            "en": r"100% Transfer & $5 \ Noise: A_B Tests of #Universal Perturbations",
            "zh": r"100% 迁移与 $5 \ 噪声：通用扰动的 A_B 测试",
        },
        "authors": ["Seán O'Connor", {"given": "Wei", "family": "Li", "suffix": "Jr."}],
        "venue": "emnlp",
        "track": "findings",
        "year": 2022,
        "month": 12,
        "pages": "11-25",
        "identifiers": {
            "doi": "10.18653/v1/2022.findings-emnlp.7",
            "acl": "2022.findings-emnlp.7",
        },
        "links": {
            "paper": "https://aclanthology.org/2022.findings-emnlp.7/",
            "pdf": "https://aclanthology.org/2022.findings-emnlp.7.pdf",
        },
        "terms": {
            "role": ["attack"],
            "threat": ["adversarial"],
            "technique": ["universal-perturbation"],
            "stage": ["use"],
            "modality": ["language"],
            "scope": ["downstream-specific"],
        },
        "notes": {
            "en": "Use <b>no</b> `code` | here.",
            "zh": "此处<b>不要</b>用 `code` | 标记。",
        },
        "corrections": [
            {
                "en": "An earlier list gave the main track.",
                "zh": "早先的列表写成了主会议。",
            }
        ],
        "added": ADDED,
    },
    {
        "id": "zhang2024workshop",
        "title": {
            "en": "A Workshop Note on NLP and GPT-4 Patches",
            "zh": "关于 NLP 与 GPT-4 补丁的研讨会短文",
        },
        "authors": [
            {"given": "Wei", "family": "Zhang", "han": "张伟"},
            "Anna de la Cruz",
        ],
        "venue": "cvpr",
        "track": "workshop",
        "workshop": "Workshop on Invented Threats",
        "year": 2024,
        "month": 6,
        "pages": "31-40",
        "identifiers": {"doi": "10.5555/CVPRW.2024.00031"},
        "links": {
            "paper": "https://openaccess.thecvf.com/content/CVPR2024W/Inv/html/note.html"
        },
        "terms": {
            "role": ["attack"],
            "threat": ["adversarial", "privacy"],
            "technique": ["universal-perturbation"],
            "stage": ["use"],
            "modality": ["vision"],
        },
        "relations": [
            {
                "type": "extends",
                "to": "oconnor2022universal",
                "why": {"en": "from text to patches", "zh": "由文本推广到补丁"},
                "basis": "abstract",
                "source": "doi:10.5555/CVPRW.2024.00031",
            }
        ],
        "added": ADDED,
    },
    {
        "id": "muller2024journal",
        "title": {
            "en": "Guarding Encoders: A Long Journal Study of Backdoor Scanning",
            "zh": "守护编码器：后门扫描的长篇期刊研究",
        },
        "authors": ["Jürgen Müller", "Aslı Öztürk", "Ștefan Țepeș"],
        "venue": "tifs",
        "year": 2024,
        "month": 3,
        "volume": "19",
        "number": "4",
        "pages": "2101-2115",
        "identifiers": {"doi": "10.5555/TIFS.2024.3351234"},
        "links": {
            "paper": "https://doi.org/10.5555/TIFS.2024.3351234",
            "code": "https://github.com/example/guard",
        },
        "terms": {
            "role": ["defense"],
            "threat": ["backdoor"],
            "technique": ["model-scanning"],
            "stage": ["use"],
            "modality": ["vision", "language"],
        },
        "relations": [
            {
                "type": "defends-against",
                "to": "rodriguez2021planting",
                "why": {
                    "en": "repairs the planted encoder",
                    "zh": "修复被植入的编码器",
                },
                "basis": "paper",
                "source": "doi:10.5555/TIFS.2024.3351234",
            },
            {
                "type": "extends",
                "to": "feng2023detecting",
                "why": {"en": "scans with fewer samples", "zh": "以更少的样本扫描"},
                "basis": "abstract",
                "source": "doi:10.5555/TIFS.2024.3351234",
            },
        ],
        "added": ADDED,
    },
    {
        "id": "chen2025breaking",
        "title": {
            "en": "Breaking the Scanners",
            "zh": "攻破扫描器",
        },
        "authors": ["Chen Chen", "Min-Ji Kim", "Nguyễn Văn An"],
        "venue": "arxiv",
        "year": 2025,
        "month": 1,
        "identifiers": {"arxiv": "2501.00777"},
        "links": {"paper": "https://arxiv.org/abs/2501.00777"},
        "terms": {
            "role": ["attack"],
            "threat": ["backdoor"],
            "technique": ["encoder-backdoor"],
            "stage": ["design"],
            "modality": ["vision"],
            "scope": ["downstream-specific"],
        },
        "relations": [
            {
                "type": "attacks",
                "to": "feng2023detecting",
                "why": {"en": "evades the scan", "zh": "绕过扫描"},
                "basis": "abstract",
                "source": "arXiv:2501.00777",
            }
        ],
        "added": ADDED,
    },
    {
        "id": "garcia2025benchmark",
        "title": {
            "en": "A Benchmark of Encoder Backdoors in the Wild",
            "zh": "真实环境中编码器后门的基准",
        },
        "authors": ["María García-López", "Bob Example"],
        "venue": "cvpr",
        "year": 2025,
        "identifiers": {"arxiv": "2411.04321", "openreview": "aBcDeFgHiJ"},
        "links": {"paper": "https://openreview.net/forum?id=aBcDeFgHiJ"},
        "terms": {
            "role": ["benchmark"],
            "threat": ["backdoor", "adversarial"],
            "technique": ["benchmark-analysis"],
            "stage": ["design", "use"],
            "modality": ["vision"],
        },
        "relations": [
            {
                "type": "evaluates",
                "to": "muller2024journal",
                "why": {
                    "en": "measures it on 40 encoders",
                    "zh": "在 40 个编码器上测量",
                },
                "basis": "abstract",
                "source": "arXiv:2411.04321",
            }
        ],
        "added": "2026-11-10",
    },
    {
        "id": "saito2021early",
        "title": {
            "en": "Early Adversarial Patches for Self-Supervised Encoders",
            "zh": "面向自监督编码器的早期对抗补丁",
        },
        "authors": ["Yūki Saitō", {"literal": "The ACME & Sons Lab"}],
        "venue": "arxiv",
        "year": 2021,
        "identifiers": {"arxiv": "2110.12345"},
        "links": {
            "paper": "https://arxiv.org/abs/2110.12345",
            "slides": "https://example.org/slides/early%20patches.pdf",
        },
        "terms": {
            "role": ["attack"],
            "threat": ["adversarial"],
            "technique": ["universal-perturbation"],
            "stage": ["use"],
            "modality": ["vision"],
        },
        "added": ADDED,
    },
]

CARD = {
    "id": "badseeds",
    "name": "BadSeeds",
    "question": {"en": "Can a seed be planted?", "zh": "种子能被植入吗？"},
    "summary": {"en": "Trains a tiny encoder twice.", "zh": "把一个小编码器训练两次。"},
    "does": {"en": "plants seeds", "zh": "植入种子"},
    "command": "python -m reference_impls.badseeds",
    "papers": ["rodriguez2021planting"],
    "techniques": ["encoder-backdoor"],
}


def _dump(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=4096)
    path.write_text(text, encoding="utf-8")


def make_catalog() -> Catalog:
    """The invented catalog as models."""
    # Imported here: the tests of reference_impls also run where surveykit is not installed.
    from surveykit.catalog import Catalog
    from surveykit.models import Paper
    from surveykit.vocabulary import Card, Survey, Taxonomy, Venue

    papers = [Paper.model_validate(paper) for paper in PAPERS]
    return Catalog(
        survey=Survey.model_validate(SURVEY),
        taxonomy=Taxonomy.model_validate(TAXONOMY),
        venues={venue["id"]: Venue.model_validate(venue) for venue in VENUES},  # type: ignore[misc]  # ids are strings
        papers=Catalog.ordered(papers),
        cards={CARD["id"]: Card.model_validate(CARD)},  # type: ignore[dict-item]  # ids are strings
        paths={p.id: f"catalog/papers/{p.year}/{p.id}.yaml" for p in papers},
    )


def write_catalog(root: Path) -> Path:
    """The invented catalog as files below `root`; gives back `root`."""
    from surveykit.vocabulary import Taxonomy

    _dump(root / "catalog/survey.yaml", SURVEY)
    # tuples would become YAML tags
    taxonomy = Taxonomy.model_validate(TAXONOMY).model_dump(
        mode="json", exclude_defaults=True
    )
    _dump(root / "catalog/taxonomy.yaml", taxonomy)
    _dump(root / "catalog/venues.yaml", VENUES)
    for paper in PAPERS:
        _dump(root / f"catalog/papers/{paper['year']}/{paper['id']}.yaml", paper)
    _dump(root / f"reference_impls/{CARD['id']}/card.yaml", CARD)
    return root


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """Eight invented papers; the catalog is immutable, so one serves all tests."""
    return make_catalog()


@pytest.fixture
def catalog_dir(tmp_path: Path) -> Path:
    """Repository root with the same catalog as YAML files."""
    return write_catalog(tmp_path / "repo")


@pytest.fixture(name="write_catalog", scope="session")
def _write_catalog() -> Any:
    """`write_catalog(path)`: the same files anywhere."""
    return write_catalog


class Result(NamedTuple):
    """Exit code and both outputs of a command."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """What a program reads."""
        return json.loads(self.out)


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    catalog_dir: Path,
) -> Callable[..., Result]:
    """Runs `surveykit` with some arguments on the invented catalog, or on another one."""
    from surveykit import cli

    def run(*arguments: object, root: Path = catalog_dir) -> Result:
        words = ["surveykit", "--root", str(root), *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", words)
        capsys.readouterr()
        # There, as paths are shown the way they can be opened from where one stands.
        with contextlib.chdir(root), pytest.raises(SystemExit) as stop:
            cli.main()
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Result(int(stop.value.code or 0), captured.out, captured.err)

    return run
