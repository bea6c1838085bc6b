"""`python -m reference_impls.lab arena`: the methods of this repository against each other.

The lab lies below the methods and imports none of them: the arena is a package above them,
looked up when it is asked for.

Exit codes: 0 done · 2 wrong usage · 3 environment · 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module


def parser() -> argparse.ArgumentParser:
    """The command line; what follows a command is the command's own."""
    top = argparse.ArgumentParser(
        prog="python -m reference_impls.lab",
        description="What concerns all methods at once.",
        epilog="example: python -m reference_impls.lab arena --quick; "
        "exit codes: 0 done, 2 wrong usage, 3 environment, 130 interrupted",
    )
    commands = top.add_subparsers(dest="command", required=True)
    commands.add_parser(
        "arena",
        help="every attack against every defence and detector, as a matrix",
        add_help=False,
    )
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Hand the rest of the line to the command; its exit code."""
    _, rest = parser().parse_known_args(arguments)
    exit_code: int = import_module("reference_impls.arena.__main__").main(rest)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
