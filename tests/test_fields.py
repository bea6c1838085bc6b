"""Whatever a file holds, pydantic's complaints become rules with a place, in our words."""

from __future__ import annotations

import copy
import re

import pytest
import yaml
from broken import ENTRY
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from surveykit.fields import validated
from surveykit.models import Author, Bilingual, Paper, Summary
from surveykit.rules import BY_ID
from surveykit.vocabulary import Taxonomy, Venue
from surveykit.yaml_tree import decode, parse

PAPER = TypeAdapter(Paper)
GOOD = parse(ENTRY).data


def ways(data, way=()):
    """Every way into a document."""
    yield way
    if isinstance(data, dict):
        for key, value in data.items():
            yield from ways(value, (*way, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from ways(value, (*way, index))


WAYS = [way for way in ways(GOOD) if way]
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=12).filter(lambda t: not set(t) & set("\ufeff\ufffe\uffff"))  # fmt: skip
VALUE = st.recursive(
    st.none() | st.integers(-(10**15), 10**15) | TEXT,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(TEXT | st.sampled_from(["en", "zh", "family", "id"]), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@example([(("terms",), {"\U00018cd6": None})])
@example([(("terms", "role"), "\ud7fc")])  # no character yet: shown, never repeated
@given(st.lists(st.tuples(st.sampled_from(WAYS), VALUE), max_size=3))
def test_any_value_anywhere_is_accepted_or_explained_at_its_place(changes):
    document = copy.deepcopy(GOOD)
    for way, value in changes:
        parent = document
        try:
            for step in way[:-1]:
                parent = parent[step]
            parent[way[-1]] = value
        except (TypeError, KeyError, IndexError):
            continue  # an earlier change took the place away
    text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False)
    tree = parse(decode(text.encode("utf-8")))
    faults = []
    paper = validated(PAPER, tree, faults)
    assert (paper is None) == bool(faults)
    for fault in faults:
        assert fault.rule in BY_ID
        assert fault.rule.startswith("SK2")
        assert 1 <= fault.line <= text.count("\n") + 1
        line = text.split("\n")[fault.line - 1]
        assert 1 <= fault.column <= len(line) + 1
        assert fault.message.isprintable()
        assert not re.search(
            r"pydantic|Input should|Traceback|validation", fault.message
        )


def faults_of(form, text):
    faults = []
    validated(TypeAdapter(form), parse(text), faults)
    return [(f.rule, f.line, f.column, f.message) for f in faults]


@pytest.mark.parametrize(
    ("form", "wanted"),
    [(Paper, "a mapping of keys and values"), (tuple[Venue, ...], "a list")],
)
def test_an_empty_file_has_no_key_to_delete(form, wanted):
    assert faults_of(form, "# nothing\n") == [
        ("SK203", 1, 1, f"needs {wanted}; fill it, or delete the file")
    ]


def test_a_field_inside_a_list_of_models_finds_its_fields():
    text = (
        "- id: x\n  name: X\n  full: {en: x, zh: 甲}\n  kind: journal\n  alias: [y]\n"
    )
    assert faults_of(tuple[Venue, ...], text) == [
        ("SK202", 5, 3, "unknown field 'alias'; did you mean `aliases`?")
    ]


@pytest.mark.parametrize(
    ("word", "good"), [("true", True), ("false", True), ("maybe", False)]
)
def test_yes_or_no_is_read_where_a_field_asks_for_it(word, good):
    text = f"axes:\n  - id: a\n    label: {{en: A, zh: 甲}}\n    question: {{en: a?, zh: 甲？}}\n    leaves_only: {word}\n    terms: []\nrelations: []\n"
    faults = faults_of(Taxonomy, text)
    assert [fault[:3] for fault in faults] == ([] if good else [("SK203", 5, 18)])


def test_numbers_are_not_guessed_from_text():
    text = "axes:\n  - id: a\n    label: {en: A, zh: 甲}\n    question: {en: a?, zh: 甲？}\n    min_terms: '1'\n    terms: []\nrelations: []\n"
    assert faults_of(Taxonomy, text) == [
        (
            "SK203",
            5,
            16,
            "axes[0].min_terms: '1' is a number here; write 1 without quotes",
        )
    ]


def test_in_a_survey_with_english_alone_a_text_is_its_own_twin():
    said = {"en": "Mushrooms"}
    alone = Bilingual.model_validate(said, context={"languages": ("en",)})
    assert (alone.en, alone.zh) == ("Mushrooms", "Mushrooms")
    for context in (None, {"languages": ("en", "zh")}):
        with pytest.raises(ValidationError):
            Bilingual.model_validate(said, context=context)
    both = said | {"zh": "蘑菇"}
    kept = Bilingual.model_validate(both, context={"languages": ("en",)})
    assert kept.zh == "蘑菇"


@pytest.mark.parametrize(
    ("parts", "written"),
    [
        ({"given": "Ada", "family": "Lovelace"}, "Ada Lovelace"),
        ({"given": "Ricardo J.", "family": "Cruz"}, "Ricardo J. Cruz"),
        ({"given": "Ana", "family": "Ruiz Gil"}, {"given": "Ana", "family": "Ruiz Gil"}),
        ({"family": "Plato"}, {"family": "Plato"}),
        ({"literal": "The Team"}, {"literal": "The Team"}),
        ({"given": "A", "particle": "de", "family": "B"}, {"given": "A", "particle": "de", "family": "B"}),
    ],
)  # fmt: skip
def test_an_author_is_written_as_a_person_would_type_it(parts, written):
    author = Author.model_validate(parts)
    assert author.written == written
    assert Author.model_validate(author.written) == author


def test_a_text_is_given_in_the_language_asked_for():
    text = Bilingual(en="word", zh="词")
    says = Summary(en="It does.", zh="它做。", basis="abstract", source="arXiv:2303.15180")  # fmt: skip
    assert (says.in_("en"), says.in_("zh")) == ("It does.", "它做。")
    assert (text.in_("en"), text.in_("zh")) == ("word", "词")
    assert text.written(("en", "zh")) == {"en": "word", "zh": "词"}
    assert text.written(("en",)) == {"en": "word"}


@pytest.mark.parametrize("languages", [("zh",), ("en", "zh"), ("de",), ()])
def test_only_a_survey_with_english_alone_does_without_chinese(languages):
    with pytest.raises(ValidationError):
        Bilingual.model_validate({"en": "word"}, context={"languages": languages})
