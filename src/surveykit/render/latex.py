"""Plain Unicode text as LaTeX that classic BibTeX, biber and pandoc read alike.

Every character with a meaning of its own in TeX is replaced, so no text can become a
command, open or close a group, or start a formula. Letters with accents become accent
commands, because BibTeX sorts and changes case by them; whatever has no classic command
(Han, Cyrillic, ș, …) stays UTF-8, which LaTeX reads since 2018.
"""

from __future__ import annotations

import re
import unicodedata

# Braces are never written as \{ and \}: BibTeX counts them as groups all the same.
SPECIALS = {
    "\\": r"{\textbackslash}",
    "{": r"{$\lbrace$}",
    "}": r"{$\rbrace$}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "~": r"{\textasciitilde}",
    "^": r"{\textasciicircum}",
    "`": r"{\`{}}",
    "<": r"{\textless}",
    ">": r"{\textgreater}",
    "|": "{$|$}",
    "@": "{@}",  # some readers take @word{ for a new entry
}
PUNCTUATION = {
    "“": "``",
    "”": "''",
    "‘": "`",
    "’": "'",
    "–": "--",
    "—": "---",
    "…": r"{\ldots}",
    "\u00a0": "~",
}
LETTERS = {
    "ß": r"{\ss}",
    "æ": r"{\ae}",
    "Æ": r"{\AE}",
    "œ": r"{\oe}",
    "Œ": r"{\OE}",
    "ø": r"{\o}",
    "Ø": r"{\O}",
    "ł": r"{\l}",
    "Ł": r"{\L}",
    "ı": r"{\i}",
}
ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r",
    "\u030b": "H",
    "\u030c": "v",
    "\u0323": "d",
    "\u0327": "c",
    "\u0328": "k",
    "\u0331": "b",
}
GREEK_NAMES = """
    α alpha β beta γ gamma δ delta ε varepsilon ζ zeta η eta θ theta ι iota κ kappa
    λ lambda μ mu ν nu ξ xi π pi ρ rho σ sigma τ tau υ upsilon φ varphi χ chi ψ psi
    ω omega Γ Gamma Δ Delta Θ Theta Λ Lambda Ξ Xi Π Pi Σ Sigma Φ Phi Ψ Psi Ω Omega
"""
GREEK: dict[str, str] = {
    char: rf"{{$\{name}$}}" for char, name in re.findall(r"(\w) (\w+)", GREEK_NAMES)
}
SYMBOLS = {
    "−": "{$-$}",
    "×": r"{$\times$}",
    "≤": r"{$\leq$}",
    "≥": r"{$\geq$}",
    "≠": r"{$\neq$}",
    "≈": r"{$\approx$}",
    "→": r"{$\rightarrow$}",
    "∞": r"{$\infty$}",
    "ℓ": r"{$\ell$}",
}
TABLE = SPECIALS | PUNCTUATION | LETTERS | GREEK | SYMBOLS

PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ]*|.", re.DOTALL)  # runs, or one character
OPENING_QUOTE = re.compile(r'(?:^|(?<=[\s(\[{<—–/-]))"')
# Two neighbors that TeX or a reader would join: --, ``, '', ,, <<, ?` and !`.
LIGATURE = re.compile(r"([-`',<>])\1|[?!]`")


def latex(text: str) -> str:
    """LaTeX for plain text; never unbalanced, never a command of the text's own.

    Straight double quotes become opening and closing ones, as LaTeX has no others.
    """
    pieces: list[str] = []
    for run in PLAIN.findall(curly(text)):
        piece = run if run.isascii() and run[0].isalnum() else _letter(run)
        if pieces and LIGATURE.fullmatch(pieces[-1][-1] + piece[0]):
            pieces.append("{}")
        pieces.append(piece)
    return "".join(pieces)


def curly(text: str) -> str:
    """Text whose straight double quotes have become opening and closing ones."""
    return OPENING_QUOTE.sub("“", text).replace('"', "”")


def _letter(char: str) -> str:
    r"""One character as LaTeX; its accents as commands, `{\~{\^e}}`."""
    if char in TABLE:
        return TABLE[char]
    base, *marks = list(unicodedata.normalize("NFD", char))
    if not marks or not base.isascii() or any(mark not in ACCENTS for mark in marks):
        return char
    result = base
    for mark in marks:
        command = ACCENTS[mark]
        if command.isalpha() or len(result) > 1:
            result = f"{{{result}}}"
        result = f"\\{command}{result}"
    return f"{{{result}}}"
