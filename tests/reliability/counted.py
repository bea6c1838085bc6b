"""What was counted, and docs/reliability.md made from it."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
COUNTS = Path(__file__).with_name("counts.json")
DOC = ROOT / "docs/reliability.md"

TEXTS = {
    "en": {
        "head": "# Reliability\n\n[中文](#可靠性)\n\nWhat was tried, and how often it went wrong. The figures are counts of the commands below; this page is written by them.",
        "kills": "## Kills\n\nA command is killed (SIGKILL) at a random moment, half of the time while it writes. Then every file must be as before or as after a whole run, and the same command, run again, must come to the same end as if nothing had happened and leave nothing unfinished behind. *Lost*: a file or a result is gone. *Torn*: a file is neither old nor new. *Blocked*: the next run fails or ends otherwise.",
        "columns": "| command | killed | left a file unfinished | lost | torn | blocked | left over afterwards |",
        "fuzz": "## Odd catalogs\n\nEach run changes one to three files of a small catalog, in structure or as text, and runs `validate`, `build`, `report` or `doctor` on it. Wrong is a traceback, another exit code than 0 to 3, or more than 5 seconds.",
        "rows": {"runs": "inside one process", "programs": "as whole programs"},
        "table": "| how | runs | wrong | slowest run |",
        "seed": ", seed `{}`",
        "made": "{date}, {machine}{seed}. Again: `{command}`",
        "covered": "## What the tests reach\n\nStatements and branches that run while all tests do, those in other programs that the tests start included.",
        "reached": "| code | statements | branches | reached |",
        "mutants": "## What the tests notice\n\nOne small change of the code at a time (cosmic-ray: another operator, another number, a condition turned round, a loop left out), drawn by a seed from all changes of a part, those inside type annotations excepted; then the tests of that part run. A change that no test fails with has survived. Survivors are read: what is a gap gets a test, and the next draw is a new one. About half change nothing that can be seen: `==` for `is`, a bound of a loop that is never met, a frozen class thawed, one letter more of a quoted text.",
        "noticed": "| part | possible changes | tried | noticed | share |",
        "full": "## Full disk, read-only tree\n\n`tests/reliability/test_disk.py` runs each command that writes (`build`, `build --pages`, `fmt`, `import`, `add`, `verify --fix`, `check-links`, `check-links --fix`, and the command of a method that trains) where the disk is full from the first byte, early, or just before the end, and where nothing may be written: one line says so, exit code 3, no file has changed, and nothing unfinished is left. What a command keeps as it goes (answers, the history of links, trained encoders) is whole, and once there is room again the same command comes to the end it would have come to.",
    },
    "zh": {
        "head": "# 可靠性\n\n[English](#reliability)\n\n试过什么、出错几次。数字来自下列命令的计数，本页由它们写成。",
        "kills": "## 强行终止\n\n在随机时刻（一半在写文件时）用 SIGKILL 终止命令。此后每个文件必须与运行前或完整运行后一致；再次运行同一命令，结果须与未被终止时相同，且不留下未写完的文件。*丢失*：文件或结果不见了。*撕裂*：文件既非旧也非新。*受阻*：下一次运行失败或结果不同。",
        "columns": "| 命令 | 终止次数 | 留下未写完的文件 | 丢失 | 撕裂 | 受阻 | 之后仍有残留 |",
        "fuzz": "## 怪异的目录\n\n每次运行改动一个小目录中的一至三个文件（改结构或改文本），再运行 `validate`、`build`、`report` 或 `doctor`。出现回溯、退出码不在 0 到 3 之间或超过 5 秒，即为出错。",
        "rows": {"runs": "同一进程内", "programs": "独立程序"},
        "table": "| 方式 | 次数 | 出错 | 最慢一次 |",
        "seed": "，种子 `{}`",
        "made": "{date}，{machine}{seed}。重做：`{command}`",
        "covered": "## 测试覆盖了什么\n\n运行全部测试时执行到的语句和分支，包括测试启动的其他程序中的语句和分支。",
        "reached": "| 代码 | 语句 | 分支 | 覆盖率 |",
        "mutants": "## 测试能发现什么\n\n每次对代码做一处小改动（由 cosmic-ray 完成：换运算符、换数字、条件取反、跳过循环），按种子从某一部分的全部改动中抽取，类型注解内的改动除外；然后运行该部分的测试。没有任何测试因之失败的改动即为存活。存活的改动会逐一查看：属于遗漏的补上测试，下一次重新抽取。其中约一半并不改变任何可见行为：以 `==` 代 `is`、永远达不到的循环上界、不再冻结的类、引文多显示一个字母。",
        "noticed": "| 部分 | 可能的改动 | 试过 | 被发现 | 比例 |",
        "full": "## 磁盘已满、目录只读\n\n`tests/reliability/test_disk.py` 运行每个会写文件的命令（`build`、`build --pages`、`fmt`、`import`、`add`、`verify --fix`、`check-links`、`check-links --fix`，以及一个方法的训练命令）：磁盘从第一个字节起、稍后、或临近结束时写满，以及不可写之处。结果均为一行说明、退出码 3，没有文件改变，也没有留下未写完的文件。命令随时保存的内容（应答、链接历史、训练好的编码器）完整无缺；有了空间后再次运行，结果与从未中断时相同。",
    },
}
COMMANDS = {
    "covered": "make cover",
    "mutants": "python -m tests.reliability.mutants --each 30 --write",
    "kills": "python -m tests.reliability.kills --write",
    "runs": "python -m tests.fuzz.catalogs --runs 200000 --seconds 36000 --write",
    "programs": "python -m tests.fuzz.catalogs --programs --runs 1000 --write",
}


def keep(name: str, data: dict[str, Any], *, more: bool = False) -> None:
    """Keep the counts of one command with day and machine, and write the page again.

    With `more` they are added to those of before, of which they are the continuation; else they take the place of those of
    the same scenes.
    """
    known = json.loads(COUNTS.read_text("utf-8")) if COUNTS.exists() else {}
    machine = f"{platform.system()}, {platform.machine()}, {os.cpu_count()} CPU, Python {platform.python_version()}"
    about = {"date": datetime.now(UTC).date().isoformat(), "machine": machine}
    if more and known.get(name, {}).get("seed") == data["seed"]:
        data = _added(known[name], data)
    elif scenes := known.get(name, {}).get("scenes"):
        data = {**data, "scenes": scenes | data["scenes"]}
    known[name] = {**about, **data}
    COUNTS.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", "utf-8")
    DOC.write_text(page(known), "utf-8")


def _added(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    total = dict(new)
    for key, value in new.items():
        if isinstance(value, dict):
            total[key] = {**old.get(key, {}), **_added(old.get(key, {}), value)}
        elif key == "slowest":
            total[key] = max(value, old.get(key, 0))
        elif isinstance(value, int):
            total[key] = value + old.get(key, 0)
    return total


def page(known: dict[str, Any]) -> str:
    """The page, in both languages."""
    return "\n\n".join(_part(known, lang) for lang in TEXTS) + "\n"


def _part(known: dict[str, Any], lang: str) -> str:
    said: dict[str, Any] = TEXTS[lang]
    out = [said["head"], said["kills"]]
    if kills := known.get("kills"):
        out += [_kills(kills, said), _made(kills, "kills", said)]
    out.append(said["fuzz"])
    rows = [
        f"| {told} | {known[name]['runs']:,} | {known[name]['wrong']} | {known[name]['slowest'] / 1000:.2f} s |"
        for name, told in said["rows"].items()
        if name in known
    ]
    out.append("\n".join([said["table"], "|---|--:|--:|--:|", *rows]))
    out += [_made(known[name], name, said) for name in said["rows"] if name in known]
    out.append(said["full"])
    if covered := known.get("covered"):
        out += [
            said["covered"],
            _covered(covered, said),
            _made(covered, "covered", said),
        ]
    if mutants := known.get("mutants"):
        out += [
            said["mutants"],
            _mutants(mutants, said),
            _made(mutants, "mutants", said),
        ]
    return "\n\n".join(out)


def _covered(covered: dict[str, Any], said: dict[str, Any]) -> str:
    lines = [
        f"| `{name}` | {one['statements']:,} | {one['branches']:,} | {one['percent']:.1f} % |"
        for name, one in covered["scenes"].items()
    ]
    return "\n".join([said["reached"], "|---|--:|--:|--:|", *lines])


def _mutants(mutants: dict[str, Any], said: dict[str, Any]) -> str:
    rows = dict(mutants["scenes"])
    rows["**Σ**"] = {k: sum(one[k] for one in rows.values()) for k in ("of", "tried", "killed")}  # fmt: skip
    lines = [
        f"| {name} | {one['of']:,} | {one['tried']} | {one['killed']} | {one['killed'] / one['tried']:.0%} |"
        for name, one in rows.items()
    ]
    return "\n".join([said["noticed"], "|---|--:|--:|--:|--:|", *lines])


def _kills(kills: dict[str, Any], said: dict[str, Any]) -> str:
    words = ("killed", "unfinished", "lost", "torn", "blocked", "left over")
    scenes = kills["scenes"]
    rows = {name: [row.get(word, 0) for word in words] for name, row in scenes.items()}
    rows["**Σ**"] = [sum(column) for column in zip(*rows.values(), strict=True)]
    lines = [f"| {n} | {' | '.join(map(str, row))} |" for n, row in rows.items()]
    return "\n".join([said["columns"], "|---|--:|--:|--:|--:|--:|--:|", *lines])


def _made(counts: dict[str, Any], name: str, said: dict[str, Any]) -> str:
    seed = said["seed"].format(counts["seed"]) if "seed" in counts else ""
    return str(said["made"].format(**counts | {"seed": seed}, command=COMMANDS[name]))
