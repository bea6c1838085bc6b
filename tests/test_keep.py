"""The commands import, fmt and doctor."""

import json
import re
from pathlib import Path

import pytest

from surveykit.cli.terminal import FINE, FOUND, MACHINE

LIST = """\
- **Planting Seeds: Backdoors in Encoders** [[pdf]](https://arxiv.org/abs/2401.00001)
  - Linh Duong, Ana Cruz
  - arXiv 2024
"""


@pytest.fixture
def listed(tmp_path):
    path = tmp_path / "list.md"
    path.write_text(LIST, encoding="utf-8")
    return path


def entries(root: Path) -> set[str]:
    return {path.stem for path in root.rglob("catalog/papers/*/*.yaml")}


def test_an_import_writes_entries_and_a_second_one_knows_them(run, listed, catalog_dir):
    before = entries(catalog_dir)
    code, out, _ = run("import", listed)
    assert (code, out) == (FINE, "1 paper: 1 new; no anomalies\n")
    assert entries(catalog_dir) - before == {"duong2024planting"}
    code, out, _ = run("import", listed)
    assert code == FOUND
    assert "duplicate" in out
    code, out, _ = run("validate")
    assert "SK352" in out


def test_a_dry_run_writes_nothing(run, listed, catalog_dir):
    before = entries(catalog_dir)
    code, out, _ = run("import", listed, "--dry-run", "--json")
    assert code == FINE
    (new,) = json.loads(out)["new"]
    assert (new["id"], new["line"]) == ("duong2024planting", 1)
    assert entries(catalog_dir) == before


def test_entries_can_go_elsewhere(run, listed, catalog_dir, tmp_path):
    before = entries(catalog_dir)
    run("import", listed, "--out", tmp_path / "new")
    assert entries(tmp_path / "new") == {"duong2024planting"}
    assert entries(catalog_dir) == before


def test_entries_that_went_elsewhere_are_not_written_over(run, tmp_path):
    old, other = tmp_path / "old.bib", tmp_path / "other.bib"
    for path, title in ((old, "Planting Seeds in Rain"), (other, "Planting Trees on Hills")):  # fmt: skip
        path.write_text(f"@article{{a, title={{{title}}}, author={{Ada Duong}}, year=2024}}")  # fmt: skip
    run("import", old, "--out", tmp_path / "new")
    (entry,) = (tmp_path / "new").rglob("*.yaml")
    before = entry.read_bytes()
    code, _, err = run("import", other, "--out", tmp_path / "new")
    assert (code, entry.read_bytes()) == (MACHINE, before)
    assert "exists already; nothing is written" in err
    _, _, err = run("import", old, "--out", tmp_path / "new")
    assert "0 entries written" in err


def test_a_format_that_no_name_tells_is_said_where_nothing_is_found(run, tmp_path):
    path = tmp_path / "scholar.enw"
    path.write_text("%0 Journal Article\n%T Planting Seeds in Rain\n", "utf-8")
    code, out, _ = run("import", path, "--dry-run")
    assert code == FOUND
    assert "scholar.enw:1: lost: read as markdown" in out
    assert "--from names another" in out
    assert "--from" not in run("import", path, "--dry-run", "--from", "markdown").out


def test_an_id_that_a_broken_entry_has_is_not_given_again(run, listed, catalog_dir):
    broken = catalog_dir / "catalog/papers/2024/duong2024planting.yaml"
    broken.parent.mkdir(exist_ok=True)
    broken.write_text("id: [", encoding="utf-8")
    run("import", listed)
    assert broken.read_text(encoding="utf-8") == "id: ["
    assert "duong2024plantingb" in entries(catalog_dir)


def test_a_file_that_cannot_be_read_is_one_line(run, tmp_path):
    path = tmp_path / "secret.bib"
    path.write_bytes(b"x" * 10)
    path.chmod(0)
    code, _, err = run("import", path)
    assert code in (FINE, FOUND) or (code == MACHINE and err.count("\n") == 1)


def test_fmt_changes_what_is_not_canonical_and_keeps_comments(run, catalog_dir):
    run("fmt")
    path = next((catalog_dir / "catalog/papers").rglob("*.yaml"))
    good = path.read_text(encoding="utf-8")
    lines = good.splitlines(keepends=True)
    path.write_text(
        "".join([lines[0], *lines[2:], "# why\n", lines[1]]), encoding="utf-8"
    )
    name = path.relative_to(catalog_dir).as_posix()
    assert run("fmt", "--check")[:2] == (FOUND, f"{name}\n")
    code, out, _ = run("fmt", "--diff")
    assert (code, f"--- a/{name}" in out) == (FOUND, True)
    assert run("fmt", path)[0] == FINE
    assert path.read_text(encoding="utf-8") == good.replace("id: ", "# why\nid: ", 1)
    code, out, _ = run("fmt", "--check", "--json")
    assert (code, json.loads(out)) == (FINE, {"changed": [], "problems": []})


def test_fmt_leaves_what_it_cannot_read_and_says_where(run, catalog_dir):
    path = next((catalog_dir / "catalog/papers").rglob("*.yaml"))
    path.write_text("id: a\nid: b\n", encoding="utf-8")
    code, _, err = run("fmt")
    assert code == FOUND
    assert f"{path.name}:2:1: SK110" in err
    assert path.read_text(encoding="utf-8") == "id: a\nid: b\n"


def test_fmt_of_another_file_is_wrong_usage(run, listed):
    assert run("fmt", listed)[0] == 2


def test_the_doctor_names_a_command_for_each_finding(run, catalog_dir):
    run("fmt")
    run("build")
    code, out, _ = run("doctor")
    assert (code, out.count("fine")) == (FINE, 4)
    path = next((catalog_dir / "catalog/papers").rglob("*.yaml"))
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("year: ", "year:   "), encoding="utf-8")
    (catalog_dir / "survey.bib").write_text("", encoding="utf-8")
    code, out, _ = run("doctor")
    assert code == FOUND
    assert "run: surveykit fmt" in out
    assert "run: surveykit build" in out
    path.write_text(text.replace("year: ", "yaer: "), encoding="utf-8")
    code, out, _ = run("doctor", "--json")
    assert code == FOUND
    runs = [check["run"] for check in json.loads(out)["checks"] if check["findings"]]
    assert any(command.startswith("surveykit explain SK") for command in runs)


def references(*titles: str) -> str:
    """Preprints as BibTeX, one for each title."""
    return "\n".join(
        f"@article{{key{n}, title={{{title}}}, author={{Ana Cruz}}, year={{2024}}, journal={{arXiv preprint arXiv:2401.1000{n}}}}}"
        for n, title in enumerate(titles)
    )


@pytest.fixture
def drafted(run, catalog_dir, tmp_path):
    """The invented catalog in order, with drafts of some titles."""
    run("fmt")
    run("build")

    def draft(*titles):
        path = tmp_path / "refs.bib"
        path.write_text(references(*titles), encoding="utf-8")
        run("import", path)
        return sorted((catalog_dir / "catalog/papers/2024").glob("cruz*.yaml"))

    return draft


def test_the_doctor_lists_what_is_left_in_each_draft(run, catalog_dir, drafted):
    paths = drafted("Backdoors in Seeds", "Patches in Seeds")
    code, out, _ = run("doctor")
    assert code == FOUND
    assert out.startswith("drafts: 2 entries to finish by hand\n")
    assert "errors: fine" in out
    places = re.findall(r"^  (\S+\.yaml):(\d+):(\d+): (\S+): ", out, re.MULTILINE)
    assert {Path(place[0]).name for place in places} == {path.name for path in paths}
    for name, line, column, field in places:
        text = (catalog_dir / name).read_text(encoding="utf-8").splitlines()
        assert re.match("TODO|todo", text[int(line) - 1][int(column) - 1 :]), field
    assert {field for *_, field in places} >= {"title.zh", "terms.role", "terms.threat"}
    assert "keep what holds of backdoor, and delete `todo`" in out
    assert "(backdoor: “backdoor” in the title; as " in out
    assert "“When no term or venue fits”" in out


def test_the_section_that_the_doctor_names_exists():
    root = Path(__file__).parents[1]
    text = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert "### When no term or venue fits\n" in text
    chinese = (root / "CONTRIBUTING.zh-CN.md").read_text(encoding="utf-8")
    assert "### 没有合适的类目或会议时\n" in chinese


def test_of_many_drafts_the_doctor_shows_one_line_each_and_all_of_one(run, drafted):
    paths = drafted(*(f"{word} Seeds" for word in "Old New Red Blue Big Small".split()))
    code, out, _ = run("doctor")
    assert code == FOUND
    (line,) = [line for line in out.splitlines() if paths[0].name in line]
    assert ".yaml: title.zh, terms.role" in line
    code, out, _ = run("doctor", paths[0])
    assert code == FOUND
    assert out.startswith("drafts: 1 entry to finish by hand\n")
    assert f"{paths[0].name}:5:7: title.zh: write it in Chinese" in out
    assert paths[1].name not in out


def test_a_finished_draft_leaves_the_list(run, drafted):
    (path,) = drafted("Backdoors in Seeds")
    checks = json.loads(run("doctor", "--json").out)["checks"]
    assert checks[0]["name"] == "drafts"
    assert checks[-1]["state"].startswith("not looked at until")
    text = re.sub(r"\[todo.*", "[backdoor]", path.read_text(encoding="utf-8"))
    text = text.replace("role: [backdoor]", "role: [attack]")
    text = text.replace("technique: [backdoor]", "technique: [encoder-backdoor]")
    text = text.replace("stage: [backdoor]", "stage: [design]")
    text = text.replace("modality: [backdoor]", "modality: [vision]")
    text = re.sub(r"\n  (scope|knowledge): .*", "", text).replace("TODO", "种子")
    path.write_text(text, encoding="utf-8")
    run("build")
    code, out, _ = run("doctor")
    assert (code, "drafts" in out) == (FINE, False), out
