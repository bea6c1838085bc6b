"""Photographs in packages of Debian: fetched over the web, checked by hash, unpacked without running anything."""

from __future__ import annotations

import hashlib
import io
import tarfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

import yaml

from reference_impls.lab.cache import cache_folder
from reference_impls.lab.data.pictures import SUFFIXES
from reference_impls.lab.errors import DatasetError, DeviceError
from reference_impls.lab.files import replacing

REGISTRY = Path(__file__).with_name("debian.yaml")
SECONDS = 60
"""Longest silence of the server."""
MAX_BYTES = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Where in which package the pictures of a dataset lie."""

    url: str
    sha256: str
    """Of the package, in hexadecimal digits."""
    folder: str
    """Inside the package."""
    classes: tuple[str, ...]
    """Subfolders that are taken."""
    without: str
    """A word in the paths of pictures that are no photographs."""
    license: str
    """SPDX id."""

    @property
    def path(self) -> Path:
        """Where its pictures are kept, below the lab's cache."""
        return cache_folder() / "pictures" / self.sha256[:16]


@cache
def registered() -> dict[str, Pictures]:
    """All that are registered, by the name that is typed."""
    listed = yaml.safe_load(REGISTRY.read_text(encoding="utf-8"))
    return {
        name: Pictures(**about | {"classes": tuple(about["classes"])})
        for name, about in listed.items()
    }


def pictures_of(name: str, *, download: bool) -> Path:
    """The folder of a registered dataset's pictures, one subfolder a class.

    Raises:
        DatasetError: none is called so, it would have to be downloaded and nobody asked for it, or the
            package is another than the registered one.
        DeviceError: it could not be fetched.
    """
    one = registered().get(name)
    if one is None:
        raise DatasetError(
            f"no pictures {name!r}; registered are {', '.join(registered())}"
        )
    done = one.path / "done"
    if not done.is_file():
        if not download:
            raise DatasetError(
                f"debian:{name} would be downloaded ({one.license}, {one.url}); add --download to allow it"
            )
        for path, content in _unpacked(_fetched(one), one):
            with replacing(one.path / path) as new:
                new.write_bytes(content)
        done.touch()
    return one.path


def _fetched(one: Pictures) -> bytes:
    try:
        with urllib.request.urlopen(one.url, timeout=SECONDS) as answer:
            raw: bytes = answer.read(MAX_BYTES)
    except OSError as error:
        raise DeviceError(f"{one.url} could not be fetched: {error}") from error
    if hashlib.sha256(raw).hexdigest() != one.sha256:
        raise DatasetError(f"{one.url} is another file than the registered one")
    return raw


def _unpacked(raw: bytes, one: Pictures) -> Iterator[tuple[Path, bytes]]:
    """Pictures by their paths below `folder`."""
    with tarfile.open(fileobj=io.BytesIO(_data(raw))) as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            if not member.isfile() or not path.is_relative_to(one.folder):
                continue
            inside = path.relative_to(one.folder)
            if (
                inside.parts[0] in one.classes
                and ".." not in inside.parts
                and one.without not in inside.as_posix()
                and inside.suffix.lower() in SUFFIXES
                and (content := archive.extractfile(member))
            ):
                yield Path(inside), content.read()


def _data(raw: bytes) -> bytes:
    """The archive of files in a package: an `ar` of members, each behind 60 bytes that say name and size."""
    place = len(b"!<arch>\n")
    while place < len(raw):
        header = raw[place : place + 60]
        size = int(header[48:58])
        if header.startswith(b"data.tar"):
            return raw[place + 60 : place + 60 + size]
        place += 60 + size + size % 2
    raise DatasetError("the package has no data.tar")
