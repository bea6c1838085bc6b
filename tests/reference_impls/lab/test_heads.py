import pytest
import torch

from reference_impls.lab.heads import (
    fit_linear_probe,
    fit_mlp_head,
    recall_at,
    zero_shot,
)


def clusters(count=300):
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(3, (count,), generator=generator)
    centres = torch.tensor([[4.0, 0, 0, 0], [0, 4, 0, 0], [0, 0, 4, 0]])
    return centres[labels] + torch.randn(count, 4, generator=generator), labels


@pytest.mark.parametrize("fit", [fit_linear_probe, fit_mlp_head])
def test_a_head_learns_separate_clusters_and_follows_its_seed(fit):
    embeddings, labels = clusters()
    head, same = (fit(embeddings, labels, classes=3) for _ in range(2))
    assert head.accuracy(embeddings, labels) > 0.95
    assert torch.equal(head.predict(embeddings), same.predict(embeddings))


def test_only_the_mlp_learns_what_no_line_separates():
    embeddings = torch.randn(600, 2, generator=torch.Generator().manual_seed(0))
    labels = (embeddings[:, 0] * embeddings[:, 1] > 0).long()
    linear = fit_linear_probe(embeddings, labels, classes=2).accuracy(
        embeddings, labels
    )
    mlp = fit_mlp_head(embeddings, labels, classes=2).accuracy(embeddings, labels)
    assert linear < 0.7
    assert mlp > 0.9


def test_zero_shot_takes_the_nearest_text():
    texts = torch.eye(3)
    images = torch.tensor([[0.1, 5, 0], [2, 0, 1.9]])
    assert zero_shot(images, texts).tolist() == [1, 0]


def test_recall_counts_the_own_answer_among_the_nearest():
    assert recall_at(torch.eye(4), torch.eye(4)) == 1
    assert recall_at(torch.eye(4), torch.eye(4).roll(1, 0)) == 0


def test_a_constant_encoder_recalls_nothing():
    assert recall_at(torch.ones(8, 3), torch.ones(8, 3)) == 0
