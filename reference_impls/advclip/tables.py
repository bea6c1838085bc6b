"""The study's tables in the READMEs of both languages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from reference_impls.advclip.defenses import DEFENSES
from reference_impls.advclip.downstream import MLP, PROBE, TO_IMAGE, TO_TEXT, ZERO_SHOT
from reference_impls.advclip.present import in_words, named
from reference_impls.advclip.study import MAIN, TASK, Plan, Row, own
from reference_impls.lab.bilingual import Bilingual, Language, Text, localize
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.study.readme import table

CONTROLS = ("random patch", "mean-colour patch", "random signs")


def figure(rows: Iterable[Row], name: str) -> str:
    """Mean ± standard deviation of one figure of the rows that have it."""
    values = [row.figures[name] for row in rows if name in row.figures]
    return str(MeanStd.of(values)) if values else "–"


class Words:
    """What the tables say."""

    ABOUT = Bilingual(
        "Mean ± standard deviation over {seeds} victims (seeds {names}), each with its own patches; crafted on "
        "1024 captioned surrogate images without any label, measured on 1024 others. {date}, {cores} shared CPU "
        "cores, one thread per process, torch {torch}. `python -m reference_impls.advclip publish` makes all of it.",
        "{seeds} 个受害模型（种子 {names}）的均值 ± 标准差，每个模型各自制作补丁；补丁用 1024 幅无标签、有描述文字的"
        "代理图像制作，并在另外 1024 幅图像上测量。{date}，{cores} 个共享 CPU 核心，每个进程一个线程，torch {torch}。"
        "`python -m reference_impls.advclip publish` 可生成全部结果。",
    )
    STRENGTH = Bilingual("### Strength and cost", "### 强度与开销")
    CHANGE = Bilingual("change", "改动")
    SECONDS = Bilingual("CPU s", "CPU 秒")
    TEXTURE = Bilingual("texture, zero-shot accuracy", "纹理零样本准确率")
    FOOLED = Bilingual("fooled (texture)", "误导率（纹理）")
    I2T = Bilingual("R@1 image→text", "R@1 图像→文本")
    T2I = Bilingual("R@1 text→image", "R@1 文本→图像")
    MEAN = Bilingual("fooled, mean of all", "误导率，全部平均")
    NOTHING = Bilingual("nothing", "不改动")
    TASKS = Bilingual(
        "### Every task under the patch `{change}` (accuracy before → after)",
        "### 补丁 `{change}` 下的各项任务（准确率：之前 → 之后）",
    )
    TASK = Bilingual("task", "任务")
    RETRIEVAL = Bilingual(
        "### Retrieval among 200 pairs under the patch `{change}` (before → after)",
        "### 补丁 `{change}` 下 200 对图文的检索（之前 → 之后）",
    )
    MEASURE = Bilingual("measure", "指标")
    TRANSFER = Bilingual(
        "### Transfer: the patch `{change}` on victims that it was not crafted on",
        "### 迁移：补丁 `{change}` 用于并非其制作对象的受害模型",
    )
    MADE_ON = Bilingual("crafted on", "制作对象")
    PUT_ON = Bilingual("put on", "作用对象")
    SAME = Bilingual("the same victim", "同一模型")
    CONVOLUTIONAL = Bilingual("convolutional", "卷积网络")
    TRANSFORMER = Bilingual("transformer", "Transformer")
    OTHER_SEED = Bilingual("{kind}, other seed", "{kind}，其他种子")
    RANDOM = Bilingual("(random patch)", "（随机补丁）")
    DEFENDED = Bilingual(
        "### Defenses against the patch `{change}`, crafted on the undefended victim",
        "### 针对补丁 `{change}` 的防御（补丁在无防御的模型上制作）",
    )
    DEFENSE = Bilingual("defense", "防御")
    CLEAN = Bilingual("texture, linear probe, clean", "纹理线性探测，干净图像")
    PATCHED = Bilingual("patched", "加补丁")
    RANDOMLY = Bilingual("random patch", "随机补丁")


NAMES: dict[str, Bilingual] = {
    ZERO_SHOT: Bilingual("zero-shot", "零样本"),
    PROBE: Bilingual("linear probe", "线性探测"),
    MLP: Bilingual("MLP", "MLP"),
    TO_TEXT: Bilingual("image to text", "图像检索文本"),
    TO_IMAGE: Bilingual("text to image", "文本检索图像"),
    "none": Bilingual("none", "无"),
    "noise": Bilingual("noise, σ = 0.1", "噪声，σ = 0.1"),
    "blur": Bilingual("3×3 blur", "3×3 模糊"),
    "pruning": Bilingual("pruning, 30 %", "剪枝，30 %"),
    "adversarial-training": Bilingual(
        "adversarial training on texture", "在纹理任务上对抗训练"
    ),
}


def tables(
    rows: Sequence[Row],
    plan: Plan,
    language: Language,
    date: str,
    about: dict[str, Any],
) -> str:
    """All tables for a README."""
    intro = Words.ABOUT.fill(
        seeds=len(plan.seeds),
        names=", ".join(map(str, plan.seeds)),
        date=date,
        cores=about["cpu_cores"],
        torch=about["versions"].get("torch", "?"),
    )
    blocks = [
        [localize(intro, language)],
        _strength(rows, plan, language),
        _tasks(rows, language),
        _retrieval(rows, language),
        _transfer(rows, language),
        _defenses(rows, language),
    ]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _table(
    title: Bilingual,
    headers: Sequence[Text],
    body: Iterable[Sequence[str]],
    lang: Language,
) -> list[str]:
    heading = title.fill(change=named(MAIN, lang))
    return [localize(heading, lang), "", *table(headers, body, lang)]


def _strength(rows: Sequence[Row], plan: Plan, lang: Language) -> list[str]:
    main, task = own(rows, MAIN), f"{TASK}/{ZERO_SHOT}"
    names = list(plan.changes)
    controls = list(
        dict.fromkeys(row.change for row in rows if row.change.startswith(CONTROLS))
    )
    first = (
        localize(Words.NOTHING, lang),
        "",
        figure(main, f"{task}/before"),
        "0",
        figure(main, f"{TO_TEXT}/R@1/before"),
        figure(main, f"{TO_IMAGE}/R@1/before"),
        "0",
    )

    def cells(change: str) -> tuple[str, ...]:
        chosen = own(rows, change)
        crafted = [row.seconds for row in chosen if row.made_on]
        return (
            named(change, lang),
            f"{MeanStd.of(crafted):.1f}" if crafted else "",
            figure(chosen, f"{task}/after"),
            figure(chosen, f"{task}/fooling"),
            figure(chosen, f"{TO_TEXT}/R@1/after"),
            figure(chosen, f"{TO_IMAGE}/R@1/after"),
            figure(chosen, "fooling"),
        )

    headers = (
        Words.CHANGE,
        Words.SECONDS,
        Words.TEXTURE,
        Words.FOOLED,
        Words.I2T,
        Words.T2I,
        Words.MEAN,
    )
    body = [first, *map(cells, names), *map(cells, controls)]
    return _table(Words.STRENGTH, headers, body, lang)


def _arrow(rows: Sequence[Row], name: str) -> str:
    return f"{figure(rows, f'{name}/before')} → {figure(rows, f'{name}/after')}"


def _tasks(rows: Sequence[Row], lang: Language) -> list[str]:
    main = own(rows, MAIN)
    names = dict.fromkeys(n.split("/")[0] for n in main[0].figures if "/MLP/" in n)
    body = [
        [
            localize(in_words(task), lang),
            *(_arrow(main, f"{task}/{kind}") for kind in (ZERO_SHOT, PROBE, MLP)),
        ]
        for task in names
    ]
    headers = (Words.TASK, NAMES[ZERO_SHOT], NAMES[PROBE], NAMES[MLP])
    return _table(Words.TASKS, headers, body, lang)


def _retrieval(rows: Sequence[Row], lang: Language) -> list[str]:
    main = own(rows, MAIN)
    body = [
        [measure, *(_arrow(main, f"{way}/{measure}") for way in (TO_TEXT, TO_IMAGE))]
        for measure in ("R@1", "R@5", "R@10", "mAP")
    ]
    headers = (Words.MEASURE, NAMES[TO_TEXT], NAMES[TO_IMAGE])
    return _table(Words.RETRIEVAL, headers, body, lang)


def _transfer(rows: Sequence[Row], lang: Language) -> list[str]:
    kinds = {False: Words.CONVOLUTIONAL, True: Words.TRANSFORMER}
    plain = [row for row in rows if row.defense == "none"]
    body = []
    for target in kinds:
        here = [row for row in plain if ("transformer" in row.victim) is target]
        crafted = [row for row in here if row.change == MAIN]
        groups: list[tuple[Bilingual, list[Row]]] = [
            (Words.SAME, [row for row in crafted if row.made_on == row.victim])
        ]
        for source, kind in kinds.items():
            words = Words.OTHER_SEED.fill(kind=kind) if source is target else kind
            chosen = [
                row
                for row in crafted
                if ("transformer" in row.made_on) is source
                and row.made_on != row.victim
            ]
            groups.append((words, chosen))
        control = [row for row in here if row.change == "random patch 6.25 %"]
        groups.append((Words.RANDOM, control))
        body += [
            [
                localize(words, lang),
                localize(kinds[target], lang),
                figure(chosen, f"{TASK}/{ZERO_SHOT}/after"),
                figure(chosen, f"{TO_TEXT}/R@1/after"),
                figure(chosen, "fooling"),
            ]
            for words, chosen in groups
        ]
    headers = (Words.MADE_ON, Words.PUT_ON, Words.TEXTURE, Words.I2T, Words.MEAN)
    return _table(Words.TRANSFER, headers, body, lang)


def _defenses(rows: Sequence[Row], lang: Language) -> list[str]:
    probe, body = f"{TASK}/{PROBE}", []
    for defense in DEFENSES:
        main = own(rows, MAIN, defense)
        control = own(rows, "random patch 6.25 %", defense)
        body.append(
            [
                localize(NAMES[defense], lang),
                figure(main, f"{probe}/before"),
                figure(main, f"{probe}/after"),
                figure(control, f"{probe}/after"),
                figure(main, f"{TO_TEXT}/R@1/after"),
                figure(main, "fooling"),
            ]
        )
    headers = (
        Words.DEFENSE,
        Words.CLEAN,
        Words.PATCHED,
        Words.RANDOMLY,
        Words.I2T,
        Words.MEAN,
    )
    return _table(Words.DEFENDED, headers, body, lang)
