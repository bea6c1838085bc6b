"""`surveykit init`: a survey of another field is made as a whole, works at once, and refuses what it cannot do."""

import json
import sys

import pytest

from surveykit import cli
from surveykit.cli.terminal import FINE, FOUND, MACHINE, USAGE
from surveykit.start.adopted import adopt
from surveykit.start.wish import Called, Wish, slug

LIST = """\
# Awesome Wild Mushrooms [![Awesome](https://awesome.test/badge.svg)](https://awesome.test)

> Invented papers in the shape of a real list.

## Contents

- [Finding](#finding)
- [Cooking](#cooking)

## Finding

### By eye

- **Caps at a Glance: Telling Boletes Apart from Ten Steps Away** [[paper]](https://arxiv.org/abs/2101.00001) [[code]](https://github.com/example/caps)
  - Vera Holt, Ismail Kaya, Petra Lund
  - *ForestVis 2021*
- **A Field Guide for Machines** [[pdf]](https://guide.test/guide.pdf), Anders Bloom, Mia Ruiz, JFM 2019

### By nose

- **Smelling Chanterelles through Rain** [[paper]](https://doi.org/10.1234/jfm.2020.17)
  - Wei Chen, Laura Fink
  - *Journal of Forest Methods 2020*
- **Truffle Dogs, Reconsidered** [[paper]](https://arxiv.org/abs/2203.00009)

## Cooking

### 2022

- **Slow Heat, Low Risk** [[paper]](https://arxiv.org/abs/2203.00002)
  - Ana Sol, Juan Prado
  - *arXiv 2022*
- **Slow Heat, Low Risk** [[paper]](https://arxiv.org/abs/2203.00002)
  - Ana Sol, Juan Prado
  - *arXiv 2022*
"""
BIBTEX = """\
@article{a, title={Caps at a Glance}, author={Holt, Vera and Kaya, Ismail}, journal={Journal of Forest Methods}, year=2021,
  volume=3, number=1, pages={1--9}, doi={10.1234/jfm.2021.1}, keywords={boletes, vision}}
@inproceedings{b, title={Smelling Chanterelles through Rain}, author={Chen, Wei and Fink, Laura}, year=2020,
  booktitle={Proceedings of the Conference on Forest Vision}, url={https://smell.test/}, keywords={chanterelles}}
@inproceedings{c, title={Slow Heat, Low Risk}, author={Sol, Ana}, year=2022,
  booktitle={Conference on Forest Vision}, url={https://heat.test/}, keywords={boletes}}
@misc{d, title={Nobody Wrote This}, year=2022, url={https://none.test/}}
"""
CSV = """\
title,authors,year,venue,url,keywords
Caps at a Glance,"Vera Holt; Ismail Kaya",2021,ForestVis,https://caps.test/,boletes
Smelling Chanterelles,"Wei Chen; Laura Fink",2020,JFM,https://smell.test/,chanterelles
More Caps,"Vera Holt",2022,ForestVis,https://more.test/,boletes
"""


@pytest.fixture
def surveykit(capsys, monkeypatch):
    """Runs the command line without a repository; gives exit code and both outputs."""

    def surveykit(*arguments):
        monkeypatch.setattr(sys, "argv", ["surveykit", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return int(stop.value.code or 0), captured.out, captured.err

    return surveykit


@pytest.mark.parametrize("axes", ["four", "topics"])
@pytest.mark.parametrize("languages", [("en",), ("en", "zh")])
def test_a_new_survey_passes_its_own_checks(surveykit, run, tmp_path, languages, axes):
    folder = tmp_path / "demo"
    names = ["--title-zh", "野生蘑菇"] if "zh" in languages else []
    topics = "Boletes=牛肝菌, Chanterelles=鸡油菌"
    made = surveykit("init", folder, "--title", "Wild Mushrooms", *names, "--axes", axes, "--topics", topics)  # fmt: skip
    assert made[0] == FINE
    assert run("validate", root=folder).out.strip() in ("", "no errors, no warnings")
    for command in ("validate", "fmt --check", "build --check", "stats", "list"):
        assert run(*command.split(), root=folder).code == FINE, command
    counted = run("stats", "--json", root=folder).json()
    assert counted["papers"] == 2
    assert counted["by_topic"] == {"boletes": 2}
    assert (folder / "README.zh-CN.md").exists() == ("zh" in languages)
    assert (folder / "site/mkdocs.zh.yml").exists() == ("zh" in languages)
    readme = (folder / "README.md").read_text("utf-8")
    assert readme.count("\n## Boletes\n") == 1
    assert ("中文" in readme) == ("zh" in languages)
    schema = json.loads((folder / "catalog/schema.json").read_text("utf-8"))
    assert ("zh" in schema["definitions"]["Bilingual"]["required"]) == ("zh" in languages)  # fmt: skip


def test_without_a_second_language_nothing_asks_for_it(surveykit, run, tmp_path):
    folder = tmp_path / "demo"
    surveykit("init", folder, "--title", "Wild Mushrooms")
    entry = folder / "catalog/papers/2024/example2024first.yaml"
    entry.write_text(entry.read_text("utf-8").replace("  en: A First", "  zh: 甲\n  en: A First"), "utf-8")  # fmt: skip
    assert run("validate", root=folder).code == FINE  # nor is it forbidden
    kit = folder / "catalog/kit.yaml"
    kit.write_text(kit.read_text("utf-8").replace("[en]", "[en, zh]"), "utf-8")
    code, out, _ = run("validate", root=folder)
    assert code == FOUND
    assert "SK201 `title.zh` is missing" in out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("languages: [fr]\n", "not one of en, zh"),
        ("languages: [zh]\n", "languages are [en] or [en, zh]"),
        ("license: mine\n", "not one of CC-BY-4.0"),
        ("words:\n  home:\n    mapp: {en: x}\n", "words.home.mapp: the kit has no such word"),
        ("words:\n  papers:\n    count: {en: '{m} papers'}\n", "{m} is not filled in here"),
        ("words:\n  papers:\n    count: {en: 'a {'}\n", "{ is not filled in here"),
        ("wrods: {}\n", "unknown field 'wrods'"),
    ],
)  # fmt: skip
def test_a_fault_in_the_kits_words_has_its_line(surveykit, run, tmp_path, text, said):
    folder = tmp_path / "demo"
    surveykit("init", folder, "--title", "Wild Mushrooms")
    (folder / "catalog/kit.yaml").write_text(text, "utf-8")
    code, out, _ = run("validate", root=folder)
    assert code == FOUND
    assert next(line for line in out.splitlines() if said in line).startswith("catalog/kit.yaml:")  # fmt: skip


def test_own_words_stand_on_the_pages(surveykit, tmp_path):
    from surveykit.load import load_catalog
    from surveykit.render.pages import render_pages

    folder = tmp_path / "demo"
    surveykit("init", folder, "--title", "Wild Mushrooms")
    (folder / "catalog/kit.yaml").write_text(
        "languages: [en]\nwords:\n  home:\n    browse: {en: Walk <in> & look}\n",
        "utf-8",
    )
    home = next(render_pages(load_catalog(folder), "en"))
    assert "Walk &lt;in&gt; &amp; look" in home.html


def test_a_list_becomes_a_survey(surveykit, run, tmp_path):
    listed, folder = tmp_path / "README.md", tmp_path / "demo"
    listed.write_text(LIST, "utf-8")
    code, out, _ = surveykit("init", folder, "--title", "Wild Mushrooms", "--from", listed, "--json")  # fmt: skip
    told = json.loads(out)
    assert code == FOUND  # one paper is to be looked up
    assert told["topics"] == ["finding", "cooking"]
    assert told["groups"] == ["by-eye", "by-nose", "unsorted"]  # 2022 is no topic
    assert (told["papers"], told["entries"], told["to_look_up"]) == (6, 4, 1)
    report = (folder / "IMPORTED.md").read_text("utf-8")
    assert "`surveykit add '2203.00009'`" in report
    assert (folder / "TO-ADD.txt").read_text("utf-8") == "2203.00009\n"
    assert "1 paper listed twice" in report
    for command in ("validate", "fmt --check", "build --check"):
        assert run(*command.split(), root=folder).code == FINE
    assert run("list", "topic=cooking", root=folder).out.startswith("sol2022slow")
    shown = run("show", "holt2021caps", root=folder).out
    assert "Finding" in shown
    assert "By eye" in shown
    assert "ForestVis 2021" in shown


@pytest.mark.parametrize(
    ("name", "text", "entries", "topics"),
    [
        ("refs.bib", BIBTEX, 3, ["boletes", "unsorted"]),
        ("list.csv", CSV, 3, ["boletes", "unsorted"]),
    ],
)
def test_references_become_a_survey(surveykit, run, tmp_path, name, text, entries, topics):  # fmt: skip
    listed, folder = tmp_path / name, tmp_path / "demo"
    listed.write_text(text, "utf-8")
    _, out, _ = surveykit("init", folder, "--title", "Wild Mushrooms", "--from", listed, "--json")  # fmt: skip
    told = json.loads(out)
    assert (told["entries"], told["topics"]) == (entries, topics)
    assert told["papers"] == told["entries"] + told["to_look_up"]
    for command in ("validate", "fmt --check", "build --check"):
        assert run(*command.split(), root=folder).code == FINE


def test_a_list_that_says_too_little_still_gives_a_survey(surveykit, run, tmp_path):
    from surveykit.load import load_catalog
    from surveykit.render.pages import render_files, render_pages

    listed, folder = tmp_path / "README.md", tmp_path / "demo"
    listed.write_text("## Tools\n\n- [Knives for Ceps, Compared](https://arxiv.org/abs/2101.00001)\n- [Baskets and Bags](https://arxiv.org/abs/2101.00002)\n", "utf-8")  # fmt: skip
    code, out, _ = surveykit("init", folder, "--title", "T", "--from", listed, "--json")
    assert code == FOUND
    assert (json.loads(out)["entries"], json.loads(out)["to_look_up"]) == (0, 2)
    assert (folder / "TO-ADD.txt").read_text("utf-8").split() == ["2101.00001", "2101.00002"]  # fmt: skip
    assert run("validate", root=folder).code == FINE
    assert run("build", "--check", root=folder).code == FINE
    catalog = load_catalog(folder)
    assert len(list(render_pages(catalog, "en"))) > 8
    assert render_files(catalog, "en")


def test_titles_of_a_list_stand_in_for_the_second_language(surveykit, run, tmp_path):
    listed, folder = tmp_path / "list.csv", tmp_path / "demo"
    listed.write_text(CSV, "utf-8")
    surveykit("init", folder, "--title", "Mushrooms", "--title-zh", "蘑菇", "--from", listed)  # fmt: skip
    code, out, _ = run("validate", root=folder)
    assert code == FINE
    assert out.count("SK410") == 3  # each waits for its translation
    assert run("build", "--check", root=folder).code == FINE


def test_no_topic_is_lost_or_has_the_id_of_another(tmp_path):
    from datetime import date

    listed = tmp_path / "list.md"
    item = "- **{} is a Title of Some Length** [[paper]](https://arxiv.org/abs/2101.{:05})\n  - Ana Sol\n  - *arXiv 2021*\n\n"
    headings = ["Tools", "tools!", "工具", "ICML 2021", "2020"]
    text = "".join(f"## {h}\n\n{item.format(h, n)}" for n, h in enumerate(headings, 1))
    listed.write_text(text, "utf-8")
    adopted = adopt(listed, Wish(Called("Tools"), date(2026, 1, 2)))
    ids = [topic.id for topic in adopted.wish.topics]
    assert len(set(ids)) == len(ids) == 4
    assert [t.name.en for t in adopted.wish.topics] == ["Tools", "tools!", "工具", "Unsorted"]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["full", "--title", "T"], USAGE, "full is not empty; name a new folder"),
        (["file", "--title", "T"], USAGE, "file is no folder"),
        (["link", "--title", "T"], USAGE, "link is no folder"),
        (["new"], USAGE, "give --title"),
        (["new", "--title", "T", "--topics", "A, a"], USAGE, "'A' stands twice"),
        (["new", "--title", "T", "--topics", "蘑菇"], USAGE, "has no Latin letter"),
        (["new", "--title", "T", "--axes", "five"], USAGE, "'five' is not one of"),
        (["new", "--title", "T", "--repository", "not an address"], USAGE, "SK211 repository: bad address"),
        (["new", "--title", "a\u200bb"], USAGE, "SK208"),
        (["new", "--title", "  "], USAGE, "the title is empty; give --title"),
        (["new", "--title", "T", "--from", "missing.md"], USAGE, "does not exist"),
        (["new", "--title", "T", "--from", "file"], MACHINE, "no paper was found in it"),
        (["file/below", "--title", "T"], MACHINE, "file/below: File exists"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_said_in_one_line(surveykit, tmp_path, monkeypatch, words, code, said):  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("mine", "utf-8")
    (tmp_path / "file").write_text("a file", "utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "full")
    before = sorted(tmp_path.rglob("*"))
    got, out, err = surveykit("init", *words)
    assert (got, out) == (code, "")
    assert said in err
    assert err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_a_survey_that_cannot_be_finished_leaves_nothing(surveykit, tmp_path, monkeypatch):  # fmt: skip
    from surveykit.cli import init
    from surveykit.errors import MachineError

    def broken(catalog):
        raise MachineError("the disk is full")

    monkeypatch.setattr(init, "generated", broken)
    code, _, err = surveykit("init", tmp_path / "demo", "--title", "T")
    assert code == MACHINE
    assert f"{tmp_path / 'demo'}: the disk is full" in err
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_taken(surveykit, tmp_path):
    (tmp_path / "demo").mkdir()
    assert surveykit("init", tmp_path / "demo", "--title", "T")[0] == FINE
    assert (tmp_path / "demo/catalog").is_dir()


def test_the_empty_folder_that_one_stands_in_is_taken(surveykit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = tmp_path.stat().st_ino
    code, out, _ = surveykit("init", ".", "--title", "T", "--maintainer", " Ada  Holt")
    assert (code, out) == (FINE, ".: 2 entries\n")
    assert tmp_path.stat().st_ino == before
    assert 'name: "Ada Holt"' in (tmp_path / "catalog/survey.yaml").read_text("utf-8")
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".surveykit-new-")]


@pytest.mark.parametrize("title", ['Mush"rooms: [x] # {y}', "A\\b 'c' <b>&", "- 1", "Wi]]ld %} {{ x }} [[ y"])  # fmt: skip
def test_any_title_comes_through_as_it_is(surveykit, run, tmp_path, title):
    folder = tmp_path / "demo"
    assert surveykit("init", folder, "--title", title)[0] == FINE
    assert run("validate", root=folder).code == FINE
    assert run("build", "--check", root=folder).code == FINE
    from surveykit.load import load_catalog

    assert load_catalog(folder).survey.title.en == title


@pytest.mark.parametrize(
    ("text", "id_"),
    [("Backyard & Field", "backyard-and-field"), ("Café 中", "cafe"), ("中", ""), ("--", "")],
)  # fmt: skip
def test_an_id_is_made_of_latin_letters(text, id_):
    assert slug(text) == id_


@pytest.mark.parametrize(
    ("repository", "site"),
    [
        ("https://github.com/Group/fungi", "https://group.github.io/fungi/"),
        ("https://github.com/group/group.github.io", "https://group.github.io/"),
        ("https://forge.test/group/fungi", "https://example.org/fungi/"),
        ("", "https://example.org/wild-fungi/"),
    ],
)
def test_the_address_of_the_site_follows_from_the_repository(repository, site):
    from datetime import date

    wish = Wish(Called("Wild fungi"), date(2026, 1, 2), repository=repository)
    assert wish.site == site


def test_its_workflows_are_safe_and_pinned_as_ours(surveykit, tmp_path):
    import re
    import subprocess
    from pathlib import Path

    folder = tmp_path / "demo"
    surveykit("init", folder, "--title", "T", "--title-zh", "题")
    written = sorted((folder / ".github/workflows").glob("*.yml"))
    assert [path.stem for path in written] == ["check", "links", "pages"]
    bin_ = Path(sys.executable).parent
    for command in (
        [bin_ / "zizmor", "--offline", "--no-progress", folder / ".github"],
        [bin_ / "actionlint", "-no-color", "-shellcheck=", "-pyflakes=", *written],
        [bin_ / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *written],
        [bin_ / "check-jsonschema", "--builtin-schema", "vendor.dependabot", folder / ".github/dependabot.yml"],
    ):  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    def pins(paths):
        text = "".join(path.read_text("utf-8") for path in paths)
        return set(re.findall(r"uses: (\S+@\w{40}  # v[0-9.]+)$", text, re.M))

    ours = (Path(__file__).parents[1] / ".github/workflows").glob("*.yml")
    assert pins(written) <= pins(ours)
    assert all(pins([path]) for path in written)


def test_forms_are_in_the_languages_of_the_survey_and_are_read_back(surveykit, run, tmp_path):  # fmt: skip
    folder = tmp_path / "demo"
    surveykit("init", folder, "--title", "T")
    forms = sorted((folder / ".github/ISSUE_TEMPLATE").glob("*.yml"))
    text = "".join(path.read_text("utf-8") for path in forms)
    assert not [sign for sign in text if "\u3400" <= sign <= "\u9fff"]
    assert "label: Right value\n" in text
    body = "\n\n".join(
        f"### {label}\n\n{said}"
        for label, said in {
            "Entry": "specimen2025second",
            "Field": "title.en",
            "Right value": "Another Example",
            "Source": "https://source.test/",
            "License": "- [X] I give this",
        }.items()
    )
    (tmp_path / "issue.md").write_text(body, "utf-8")
    done = run("from-issue", tmp_path / "issue.md", "--number", 7, root=folder)
    assert done.code in (FINE, FOUND), done.err
    entry = folder / "catalog/papers/2025/specimen2025second.yaml"
    assert "en: Another Example" in entry.read_text("utf-8")
    assert run("validate", root=folder).code == FINE


def test_labels_of_any_kind_stand_in_the_words_as_they_are(surveykit, tmp_path):
    from surveykit.load import load_catalog
    from surveykit.render.pages import render_pages

    folder = tmp_path / "demo"
    surveykit("init", folder, "--title", "T")
    path = folder / "catalog/taxonomy.yaml"
    text = path.read_text("utf-8")
    for label in ("Role", "Topic", "Method", "Evaluation", "Stage"):
        text = text.replace(f'en: "{label}"', f'en: "{label} {{0}} <b> {{x"')
    path.write_text(text, "utf-8")
    pages = "".join(page.html for page in render_pages(load_catalog(folder), "en"))
    assert "Topic {0} &lt;b&gt; {x" in pages
    assert "method {0} &lt;b&gt; {x 1" in pages  # inside a text with blanks
    assert "<b> {x" not in pages
