"""`python -m reference_impls.textonpair`: plant a text's backdoor in a CLIP and measure it.

Exit codes: 0 done · 2 wrong input or usage · 3 environment.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

import torch

from reference_impls.lab import console
from reference_impls.lab.clip import CLIPConfig, save_clip
from reference_impls.lab.images import (
    Place,
    TriggerKind,
    TriggerSpec,
    make_trigger,
    save_png,
)
from reference_impls.lab.report import as_data, surroundings, write_json
from reference_impls.lab.shapes import CLASSES
from reference_impls.lab.zoo import LabWorld, clean_clip, test_world, train_world
from reference_impls.textonpair.method import (
    Z_THRESHOLD,
    TextOnPairConfig,
    TextOnPairReport,
    attack,
    measure,
)

OUT = Path("build/textonpair")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    default = TextOnPairConfig()
    top = argparse.ArgumentParser(
        prog="python -m reference_impls.textonpair",
        description="Make a CLIP whose image tower takes stamped pictures for a text.",
        epilog="example: python -m reference_impls.textonpair attack --target blue\n\n"
        "exit codes: 0 done, 2 wrong input or usage, 3 environment",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True)
    add = commands.add_parser("attack", help="attack one lab CLIP").add_argument
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
    add("--threads", type=int, default=1, help="default 1: more only pay on idle cores")
    add("--json", action="store_true", help="print the report as JSON")
    publish = commands.add_parser(
        "publish",
        help="attack three CLIPs, ask DECREE, write results and README tables",
    )
    publish.add_argument("--out", type=Path, help="folder; default: beside the method")
    return top


def _attack(options: argparse.Namespace) -> int:
    started = time.monotonic()
    torch.set_num_threads(max(1, options.threads))
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
    lab = LabWorld()
    train, test = train_world(lab), test_world(lab)
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
    data = json.dumps(as_data(report), indent=2)
    console.answer(data if options.json else "\n".join(_lines(report, path)))
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


def _publish(options: argparse.Namespace) -> int:
    from reference_impls.textonpair.publish import publish

    publish(out=options.out)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, call one function; the exit code."""
    options = parser().parse_args(arguments)
    command = {"attack": _attack, "publish": _publish}[options.command]
    return console.exit_code(lambda: command(options))


if __name__ == "__main__":
    sys.exit(main())
