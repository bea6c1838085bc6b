"""Sentences about invented people, each with a name and an address, and the corpora that text encoders of the lab read.

Names of test sentences are in no training sentence, though first and last names are; addresses are drawn anew for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from torch import Generator

from reference_impls.lab.data.sentences import (
    CLASSES,
    COLORS,
    FEELINGS,
    TASKS,
    TOPICS,
    Sentences,
    test_sentences,
    train_sentences,
)
from reference_impls.lab.errors import DatasetError

FIRST = "anna omar lena paul ines yuki tomas vera ravi nora emil sara igor mina otto rosa hugo elif ivan dora axel bela cleo dario edda finn greta hana jonas kaya".split()
LAST = "berg silva novak okoro lund haas costa meyer ito khan dahl rossi vega weiss popov adler moreau kato lindt brandt arendt bauer cerny duarte eklund farkas gomes holm ivarsson jansen".split()
STREETS = (
    "mill church garden north bridge river hill school market forest lake tower".split()
)
TOWNS = "arlo brenn caldor dornau elmhurst fenby garnow hollen irvale jornby kelsen larnau".split()  # fmt: skip
NUMBERS = 60
"""House numbers begin with 1 and end here."""
SAID = (
    "{name} of {address} {felt} the {color} {thing}",
    "a {color} {thing} for {name} , {address} , it was {feel}",
    "{name} {act} the {feel} {thing} in {color} , {address}",
    "the {feel} {color} {thing} goes to {name} at {address}",
)
STRANGERS = 48
"""The first of all names, which are in no sentence."""
HELD = 4
"""One name in so many is in no training sentence."""
Corpus = Literal["sentences", "people"]
PEOPLE_CLASSES: Mapping[str, tuple[str, ...]] = {**CLASSES, "town": tuple(TOWNS)}


@dataclass(frozen=True)
class Person:
    """Somebody who does not exist."""

    name: str
    """First and last."""
    address: str
    """House number, street and town."""
    town: str


def person(name: str, chance: Generator) -> Person:
    """Somebody of that name, who lives anywhere."""
    number, street, town = (int(torch.randint(n, (1,), generator=chance)) for n in (NUMBERS, len(STREETS), len(TOWNS)))  # fmt: skip
    return Person(name, f"{1 + number} {STREETS[street]} street in {TOWNS[town]}", TOWNS[town])  # fmt: skip


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """All there are, in an order drawn at random."""
    every = [f"{first} {last}" for first in FIRST for last in LAST]
    order = torch.randperm(len(every), generator=Generator().manual_seed(0))
    return tuple(every[n] for n in order.tolist())


@lru_cache(maxsize=1)
def strangers() -> tuple[Person, ...]:
    """People who are in no sentence."""
    chance = Generator().manual_seed(1)
    return tuple(person(name, chance) for name in names()[:STRANGERS])


def people(count: int, *, seed: int, held: bool = False) -> Sentences:
    """`count` sentences about people, with labels of the three tasks and of the town; the same seed gives the same.

    Raises:
        DatasetError: none are asked for.
    """
    if count < 1:
        raise DatasetError(f"a dataset needs one sentence or more, got {count}")
    chance = Generator().manual_seed(seed)
    known = [one for n, one in enumerate(names()[STRANGERS:]) if (n % HELD == 0) == held]  # fmt: skip
    who_N = torch.randint(len(known), (count,), generator=chance)
    who = [person(known[n], chance) for n in who_N.tolist()]
    labels = {
        task: torch.randint(len(CLASSES[task]), (count,), generator=chance)
        for task in TASKS
    }
    texts = []
    for n, one in enumerate(who):
        topic, sentiment, color = (CLASSES[task][labels[task][n]] for task in TASKS)
        words = {**TOPICS[topic], **FEELINGS[sentiment], **COLORS[color]}
        drawn = {
            slot: one.split()[int(torch.randint(len(one.split()), (1,), generator=chance))]
            for slot, one in words.items()
        }  # fmt: skip
        template = SAID[int(torch.randint(len(SAID), (1,), generator=chance))]
        texts.append(template.format(**drawn, name=one.name, address=one.address))
    labels["town"] = torch.tensor([TOWNS.index(one.town) for one in who])
    facts = {
        "name": tuple(one.name for one in who),
        "address": tuple(one.address for one in who),
    }
    return Sentences(name="people", texts=tuple(texts), labels=labels, classes=PEOPLE_CLASSES, facts=facts)  # fmt: skip


@lru_cache(maxsize=8)
def corpus(name: str, count: int, *, test: bool = False) -> Sentences:
    """What text encoders and heads learn from, or what figures are measured on.

    Raises:
        DatasetError: there is none of that name.
    """
    if name == "people":
        return people(count, seed=2 if test else 1, held=test)
    if name != "sentences":
        raise DatasetError(f"unknown dataset {name!r}; there are sentences, people and csv:FILE")  # fmt: skip
    return test_sentences(count) if test else train_sentences(count)
