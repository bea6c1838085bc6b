"""What readers are told stands in English and in Chinese, with the same figures in it."""

import re
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_impls.badencoder import present as planted
from reference_impls.decree import fleet, present
from reference_impls.lab.bilingual import Bilingual, localize
from reference_impls.lab.study import page

SAID = [
    pytest.param(text, id=f"{module.__name__}.{name}")
    for module in (page, fleet, present, planted)
    for name, text in vars(module.Words).items()
    if isinstance(text, Bilingual)
]
HAN = r"[\u4e00-\u9fff]"


def fields(text):
    return {(name, spec) for _, name, spec, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("text", SAID)
def test_both_languages_say_something_with_the_same_figures(text):
    assert text.en.isascii() or not re.search(HAN, text.en)
    assert fields(text.en) >= fields(text.zh) - {("count", ""), ("fraction", "")}
    assert fields(text.zh) >= fields(text.en)
    words = re.search(r"[a-z]{3}", re.sub(r"{.*?}", "", text.en))
    assert bool(re.search(HAN, text.zh)) == bool(words)


@pytest.mark.parametrize("text", SAID)
def test_chinese_is_set_as_chinese(text):
    assert not re.search(r"[,.;:?!()](\s|$)", re.sub(r"{.*?}", "0", text.zh))
    assert not re.search(rf"{HAN}[A-Za-z0-9{{]|[A-Za-z0-9}}%]{HAN}", text.zh)
    assert not re.search(r"[，。；：？！（）] | [，。；：？！（）]", text.zh)


@given(st.text(), st.text())
def test_a_value_is_never_taken_for_a_template(name, zh):
    filled = Bilingual("of {a}", "{a} 的").fill(a=name)
    assert (filled.en, filled.zh) == (f"of {name}", f"{name} 的")
    nested = Bilingual("<{a}>", "《{a}》").fill(a=Bilingual(name, zh))
    assert (nested.en, nested.zh) == (f"<{name}>", f"《{zh}》")


def test_sentences_are_joined_as_each_language_does():
    joined = Bilingual("One.", "一。").then(Bilingual("Two.", "二。"))
    assert (localize(joined, "en"), localize(joined, "zh")) == ("One. Two.", "一。二。")


@given(st.text())
def test_a_plain_text_is_the_same_in_both(text):
    assert localize(text, "en") == localize(text, "zh") == text
