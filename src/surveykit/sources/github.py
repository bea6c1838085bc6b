"""GitHub: the paper that a repository's README asks to cite.

https://docs.github.com/rest/repos/contents
"""

from __future__ import annotations

import re
from itertools import islice

from surveykit.errors import NotFoundError
from surveykit.identifier import identify_quietly
from surveykit.record import Record
from surveykit.references import bibtex
from surveykit.sources.client import Client
from surveykit.sources.found import Found, found
from surveykit.text.names import People

_ENTRY = r"(?i)@(?:article|inproceedings|misc|conference|techreport|unpublished|incollection|proceedings|online)\s*\{"
_ADDRESS = r"(?i)https?://(?:(?:www\.)?arxiv\.org/(?:abs|pdf)/|(?:dx\.)?doi\.org/10\.|aclanthology\.org/|openreview\.net/forum)[^\s)\]}>\"'`]+"
MOST_ENTRIES = 50


async def find(client: Client, value: str) -> Found:
    """The paper of `owner/name`, from the first BibTeX entry of the README, else from its first link to a paper.

    Raises NotFoundError where neither is there, or ServiceError.
    """
    service = client.services.github
    text = await readme(client, value)
    code = f"https://github.com/{value}"
    source = f"{code}#readme"
    if cited := _cited(text, source):
        first = cited[0].model_copy(update={"code_url": code, "source": source})
        note = f"{code} cites {len(cited)} papers; the first was taken"
        return Found(first, notes=(note,) if len(cited) > 1 else ())
    for address in re.findall(_ADDRESS, text):
        one = identify_quietly(address.rstrip(".,;"))
        if one and one.kind in ("arxiv", "doi", "acl", "openreview"):
            title = re.search(r"^#\s+(.+)$", text, re.MULTILINE)
            return found(
                service,
                People(),
                None,
                notes=[f"{code} has no BibTeX; its first link to a paper was taken"],
                title=title[1] if title else value.partition("/")[2],
                code_url=code,
                source=source,
                **{one.kind: one.value},
            )
    shows = f"shows no BibTeX and no link to a paper in the README of {value}"
    raise NotFoundError(service.name, shows)


async def readme(client: Client, value: str) -> str:
    """The README of `owner/name`, as it stands in the repository. Raises NotFoundError or ServiceError."""
    service = client.services.github
    url, accept = f"{service.url}/{value}/readme", "application/vnd.github.raw+json"
    return await client.text(service, url, accept=accept)


def _cited(text: str, source: str) -> list[Record]:
    """Records of the BibTeX entries in a README, at most MOST_ENTRIES."""
    starts = islice(re.finditer(_ENTRY, text), MOST_ENTRIES)
    ends = ((start.start(), _closing(text, start.end())) for start in starts)
    entries = [text[start:end] for start, end in ends if end]
    return [one.record for one in bibtex.read("\n".join(entries), source).found]


def _closing(text: str, at: int) -> int | None:
    """Where the brace closes that stands before `at`."""
    depth = 1
    for sign in re.finditer(r"\\.|[{}]", text[at : at + 20_000], re.DOTALL):
        depth += {"{": 1, "}": -1}.get(sign[0], 0)
        if depth == 0:
            return at + sign.end()
    return None
