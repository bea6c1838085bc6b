"""Files that are whole: a new one takes the place of the old one at once, and a killed run leaves the one of before."""

from __future__ import annotations

import errno
import os
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

UNFINISHED = ".surveykit-new-"
"""Start of the names of files that are not finished yet, as everywhere in the repository; git ignores them."""
LEFTOVER_SECONDS = 86_400
"""An unfinished file older than this is left over, even if some process has its writer's number again."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """The name of a new file, which takes the place of `path` when the block ends without an error.

    What killed runs left unfinished beside it is deleted. An error of the machine names `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent)
    if path.exists() and not path.is_file():  # a device would be gone afterwards
        raise OSError(errno.EINVAL, "is no file that can be replaced", str(path))
    new = path.with_name(f"{UNFINISHED}{os.getpid()}-{secrets.token_hex(6)}")
    try:
        yield new
        new.replace(path)
    except OSError as error:
        if error.filename in (None, new, str(new)):
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        new.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Delete unfinished files whose process is gone."""
    for path in folder.glob(f"{UNFINISHED}*"):
        with suppress(OSError):
            age_seconds = time.time() - path.lstat().st_mtime
            if age_seconds > LEFTOVER_SECONDS or not _lives(path):
                path.unlink()


def _lives(path: Path) -> bool:
    number = path.name.removeprefix(UNFINISHED).partition("-")[0]
    if not number.isdecimal() or sys.platform == "win32":  # where signal 0 would end it
        return True
    try:
        os.kill(int(number[:18]), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def file_name(name: str, *, empty: str) -> str:
    """A name as one of a file or folder: letters, digits and `+-._` stay, `empty` stands for nothing."""
    kept = (letter if letter.isalnum() or letter in "+-._" else "-" for letter in name)
    return "".join(kept).strip(".") or empty
