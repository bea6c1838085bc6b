"""The neighbours' vote, against a plain loop and on cases known by hand."""

import math

import pytest
import torch

from reference_impls.lab.errors import ConfigError
from reference_impls.lab.metrics.knn import KNNClassifier


def random(count, seed):
    return torch.randn(count, 6, generator=torch.Generator().manual_seed(seed))


def test_the_vote_is_that_of_a_plain_loop():
    bank, queries = random(40, 0), random(25, 1)
    labels = torch.arange(40) % 4
    predicted = KNNClassifier.of(bank, labels, classes=4, k=7).predict(queries)
    for query, answer in zip(queries, predicted.tolist(), strict=True):
        cosines = [
            float(query @ other / (query.norm() * other.norm())) for other in bank
        ]
        nearest = sorted(range(40), key=lambda i: -cosines[i])[:7]
        votes = [0.0] * 4
        for i in nearest:
            votes[labels[i]] += math.exp(cosines[i] / 0.07)
        assert answer == votes.index(max(votes))


def test_one_neighbour_gives_back_the_label_of_the_bank():
    bank, labels = random(30, 2), torch.arange(30) % 3
    assert KNNClassifier.of(bank, labels, classes=3, k=1).predict(bank).equal(labels)


def test_one_close_neighbour_outvotes_many_distant_ones():
    bank = torch.tensor([[1.0, 0.0], [0.5, 1.0], [0.5, 1.0], [0.5, 1.0]])
    voters = KNNClassifier.of(bank, torch.tensor([0, 1, 1, 1]), classes=2, k=4)
    assert voters.predict(torch.tensor([[1.0, 0.01]])).tolist() == [0]
    crowd = KNNClassifier.of(
        bank, torch.tensor([0, 1, 1, 1]), classes=2, k=4, temperature=10.0
    )
    assert crowd.predict(torch.tensor([[1.0, 0.01]])).tolist() == [1]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"k": 0}, "k must lie in 1..5"),
        ({"k": 6}, "got 6"),
        ({"temperature": 0}, "above 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, said):
    with pytest.raises(ConfigError, match=said):
        KNNClassifier.of(
            random(5, 0),
            torch.zeros(5, dtype=torch.long),
            classes=1,
            **({"k": 5} | settings),
        )
