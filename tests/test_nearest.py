"""What can be run: the paper's own method, else the closest one, labelled as such."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from surveykit import cli
from surveykit.load import load_catalog
from surveykit.query import runnable
from surveykit.render.nearest import because
from surveykit.vocabulary import Card

REPOSITORY = Path(__file__).parents[1]
KEPT = Path(__file__).with_name("runnable.json")
"""The shares of the day on which they were last looked at: `surveykit stats --runnable --json > tests/runnable.json`."""


def card(id_, paper, *techniques):
    return Card.model_validate(
        {
            "id": id_,
            "name": id_.upper(),
            "question": {"en": "What?", "zh": "什么？"},
            "summary": {"en": "Tries it.", "zh": "尝试。"},
            "does": {"en": f"runs {id_}", "zh": f"运行 {id_}"},
            "command": f"python -m reference_impls.{id_}",
            "papers": [paper],
            "techniques": list(techniques),
        }
    )


def catalog_with(catalog, *cards):
    return dataclasses.replace(
        catalog, cards=catalog.cards | {card.id: card for card in cards}
    )


def has(catalog, technique, *, own=False):
    return [
        p
        for p in catalog.papers
        if technique in p.terms["technique"] and bool(p.implementations) is own
    ]


def test_a_paper_with_a_method_of_its_own_needs_no_other(catalog):
    (paper,) = has(catalog, "encoder-backdoor", own=True)
    assert catalog.methods(paper)
    assert catalog.closest_runnable(paper) is None


def test_the_same_technique_leads_to_the_method(catalog):
    (paper,) = has(catalog, "encoder-backdoor")
    closest = catalog.closest_runnable(paper)
    assert (closest.card.id, closest.technique) == ("badseeds", "encoder-backdoor")


def test_a_method_of_another_technique_needs_threat_role_and_modality(catalog):
    scanner = card("scanner", "feng2023detecting", "model-scanning")
    more = catalog_with(catalog, scanner)
    for paper in more.papers:
        closest = more.closest_runnable(paper)
        if closest and closest.technique is None:
            main = more.get(closest.card.papers[0])
            assert more.threat(paper) == more.threat(main)
            assert paper.terms["role"][0] == main.terms["role"][0]
            assert set(paper.terms["modality"]) & set(main.terms["modality"])


def test_where_nothing_fits_nothing_is_offered(catalog):
    for paper in has(catalog, "universal-perturbation"):
        assert catalog.closest_runnable(paper) is None


def test_the_technique_outweighs_threat_and_role(catalog):
    # The study shares nothing with the card's main paper but what the card says it serves.
    (study,) = has(catalog, "benchmark-analysis")
    odd = card("odd", "feng2023detecting", "benchmark-analysis")
    closest = catalog_with(catalog, odd).closest_runnable(study)
    assert (closest.card.id, closest.technique) == ("odd", "benchmark-analysis")


def test_equals_are_decided_by_their_names(catalog):
    (paper,) = has(catalog, "encoder-backdoor")
    twins = [card(i, "rodriguez2021planting", "encoder-backdoor") for i in ("b", "a")]
    assert catalog_with(catalog, *twins).closest_runnable(paper).card.id == "a"


def test_the_reason_names_what_is_shared_in_both_languages(catalog):
    (paper,) = has(catalog, "encoder-backdoor")
    closest = catalog.closest_runnable(paper)
    en, zh = (because(catalog, paper, closest, lang) for lang in ("en", "zh"))
    assert en == "because it plants seeds; same technique: Backdoored encoder"
    assert zh == "因为它植入种子，与本文技术路线相同：编码器后门"
    weaker = dataclasses.replace(closest, technique=None)
    assert "but another technique" in because(catalog, paper, weaker, "en")
    assert "但技术路线不同" in because(catalog, paper, weaker, "zh")


def test_every_paper_is_counted_once_under_what_could_run(catalog):
    *lines, all_ = runnable(catalog)
    assert sum(line.papers for line in lines) == len(catalog.papers)
    assert all(min(line.own, line.same, line.other, line.nothing) >= 0 for line in lines)  # fmt: skip
    (backdoors,) = (line for line in lines if line.technique == "encoder-backdoor")
    assert (backdoors.papers, backdoors.own, backdoors.same) == (2, 1, 1)
    assert backdoors.share == 100
    could = [x for x in lines if catalog.term("technique", x.technique).runs]
    assert all_.papers == sum(line.papers for line in could) < len(catalog.papers)
    assert all_.own == sum(line.own for line in could)


def test_ever_more_of_the_papers_lead_to_something_that_runs():
    now = {line.technique: line for line in runnable(load_catalog(REPOSITORY))}
    kept = json.loads(KEPT.read_text("utf-8"))
    lost = {
        line["technique"]: (line["share"], now[line["technique"]].share)
        for line in kept
        if round(now[line["technique"]].share, 1) < round(line["share"], 1)
    }
    assert not lost, f"less than in {KEPT.name}; where that is meant, write it anew"


# ---- command line ----


@pytest.fixture
def run(catalog_dir):
    """The program in a process of its own, as a child writes to the real output."""

    def _run(*arguments, **environment):
        command = [sys.executable, "-m", "surveykit.cli", "--root", str(catalog_dir)]
        return subprocess.run(
            [*command, *arguments],
            capture_output=True,
            text=True,
            env={**os.environ, **environment},
            check=False,
        )

    method = catalog_dir / "reference_impls" / "badseeds"
    (method.parent / "__init__.py").touch()
    (method / "__init__.py").touch()
    (method / "__main__.py").write_text(
        "import os, sys; print(sys.argv[1:], os.getcwd()); sys.exit(7)\n"
    )
    return _run


def test_methods_are_listed_and_shown(run):
    assert run("impl", "list").stdout == "badseeds\tBadSeeds\tCan a seed be planted?\n"
    shown = run("impl", "show", "badseeds").stdout
    assert "run       python -m reference_impls.badseeds\n" in shown
    assert "serves    Backdoored encoder\n" in shown
    assert (
        json.loads(run("impl", "show", "badseeds", "--json").stdout)["id"] == "badseeds"
    )


def test_a_method_runs_here_with_its_arguments_and_exit_code(
    run, tmp_path, monkeypatch
):
    pytest.importorskip("torch", reason="torch is not installed")
    monkeypatch.chdir(tmp_path)
    done = run("impl", "run", "badseeds", "--", "scan", "--json", "x")
    assert done.stdout == f"['scan', '--json', 'x'] {tmp_path}\n"
    assert done.returncode == 7
    assert run("impl", "run", "badseeds").stdout.startswith("['--help']")


def test_an_unknown_method_is_one_line_with_the_nearest(run):
    done = run("impl", "run", "badseed")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: no method 'badseed'; did you mean badseeds?")


def test_a_missing_torch_is_one_line_with_the_remedy(
    catalog, catalog_dir, monkeypatch, capsys
):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(
        sys,
        "argv",
        ["surveykit", "--root", str(catalog_dir), "impl", "run", "badseeds"],
    )
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 3
    assert (
        "BadSeeds needs torch; run `pip install -e '.[impls]'`"
        in capsys.readouterr().err
    )


def test_what_runs_is_shown_for_each_technique(run):
    lines = run("stats", "--runnable").stdout.splitlines()
    assert "encoder-backdoor\t2\t1\t1\t0\t0\t100 %" in lines
    assert lines[-1].split("\t")[:2] == ["all", "7"]


def test_a_paper_without_a_method_shows_the_closest_as_such(run, catalog):
    (paper,) = has(catalog, "encoder-backdoor")
    shown = run("show", paper.id).stdout
    assert "closest" in shown
    assert "BadSeeds, because it plants seeds" in shown
