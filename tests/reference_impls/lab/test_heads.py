import pytest
import torch

from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.models.heads import (
    class_texts,
    fit_linear_probe,
    fit_mlp_head,
    mean_average_precision,
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


def average_precision(scores, relevant):
    """The definition, rank by rank."""
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    hits, total = 0, 0.0
    for rank, i in enumerate(order, start=1):
        if relevant[i]:
            hits += 1
            total += hits / rank
    return total / hits


class TestMeanAveragePrecision:
    def test_a_ranking_by_hand(self):
        # Cosines 1, .8, .6, 0; relevant are ranks 1 and 3: (1/1 + 2/3) / 2.
        answers = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.6, 0.8], [0.0, 1.0]])
        relevant = torch.tensor([[True, False, True, False]])
        found = mean_average_precision(torch.tensor([[1.0, 0.0]]), answers, relevant)
        assert found == pytest.approx((1 + 2 / 3) / 2)

    def test_it_agrees_with_the_definition(self):
        generator = torch.Generator().manual_seed(0)
        queries = torch.randn(7, 4, generator=generator)
        answers = torch.randn(30, 4, generator=generator)
        relevant = torch.rand(7, 30, generator=generator) < 0.2
        relevant[:, 3] = True
        cosines = torch.cosine_similarity(queries[:, None], answers[None], dim=2)
        expected = [
            average_precision(*both)
            for both in zip(cosines.tolist(), relevant.tolist(), strict=True)
        ]
        found = mean_average_precision(queries, answers, relevant)
        assert found == pytest.approx(sum(expected) / 7, rel=1e-6)

    def test_it_is_not_precision_at_one(self):
        answers = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.6, 0.8]])
        relevant = torch.tensor([[True, False, True]])
        query = torch.tensor([[1.0, 0.0]])
        assert mean_average_precision(query, answers, relevant) < 1

    def test_a_constant_encoder_gains_nothing_from_ties(self):
        same = torch.ones(6, 3)
        own = torch.eye(6, dtype=torch.bool)
        assert mean_average_precision(same, same, own) == pytest.approx(1 / 6)

    def test_queries_without_a_relevant_answer_do_not_count(self):
        relevant = torch.tensor([[True, False], [False, False]])
        assert mean_average_precision(torch.eye(2), torch.eye(2), relevant) == 1


def test_a_datasets_captions_or_a_plain_prompt_describe_its_classes():
    vectors = {"red one": [1.0, 0.0], "red two": [0.0, 1.0], "blue": [-1.0, 0.0]}
    vectors["a photo of a red"] = vectors["a photo of a blue"] = [0.0, -1.0]
    labels = {"colour": torch.tensor([0, 0, 1])}
    classes = {"colour": ("red", "blue")}
    images = torch.zeros(3, 3, 8, 8)

    def embed(captions):
        return torch.tensor([vectors[caption] for caption in captions])

    dataset = Dataset(
        name="w",
        images_N3HW=images,
        labels=labels,
        classes=classes,
        captions=("red one", "red two", "blue"),
    )
    half = 2**-0.5
    torch.testing.assert_close(
        class_texts(embed, dataset, "colour"), torch.tensor([[half, half], [-1.0, 0.0]])
    )
    plain = Dataset(name="w", images_N3HW=images, labels=labels, classes=classes)
    assert class_texts(embed, plain, "colour").tolist() == [[0.0, -1.0]] * 2
