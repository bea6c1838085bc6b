"""The command line of a method: its commands, each with an example, and what they exit with."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from reference_impls.lab.study import console
from reference_impls.lab.study.chart import Draw, draw_options, redraw

EXITS = "0 done, 2 wrong input or usage, 3 environment, 130 interrupted (run it again to go on)"
"""What `console.exit_code` gives, in the words of a help text."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """One of the things that a method can be asked to do."""

    name: str
    help: str
    """A few words that follow the name in a list."""
    examples: Sequence[str]
    """Whole command lines."""
    options: Callable[[ArgumentParser], None]
    """Declares them."""
    run: Callable[[Namespace], int]
    """Calls one function with them; the exit code."""
    exits: str = EXITS
    """Exit codes and what they mean."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """A method's command line."""

    name: str
    """As in `python -m reference_impls.decree`."""
    about: str
    """One sentence."""
    commands: Sequence[Command]
    exits: str = EXITS
    """Exit codes and what they mean."""

    def main(self, arguments: Sequence[str] | None = None) -> int:
        """Parse, call one function; the exit code."""
        options = self.parser().parse_args(arguments)
        return run(options.run, options)

    def parser(self) -> ArgumentParser:
        """What reads the arguments."""
        examples = [line for one in self.commands for line in one.examples]
        top = ArgumentParser(prog=self.name)
        explain(top, self.about, examples, self.exits)
        commands = top.add_subparsers(metavar="COMMAND", required=True)
        for one in self.commands:
            parser = commands.add_parser(one.name, help=one.help)
            about = f"{one.help[:1].upper()}{one.help[1:]}."
            explain(parser, about, one.examples, one.exits)
            one.options(parser)
            parser.set_defaults(run=one.run)
        return top


def explain(
    parser: ArgumentParser, about: str, examples: Sequence[str], exits: str = EXITS
) -> None:
    """Fill in what a help text says around the options."""
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.description = about
    lines = "".join(f"\n  {line}" for line in examples)
    heading = f"example{'s' * (len(examples) > 1)}:"
    parser.epilog = f"{heading}{lines}\n\nexit codes: {exits}"


def run(command: Callable[[Namespace], int], options: Namespace) -> int:
    """Run a command with the threads it was given; its exit code, or that of its error."""
    if "threads" in options:
        torch.set_num_threads(max(1, options.threads))
    return console.exit_code(lambda: command(options))


def drawing(program: str, home: Path, draw: Draw) -> Command:
    """The command `draw` of a method that lies in a folder."""

    def redrawn(options: Namespace) -> int:
        for path in redraw(options.folder or home, draw):
            console.answer(str(path))
        return 0

    return Command(
        name="draw",
        help="draw the charts of results.json again; nothing is measured",
        examples=[f"{program} draw"],
        options=draw_options,
        run=redrawn,
    )
