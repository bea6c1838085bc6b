"""What readers are told stands in English and in Chinese, with the same figures in it."""

import re
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_impls.lab.bilingual import Bilingual, Words, localize
from reference_impls.lab.errors import ConfigError

ROOT = Path(__file__).parents[3] / "reference_impls"
SAID = [
    pytest.param(text, id=f"{path.parent.name}.{name}")
    for path in sorted(ROOT.glob("*/words.yaml"))
    for name, text in Words(path).items()
]
HAN = r"[\u4e00-\u9fff]"
PLAIN = r"(?!某)[\u4e00-\u9fff]"
NAMES = re.compile(
    r"(5%：)?(ConvNeXt|Transformer|BadEncoder|Text-on-Pair|Auto-PGD|Co-Attack|Sparse-RS|CLIPure|CleanCLIP|Beatrix|PatchSearch|StolenEncoder"
    r"|Cont-Steal|SSL-WM|SSLGuard|ONNX Runtime|b?float16|TextObfuscator|DP-SGD|int[48]|(picklescan|fickling) [\d.]+)"
    r"(，(\d+|int8))?(，[ηλσ] = [\d.]+)?"
)
"""Said in Chinese as in English."""


def fields(text):
    return {(name, spec) for _, name, spec, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("text", SAID)
def test_both_languages_say_something_with_the_same_figures(text):
    assert text.en.isascii() or not re.search(HAN, text.en)
    assert fields(text.en) >= fields(text.zh) - {("count", ""), ("fraction", "")}
    assert fields(text.zh) >= fields(text.en)
    words = re.search(r"[a-z]{3}", re.sub(r"{.*?}|`[^`]*`", "", text.en))
    if words and not NAMES.fullmatch(text.zh):
        assert re.search(HAN, text.zh)


@pytest.mark.parametrize("text", SAID)
def test_chinese_is_set_as_chinese(text):
    numbers = re.sub(r"{[^{}]*:[^{}]*}", "0", text.zh)
    chinese = re.sub(r"{[^{}]*}", "某", numbers)  # may be filled with words
    outside = re.sub(r"`[^`]*`|\[[^]]*\]", "A", chinese)
    assert not re.search(r"[,.;:?!()](\s|$)", outside)
    assert not re.search(rf"{PLAIN}[A-Za-z0-9]|[A-Za-z0-9%]{PLAIN}", outside)
    assert not re.search(r"[，。；：？！（）] | [，。；：？！（）]", outside)


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


# -- words.yaml ----------------------------------------------------------------------


def read(tmp_path, text):
    path = tmp_path / "words.yaml"
    path.write_text(text, "utf-8")
    return Words(path)


def test_texts_have_the_names_of_their_places(tmp_path):
    words = read(tmp_path, "a: {b: {en: one, zh: 一}, c: {en: two, zh: 二}}")
    assert words["a.b"] == Bilingual("one", "一")
    assert words.group("a") == {
        "b": Bilingual("one", "一"),
        "c": Bilingual("two", "二"),
    }
    assert list(words) == ["a.b", "a.c"]
    for name in ("a.d", "b"):
        with pytest.raises(KeyError):
            words[name]
        with pytest.raises(KeyError):
            words.group(name)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: {en: only}", "a.en must have en and zh"),
        ("a: text", "a must have en and zh"),
        ("", "the file must have en and zh"),
        ('a: {b: {en: "{x}", zh: "{y}"}}', "a.b does not fill in the same"),
    ],
)
def test_a_text_in_one_language_is_refused(tmp_path, text, told):
    with pytest.raises(ConfigError, match=told):
        list(read(tmp_path, text))
