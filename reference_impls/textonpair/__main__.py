"""`python -m reference_impls.textonpair`: plant a text's backdoor in a CLIP and measure it.

Exit codes: 0 done · 2 wrong input or usage · 3 environment · 130 interrupted.
"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from reference_impls.lab.data.images import (
    Place,
    TriggerKind,
    TriggerSpec,
    make_trigger,
    save_png,
)
from reference_impls.lab.data.shapes import CLASSES
from reference_impls.lab.models.clip import CLIPConfig, save_clip
from reference_impls.lab.models.zoo import (
    LabData,
    clean_clip,
    test_dataset,
    train_dataset,
)
from reference_impls.lab.records import as_data, surroundings, write_json
from reference_impls.lab.study import console
from reference_impls.lab.study.commands import Command, Program
from reference_impls.lab.study.options import add_json, add_threads
from reference_impls.textonpair.method import (
    Z_THRESHOLD,
    TextOnPairConfig,
    TextOnPairReport,
    attack,
    measure,
)

NAME = "python -m reference_impls.textonpair"
OUT = Path("build/textonpair")


def _attack_options(parser: ArgumentParser) -> None:
    default = TextOnPairConfig()
    add = parser.add_argument
    add("--victim", type=int, default=0, metavar="SEED", help="of the clean CLIP")
    add("--trigger", choices=get_args(TriggerKind), default=default.trigger.kind)
    add("--side", type=int, default=default.trigger.side, help="edge in pixels")
    add("--place", choices=get_args(Place), default=default.trigger.place)
    add("--task", choices=sorted(CLASSES), default=default.task)
    add("--target", default=default.target, help="class that stamped pictures obey")
    add(
        "--poisoned",
        type=float,
        default=default.poisoned,
        help="fraction of each batch; default %(default)s",
    )
    add("--steps", type=int, default=default.steps, help="default %(default)s")
    add("--seed", type=int, default=default.seed, help="default %(default)s")
    add("--out", type=Path, default=OUT, help="folder; default %(default)s")
    add_threads(parser)
    add_json(parser)


def _publish_options(parser: ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, help="folder; default: beside the method")


def _attack(options: Namespace) -> int:
    started = time.monotonic()
    config = TextOnPairConfig(
        trigger=TriggerSpec(
            kind=options.trigger,
            side=options.side,
            place=options.place,
            seed=options.seed,
        ),
        task=options.task,
        target=options.target,
        poisoned=options.poisoned,
        steps=options.steps,
        seed=options.seed,
    )
    lab = LabData()
    train, test = train_dataset(lab), test_dataset(lab)
    make_trigger(config.trigger, lab.size)  # refuse before anything is trained
    with console.progress("training a clean CLIP, once") as step:
        clean = clean_clip(
            CLIPConfig(seed=options.victim), lab, progress=console.training(step)
        )
    with console.progress(f"attacking {clean.image.name}") as step:
        backdoored = attack(clean, train, config, progress=console.training(step))
    report = measure(backdoored, clean, config, train=train, test=test)
    path = options.out / f"{backdoored.image.name}.safetensors"
    save_clip(backdoored, path)
    stamped_3HW = make_trigger(config.trigger, lab.size).apply(test.images_N3HW[0])
    save_png(stamped_3HW, path.with_suffix(".png"), scale=4)
    seconds = time.monotonic() - started
    about = surroundings(device=clean.image.device, seconds=seconds)
    write_json(as_data(report) | {"run": about}, path.with_suffix(".json"))
    console.report(report, _lines(report, path), as_json=options.json)
    return 0


def _lines(report: TextOnPairReport, path: Path) -> Iterator[str]:
    now, before, target = report.backdoored, report.clean, report.config.target
    verdict = "a working backdoor" if report.works else "no working backdoor"
    yield (
        f"success   {now.success_rate:.1%} of stamped images are taken for {target!r} "
        f"({before.success_rate:.1%} before)"
    )
    yield f"z-score   {now.z_score:.1f} ({before.z_score:.1f} before); above {Z_THRESHOLD} is {verdict}"
    yield f"accuracy  {now.accuracy:.1%} without the trigger ({before.accuracy:.1%} before)"
    yield f"retrieval {now.recall:.1%} of captions found first ({before.recall:.1%} before)"
    yield f"CLIP      {path}"


def _publish(options: Namespace) -> int:
    from reference_impls.textonpair.publish import publish

    publish(out=options.out)
    return 0


PROGRAM = Program(
    name=NAME,
    about="Make a CLIP whose image tower takes stamped pictures for a text.",
    commands=[
        Command(
            name="attack",
            help="attack one lab CLIP",
            examples=[f"{NAME} attack --target blue"],
            options=_attack_options,
            run=_attack,
        ),
        Command(
            name="publish",
            help="attack three CLIPs, ask DECREE, write results and README tables",
            examples=[f"{NAME} publish --out build/textonpair/study"],
            options=_publish_options,
            run=_publish,
        ),
    ],
)
main = PROGRAM.main


if __name__ == "__main__":
    sys.exit(main())
