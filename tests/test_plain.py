"""LaTeX, HTML, JATS and MathML become one line of plain text; no word is lost, nothing raises."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveykit.text.plain import latex, markup, title

LATEX = [
    # accents in all spellings
    (r'{\"u}', "ü"), (r'\"{u}', "ü"), (r'\"u', "ü"), (r'{\"{u}}', "ü"), (r"\'\i", "í"), (r"\'{\i}", "í"),
    (r"{\v c}", "č"), (r"\v{c}", "č"), (r"{\v{c}}", "č"), (r"\c c", "ç"), (r"\c{c}", "ç"), (r"{\c{c}}", "ç"),
    (r"\H{o}", "ő"), (r"\k{a}", "ą"), (r"\u{g}", "ğ"), (r"\d{s}", "ṣ"), (r"\r{a}", "å"), (r"\=a", "ā"), (r"\.z", "ż"),
    (r"\ss", "ß"), (r"{\ss}", "ß"), (r"\aa", "å"), (r"\o", "ø"), (r"{\o}re", "øre"), (r"\l", "ł"), (r"\ae", "æ"),
    (r"Stra\ss e", "Straße"), (r"Sk{\l}odowska", "Skłodowska"), (r"Erd\H{o}s", "Erdős"), (r"Ho\^ang", "Hoâng"),
    (r"na\"{\i}ve", "naïve"), (r"\~n", "ñ"), (r"\`e", "è"), (r"{\'E}cole", "École"), (r"\i", "ı"),
    # commands whose argument is the text
    (r"\texttt{x}", "x"), (r"\textup{y}", "y"), (r"\mbox{z}", "z"), (r"\textsf{s}", "s"), (r"\textsc{Foo}Net", "FooNet"),
    (r"\emph{all} models", "all models"), (r"{\em all} models", "all models"), (r"\textbf{a \textit{b}}", "a b"),
    (r"\underline{a}", "a"), (r"\footnote{note} x", "(note) x"), (r"\href{https://a.b/c_d}{the code} is", "the code is"),
    (r"see \url{https://a.b/c_d%20e}", "see https://a.b/c_d%20e"), (r"\textcolor{red}{word}", "word"),
    (r"\section{Intro} text", "Intro text"), (r"\title{T} \author{A B}", "T A B"), (r"\includegraphics{x}", "x"),
    (r"\texorpdfstring{$\ell_2$}{L2} norm", "L2 norm"), (r"\input{file} x", "file x"), (r"\verb|a_b|", "a_b"),
    (r"\cite{abc} shows", "abc shows"), (r"\newcommand{\x}{y}", "x y"), (r"\operatorname{argmax}", "argmax"),
    # commands that no one knows
    (r"\foo{bar} baz", "bar baz"), (r"\foo{a}{b}", "ab"), (r"\method{}: a", "method: a"), (r"\method is new", "method is new"),
    (r"\ours~works", "ours works"), (r"\noopsort{1973b}1973", "1973b1973"), (r"\SI{5}{\percent}", "5percent"),
    # signs
    (r"\LaTeX{} and \TeX", "LaTeX and TeX"), (r"\textless{}a\textgreater", "<a>"), (r"\& \% \_ \# \$", "& % _ # $"),
    (r"\{a, b\}", "{a, b}"), (r"$\{0,1\}^n$", "{0,1}^n"), (r"a\\b", "a b"), (r"a~b", "a b"), (r"a\,b", "a b"), (r"AT\&T", "AT&T"), ("A & B", "A & B"),
    (r"\textasciitilde x", "~x"), (r"\copyright\ 2020", "© 2020"), ("a -- b --- c", "a – b — c"), ("``a''", "“a”"),
    (r"\relax x", "x"), (r"{\relax Ch}arles", "Charles"), (r"data\-set", "dataset"), (r"shelf\/ful", "shelfful"),
    (r"\textquoteright s", "’s"), (r"\ldots", "…"), (r"{\bf A} {\sc b}", "A b"), (r"\small x", "x"), (r"\hspace{1cm}x", "x"),
    # maths
    (r"$\mathcal{X}$", "X"), (r"$\mathbb{R}^d$", "R^d"), (r"$\ell_\infty$", "ℓ_∞"), (r"$\ell_{\infty}$", "ℓ_∞"),
    (r"$n$-gram", "n-gram"), (r"$\epsilon$-ball", "ϵ-ball"), (r"$10^{-3}$", "10^-3"), (r"$\frac{1}{2}$", "1/2"),
    (r"$n^{d/2}\log n$", "n^(d/2)log n"), (r"$d \ge 2$", "d ≥ 2"), (r"$x_{ij}$", "x_ij"), (r"\(x\)", "x"), (r"\[y\]", "y"),
    (r"$$z$$", "z"), (r"$\sqrt{d}$", "√d"), (r"best-of-$N$", "best-of-N"), (r"$k$NN", "kNN"), (r"$\times$2", "×2"),
    (r"$f(x)$", "f(x)"), (r"$\text{best-of-}N$", "best-of-N"), (r"\ensuremath{\alpha}", "α"), (r"CO$_2$", "CO_2"),
    (r"$\left( x \right)$", "( x )"), (r"\begin{equation}a=b\end{equation}", "a=b"), (r"$\varepsilon$", "ε"),
    # what looks like LaTeX and is none
    ("100% of A_B", "100% of A_B"), ("US$5 and $6", "US$5 and $6"), ("a $2 million prize", "a $2 million prize"),
    ("lone $ here", "lone $ here"), ("C$ # _ ^", "C$ # _ ^"), ("n < 3 and m > 4", "n < 3 and m > 4"), ("<3", "<3"),
    ("from $5 to $10", "from $5 to $10"), ("$5-$10", "$5-$10"), ("file_name.py", "file_name.py"), ("#1", "#1"),
    ("x^2", "x^2"), ("50\\% % of 100%", "50% % of 100%"), ("M$ and C$", "M$ and C$"), ("a\\", "a"),
    # braces and environments
    ("{BERT}: {Pre}-training", "BERT: Pre-training"), ("{unbal", "unbal"), ("unbal}", "unbal"), ("{{T}}", "T"),
    (r"\begin{itemize}\item a \item b\end{itemize}", "a b"), (r"\begin{foo}bar\end{foo}", "bar"),
    (r"\begin{verbatim}a_b\end{verbatim}", "a_b"), (r"\begin{center} c", "c"),
]  # fmt: skip

MARKUP = [
    ("Robust <i>CLIP</i>", "Robust CLIP"), ("a &amp;amp; b", "a & b"), ("a &amp; b", "a & b"), ("Q&A and R&D", "Q&A and R&D"),
    ("CO<sub>2</sub>", "CO2"), ("CO&lt;sub&gt;2&lt;/sub&gt;", "CO2"), ("M&uuml;ller&#8217;s &#x201C;x", "Müller’s “x"),
    ("<jats:p>Scanning</jats:p> <tex-math>$x_1$</tex-math>Encoders", "Scanning Encoders"),
    ("<jats:title>Abstract</jats:title><jats:p>We</jats:p>", "Abstract We"), ("a<br>b<br/>c", "a b c"),
    ("<mml:math><mml:msub>\n <mml:mi>ℓ</mml:mi>\n <mml:mi>p</mml:mi></mml:msub></mml:math> balls", "ℓp balls"),
    ("<math><mi>x</mi><mtext> for </mtext><mi>y</mi></math>", "x for y"),
    ("<script>alert(1)</script>x", "x"), ("<!-- c -->x", "x"), ("<![CDATA[x]]>", "x"), ("x&nbsp;y", "x y"),
    ("If n &lt; 3 and m > 4", "If n < 3 and m > 4"), ("a<b and c>d", "a<b and c>d"), ("x <y> z", "x <y> z"),
    ("<Image> tokens and <s> tokens", "<Image> tokens and <s> tokens"), ("The <mask> of List<T>", "The <mask> of List<T>"),
    ("A &lt;pad&gt; token", "A <pad> token"), ("<title> in heads", "<title> in heads"), ("<scp>A</scp>", "A"),
    ("<span class='a'>x</span>", "x"), ("<p>one</p><p>two</p>", "one two"), ("I <3 it", "I <3 it"),
    ("Attacks on $\\ell_p$ balls", "Attacks on ℓ_p balls"), ("$5 and $6", "$5 and $6"), ("{BERT} models", "BERT models"),
    ("Sets {A, B} of x", "Sets {A, B} of x"), ("a -- b", "a -- b"), ("a ~ b", "a ~ b"), ("Erd\\H{o}s", "Erdős"),
    ("&notanentity; stays", "&notanentity; stays"), ("A\u200bB\nC", "AB C"), ("e\u0301", "é"), ("&#0;&#xD800;x", "x"),
    ("<script>never closed", "<script>never closed"), ("<i>never closed", "<i>never closed"), ("<>", "<>"), ("", ""),
    ("&#99999999999999999999;", "&#99999999999999999999;"), ("<tex-math>x", "<tex-math>x"), ("50% of <b>all</b>", "50% of all"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "printed"), LATEX)
def test_latex_becomes_what_a_reader_sees(written, printed):
    assert latex(written) == printed


@pytest.mark.parametrize(("written", "printed"), MARKUP)
def test_what_services_send_becomes_what_a_reader_sees(written, printed):
    assert markup(written) == printed


@pytest.mark.parametrize(
    ("written", "printed"),
    [("A Title.", "A Title"), ("And so on ...", "And so on ..."), ("Cats etc.", "Cats etc."), ("<i>A</i>.", "A"), ("", "")],
)  # fmt: skip
def test_a_title_ends_without_the_full_stop_of_a_service(written, printed):
    assert title(written) == printed


def test_ten_thousand_braces_are_read_and_keep_the_word():
    for n in (100, 10_000):
        assert latex("{" * n + r"\'e word" + "}" * n) == "é word"
        assert "word" in latex(r"\textbf{" * n + "word" + "}" * n)
        assert "word" in latex(r"\begin{a}" * n + "word")


def test_a_fault_of_the_library_costs_no_word(monkeypatch):
    def broken(*_):
        raise IndexError

    monkeypatch.setattr("surveykit.text.plain._decoder", broken)
    latex_again = latex(r"\textbf{Alpha} $\beta$ \emph{gamma} 5\% never seen")
    assert re.findall(r"\w+", latex_again) == "Alpha beta gamma 5 never seen".split()


WORD = st.from_regex(r"[A-Z][a-z]{3,8}", fullmatch=True)
AROUND = st.sampled_from(
    r"%s|{%s}|\emph{%s}|\unknown{%s}|\textsc{%s}|\href{u}{%s}|${%s}$|$%s$|\foo[a]{%s}|\mbox{%s}|{\bf %s}|%s \|%s $|%s {|%s }"
    r"|%s %%|\begin{x}%s\end{x}|\footnote{%s}|\[%s\]|\verb+%s+|%s &|\url{%s}|\cite{%s}|$\mathcal{%s}$|\frac{%s}".split("|")
)  # fmt: skip


@given(st.lists(st.tuples(WORD, AROUND)))
def test_no_word_is_lost_in_latex(pairs):
    found = latex(" ".join(around % word for word, around in pairs))
    where = 0
    for word, _ in pairs:
        where = found.find(word, where)
        assert where >= 0, (word, found)


TAGS = st.sampled_from(["%s", "<i>%s</i>", "<b>%s", "%s</b>", "<jats:p>%s</jats:p>", "&lt;%s&gt;", "<%s>", "a<%s", "%s>", "<!--", "&%s;"])  # fmt: skip


@given(st.lists(st.tuples(WORD, TAGS)))
def test_no_word_is_lost_in_markup(pairs):
    text = " ".join(tag % word if "%" in tag else tag for word, tag in pairs)
    found = markup(text)
    for word, tag in pairs:
        assert word in found or "%" not in tag, (word, found)


@settings(max_examples=300)
@given(st.text(alphabet="\\{}$%&#_^~<>/;'\"`[]()|! \nabdimsvu1é冯\u200b", max_size=120))
def test_no_text_raises_and_what_comes_out_is_one_tidy_line(text):
    for read in (latex, markup, title):
        found = read(text)
        assert found == " ".join(found.split())
        assert not re.search(r"[\x00-\x1f\u200b]", found)


@given(st.text(alphabet="ab &<>/i.;é_%#^()1", max_size=60))
def test_plain_text_that_was_read_once_stays_as_it_is(text):
    once = latex(text)
    assert latex(once) == once


WORST = r"{ } {\ \ $ $$ $x % < <a <i> <!-- <script> <math> & &amp; &#x &aaa ` -- '' {A {A} \a \a{ \begin{a} \'e $a$ ^{ $^{a} \\ <a-b=".split()  # fmt: skip


@pytest.mark.parametrize("piece", WORST)
@pytest.mark.parametrize("read", [latex, markup], ids=["latex", "markup"])
def test_time_grows_with_the_length_of_a_text_and_not_with_its_square(read, piece):
    def seconds(length):
        text = (piece * length)[:length]
        started = time.process_time()
        read(text)
        return time.process_time() - started

    assert seconds(400_000) < 60 * seconds(20_000) + 0.5  # a square would be 400
