"""What a person types or pastes -> which service knows the paper, and under which name."""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from surveykit.errors import IdentifierError
from surveykit.net.hosts import fault
from surveykit.scalars import INVISIBLE

IdKind = Literal["arxiv", "doi", "shortdoi", "acl", "openreview", "github", "page"]

MOST_CHARACTERS = 2000
_ARCHIVES = "acc-phys|adap-org|alg-geom|ao-sci|astro-ph|atom-ph|bayes-an|chao-dyn|chem-ph|cmp-lg|comp-gas|cond-mat|cs|dg-ga|econ|eess|funct-an|gr-qc|hep-ex|hep-lat|hep-ph|hep-th|math|math-ph|mtrl-th|nlin|nucl-ex|nucl-th|patt-sol|physics|plasm-ph|q-alg|q-bio|q-fin|quant-ph|solv-int|stat|supr-con"
_MONTHLY = "[0-9]{2}(?:0[1-9]|1[0-2])"
_NUMBER = rf"({_MONTHLY}\.[0-9]{{4,5}}|(?:{_ARCHIVES})(?:\.[a-z]{{2}})?/{_MONTHLY}[0-9]{{3}})(?:v[0-9]{{1,3}})?"
_ARCHIVE = rf"(?:(?:{_ARCHIVES})(?:\.[a-z-]+)?/(?=[0-9]{{4}}\.))?"  # a slip: `cs.LG/2002.08619`
_ARXIV = re.compile(rf"(?i)(?:arxiv ?: ?)?{_ARCHIVE}{_NUMBER}")
_ARXIV_IN_PATH = rf"(?i)(?:^|/)(?:arxiv:)?{_NUMBER}(?:\.[a-z.]+)?(?=/|$)"
_ARXIV_ELSEWHERE = rf"(?i)/arxiv[/:]{_NUMBER}(?=\.|/|$)"
_DBLP_ARXIV = r"/journals/corr/abs-([0-9]{4})-([0-9]{4,5})(?=\.|/|$)"
_FILE = rf"(?i)(?:.*[\\/])?(?:arxiv[-_. ]?)?{_NUMBER}(?: ?\([0-9]+\)|[-_ ](?:[0-9]|copy))?\.(?:pdf|ps|zip|tar|tar\.gz|tgz|html?)"
# `arXiv:2303.15180v1 [cs.CV] 27 Mar 2023`: what the stamp has behind the id, and what a list of references has.
_BEHIND_ARXIV = r"(?i)(?:v[0-9]+)? ?(?:\[[a-z.-]+\])? ?(?:\(?[0-9]{1,2} [a-z]{3,9} [0-9]{4}\)?)? ?(?:\(?[0-9]{4}\)?\.?)?"
_DOI = re.compile(r"10\.[0-9]{4,9}(?:\.[0-9]{1,9}){0,4}/\S+")
_SHORT_DOI = re.compile(r"(?i)(?:10/)?([a-z0-9]{3,10})")
_ACL = r"(?i)(?:acl ?: ?)?([0-9]{4}\.[a-z0-9]+-[a-z0-9]+\.[0-9]+|[a-z][0-9]{2}-[0-9]{4})(?:v[0-9]+)?"
_OPENREVIEW = re.compile(r"[A-Za-z0-9_-]{6,40}")
# Letters as no word has them: a digit, or a capital behind a small letter.
_BARE_OPENREVIEW = r"(?=[^A-Z]*[A-Z])(?=.*(?:[a-z][A-Z]|[0-9]))[A-Za-z0-9_-]{8,14}"
_SURE = r"(?i)https?://|(?:doi|arxiv|acl):|10\.|[0-9]{4}\.[0-9]{4}|[a-z.-]+/[0-9]{7}"
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_NO_OWNERS = "about apps collections explore features gist login marketplace orgs search settings sponsors topics trending"
_BEHIND_DOI = r"(?i)(?:/(?:abstract|cite|epdf|epub|figures?|full|full-?text|html|meta|metrics|pdf|reader|references|summary|tables?)(?:/[0-9]+)?)+/?$|\.(?:pdf|html?|full|full-text|abstract)$"
_PAIRS = {")": "(", "]": "[", ">": "<", "}": "{"}
_LOOSE = ".,;:!?。、…*`\"'”’»"
_ACL_DOIS = ("10.18653/v1/", "10.3115/v1/")
_LIBRARY = r"(?:[0-9]-)?((?:[a-z0-9]+[.-])*?(?:(?:acm|arxiv|aclanthology|doi|ieee|usenix)[.-]org|mlr[.-]press|neurips[.-]cc|openreview[.-]net|(?:nature|sciencedirect|springer|thecvf)[.-]com))(?:\.[a-z0-9-]+)+"
"""Hosts as libraries rewrite them: `dl-acm-org.proxy.example.edu`, `0-dl.acm.org.library.example.edu`."""
_PAGE_OF_PDF = (
    ("ieee.org", r".*(?:/document/|arnumber=)([0-9]+).*", r"/document/\1"),
    ("thecvf.com", r"(/.*)/papers/([^/?]+)\.pdf.*", r"\1/html/\2.html"),
    ("mlr.press", r"(/v[0-9]+/[a-z0-9-]+)/[^/?]+\.pdf.*", r"\1.html"),
    ("neurips.cc", r"(/.*)/file/([0-9a-f]+)-Paper([^?]*)\.pdf.*", r"\1/hash/\2-Abstract\3.html"),
)  # fmt: skip
"""Host, address without it, and the same of the page that tells what the paper is."""
_TRACKING = r"utm_\w+|fbclid|gclid|msclkid|mc_[ce]id|needAccess|casa_token"
_ARXIV_HOSTS = "arxiv.org ar5iv.org alphaxiv.org arxiv-vanity.com emergentmind.com hf.co huggingface.co xxx.itp.ac.cn xxx.lanl.gov"


@dataclass(frozen=True)
class Identifier:
    """A paper's name at one service, in the service's own spelling."""

    kind: IdKind
    value: str
    """arXiv id without version; DOI without `https://doi.org/`, a short one without `10/`; `owner/name` at GitHub; else an address."""

    def __str__(self) -> str:
        named = {"arxiv": "arXiv:", "github": "https://github.com/", "page": ""}
        named["shortdoi"] = "doi:10/"
        return named.get(self.kind, f"{self.kind}:") + self.value


def identify(text: str) -> Identifier:
    """The identifier that a text means. Raises IdentifierError.

    Understood are arXiv ids of both styles, DOIs, short DOIs, ACL Anthology ids, OpenReview ids and repositories: bare, with
    a prefix (`arXiv:`, `doi:`, `acl:`, `openreview:`), as an address, also a library's, in Markdown, or behind words that
    hold no other; arXiv's stamp and names of files from there; and addresses of other pages.
    """
    plain = _unwrapped(text)
    if not plain or len(plain) > MOST_CHARACTERS:
        raise IdentifierError(text, "too long" if plain else "empty")
    if found := _alone(text, plain):
        return found
    return _among_words(text, plain.split(" "))


def identify_quietly(text: str) -> Identifier | None:
    """The identifier that a text means, or None."""
    try:
        return identify(text)
    except IdentifierError:
        return None


def arxiv_id(text: str) -> str | None:
    """The arXiv id that a text is, without version and class of subject; None for another text."""
    found = _ARXIV.fullmatch(text.strip())
    return _arxiv_number(found[1]) if found else None


def doi(text: str) -> str | None:
    """The DOI that a text is or holds, with brackets and case as they are; None where there is none."""
    found = _DOI.search(text)
    value = _trimmed(found[0]) if found else ""
    return value if _DOI.fullmatch(value) else None


def _trimmed(text: str) -> str:
    """A text without quotes around it and without what a sentence or a bracket leaves behind it."""
    text = text.strip("*`\"'“”‘’«»")
    count = Counter(text)
    for end in range(len(text), 0, -1):
        last = text[end - 1]
        loose = last in _PAIRS and count[last] > count[_PAIRS[last]]
        if not loose and last not in _LOOSE:
            return text[:end]
        count[last] -= 1
    return ""


def _unwrapped(text: str) -> str:
    """One line without what Markdown, HTML, a full-width keyboard or a sentence put around it."""
    before = ""
    while text != before and len(text) <= MOST_CHARACTERS:
        before = text
        text = re.sub(r"&#?\w{1,10};", lambda entity: html.unescape(entity[0]), text)
        text = INVISIBLE.sub("", " ".join(text.split()))
        text = unicodedata.normalize("NFKC", text)
        text = text.translate({0x2010: "-"})  # the hyphen of typesetters, in no name
        text = re.sub(r"\\([_*<>()\[\]#])", r"\1", text)
        text = _trimmed(text).strip()
        if text[:1] + text[-1:] in ("<>", "()", "[]", "{}"):
            text = text[1:-1]
        if re.match(r"!?\[[^\[\]]*\]\(", text):
            text = text.partition("](")[2].removesuffix(")").split(" ")[0]
    return text


def _alone(text: str, plain: str) -> Identifier | None:
    """The identifier that a whole text is."""
    if ssh := re.fullmatch(r"git@github\.com:(.+)", plain):
        plain = f"https://github.com/{ssh[1]}"
    if re.match(r"https?:", plain, re.IGNORECASE) and " " not in plain:
        return _from_address(text, plain)
    for form in _FORMS:
        if found := form(plain):
            return found
    if re.fullmatch(r"(?:www\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)+/\S+", plain, re.IGNORECASE):
        return _from_address(text, f"https://{plain}")
    return None


def _among_words(text: str, words: list[str]) -> Identifier:
    """The one identifier among the words of a text; behind it may stand only what arXiv's stamp has there."""
    found: dict[Identifier, int] = {}
    for at, word in enumerate(words if len(words) > 1 else ()):
        plain = _trimmed(word.lstrip("(<[{"))
        if re.match(_SURE, plain) and (one := _alone(text, plain)):
            found[one] = at
    if len(found) > 1:
        raise IdentifierError(text, f"{len(found)} papers at once; one at a time")
    for one, at in found.items():
        rest = " ".join(words[at + 1 :])
        if not rest or (one.kind == "arxiv" and re.fullmatch(_BEHIND_ARXIV, rest)):
            return one
        raise IdentifierError(text, f"what is {rest[:40]!r} behind {one}?")
    raise IdentifierError(text, "looks like a title" if len(words) > 3 else "")


def _arxiv_number(text: str) -> str:
    archive, slash, number = text.lower().rpartition("/")
    return archive.partition(".")[0] + slash + number


def _bare_arxiv(text: str) -> Identifier | None:
    found = _ARXIV.fullmatch(text) or re.fullmatch(_FILE, text)
    return Identifier("arxiv", _arxiv_number(found[1])) if found else None


def _bare_doi(text: str) -> Identifier | None:
    bare = re.sub(r"(?i)^doi ?[:=]? ?(?:https?://(?:dx\.)?doi\.org/)?", "", text)
    if bare.startswith("10/") and (short := _SHORT_DOI.fullmatch(bare)):
        return Identifier("shortdoi", short[1].lower())
    sure = bare.startswith("10.") and " " not in bare
    return _of_doi(unquote(bare)) if sure else None


def _of_doi(text: str) -> Identifier | None:
    """A DOI; one that arXiv or the ACL gave out names a paper there."""
    found = doi(re.sub(r"(?i)(?:\.pdf)+$", "", text))
    if not found:
        return None
    low = found.lower()
    if low.startswith("10.48550/arxiv.") and (paper := arxiv_id(low[15:])):
        return Identifier("arxiv", paper)
    for prefix in _ACL_DOIS:
        if low.startswith(prefix) and (acl := _bare_acl(found[len(prefix) :])):
            return acl
    return Identifier("doi", found)


def _bare_acl(text: str) -> Identifier | None:
    found = re.fullmatch(_ACL, text.removesuffix(".pdf"))
    if not found:
        return None
    name = found[1].lower() if "." in found[1] else found[1].upper()
    return Identifier("acl", name)


def _prefixed(text: str) -> Identifier | None:
    name, _, value = text.partition(":")
    if name.lower() == "openreview" and _OPENREVIEW.fullmatch(value.strip()):
        return Identifier("openreview", value.strip())
    return _repository(value.strip()) if name.lower() == "github" else None


def _bare_openreview(text: str) -> Identifier | None:
    fits = re.fullmatch(_BARE_OPENREVIEW, text)
    return Identifier("openreview", text) if fits else None


_FORMS = (_bare_arxiv, _bare_doi, _bare_acl, _prefixed, _bare_openreview)


def _from_address(text: str, url: str) -> Identifier:
    parts = _split(text, url)
    while inner := _led_to(parts):
        parts = _split(text, inner)
    host = (parts.hostname or "").removeprefix("www.")
    if proxied := re.fullmatch(_LIBRARY, host):
        host = proxied[1].replace("-", ".").removeprefix("www.")
        parts = parts._replace(scheme="https", netloc=host)
    path = unquote(parts.path)
    for known, form in _HOSTS:
        if host == known or host.endswith(f".{known}"):
            found = form(parts, path)
            break
    else:
        found = _anywhere(parts, path)
    return found or Identifier("page", _canonical(parts, host))


def _split(text: str, url: str) -> SplitResult:
    url = _trimmed(re.sub(r"(?i);jsessionid=[^?#/]*|#.*", "", url))
    if found := fault(url):
        raise IdentifierError(text, f"no public address: {found.words}")
    return urlsplit(url)


def _led_to(parts: SplitResult) -> str | None:
    """The address to which a library's login, a search engine or an archive leads on."""
    for name, value in parse_qsl(parts.query):
        if name in ("url", "qurl", "target", "q", "u") and re.match(
            r"https?://", value, re.IGNORECASE
        ):
            return value
    found = re.search(r"/(https?://.+)", f"{parts.path}?{parts.query}", re.IGNORECASE)
    return found[1].removesuffix("?") if found else None


def _canonical(parts: SplitResult, host: str) -> str:
    """An address without what follows the reader around, and that of the page instead of its PDF."""
    query = re.sub(rf"(?:^|&)(?:{_TRACKING})=[^&]*", "", parts.query).lstrip("&")
    path = parts.path
    for known, pattern, page in _PAGE_OF_PDF:
        found = re.fullmatch(pattern, f"{path}?{query}") if known in host else None
        if found:
            path, query = found.expand(page), ""
    parts = parts._replace(scheme=parts.scheme.lower(), netloc=parts.netloc.lower())
    return _trimmed(parts._replace(path=path, query=query).geturl())


def _arxiv_page(_: SplitResult, path: str) -> Identifier | None:
    found = None if path.startswith("/list/") else re.search(_ARXIV_IN_PATH, path)
    return Identifier("arxiv", _arxiv_number(found[1])) if found else None


def _doi_page(_: SplitResult, path: str) -> Identifier | None:
    name = path.strip("/")
    if short := _SHORT_DOI.fullmatch(name):
        return Identifier("shortdoi", short[1].lower())
    return _of_doi(name)


def _acl_page(_: SplitResult, path: str) -> Identifier | None:
    found = re.match(_ACL, path.rstrip("/").rpartition("/")[2])
    return _bare_acl(found[1]) if found else None


def _openreview_page(parts: SplitResult, path: str) -> Identifier | None:
    query = dict(reversed(parse_qsl(parts.query)))
    value = query.get("id") or query.get("forum") or ""
    fits = not path.startswith(("/group", "/profile", "/invitation"))
    found = fits and _OPENREVIEW.fullmatch(value)
    return Identifier("openreview", value) if found else None


def _github_page(parts: SplitResult, path: str) -> Identifier | None:
    owner, _, rest = path.strip("/").partition("/")
    if owner in _NO_OWNERS.split() or parts.netloc.startswith("gist."):
        return None
    return _repository(f"{owner}/{rest.partition('/')[0]}")


def _repository(name: str) -> Identifier | None:
    name = name.removesuffix(".git").rstrip(".")
    if not _REPOSITORY.fullmatch(name) or ".." in name:
        return None
    return Identifier("github", name)


def _nature_page(parts: SplitResult, path: str) -> Identifier | None:
    if found := re.match(r"/articles/(s?[0-9a-z-]+)(?:\.pdf)?(?:/|$)", path):
        return Identifier("doi", f"10.1038/{found[1]}")
    return _anywhere(parts, path)


def _anywhere(parts: SplitResult, path: str) -> Identifier | None:
    """The arXiv id or the DOI that stands in an address of another site."""
    if found := re.search(_ARXIV_ELSEWHERE, path):
        return Identifier("arxiv", _arxiv_number(found[1]))
    if dblp := re.search(_DBLP_ARXIV, path):
        return Identifier("arxiv", f"{dblp[1]}.{dblp[2]}")
    values = (path, *(value for _, value in parse_qsl(parts.query)))
    name = next((name for value in values if (name := doi(value))), "")
    while (bare := re.sub(_BEHIND_DOI, "", name)) != name and "/" in bare:
        name = bare
    if name.startswith("10.1101/"):  # bioRxiv's versions
        name = re.sub(r"v[0-9]+$", "", name)
    if re.search(r"/article(?:-\w+)?/doi/", path):  # a number and a title behind it
        name = re.sub(r"(?<=.)/[0-9]{3,9}(?:/[^/]*)?$", "", name)
    return _of_doi(name)


_HOSTS: tuple[tuple[str, Callable[[SplitResult, str], Identifier | None]], ...] = (
    *((host, _arxiv_page) for host in _ARXIV_HOSTS.split()),
    ("doi.org", _doi_page),
    ("aclanthology.org", _acl_page),
    ("aclanthology.info", _acl_page),
    ("aclweb.org", _acl_page),
    ("openreview.net", _openreview_page),
    ("github.com", _github_page),
    ("raw.githubusercontent.com", _github_page),
    ("nature.com", _nature_page),
)
