"""What is told of the trials: the figures of the website, and the tables of the READMEs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reference_impls.advclip.defenses import DEFENSES
from reference_impls.advclip.downstream import MLP, PROBE, TO_IMAGE, TO_TEXT, ZERO_SHOT
from reference_impls.advclip.report import heads, in_words, named
from reference_impls.lab.bilingual import Bilingual, Language, Text, Words, localize
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.study.headline import average, percent
from reference_impls.lab.study.readme import table
from reference_impls.lab.study.study import Found

WORDS = Words.beside(__file__)
MAIN, CONTROL = "direct 6.25 %", "random patch 6.25 %"
"""The change that transfer and defenses are measured with, and its control."""
TASK = "texture"
"""Task of the summary, and of adversarial training."""
READ, RETRIEVED = f"{TASK}/{ZERO_SHOT}", f"{TO_TEXT}/R@1"
CONTROLS = ("random patch", "mean-colour patch", "random signs")

Row = Mapping[str, Any]
"""A trial as `results.json` holds it."""
Rows = Sequence[Row]


def own(rows: Iterable[Row], change: str, defense: str = "none") -> Rows:
    """A change on the convolutional victims it was crafted on; a control on all of them."""
    return [
        row
        for row in rows
        if (row["change"], row["defense"]) == (change, defense)
        and "transformer" not in row["victim"]
        and row["made_on"] in ("", row["victim"])
    ]


def values(rows: Rows, name: str) -> list[float]:
    """One figure of the rows that have it."""
    return [row["figures"][name] for row in rows if name in row["figures"]]


def mean_std(rows: Rows, name: str) -> str:
    """Mean ± standard deviation of one figure."""
    found = values(rows, name)
    return str(MeanStd.of(found)) if found else "–"


# -- Website -------------------------------------------------------------------------


def headline(found: Found) -> list[dict[str, Any]]:
    """Accuracy and retrieval under the main patch, and what it fools at home, elsewhere, blurred."""
    rows = found["rows"]
    main, control = own(rows, MAIN), own(rows, CONTROL)
    told = [
        percent(
            WORDS[f"headline.{label}"],
            values(main, f"{figure}/after"),
            better="lower",
            setting=WORDS["headline.beside"].fill(
                clean=average(values(main, f"{figure}/before")),
                control=average(values(control, f"{figure}/after")),
            ),
        )
        for label, figure in (("accuracy", READ), ("recall", RETRIEVED))
    ]
    settings = {
        "home": main,
        "foreign": _foreign(rows),
        "blurred": own(rows, MAIN, "blur"),
    }
    beside = average(values(control, "fooling"))
    for name, chosen in settings.items():
        if chosen:
            told.append(
                percent(
                    WORDS["headline.fooled"],
                    values(chosen, "fooling"),
                    better="higher",
                    setting=WORDS[f"headline.{name}"].fill(control=beside),
                )
            )
    return told


def _foreign(rows: Rows) -> Rows:
    """The main patch on convolutional victims of other seeds than it was made on."""
    return [
        row
        for row in rows
        if (row["change"], row["defense"]) == (MAIN, "none")
        and row["made_on"] != row["victim"]
        and "transformer" not in row["made_on"] + row["victim"]
    ]


# -- READMEs -------------------------------------------------------------------------


def tables(found: Found, language: Language) -> str:
    """All tables for a README."""
    rows, seeds, run = found["rows"], found["study"]["seeds"], found["run"]
    about = WORDS["tables.about"].fill(
        count=len(seeds),
        seeds=", ".join(map(str, seeds)),
        date=run["date"],
        cores=run["cpu_cores"],
        torch=run["versions"].get("torch", "?"),
        command=run["command"],
    )
    blocks = {
        "strength": _strength(rows, list(found["settings"]), language),
        "tasks": _tasks(rows, language),
        "retrieval": _retrieval(rows, language),
        "transfer": _transfer(rows, language),
        "defenses": _defenses(rows, language),
    }
    parts = [localize(about, language)]
    for name, lines in blocks.items():
        title = WORDS[f"tables.{name}"].fill(change=named(MAIN, language))
        parts += [localize(title, language), "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def _strength(rows: Rows, changes: Sequence[str], language: Language) -> list[str]:
    main = own(rows, MAIN)
    measured = (f"{READ}/after", f"{READ}/fooling")
    retrieved = [f"{way}/R@1" for way in (TO_TEXT, TO_IMAGE)]
    names = dict.fromkeys(row["change"] for row in rows)
    controls = [name for name in names if name.startswith(CONTROLS)]

    def cells(change: str) -> list[str]:
        chosen = own(rows, change)
        crafted = [row["seconds"] for row in chosen if row["made_on"]]
        return [
            named(change, language),
            f"{MeanStd.of(crafted):.1f}" if crafted else "",
            *(mean_std(chosen, name) for name in measured),
            *(mean_std(chosen, f"{name}/after") for name in retrieved),
            mean_std(chosen, "fooling"),
        ]

    first: list[Text] = [
        WORDS["tables.nothing"],
        "",
        mean_std(main, f"{READ}/before"),
        "0",
        *(mean_std(main, f"{name}/before") for name in retrieved),
        "0",
    ]
    columns = heads(
        "change", "seconds", "texture", "fooled texture", "to text", "to image", "mean"
    )
    return table(columns, [first, *map(cells, [*changes, *controls])], language)


def _arrow(rows: Rows, name: str) -> str:
    return f"{mean_std(rows, f'{name}/before')} → {mean_std(rows, f'{name}/after')}"


def _tasks(rows: Rows, language: Language) -> list[str]:
    main, kinds = own(rows, MAIN), (ZERO_SHOT, PROBE, MLP)
    tasks = dict.fromkeys(n.split("/")[0] for n in main[0]["figures"] if "/MLP/" in n)
    body = [
        [in_words(task), *(_arrow(main, f"{task}/{kind}") for kind in kinds)]
        for task in tasks
    ]
    return table([*heads("task"), *map(in_words, kinds)], body, language)


def _retrieval(rows: Rows, language: Language) -> list[str]:
    main, ways = own(rows, MAIN), (TO_TEXT, TO_IMAGE)
    body = [
        [measure, *(_arrow(main, f"{way}/{measure}") for way in ways)]
        for measure in ("R@1", "R@5", "R@10", "mAP")
    ]
    return table([*heads("measure"), *map(in_words, ways)], body, language)


def _kind(victim: str) -> str:
    return "transformer" if "transformer" in victim else "convolutional"


def _transfer(rows: Rows, language: Language) -> list[str]:
    names = (f"{READ}/after", f"{RETRIEVED}/after", "fooling")
    plain = [row for row in rows if row["defense"] == "none"]
    body: list[list[Text]] = []
    for kind in ("convolutional", "transformer"):
        here = [row for row in plain if _kind(row["victim"]) == kind]
        for words, chosen in _sources(here, kind):
            figures = [mean_std(chosen, name) for name in names]
            body.append([words, in_words(kind), *figures])
    columns = heads("made on", "put on", "texture", "to text", "mean")
    return table(columns, body, language)


def _sources(here: Rows, target: str) -> Iterable[tuple[Bilingual, Rows]]:
    """The rows of one kind of victim, by where the main patch was made; the control last."""
    crafted = [row for row in here if row["change"] == MAIN]
    yield WORDS["tables.same"], [r for r in crafted if r["made_on"] == r["victim"]]
    for source in ("convolutional", "transformer"):
        words = WORDS[f"names.{source}"]
        if source == target:
            words = WORDS["tables.other seed"].fill(kind=words)
        foreign = [row for row in crafted if row["made_on"] != row["victim"]]
        yield words, [row for row in foreign if _kind(row["made_on"]) == source]
    yield WORDS["tables.control"], [row for row in here if row["change"] == CONTROL]


def _defenses(rows: Rows, language: Language) -> list[str]:
    probe, body = f"{TASK}/{PROBE}", []
    for defense in DEFENSES:
        main, control = own(rows, MAIN, defense), own(rows, CONTROL, defense)
        cells: list[Text] = [
            WORDS[f"defenses.{defense}"],
            mean_std(main, f"{probe}/before"),
            mean_std(main, f"{probe}/after"),
            mean_std(control, f"{probe}/after"),
            mean_std(main, f"{RETRIEVED}/after"),
            mean_std(main, "fooling"),
        ]
        body.append(cells)
    columns = heads("defense", "clean", "patched", "random patch", "to text", "mean")
    return table(columns, body, language)
