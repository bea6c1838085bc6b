"""Hostile pull requests: the files of each, and what must be said of them."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from broken import ENTRY, PATH
from hostile.tree import Content, Fifo, Folder, Link

from surveykit.yaml_tree import parse

CARD = "reference_impls/badseeds/card.yaml"
RESULTS, ARENA = "reference_impls/badseeds/results.json", "reference_impls/arena.json"
TAXONOMY, VENUES, SURVEY = (f"catalog/{n}.yaml" for n in ("taxonomy", "venues", "survey"))  # fmt: skip
PAPERS = "catalog/papers"
GOOD = parse(ENTRY).data
SECRET = "the secret of the machine"


class Case(NamedTuple):
    """One pull request."""

    name: str
    files: dict[str, Content]
    rule: str
    """What `validate` must say of one of them; empty where the text is right and only must do no harm."""


def entry(*way: str | int, to: Any, base: Any = None) -> str:
    """The good entry with one value changed."""
    data = copy.deepcopy(base or GOOD)
    at = data
    for step in way[:-1]:
        at = at[step]
    at[way[-1]] = to
    return json.dumps(data)  # YAML, too


FULL = GOOD | {
    "notes": {"en": "A note.", "zh": "备注。"},
    "corrections": [{"en": "A correction.", "zh": "更正。"}],
}
FULL["verified"] = GOOD["verified"] | {"doubt": {"en": "A doubt.", "zh": "存疑。"}}
FIELDS: dict[str, tuple[tuple[str | int, ...], bool]] = {
    "title": (("title", "en"), True),
    "Chinese title": (("title", "zh"), True),
    "summary": (("tldr", "en"), True),
    "person": (("authors", 1), True),
    "group": (("authors", 2, "literal"), True),
    "note": (("notes", "en"), False),
    "reason": (("relations", 0, "why", "en"), False),
    "correction": (("corrections", 0, "zh"), False),
    "doubt": (("verified", "doubt", "en"), False),
    "source": (("verified", "by", 1), False),
}
"""Name -> way to a text, and whether markup is refused in it."""
MARKUP = {
    "a script": "x <script>alert(1)</script> 甲",
    "an image": 'x <img src="https://evil.example/x.png" onerror="alert(1)"> 甲',
    "a closed block": "x </details></td><svg onload=alert(1)> 甲",
    "LaTeX that reads files": "x \\input{/etc/passwd} \\write18{touch pwned} 甲",
    "an entity": "x &lt;script&gt; &#60;b&#62; 甲",
}
TEXT = {
    "a Markdown image": "x ![p](https://evil.example/p.png) [q](javascript:alert(1)) 甲",
    "a shell": "x $(touch pwned) `touch pwned` ; touch pwned | sh 甲",
    "a workflow command": "x ::set-output name=a::b %0A::error::c 甲",
    "an expression": "x ${{ github.token }} {{ 7*7 }} {% raw %} 甲",
    "a mention and a reference": "x @everyone #1 GH-1 example/repo@0a1b2c3 甲",
    "a formula of a table": "=cmd|' /C calc'!A0 甲",
    "a fence": "x ``` ~~~ ```` 甲",
    "a table row": "x | y | z || - [ ] 甲",
}

GROUPS = {
    "a Markdown image": "SK356",
    "a shell": "SK354",
    "a mention and a reference": "SK356",
}
"""What no name of a group may have in it."""


def texts() -> Iterator[Case]:
    for field, (way, refused) in FIELDS.items():
        for name, text in MARKUP.items():
            rule = "SK357" if refused else ""
            yield Case(f"{name} in the {field}", {PATH: entry(*way, to=text, base=FULL)}, rule)  # fmt: skip
    for field in ("title", "summary", "group", "note", "source"):
        for name, text in TEXT.items():
            rule = GROUPS.get(name, "") if field == "group" else ""
            rule = rule or ("SK357" if "{" in text and FIELDS[field][1] else "")
            yield Case(f"{name} in the {field}", {PATH: entry(*FIELDS[field][0], to=text, base=FULL)}, rule)  # fmt: skip


HIDDEN = {
    "a right-to-left override": ('"a \\u202Egnp.exe"', "SK208"),
    "a zero-width space": ('"Back\\u200Bdoor"', "SK208"),
    "an escape sequence": ('"\\e[2J\\e[31mred"', "SK208"),
    "a bell": ('"ding \\a"', "SK208"),
    "a newline": ('"a\\n\\n# heading"', "SK208"),
    "a carriage return": ('"a\\r::error::b"', "SK208"),
    "a line separator": ('"a\\Lb"', "SK208"),
    "a next line": ('"a\\Nb"', "SK208"),
    "a tag of Unicode": ('"a\\U000E0041b"', "SK208"),
    "a sign for private use": ('"a\\uE000b"', "SK208"),
    "a Hangul filler": ('"a\\u3164b"', "SK208"),
    "a no-break space": ('"a\\_b"', "SK209"),
    "an ideographic space": ('"a\\u3000b"', "SK209"),
    "a surrogate": ('"a\\uD800b"', "SK106"),
    "half an emoji": ('"a\\uDE00b"', "SK106"),
    "Cyrillic in Latin": ('"Ba\\u0441kdoors in Encoders"', "SK359"),
    "a Cyrillic word": ('"\\u0421\\u0415\\u041E Encoders"', "SK359"),
    "full-width letters": ('"\\uFF22ackdoors"', "SK359"),
    "mojibake": ('"JosÃ© and his Encoders"', "SK358"),
    "a ligature": ('"Classi\\uFB01ers"', "SK359"),
    "decomposed accents": ('"Rodri\\u0301guez"', "SK210"),
}


def hidden() -> Iterator[Case]:
    old = "en: Detecting Planted Backdoors in Pre-trained Encoders"
    for name, (text, rule) in HIDDEN.items():
        yield Case(f"{name} in the title", {PATH: ENTRY.replace(old, f"en: {text}")}, rule)  # fmt: skip


def _laughs() -> str:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]  # fmt: skip
    return "\n".join(lines)


FILES: dict[str, tuple[Content, str]] = {
    "a Python object": (ENTRY.replace("venue: iccv", "venue: !!python/object/apply:os.system ['touch pwned']"), "SK108"),
    "a Python module": (ENTRY.replace("venue: iccv", "venue: !!python/module:antigravity"), "SK108"),
    "a private tag": (ENTRY.replace("venue: iccv", "venue: !evil iccv"), "SK108"),
    "a binary tag": (ENTRY.replace("venue: iccv", "venue: !!binary aWNjdg=="), "SK108"),
    "a tag directive": (f"%TAG ! tag:evil.example,2000:\n---\n{ENTRY}".replace("venue: iccv", "venue: !x iccv"), "SK108"),
    "a YAML of the future": (f"%YAML 9.9\n---\n{ENTRY}", "SK106"),
    "a billion laughs": (_laughs(), "SK109"),
    "an anchor to itself": ("a: &a [*a]\n", "SK109"),
    "a merge": (ENTRY + "base: &b {x: y}\n<<: *b\n", "SK109"),
    "a merge without anchor": (ENTRY + "<<: {venue: cvpr}\n", "SK202"),
    "deep lists": ("[" * 5000 + "]" * 5000, "SK111"),
    "deep mappings": ("{a: " * 5000 + "}" * 5000, "SK111"),
    "deep blocks": ("".join(f"{' ' * i}a:\n" for i in range(600)), "SK111"),
    "an unclosed list": ("a: [" * 3000, "SK111"),
    "a huge number": (ENTRY.replace("year: 2023", f"year: {'9' * 5000}"), "SK203"),
    "a number in hexadecimal": (ENTRY.replace("year: 2023", "year: 0x7E7"), "SK203"),
    "a number that is infinite": (ENTRY.replace("month: 10", "month: .inf"), "SK203"),
    "a key twice": (ENTRY + "venue: cvpr\n", "SK110"),
    "a second document": (ENTRY + "---\n" + ENTRY, "SK107"),
    "three thousand unknown keys": (ENTRY + "".join(f"x{i}: 1\n" for i in range(3000)), "SK202"),
    "a key of ten thousand letters": (ENTRY + "x" * 900 + ": 1\n", "SK202"),
    "a key that is a method": (ENTRY + "__class__: {__init__: x}\n", "SK202"),
    "a key of a model": (ENTRY + "model_config: {extra: allow}\n", "SK202"),
    "a list as key": (ENTRY + "? [a]\n: b\n", "SK112"),
    "nothing": ("", "SK203"),
    "a comment alone": ("# nothing\n", "SK203"),
    "a list": ("- a\n- b\n", "SK203"),
    "a word": ("word\n", "SK203"),
    "Latin-1": ("id: Rodríguez\n".encode("latin-1"), "SK101"),
    "UTF-16": (ENTRY.encode("utf-16"), "SK102"),
    "a byte order mark": (b"\xef\xbb\xbf" + ENTRY.encode(), "SK102"),
    "an overlong slash": (b"id: \xc0\xaf\n", "SK101"),
    "a NUL": (ENTRY.encode().replace(b"Planted", b"Plan\0ted"), "SK103"),
    "an escape": (ENTRY.encode().replace(b"Planted", b"\x1b[2JPlanted"), "SK103"),
    "tabs": (ENTRY.replace("  en:", "\ten:"), "SK104"),
    "lone carriage returns": (ENTRY.replace("\n", "\r"), "SK105"),
    "half a megabyte": (ENTRY + "# " + "x" * 500_000 + "\n", "SK002"),
    "a program": (b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 4, "SK101"),
    "a PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "SK101"),
    "HTML": ("<!doctype html><script>alert(1)</script>\n", "SK203"),
    "a shell script": ("#!/bin/sh\ntouch pwned\n", "SK203"),
    "marks of a merge": (f"<<<<<<< HEAD\n{ENTRY}=======\n{ENTRY}>>>>>>> theirs\n", "SK106"),
    "a quote that never ends": (ENTRY.replace("en: Detecting", 'en: "Detecting'), "SK106"),
    "a hundred thousand quotes": ("'" * 100_001, "SK106"),
    "a hundred thousand colons": ("a" + ": " * 100_000, "SK106"),
    "a hundred thousand hyphens": ("- " * 100_000, "SK111"),
    "a title that a comment cuts": (ENTRY.replace("Planted", "#1 Planted"), "SK114"),
    "a title in two pieces": (ENTRY.replace("Pre-trained", "Pre-\n    trained"), "SK114"),
    "the id of another entry": (entry("id", to="chen2025breaking"), "SK006"),
    "an id that leads out": (entry("id", to="../../../etc/passwd"), "SK206"),
    "an id that is an option": (entry("id", to="--help"), "SK206"),
    "a year that is a folder": (entry("year", to="../2021"), "SK203"),
    "itself as former id": (entry("former_ids", to=["feng2023detecting"]), "SK306"),
    "another's id as former id": (entry("former_ids", to=["saito2021early"]), "SK306"),
    "a relation to nobody": (entry("relations", 0, "to", to="nobody2020nothing"), "SK330"),
    "a relation to itself": (entry("relations", 0, "to", to="feng2023detecting"), "SK331"),
    "a method that leads out": (entry("implementations", to=["../../evil"]), "SK206"),
    "a venue that leads out": (entry("venue", to="../../evil"), "SK320"),
    "a term with markup": (entry("terms", "role", to=["<script>"]), "SK206"),
    "an axis of its own": (entry("terms", "evil", to=["attack"]), "SK310"),
    "three thousand authors": (entry("authors", to=["Ana Li"] * 3000), "SK408"),
    "nobody as author": (entry("authors", to=[]), "SK204"),
    "others as author": (entry("authors", 1, to="Ana Li et al."), "SK356"),
    "a line of authors": (entry("authors", 1, to="Ana Li and Wei Xu"), "SK354"),
    "a retracted paper": (entry("title", "en", to="RETRACTED: Detecting Backdoors"), "SK353"),
    "a day that has not come": (entry("added", to="2099-01-01"), "SK362"),
    "a source that is none": (entry("verified", "by", to=["the internet"]), "SK361"),
    "an ORCID of nobody": (entry("authors", 0, "orcid", to="0000-0002-1825-0098"), "SK212"),
    "pages with a command": (entry("pages", to="1; touch pwned"), "SK206"),
    "a volume with markup": (entry("volume", to="<b>1</b>"), "SK206"),
    "an arXiv class with markup": (entry("arxiv_class", to="cs.<b>"), "SK206"),
}  # fmt: skip
"""What stands in the file of an entry."""

ADDRESSES = {
    "a script": ("javascript:alert(document.cookie)", "SK211"),
    "a script in capitals": ("JaVaScRiPt:alert(1)", "SK211"),
    "data": ("data:text/html;base64,PHNjcmlwdD4=", "SK211"),
    "a file": ("file:///etc/passwd", "SK211"),
    "FTP": ("ftp://example.org/x", "SK211"),
    "gopher": ("gopher://127.0.0.1:25/_HELO", "SK211"),
    "a scheme left out": ("//evil.example/x", "SK211"),
    "a path": ("/etc/passwd", "SK211"),
    "user and password": ("https://user:secret@example.org/", "SK211"),
    "a user that looks like a host": ("https://github.com@evil.example/", "SK211"),
    "the machine itself": ("http://localhost:8000/", "SK211"),
    "the loopback": ("http://127.0.0.1/", "SK211"),
    "the loopback as a number": ("http://2130706433/", "SK211"),
    "the loopback in octal": ("http://0177.0.0.1/", "SK211"),
    "the loopback in hexadecimal": ("http://0x7f.0.0.1/", "SK211"),
    "the loopback in IPv6": ("http://[::1]/", "SK211"),
    "a mapped loopback": ("http://[::ffff:127.0.0.1]/", "SK211"),
    "the service of a cloud": ("http://169.254.169.254/latest/meta-data/", "SK211"),
    "a private network": ("http://10.0.0.1/", "SK211"),
    "another private network": ("http://192.168.1.1/admin", "SK211"),
    "a host of the house": ("http://printer.local/", "SK211"),
    "an impossible port": ("https://example.org:99999/", "SK211"),
    "no port": ("https://example.org:x/", "SK211"),
    "a bracket": ("https://[::1", "SK211"),
    "markup": ("https://example.org/<script>", "SK211"),
    "a quote": ('https://example.org/"onmouseover="alert(1)', "SK211"),
    "a space": ("https://example.org/a b", "SK211"),
    "a backtick": ("https://example.org/`id`", "SK211"),
    "a letter that is not ASCII": ("https://ex\u0430mple.org/", "SK211"),
    "a line of its own": ("https://example.org/\nx", "SK208"),
    "an entity": ("https://example.org/?a=1&amp;b=2", "SK349"),
    "a paper": ("https://arxiv.org/abs/2303.00015", "SK370"),
    "a PDF": ("https://example.org/program.pdf", "SK370"),
    "an account": ("https://github.com/example", "SK344"),
    "brackets of Markdown": ("https://example.org/a)[x](y", ""),
    "a shell": ("https://example.org/$(id);id&&id", ""),
    "an option": ("https://example.org/?--upload-pack=x", ""),
}  # fmt: skip
"""What stands for the address of the program."""

IDENTIFIERS = {
    "month 13": ({"arxiv": "2313.00015"}, "SK206"),
    "five digits before 2015": ({"arxiv": "1412.00015"}, "SK347"),
    "four digits after 2015": ({"arxiv": "2303.0015"}, "SK347"),
    "a month to come": ({"arxiv": "9912.00015"}, "SK347"),
    "an archive that is none": ({"arxiv": "evil/9901001"}, "SK347"),
    "a path as arXiv id": ({"arxiv": "../../etc/passwd"}, "SK206"),
    "arXiv's DOI": ({"doi": "10.48550/arXiv.2303.00015"}, "SK346"),
    "a DOI with a full stop": ({"doi": "10.5555/x."}, "SK348"),
    "a DOI with a quote": ({"doi": '10.5555/x"onclick="'}, "SK206"),
    "a DOI with a newline": ({"doi": "10.5555/x\n::error::y"}, "SK206"),
    "a DOI with a brace": ({"doi": "10.5555/x}, note = {y"}, "SK206"),
    "a DOI with a script": ({"doi": "10.5555/<script>alert(1)</script>"}, ""),
    "a SICI DOI": ({"doi": "10.1002/(SICI)1096(1997)385:1<1::AID-CNE1>3.0.CO;2-8"}, ""),
    "an OpenReview id with a query": ({"openreview": "abcdef&x=y"}, "SK206"),
    "an ACL id that leads out": ({"acl": "../2020.acl-main.1"}, "SK206"),
    "another's arXiv id": ({"arxiv": "2103.00001"}, "SK301"),
    "another's DOI": ({"doi": "10.5555/TIFS.2024.3351234"}, "SK302"),
}  # fmt: skip


def entries() -> Iterator[Case]:
    for name, (content, rule) in FILES.items():
        yield Case(f"{name} as an entry", {PATH: content}, rule)
    for name, (url, rule) in ADDRESSES.items():
        yield Case(f"{name} as address", {PATH: entry("links", "code", to=url)}, rule)
    plain = copy.deepcopy(GOOD)
    plain["links"] = {"paper": "https://example.org/paper"}
    for name, (ids, rule) in IDENTIFIERS.items():
        yield Case(name, {PATH: entry("identifiers", to=ids, base=plain)}, rule)


def _bytes(name: bytes) -> str:
    return f"{PAPERS}/2023/{os.fsdecode(name)}"


PLACES: dict[str, tuple[dict[str, Content], str]] = {
    "an entry that is a link": ({PATH: Link("/etc/passwd")}, "SK003"),
    "an entry that is a link to a secret": ({PATH: Link("OUTSIDE/secret.yaml")}, "SK003"),
    "a link to another entry": ({f"{PAPERS}/2023/a2023link.yaml": Link("../2024/muller2024journal.yaml")}, "SK003"),
    "a link to itself": ({f"{PAPERS}/2023/a2023link.yaml": Link("a2023link.yaml")}, "SK003"),
    "a link to nothing": ({f"{PAPERS}/2023/a2023link.yaml": Link("nothing")}, "SK003"),
    "a link to a device": ({f"{PAPERS}/2023/a2023link.yaml": Link("/dev/zero")}, "SK003"),
    "a year that is a link": ({f"{PAPERS}/2020": Link("OUTSIDE")}, "SK003"),
    "a year that is a link to its parent": ({f"{PAPERS}/2020": Link("..")}, "SK003"),
    "a method that is a link": ({"reference_impls/evil": Link("OUTSIDE")}, "SK003"),
    "a card that is a link": ({CARD: Link("OUTSIDE/secret.yaml")}, "SK003"),
    "results that are a link": ({RESULTS: Link("OUTSIDE/secret.json")}, "SK003"),
    "an arena that is a link": ({ARENA: Link("/dev/zero")}, "SK003"),
    "a taxonomy that is a link": ({TAXONOMY: Link("OUTSIDE/secret.yaml")}, "SK003"),
    "venues that are a link": ({VENUES: Link("/dev/zero")}, "SK003"),
    "a link policy that is a link": ({"catalog/link_policy.yaml": Link("/dev/zero")}, "SK003"),
    "a pipe as entry": ({PATH: Fifo()}, "SK003"),
    "a pipe as survey": ({SURVEY: Fifo()}, "SK003"),
    "a pipe as link policy": ({"catalog/link_policy.yaml": Fifo()}, "SK003"),
    "a pipe as results": ({RESULTS: Fifo()}, "SK003"),
    "a folder as entry": ({f"{PAPERS}/2023/a2023folder.yaml": Folder()}, "SK004"),
    "a folder as taxonomy": ({TAXONOMY: Folder()}, "SK003"),
    "a file as year": ({f"{PAPERS}/1999": "x"}, "SK004"),
    "no taxonomy": ({TAXONOMY: None}, "SK008"),
    "no survey": ({SURVEY: None}, "SK008"),
    "a program beside the entries": ({f"{PAPERS}/2023/run.py": "import os\nos.system('touch pwned')\n"}, "SK004"),
    "a hidden entry": ({f"{PAPERS}/2023/.a2023hidden.yaml": ENTRY}, "SK006"),
    "capitals in an ending": ({f"{PAPERS}/2023/a2023b.YAML": ENTRY}, "SK004"),
    "the same name in capitals": ({f"{PAPERS}/2023/FENG2023detecting.yaml": ENTRY}, "SK007"),
    "a year that is none": ({f"{PAPERS}/20x3/feng2023other.yaml": ENTRY}, "SK004"),
    "a year in other digits": ({f"{PAPERS}/２０２３/a2023b.yaml": ENTRY}, "SK005"),
    "an option as name": ({f"{PAPERS}/2023/--help.yaml": ENTRY}, "SK006"),
    "another option as name": ({f"{PAPERS}/2023/-rf.yaml": ENTRY}, "SK006"),
    "a newline in a name": ({f"{PAPERS}/2023/a\n::error::b.yaml": ENTRY}, "SK006"),
    "an escape in a name": ({f"{PAPERS}/2023/\x1b[2Ja.yaml": ENTRY}, "SK006"),
    "a carriage return in a name": ({f"{PAPERS}/2023/a\rb.yaml": ENTRY}, "SK006"),
    "a right-to-left override in a name": ({f"{PAPERS}/2023/a\u202elmay.yaml": ENTRY}, "SK006"),
    "markup in a name": ({f"{PAPERS}/2023/<img src=x onerror=alert(1)>.yaml": ENTRY}, "SK006"),
    "Markdown in a name": ({f"{PAPERS}/2023/![x](javascript:alert(1)).yaml": ENTRY}, "SK006"),
    "backticks in a name": ({f"{PAPERS}/2023/```.yaml": ENTRY}, "SK006"),
    "a command in a name": ({f"{PAPERS}/2023/$(touch pwned);'\".yaml": ENTRY}, "SK006"),
    "a space for a name": ({f"{PAPERS}/2023/ .yaml": ENTRY}, "SK006"),
    "a name that is no text": ({_bytes(b"a\xff\xfe.yaml"): ENTRY}, "SK006"),
    "a name that is no text in a folder's place": ({f"{PAPERS}/{os.fsdecode(bytes([0xff]))}/a.yaml": ENTRY}, "SK004"),
    "a long name": ({f"{PAPERS}/2023/{'a' * 240}.yaml": ENTRY}, "SK006"),
    "an entry of git": ({".gitattributes": "*.yaml diff=evil filter=evil merge=evil\n"}, ""),
    "a module of git": ({".gitmodules": '[submodule "x"]\n\tpath = x\n\turl = -u./pwned\n'}, ""),
    "settings of the program": ({"surveykit.py": "raise SystemExit('pwned')\n", "yaml.py": "raise SystemExit('pwned')\n"}, ""),
    "hooks of Python": ({"sitecustomize.py": "open('pwned', 'w')\n", "conftest.py": "open('pwned', 'w')\n"}, ""),
    "a README that is a link": ({"README.md": Link("OUTSIDE/secret.yaml")}, ""),
    "a README that is a pipe": ({"README.md": Fifo()}, ""),
    "a list of formats that is a link": ({"survey.bib": Link("OUTSIDE/secret.yaml")}, ""),
    "a folder of generated files that is a link": ({"docs": Link("OUTSIDE")}, ""),
}  # fmt: skip


def places() -> Iterator[Case]:
    for name, (files, rule) in PLACES.items():
        yield Case(name, files, rule)


def shared(catalog: dict[str, Any]) -> Iterator[Case]:
    """Cases of the files that all entries share, made from the good ones."""
    for name, path, way, value, rule in SHARED:
        data = entry(*way, to=value, base=catalog[path])
        yield Case(name, {path: data}, rule)


SHARED: list[tuple[str, str, tuple[str | int, ...], Any, str]] = [
    ("a site that is a script", SURVEY, ("site",), "javascript:alert(1)", "SK211"),
    ("a repository that is private", SURVEY, ("repository",), "http://127.0.0.1/x", "SK211"),
    ("a maintainer with a script", SURVEY, ("maintainers", 0, "url"), "data:text/html,x", "SK211"),
    ("a survey with hidden letters", SURVEY, ("title", "en"), "a\u202eb", "SK208"),
    ("a survey in Cyrillic", SURVEY, ("title", "en"), "An Invented Survеy", "SK359"),
    ("a year of the far future", SURVEY, ("year",), 99999, "SK207"),
    ("an axis that leads out", TAXONOMY, ("axes", 0, "id"), "../evil", "SK206"),
    ("a term with a script as id", TAXONOMY, ("axes", 0, "terms", 0, "id"), "<script>", "SK206"),
    ("a term that is its own parent", TAXONOMY, ("axes", 0, "terms", 2, "parent"), "detection", "SK317"),
    ("a term with hidden letters", TAXONOMY, ("axes", 0, "terms", 0, "label", "en"), "At\u200btack", "SK208"),
    ("a taxonomy that is a list", TAXONOMY, ("axes",), [[["x"]]], "SK203"),
    ("fewer than no terms", TAXONOMY, ("axes", 0, "min_terms"), -1, "SK207"),
    ("a venue twice", VENUES, (1, "id"), "iccv", "SK325"),
    ("a venue that leads out", VENUES, (1, "id"), "../../evil", "SK206"),
    ("a venue with markup", VENUES, (1, "full", "en"), "<img src=x onerror=alert(1)>", "SK357"),
    ("a venue with a control character", VENUES, (1, "name"), "CV\x1bPR", "SK208"),
    ("a kind of venue that is none", VENUES, (1, "kind"), "evil", "SK205"),
    ("a command with a backtick", CARD, ("command",), "python -m x `touch pwned`", "SK206"),
    ("a command on two lines", CARD, ("command",), "python -m x\nrm -rf /", "SK208"),
    ("a command with a shell", CARD, ("command",), "python -m x; rm -rf / # | <script>", ""),
    ("a picture that leads out", CARD, ("pictures",), [{"file": "../../x.svg", "alt": {"en": "a", "zh": "甲"}}], "SK206"),
    ("a picture that is absolute", CARD, ("pictures",), [{"file": "/etc/passwd", "alt": {"en": "a", "zh": "甲"}}], "SK206"),
    ("a picture that is a page", CARD, ("pictures",), [{"file": "x.html", "alt": {"en": "a", "zh": "甲"}}], "SK206"),
    ("a picture that is not there", CARD, ("pictures",), [{"file": "x.svg", "alt": {"en": "a", "zh": "甲"}}], "SK010"),
    ("a card of nobody", CARD, ("papers",), ["nobody2020x"], "SK335"),
    ("a card of another folder", CARD, ("id",), "evil", "SK006"),
    ("a card with a script", CARD, ("summary", "en"), "x <script>alert(1)</script> ![x](y)", ""),
]  # fmt: skip

FIGURE = {"label": {"en": "Rate", "zh": "比率"}, "value": 1.5, "better": "higher"}
PROVENANCE = {"command": "python -m x", "hardware": "CPU", "versions": {"torch": "2.11"}, "date": "2026-11-20"}  # fmt: skip
MEASURED = {"headline": [FIGURE], "provenance": PROVENANCE}
CELL = {"row": "a", "column": "b", "metric": {"en": "Rate", "zh": "比率"}, "value": 1, "better": "higher"}  # fmt: skip
CONTENDER = {"id": "a", "label": {"en": "A", "zh": "甲"}}
FOUGHT = PROVENANCE | {"schema_version": 1, "generated_at": "2026-11-20", "rows": [CONTENDER], "columns": [CONTENDER | {"id": "b"}], "cells": [CELL]}  # fmt: skip
del FOUGHT["date"]

JSON: list[tuple[str, str, str | bytes, str]] = [
    ("a unit with a control character", RESULTS, json.dumps(MEASURED | {"headline": [FIGURE | {"unit": "\x1b[31m%"}]}), "SK208"),
    ("a unit with an override", RESULTS, json.dumps(MEASURED | {"headline": [FIGURE | {"unit": "\u202e%"}]}), "SK208"),
    ("a unit that is a text", RESULTS, json.dumps(MEASURED | {"headline": [FIGURE | {"unit": "per cent of all"}]}), "SK206"),
    ("a unit with markup", RESULTS, json.dumps(MEASURED | {"headline": [FIGURE | {"unit": "<b>%</b>"}]}), ""),
    ("a label with a newline", RESULTS, json.dumps(MEASURED | {"headline": [FIGURE | {"label": {"en": "a\nb", "zh": "甲"}}]}), "SK208"),
    ("a value that is no number", RESULTS, json.dumps(MEASURED | {"headline": [FIGURE | {"value": float("nan")}]}), "SK113"),
    ("a value without end", RESULTS, json.dumps(MEASURED).replace("1.5", "1e999"), "SK113"),
    ("a value of five thousand digits", RESULTS, json.dumps(MEASURED).replace("1.5", "9" * 5000), "SK113"),
    ("a surrogate as key", RESULTS, json.dumps(MEASURED | {"provenance": PROVENANCE | {"versions": {"\ud800": "1"}}}), "SK113"),
    ("a version with a newline", RESULTS, json.dumps(MEASURED | {"provenance": PROVENANCE | {"versions": {"a\n": "1"}}}), "SK208"),
    ("measured with a backtick", RESULTS, json.dumps(MEASURED | {"provenance": PROVENANCE | {"command": "`id`"}}), "SK206"),
    ("measured tomorrow's year", RESULTS, json.dumps(MEASURED | {"provenance": PROVENANCE | {"date": "soon"}}), "SK214"),
    ("deep results", RESULTS, '{"headline":' + "[" * 100_000 + "]" * 100_000 + "}", "SK113"),
    ("results cut off", RESULTS, json.dumps(MEASURED)[:-9], "SK113"),
    ("results in UTF-16", RESULTS, json.dumps(MEASURED).encode("utf-16"), "SK102"),
    ("results that are a program", RESULTS, "__import__('os').system('touch pwned')", "SK113"),
    ("a key twice in results", RESULTS, json.dumps(MEASURED)[:-1] + ', "headline": []}', "SK113"),
    ("an arena of another time", ARENA, json.dumps(FOUGHT | {"schema_version": 2}), "SK205"),
    ("a fighter with markup as id", ARENA, json.dumps(FOUGHT | {"rows": [CONTENDER | {"id": "<b>"}]}), "SK206"),
    ("a fighter of no entry", ARENA, json.dumps(FOUGHT | {"rows": [CONTENDER | {"paper": "nobody2020x"}]}), "SK360"),
    ("a cell of no row", ARENA, json.dumps(FOUGHT | {"cells": [CELL | {"row": "z"}]}), "SK360"),
    ("a unit of the arena with a bell", ARENA, json.dumps(FOUGHT | {"cells": [CELL | {"unit": "\x07"}]}), "SK208"),
    ("an arena's command with a backtick", ARENA, json.dumps(FOUGHT | {"command": "`id`"}), "SK206"),
    ("an arena that is a list", ARENA, "[]", "SK203"),
]  # fmt: skip


def measured() -> Iterator[Case]:
    for name, path, text, rule in JSON:
        yield Case(name, {path: text}, rule)


CASES = [*texts(), *hidden(), *entries(), *places(), *measured()]
