"""Which words of an English title keep their capitals, whatever style prints it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby

# Names that look like ordinary words with a capital; a phrase is kept as a whole.
NOUNS = """
    American, Android, Asian, Bayes, Bayesian, Beatrix, Bernoulli, Boolean, British,
    Byzantine, Chinese, Cont-Steal, Dirichlet, Dutch, English, Euclidean, European,
    Fourier, French, Gaussian, German, Gram, Hadamard, Hessian, Hilbert, Hugging Face,
    Italian, Jacobian, Japanese, Java, Kolmogorov, Korean, Kronecker, Lagrangian,
    Laplace, Laplacian, Linux, Lipschitz, Lyapunov, Mahalanobis, Markov, Monte Carlo,
    Nash, North American, Pandora, Pareto, Poisson, Python, Riemannian, Russian,
    Segment Anything, Segment Anything Model, Sesame Street, Shapley, Siamese, Sodom,
    Spanish, Stackelberg, Trojan, Trojaned, Trojaning, Trojans, Turing, Wasserstein,
    Whisper, Wikipedia, X-Transfer
"""
PROPER = frozenset(noun.strip() for noun in NOUNS.split(","))
PHRASE = re.compile(
    r"\b(?:"
    + "|".join(sorted(map(re.escape, PROPER), key=lambda name: (-len(name), name)))
    + r")\b"
)
# A letter and what may follow it inside one word: letters, digits, marks.
WORD = re.compile(r"[^\W_][^\W_\u0300-\u036f]*[\u0300-\u036f]*(?:['’][^\W_]+)*")
NAME_BEFORE_COLON = re.compile(r"\S+(?=: )")
# Between the end of a sentence and the first word of the next.
SENTENCE_GAP = re.compile(r".*(?:[.?!…][^\w\s]*\s+|\s[-–—]\s+|—)[^\w\s]*", re.DOTALL)
JOINED = re.compile(r"[-–/&+.'’_]")


@dataclass(frozen=True)
class Piece:
    """A stretch of a title."""

    text: str
    """The characters as printed."""
    kept: bool
    """Whether its capitals must survive a style that lower-cases titles."""


def pieces(title: str) -> tuple[Piece, ...]:
    """Title cut into stretches whose capitals are kept and others, alternating.

    Kept are acronyms, mixed case and names with a digit (`CLIP`, `BadNets`, `F3`),
    single letters, words of PROPER, a name of one word before a colon, the first word of a later sentence, and a
    first word that does not start the title (`(Certified!!) …`). Letters after `: ` are
    left alone: BibTeX styles and pandoc keep them.
    """
    keep = [False] * len(title)
    spans = [match.span() for match in PHRASE.finditer(title)]
    if name := NAME_BEFORE_COLON.match(title):
        spans += [word.span() for word in WORD.finditer(name[0])]
    end = 0
    for word in WORD.finditer(title):
        gap = title[end : word.start()]
        if _keeps(word[0], gap, title[word.end() :], first=end == 0):
            spans.append(word.span())
        end = word.end()
    for start, stop in spans:
        if any(char.isupper() or char.istitle() for char in title[start:stop]):
            keep[start:stop] = [True] * (stop - start)
    for place in range(1, len(title) - 1):
        if keep[place - 1] and keep[place + 1] and JOINED.match(title[place]):
            keep[place] = True
    runs = groupby(range(len(title)), key=keep.__getitem__)
    return tuple(
        Piece("".join(title[place] for place in places), kept) for kept, places in runs
    )


def _keeps(word: str, gap: str, rest: str, *, first: bool) -> bool:
    if any(char.isupper() for char in word[1:]) or any(map(str.isdigit, word[1:])):
        return True
    if len(word) == 1:
        article = word == "A" and (rest[:1] in (" ", ""))
        return not article or bool(SENTENCE_GAP.fullmatch(gap[-99:]))
    if first:
        return bool(gap)
    after_colon = ": " in gap and not gap.endswith(": ")
    return after_colon or bool(SENTENCE_GAP.fullmatch(gap[-99:]))


def sentence_case(title: str) -> str:
    """Title with capitals only where they are kept, at its start and after a colon."""
    text = ""
    for piece in pieces(title):
        text += piece.text if piece.kept else _lowered(piece.text, text)
    return text


def _lowered(text: str, before: str) -> str:
    def lower(match: re.Match[str]) -> str:
        head = before + text[: match.start()]
        if head.endswith(": "):
            return match[0][0].upper() + match[0][1:]
        return match[0].lower() if head else match[0]

    return WORD.sub(lower, text)
