"""Scanners by name: this one, and two published ones, each asked in its own words. None of them runs what it reads."""

from __future__ import annotations

import io
import logging
import zipfile
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Literal

from reference_impls.artifact_scan.answer import Verdict
from reference_impls.artifact_scan.innocents import library
from reference_impls.artifact_scan.method import scan

Name = Literal["policy", "picklescan", "fickling"]


def policy(path: Path) -> Verdict:
    """`method.py`."""
    return scan(path).verdict


def picklescan(path: Path) -> Verdict:
    """picklescan: a list of bad globals, and one of good ones; what is on neither it calls suspicious."""
    scanner = library("picklescan.scanner")
    logging.getLogger("picklescan").setLevel(logging.CRITICAL + 1)
    try:
        found = scanner.scan_file_path(str(path))
    except Exception:  # noqa: BLE001 - whatever a stranger's parser raises, it gives no answer
        return "cannot decide"
    if found.issues_count:
        return "dangerous"
    levels = {one.safety for one in found.globals}
    unsure = found.scan_err or not found.scanned_files or scanner.SafetyLevel.Suspicious in levels  # fmt: skip
    return "cannot decide" if unsure else "innocent"


def fickling(path: Path) -> Verdict:
    """fickling: a pickle as a Python program, judged by rules.

    Any import from outside Python's library is `likely unsafe` to it, as every model has, so dangerous here is what it calls worse.
    """
    scanner = library("fickling")
    severity = library("fickling.analysis").Severity
    try:
        with redirect_stdout(io.StringIO()):  # it has remarks
            if zipfile.is_zipfile(path):
                found = list(scanner.scan_zip_archive(str(path), graceful=True).values())  # fmt: skip
            else:
                found = [scanner.scan_file(str(path), graceful=True)]
    except Exception:  # noqa: BLE001 - as above
        return "cannot decide"
    if any(one.severity >= severity.LIKELY_OVERTLY_MALICIOUS for one in found):
        return "dangerous"
    return "innocent" if found and all(found) else "cannot decide"


SCANNERS: dict[Name, Callable[[Path], Verdict]] = {"policy": policy, "picklescan": picklescan, "fickling": fickling}  # fmt: skip
"""By name."""
