"""All files that `surveykit build` writes."""

from __future__ import annotations

from surveykit.catalog import Catalog
from surveykit.cli import reference
from surveykit.render import repository

CLI_DOC = "docs/cli.md"


def generated(catalog: Catalog) -> dict[str, str]:
    """Path -> text of everything that `surveykit build` writes."""
    commands = catalog.kit.told(reference.reference())
    return {**repository.render_repository(catalog), CLI_DOC: commands}
