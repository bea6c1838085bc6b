"""What a universal change does to downstream models on a frozen encoder, against controls.

The change was made without any of these tasks: that is what downstream-agnostic means.

Shape letters: N images, D embedding width.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor
from torch.nn import functional as F

from reference_impls.lab.attacks.universal import (
    Universal,
    UniversalPatch,
    UniversalPerturbation,
    fooling_rate,
    mean_colour_patch_like,
    random_patch_like,
    random_sign_perturbation,
)
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import DatasetError
from reference_impls.lab.metrics.knn import KNNClassifier
from reference_impls.lab.models.encoders import Encoder, embed_all
from reference_impls.lab.models.heads import fit_mlp_head

Model = Literal["knn", "mlp"]
Predict = Callable[[Tensor], Tensor]
"""Embeddings (N, D) to class indices (N,)."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One downstream model under one change."""

    task: str
    """The downstream task."""
    model: Model
    """`knn` votes of 20 neighbours with temperature 0.07; `mlp` a trained 512-256 head."""
    attack: str
    """Which change."""
    clean_accuracy: float
    """On unchanged test images, in [0, 1]."""
    attacked_accuracy: float
    """On the same images, changed, in [0, 1]."""
    fooling_rate: float
    """Fraction of predictions that the change turned into another, in [0, 1]."""
    chance: float
    """Accuracy of always naming the most frequent class, in [0, 1]."""

    @property
    def decline(self) -> float:
        """Accuracy lost, relative to the clean one, as AdvEncoder reports it."""
        if self.clean_accuracy == 0:
            return 0.0
        return 1 - self.attacked_accuracy / self.clean_accuracy


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """All downstream models under all changes."""

    encoder: str
    """Name of the victim."""
    outcomes: tuple[Outcome, ...]
    """Every task with every model under every change."""
    cosines: Mapping[str, float]
    """Per change the mean cosine of an image's embedding with and without it."""

    def of(self, attack: str, *, task: str, model: Model = "mlp") -> Outcome:
        """One outcome."""
        return next(
            one
            for one in self.outcomes
            if (one.attack, one.task, one.model) == (attack, task, model)
        )


def evaluate(
    encoder: Encoder,
    attacks: Mapping[str, Universal],
    *,
    train: Dataset,
    test: Dataset,
    tasks: Sequence[str] = (),
    seed: int = 0,
) -> Evaluation:
    """Every task of the datasets (or those named) with kNN and an MLP head, under every change.

    Raises:
        DatasetError: a dataset without labels, a task that it lacks, or images of another size.
    """
    tasks = tasks or tuple(train.labels)
    _check_tasks(train, tasks)
    train_ND = _embed(encoder, train.images_N3HW)
    clean_ND = _embed(encoder, test.images_N3HW)
    attacked_ND = {
        name: _embed(encoder, change.apply(test.images_N3HW))
        for name, change in attacks.items()
    }
    outcomes = []
    for task in tasks:
        for model, predict in _models(train, train_ND, task, seed):
            outcomes += _outcomes(
                predict, clean_ND, attacked_ND, test.labels[task], task, model
            )
    cosines = {
        name: F.cosine_similarity(embedded_ND, clean_ND).mean().item()
        for name, embedded_ND in attacked_ND.items()
    }
    return Evaluation(encoder=encoder.name, outcomes=tuple(outcomes), cosines=cosines)


def _embed(encoder: Encoder, images_N3HW: Tensor) -> Tensor:
    return embed_all(encoder, images_N3HW.to(encoder.device)).float().cpu()


def _check_tasks(dataset: Dataset, tasks: Sequence[str]) -> None:
    if not dataset.labels:
        raise DatasetError(
            f"{dataset.name} has no labels, so there is no downstream task to attack; "
            "use shapes or a public dataset"
        )
    for task in tasks:
        if task not in dataset.labels:
            raise DatasetError(
                f"{dataset.name} has no task {task!r}; choose among {', '.join(dataset.labels)}"
            )
        if len(dataset.labels[task].unique()) < 2:
            raise DatasetError(
                f"all images of {dataset.name} are of one class of {task!r}; nothing to tell apart"
            )


def _models(
    train: Dataset, train_ND: Tensor, task: str, seed: int
) -> list[tuple[Model, Predict]]:
    labels_N, classes = train.labels[task], len(train.classes[task])
    knn = KNNClassifier.of(train_ND, labels_N, classes=classes, k=min(20, len(train)))
    mlp = fit_mlp_head(train_ND, labels_N, classes=classes, seed=seed)
    return [("knn", knn.predict), ("mlp", mlp.predict)]


def _outcomes(
    predict: Predict,
    clean_ND: Tensor,
    attacked_ND: Mapping[str, Tensor],
    labels_N: Tensor,
    task: str,
    model: Model,
) -> list[Outcome]:
    clean_N = predict(clean_ND)

    def accuracy(predicted_N: Tensor) -> float:
        return (predicted_N == labels_N).float().mean().item()

    predicted = {name: predict(embedded) for name, embedded in attacked_ND.items()}
    return [
        Outcome(
            task=task,
            model=model,
            attack=name,
            clean_accuracy=accuracy(clean_N),
            attacked_accuracy=accuracy(predicted_N),
            fooling_rate=fooling_rate(clean_N, predicted_N),
            chance=(labels_N.bincount().max() / len(labels_N)).item(),
        )
        for name, predicted_N in predicted.items()
    ]


def controls(
    change: UniversalPatch | UniversalPerturbation, images_N3HW: Tensor, *, seed: int
) -> dict[str, Universal]:
    """Changes of the same size and place that are made without the encoder."""
    if isinstance(change, UniversalPerturbation):
        signs = random_sign_perturbation(change.epsilon, change.size[0], seed=seed)
        return {"random-perturbation": signs}
    return {
        "random-patch": random_patch_like(change, seed=seed),
        "mean-colour-patch": mean_colour_patch_like(change, images_N3HW),
    }
