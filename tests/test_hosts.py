"""One judge of addresses: what it refuses, and every place where it is asked."""

from __future__ import annotations

import time
from typing import Any

import pytest
import yaml

from surveykit.addresses import address
from surveykit.cli.terminal import FINE, FOUND
from surveykit.errors import IdentifierError
from surveykit.identifier import identify
from surveykit.net.guard import BlockedError, Guard
from surveykit.net.hosts import fault
from surveykit.references.values import usable

PRIVATE = [
    "http://10.0.0.1/",
    "http://127.0.0.1:8000/",
    "http://169.254.169.254/latest/meta-data/",
    "http://192.168.1.1/",
    "http://0.0.0.0/",
    "http://0x7f.1/",
    "http://2130706433/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[fe80::1]/",
    "http://[fc00::1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[64:ff9b::10.0.0.1]/",
    "http://[2002:a00:1::]/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://a.localhost/",
    "http://printer.local/",
    "http://wiki.corp.internal/",
    "http://router.home.arpa/",
    "http://nas.lan/",
    "http://intranet/",
]
IMPOSSIBLE = [
    "http://example.org:99999/",
    "http://example.org:0/",
    "http://example.org:-1/",
    f"http://example.org:{'9' * 5000}/",
    "http://example.org:http/",
    "http://user@example.org/",
    "http://user:secret@example.org/",
    "http://@example.org/",
    "http://",
    "http:///path",
    "http://[::1",
    "http://[fe80::1%25eth0]/",
    "http://1.2.3.4.5/",
    "http://999.1.1.1/",
    "http://256.0.0.1/",
    "http://example..org/",
    "http://.example.org/",
    "http://example.org../",
    f"http://{'a' * 64}.org/",
    f"http://{'.'.join(['a' * 50] * 6)}.org/",
    "http://my_lab.org/",
    "http://example.my_org/",
    "http://exa$mple.org/",
    "http://exam%70le.org/",
    "http://xn--99999999.org/",
    "http://xn--abc-.org/",
    "http://xn--.org/",
    "ftp://example.org/",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "//example.org/",
]
CONTROLLED = [
    f"http://exam{sign}ple.org/" for sign in "\0\x01\t\n\r\x1f\x7f\x85\xa0\u2028 \\"
]
FINE_ONES = [
    "https://doi.org/10.1145/3503161.3547801",
    "https://example.org/x",
    "https://lab.example/",
    "http://papers.test:8080/",
    "http://10.0.0.1.nip.io/",
    "http://example.org:65535/",
    "http://example.org:1/",
    "http://example.org.:80/",
    "https://some_lab.github.io/",
    "https://xn--mnchen-3ya.de/",
    "https://xn--fiqs8s/".replace("//", "//www."),
    f"https://{'a' * 63}.org/",
    "https://8.8.8.8/",
    "https://[2606:4700:4700::1111]/",
    "https://[64:ff9b::8.8.8.8]/",
    "https://123.example.org/",
    "https://localhost.example.org/",
    "https://notlocal.org/",
    "https://internal.org/",
]  # fmt: skip


@pytest.mark.parametrize("url", PRIVATE)
def test_private_addresses_have_their_own_kind(url):
    assert fault(url).kind == "private-address"


@pytest.mark.parametrize("url", [*IMPOSSIBLE, *CONTROLLED])
def test_impossible_addresses_are_none(url):
    assert fault(url).kind in ("bad-address", "credentials", "scheme")


@pytest.mark.parametrize("url", FINE_ONES)
def test_what_may_be_public_passes_without_a_look_up(url):
    assert fault(url) is None
    Guard().check_url(url)


@pytest.mark.parametrize("url", ["http://１０.0.0.1/", "http://127。0。0。1/", "http://ｌocalhost/"])  # fmt: skip
def test_other_digits_and_dots_hide_nothing(url):
    assert fault(url).kind == "private-address"


@pytest.mark.parametrize("url", [*PRIVATE, *IMPOSSIBLE, *CONTROLLED])
def test_all_who_take_addresses_ask_the_same_judge(url):
    with pytest.raises(BlockedError):
        Guard().check_url(url)
    if url.startswith("http://") and url not in CONTROLLED:  # a paste loses those
        with pytest.raises(IdentifierError):
            identify(url)


@pytest.mark.parametrize("url", [*PRIVATE, *IMPOSSIBLE])
def test_importers_and_issues_take_no_such_address(url):
    assert usable(url) is None
    if not url.startswith("//"):  # a text like any other
        assert address(url) is None


@pytest.mark.parametrize("piece", ["a.", "a", "xn--a.", "[", "%", "@", ":", "1.", "0x", "é", "。", "\\"])  # fmt: skip
def test_no_address_takes_long_to_judge(piece):
    start = time.process_time()
    fault(f"http://{piece * 300_000}")
    fault(f"http://example.org/{piece * 300_000}")
    assert time.process_time() - start < 0.5


ENTRY = "catalog/papers/2021/rodriguez2021planting.yaml"
SURVEY = "catalog/survey.yaml"
RULE = {"prefix": "", "treat": "skip", "reason": "x", "until": "2031-01-01"}
RELATION = {
    "type": "extends",
    "to": "feng2023detecting",
    "why": {"en": "x", "zh": "x"},
    "basis": "paper",
}
PLACES: dict[str, tuple[str, tuple[Any, ...]]] = {
    **{f"links.{key}": (ENTRY, ("links", key)) for key in ("paper", "pdf", "code", "project", "slides", "video")},
    "tldr.source": (ENTRY, ("tldr", "source")),
    "verified.by": (ENTRY, ("verified", "by", 0)),
    "repository": (SURVEY, ("repository",)),
    "site": (SURVEY, ("site",)),
    "maintainers": (SURVEY, ("maintainers", 0, "url")),
    "prefix": ("catalog/link_policy.yaml", (0, "prefix")),
    "relations": (ENTRY, ("relations", 0, "source")),
}  # fmt: skip


@pytest.mark.parametrize("url", ["http://10.0.0.1/x", "https://example.org:99999/x", "http://a.localhost/x"])  # fmt: skip
@pytest.mark.parametrize("name", PLACES)
def test_validate_shows_where_a_bad_address_stands(run, catalog_dir, name, url):
    path, way = PLACES[name]
    file = catalog_dir / path
    data = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else [RULE]
    if name == "relations":
        data["relations"] = [RELATION]
    spot = data
    for step in way[:-1]:
        spot = spot[step]
    spot[way[-1]] = url
    text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=4096)
    file.write_text(text, encoding="utf-8")
    code, out, _ = run("validate")
    line, before = next(
        (number, row.partition(url)[0])
        for number, row in enumerate(text.splitlines(), 1)
        if url in row
    )
    (problem,) = [row for row in out.splitlines() if "SK211" in row]
    assert code == FOUND
    assert f"{path}:{line}:{len(before) + 1}: SK211" in problem
    assert fault(url).words in problem


def test_an_address_inside_a_source_is_judged_too(run, catalog_dir):
    file = catalog_dir / ENTRY
    text = file.read_text(encoding="utf-8")
    for source, code in (
        ("arXiv:2103.00001, https://example.org/a.", FINE),
        ("arXiv:2103.00001, HTTP://10.0.0.1/a.", FOUND),
    ):
        changed = text.replace("source: arXiv:2103.00001", f"source: {source!r}")
        assert changed != text
        file.write_text(changed, encoding="utf-8")
        assert run("validate")[0] == code
