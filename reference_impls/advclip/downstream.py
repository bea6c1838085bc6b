"""What a universal change does to tasks that its maker never saw.

Zero-shot classes, a linear probe and an MLP on every task of a dataset, and retrieval in both
directions; each before and after the change.

Shape letters: N images of a dataset, D embedding width, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import mean

import torch
from torch import Tensor

from reference_impls.lab.attacks.universal import (
    AtRandomPlaces,
    UniversalPatch,
    UniversalPerturbation,
    fooling_rate,
    mean_colour_patch_like,
    random_patch_like,
    random_sign_perturbation,
)
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.models.encoders import embed_all
from reference_impls.lab.models.heads import (
    class_texts,
    fit_linear_probe,
    fit_mlp_head,
    mean_average_precision,
    recall_at,
    zero_shot,
)
from reference_impls.lab.models.image_text import ImageText

PAIRS = 200
"""Image-text pairs of the test that retrieval searches."""
RANKS = (1, 5, 10)
TO_TEXT, TO_IMAGE = "image to text", "text to image"
ITSELF = "image to itself"
ZERO_SHOT, PROBE, MLP = "zero-shot", "linear probe", "MLP"

Change = UniversalPatch | UniversalPerturbation | AtRandomPlaces
"""What can be put on every image."""
Predict = Callable[[Tensor], Tensor]
"""Embeddings (N, D) to class indices (N,)."""


@dataclass(frozen=True, kw_only=True)
class Classified:
    """One classifier on one task."""

    task: str
    """A task of the dataset."""
    classifier: str
    """`zero-shot`, `linear probe` or `MLP`."""
    before: float
    """Accuracy on unchanged images, in [0, 1]."""
    after: float
    """Accuracy on changed images, in [0, 1]."""
    fooling: float
    """Fraction of predictions that changed, in [0, 1]."""


@dataclass(frozen=True, kw_only=True)
class Retrieved:
    """Retrieval among `PAIRS` images and their texts."""

    direction: str
    """`image to text`, `text to image`, or `image to itself`: changed among unchanged images."""
    measure: str
    """`R@k`: the own partner among the k nearest; `mAP`: over the whole ranking, what shares
    the query's class is relevant, mean over the tasks."""
    before: float
    after: float


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Everything that was measured for one change on one victim."""

    victim: str
    classified: tuple[Classified, ...]
    retrieved: tuple[Retrieved, ...]

    def of(self, task: str, classifier: str) -> Classified:
        """The figures of one classifier on one task."""
        return next(
            one
            for one in self.classified
            if (one.task, one.classifier) == (task, classifier)
        )

    def recall(self, direction: str, measure: str = "R@1") -> Retrieved:
        """One figure of retrieval."""
        return next(
            one
            for one in self.retrieved
            if (one.direction, one.measure) == (direction, measure)
        )

    @property
    def fooling(self) -> float:
        """Mean fooling rate over all classifiers and tasks."""
        return mean(one.fooling for one in self.classified)


class Bench:
    """A victim with everything that is built on it: made once, every change is measured on it."""

    def __init__(self, victim: ImageText, train: Dataset, test: Dataset) -> None:
        """Train the heads; `train` and `test` have the same tasks."""
        self.victim, self.test = victim, test
        self._clean_ND = self._embed(test.images_N3HW)
        self._predictors = self._fit(train)
        has_texts = victim.text is not None and bool(test.captions)
        self._texts_PD = victim.embed_text(test.captions[:PAIRS]) if has_texts else None

    def _embed(self, images_N3HW: Tensor) -> Tensor:
        device = self.victim.image.device
        parts = [
            embed_all(self.victim.image, part.to(device))
            for part in images_N3HW.split(256)
        ]
        return torch.cat(parts)

    def _fit(self, train: Dataset) -> dict[tuple[str, str], Predict]:
        found: dict[tuple[str, str], Predict] = {}
        train_ND = self._embed(train.images_N3HW) if train.labels else None
        for task, labels_N in train.labels.items():
            if train_ND is None:
                continue
            count = len(train.classes[task])
            labels_N = labels_N.to(train_ND.device)
            if self.victim.text is not None:
                texts_CD = class_texts(self.victim.embed_text, train, task)
                found[task, ZERO_SHOT] = _zero_shot(texts_CD)
            found[task, PROBE] = fit_linear_probe(
                train_ND, labels_N, classes=count
            ).predict
            found[task, MLP] = fit_mlp_head(train_ND, labels_N, classes=count).predict
        return found

    def measure(self, universal: Change) -> Scores:
        """The figures before and after a change of the test images."""
        return self.compare(self._embed(universal.apply(self.test.images_N3HW)))

    def compare(self, changed_ND: Tensor) -> Scores:
        """The figures of the clean embeddings and of others of the same images."""
        clean_ND = self._clean_ND
        classified = []
        for (task, classifier), predict in self._predictors.items():
            right_N = self.test.labels[task].to(clean_ND.device)
            before_N, after_N = predict(clean_ND), predict(changed_ND)
            classified.append(
                Classified(
                    task=task,
                    classifier=classifier,
                    before=(before_N == right_N).float().mean().item(),
                    after=(after_N == right_N).float().mean().item(),
                    fooling=fooling_rate(before_N, after_N),
                )
            )
        return Scores(
            victim=self.victim.name,
            classified=tuple(classified),
            retrieved=tuple(self._retrieve(changed_ND)),
        )

    def _retrieve(self, changed_ND: Tensor) -> Iterator[Retrieved]:
        clean_PD, changed_PD = self._clean_ND[:PAIRS], changed_ND[:PAIRS]
        itself = recall_at(changed_PD, clean_PD)
        yield Retrieved(
            direction=ITSELF,
            measure="R@1",
            before=recall_at(clean_PD, clean_PD),
            after=itself,
        )
        if self._texts_PD is None:
            return
        texts_PD = self._texts_PD
        for direction, before, after in (
            (TO_TEXT, (clean_PD, texts_PD), (changed_PD, texts_PD)),
            (TO_IMAGE, (texts_PD, clean_PD), (texts_PD, changed_PD)),
        ):
            then, now = self._figures(*before), self._figures(*after)
            for name in then:
                yield Retrieved(
                    direction=direction,
                    measure=name,
                    before=then[name],
                    after=now[name],
                )

    def _figures(self, queries_PD: Tensor, answers_PD: Tensor) -> dict[str, float]:
        figures = {f"R@{k}": recall_at(queries_PD, answers_PD, k=k) for k in RANKS}
        precisions = []
        for labels_N in self.test.labels.values():
            own_P = labels_N[: len(queries_PD)].to(queries_PD.device)
            alike_PP = own_P[:, None] == own_P
            precisions.append(mean_average_precision(queries_PD, answers_PD, alike_PP))
        if precisions:
            figures["mAP"] = mean(precisions)
        return figures


def _zero_shot(texts_CD: Tensor) -> Predict:
    return lambda embeddings_ND: zero_shot(embeddings_ND, texts_CD)


# -- What a change is compared with --------------------------------------------------


def controls(
    change: Change,
    images_N3HW: Tensor,
    *,
    seed: int = 0,
) -> dict[str, Change]:
    """Changes of the same size that nobody crafted: noise, and the images' mean colour."""
    if isinstance(change, UniversalPerturbation):
        signs = random_sign_perturbation(change.epsilon, change.size[0], seed=seed)
        return {"random signs": signs}
    if isinstance(change, AtRandomPlaces):
        inner = controls(change.patch, images_N3HW, seed=seed)
        return {
            name: AtRandomPlaces(patch, change.seed)
            for name, patch in inner.items()
            if isinstance(patch, UniversalPatch)
        }
    return {
        "random patch": random_patch_like(change, seed=seed),
        "mean-colour patch": mean_colour_patch_like(change, images_N3HW),
    }
