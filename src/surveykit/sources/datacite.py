"""DataCite: records of DOIs that repositories and some publishers register.

https://support.datacite.org/docs/api-get-doi
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from surveykit.sources.client import Client
from surveykit.sources.found import Found, each, found, listed, mapping, pages, text
from surveykit.text.plain import markup
from surveykit.text.retraction import in_abstract

_KINDS = {
    "ConferencePaper": "conference",
    "JournalArticle": "journal",
    "Preprint": "preprint",
}


async def find(client: Client, value: str) -> Found:
    """The work with a DOI. Raises NotFoundError or ServiceError."""
    service = client.services.datacite
    url = f"{service.url}/{quote(value, safe='')}"
    data = await client.json(service, url, accept="application/vnd.api+json")
    item = mapping(mapping(data.get("data")).get("attributes"))
    container, publisher = mapping(item.get("container")), item.get("publisher")
    kind = mapping(item.get("types")).get("resourceTypeGeneral")
    told = list(map(mapping, listed(item.get("descriptions"))))
    abstracts = [one for one in told if one.get("descriptionType") == "Abstract"]
    gone = item.get("state") not in (None, "findable") or item.get("isActive") is False
    alarms = [f"doi:{value} is no longer findable"] if gone else []
    said = [markup(text(one, "description")) for one in told]
    alarms += [f"doi:{value} says: {one[:200]}" for one in said if in_abstract(one)]
    return found(
        service,
        each(item.get("creators"), "givenName familyName", "Organizational"),
        [item.get("publicationYear")],
        alarms=alarms,
        title=_main(item),
        venue_text=container.get("title"),
        kind=_KINDS.get(str(kind), "other"),
        doi=value,
        paper_url=item.get("url"),
        volume=container.get("volume"),
        number=container.get("issue"),
        pages=pages(container.get("firstPage"), container.get("lastPage")),
        publisher=mapping(publisher).get("name") or publisher,
        abstract=text(abstracts[0], "description") if abstracts else "",
        source=f"doi:{value}",
    )


def _main(item: Mapping[str, Any]) -> str:
    titles = [mapping(title) for title in listed(item.get("titles"))]
    main = [title for title in titles if not title.get("titleType")] or titles
    return text(main[0], "title") if main else ""
