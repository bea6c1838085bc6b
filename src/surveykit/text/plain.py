"""LaTeX, HTML, JATS and MathML, as files and services send them -> one line of plain text.

No word is lost and nothing raises: a command without a form in text gives its arguments, or else its name;
what a library cannot read is stripped of its signs. What looks like maths or a tag and is none stays.
"""

from __future__ import annotations

import html
import logging
import re
from collections import Counter
from functools import cache, lru_cache
from html.entities import html5
from itertools import accumulate
from typing import Any

from pylatexenc.latex2text import (
    EnvironmentTextSpec,
    LatexNodes2Text,
    MacroTextSpec,
    SpecialsTextSpec,
    get_default_latex_context_db,
)
from pylatexenc.latexwalker import get_default_latex_context_db as get_syntax
from pylatexenc.macrospec import LatexContextDb, MacroSpec

from surveykit.text.letters import tidy

logging.getLogger("pylatexenc").setLevel(logging.CRITICAL)  # faults are texts here

_MOST_CHARACTERS, _DEEPEST = 10_000, 40
"""Of what pylatexenc, which is slow and calls itself for each brace, gets to read."""
_TEX_SIGN = re.compile(r"[\\${}~]|--|``|''")
_MATHS_SIGN = re.compile(r"[\\^_{}=<>+*|]")
_ACCENT = re.compile(
    r"""(?<!\\)\\(?:["'`^~=.]|[uvHcdbkr](?![A-Za-z]) ?)(?:\{\\?[A-Za-z]\}|\\[ij](?![A-Za-z])|[A-Za-z])"""
)
_EXPONENT = re.compile(r"([_^])\{(?=[^{}]*[+*/ ])([^{}]*)\}")
_PROSE = re.compile(r"\s[^\W\d_]{2}|[^\W\d_]{2}\s")
_ARGUMENTS = "mathbf mathit mathsf mathbb mathtt mathcal mathscr mathfrak input include"
_SILENT = (
    "relax protect null bf bfseries em it itshape rm rmfamily sc scshape sf sffamily sl slshape tt ttfamily "
    "normalfont upshape mdseries tiny scriptsize footnotesize small normalsize large Large LARGE huge Huge "
    "noindent centering left right big Big bigg Bigg limits nolimits displaystyle textstyle allowbreak today color label / xspace"
)
_SPACES = "quad qquad newline linebreak par space hfill item hspace vspace"
_LETTERS = {
    "LaTeX": "LaTeX", "TeX": "TeX", "BibTeX": "BibTeX", "textless": "<", "textgreater": ">", "textbar": "|",
    "textasciitilde": "~", "textasciicircum": "^", "textunderscore": "_", "textdollar": "$", "slash": "/",
    "{": "\ue005", "}": "\ue006", "copyright": "©", "textregistered": "®", "S": "§", "P": "¶", "ddag": "‡", "pounds": "£", "euro": "€",
}  # fmt: skip
"""Commands that pylatexenc does not know."""
_LAST = "href hyperref textcolor colorbox fcolorbox texorpdfstring"


def latex(text: str) -> str:
    """The text of a BibTeX field or of any LaTeX; `A_B`, `100% of` and `US$5` stay as they are."""
    if not _TEX_SIGN.search(text):
        return tidy(text)
    return _latex(text)


@lru_cache(maxsize=20_000)  # journals, authors and series come again and again
def _latex(text: str) -> str:
    text = _ACCENT.sub(lambda accent: _accented(accent[0]), text)
    if "\\" not in text and "$" not in text:
        text = text.replace("~", " ").replace("---", "—").replace("--", "–")
        return _bare(text)
    depths = accumulate((sign == "{") - (sign == "}") for sign in text)
    if len(text) > _MOST_CHARACTERS or max(depths) > _DEEPEST:
        return _stripped(text)
    try:
        safe = _with_maths(re.sub(r"(?<!\\)((?:\\\\)*)%", r"\1\\%", text))
        return _bare(_decoder().latex_to_text(safe, latex_context=_syntax()))
    except Exception:  # noqa: BLE001 - of a library, on text from anywhere
        return _stripped(text)


@cache
def _accented(letter: str) -> str:
    return str(_decoder().latex_to_text(letter, latex_context=_syntax()))


def _bare(text: str) -> str:
    text = text.replace("``", "“").replace("''", "”")
    text = re.sub(
        r"[{}]", "", text
    )  # those that `\{` printed stay, where they are pairs
    paired = text.count("\ue005") == text.count("\ue006")
    return tidy(text.translate({0xE005: "{" * paired, 0xE006: "}" * paired}))


def _stripped(text: str) -> str:
    """The words alone."""
    text = re.sub(r"""\\[A-Za-z]+\s*(?=\{)|\\["'`^=.,/-]""", "", text)
    return _bare(re.sub(r"[\\~]", " ", text))


def _with_maths(text: str) -> str:
    """Dollar signs that enclose no formula, escaped: `US$5 and $6`."""
    pieces = re.split(r"((?<!\\)\${1,2})", text)
    at = 1
    while at < len(pieces):
        closed = pieces[at + 2 : at + 3] == [pieces[at]]
        if closed and _is_formula(pieces[at + 1], pieces[at + 3][:1]):
            pieces[at + 1] = _EXPONENT.sub(r"\1{(\2)}", pieces[at + 1])
            at += 4
        else:
            pieces[at] = pieces[at].replace("$", r"\$")
            at += 2
    return "".join(pieces)


def _is_formula(inner: str, following: str) -> bool:
    if not inner.strip() or (following.isdigit() and inner[0].isdigit()):
        return False
    tight = inner == inner.strip()
    return bool(_MATHS_SIGN.search(inner)) or (tight and not _PROSE.search(inner))


@cache
def _syntax() -> LatexContextDb:
    """What LaTeX's commands take; made once, because pylatexenc would make it anew for each text."""
    syntax = get_syntax()
    more = [MacroSpec("hyperref", "[{"), MacroSpec("href", "{{"), MacroSpec("item", "")]
    syntax.add_context_category("more", macros=more, prepend=True)
    return syntax


@cache
def _decoder() -> LatexNodes2Text:
    """Signs and accents of pylatexenc, without its layout and placeholders."""
    forms = get_default_latex_context_db().filter_context(
        exclude_categories=["latex-placeholders", "latex-approximations"]
    )
    own = [MacroTextSpec(name, discard=True) for name in _SILENT.split()]
    own += [MacroTextSpec(name, discard=False) for name in _ARGUMENTS.split()]
    own += [MacroTextSpec(name, " ") for name in _SPACES.split()]
    own += [MacroTextSpec(name, _last_argument) for name in _LAST.split()]
    own += [MacroTextSpec("frac", _fraction), MacroTextSpec("\\", " ")]
    own += [MacroTextSpec(name, letters) for name, letters in _LETTERS.items()]
    own += [MacroTextSpec("sqrt", "√%(2)s"), MacroTextSpec("footnote", " (%(2)s)")]
    signs = [SpecialsTextSpec("&", "&"), SpecialsTextSpec("~", " ")]
    places = [EnvironmentTextSpec("verbatim", _arguments)]
    forms.add_context_category(
        "own", macros=own, environments=places, specials=signs, prepend=True
    )
    forms.set_unknown_macro_spec(MacroTextSpec("", _arguments))
    return LatexNodes2Text(
        latex_context=forms,
        keep_comments=True,
        strict_latex_spaces="except-in-equations",
    )


def _arguments(node: Any, l2tobj: LatexNodes2Text) -> str:
    """What a command without a form in text says: its arguments, or else its name."""
    arguments = node.nodeargd.argnlist if node.nodeargd else ()
    if arguments:
        texts = (l2tobj.nodelist_to_text([one]) for one in arguments if one)
        return " ".join(text for text in texts if text != "*")
    source, end = node.parsing_state.s, node.pos + node.len
    takes_group = source[end : end + 1] == "{" and source[end + 1 : end + 2] != "}"
    return "" if takes_group else str(node.macroname) + node.macro_post_space


def _fraction(node: Any, l2tobj: LatexNodes2Text) -> str:
    return "/".join(l2tobj.nodelist_to_text([one]) for one in node.nodeargd.argnlist)


def _last_argument(node: Any, l2tobj: LatexNodes2Text) -> str:
    return str(l2tobj.nodelist_to_text(node.nodeargd.argnlist[-1:]))


# HTML, JATS, MathML -----------------------------------------------------------------


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TAGS = _words(
    "a abbr abstract annotation annotation-xml article aside b big blockquote body bold br break center cite code "
    "dd del dfn disp-formula disp-quote div dl dt em emph ext-link fig figcaption figure font footer h1 h2 h3 h4 h5 h6 "
    "head header hr html i img inline-formula inline-graphic ins italic kbd label li list list-item main mark math "
    "menclose merror mfenced mfrac mi mmultiscripts mn mo monospace mover mpadded mphantom mroot mrow ms mspace "
    "msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover named-content nav nobr none ol overline "
    "p pre q roman rp rt ruby s samp sans-serif sc scp script sec section semantics small span strike strong style "
    "styled-content sub sup svg table tbody td tex-math tfoot th thead title tr tt u ul underline var wbr xref"
)
# What says the same a second time: the TeX source beside the formula, notes for programs.
_TWICE = _words("tex-math annotation annotation-xml script style")
_BREAKS = _words("p br break title sec li list list-item div td tr h1 h2 h3")
_ALONE = _words("p br break hr img wbr li none mspace mprescripts")
_TAG = re.compile(r"(<(/?)(?:\w+:)?([A-Za-z][A-Za-z0-9-]*)(?:\s[^<>]*)?/?>)")
_NO_TEXT = re.compile(r"<!--[^<>]*-->|<!\[CDATA\[|\]\]>|<\?xml[^<>]*>")
_ENTITY = re.compile(
    r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
)
_TEX = re.compile(r"""\\[A-Za-z'`"^~=.&%$#_{}]|\{[^\W\d_][\w -]*\}""")


def markup(text: str) -> str:
    """One line of plain text; formulas become their letters, `n < 3` and `<Image>` stay."""
    for _ in range(2):  # some services escape what was escaped already
        text = _ENTITY.sub(_resolved, text)
        if "<" in text:
            text = _untagged(_NO_TEXT.sub("", text))
    if _TEX.search(text) or ("$" in text and _with_maths(text) != _escaped(text)):
        return latex(text)
    return tidy(text)


def _resolved(entity: re.Match[str]) -> str:
    known = entity[0][1] == "#" or entity[0][1:] in html5
    return html.unescape(entity[0]) if known else entity[0]


def title(text: str) -> str:
    """A title as plain text, without the final full stop that some services add."""
    found = markup(text)
    keeps = found.endswith(("..", "etc.")) or not found.endswith(".")
    return found if keeps else found[:-1].rstrip()


def _escaped(text: str) -> str:
    return re.sub(r"(?<!\\)\$", r"\\$", text)


def _untagged(text: str) -> str:
    """Text without those tags that are known and, but for a few, closed somewhere."""
    pieces = _TAG.split(text)
    tags = zip(*(pieces[part::4] for part in range(1, 5)), strict=True)
    ends = Counter(
        n.lower() for end, n in zip(pieces[2::4], pieces[3::4], strict=True) if end
    )
    left, kept, skipped, maths = ends.copy(), [pieces[0]], "", False
    for whole, end, written, after in tags:
        name = written.lower()
        left[name] -= bool(end)
        if skipped and not (end and name == skipped):
            continue
        alone = name in _ALONE or whole.endswith("/>")
        if name not in _TAGS or not (alone or ends[name]):
            kept.append(whole)
        elif name in _BREAKS:
            kept.append(" ")
        skipped = name if name in _TWICE and not end and left[name] > 0 else ""
        if name == "math":
            maths = not end and left[name] > 0
        if not skipped:
            kept.append(after.strip() if maths and name != "mtext" else after)
    return "".join(kept)


def with_hyphens(text: str) -> str:
    """Pages, a volume or a number with one hyphen: `pp. 12--19` -> `12-19`, `No. 3` -> `3`."""
    if not text or text.isalnum():
        return text
    bare = re.sub(r"^(?:pp?|no|nr|vol)\.\s*", "", text.strip(), flags=re.I)
    return re.sub(r"(?<!\s)\s*[‐-―−-]+\s*", "-", bare)
