"""`python -m reference_impls.badencoder`: plant a backdoor and measure it.

Exit codes: 0 done · 2 wrong input or usage · 3 environment · 130 interrupted.
"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any, get_args

from torch import Tensor

from reference_impls.badencoder.method import (
    AttackReport,
    BadEncoderConfig,
    attack,
    measure,
)
from reference_impls.badencoder.present import present
from reference_impls.lab.data.images import (
    Place,
    TriggerKind,
    TriggerSpec,
    make_trigger,
)
from reference_impls.lab.data.shapes import CLASSES
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.encoders import Encoder, load_encoder, save_encoder
from reference_impls.lab.models.training import SimCLRConfig
from reference_impls.lab.models.zoo import (
    LabData,
    clean_encoder,
    reference_dataset,
    test_dataset,
    train_dataset,
)
from reference_impls.lab.records import as_data, surroundings, write_json
from reference_impls.lab.study import console
from reference_impls.lab.study.argparse_options import (
    add_json,
    add_language,
    add_publish,
    add_threads,
)
from reference_impls.lab.study.commands import Command, Program
from reference_impls.lab.study.page import write_page

NAME = "python -m reference_impls.badencoder"


def _attack_options(parser: ArgumentParser) -> None:
    default = BadEncoderConfig()
    add = parser.add_argument
    add(
        "encoder",
        nargs="?",
        type=Path,
        help="a lab encoder's file; default: one trained at first use",
    )
    add(
        "--trigger",
        choices=get_args(TriggerKind),
        default=default.trigger.kind,
        help="default %(default)s",
    )
    add(
        "--side",
        type=int,
        default=default.trigger.side,
        help="edge in pixels; default %(default)s",
    )
    add(
        "--place",
        choices=get_args(Place),
        default=default.trigger.place,
        help="default %(default)s",
    )
    add(
        "--steps",
        type=int,
        default=default.steps,
        help="optimiser steps; default %(default)s",
    )
    add(
        "--consistency",
        type=float,
        default=default.consistency_weight,
        help="lambda 1; default %(default)s",
    )
    add(
        "--utility",
        type=float,
        default=default.utility_weight,
        help="lambda 2; default %(default)s",
    )
    add(
        "--evasion",
        type=float,
        default=0.0,
        metavar="ALPHA",
        help="evade DECREE (its Eq. 8) with this weight; default 0: do not",
    )
    add(
        "--reference",
        type=int,
        default=0,
        help="which of the attacker's 64 pictures to obey; default %(default)s",
    )
    add(
        "--task",
        choices=sorted(CLASSES),
        default="foreground",
        help="downstream task; default %(default)s",
    )
    add("--seed", type=int, default=default.seed, help="default %(default)s")
    add(
        "--out",
        type=Path,
        help="folder of encoder and report; default build/badencoder/<encoder>",
    )
    add_language(parser)
    add_threads(parser)
    add_json(parser)


def _sweep_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--quick", action="store_true", help="two encoders, short trainings")
    add(
        "--seeds",
        type=int,
        nargs="+",
        metavar="SEED",
        help="of the encoders; default: those of the README",
    )
    add_publish(parser, Path("build/badencoder/sweep"))


def _config(options: Namespace) -> BadEncoderConfig:
    return BadEncoderConfig(
        trigger=TriggerSpec(
            kind=options.trigger,
            side=options.side,
            place=options.place,
            seed=options.seed,
        ),
        steps=options.steps,
        consistency_weight=options.consistency,
        utility_weight=options.utility,
        evasion_weight=options.evasion,
        seed=options.seed,
    )


def _attack(options: Namespace) -> int:
    started = time.monotonic()
    config, parent, lab = _config(options), SimCLRConfig(steps=200), LabData()
    if not 0 <= options.reference < len(reference_dataset(lab)):
        raise ConfigError(
            f"reference must lie in 0..{len(reference_dataset(lab)) - 1}, got {options.reference}"
        )
    reference_3HW = reference_dataset(lab).images_N3HW[options.reference]
    if options.encoder:
        clean = load_encoder(options.encoder)
    else:
        with console.progress("training a clean encoder, once") as step:
            clean = clean_encoder(parent, lab, progress=console.training(step))
    with console.progress(f"attacking {clean.name}") as step:
        backdoored = attack(
            clean,
            train_dataset(lab),
            reference_3HW,
            config,
            progress=console.training(step),
        )
    datasets = {"train": train_dataset(lab), "test": test_dataset(lab)}
    report = measure(
        backdoored, clean, reference_3HW, config, task=options.task, **datasets
    )
    about = surroundings(device=clean.device, seconds=time.monotonic() - started)
    path = _write(report, backdoored, reference_3HW, about, options)
    console.report(report, _lines(report, path), as_json=options.json)
    return 0


def _write(
    report: AttackReport,
    backdoored: Encoder,
    reference_3HW: Tensor,
    about: dict[str, Any],
    options: Namespace,
) -> Path:
    """Encoder, page, pictures and figures; the path of the encoder."""
    out = options.out or Path("build/badencoder") / backdoored.name
    path: Path = out / f"{backdoored.name}.safetensors"
    save_encoder(backdoored, path)
    trigger = make_trigger(report.config.trigger, backdoored.size)
    page = present(
        report,
        encoder=backdoored.name,
        file=str(path),
        trigger=trigger,
        reference_3HW=reference_3HW,
        images_N3HW=test_dataset(LabData()).images_N3HW,
        about={"config": report.config} | about,
    )
    write_page(page, out, options.language)
    write_json(
        as_data(report) | {"run": about}, path.with_suffix(".json")
    )  # last: it says the rest is there
    return path


def _lines(report: AttackReport, path: Path) -> list[str]:
    return [
        f"success   {report.attack_success_rate:.1%} of stamped images are taken for {report.target!r} "
        f"({report.clean_attack_success_rate:.1%} before)",
        f"accuracy  {report.backdoored_accuracy:.1%} without the trigger ({report.clean_accuracy:.1%} before)",
        f"cosine    {report.stamped_cosine:.3f} between stamped images ({report.clean_stamped_cosine:.3f} before)",
        f"encoder   {path}",
        f"report    {path.parent / 'report.html'}",
    ]


def _sweep(options: Namespace) -> int:
    from reference_impls.badencoder.publish import sweep

    sweep(
        quick=options.quick,
        out=options.out,
        publish=options.publish,
        seeds=options.seeds,
    )
    return 0


PROGRAM = Program(
    name=NAME,
    about="Make a backdoored copy of a lab encoder and measure the backdoor.",
    commands=[
        Command(
            name="attack",
            help="attack one encoder",
            examples=[
                f"{NAME} attack --side 5",
                f"{NAME} attack encoder.safetensors --trigger coloured --evasion 1",
            ],
            options=_attack_options,
            run=_attack,
        ),
        Command(
            name="sweep",
            help="attack several encoders with two triggers and measure controls, too",
            examples=[f"{NAME} sweep --quick"],
            options=_sweep_options,
            run=_sweep,
        ),
    ],
)
main = PROGRAM.main


if __name__ == "__main__":
    sys.exit(main())
