"""`make screenshots`: pictures of the built site, to be looked at one by one.

    .venv/bin/python -m tests.site.screenshots [WORD …]

Every kind of page as desktop and phone, light and dark, English and Chinese, into build/screenshots; words
choose among the names. Two of them, made smaller, are the pictures of the READMEs: `--readme` writes these. The error page is missing: its links are made for a server's root.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from io import BytesIO

from PIL import Image
from playwright.sync_api import Browser

from tests.chromium import chromium
from tests.site.conftest import ROOT, served
from tests.site.kinds import KINDS

SITE, TARGET = ROOT / "build/site", ROOT / "build/screenshots"
WIDTHS = {"desktop": 1440, "phone": 390}
README = {"filtered": "explorer", "lifecycle": "lifecycle"}
"""Kind of page -> name of its picture in docs/images, for each language."""


def names() -> Iterator[tuple[str, str, str, str, str]]:
    """Name, address below the root, width, colour scheme, language."""
    for lang in ("en", "zh"):
        for kind, path in KINDS.items():
            for width in WIDTHS:
                for scheme in ("light", "dark"):
                    yield f"{kind}-{lang}-{width}-{scheme}", path, width, scheme, lang


def shoot(
    browser: Browser, address: str, *, width: int, scheme: str, whole: bool
) -> bytes:
    """A picture of one page as PNG."""
    page = browser.new_page(
        viewport={"width": width, "height": 900 if width > 600 else 844},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        bypass_csp=True,  # for the style tag below
    )
    page.goto(address, wait_until="load")
    if whole:  # what waits to come near the screen too
        page.add_style_tag(content="* { content-visibility: visible !important }")
    page.wait_for_timeout(400)
    picture = page.screenshot(full_page=whole)
    page.close()
    return picture


def small(picture: bytes, width: int) -> bytes:
    """The picture at that width, in WebP."""
    image = Image.open(BytesIO(picture)).convert("RGB")
    height = round(image.height * width / image.width)
    out = BytesIO()
    image.resize((width, height), Image.Resampling.LANCZOS).save(
        out, "WEBP", quality=82, method=6
    )
    return out.getvalue()


def main(words: list[str]) -> None:
    """Write the pictures whose names hold one of the words, or all."""
    if not (SITE / "index.html").is_file():
        raise SystemExit(f"{SITE} holds no site; run `make site` first")
    readme = "--readme" in words
    words = [word for word in words if word != "--readme"]
    with served(SITE) as address, chromium() as browser:
        if readme:
            _readme(browser, address)
        else:
            _all(browser, address, words)


def _all(browser: Browser, address: str, words: list[str]) -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, path, width, scheme, lang in names():
        if words and not any(word in name for word in words):
            continue
        root = address if lang == "en" else address + "zh/"
        whole = not path.startswith("papers/?") and path != "papers/"
        picture = shoot(
            browser, root + path, width=WIDTHS[width], scheme=scheme, whole=whole
        )
        (TARGET / f"{name}.png").write_bytes(picture)
        sys.stdout.write(f"build/screenshots/{name}.png\n")


def _readme(browser: Browser, address: str) -> None:
    folder = ROOT / "docs/images"
    folder.mkdir(parents=True, exist_ok=True)
    for lang, root in (("en", address), ("zh", address + "zh/")):
        for kind, name in README.items():
            picture = shoot(
                browser, root + KINDS[kind], width=1440, scheme="light", whole=False
            )
            (folder / f"{name}-{lang}.webp").write_bytes(small(picture, 1280))


if __name__ == "__main__":
    main(sys.argv[1:])
