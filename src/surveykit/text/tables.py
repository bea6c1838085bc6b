"""Tables of Markdown as HTML that scrolls by itself and is reached by keys."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict


class TableRenderer(RendererHTML):
    """The library's renderer; `heading` of its environment names each table for those who listen."""

    def table_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any
    ) -> str:
        """Begins the frame and the table."""
        name = escape(env["heading"])
        return f'<div class="sk-scroll" tabindex="0" role="group" aria-label="{name}"><table class="sk-table">'

    def table_close(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any
    ) -> str:
        """Ends both."""
        return "</table></div>"
