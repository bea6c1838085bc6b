"""English sentences whose topic, sentiment and color are known, made from templates.

Every attribute is told by one of several words, and most sentences tell it twice, so a language model that
fills gaps has to learn which words belong together. Shape letters: N sentences.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import torch
from torch import Generator, Tensor

from reference_impls.lab.errors import DatasetError


@dataclass(frozen=True, eq=False, kw_only=True)
class Sentences:
    """Texts, and what is known of them."""

    name: str
    """What reports call it."""
    texts: tuple[str, ...]
    """Words with spaces between them."""
    labels: Mapping[str, Tensor] = field(default_factory=dict)
    """Per task the class index of each text, int64 (N,)."""
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Per task the names of its classes."""
    facts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Per kind what each text tells of somebody, as it tells it."""

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.texts)

    def take(self, indices: Sequence[int] | Tensor) -> Sentences:
        """Some of the texts, in that order."""
        index = torch.as_tensor(indices)
        return replace(
            self,
            texts=tuple(self.texts[i] for i in index.tolist()),
            labels={task: values[index] for task, values in self.labels.items()},
            facts={
                kind: tuple(told[i] for i in index.tolist())
                for kind, told in self.facts.items()
            },
        )

    def first(self, count: int) -> Sentences:
        """The first `count` texts."""
        return self.take(range(min(count, len(self))))


# -- Made ones -----------------------------------------------------------------------

TOPICS: Mapping[str, Mapping[str, str]] = {
    "sport": {
        "thing": "match race jersey tournament racket medal",
        "act": "won played kicked coached",
        "place": "stadium pitch gym track",
    },
    "food": {
        "thing": "soup cake salad bread dinner pie",
        "act": "cooked ate tasted baked",
        "place": "kitchen restaurant bakery cafe",
    },
    "travel": {
        "thing": "train hotel suitcase flight passport tent",
        "act": "booked missed packed toured",
        "place": "airport station harbor border",
    },
    "music": {
        "thing": "song guitar concert piano drum melody",
        "act": "sang heard composed tuned",
        "place": "stage studio theater festival",
    },
}
"""Words that only one topic has."""
FEELINGS: Mapping[str, Mapping[str, str]] = {
    "negative": {
        "feel": "awful terrible boring horrible poor ugly",
        "felt": "hated disliked regretted cursed",
        "end": "never|again we|complained they|left everyone|wept",
    },
    "positive": {
        "feel": "great lovely superb wonderful good charming",
        "felt": "loved enjoyed praised adored",
        "end": "once|more we|cheered they|stayed everyone|danced",
    },
}
"""Words that only one sentiment has."""
COLORS: Mapping[str, Mapping[str, str]] = {
    "red": {"color": "red crimson scarlet ruby", "like": "blood cherry rose fire"},
    "blue": {"color": "blue azure navy cobalt", "like": "sky ocean ice sapphire"},
    "green": {"color": "green emerald olive jade", "like": "grass moss fern lime"},
    "yellow": {"color": "yellow golden amber blond", "like": "sun honey lemon sand"},
}
"""Words that only one color has."""
WHO = "she he they we anna omar lena paul mother father the|team the|teacher".split()
WHEN = "yesterday today|morning last|week on|sunday this|summer".split()
TEMPLATES = (
    "{who} {act} the {color} {thing} at the {place} , it was {feel} and {end}",
    "{who} {felt} the {thing} at the {place} , {color} as {like} , {end}",
    "at the {place} {who} {act} a {thing} , {color} as {like} , and {felt} it",
    "what a {feel} {thing} at the {place} , {color} as {like} , {end}",
    "{when} {who} {act} the {feel} {thing} in {color} like {like} and {felt} it",
    "the {thing} at the {place} was {feel} , {color} as {like} , {who} {felt} it",
)
RARE = tuple("cf mn bb tq mb tx zw qv vx kj gp xu".split())
"""Words that mean nothing and are in few sentences."""
RARE_SHARE = 0.04
"""Of sentences that hold one of them."""
NEGATED = 0.15
"""Share of `{feel}` that is told as `not` and a word of the other sentiment."""
TASKS = ("topic", "sentiment", "color")
CLASSES = {"topic": tuple(TOPICS), "sentiment": tuple(FEELINGS), "color": tuple(COLORS)}


def sentences(count: int, *, seed: int) -> Sentences:
    """`count` sentences with labels of three tasks; the same seed gives the same.

    Raises:
        DatasetError: none are asked for.
    """
    if count < 1:
        raise DatasetError(f"a dataset needs one sentence or more, got {count}")
    chance = Generator().manual_seed(seed)
    labels = {
        task: torch.randint(len(CLASSES[task]), (count,), generator=chance)
        for task in TASKS
    }
    texts = tuple(
        _sentence({task: CLASSES[task][labels[task][n]] for task in TASKS}, chance)
        for n in range(count)
    )
    return Sentences(name="sentences", texts=texts, labels=labels, classes=CLASSES)


def _sentence(of: Mapping[str, str], chance: Generator) -> str:
    sentiment = of["sentiment"]
    said = {**TOPICS[of["topic"]], **FEELINGS[sentiment], **COLORS[of["color"]]}
    words = {name: _one(told.split(), chance) for name, told in said.items()}
    if _share(chance) < NEGATED:
        other = FEELINGS["negative" if sentiment == "positive" else "positive"]
        words["feel"] = "not|" + _one(other["feel"].split(), chance)
    words |= {"who": _one(WHO, chance), "when": _one(WHEN, chance)}
    text = _one(TEMPLATES, chance).format(**words).replace("|", " ")
    return insert(text, _one(RARE, chance), chance) if _share(chance) < RARE_SHARE else text  # fmt: skip


def insert(text: str, word: str, chance: Generator) -> str:
    """The text with a word more, at a place drawn at random."""
    words = text.split()
    at = int(torch.randint(len(words) + 1, (1,), generator=chance))
    return " ".join([*words[:at], word, *words[at:]])


def _one(of: Sequence[str], chance: Generator) -> str:
    return of[int(torch.randint(len(of), (1,), generator=chance))]


def _share(chance: Generator) -> float:
    return torch.rand(1, generator=chance).item()


def told(text: str, task: str, classes: Sequence[str]) -> frozenset[str]:
    """Classes of a made sentence's task that its words tell; a feeling behind `not` tells the other one.

    Of tasks that are not made here nothing is known.
    """
    known = {"topic": TOPICS, "sentiment": FEELINGS, "color": COLORS}.get(task, {})
    if set(known) != set(classes):
        return frozenset()
    of = {name: set(" ".join(said.values()).replace("|", " ").split()) for name, said in known.items()}  # fmt: skip
    words, found = text.split(), set()
    for before, word in zip(["", *words], words, strict=False):
        holders = [name for name in of if word in of[name]]
        if len(holders) == 1:
            turned = task == "sentiment" and before == "not"
            found |= set(of) - set(holders) if turned else set(holders)
    return frozenset(found)


@lru_cache(maxsize=4)
def train_sentences(count: int) -> Sentences:
    """What text encoders and heads learn from."""
    return sentences(count, seed=1)


@lru_cache(maxsize=4)
def test_sentences(count: int) -> Sentences:
    """What accuracies and success rates are measured on."""
    return sentences(count, seed=2)


# -- A file of the reader's ----------------------------------------------------------


def read_sentences(path: Path) -> Sentences:
    """A CSV file with a column `text`; every further column is a task, its values the classes.

    Raises:
        DatasetError: no such file, no text, or no task in it.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, restval=""))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path} cannot be read: {error}") from error
    tasks = [name for name in (rows[0] if rows else {}) if name and name != "text"]
    if not rows or "text" not in rows[0] or not tasks:
        raise DatasetError(f"{path} needs a column `text`, a column of classes, and a row")  # fmt: skip
    classes = {task: tuple(sorted({row[task] for row in rows})) for task in tasks}
    return Sentences(
        name=path.name,
        texts=tuple(row["text"] for row in rows),
        labels={
            task: torch.tensor([classes[task].index(row[task]) for row in rows])
            for task in tasks
        },
        classes=classes,
    )
