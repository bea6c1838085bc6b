"""`python -m reference_impls.gen_af`: harden a downstream model, compare methods, measure a model.

Exit codes: 0 done · 2 wrong input or usage · 3 environment · 130 interrupted.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path
from typing import get_args

from reference_impls.gen_af.chart import pictures
from reference_impls.gen_af.config import (
    AdaptationConfig,
    HardenConfig,
    Method,
    Mode,
    Precision,
    Variant,
)
from reference_impls.gen_af.evaluate import EvaluationConfig
from reference_impls.gen_af.population import BASE
from reference_impls.gen_af.present import lines
from reference_impls.gen_af.run import LAB_NAME, Examination, Order, examine, run
from reference_impls.lab.models.named import EXAMPLES
from reference_impls.lab.study import console
from reference_impls.lab.study.argparse_options import (
    add_dataset,
    add_json,
    add_language,
    add_preprocessing,
    add_publish,
    add_threads,
    preprocessing,
    weights,
)
from reference_impls.lab.study.commands import Command, Program, drawing

NAME = "python -m reference_impls.gen_af"


def _common_options(parser: ArgumentParser) -> None:
    add_dataset(parser)
    add_preprocessing(parser)
    parser.add_argument(
        "--device", help="cpu, cuda, cuda:1; default: Accelerate's choice, else cpu"
    )
    add_threads(parser)
    add_json(parser)


def _harden_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    names = ", ".join(EXAMPLES)
    add(
        "encoder",
        nargs="?",
        default=LAB_NAME,
        help=f"lab (default: trained at first use), or one like {names}",
    )
    add("--task", help="task of the dataset; default foreground for shapes")
    add("--count", type=int, default=4096, help="training images; default %(default)s")
    add(
        "--method",
        choices=get_args(Method),
        default=BASE.method,
        help="default %(default)s",
    )
    add(
        "--epsilon",
        type=float,
        default=round(BASE.budget.epsilon * 255, 3),
        metavar="LEVELS",
        help="of the training's attacker, in 255ths; default %(default)g",
    )
    add(
        "--attack-steps",
        type=int,
        default=BASE.budget.steps,
        help="of it; default %(default)s",
    )
    add("--epochs", type=int, default=BASE.epochs, help="default %(default)s")
    add(
        "--batch",
        type=int,
        default=BASE.batch,
        help="over all processes; default %(default)s",
    )
    add(
        "--accumulate",
        type=int,
        default=1,
        help="parts a batch is computed in; default 1",
    )
    add(
        "--weight",
        type=float,
        default=BASE.genetic_weight,
        help="of the genetic regulariser; default %(default)g",
    )
    add(
        "--variant",
        choices=get_args(Variant),
        default=BASE.variant,
        help="default %(default)s",
    )
    add(
        "--share",
        type=float,
        default=0.2,
        help="of layers that stage 2 adapts; default %(default)s",
    )
    add(
        "--guard",
        type=float,
        default=2.0,
        metavar="POINTS",
        help="robust accuracy that stage 2 may cost; 100 lets it cost all; default %(default)g",
    )
    add(
        "--sensitivity",
        choices=get_args(Mode),
        default="exact",
        help="default %(default)s",
    )
    add("--no-stage-2", action="store_true", help="stop after adversarial fine-tuning")
    add("--alone", action="store_true", help="no standard fine-tuning to compare with")
    add(
        "--precision",
        choices=get_args(Precision),
        help="default: Accelerate's, which is no",
    )
    add("--seed", type=int, default=0, help="default 0")
    add_language(parser)
    add("--out", type=Path, help="folder; default build/gen_af/<encoder>-<task>")
    _common_options(parser)


def _compare_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--quick",
        action="store_true",
        help="one task, one seed, no ablations, a third of the pictures",
    )
    add("--jobs", type=int, default=1, help="processes; default %(default)s")
    add("--finished", action="store_true", help="only what earlier runs have finished")
    add_publish(parser, Path("build/gen_af/compare"))
    add_json(parser)


def _evaluate_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("encoder", help="encoder.safetensors that harden wrote, or a name")
    add("head", type=Path, help="head.safetensors that harden wrote")
    add(
        "--public",
        metavar="ENCODER",
        help="the encoder that the attacker has; default: the hardened one itself",
    )
    add(
        "--epsilon",
        type=float,
        default=4.0,
        metavar="LEVELS",
        help="of white-box attacks, in 255ths; 0: none",
    )
    add("--count", type=int, default=1024, help="test images; default %(default)s")
    _common_options(parser)


def _config(options: Namespace) -> HardenConfig:
    stage_2 = BASE.adaptation or AdaptationConfig()
    sensitivity = replace(stage_2.sensitivity, mode=options.sensitivity)
    budget = replace(
        BASE.budget, epsilon=options.epsilon / 255, steps=options.attack_steps
    )
    return HardenConfig(
        method=options.method,
        budget=budget,
        genetic_weight=options.weight,
        variant=options.variant,
        adaptation=None
        if options.no_stage_2
        else replace(
            stage_2,
            share=options.share,
            sensitivity=sensitivity,
            guard=options.guard / 100,
        ),
        epochs=options.epochs,
        batch=options.batch,
        accumulate=options.accumulate,
        precision=options.precision,
        seed=options.seed,
    )


def _harden(options: Namespace) -> int:
    order = Order(
        encoder=options.encoder,
        images=options.images,
        count=options.count,
        task=options.task,
        config=_config(options),
        beside=not options.alone,
        out=options.out,
        language=options.language,
        device=options.device,
        preprocessing=preprocessing(options),
        weights=weights(options),
    )
    outcomes, out = run(order)
    if outcomes:  # the first of several processes answers for all
        found = {"out": out, "models": outcomes}
        console.report(found, lines(outcomes, out), as_json=options.json)
    return 0


def _compare(options: Namespace) -> int:
    from reference_impls.gen_af.publish import compare

    compare(
        quick=options.quick,
        jobs=options.jobs,
        out=options.out,
        publish=options.publish,
        finished=options.finished,
        as_json=options.json,
    )
    return 0


def _evaluate(options: Namespace) -> int:
    found = examine(
        Examination(
            encoder=options.encoder,
            head=options.head,
            public=options.public,
            images=options.images,
            count=options.count,
            config=EvaluationConfig(epsilon=options.epsilon / 255),
            device=options.device,
            preprocessing=preprocessing(options),
            weights=weights(options),
        )
    )
    console.report(found, lines([found], None), as_json=options.json)
    return 0


PROGRAM = Program(
    name=NAME,
    about="Fine-tune a public encoder for a task so that attacks made on the encoder fail.",
    commands=[
        Command(
            name="harden",
            help="harden one model",
            examples=[
                f"{NAME} harden",
                f"{NAME} harden model.pth --images cifar10:data --epsilon 8",
                "accelerate launch --num_processes 4 -m reference_impls.gen_af harden model.pth --images cifar10:data",
            ],
            options=_harden_options,
            run=_harden,
        ),
        Command(
            name="compare",
            help="methods, ablations and seeds in a table",
            examples=[f"{NAME} compare --quick"],
            options=_compare_options,
            run=_compare,
        ),
        Command(
            name="evaluate",
            help="measure a model that harden wrote",
            examples=[
                f"{NAME} evaluate out/encoder.safetensors out/head.safetensors --public lab"
            ],
            options=_evaluate_options,
            run=_evaluate,
        ),
        drawing(NAME, Path(__file__).parent, pictures),
    ],
)
main = PROGRAM.main


if __name__ == "__main__":
    sys.exit(main())
