"""The content security policy of a page: what a browser may run and load while it shows the page.

Scripts and styles inside the page need their hash in the policy. A hash is given only to what stands in a template:
templates are marked while they are read, and a text of the catalog that became an element by mistake carries no mark.
"""

from __future__ import annotations

import re
import secrets
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256

from jinja2 import Environment
from jinja2.ext import Extension

MARK = f"data-{secrets.token_hex(16)}"
"""Another one in each process, so that no text can hold it; it never leaves the process."""
_INLINE = re.compile(r"<(script|style)>")
_MARKED = re.compile(rf"<(script|style) {MARK}>(.*?)</\1>", re.DOTALL)


class _Marked(Extension):
    def preprocess(
        self, source: str, name: str | None, filename: str | None = None
    ) -> str:
        return _INLINE.sub(rf"<\1 {MARK}>", source)


def watch(env: Environment) -> None:
    """Marks what templates of this environment hold; in them, `policy` is the place of the policy."""
    env.add_extension(_Marked)
    env.globals["policy"] = MARK


def guarded(html: str, scripts: Iterable[str] = ()) -> str:
    """A page of a watched environment with its policy; it may run these scripts besides the marked ones."""
    inline: dict[str, list[str]] = {"script": list(scripts), "style": []}
    for kind, text in _MARKED.findall(html):
        inline[kind].append(text)
    html = _MARKED.sub(r"<\1>\2</\1>", html)
    return html.replace(MARK, _policy(inline["script"], inline["style"]))


def scripts_of(env: Environment, template: str) -> tuple[str, ...]:
    """The inline scripts of a template; they must be plain text."""
    source, _, _ = env.loader.get_source(env, template) if env.loader else ("", "", "")
    return tuple(re.findall(r"<script>(.*?)</script>", source, re.DOTALL))


def _policy(scripts: Iterable[str], styles: Iterable[str]) -> str:
    """No `unsafe-inline`, no other host; pictures inside style sheets are `data:`."""
    return "; ".join(
        (
            "default-src 'none'",
            " ".join(["script-src 'self'", *map(_hash, scripts)]),
            " ".join(["style-src 'self'", *map(_hash, styles)]),
            "img-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
        )
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
