"""Who takes part: attacks, defenses, detectors, and what is measured; names in both languages.

Every registry entry names the card of the method that runs it and the entries of the catalog that
it runs, so that the website can link to both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reference_impls.lab.bilingual import Bilingual

AttackKind = Literal["none", "control", "universal", "white-box", "backdoor"]
DefenseKind = Literal["fine-tuning", "detector"]


@dataclass(frozen=True, kw_only=True)
class Attack:
    """A column of the matrix."""

    id: str
    """Stable; the website's anchor."""
    kind: AttackKind
    """`universal` attacks are made on the public encoder, `white-box` ones on the defended model."""
    label: Bilingual
    """What a reader sees."""
    card: str | None = None
    """Folder of the method that makes it; none for the lab's own."""
    papers: tuple[str, ...] = ()
    """Entries of the catalog that it runs, or whose idea it takes."""
    size: Bilingual
    """How large it is."""


@dataclass(frozen=True, kw_only=True)
class Defense:
    """A row of the matrix."""

    id: str
    """Stable; the website's anchor."""
    kind: DefenseKind
    """`fine-tuning` gives a classifier, `detector` a verdict on an encoder."""
    label: Bilingual
    """What a reader sees."""
    card: str
    """Folder of the method that runs it."""
    papers: tuple[str, ...] = ()
    """Entries of the catalog that it runs, or whose idea it takes."""
    short: Bilingual
    """At the head of a column."""
    arm: str | None = None
    """Its name in Gen-AF's comparison."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What a cell measures."""

    id: str
    label: Bilingual
    better: Literal["higher", "lower"]
    """What a defender wants."""
    unit: str = "fraction"


AUTO_PGD = "adaptive"
EPSILON = Bilingual("ε of the task", "任务所定的 ε")
LEVELS = Bilingual("±10 of 255 levels", "±10 个灰度级（共 255 级）")
SIXTEENTH = Bilingual("6.25 % of the image", "图像的 6.25 %")

ATTACKS: tuple[Attack, ...] = (
    Attack(
        id="clean",
        kind="none",
        label=Bilingual("no attack", "无攻击"),
        size=Bilingual("-", "-"),
    ),
    Attack(
        id="random-perturbation",
        kind="control",
        label=Bilingual("random signs", "随机符号扰动"),
        size=LEVELS,
    ),
    Attack(
        id="uap",
        kind="universal",
        label=Bilingual("plain UAP on the encoder", "编码器上的朴素通用扰动"),
        card="advencoder",
        papers=("moosavidezfooli2017universal",),
        size=LEVELS,
    ),
    Attack(
        id="advencoder-per",
        kind="universal",
        label=Bilingual("AdvEncoder, perturbation", "AdvEncoder 扰动"),
        card="advencoder",
        papers=("zhou2023downstreamagnostic",),
        size=LEVELS,
    ),
    Attack(
        id="random-patch",
        kind="control",
        label=Bilingual("random patch", "随机补丁"),
        size=SIXTEENTH,
    ),
    Attack(
        id="advencoder-pat",
        kind="universal",
        label=Bilingual("AdvEncoder, patch", "AdvEncoder 补丁"),
        card="advencoder",
        papers=("zhou2023downstreamagnostic",),
        size=SIXTEENTH,
    ),
    Attack(
        id="advclip-patch",
        kind="universal",
        label=Bilingual(
            "AdvCLIP patch, made on a CLIP", "AdvCLIP 补丁（在 CLIP 上制成）"
        ),
        card="advclip",
        papers=("zhou2023advclip",),
        size=SIXTEENTH,
    ),
    Attack(
        id="pgd-20",
        kind="white-box",
        label=Bilingual("PGD-20 on the model", "对模型的 PGD-20"),
        size=EPSILON,
    ),
    Attack(
        id=AUTO_PGD,
        kind="white-box",
        label=Bilingual(
            "APGD-CE and APGD-DLR, the worse", "APGD-CE 与 APGD-DLR 取较强者"
        ),
        size=EPSILON,
    ),
    Attack(
        id="badencoder",
        kind="backdoor",
        label=Bilingual("BadEncoder, before fine-tuning", "BadEncoder（微调之前植入）"),
        card="badencoder",
        papers=("jia2022badencoder",),
        size=Bilingual("6 x 6 pixels", "6 × 6 像素"),
    ),
)


def _fine_tuning(
    arm: str,
    *,
    id: str,
    label: Bilingual,
    short: Bilingual | None = None,
    papers: tuple[str, ...] = (),
) -> Defense:
    return Defense(
        id=id,
        kind="fine-tuning",
        label=label,
        card="gen_af",
        papers=papers,
        short=short or label,
        arm=arm,
    )


DEFENSES: tuple[Defense, ...] = (
    _fine_tuning(
        "linear probe",
        id="linear-probe",
        label=Bilingual("none: linear probe", "无防御：线性探测"),
        short=Bilingual("none", "无防御"),
    ),
    _fine_tuning(
        "standard",
        id="standard",
        label=Bilingual("standard fine-tuning", "标准微调"),
        short=Bilingual("standard", "标准微调"),
    ),
    _fine_tuning(
        "PGD-AT",
        id="pgd-at",
        label=Bilingual("PGD adversarial fine-tuning", "PGD 对抗微调"),
        short=Bilingual("PGD-AT", "PGD 对抗"),
    ),
    _fine_tuning("TRADES", id="trades", label=Bilingual("TRADES", "TRADES")),
    _fine_tuning(
        "Gen-AF",
        id="gen-af",
        label=Bilingual("Gen-AF", "Gen-AF"),
        papers=("zhou2024securely",),
    ),
    Defense(
        id="decree",
        kind="detector",
        label=Bilingual("DECREE", "DECREE"),
        card="decree",
        papers=("feng2023detecting",),
        short=Bilingual("DECREE", "DECREE"),
    ),
)

ACCURACY = Metric(
    id="accuracy",
    label=Bilingual("accuracy under the attack", "受攻击时的准确率"),
    better="higher",
)
BACKDOORED_ACCURACY = Metric(
    id="backdoored-accuracy",
    label=Bilingual("accuracy without the trigger", "无触发器时的准确率"),
    better="higher",
)
SUCCESS = Metric(
    id="attack-success-rate",
    label=Bilingual("attack success rate", "攻击成功率"),
    better="lower",
)
FOUND = Metric(
    id="found",
    label=Bilingual(
        "share of backdoored encoders flagged", "被判定含后门的比例（确有后门的编码器）"
    ),
    better="higher",
)
FALSE_ALARM = Metric(
    id="false-alarm",
    label=Bilingual(
        "share of clean encoders flagged", "被判定含后门的比例（无后门的编码器）"
    ),
    better="lower",
)
SCORE = Metric(
    id="pl1",
    label=Bilingual("PL1, the smallest trigger's area", "PL1：最小触发器的面积占比"),
    better="higher",
)
METRICS = (ACCURACY, BACKDOORED_ACCURACY, SUCCESS, FOUND, FALSE_ALARM, SCORE)

UNTOUCHED = Bilingual(
    "this attack changes images, not encoders: the detector sees the clean public encoder, see “no attack”",
    "该攻击改动图像而非编码器：检测器所见即干净的公开编码器，见“无攻击”一列",
)
"""Why a detector has no cell of its own against attacks on images."""
NOT_RUN = Bilingual("not run", "未运行")


def fine_tunings() -> tuple[Defense, ...]:
    """The defenses that give a classifier."""
    return tuple(one for one in DEFENSES if one.kind == "fine-tuning")
