"""Fuzz the readers for long: `python -m tests.fuzz --seconds 600 --log fuzz.log`. Needs atheris: `pip install -e .[fuzz]`."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path


def fuzz(name: str, seconds: int) -> None:
    """Fuzz one reader in this process, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=["surveykit"]):
        from tests.fuzz.targets import LONGEST, run, seeds

    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds(name)):
            (Path(folder) / f"seed-{number}").write_bytes(seed)
        options = [
            f"-max_total_time={seconds}",
            f"-max_len={LONGEST}",
            "-print_final_stats=1",
            "-artifact_prefix=build/",
        ]
        atheris.Setup([sys.argv[0], *options, folder], lambda raw: run(name, raw))
        atheris.Fuzz()


def main() -> int:
    """Fuzz each reader in a process of its own; 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("readers", nargs="*", metavar="READER", help="default: all")
    parser.add_argument("--seconds", type=int, default=60, help="a reader (default 60)")
    parser.add_argument("--log", type=Path, help="file for what the fuzzer says")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        fuzz(options.readers[0], options.seconds)
    from tests.fuzz.targets import TARGETS

    failed = 0
    Path("build").mkdir(exist_ok=True)
    for name in options.readers or TARGETS:
        again = [sys.executable, "-m", "tests.fuzz", "--here", name]
        done = subprocess.run(
            [*again, "--seconds", str(options.seconds)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        told = done.stdout.decode("utf-8", "replace")
        units = [u for u in told.splitlines() if "number_of_executed_units" in u]
        runs = units[0].split()[-1] if units else "?"
        found = f"failed\n{told[-3000:]}" if done.returncode else "nothing found"
        sys.stdout.write(f"{name}: {runs} executions, {found}\n")
        sys.stdout.flush()
        if options.log:
            with options.log.open("a", encoding="utf-8") as log:
                log.write(f"== {name}\n{told}\n")
        failed += bool(done.returncode)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
