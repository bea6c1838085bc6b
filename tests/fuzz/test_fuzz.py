"""A short run over every reader; `python -m tests.fuzz` runs for as long as one likes."""

import random

import pytest

from tests.fuzz.targets import TARGETS, run, seeds

RUNS = 150
SIGNS = b"{}[]()<>\\\"'|*_`~#@&%$^:;,./=-+!? \n\t\0\x80\xe4\xff"


def mutated(chance: random.Random, texts: list[bytes]) -> bytes:
    """Two seeds cut and joined, with some signs changed."""
    one, other = chance.choice(texts), chance.choice(texts)
    raw = bytearray(
        one[: chance.randint(0, len(one))] + other[chance.randint(0, len(other)) :]
    )
    for _ in range(chance.randint(0, 8)):
        at = chance.randint(0, len(raw))
        raw[at : at + chance.randint(0, 3)] = bytes(
            chance.choices(SIGNS, k=chance.randint(0, 4))
        )
    return bytes(raw) * chance.choice((1, 1, 1, 9))


@pytest.mark.parametrize("name", TARGETS)
def test_no_text_makes_a_reader_raise_or_dawdle(name):
    chance = random.Random(20261129)
    texts = seeds(name)
    for _ in range(RUNS):
        run(name, mutated(chance, texts))
