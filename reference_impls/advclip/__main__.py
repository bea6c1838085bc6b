"""`python -m reference_impls.advclip`: craft a universal patch, evaluate it, put it on pictures.

Exit codes: 0 done · 2 wrong input or usage · 3 environment · 130 interrupted.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from reference_impls.advclip import run
from reference_impls.advclip.chart import pictures
from reference_impls.advclip.defenses import DEFENSES
from reference_impls.advclip.method import CRAFTERS, AdvCLIPConfig
from reference_impls.lab.data.patches import PLACES, PatchSpec
from reference_impls.lab.models.image_text import EXAMPLES
from reference_impls.lab.study import console
from reference_impls.lab.study.argparse_options import (
    add_dataset,
    add_device,
    add_json,
    add_language,
    add_preprocessing,
    add_threads,
    preprocessing,
    weights,
)
from reference_impls.lab.study.commands import Command, Program, drawing

OUT = Path("build/advclip")
NAME = "python -m reference_impls.advclip"


def _victim_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "victim",
        nargs="?",
        default="lab",
        help=f"lab (default: trained at first use), lab:SEED, lab:transformer, or one like {', '.join(EXAMPLES)}",
    )
    add_dataset(parser, "--dataset")
    add("--count", type=int, default=1024, help="images at most; default %(default)s")
    add_preprocessing(parser, "the victim's")
    add_language(parser)
    add_device(parser)
    add_threads(parser)
    add_json(parser)


def _craft_options(parser: ArgumentParser) -> None:
    default = AdvCLIPConfig()
    _victim_options(parser)
    add = parser.add_argument
    add(
        "--crafter",
        choices=CRAFTERS,
        default=default.crafter,
        help="default %(default)s",
    )
    add(
        "--share",
        type=float,
        default=default.patch.share,
        help="of the image's area, for a patch; default %(default)s",
    )
    add(
        "--place",
        choices=PLACES,
        default=default.patch.place,
        help="default %(default)s",
    )
    add(
        "--margin",
        type=int,
        default=default.patch.margin,
        help="pixels beside a corner patch; default %(default)s",
    )
    add(
        "--epsilon",
        type=float,
        default=default.epsilon,
        help="bound of linf on the [0, 1] scale; default 8/255",
    )
    add("--steps", type=int, default=default.steps, help="default %(default)s")
    add("--batch", type=int, default=default.batch, help="default %(default)s")
    add("--micro-batch", type=int, help="images in memory at once; default: the batch")
    add(
        "--image-only",
        action="store_true",
        help="no cross-modal losses: for victims without a text tower",
    )
    add("--seed", type=int, default=default.seed, help="default %(default)s")
    add("--out", type=Path, default=OUT, help="folder; default %(default)s")


def _evaluate_options(parser: ArgumentParser) -> None:
    _victim_options(parser)
    add = parser.add_argument
    add(
        "--universal",
        type=Path,
        default=OUT / run.FILE,
        metavar="FILE",
        help="what `craft` wrote; default %(default)s",
    )
    add("--defense", choices=DEFENSES, default="none", help="default %(default)s")
    add("--task", help="of adversarial training; default: the first")
    add("--out", type=Path, default=OUT / "evaluation", help="default %(default)s")


def _apply_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("images", nargs="+", type=Path, metavar="IMAGE", help="picture files")
    add("--universal", type=Path, default=OUT / run.FILE, metavar="FILE")
    add(
        "--resize",
        action="store_true",
        help="take the middle square of each picture at the patch's image size",
    )
    add("--out", type=Path, default=OUT / "applied", help="default %(default)s")


def _subject(options: Namespace) -> run.Subject:
    return run.Subject(
        victim=options.victim,
        dataset=options.dataset,
        count=options.count,
        device=options.device,
        preprocessing=preprocessing(options),
        weights=weights(options),
    )


def _craft(options: Namespace) -> int:
    default = AdvCLIPConfig()
    config = AdvCLIPConfig(
        crafter=options.crafter,
        patch=PatchSpec(
            share=options.share, place=options.place, margin=options.margin
        ),
        epsilon=options.epsilon,
        steps=options.steps,
        batch=options.batch,
        micro_batch=options.micro_batch,
        seed=options.seed,
        text_weight=0.0 if options.image_only else default.text_weight,
        text_topology_weight=0.0
        if options.image_only
        else default.text_topology_weight,
    )
    report = run.craft(_subject(options), config, options.out, options.language)
    _answer(report, options)
    return 0


def _evaluate(options: Namespace) -> int:
    report = run.evaluate(
        _subject(options),
        options.universal,
        options.defense,
        options.out,
        task=options.task,
        language=options.language,
    )
    _answer(report, options)
    return 0


def _answer(report: run.Report, options: Namespace) -> None:
    lines = run.lines(report, options.out)
    console.report(run.as_json(report), lines, as_json=options.json)


def _apply(options: Namespace) -> int:
    for path in run.apply(
        options.images, options.universal, options.out, resize=options.resize
    ):
        console.answer(str(path))
    return 0


def _publish(options: Namespace) -> int:
    from reference_impls.advclip.publish import publish

    publish(quick=options.quick, jobs=options.jobs, out=options.out)
    return 0


def _publish_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--quick", action="store_true", help="one seed and few steps, to try it")
    add("--jobs", type=int, default=1, help="processes; default %(default)s")
    add("--out", type=Path, help="folder; default: beside the method, README included")


PROGRAM = Program(
    name=NAME,
    about="One patch that breaks every task built on a CLIP.",
    commands=[
        Command(
            name="craft",
            help="make a universal patch against a victim",
            examples=[f"{NAME} craft"],
            options=_craft_options,
            run=_craft,
        ),
        Command(
            name="evaluate",
            help="measure a patch on all downstream tasks",
            examples=[f"{NAME} evaluate --defense blur"],
            options=_evaluate_options,
            run=_evaluate,
        ),
        Command(
            name="apply",
            help="put a patch on pictures",
            examples=[f"{NAME} apply photo.png --resize"],
            options=_apply_options,
            run=_apply,
        ),
        Command(
            name="publish",
            help="measure everything the README reports (about fifteen minutes of one core)",
            examples=[f"{NAME} publish --quick --out build/advclip/study"],
            options=_publish_options,
            run=_publish,
        ),
        drawing(NAME, Path(__file__).parent, pictures),
    ],
)
main = PROGRAM.main


if __name__ == "__main__":
    sys.exit(main())
