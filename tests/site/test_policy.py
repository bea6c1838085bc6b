"""The content security policy: every page has one, keeps it while it is used, and stops what does not belong to it."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from itertools import cycle
from urllib.parse import urlsplit

import pytest
from jinja2 import DictLoader, Environment
from selectolax.lexbor import LexborHTMLParser

from surveykit.render.pages import policy
from tests.site.conftest import TELLS, under_its_path
from tests.site.kinds import KINDS
from tests.site.waiting import wait_until

POLICY = "meta[http-equiv=Content-Security-Policy]"
DATA = {"application/json", "application/ld+json"}
ELSEWHERE = "https://elsewhere.test/"
LANGS = ("", "zh/")
WAYS = (("", 1440), ("zh/", 390))
"""Language and width in which a page is used; each kind of page in one of them, as one template makes both."""
FORMER = "papers/li2022backdoor/"


def directives(document):
    """Name -> sources."""
    text = document.css_first(POLICY).attributes["content"]
    parts = (part.split() for part in text.split("; "))
    return {name: set(sources) for name, *sources in parts}


def hashed(text):
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


@pytest.fixture(scope="module")
def documents(site):
    """Every page of both sites, error pages and former addresses too."""
    return {
        path.relative_to(site).as_posix(): LexborHTMLParser(path.read_text("utf-8"))
        for path in site.rglob("*.html")
    }


def test_every_page_has_its_policy_right_behind_the_charset(documents):
    assert {"404.html", "zh/404.html", FORMER + "index.html"} <= set(documents)
    for path, document in documents.items():
        first, second = document.css("head > *")[:2]
        assert first.attributes == {"charset": "utf-8"}, path
        assert [second.mem_id] == [node.mem_id for node in document.css(POLICY)], path


def test_a_policy_names_its_own_host_and_hashes_alone(documents):
    for path, document in documents.items():
        told = directives(document)
        assert told["default-src"] == told["base-uri"] == {"'none'"}, path
        everything = set().union(*told.values()) - {"'none'", "'self'"}
        assert told.get("img-src", set()) <= {"'self'", "data:"}
        rest = everything - {"data:"}
        assert all(re.fullmatch(r"'sha256-[\w+/]{43}='", s) for s in rest), path


def test_whatever_stands_in_a_page_has_its_hash_and_nothing_else_has_one(documents):
    for path, document in documents.items():
        told = directives(document)
        for kind in ("script", "style"):
            inside = {
                hashed(node.text())
                for node in document.css(f"{kind}:not([src])")
                if node.attributes.get("type") not in DATA and node.text()
            }
            allowed = told.get(f"{kind}-src", set())
            assert inside == allowed - {"'self'"}, f"{path}: {kind}"


def test_no_page_has_an_attribute_or_address_that_would_run(documents):
    for path, document in documents.items():
        for node in document.css("*"):
            for name, value in node.attributes.items():
                assert not name.startswith("on"), f"{path}: {name}={value}"
                assert name not in ("style", "srcdoc", policy.MARK), f"{path}: {name}"
                address = re.sub(r"\s", "", value or "").lower()
                assert not address.startswith(("javascript:", "vbscript:")), path


def test_only_what_a_template_holds_gets_a_hash():
    ours, theirs = "<script>ours()</script>", "<script>theirs()</script>"
    page = '<meta content="{{ policy }}">' + ours + "{{ text }}"
    env = Environment(loader=DictLoader({"page": page}))  # the mistake that is tried
    policy.watch(env)
    made = policy.guarded(env.get_template("page").render(text=theirs))
    assert made.endswith(ours + theirs)
    assert policy.MARK not in made
    assert hashed("ours()") in made
    assert hashed("theirs()") not in made


def test_a_page_that_is_served_while_it_is_written_has_no_policy(
    build_site, catalog, tmp_path, monkeypatch
):
    from surveykit.mkdocs_plugin import SurveykitPlugin

    monkeypatch.setattr(
        SurveykitPlugin, "on_startup", lambda self, **_: setattr(self, "serving", True)
    )
    site = build_site(catalog, tmp_path)
    home = LexborHTMLParser((site / "index.html").read_text("utf-8"))
    assert not home.css(POLICY)
    assert home.css("script:not([src])")


# ---- in a browser: `visit` fails when a page breaks its policy or the console tells an error ----


def click_all(page, selector, most=4):
    """The last of them first: a click may make a locator find less."""
    for element in page.locator(f"{selector}:visible").all()[:most][::-1]:
        element.click()


def filter_table(page):
    """The paper table with all that it can do."""
    page.locator("#find").fill("backdoor encodr")
    page.locator("#find").fill("backdoor")
    page.locator("#sort").select_option("title")
    fold = page.locator(".sk-facets__fold")
    if not fold.evaluate("fold => fold.open"):
        fold.locator("summary").first.click()
    page.locator(".sk-facet input").first.check()
    if page.locator("#all").is_visible():  # a phone selects nothing
        export_selection(page)


def export_selection(page):
    page.locator("#all").check()
    for kind in ("bib", "csl"):
        with page.expect_download():
            page.locator(f"[data-do={kind}]").click()
    page.locator("[data-do=cite]").click()
    page.locator("[data-do=clear]").click()


def use(page):
    """What a reader can do on any page; parts that a page lacks are passed over."""
    page.mouse.move(200, 300, steps=2)  # the theme's script comes
    if page.locator("#find").count():
        filter_table(page)
    if page.locator("#up-to").count():
        page.locator("#up-to").fill("2022")
        page.locator(".sk-play").click()
    click_all(page, ".sk-seg label")
    click_all(page, "article details:not([open]) > summary")
    click_all(page, ".sk-cite [role=tab]")
    click_all(page, ".sk-copy")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")  # pictures, late parts
    scheme = "document.body.dataset.mdColorScheme"
    before = page.evaluate(scheme)
    wait_until(page, "window.document$ !== undefined")
    page.locator("label[for^=__palette]:visible").click()
    wait_until(page, f"{scheme} !== '{before}'")
    search_site(page)


def search_site(page):
    page.locator(".sk-find").click()
    page.locator(".sk-finder input").fill("backdoor")
    page.locator(".sk-hit:visible").first.wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")  # the first may empty the field alone
    page.locator(".sk-finder").wait_for(state="hidden")


@pytest.mark.browser
@pytest.mark.parametrize(("kind", "way"), list(zip(KINDS, cycle(WAYS))))
def test_a_page_keeps_its_policy_while_it_is_used_and_has_a_twin(visit, kind, way):
    lang, width = way
    page = visit(lang + KINDS[kind], width=width)
    assert page.locator(POLICY).count() == 1
    use(page)
    here = urlsplit(page.url).path
    page.locator(".sk-lang").click()
    page.wait_for_load_state()
    assert urlsplit(page.url).path == (here.removeprefix("/zh") if lang else "/zh" + here)  # fmt: skip


@pytest.mark.browser
@pytest.mark.parametrize(("lang", "width"), [("", 1440), ("zh/", 390)])
def test_the_error_page_and_a_former_address_keep_theirs(visit, site, serve, tmp_path, lang, width):  # fmt: skip
    path = under_its_path(site, tmp_path)  # the links of the error page begin here
    with serve(tmp_path) as address:
        page = visit(f"{path}{lang}404.html", address=address, width=width)
        use(page)
        page = visit(f"{path}{lang}{FORMER}", address=address, width=width)
        page.wait_for_url(lambda url: "li2022backdoor" not in url)
        use(page)


@pytest.mark.browser
@pytest.mark.parametrize("lang", LANGS)
def test_pages_opened_from_a_disk_keep_theirs(browser, site, lang):
    """Map, table, tabs and search work there. Colours and export never did: they fetch files, which needs a server."""
    page, told = browser.new_page(), []
    page.add_init_script(TELLS)
    page.on("console", lambda line: told.append(line.text))
    page.goto(f"{site.as_uri()}/{lang}index.html")
    heat = "cell => getComputedStyle(cell).getPropertyValue('--heat')"
    heats = page.locator(".sk-map td").evaluate_all(f"all => all.map({heat})")
    assert len(set(heats)) > 4
    page.locator("#up-to").fill("2022")
    assert page.locator(".sk-map .off").count() > 0
    page.goto(f"{site.as_uri()}/{lang}papers/index.html")
    everything = page.locator(".sk-count").inner_text()
    page.locator(".sk-facet input").first.check()
    assert page.locator(".sk-count").inner_text() != everything
    page.goto(f"{site.as_uri()}/{lang}papers/feng2023detecting/index.html")
    page.locator(".sk-cite [role=tab]").last.click()
    page.mouse.move(200, 300, steps=2)
    page.wait_for_timeout(300)
    page.close()
    assert not [line for line in told if line.startswith("policy:")]


@pytest.fixture
def spoiled(browser, base, site):
    """Opens a copy of a page with more HTML in its text; gives it, the directives that spoke, and requests to others."""
    opened = []

    def open_page(html, *, guarded):
        page = browser.new_page()
        opened.append(page)
        text = (site / "papers/feng2023detecting/index.html").read_text("utf-8")
        text = text.replace("<h1", html + "<h1", 1)
        if not guarded:
            text = re.sub(r"<meta http-equiv=.Content-Sec[^>]*>", "", text)
        asked = []

        def elsewhere(route):
            asked.append(route.request.url)
            route.abort()

        page.route(ELSEWHERE + "**", elsewhere)
        page.route("**/feng2023detecting/", lambda r: r.fulfill(body=text, content_type="text/html"))  # fmt: skip
        page.add_init_script(
            "window.stopped = []; addEventListener('securitypolicyviolation', e => stopped.push(e.effectiveDirective))"
        )
        page.goto(base + "papers/feng2023detecting/")
        for link in page.locator("[data-click]").all():
            link.dispatch_event("click")
        page.wait_for_timeout(200)
        return page, asked

    yield open_page
    for page in opened:
        page.close()


INJECTED = {
    "script": ("script-src-elem", "<script>window.pwned = 1</script>"),
    "remote-script": ("script-src-elem", f"<script src='{ELSEWHERE}x.js'></script>"),
    "data-script": ("script-src-elem", "<script src='data:,pwned=1'></script>"),
    "handler": ("script-src-attr", "<img src='data:,' onerror='window.pwned = 1'>"),
    "address": ("script-src-elem", "<a data-click href='javascript:void(pwned=1)'>x</a>"),
    "image": ("img-src", f"<img src='{ELSEWHERE}x.png'>"),
    "sheet": ("style-src-elem", f"<link rel='stylesheet' href='{ELSEWHERE}x.css'>"),
    "style": ("style-src-elem", f"<style>h1 {{ background: url({ELSEWHERE}x) }}</style>"),
    "attribute": ("style-src-attr", f"<p style='background: url({ELSEWHERE}x)'>x</p>"),
    "frame": ("frame-src", f"<iframe src='{ELSEWHERE}'></iframe>"),
    "object": ("object-src", f"<object data='{ELSEWHERE}x'></object>"),
    "base": ("base-uri", f"<base href='{ELSEWHERE}'><img src='x.png'>"),
    "form": ("form-action", f"<form action='{ELSEWHERE}'><button data-click>x</button></form>"),
}  # fmt: skip


@pytest.mark.browser
@pytest.mark.parametrize("name", INJECTED)
def test_what_does_not_belong_to_a_page_neither_runs_nor_asks_anybody(spoiled, name):
    """The same page without its policy shows that there was something to stop."""
    directive, html = INJECTED[name]
    page, asked = spoiled(html, guarded=True)
    assert directive in page.evaluate("stopped")
    assert page.evaluate("window.pwned") is None
    assert not asked
    page, asked = spoiled(html, guarded=False)
    assert asked or page.evaluate("window.pwned") == 1
