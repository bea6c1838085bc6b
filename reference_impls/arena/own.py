"""The command `run`: a reader's own defense before the arena's CLIPs, beside no defense."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro

from reference_impls.arena.clips import CLIPS, Condition, means, sign, terms_of
from reference_impls.arena.frozen import Defend, Terms, figures, met
from reference_impls.arena.registry import ATTACKS
from reference_impls.lab.attacks.pgd import Classifier
from reference_impls.lab.errors import ConfigError, LabError
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.models.encoders import told
from reference_impls.lab.models.training import check_positive
from reference_impls.lab.records import surroundings, write_json
from reference_impls.lab.study import console
from reference_impls.lab.study.options import CommonOptions


def opened(path: Path) -> Defend:
    """The function `defend` of a Python file.

    Raises:
        ConfigError: no such file, it does not run, or it has no such function.
    """
    spec = importlib.util.spec_from_file_location("own_defense", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise ConfigError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    with owned(path):
        spec.loader.exec_module(module)
    defend: Any = getattr(module, "defend", None)
    if not callable(defend):
        raise ConfigError(f"{path} has no function defend(classifier, train)")
    made: Defend = defend
    return made


@contextmanager
def owned(path: Path) -> Iterator[None]:
    """Whatever a stranger's code raises is one line that names its file."""
    try:
        yield
    except LabError:
        raise
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{path} raised {told(error)}") from error


def put_up(defend: Defend, path: Path, terms: Terms) -> Classifier:
    """What it puts in the place of a CLIP, tried on two images.

    Raises:
        ConfigError: it raises, or does not give finite logits, one row for each image and one column for each class.
    """
    setup, _ = met(terms)
    base, images = setup.zero_shot(), setup.images_N3HW[:2]
    with owned(path), torch.no_grad():
        stands = torch.enable_grad()(defend)(base, setup.train)
        logits: Any = stands(images)
    wanted = (len(images), len(base.classes_CD))
    if not torch.is_tensor(logits) or logits.shape != wanted:
        got = tuple(getattr(logits, "shape", ())) or type(logits).__name__
        raise ConfigError(f"{path} must give logits {wanted} of two images, got {got}")
    if not logits.isfinite().all():
        raise ConfigError(f"{path} gives logits that are not finite")
    return stands


@dataclass(frozen=True, kw_only=True)
class Run(CommonOptions):
    """Try a defense of your own: a Python file with `defend(classifier, train)`, which returns images to logits."""

    file: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DEFENSE.py")]
    """`defend` gets a CLIP as a classifier (`classifier.encoder`, `classifier.logits`) and images to learn from."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Of the CLIPs; each is trained at first use, in a dozen seconds."""
    images: int = Terms.images
    """Test images."""
    queries: int = Terms.queries
    """Answers that a search may ask for, per image."""
    draws: int = 4
    """Over how many draws of its noise an attacker averages; 1 if it draws none."""
    quick: bool = False
    """A small version, to see that it runs."""
    out: Path = Path("build/arena")
    """Folder of the figures, a JSON file named like the defense."""

    def __call__(self) -> int:
        """Put it up, attack it, say what is left."""
        check_positive(images=self.images, queries=self.queries, draws=self.draws)
        if not self.seeds:
            raise ConfigError("--seeds needs at least one")
        started, defend = time.monotonic(), opened(self.file)
        own, plain = [], []
        with console.progress(self.file.stem) as step:
            for done, seed in enumerate(self.seeds):
                step(done, len(self.seeds), f"CLIP of seed {seed}")
                asked = {"images": self.images, "queries": self.queries}
                terms = terms_of(seed, quick=self.quick, **asked)
                stands = put_up(defend, self.file, terms)
                with owned(self.file):
                    own.append(figures(stands, terms, draws=self.draws))
                none = Condition(defense="zero-shot", terms=terms)
                plain += [trial.figures for trial in CLIPS.trials(none)]
        path = self.out / f"{self.file.stem}.json"
        warning = sign(means(own))
        about = surroundings(device=torch.device("cpu"), seconds=time.monotonic() - started)  # fmt: skip
        data = {"own": own, "none": plain, "warning": warning, "run": about | {"asked": self}}  # fmt: skip
        write_json(data, path)
        lines = [f"{'accuracy under':<46} {self.file.stem:<15} no defense"]
        for one in (one for one in ATTACKS if one.id in own[0]):
            left, beside = (MeanStd.of([row[one.id] for row in rows]) for rows in (own, plain))  # fmt: skip
            lines.append(f"{one.label.en:<46} {left!s:<15} {beside}")
        lines += [f"warning: {warning.en}"] if warning else []
        console.report(data, [*lines, f"figures: {path}"], as_json=self.json)
        return 0
