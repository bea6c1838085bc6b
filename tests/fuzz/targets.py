"""The readers, each as a function of one text that raises nothing."""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from surveykit.errors import FetchError, SurveyError
from surveykit.forms import forms
from surveykit.identifier import identify_quietly
from surveykit.imports.run import READERS, text_of
from surveykit.issue import changed, parsed, target
from surveykit.load import load_catalog
from surveykit.sources import page
from surveykit.sources.cache import Kept
from surveykit.sources.services import Services
from surveykit.text import names, plain

SECONDS = 1.0
"""Processor time that one text may take."""
LONGEST = 4096
ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests/imports/cases"


def _reads(form: str) -> Callable[[bytes], object]:
    return lambda raw: READERS[form](text_of(raw)[0], f"fuzz.{form}")


def _text(reader: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda raw: reader(raw.decode("utf-8", "replace"))


class _Service:
    """Answers with one page, at once."""

    def __init__(self, raw: bytes) -> None:
        self._kept = Kept("https://e.org/x", raw, 0.0, content_type="text/html")
        self.services, self.now = Services(), time.time

    async def get(self, service, url, accept, read):
        return read(self._kept)


def _page(raw: bytes) -> None:
    asked = page.find(_Service(raw), "https://e.org/x")
    with suppress(FetchError, ValueError, StopIteration):  # the last is the answer
        asked.send(None)


@cache
def _catalog():
    return load_catalog(ROOT)


def _issue(text: str) -> None:
    with suppress(SurveyError):
        request = parsed(text, _catalog())
        if request.kind == "new-paper":  # its identifier is another reader's
            return
        entry = (ROOT / target(request, _catalog())).read_text(encoding="utf-8")
        changed(request, entry)


def _bodies() -> list[bytes]:
    """Issues as the forge makes them from the forms."""
    paper = _catalog().papers[0]
    bodies = []
    for form in forms(_catalog().taxonomy):
        for option in next((q.options for q in form.questions if q.options), ("",)):
            told = {"id": paper.id, "field": option, "link": paper.links.paper}
            answers = [
                f"### {q.label}\n\n{told.get(q.id) or q.example or 'A B, C D'}\n"
                for q in form.questions
            ]
            license = "### License · 许可\n\n- [x] yes\n"
            bodies.append("\n".join([*answers, license]).encode())
    return bodies


TARGETS: dict[str, Callable[[bytes], object]] = {
    "bibtex": _reads("bibtex"),
    "csl": _reads("csl"),
    "ris": _reads("ris"),
    "markdown": _reads("markdown"),
    "page": _page,
    "latex": _text(plain.latex),
    "markup": _text(plain.title),
    "names-line": _text(names.from_line),
    "names-bibtex": _text(names.from_bibtex),
    "names-list": _text(lambda text: names.from_list(text.split("\n"))),
    "identifier": _text(identify_quietly),
    "issue": _text(_issue),
}


def run(name: str, raw: bytes) -> None:
    """One execution. Raises what the reader should not have raised, or TimeoutError."""
    start = time.process_time()
    TARGETS[name](raw[:LONGEST])
    took = time.process_time() - start
    if took > SECONDS:
        raise TimeoutError(f"{name} took {took:.2f} s for {raw[:200]!r}")


def seeds(name: str) -> list[bytes]:
    """Texts to begin with: the cases of the format, or pieces of all cases."""
    if name == "issue":
        return _bodies()
    folder = CASES / name
    paths = folder.iterdir() if folder.is_dir() else CASES.glob("*/*")
    whole = [path.read_bytes() for path in sorted(paths)]
    if folder.is_dir():
        return whole
    return [line for text in whole for line in text.splitlines() if len(line) > 12]
