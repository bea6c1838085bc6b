"""The matrix for a reader: tables in Markdown, and a page in both languages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reference_impls.arena.matrix import Cell, task_label
from reference_impls.arena.registry import (
    ACCURACY,
    ATTACKS,
    DEFENSES,
    FALSE_ALARM,
    FOUND,
    SCORE,
    SUCCESS,
    fine_tunings,
)
from reference_impls.lab.bilingual import Bilingual, Language, Text, localize
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.study.page import Answer, Page, Section, Table
from reference_impls.lab.study.readme import table


class Words:
    """What is said around the figures."""

    TITLE = Bilingual("The arena", "竞技场")
    SUBJECT = Bilingual(
        "Every attack against every defense, on one population",
        "同一组对象上的每种攻击与每种防御",
    )
    HEADLINE = Bilingual("{best} keeps most", "{best}保留得最多")
    DETAIL = Bilingual(
        "Averaged over tasks, under the universal attack that costs it most, it keeps {value:.1%}; "
        "standard fine-tuning keeps {standard:.1%}.",
        "对各任务取平均，在使其损失最大的通用攻击下仍保留 {value:.1%}；标准微调保留 {standard:.1%}。",
    )
    NOTHING = Bilingual("Nothing has been run yet", "尚未运行任何项目")
    ATTACK = Bilingual("attack", "攻击")
    ROBUST = Bilingual("Accuracy under each attack: {task}", "各攻击下的准确率：{task}")
    HIGHER = Bilingual(
        "Mean ± sd over seeds of the accuracy on test images. Universal attacks are made on the public encoder "
        "before any fine-tuning, without the task; white-box ones on the fine-tuned model itself.",
        "测试图像上的准确率，为各随机种子的均值 ± 标准差。通用攻击在任何微调之前、不使用任务，仅在公开编码器上制成；"
        "白盒攻击直接针对微调后的模型。",
    )
    BACKDOOR = Bilingual(
        "A backdoor in the public encoder: {task}", "公开编码器中的后门：{task}"
    )
    SUCCESSES = Bilingual(
        "BadEncoder plants a backdoor before the defender fine-tunes. Attack success rate afterwards; lower is better.",
        "BadEncoder 在防御者微调之前植入后门。此处为微调之后的攻击成功率，越低越好。",
    )
    VERDICTS = Bilingual("What DECREE says", "DECREE 的判定")
    VERDICTS_TEXT = Bilingual(
        "Share of encoders that DECREE flags as backdoored, and the area of the smallest trigger (PL1): for clean "
        "encoders, for backdoored ones, and for both after fine-tuning.",
        "DECREE 判定为含后门的编码器比例，以及最小触发器的面积占比（PL1）：分别针对干净编码器、被植入后门的编码器，以及二者微调之后。",
    )
    ENCODER = Bilingual("encoder", "编码器")
    CLEAN = Bilingual("clean, {after}", "干净，{after}")
    BAD = Bilingual("backdoored, {after}", "含后门，{after}")
    AS_IS = Bilingual("as it is", "未经微调")
    FLAGGED = Bilingual("flagged", "判为含后门")
    DEFENSE = Bilingual("defense", "防御")
    KEPT = Bilingual("accuracy without trigger", "无触发器时的准确率")
    MADE = Bilingual(
        "Made on {date} by `{command}` ({device}, torch {torch}, {threads} thread); {finished} of {total} trials have "
        "been run, a dash stands where none was. A figure without ± rests on one seed.",
        "{date} 由 `{command}` 生成（{device}，torch {torch}，{threads} 线程）；已运行 {finished}/{total} 项，短横表示尚无结果。"
        "不带 ± 的数值只来自一个种子。",
    )
    WAITING = Bilingual(
        "{count} of {total} trials have not been run; their cells say so.",
        "{total} 项中有 {count} 项尚未运行，对应的单元格已注明。",
    )


def sections(found: Sequence[Cell]) -> list[Section]:
    """All tables, as the page and the README show them."""
    tasks = list(
        dict.fromkeys(
            cell.task for cell in found if cell.metric == ACCURACY.id and cell.task
        )
    )
    return [
        *(_robust(found, task) for task in tasks),
        *(
            _backdoor(found, task)
            for task in tasks
            if _pick(found, task=task, metric=SUCCESS.id)
        ),
        *([_verdicts(found)] if _pick(found, metric=SCORE.id) else []),
    ]


def _robust(found: Sequence[Cell], task: str) -> Section:
    rows: list[tuple[Text, ...]] = []
    for attack in ATTACKS:
        if attack.kind == "backdoor":
            continue
        cells = [
            _shown(found, attack=attack.id, defense=one.id, task=task)
            for one in fine_tunings()
        ]
        rows.append((attack.label, *cells))
    heads = (Words.ATTACK, *(one.short for one in fine_tunings()))
    return Section(
        Words.ROBUST.fill(task=task_label(task)),
        paragraphs=(Words.HIGHER,),
        table=Table(heads, rows),
    )


def _backdoor(found: Sequence[Cell], task: str) -> Section:
    rows: list[tuple[Text, ...]] = [
        (
            one.label,
            *(
                _shown(
                    found,
                    attack="badencoder",
                    defense=one.id,
                    task=task,
                    metric=metric,
                )
                for metric in (SUCCESS.id, "backdoored-accuracy")
            ),
        )
        for one in fine_tunings()
    ]
    return Section(
        Words.BACKDOOR.fill(task=task_label(task)),
        paragraphs=(Words.SUCCESSES,),
        table=Table((Words.DEFENSE, SUCCESS.label, Words.KEPT), rows),
    )


def _verdicts(found: Sequence[Cell]) -> Section:
    rows: list[tuple[Text, ...]] = []
    labels = {one.id: one.label for one in DEFENSES}
    for attack, flag, words in (
        ("clean", FALSE_ALARM.id, Words.CLEAN),
        ("badencoder", FOUND.id, Words.BAD),
    ):
        for after in (None, *(one.id for one in fine_tunings())):
            chosen = {"attack": attack, "defense": "decree", "after": after}
            if not _pick(found, **chosen):
                continue
            how = Words.AS_IS if after is None else labels[after]
            rows.append(
                (
                    words.fill(after=how),
                    _shown(found, metric=flag, **chosen),
                    _shown(found, metric=SCORE.id, **chosen),
                )
            )
    return Section(
        Words.VERDICTS,
        paragraphs=(Words.VERDICTS_TEXT,),
        table=Table((Words.ENCODER, Words.FLAGGED, "PL1"), rows),
    )


def _pick(found: Sequence[Cell], **wanted: Any) -> list[Cell]:
    return [
        cell
        for cell in found
        if cell.value is not None
        and all(getattr(cell, name) == value for name, value in wanted.items())
    ]


def _shown(found: Sequence[Cell], **wanted: Any) -> str:
    cell = next(iter(_pick(found, **wanted)), None)
    if cell is None or cell.value is None:
        return "–"
    return str(MeanStd(cell.value, cell.deviation or 0.0, len(cell.seeds)))


# -- Page and Markdown ---------------------------------------------------------------


def page(found: Sequence[Cell], *, waiting: int, total: int, about: Any) -> Page:
    """The whole matrix as a page."""
    return Page(
        title=Words.TITLE,
        subject=Words.SUBJECT,
        answer=_answer(found, waiting, total),
        sections=sections(found),
        about=about,
    )


def _answer(found: Sequence[Cell], waiting: int, total: int) -> Answer:
    missing = Words.WAITING.fill(count=waiting, total=total)
    kept = {one.id: _worst(found, one.id) for one in fine_tunings()}
    known = {name: value for name, value in kept.items() if value is not None}
    if not known:
        return Answer("open", Words.NOTHING, missing)
    best = max(known, key=lambda name: known[name])
    label = next(one.label for one in DEFENSES if one.id == best)
    detail = Words.DETAIL.fill(value=known[best], standard=known.get("standard", 0.0))
    return Answer(
        "calm",
        Words.HEADLINE.fill(best=label),
        detail.then(missing) if waiting else detail,
    )


def _worst(found: Sequence[Cell], defense: str) -> float | None:
    """Mean over tasks of the accuracy under the universal attack that costs the defense most."""
    universal = {one.id for one in ATTACKS if one.kind == "universal"}
    by_task: dict[str, list[float]] = {}
    for cell in _pick(found, defense=defense, metric=ACCURACY.id):
        if cell.attack in universal and cell.task and cell.value is not None:
            by_task.setdefault(cell.task, []).append(cell.value)
    if not by_task:
        return None
    return sum(min(values) for values in by_task.values()) / len(by_task)


def provenance(about: dict[str, Any]) -> Bilingual:
    """When and how the figures came about, in one paragraph."""
    return Words.MADE.fill(
        torch=about["versions"]["torch"],
        **about["trials"],
        **{name: about[name] for name in ("date", "command", "device", "threads")},
    )


def markdown(found: Sequence[Cell], language: Language) -> str:
    """The tables for a README."""
    parts = []
    for section in sections(found):
        parts += [f"### {localize(section.title, language)}", ""]
        parts += [
            line
            for text in section.paragraphs
            for line in (localize(text, language), "")
        ]
        if section.table:
            parts += table(section.table.headers, section.table.rows, language)
            parts.append("")
    return "\n".join(parts)
