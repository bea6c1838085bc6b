"""The least a website costs: the same text as Markdown, through Markdown and one jinja2 template.

python benchmarks/site_floor.py      the real catalog: both, in processor seconds, and their ratio
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import markdown
import site_build
from jinja2 import Environment
from rich.console import Console
from selectolax.lexbor import LexborHTMLParser, LexborNode

FRAME = """<!doctype html><html lang="{{ lang }}"><head><meta charset="utf-8"><title>{{ title }}</title>
<link rel="stylesheet" href="/style.css"></head><body><nav>{% for name, href in nav %}<a href="{{ href }}">{{ name }}</a>
{% endfor %}</nav><main>{{ body }}</main><footer>{{ title }}</footer></body></html>"""
NAV = [(name, f"/{name.lower()}/") for name in ("Papers", "Topics", "Methods", "About")]
HEADINGS = {f"h{n}": "#" * n for n in range(1, 7)}
BLOCKS = {"p", "li", "pre", "td", "th", "dd", "dt", "summary", *HEADINGS}


def measure(site: Path) -> float:
    """Processor seconds of the plain pass over every page of a built site; reading it does not count."""
    texts = [(file.parent.name, told(file)) for file in sorted(site.rglob("index.html"))]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        begin = time.process_time()
        template = Environment(autoescape=False).from_string(FRAME)
        writer = markdown.Markdown(extensions=["tables", "toc"])
        for number, (title, text) in enumerate(texts):
            body = writer.reset().convert(text)
            page = template.render(lang="en", title=title, nav=NAV, body=body)
            (Path(folder) / f"{number}.html").write_text(page, "utf-8")
        return time.process_time() - begin


def told(file: Path) -> str:
    """What a page says, as Markdown: headings, paragraphs, items, links."""
    page = LexborHTMLParser(file.read_text("utf-8"))
    main = page.css_first("article") or page.css_first("main") or page.body
    return "\n\n".join(_blocks(main)) if main else ""


def _blocks(node: LexborNode) -> Iterator[str]:
    for child in node.iter():
        inner = {n.tag for n in child.traverse()} - {child.tag}
        if child.tag in BLOCKS and not inner & BLOCKS:
            sign = HEADINGS.get(child.tag or "", "-" if child.tag == "li" else "")
            yield f"{sign} {_inline(child)}".strip()
        elif child.tag not in ("script", "style", "svg"):
            yield from _blocks(child)


def _inline(node: LexborNode) -> str:
    links = {a.text(strip=True): a.attributes.get("href") for a in node.css("a")}
    text = re.sub(r"\s+", " ", node.text())
    for words, href in links.items():
        if words and href:
            text = text.replace(words, f"[{words}]({href})", 1)
    return text


def beside() -> tuple[int, float, float]:
    """Pages of the real catalog, processor seconds of its site, and of the plain pass over it."""
    with tempfile.TemporaryDirectory() as folder:
        cost = site_build.measure(keep=Path(folder))
        return len(list(Path(folder).rglob("index.html"))), cost.processor, measure(Path(folder))  # fmt: skip


if __name__ == "__main__":
    pages, ours, floor = beside()
    Console().print(f"{pages} pages: {ours:.1f} s, plain {floor:.1f} s, {ours / floor:.2f} x")  # fmt: skip
