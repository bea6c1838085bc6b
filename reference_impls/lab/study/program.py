"""The command line of a method, from dataclasses: verbs `run`, `study`, `draw`, and what a method adds.

A verb is a dataclass whose fields are its options; calling it does the work and gives the exit code.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated, Any, Protocol, Union, cast

import torch
import tyro

from reference_impls.lab.study import console
from reference_impls.lab.study.study import Study

EXITS = "0 done, 2 wrong input or usage, 3 environment, 130 interrupted (run it again to go on)"
"""What `console.exit_code` gives, in the words of a help text."""


class Verb(Protocol):
    """One of the things that a method can be asked to do."""

    @property
    def threads(self) -> int:
        """CPU threads."""
        ...

    def __call__(self) -> int:
        """Do it; the exit code."""
        ...


@dataclass(frozen=True, kw_only=True)
class Program:
    """A method's command line."""

    module: str
    """As in `reference_impls.decree`."""
    about: str
    """One sentence."""
    verbs: Mapping[str, type[Verb]] = field(default_factory=dict)
    """By name. The docstring of each is its help."""
    study: Study[Any, Any] | None = None
    """Gives the verbs `study` and `draw`."""
    examples: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Per verb what follows it in a command that works."""
    exits: str = EXITS
    """Exit codes and what they mean."""
    smoke: str = ""
    """Arguments of a run that takes seconds. A test puts small files in the place of `{encoder}`, `{clip}` and
    `{images}`, and adds `--device` and `--out`."""

    @property
    def name(self) -> str:
        """As in `python -m reference_impls.decree`."""
        return f"python -m {self.module}"

    @property
    def all_verbs(self) -> dict[str, type[Verb]]:
        """The method's own, then those of its study."""
        return {**self.verbs, **(self.study.verbs() if self.study else {})}

    def lines(self, verb: str) -> list[str]:
        """Whole command lines that work."""
        default = [verb if verb != "study" else "study --quick"]
        return [
            f"{self.name} {line}"
            for line in (
                [f"{verb} {rest}".rstrip() for rest in self.examples[verb]]
                if verb in self.examples
                else default
            )
        ]

    def parse(self, arguments: Sequence[str] | None = None) -> Verb:
        """The verb that the arguments ask for; wrong ones end the program with exit code 2."""
        words = sys.argv[1:] if arguments is None else arguments
        choices = tuple(
            Annotated[
                one,
                tyro.conf.subcommand(
                    name, description=self._help(name, one), **_preset(one, words)
                ),
            ]
            for name, one in self.all_verbs.items()
        )
        nothing = Annotated[
            None, tyro.conf.Suppress
        ]  # a union has two members at least
        verb: Verb = tyro.cli(
            cast(type[Verb], Union[(*choices, nothing)]),
            prog=self.name,
            description=f"{self.about}\n\nexit codes: {self.exits}",
            args=words,
            config=(tyro.conf.OmitSubcommandPrefixes, tyro.conf.FlagCreatePairsOff),
        )
        return verb

    def _help(self, name: str, verb: type[Verb]) -> str:
        lines = self.lines(name)
        examples = "".join(f"\n  {line}" for line in lines)
        return f"{inspect.getdoc(verb)}\n\nexample{'s' * (len(lines) > 1)}:{examples}"

    def main(self, arguments: Sequence[str] | None = None) -> int:
        """Parse, do it; the exit code."""
        return console.exit_code(lambda: self._do(self.parse(arguments)))

    def _do(self, verb: Verb) -> int:
        torch.set_num_threads(max(1, verb.threads))
        try:
            return verb()
        except SystemExit as error:  # of a stranger's module; its code is no answer
            raise RuntimeError(f"a module called sys.exit({error.code!r})") from error
        except KeyboardInterrupt:
            console.say(getattr(verb, "interrupted", console.INTERRUPTED))
            return console.STOPPED


def _preset(verb: type[Any], words: Sequence[str]) -> dict[str, Any]:
    """A verb with `presets`, each a `config`, begins with the one that `--preset` names; other options change it."""
    presets: Mapping[str, Any] = getattr(verb, "presets", {})
    pairs = pairwise(" ".join(words).replace("=", " ").split())
    for name in [after for before, after in pairs if before == "--preset"][-1:]:
        if name in presets:
            return {"default": verb(preset=name, config=presets[name])}
    return {}
