"""Adapter to MkDocs: hands over rendered pages and files; nothing about the survey is decided here.

MkDocs and its theme print names and titles as they stand, so they are handed over as HTML.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any, Literal

from mkdocs.config.base import Config
from mkdocs.config.config_options import Choice, Dir, Type
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.livereload import LiveReloadServer
from mkdocs.plugins import BasePlugin, get_plugin_logger
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page as MkDocsPage
from mkdocs.structure.toc import get_toc
from mkdocs.utils.templates import TemplateContext
from rcssmin import cssmin
from rjsmin import jsmin

from surveykit import deployment, shipped
from surveykit import files as on_disk
from surveykit.catalog import Catalog
from surveykit.errors import CatalogError, SurveyError
from surveykit.kit import Lang
from surveykit.load import load_catalog
from surveykit.render import social
from surveykit.render.pages import (
    Page,
    document_pictures,
    interface,
    policy,
    render_files,
    render_pages,
)

log = get_plugin_logger("surveykit")
SHRINK: dict[str, Callable[[str], str]] = {".js": jsmin}
"""Kind of asset -> what takes comments and blanks out of it."""


class SurveykitConfig(Config):  # type: ignore[no-untyped-call]  # MkDocs leaves its hook untyped
    """Options under `plugins: surveykit` in mkdocs.yml; a name `data` would break MkDocs."""

    repository = Dir(exists=True, default=".")
    """The folder that holds `catalog/`."""
    assets = Dir(exists=True, default=str(shipped.folder("assets")))
    """The folder with `css/`, whose files are joined in the order of their names, and the scripts."""
    language = Choice(("en", "zh"), default="en")
    cache = Type(str, default="build/cache")
    """The folder, below the repository, that keeps drawn pictures from build to build."""


class GeneratedPage(MkDocsPage):
    """A page that never was Markdown: its body goes to the template as it stands."""

    def __init__(self, drawn: Page, file: File, config: MkDocsConfig) -> None:
        super().__init__(escape(drawn.title), file, config)
        self.drawn = drawn

    def read_source(self, config: MkDocsConfig) -> None:
        """Title and description instead of front matter."""
        self.markdown = ""
        self.meta = {
            "title": escape(self.drawn.title),
            "description": escape(self.drawn.description),
        }

    def render(self, config: MkDocsConfig, files: Files) -> None:
        """The title for the theme; the template shows `drawn.html`."""
        self.content = f'<h1 id="sk-main">{escape(self.drawn.title)}</h1>'
        self.toc = get_toc(
            [
                {
                    "level": 1,
                    "id": "sk-main",
                    "name": escape(self.drawn.title),
                    "children": [],
                }
            ]
        )
        self.present_anchor_ids = {"sk-main"}


class SurveykitPlugin(BasePlugin[SurveykitConfig]):  # type: ignore[no-untyped-call]  # as above
    """Loads the catalog once for a build, then answers MkDocs' events."""

    catalog: Catalog
    lang: Lang
    serving = False

    def on_startup(
        self, *, command: Literal["build", "gh-deploy", "serve"], dirty: bool
    ) -> None:
        """`mkdocs serve` writes a script of its own into each page, which a policy would stop."""
        self.serving = command == "serve"

    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Reads the catalog before anything is cleaned or written; names come from it."""
        self.catalog = self._load()
        self.lang = "zh" if self.config.language == "zh" else "en"
        survey = self.catalog.survey
        config.site_name = escape(survey.short_title.in_(self.lang))
        config.site_description = escape(survey.tagline.in_(self.lang))
        # Without an address pages have no canonical one, and the sitemap is empty.
        config.site_url = (
            survey.site + ("zh/" if self.lang == "zh" else "") if survey.site else ""
        )
        config.extra["root_url"] = survey.site
        if config.theme.custom_dir is None:
            config.theme.dirs.insert(0, str(shipped.folder("overrides")))
        if self.catalog.documents and config.nav:
            config.nav.append("docs/index.md")
        return config

    def _load(self) -> Catalog:
        try:
            catalog = load_catalog(Path(self.config.repository))
            survey = deployment.placed(catalog.survey, os.environ)
            return dataclasses.replace(catalog, survey=survey)
        except CatalogError as error:
            for problem in error.problems:
                log.error(str(problem))
            raise PluginError(f"{error}; nothing was built") from None
        except SurveyError as error:
            raise PluginError(str(error)) from None

    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        """Adds pages, data files, the joined style sheet and the scripts."""
        for page in render_pages(self.catalog, self.lang):
            files.append(_file(page, config))
        texts = render_files(self.catalog, self.lang)
        for path, text in (texts | self._assets()).items():
            files.append(File.generated(config, path, content=text))
        for path, source in self._pictures().items():
            files.append(File.generated(config, path, abs_src_path=str(source)))
        return files

    def _pictures(self) -> dict[str, Path]:
        """The English pages hold the pictures of both languages; pages of both lead there."""
        cards = list(social.cards(self.catalog))
        if self.lang == "zh":
            # Both languages are built side by side; this build draws from the other end, so each draws half.
            for card in reversed(cards):
                self._drawn(card)
            return {}
        folder = Path(self.config.repository) / "reference_impls"
        named = (
            f"{card.id}/{picture.file_in(lang)}"
            for card in self.catalog.cards.values()
            for picture in card.pictures
            for lang in self.catalog.kit.languages
        )
        found = {f"methods/{name}": folder / name for name in named}
        root = Path(self.config.repository)
        found |= {at: root / p for at, p in document_pictures(self.catalog).items()}
        return found | {c.path: self._drawn(c) for c in cards}

    def _drawn(self, card: social.SocialCard) -> Path:
        """A picture for social sites, drawn once for its content."""
        folder = Path(self.config.repository) / self.config.cache / "social"
        path = folder / f"{card.key}.png"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            part = folder / on_disk.temporary()
            try:
                part.write_bytes(social.draw(card))
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
        return path

    def _assets(self) -> dict[str, str]:
        folder = Path(self.config.assets)
        sheets = [p.read_text("utf-8") for p in sorted(folder.glob("css/*.css"))]
        others = {
            f"assets/{p.relative_to(folder).as_posix()}": SHRINK.get(p.suffix, str)(
                p.read_text("utf-8")
            )
            for p in sorted(folder.rglob("*"))
            if p.is_file() and p.parent.name != "css"
        }
        sheets.insert(1, self._colors())
        return {"assets/survey.css": cssmin("\n".join(sheets))} | others

    def _colors(self) -> str:
        """Which topic has which of the style sheet's colors."""
        return "".join(
            f".t-{topic}{{--c:var(--t-{number})}}"
            for topic, number in self.catalog.colors.items()
        )

    def on_env(self, env: Any, *, config: MkDocsConfig, files: Files) -> Any:
        """The words of header, footer and error page; and which scripts are the templates' own."""
        env.globals["sk"] = interface(self.catalog, self.lang)
        if not self.serving:
            policy.watch(env)
        return env

    def on_page_context(
        self,
        context: TemplateContext,
        *,
        page: MkDocsPage,
        config: MkDocsConfig,
        nav: Navigation,
    ) -> TemplateContext:
        """The finished body; hand-written pages have none."""
        drawn = page.drawn if isinstance(page, GeneratedPage) else None
        context |= {"drawn": drawn}  # type: ignore[misc]  # templates may be given more
        return context

    def on_post_page(
        self, output: str, *, page: MkDocsPage, config: MkDocsConfig
    ) -> str:
        """Mends what the theme writes against the HTML standard, and adds the policy."""
        own = page.drawn.inline if isinstance(page, GeneratedPage) else ()
        return policy.guarded(_valid(output), own)

    def on_post_template(
        self, output_content: str, *, template_name: str, config: MkDocsConfig
    ) -> str:
        """The same for the error page."""
        return policy.guarded(_valid(output_content))

    def on_serve(
        self, server: LiveReloadServer, *, config: MkDocsConfig, builder: Any
    ) -> LiveReloadServer:
        """Builds again when an entry or a style changes."""
        for folder in ("catalog", "docs"):
            if (path := Path(self.config.repository) / folder).is_dir():
                server.watch(str(path))
        server.watch(self.config.assets)
        return server


def _valid(html: str) -> str:
    """Without the theme's `autocomplete` on checkboxes, which have none."""
    for toggle in ("__drawer", "__search"):
        html = html.replace(f'id="{toggle}" autocomplete="off"', f'id="{toggle}"')
    return html


def _file(page: Page, config: MkDocsConfig) -> File:
    file = File.generated(
        config, page.uri, content="", inclusion=InclusionLevel.NOT_IN_NAV
    )
    file.edit_uri = page.source
    GeneratedPage(page, file, config)
    return file
