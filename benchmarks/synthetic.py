"""A catalog of any size that breaks no rule: the real taxonomy and venues, invented papers."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from surveykit.load import load_catalog
from surveykit.vocabulary import Axis, Venue

REPOSITORY = Path(__file__).parents[1]

ENGLISH = [
    "Adversarial",
    "Adaptive",
    "Agnostic",
    "Attention",
    "Augmented",
    "Backdoor",
    "Balanced",
    "Blended",
    "Calibrated",
    "Causal",
    "Certified",
    "Clean",
    "Cloned",
    "Compressed",
    "Conditional",
    "Contrastive",
    "Covert",
    "Crafted",
    "Delayed",
    "Dense",
    "Detecting",
    "Dirty",
    "Distilled",
    "Dormant",
    "Downstream",
    "Dynamic",
    "Embedding",
    "Encoder",
    "Ensemble",
    "Evasive",
    "Federated",
    "Filtered",
    "Frozen",
    "Gated",
    "Generative",
    "Gradient",
    "Graph",
    "Guarding",
    "Hidden",
    "Implicit",
    "Inverted",
    "Invisible",
    "Labelled",
    "Latent",
    "Layerwise",
    "Local",
    "Masked",
    "Mixed",
    "Modular",
    "Momentum",
    "Multimodal",
    "Neural",
    "Noisy",
    "Orthogonal",
    "Patched",
    "Perturbed",
    "Planted",
    "Poisoned",
    "Pretrained",
    "Private",
    "Prompted",
    "Pruned",
    "Purified",
    "Quantized",
    "Random",
    "Recovered",
    "Regularized",
    "Robust",
    "Sampled",
    "Scalable",
    "Scanned",
    "Self",
    "Semantic",
    "Shadow",
    "Sparse",
    "Spectral",
    "Stolen",
    "Stealthy",
    "Surrogate",
    "Tampered",
    "Targeted",
    "Teacher",
    "Transfer",
    "Trigger",
    "Universal",
    "Unlabelled",
    "Visual",
    "Watermarked",
    "Weighted",
]
CHINESE = [
    "对抗",
    "自适应",
    "无关",
    "注意力",
    "增强",
    "后门",
    "均衡",
    "混合",
    "校准",
    "因果",
    "认证",
    "干净",
    "克隆",
    "压缩",
    "条件",
    "对比",
    "隐蔽",
    "检测",
    "蒸馏",
    "下游",
    "动态",
    "嵌入",
    "编码器",
    "集成",
    "联邦",
    "过滤",
    "冻结",
    "生成",
    "梯度",
    "图",
    "守护",
    "隐式",
    "反演",
    "潜在",
    "掩码",
    "模块",
    "多模态",
    "噪声",
    "正交",
    "补丁",
    "扰动",
    "植入",
    "投毒",
    "预训练",
    "隐私",
    "提示",
    "剪枝",
    "净化",
    "量化",
    "随机",
    "恢复",
    "正则化",
    "鲁棒",
    "采样",
    "扫描",
    "语义",
    "稀疏",
    "谱",
    "窃取",
    "替代",
    "篡改",
    "目标",
    "迁移",
    "触发器",
    "通用",
    "视觉",
    "水印",
    "加权",
]
GIVEN = [
    "Anna",
    "Bo",
    "Chen",
    "Dora",
    "Erik",
    "Fan",
    "Greta",
    "Hao",
    "Irene",
    "Jun",
    "Kai",
    "Lena",
    "Ming",
    "Nora",
    "Omar",
    "Petra",
    "Qiang",
    "Rosa",
    "Sven",
    "Tao",
    "Uma",
    "Viktor",
    "Wei",
    "Xin",
    "Yara",
    "Zoé",
]
FAMILY = [
    "Alber",
    "Bai",
    "Costa",
    "Dang",
    "Engel",
    "Fischer",
    "Gao",
    "Huang",
    "Ito",
    "Jensen",
    "Kowalski",
    "Lindström",
    "Meyer",
    "Novák",
    "Okafor",
    "Peng",
    "Quint",
    "Rossi",
    "Sato",
    "Tang",
    "Ueda",
    "Vogel",
    "Wang",
    "Xu",
    "Yilmaz",
    "Zhang",
]


def write(root: Path, count: int, seed: int = 1) -> Path:
    """A repository root with `count` entries; the same seed gives the same bytes."""
    chance = random.Random(seed)
    real = load_catalog(REPOSITORY)
    (root / "catalog").mkdir(parents=True, exist_ok=True)
    for name in ("survey", "taxonomy", "venues"):
        shutil.copy(REPOSITORY / f"catalog/{name}.yaml", root / "catalog")
    venues = [venue for venue in real.venues.values() if venue.kind != "preprint"]
    ids: list[str] = []
    for number in range(count):
        year = 2012 + number * 14 // count
        text = _entry(chance, number, year, real.taxonomy.axes, venues, ids)
        path = root / f"catalog/papers/{year}/{ids[-1]}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def _entry(
    chance: random.Random,
    number: int,
    year: int,
    axes: Sequence[Axis],
    venues: Sequence[Venue],
    ids: list[str],
) -> str:
    words = chance.sample(ENGLISH, 8)
    authors = [_author(chance, number) for _ in range(chance.randint(2, 6))]
    family = authors[0].rpartition(" ")[2]
    ascii_family = family.translate(str.maketrans("öá", "oa")).lower()
    ids.append(f"{ascii_family}{year}{words[0].lower()}{number}")
    venue = chance.choice([v for v in venues if _held(v, year)])
    digits = 4 if year < 2015 else 5
    serial = number % (10**digits - 1) + 1
    arxiv = f"{year % 100:02}{chance.randint(1, 12):02}.{serial:0{digits}}"
    chinese = "".join(chance.sample(CHINESE, 7))
    lines = [
        f"id: {ids[-1]}",
        "title:",
        f"  en: '{' '.join(words[:4])}: {' '.join(words[4:])}'",
        f"  zh: {chinese}",
        "authors:",
        *dict.fromkeys(f"  - {author}" for author in authors),
        f"venue: {venue.id}",
        f"year: {year}",
        f"pages: {number + 1}-{number + 12}",
        "identifiers:",
        f"  arxiv: '{arxiv}'",
        f"  doi: 10.5555/synthetic.{number}",
        "links:",
        f"  paper: https://doi.org/10.5555/synthetic.{number}",
        f"  pdf: https://arxiv.org/pdf/{arxiv}",
        f"  code: https://github.com/example/synthetic-{number}",
        *_terms(chance, axes),
        "tldr:",
        f"  en: It shows that {' '.join(words).lower()} models keep what was done to them.",
        f"  zh: 该文表明{chinese}模型会保留所受的影响。",
        "  basis: abstract",
        f"  source: arXiv:{arxiv}",
        *_relation(chance, ids, arxiv),
        "added: '2026-11-01'",
        "verified:",
        "  date: '2026-11-20'",
        f"  by: ['arXiv:{arxiv}']",
    ]
    return "\n".join(lines) + "\n"


def _author(chance: random.Random, number: int) -> str:
    """A name; families are as common as in real lists, initials make persons distinct."""
    initial = chr(ord("A") + chance.randrange(26))
    second = chr(ord("A") + number % 26)
    return f"{chance.choice(GIVEN)} {initial}. {second}. {chance.choice(FAMILY)}"


def _held(venue: Venue, year: int) -> bool:
    parity = {"odd": 1, "even": 0}.get(venue.held or "", year % 2)
    return year % 2 == parity and (venue.since or 0) <= year


def _terms(chance: random.Random, axes: Sequence[Axis]) -> Iterator[str]:
    role = ""
    yield "terms:"
    for axis in axes:
        groups = {term.parent for term in axis.terms}
        fit = [t for t in axis.terms if not (axis.leaves_only and t.id in groups)]
        first = chance.choice(fit)
        role = role or first.id
        if not axis.only_for_roles or role in axis.only_for_roles:
            yield f"  {axis.id}: [{first.id}]"


def _relation(chance: random.Random, ids: list[str], arxiv: str) -> Iterator[str]:
    if len(ids) > 20 and chance.random() < 0.5:
        yield "relations:"
        yield "  - type: extends"
        yield f"    to: {chance.choice(ids[-400:-10])}"
        yield "    why: {en: builds on it, zh: 在其上发展}"
        yield "    basis: abstract"
        yield f"    source: arXiv:{arxiv}"
