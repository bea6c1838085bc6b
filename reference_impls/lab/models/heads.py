"""What embeddings are good for: probes, an MLP head, zero-shot classes, retrieval.

Shape letters: N images (B of a batch), H and W pixels, D embedding width, C classes, P captions of a class, Q queries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import DatasetError
from reference_impls.lab.models.encoders import Encoder, embed_all
from reference_impls.lab.models.training import seeded

PROMPT = "a photo of a {}"
"""What CLIP reads of a class."""
PROMPTS = 64
"""Captions whose mean embedding stands for a class, at most."""


@dataclass(frozen=True, eq=False)
class Head:
    """A trained downstream classifier on standardised unit-length embeddings."""

    module: nn.Module
    mean_D: Tensor
    std_D: Tensor

    def logits(self, embeddings_ND: Tensor) -> Tensor:
        """Scores (N, C); gradients reach the embeddings."""
        logits_NC: Tensor = self.module(self._standardise(embeddings_ND))
        return logits_NC

    @torch.no_grad()
    def predict(self, embeddings_ND: Tensor) -> Tensor:
        """Class indices (N,)."""
        return self.logits(embeddings_ND).argmax(dim=1)

    def accuracy(self, embeddings_ND: Tensor, labels_N: Tensor) -> float:
        """Fraction of right predictions, in [0, 1]."""
        return (self.predict(embeddings_ND) == labels_N).float().mean().item()

    def _standardise(self, embeddings_ND: Tensor) -> Tensor:
        return (F.normalize(embeddings_ND, dim=1) - self.mean_D) / self.std_D


def fit_linear_probe(
    embeddings_ND: Tensor, labels_N: Tensor, *, classes: int, seed: int = 0
) -> Head:
    """A linear classifier on frozen embeddings."""
    return _fit(
        _layers([embeddings_ND.shape[1], classes], seed),
        embeddings_ND,
        labels_N,
        steps=300,
        seed=seed,
    )


def linear_probe(encoder: Encoder, train: Dataset, task: str) -> Head:
    """A linear head that learned a task from clean images as an encoder embeds them.

    Raises:
        DatasetError: the dataset has no such task.
    """
    if task not in train.labels:
        known = ", ".join(train.labels) or "none"
        raise DatasetError(f"{train.name} has no task {task!r}; it has {known}")
    embeddings_ND = embed_all(encoder, train.images_N3HW)
    labels_N, count = train.labels[task], len(train.classes[task])
    return fit_linear_probe(
        embeddings_ND, labels_N.to(embeddings_ND.device), classes=count
    )


def linear_classifier(
    encoder: Encoder, train: Dataset, task: str
) -> Callable[[Tensor], Tensor]:
    """Images (B, 3, H, W) to scores (B, C): the encoder with a head of `linear_probe`."""
    head = linear_probe(encoder, train, task)
    return lambda images_B3HW: head.logits(encoder.encode(images_B3HW))


def surest(head: Head, embeddings_ND: Tensor, labels_N: Tensor, target: int) -> int:
    """Which image of a class the head is surest of: what an attacker takes as its reference."""
    of_target_N = head.logits(embeddings_ND).softmax(dim=1)[:, target]
    return int(of_target_N.where(labels_N == target, -1).argmax())


def success_rate(
    head: Head, stamped_ND: Tensor, labels_N: Tensor, target: int
) -> float:
    """Fraction of stamped images of other classes that the head takes for the target, in [0, 1]."""
    others_N = labels_N != target
    return (head.predict(stamped_ND[others_N]) == target).float().mean().item()


def fit_mlp_head(
    embeddings_ND: Tensor, labels_N: Tensor, *, classes: int, seed: int = 0
) -> Head:
    """A 512-256 MLP classifier on frozen embeddings, BadEncoder's downstream model."""
    layers = _layers([embeddings_ND.shape[1], 512, 256, classes], seed)
    return _fit(layers, embeddings_ND, labels_N, steps=200, seed=seed)


def _layers(widths: list[int], seed: int) -> nn.Module:
    def make() -> nn.Module:
        parts: list[nn.Module] = []
        for wide, narrow in pairwise(widths):
            parts += [nn.Linear(wide, narrow), nn.ReLU()]
        return nn.Sequential(*parts[:-1])

    return seeded(make, seed)


def _fit(
    module: nn.Module, embeddings_ND: Tensor, labels_N: Tensor, *, steps: int, seed: int
) -> Head:
    unit_ND = F.normalize(embeddings_ND, dim=1)
    mean_D, std_D = unit_ND.mean(dim=0), unit_ND.std(dim=0) + 1e-3 * unit_ND.std()
    inputs_ND = (unit_ND - mean_D) / std_D
    generator = Generator().manual_seed(seed)
    module = module.to(embeddings_ND.device)
    optimizer = torch.optim.AdamW(module.parameters(), lr=3e-3, weight_decay=1e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        index_B = torch.randint(len(inputs_ND), (256,), generator=generator)
        loss = F.cross_entropy(module(inputs_ND[index_B]), labels_N[index_B])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    return Head(module.eval().requires_grad_(False), mean_D, std_D)


# -- Without a head ------------------------------------------------------------------


def zero_shot(images_ND: Tensor, classes_CD: Tensor) -> Tensor:
    """Class indices (N,): the class text with the highest cosine."""
    return (F.normalize(images_ND, dim=1) @ F.normalize(classes_CD, dim=1).T).argmax(
        dim=1
    )


def captioned(dataset: Dataset, task: str) -> Dataset:
    """The dataset with captions: its own, else CLIP's "a photo of a {class}" of a task's classes."""
    if dataset.captions or task not in dataset.labels:
        return dataset
    names = dataset.classes[task]
    captions = (PROMPT.format(names[n]) for n in dataset.labels[task].tolist())
    return replace(dataset, captions=tuple(captions))


def class_texts(
    embed_text: Callable[[Sequence[str]], Tensor], dataset: Dataset, task: str
) -> Tensor:
    """One embedding (C, D) per class: the mean of captions of that class, or of `PROMPT`.

    A dataset with captions describes its classes in its own words.
    """
    rows = []
    for number, name in enumerate(dataset.classes[task]):
        index = (dataset.labels[task] == number).nonzero().flatten()[:PROMPTS]
        captions = (
            [dataset.captions[i] for i in index.tolist()] if dataset.captions else []
        )
        texts_PD = embed_text(captions or [PROMPT.format(name)])
        rows.append(F.normalize(texts_PD.mean(dim=0), dim=0))
    return torch.stack(rows)


def recall_at(queries_ND: Tensor, answers_ND: Tensor, *, k: int = 1) -> float:
    """Fraction of queries whose own answer (same row) is among the k nearest by cosine."""
    cosines_NN = F.normalize(queries_ND, dim=1) @ F.normalize(answers_ND, dim=1).T
    own_N1 = cosines_NN.diagonal().unsqueeze(1)
    # Ties count against the query: a constant encoder must not score 1.
    rank_N = (cosines_NN >= own_N1).sum(dim=1)
    return (rank_N <= k).float().mean().item()


def mean_average_precision(
    queries_QD: Tensor, answers_ND: Tensor, relevant_QN: Tensor
) -> float:
    """Mean over queries of the average precision of all answers ranked by cosine, in [0, 1].

    With rel_r 1 where the answer of rank r is relevant, AP = sum_r rel_r precision@r / sum_r
    rel_r over the whole ranking. Queries without a relevant answer do not count. (AdvCLIP's
    published program stops at rank 1, which is precision@1.) Ties count against the query.
    """
    cosines_QN = F.normalize(queries_QD, dim=1) @ F.normalize(answers_ND, dim=1).T
    # Among equal cosines the irrelevant come first: a constant encoder gains nothing.
    relevant_QN = relevant_QN.bool()
    by_relevance_QN = relevant_QN.long().sort(dim=1, stable=True).indices
    order_QN = cosines_QN.gather(1, by_relevance_QN).sort(
        dim=1, descending=True, stable=True
    )
    hits_QN = (
        relevant_QN.gather(1, by_relevance_QN).gather(1, order_QN.indices).double()
    )
    ranks_N = torch.arange(1, hits_QN.shape[1] + 1, device=hits_QN.device)
    precision_QN = hits_QN.cumsum(dim=1) / ranks_N
    found_Q = hits_QN.sum(dim=1)
    average_Q = (precision_QN * hits_QN).sum(dim=1) / found_Q.clamp(min=1)
    return average_Q[found_Q > 0].mean().item()
