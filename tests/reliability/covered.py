"""docs/reliability.md told what the tests reach: shares of statements and branches from coverage's JSON. `make cover` runs it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.reliability import counted

CODE = ("src/surveykit", "reference_impls")


def main(path: str) -> None:
    """Keep the totals of each part of the code."""
    files = json.loads(Path(path).read_text("utf-8"))["files"]
    scenes = {}
    for part in CODE:
        mine = [one["summary"] for name, one in files.items() if f"{part}/" in name]
        total = {k: sum(one[k] for one in mine) for k in ("num_statements", "num_branches", "covered_lines", "covered_branches")}  # fmt: skip
        every = total["num_statements"] + total["num_branches"]
        reached = total["covered_lines"] + total["covered_branches"]
        scenes[part] = {
            "statements": total["num_statements"],
            "branches": total["num_branches"],
            "percent": round(100 * reached / every, 1),
        }
    counted.keep("covered", {"scenes": scenes})
    sys.stdout.write(f"{scenes}\n")


if __name__ == "__main__":
    main(sys.argv[1])
