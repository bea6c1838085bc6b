"""`python -m reference_impls.advencoder`: craft a universal change, measure it, put it on images.

Exit codes: 0 done · 2 wrong input or usage · 3 environment · 130 interrupted.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import get_args

from reference_impls.advencoder.chart import pictures
from reference_impls.advencoder.evaluate import Evaluation
from reference_impls.advencoder.method import AdvEncoderConfig, Crafter, Variant
from reference_impls.advencoder.present import OURS, worst
from reference_impls.advencoder.run import (
    CHANGE,
    OUT,
    CraftOrder,
    EvaluateOrder,
    Source,
    apply,
    craft,
    evaluation,
)
from reference_impls.lab.data.patches import PLACES, PatchSpec
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

NAME = "python -m reference_impls.advencoder"


def fraction(text: str) -> float:
    """A number, or two with a slash: `10/255`."""
    above, slash, below = text.partition("/")
    try:
        return float(above) / float(below) if slash else float(above)
    except (ValueError, ZeroDivisionError) as error:
        raise ArgumentTypeError(
            f"{text!r} is no number; write 0.04 or 10/255"
        ) from error


def _craft_options(parser: ArgumentParser) -> None:
    default, order = AdvEncoderConfig(), CraftOrder()
    add = parser.add_argument
    add(
        "encoder",
        nargs="?",
        default=order.source.encoder,
        help=f"`lab` (default), a file, or a name such as {', '.join(EXAMPLES[2:])}",
    )
    add(
        "--variant",
        choices=get_args(Variant),
        default=default.variant,
        help="default %(default)s",
    )
    add(
        "--crafter",
        choices=get_args(Crafter),
        default=default.crafter,
        help="default %(default)s",
    )
    add(
        "--epsilon",
        type=fraction,
        default=default.epsilon,
        help="bound of a perturbation, as in 10/255 (default)",
    )
    add(
        "--share",
        type=fraction,
        default=default.patch.share,
        help="area of a patch; default %(default)s",
    )
    add(
        "--place",
        choices=PLACES,
        default=default.patch.place,
        help="of a patch; default %(default)s",
    )
    add("--steps", type=int, default=default.steps, help="default %(default)s")
    add(
        "--batch",
        type=int,
        default=default.batch,
        help="images per step; default %(default)s",
    )
    add("--seed", type=int, default=default.seed, help="default %(default)s")
    add(
        "--count",
        type=int,
        default=order.count,
        help="pictures of the attacker; default %(default)s",
    )
    _source_options(parser)
    add("--out", type=Path, default=order.out, help="folder; default %(default)s")


def _evaluate_options(parser: ArgumentParser) -> None:
    default = EvaluateOrder()
    add = parser.add_argument
    add(
        "file",
        nargs="?",
        type=Path,
        default=default.file,
        help="a change; default %(default)s",
    )
    add("--encoder", default=default.source.encoder, help="victim; default `lab`")
    add(
        "--task",
        action="append",
        default=[],
        help="may be repeated; default: all of the dataset",
    )
    add(
        "--train",
        type=int,
        default=default.train,
        help="labelled pictures; default %(default)s",
    )
    add(
        "--test",
        type=int,
        default=default.test,
        help="test pictures; default %(default)s",
    )
    add("--seed", type=int, default=default.seed, help="default %(default)s")
    add_language(parser)
    _source_options(parser)
    add("--out", type=Path, help="folder of the report; default: that of the change")


def _source_options(parser: ArgumentParser) -> None:
    add_dataset(parser)
    add_preprocessing(parser)
    add_device(parser)
    add_threads(parser)
    add_json(parser)


def _apply_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("images", nargs="+", type=Path, help="pictures; their middle square is resized")
    add("--change", type=Path, default=OUT / CHANGE, help="default %(default)s")
    add("--out", type=Path, default=OUT / "applied", help="folder; default %(default)s")


def _sweep_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--quick", action="store_true", help="one encoder instead of three")
    add(
        "--seeds",
        type=int,
        nargs="+",
        metavar="SEED",
        help="encoders to compare on; default: 0 1 2",
    )
    add_publish(parser, OUT / "sweep")


# -- Commands ------------------------------------------------------------------------


def _source(options: Namespace) -> Source:
    return Source(
        encoder=options.encoder,
        images=options.images,
        device=options.device,
        preprocessing=preprocessing(options),
        weights=weights(options),
    )


def _craft(options: Namespace) -> int:
    config = AdvEncoderConfig(
        variant=options.variant,
        crafter=options.crafter,
        epsilon=options.epsilon,
        patch=PatchSpec(share=options.share, place=options.place),
        steps=options.steps,
        batch=options.batch,
        seed=options.seed,
    )
    order = CraftOrder(
        source=_source(options), config=config, count=options.count, out=options.out
    )
    _, path = craft(order)
    answer = {"change": path, "config": config}
    lines = [f"change    {path}", f"next      {NAME} evaluate {path}"]
    console.report(answer, lines, as_json=options.json)
    return 0


def _evaluate(options: Namespace) -> int:
    order = EvaluateOrder(
        file=options.file,
        source=_source(options),
        tasks=tuple(options.task),
        train=options.train,
        test=options.test,
        seed=options.seed,
        language=options.language,
        out=options.out,
    )
    found, path = evaluation(order)
    console.report(found, _lines(found, path), as_json=options.json)
    return 0


def _lines(found: Evaluation, path: Path) -> list[str]:
    chosen = worst(found)
    lines = [f"{'task':<12}{'clean':>8}{'attacked':>10}{'control':>9}{'fooled':>8}"]
    for one in found.outcomes:
        if (one.model, one.attack) != ("mlp", OURS):
            continue
        control = min(
            other.attacked_accuracy
            for other in found.outcomes
            if (other.model, other.task) == ("mlp", one.task) and other.attack != OURS
        )
        lines.append(
            f"{one.task:<12}{one.clean_accuracy:>8.1%}{one.attacked_accuracy:>10.1%}"
            f"{control:>9.1%}{one.fooling_rate:>8.1%}{'  <' if one == chosen else ''}"
        )
    return [*lines, f"report      {path}"]


def _apply(options: Namespace) -> int:
    if not options.change.exists():
        raise ConfigError(f"no change {options.change}; make one with `craft`")
    for path in apply(options.change, options.images, options.out):
        console.answer(str(path))
    return 0


def _sweep(options: Namespace) -> int:
    from reference_impls.advencoder.publish import sweep

    sweep(
        quick=options.quick,
        seeds=options.seeds,
        out=options.out,
        publish=options.publish,
    )
    return 0


PROGRAM = Program(
    name=NAME,
    about="One perturbation or patch, made on an encoder alone, that fools what is built on it.",
    commands=[
        Command(
            name="craft",
            help="make a change",
            examples=[f"{NAME} craft --variant patch --share 0.0625"],
            options=_craft_options,
            run=_craft,
        ),
        Command(
            name="evaluate",
            help="measure a change",
            examples=[f"{NAME} evaluate --task texture"],
            options=_evaluate_options,
            run=_evaluate,
        ),
        Command(
            name="apply",
            help="put a change on pictures",
            examples=[f"{NAME} apply photo.jpg"],
            options=_apply_options,
            run=_apply,
        ),
        Command(
            name="sweep",
            help="the figures of the README",
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
