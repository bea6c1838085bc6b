"""Adversarial fine-tuning of a pre-trained encoder, what robust pre-training is a start for (Chen et al., CVPR 2020)."""

from __future__ import annotations

from torch import Generator, Tensor
from torch.nn import functional as F

from reference_impls.contrastive_at.method import PretrainConfig
from reference_impls.lab.attacks.pgd import Classifier, pgd
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.models.encoders import Encoder, embed_all
from reference_impls.lab.models.heads import fit_linear_probe
from reference_impls.lab.models.training import (
    check_dataset,
    draw_batch,
    fine_tuning_learner,
    fit,
)


def fine_tune(
    encoder: Encoder, train: Dataset, task: str, steps: int, config: PretrainConfig
) -> Classifier:
    """A classifier of a task: a copy of the encoder and a linear head that has learned, tuned on attacked images.

    Raises:
        DatasetError: fewer images than a batch.
    """
    check_dataset(train, config.batch)
    tuned, labels_N = encoder.copy(), train.labels[task]
    embeddings_ND = embed_all(encoder, train.images_N3HW)
    head = fit_linear_probe(embeddings_ND, labels_N, classes=len(train.classes[task]))
    learner = fine_tuning_learner(
        {"encoder": tuned.module, "head": head.module},
        steps=steps,
        learning_rate=config.learning_rate,
        seed=config.seed,
    )

    def loss_of_step(chance: Generator) -> Tensor:
        index_B = draw_batch(len(train), config.batch, chance)
        images = train.images_N3HW[index_B].to(tuned.device)
        labels_B = labels_N[index_B]
        attacked = pgd(classify, images, labels_B, config.reach, chance)
        return F.cross_entropy(classify(attacked), labels_B)

    def classify(images: Tensor) -> Tensor:
        return head.logits(tuned.encode(images))

    fit(loss_of_step, learner, steps=steps)
    return classify
