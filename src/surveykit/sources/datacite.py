"""DataCite: records of DOIs that repositories and some publishers register.

https://support.datacite.org/docs/api-get-doi
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from surveykit.names import People, person, together
from surveykit.plain import markup
from surveykit.retraction import in_abstract
from surveykit.sources.client import Client
from surveykit.sources.found import (
    Found,
    doubts,
    listed,
    mapping,
    pages,
    record,
)

_KINDS = {
    "ConferencePaper": "conference",
    "JournalArticle": "journal",
    "Preprint": "preprint",
}


async def find(client: Client, value: str) -> Found:
    """The work with a DOI. Raises NotFoundError or ServiceError."""
    service = client.services.datacite
    data = await client.json(
        service,
        f"{service.url}/{quote(value, safe='')}",
        accept="application/vnd.api+json",
    )
    item = mapping(mapping(data.get("data")).get("attributes"))
    container = mapping(item.get("container"))
    publisher = item.get("publisher")
    people = _authors(item)
    made = record(
        service,
        client.now(),
        title=_main(item),
        authors=people.authors,
        year=item.get("publicationYear"),
        venue_text=container.get("title"),
        kind=_KINDS.get(
            str(mapping(item.get("types")).get("resourceTypeGeneral")), "other"
        ),
        doi=value,
        paper_url=item.get("url"),
        volume=container.get("volume"),
        number=container.get("issue"),
        pages=pages(container.get("firstPage"), container.get("lastPage")),
        publisher=mapping(publisher).get("name") or publisher,
        abstract=_described(item),
        source=f"doi:{value}",
    )
    gone = item.get("state") not in (None, "findable") or item.get("isActive") is False
    alarms = [f"doi:{value} is no longer findable"] if gone else []
    described = map(mapping, listed(item.get("descriptions")))
    said = [markup(str(one.get("description") or "")) for one in described]
    alarms += [f"doi:{value} says: {text[:200]}" for text in said if in_abstract(text)]
    return Found(made, tuple(alarms), doubts(people, made.source))


def _main(item: Mapping[str, Any]) -> str:
    titles = [mapping(title) for title in listed(item.get("titles"))]
    main = [t for t in titles if not t.get("titleType")] or titles
    return str(main[0].get("title") or "") if main else ""


def _authors(item: Mapping[str, Any]) -> People:
    return together(
        person(
            *(str(one.get(part) or "") for part in ("givenName", "familyName")),
            name=str(one.get("name") or ""),
            group=one.get("nameType") == "Organizational",
        )
        for one in map(mapping, listed(item.get("creators")))
    )


def _described(item: Mapping[str, Any]) -> str | None:
    for one in map(mapping, listed(item.get("descriptions"))):
        if one.get("descriptionType") == "Abstract":
            return str(one.get("description") or "") or None
    return None
