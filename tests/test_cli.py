"""The command line: what it prints, how it ends, and that its help tells the truth."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import click
import pytest

from surveykit import cli
from surveykit.cli.reference import reference
from surveykit.cli.terminal import FINE, FOUND, MACHINE, USAGE
from surveykit.kit import Kit
from surveykit.models import Paper
from surveykit.rules import RULES
from surveykit.text.letters import fold
from surveykit.yaml_tree import parse

ROOT = Path(__file__).parents[1]
COMMANDS = sorted(cli.app.commands)
TOP = click.Context(cli.app)
PROGRAM = [sys.executable, "-m", "surveykit.cli"]


@pytest.fixture
def break_entry(catalog_dir):
    """Make one entry wrong; gives back its path."""
    path = catalog_dir / "catalog/papers/2025/chen2025breaking.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("venue: arxiv", "venue: arxvi"), encoding="utf-8")
    return path


def snapshot(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


# ---- help ----


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_that_it_understands(run, command):
    result = run(command, "--help")
    assert result.code == FINE
    (line,) = re.findall(r"Example:\n +surveykit (.+)\n", result.out + "\n")
    name, *arguments = shlex.split(line)
    assert name == command
    # Parsing only: an option or argument that does not exist would be a usage error.
    for index, argument in enumerate(arguments):
        if argument.startswith("catalog/"):
            arguments[index] = str(ROOT / argument)
    cli.app.get_command(TOP, name).make_context(name, arguments)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_and_argument_is_explained(command):
    for parameter in cli.app.get_command(TOP, command).params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


@pytest.mark.parametrize("command", COMMANDS)
def test_the_line_in_the_help_is_the_command_s_own(command):
    lines = [
        one.get_short_help_str(200)
        for one in (cli.app.commands[command], cli.app.get_command(TOP, command))
    ]
    assert lines[0] == lines[1]


def test_help_loads_nothing_heavy():
    code = (
        "import sys; sys.argv = ['surveykit', '--help']\n"
        "from surveykit import cli\n"
        "try: cli.main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'pydantic', 'yaml', 'jinja2', 'rich', 'mkdocs', 'rapidfuzz'} & set(sys.modules)))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert out.stdout.splitlines()[-1] == "[]"


def test_the_reference_names_every_command_and_option():
    text = reference()
    for name in COMMANDS:
        assert f"## surveykit {name}\n" in text
        for parameter in cli.app.get_command(TOP, name).params:
            if isinstance(parameter, click.Option):
                assert parameter.opts[0] in text


def test_the_reference_in_the_repository_is_up_to_date():
    kit = Kit.model_validate(parse((ROOT / "catalog/kit.yaml").read_text("utf-8")).data)
    told = kit.told(reference())  # with this survey's examples
    assert (ROOT / "docs/cli.md").read_text(encoding="utf-8") == told


def test_every_field_is_in_the_documentation_of_the_format():
    text = (ROOT / "docs/format.md").read_text(encoding="utf-8")
    for name in Paper.model_fields:
        assert f"`{name}`" in text


def test_no_arguments_show_the_help_and_are_wrong_usage(run, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["surveykit"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == USAGE
    assert "Commands:" in capsys.readouterr().err


# ---- wrong usage and a failing machine: one line each ----


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["lst"], USAGE, "Did you mean 'list'?"),
        (["list", "threat"], USAGE, "'threat' is not of the form axis=term"),
        (["list", "treat=backdoor"], USAGE, "no axis 'treat'; did you mean threat?"),
        (["list", "threat=backdor"], USAGE, "no threat term 'backdor'; did you mean backdoor?"),
        (["list", "--year", "20x3"], USAGE, "--year '20x3' is neither YEAR nor YEAR-YEAR"),
        (["list", "--year", "²⁰²³"], USAGE, "is neither YEAR nor YEAR-YEAR"),
        (["list", "--year", "2024-2022"], USAGE, "'2024-2022' ends before it begins"),
        (["list", "--venue", "cvrp"], USAGE, "no venue 'cvrp'; did you mean cvpr"),
        (["list", "backdoor"], USAGE, "is not of the form axis=term; did you mean threat=backdoor?"),
        (["list", "role=backdoor"], USAGE, "no role term 'backdoor'; did you mean threat=backdoor?"),
        (["list", "threat=后门"], USAGE, "no threat term '后门'; did you mean backdoor?"),
        (["list", "threat=quantum"], USAGE, "known: adversarial, backdoor, privacy"),
        (["show", "badseeds"], USAGE, "did you mean rodriguez2021planting"),
        (["cite", "zzzz"], USAGE, "'zzzz'; `surveykit search WORDS` finds ids"),
        (["cite", "feng2023detecting", "--format", "apa"], USAGE, "--format"),
        (["show", "feng2023detection"], USAGE, "did you mean feng2023detecting"),
        (["show", "../../etc/passwd"], USAGE, "no paper with the id '../../etc/passwd'"),
        (["cite", "feng2023detecting", "nobody1999x"], USAGE, "no paper with the id 'nobody1999x'"),
        (["cite", "feng2023detecting", "--style", "mla"], USAGE, "'mla'"),
        (["explain", "SK9999"], USAGE, "no rule 'SK9999'"),
        (["validate", "nowhere.yaml"], USAGE, "nowhere.yaml"),
        (["build", "--check", "--pages", "x"], USAGE, "exclude each other"),
        (["serve"], MACHINE, "mkdocs.yml is missing"),
    ],
)  # fmt: skip
def test_a_failure_is_one_clear_line(run, arguments, code, line):
    result = run(*arguments)
    assert result.code == code
    assert result.out == ""
    assert line in result.err
    assert len(result.err.splitlines()) == 1


def test_a_folder_without_a_catalog_is_said_so(run, tmp_path):
    result = run("list", root=tmp_path)
    assert (result.code, result.err.count("\n")) == (USAGE, 1)
    assert "no catalog/ in" in result.err


def test_a_folder_of_a_survey_is_told_from_its_root(run, catalog_dir):
    result = run("list", root=catalog_dir / "catalog")
    assert (result.code, result.err.count("\n")) == (USAGE, 1)
    assert (
        "repo/catalog, but in ..; --root names the folder that holds it" in result.err
    )


@pytest.mark.parametrize(
    ("here", "root"),
    [
        (".", "./"),
        ("catalog/papers", "../.."),
        ("catalog/papers/2025", None),
        ("..", "./repo/"),
        ("../elsewhere", "../link"),
    ],
)
def test_paths_can_be_opened_from_where_one_stands(
    catalog_dir, break_entry, monkeypatch, capsys, here, root
):
    (catalog_dir / "../elsewhere").mkdir()
    (catalog_dir / "../link").symlink_to(catalog_dir)
    cwd = (catalog_dir / here).resolve()
    monkeypatch.chdir(cwd)

    def told(*arguments):
        words = ["surveykit", *(["--root", root] if root else []), *arguments]
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit):
            cli.main()
        return "".join(capsys.readouterr())

    for arguments in (
        ["validate"],
        ["doctor"],
        ["list"],
        ["build"],
        ["verify", "--offline"],
    ):
        paths = set(re.findall(r"\S*chen2025breaking\.yaml", told(*arguments)))
        assert {(cwd / path).resolve() for path in paths} == {break_entry.resolve()}
    for form in ("github", "sarif"):  # programs get the repository's paths
        text = told("validate", "--format", form)
        assert re.search(r"[\"=]catalog/papers/2025/chen", text)
    mine = os.path.relpath(break_entry, cwd)
    assert "SK320" in told("validate", mine)
    first = told("fmt", mine).splitlines()[0]
    assert (cwd / first).resolve() == break_entry.resolve()
    break_entry.unlink()
    for path in told("build").splitlines()[:-1]:
        assert (cwd / path).is_file()
    shown = told("show", "feng2023detecting").splitlines()[-1].split()[-1]
    assert (cwd / shown).is_file()


def test_the_repository_is_found_from_a_folder_inside_of_it(catalog_dir):
    inside = catalog_dir / "catalog/papers/2023"
    out = subprocess.run(
        [*PROGRAM, "list"], cwd=inside, capture_output=True, text=True, check=True
    )
    assert len(out.stdout.splitlines()) == 8


def test_an_output_that_cannot_be_written_is_the_machines_fault(run, catalog_dir):
    (catalog_dir / "README.md").mkdir()
    result = run("build")
    assert result.code == MACHINE
    assert result.err.splitlines()[-1].endswith("README.md: Is a directory")


# ---- validate, explain ----


def test_a_good_catalog_is_fine(run):
    result = run("validate")
    assert result.code == FINE
    assert "no errors" in result.out


def test_problems_are_shown_with_their_place(run, break_entry):
    result = run("validate")
    assert result.code == FOUND
    path = "catalog/papers/2025/chen2025breaking.yaml"
    assert re.search(
        rf"^{path}:\d+:\d+: SK\d{{3}} .*arxvi.*did you mean", result.out, re.MULTILINE
    )


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_problems_can_be_read_by_programs(run, break_entry, form):
    result = run("validate", "--format", form)
    assert result.code == FOUND
    assert "chen2025breaking" in json.dumps(result.json())


def test_problems_become_annotations(run, break_entry):
    assert run("validate", "--format", "github").out.startswith("::error file=")


def test_paths_limit_whose_problems_are_shown(run, break_entry, catalog_dir):
    assert run("validate", str(break_entry)).code == FOUND
    assert run("validate", str(catalog_dir / "catalog/papers/2021")).code == FINE


@pytest.mark.parametrize("rule", [rule.id for rule in RULES])
def test_every_rule_is_explained(run, rule):
    result = run("explain", rule.lower())
    assert result.code == FINE
    assert result.out.startswith(f"{rule} (")
    assert run("explain", rule, "--json").json()[0]["id"] == rule


def test_rules_are_listed(run):
    assert len(run("explain").out.splitlines()) == len(RULES)
    assert [rule["id"] for rule in run("explain", "--json").json()] == [
        rule.id for rule in RULES
    ]


def test_a_reason_that_is_no_word_is_one_line(run, catalog_dir):
    told = run("decline", "2501.00707", "--reason", "no model", "--title", "A Title")
    assert told.code == USAGE
    assert "goes to --why" in told.err
    assert len(told.err.splitlines()) == 1
    assert not (catalog_dir / "catalog/declined.yaml").exists()


def test_words_of_a_decision_come_in_with_any_blanks(run, catalog_dir):
    told = run("decline", "2501.00707", "--title", " A  Title\n", "--why", "too\nshort ")  # fmt: skip
    assert told.code == FINE
    (one,) = parse((catalog_dir / "catalog/declined.yaml").read_text("utf-8")).data
    assert (one["title"], one["reason"]) == ("A Title", "too short")


def test_a_decision_that_cannot_be_kept_leaves_no_file(run, catalog_dir):
    told = run("decline", "2501.00707", "--title", "A" * 10_001)
    assert (told.code, told.err.count("\n")) == (MACHINE, 1)
    assert "nothing is written" in told.err
    assert not (catalog_dir / "catalog/declined.yaml").exists()


# ---- build ----


def test_build_writes_and_then_nothing_is_stale(run, catalog_dir):
    assert run("build", "--check").code == FOUND
    first = run("build")
    assert first.code == FINE
    files = {
        "README.md",
        "README.zh-CN.md",
        "survey.bib",
        "catalog/schema.json",
        "docs/format.md",
        "docs/api.md",
        "docs/cli.md",
    }
    assert files <= set(first.out.splitlines())
    assert all((catalog_dir / path).is_file() for path in first.out.splitlines())
    assert run("build").out == ""
    check = run("build", "--check")
    assert (check.code, check.out) == (FINE, "")


def test_a_change_by_hand_is_shown_as_a_difference(run, catalog_dir):
    run("build")
    with (catalog_dir / "survey.bib").open("a", encoding="utf-8") as file:
        file.write("@misc{mine}\n")
    before = snapshot(catalog_dir)
    result = run("build", "--check")
    assert result.code == FOUND
    assert "--- a/survey.bib" in result.out
    assert "-@misc{mine}" in result.out
    assert snapshot(catalog_dir) == before


def test_a_bad_entry_stops_the_build_and_leaves_the_old_outputs_whole(run, catalog_dir):
    run("build")
    for name in ("2025/chen2025breaking", "2021/saito2021early"):
        path = catalog_dir / f"catalog/papers/{name}.yaml"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("venue: arxiv", "venue: arxvi"), encoding="utf-8")
    before = snapshot(catalog_dir)
    result = run("build")
    assert result.code == FOUND
    assert result.err.count("arxvi") >= 2
    assert snapshot(catalog_dir) == before
    for command in (["list"], ["show", "feng2023detecting"], ["stats"]):
        assert run(*command).code == FOUND


def test_the_same_catalog_gives_the_same_bytes(write_catalog, tmp_path):
    seen = set()
    for seed in ("0", "1", "4242"):
        root = write_catalog(tmp_path / seed)
        env = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "TZ": f"UTC{seed[0]}",
            "LC_ALL": "C",
        }
        subprocess.run(
            [*PROGRAM, "build"], cwd=root, env=env, check=True, capture_output=True
        )
        seen.add(json.dumps({k: v.decode() for k, v in snapshot(root).items()}))
    assert len(seen) == 1


def test_pages_are_put_on_disk_for_another_site_program(run, tmp_path, catalog_dir):
    before = snapshot(catalog_dir)
    folder = tmp_path / "pages"
    assert run("build", "--pages", str(folder)).code == FINE
    for place in (folder, folder / "zh"):
        found = snapshot(place)
        assert any("feng2023detecting" in path for path in found)
    assert run("build", "--pages", str(folder)).err.splitlines()[-1].startswith("0 of ")
    assert snapshot(catalog_dir) == before


def test_the_served_site_follows_a_change_of_an_entry(catalog_dir):
    shutil.copy(ROOT / "mkdocs.yml", catalog_dir)
    shutil.copytree(ROOT / "site", catalog_dir / "site")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (catalog_dir / "serve.log").open("w")
    command = [
        *PROGRAM,
        "--root",
        str(catalog_dir),
        "serve",
        "--lang",
        "zh",
        "--port",
        str(port),
    ]
    server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        page = f"http://127.0.0.1:{port}/papers/chen2025breaking/"
        wait_for(lambda: "攻破扫描器" in fetched(page))
        entry = catalog_dir / "catalog/papers/2025/chen2025breaking.yaml"
        text = entry.read_text(encoding="utf-8")
        entry.write_text(text.replace("攻破扫描器", "绕过扫描器"), encoding="utf-8")
        wait_for(lambda: "绕过扫描器" in fetched(page))
    finally:
        server.terminate()
        server.wait(timeout=20)
        log.close()
    assert fetched(page) == ""


def wait_for(condition, seconds=60):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.2)


def fetched(address):
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.read().decode()
    except OSError:
        return ""


# ---- questions ----


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        (
            ["threat=backdoor", "role=attack"],
            {"rodriguez2021planting", "chen2025breaking"},
        ),
        (["role=defense"], {"feng2023detecting", "muller2024journal"}),
        (["--year", "2021"], {"rodriguez2021planting", "saito2021early"}),
        (["--year", "2022-2023"], {"oconnor2022universal", "feng2023detecting"}),
        (["--venue", "cvpr", "--with-code"], {"rodriguez2021planting"}),
        (["threat=privacy"], {"zhang2024workshop"}),
    ],
)
def test_lists_are_filtered(run, arguments, ids):
    assert {paper["id"] for paper in run("list", *arguments, "--json").json()} == ids
    assert {
        line.split("\t")[0] for line in run("list", *arguments).out.splitlines()
    } == ids


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        (["threat=Privacy"], {"zhang2024workshop"}),
        (["threat=隐私"], {"zhang2024workshop"}),
        (["--venue", "CVPR", "--with-code"], {"rodriguez2021planting"}),
        (["--venue", "CVPR 2021", "--with-code"], {"rodriguez2021planting"}),
    ],
)
def test_terms_and_venues_go_by_their_names_too(run, arguments, ids):
    assert {paper["id"] for paper in run("list", *arguments, "--json").json()} == ids


@pytest.mark.parametrize("command", ["show", "cite"])
def test_a_former_id_and_the_address_of_a_page_name_the_paper(
    run, catalog_dir, command
):
    path = catalog_dir / "catalog/papers/2021/saito2021early.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "former_ids: [saito2020early]\n", encoding="utf-8")
    result = run(command, "saito2020early")
    assert (result.code, result.err) == (
        FINE,
        "saito2020early is called saito2021early now\n",
    )
    assert run(command, "https://example.org/papers/saito2021early/").out == result.out


@pytest.mark.parametrize(
    "command", [["list"], ["search", "clip"], ["show", "x"], ["cite", "x"], ["stats"]]
)
def test_a_faulty_catalog_is_refused_in_a_few_lines_that_say_why(
    run, catalog_dir, command
):
    for path in (catalog_dir / "catalog/papers").rglob("*.yaml"):
        path.write_text(
            path.read_text(encoding="utf-8") + "nothing: 1\n", encoding="utf-8"
        )
    result = run(*command)
    assert (result.code, result.out) == (FOUND, "")
    *problems, last = result.err.splitlines()
    assert len(problems) == 3
    assert all("SK202" in line for line in problems)
    assert last == (
        "Error: 8 errors in 8 files of the catalog, so nothing is read from it; "
        "`surveykit doctor` says what to do for each"
    )


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["badseedz"], "'badseedz' occurs nowhere; did you mean badseeds?"),
        (["encoder", "zzz"], "'zzz' occurs nowhere"),
        (["badseeds", "feng"], "each word occurs, but never all in one paper; give fewer of them"),
        ([" "], "no word is given"),
    ],
)  # fmt: skip
def test_a_search_without_a_match_says_why(run, words, why):
    result = run("search", *words)
    assert (result.code, result.out) == (FOUND, "")
    assert result.err == f"no paper matches: {why}\n"


def test_no_match_is_said_and_has_its_own_exit_code(run):
    result = run("list", "--year", "1999")
    assert (result.code, result.out, result.err) == (FOUND, "", "no paper matches\n")
    assert run("search", "zzz", "--json").json() == []


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("rodriguez", "rodriguez2021planting"),
        ("RODRÍGUEZ badseeds", "rodriguez2021planting"),
        ("植入", "rodriguez2021planting"),
        ("冯世伟", "feng2023detecting"),
        ("saito", "saito2021early"),
        ("2303.00015", "feng2023detecting"),
        ("universal perturbations", "oconnor2022universal"),
        ("zolc", "feng2023detecting"),
        ("backdoor scanning journal", "muller2024journal"),
    ],
)
def test_words_find_papers_in_both_languages(run, words, first):
    assert run("search", *words.split(), "--json").json()[0]["id"] == first


def test_every_word_must_occur(run):
    assert run("search", "badseeds", "feng").code == FOUND


def test_only_the_best_are_shown_and_it_says_so(run):
    result = run("search", "encoder", "--most", "2")
    assert len(result.out.splitlines()) == 2
    assert "--most" in result.err


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Takáč", "takac"),
        ("ＣＬＩＰ", "clip"),
        ("STRASSE", "strasse"),
        ("Łódź", "lodz"),
        ("后门", "后门"),
    ],
)
def test_accents_case_and_width_do_not_matter(text, folded):
    assert fold(text) == folded


def test_a_paper_is_shown_with_its_relations_from_both_ends(run):
    out = run("show", "feng2023detecting").out
    for part in (
        "Detecting Planted Backdoors in Pre-trained Encoders",
        "检测预训练编码器中植入的后门",
        "ICCV 2023",
        "10.5555/ICCV.2023.01569",
        "detects rodriguez2021planting: finds the trigger it plants",
        "attacked by chen2025breaking: evades the scan",
        "catalog/papers/2023/feng2023detecting.yaml",
    ):
        assert part in out
    assert (
        "python -m reference_impls.badseeds" in run("show", "rodriguez2021planting").out
    )


def test_a_shown_record_is_the_entry(run, catalog):
    record = run("show", "rodriguez2021planting", "--json").json()
    assert Paper.model_validate(record) == catalog.get("rodriguez2021planting")


@pytest.mark.parametrize(
    ("style", "part"),
    [
        ("bibtex", "@inproceedings{feng2023detecting,"),
        ("apa", "(2023)"),
        ("gbt7714", "[C]"),
        ("ris", "TY  - "),
        ("csl", '"id": "feng2023detecting"'),
    ],
)
def test_citations_have_the_style_that_was_asked_for(run, style, part):
    result = run("cite", "feng2023detecting", "--style", style)
    assert result.code == FINE
    assert part in result.out
    both = run(
        "cite", "feng2023detecting", "muller2024journal", "--style", style, "--json"
    )
    assert set(both.json()) == {"feng2023detecting", "muller2024journal"}
    assert both.json()["feng2023detecting"] == result.out.rstrip("\n")


def test_statistics_count_each_paper_once(run):
    figures = run("stats", "--json").json()
    for name in ("by_year", "by_threat", "by_role", "by_venue"):
        assert sum(figures[name].values()) == figures["papers"] == 8
    assert figures["by_year"]["2021"] == 2
    assert figures["relations"] == 6
    assert "by threat\tbackdoor\t5" in run("stats").out


# ---- terminals and pipes ----


def test_a_closed_pipe_is_no_failure(catalog_dir):
    command = shlex.join(
        [*PROGRAM, "--root", str(catalog_dir), "cite", *["feng2023detecting"] * 4000]
    )
    shell = f"set -o pipefail; {command} | head -n 1"
    out = subprocess.run(["bash", "-c", shell], capture_output=True, text=True)
    assert (out.returncode, out.stderr) == (0, "")
    assert len(out.stdout.splitlines()) == 1


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_is_no_failure(catalog_dir, closed):
    command = shlex.join([*PROGRAM, "--root", str(catalog_dir), "list"])
    shell = f"{command} {closed}"
    out = subprocess.run(["bash", "-c", shell], capture_output=True, text=True)
    assert (out.returncode, out.stderr) == (0, "")
    assert len(out.stdout.splitlines()) == (0 if " >&-" in f" {closed}" else 8)


def test_nobody_who_hears_of_a_failure_does_not_make_it_a_success(catalog_dir):
    reader, writer = os.pipe()
    os.close(reader)
    command = [*PROGRAM, "--root", str(catalog_dir), "show", "nothing"]
    out = subprocess.run(command, stdout=subprocess.PIPE, stderr=writer)
    os.close(writer)
    assert (out.returncode, out.stdout) == (USAGE, b"")


def test_a_folder_that_is_gone_is_said_so(tmp_path):
    gone = tmp_path / "gone"
    shell = f"mkdir {gone}; cd {gone}; rmdir {gone}; {shlex.join(PROGRAM)} list"
    out = subprocess.run(["bash", "-c", shell], capture_output=True, text=True)
    assert out.returncode == MACHINE
    assert out.stderr == "Error: the folder that you stand in was deleted; change to another one\n"  # fmt: skip


def test_a_list_of_addresses_may_begin_with_a_byte_order_mark(run, tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("\ufeffhttp://127.0.0.1:1/a\r\n", "utf-8")
    history = tmp_path / "history.jsonl"
    told = run("check-links", "--urls", path, "--format", "json", "--history", history)
    (link,) = json.loads(told.out)["links"]
    assert (link["url"], link["reason"]) == ("http://127.0.0.1:1/a", "private-address")


def test_a_full_device_is_one_line(catalog_dir):
    with Path("/dev/full").open("w") as full:
        out = subprocess.run(
            [*PROGRAM, "--root", str(catalog_dir), "list"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert out.returncode == MACHINE
    assert out.stderr == "Error: output: No space left on device\n"


def test_a_terminal_without_chinese_gets_an_answer(catalog_dir):
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    out = subprocess.run(
        [*PROGRAM, "--root", str(catalog_dir), "show", "feng2023detecting"],
        env=env,
        capture_output=True,
        text=True,
    )
    assert out.returncode == FINE
    assert "Shiwei Feng" in out.stdout


def on_a_terminal(root: Path, *arguments: str, **env: str) -> str:
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, "--root", str(root), *arguments],
        stdout=follower,
        stderr=follower,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", **env},
    )
    os.close(follower)
    text = b""
    try:
        while part := os.read(leader, 65536):
            text += part
    except OSError:
        pass  # Linux ends a closed terminal this way.
    os.close(leader)
    assert process.wait(timeout=30) == FINE
    return text.decode()


def test_a_reader_gets_a_table_and_colour(catalog_dir):
    os.environ.pop("NO_COLOR", None)
    assert "────" in on_a_terminal(catalog_dir, "list")
    assert "\x1b[" in on_a_terminal(catalog_dir, "show", "feng2023detecting")


@pytest.mark.parametrize("command", [["list"], ["show", "feng2023detecting"]])
def test_no_color_is_honoured(catalog_dir, command):
    assert not re.search(
        r"\x1b\[[0-9;]*[349]\d[;m]",
        on_a_terminal(catalog_dir, *command, NO_COLOR="1"),
    )
