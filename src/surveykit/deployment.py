"""Where a copy of the survey lives: the one place that knows the addresses of its repository and its website.

A deployment says them (`SURVEYKIT_SITE`, `SURVEYKIT_REPOSITORY`), else the forge that builds it (GitHub, GitLab), else
`catalog/survey.yaml`. What is a placeholder there is no address: a page without one leaves out what would need it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from surveykit.errors import SurveyError
from surveykit.vocabulary import Survey

SITE, REPOSITORY = "SURVEYKIT_SITE", "SURVEYKIT_REPOSITORY"
_ADDRESS = re.compile(r"https?://[A-Za-z0-9._\-\[\]]+(:[0-9]+)?(/[A-Za-z0-9._~%+@/\-]*)?")  # fmt: skip


def placed(survey: Survey, environ: Mapping[str, str]) -> Survey:
    """The survey with the addresses of this deployment; an address that nobody knows is empty.

    Raises SurveyError for a value of the environment that is no address.
    """
    forge = _github(environ) or _gitlab(environ)
    repository = _own(environ, REPOSITORY) or forge[0] or public(survey.repository)
    site = _own(environ, SITE) or forge[1] or public(survey.site)
    addresses = {
        "repository": repository.removesuffix("/"),
        "site": site and site.removesuffix("/") + "/",
    }
    return survey.model_copy(update=addresses)


def check(survey: Survey) -> None:
    """Raise SurveyError, in one line, where a placed survey has no address and so cannot be published."""
    names = {SITE: survey.site, REPOSITORY: survey.repository}
    missing = [name for name, address in names.items() if not address]
    if missing:
        raise SurveyError(
            f"not published: no address yet; set {' and '.join(missing)}, or write it into catalog/survey.yaml"
        )


def public(url: str) -> str:
    """The address, or nothing while it is one of those reserved for examples (RFC 2606)."""
    parts = urlsplit(url)
    labels = (parts.hostname or "").split(".")
    placeholder = "example" in labels[-2:] or parts.path.startswith("/example/")
    return "" if placeholder else url


def _own(environ: Mapping[str, str], name: str) -> str:
    text = environ.get(name, "").strip()
    if text and not _ADDRESS.fullmatch(text):
        raise SurveyError(
            f"{name}: {text[:120]!r} is no address; write one like https://survey.my-university.edu/field/"
        )
    return public(text)


def _github(environ: Mapping[str, str]) -> tuple[str, str] | None:
    """Repository and Pages address of a run of GitHub Actions; on servers other than github.com the latter is not known."""
    name = environ.get("GITHUB_REPOSITORY", "")
    if not name:
        return None
    server = environ.get("GITHUB_SERVER_URL") or "https://github.com"
    owner, _, project = name.partition("/")
    host = f"{owner.lower()}.github.io"
    path = "" if project.lower() == host else f"{project}/"
    pages = f"https://{host}/{path}" if server == "https://github.com" else ""
    return f"{server}/{name}", pages


def _gitlab(environ: Mapping[str, str]) -> tuple[str, str]:
    return environ.get("CI_PROJECT_URL", ""), environ.get("CI_PAGES_URL", "")
