"""`python -m reference_impls.decree`: scan one encoder or many, or sweep a population.

Exit codes: 0 no backdoor found · 1 backdoored · 2 wrong input or usage · 3 environment · 130 interrupted.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from reference_impls.decree import fleet
from reference_impls.decree.chart import pictures
from reference_impls.decree.config import PRESETS
from reference_impls.decree.scan import Order, as_json, lines, scan
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.named import EXAMPLES
from reference_impls.lab.study import console
from reference_impls.lab.study.argparse_options import (
    add_dataset,
    add_device,
    add_json,
    add_language,
    add_preprocessing,
    add_publish,
    add_threads,
    preprocessing,
    weights,
)
from reference_impls.lab.study.commands import Command, Program, drawing

NAME = "python -m reference_impls.decree"
EXITS = "0 no backdoor found, 1 backdoored, 2 wrong input or usage, 3 environment, 130 interrupted"


def _scan_options(parser: ArgumentParser) -> None:
    default = Order()
    add = parser.add_argument
    add(
        "encoder",
        nargs="?",
        default=default.encoder,
        help=f"lab (default: trained at first use), lab:backdoored, or one like {', '.join(EXAMPLES)}",
    )
    add_dataset(parser)
    add(
        "--count",
        type=int,
        default=default.count,
        help="images at most; default %(default)s",
    )
    add("--out", type=Path, help="folder of the report; default build/decree/<encoder>")
    add(
        "--preset",
        choices=sorted(PRESETS),
        default=default.preset,
        help="default %(default)s",
    )
    add(
        "--seed",
        type=int,
        default=default.seed,
        help="of the search; default %(default)s",
    )
    add("--batch", type=int, help="images per step, instead of the preset's")
    add("--calibration", type=Path, metavar="FILE", help="threshold to judge by")
    add(
        "--clean",
        action="append",
        default=[],
        metavar="ENCODER",
        help="an encoder known to be clean, to calibrate on; may be repeated",
    )
    add_preprocessing(parser)
    add_language(parser)
    add_device(parser)
    add_threads(parser)
    add_json(parser)


def _sweep_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--quick",
        action="store_true",
        help="two clean and two backdoored encoders instead of the population",
    )
    add(
        "--development",
        action="store_true",
        help="the population that the presets were built on instead of the one that confirms them",
    )
    add("--jobs", type=int, default=1, help="processes; default %(default)s")
    add_publish(parser, Path("build/decree/sweep"))


def _scan(options: Namespace) -> int:
    report, out = scan(
        Order(
            encoder=options.encoder,
            images=options.images,
            count=options.count,
            out=options.out,
            preset=options.preset,
            seed=options.seed,
            batch=options.batch,
            calibration=options.calibration,
            clean=tuple(options.clean),
            language=options.language,
            device=options.device,
            preprocessing=preprocessing(options),
            weights=weights(options),
        )
    )
    console.report(as_json(report), lines(report, out), as_json=options.json)
    return 1 if report.backdoored else 0


def _sweep(options: Namespace) -> int:
    from reference_impls.decree.publish import PLANS, sweep

    if options.publish and (options.quick or options.development):
        raise ConfigError(
            "--publish writes the confirmation's figures; leave --quick and --development out"
        )
    name = "development" if options.development else "confirmation"
    plan = PLANS["quick" if options.quick else name]
    sweep(plan, jobs=options.jobs, out=options.out, publish=options.publish)
    return 0


PROGRAM = Program(
    name=NAME,
    about="Does a pre-trained image encoder carry a backdoor?",
    exits=EXITS,
    commands=[
        Command(
            name="scan",
            help="scan one encoder",
            examples=[f"{NAME} scan", f"{NAME} scan model.pth --images cifar10:data"],
            options=_scan_options,
            run=_scan,
            exits=EXITS,
        ),
        Command(
            name="fleet",
            help="scan many encoders in parallel",
            examples=[f"{NAME} fleet checkpoints/ --workers 4"],
            options=fleet.add_options,
            run=fleet.run,
            exits=EXITS,
        ),
        Command(
            name="sweep",
            help="scan a population of lab encoders, measure the presets",
            examples=[f"{NAME} sweep --quick"],
            options=_sweep_options,
            run=_sweep,
        ),
        drawing(NAME, Path(__file__).parent, pictures),
    ],
)
main = PROGRAM.main


if __name__ == "__main__":
    sys.exit(main())
