"""The form of a method: its command line, its words, and that README, site and charts follow from its results."""

import ast
import json
import pickle
import re
import shlex
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest
import torch

from reference_impls.lab.bilingual import Words
from reference_impls.lab.study.readme import READMES
from reference_impls.lab.study.study import END, START
from tests.reference_impls.gpu_figures import measured

ROOT = Path(__file__).parents[2] / "reference_impls"
METHODS = (
    "advclip",
    "advencoder",
    "adversarial_detection",
    "api_imitation",
    "artifact_scan",
    "badencoder",
    "bert_attack",
    "bucks",
    "cleanclip",
    "cloaking",
    "co_attack",
    "contrastive_at",
    "converters",
    "data_backdoor",
    "decree",
    "deja_vu",
    "embedding_inversion",
    "encoder_mi",
    "feature_attack",
    "fingerprint",
    "gen_af",
    "generative",
    "hub_attack",
    "latent_backdoor",
    "memorisation",
    "poison_filter",
    "privacy_backdoor",
    "prompt_backdoor",
    "quantization_backdoor",
    "query_attack",
    "robust_clip",
    "safe_pretraining",
    "segment_attack",
    "smoothing",
    "stolen_encoder",
    "subnet_replacement",
    "test_time",
    "text_backdoor",
    "text_backdoor_defense",
    "textonpair",
    "watermark",
    "weight_spectra",
)
PROGRAMS = [
    import_module(f"reference_impls.{name}.__main__").PROGRAM for name in METHODS
]
STUDIES = [one.study for one in PROGRAMS if one.study]
VERBS = [(program, verb) for program in PROGRAMS for verb in program.all_verbs]


def bare(function):
    """What a partial function calls in the end: the method's own."""
    return function.args[0] if isinstance(function, partial) else function


def plain(text):
    """Without the boxes of a help text, and on one line."""
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", text).split())


def computes(program, verb):
    """Whether a verb has a device: scanning files needs none."""
    return hasattr(program.all_verbs[verb], "device")


def helped(program, words, capsys):
    with pytest.raises(SystemExit) as stopped:
        program.main([*words, "--help"])
    assert stopped.value.code == 0
    return plain(capsys.readouterr().out)


@pytest.mark.parametrize(
    "program", PROGRAMS, ids=lambda one: one.module.rpartition(".")[2]
)
def test_a_programs_help_shows_its_verbs_and_exit_codes(program, capsys):
    shown = helped(program, [], capsys)
    assert program.about in shown
    assert f"exit codes: {program.exits}" in shown
    assert {"run", "study", "draw"} <= set(program.all_verbs)
    for verb in program.all_verbs:
        assert all(line in shown for line in program.lines(verb))


@pytest.mark.parametrize(
    ("program", "verb"),
    VERBS,
    ids=lambda one: one if isinstance(one, str) else one.module.rpartition(".")[2],
)
def test_every_verb_explains_its_options_and_has_examples_that_it_understands(
    program, verb, capsys
):
    shown = helped(program, [verb], capsys)
    for line in program.lines(verb):
        assert line in shown
        _, _, rest = line.partition(program.module)
        asked = type(program.parse(shlex.split(rest)))
        assert asked.__qualname__ == program.all_verbs[verb].__qualname__
    *_, options = shown.partition(program.lines(verb)[-1])
    for option in re.split(" --(?=[a-gi-z])", options)[1:]:
        words, *told = re.split(
            r"\((?=default|repeatable|required)", option, maxsplit=1
        )
        assert told, option
        assert len(words.split()) >= 3, f"--{words} is not explained"


@pytest.mark.parametrize(
    "program", PROGRAMS, ids=lambda one: one.module.rpartition(".")[2]
)
def test_wrong_usage_ends_with_2(program, capsys):
    for wrong in ([], ["climb"], ["run", "--no-such-option", "1"]):
        with pytest.raises(SystemExit) as stopped:
            program.main(wrong)
        assert stopped.value.code == 2
        assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("language", READMES)
@pytest.mark.parametrize("study", STUDIES, ids=lambda one: one.method)
def test_the_readme_shows_what_the_results_hold(study, language):
    found = json.loads((study.home / "results.json").read_text("utf-8"))
    readme = (study.home / READMES[language]).read_text("utf-8")
    shown = readme.partition(START)[2].partition(END)[0]
    assert shown.strip() == study.tables(found, language).strip()


@pytest.mark.parametrize("study", STUDIES, ids=lambda one: one.method)
def test_the_headline_follows_from_the_results(study):
    found = json.loads((study.home / "results.json").read_text("utf-8"))
    assert json.loads(json.dumps(study.headline(found))) == found["headline"]
    command = found["provenance"]["command"]
    _, _, rest = command.partition(f"reference_impls.{study.method}")
    (program,) = [one for one in PROGRAMS if one.study is study]
    program.parse(shlex.split(rest))


@pytest.mark.parametrize("study", STUDIES, ids=lambda one: one.method)
def test_a_study_can_be_sent_to_worker_processes(study):
    there = pickle.loads(pickle.dumps(study))
    assert bare(there.measure) is bare(study.measure)
    assert (there.method, there.trial) == (study.method, study.trial)


@pytest.mark.parametrize("study", STUDIES, ids=lambda one: one.method)
def test_charts_are_those_of_the_results(study):
    found = json.loads((study.home / "results.json").read_text("utf-8"))
    for name, svg in study.charts(found).items():
        assert (study.home / name).read_text("utf-8") == svg


@pytest.mark.parametrize("name", METHODS)
def test_every_text_is_used_and_every_text_asked_for_is_there(name):
    folder = ROOT / name
    words = Words(folder / "words.yaml")
    exact, starts = set(), set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                exact.add(node.value)
            if isinstance(node, ast.JoinedStr) and isinstance(
                node.values[0], ast.Constant
            ):
                starts.add(node.values[0].value)
    study = import_module(f"reference_impls.{name}.study")
    if grid := getattr(study, "GRID", None):
        said = [f"headline.{one.preset}-{one.measure}.{part}" for one in grid.told for part in ("label", "setting")]  # fmt: skip
        said += [f"presets.{one}" for one in grid.presets]
        said += [f"measures.{one}" for one in grid.columns]
        exact |= {*said, "tables.about", *(["chart.title", "chart.about"] if grid.chart else [])}  # fmt: skip
        assert set(said) <= set(words)
    groups = {one for one in exact if any(key.startswith(f"{one}.") for key in words)}
    for key in words:
        assert (
            key in exact
            or any(key.startswith(one) for one in starts if one.endswith("."))
            or any(key.startswith(f"{group}.") for group in groups)
        ), f"{key} is never said"
        assert words[key].en.strip()
        assert words[key].zh.strip()


@pytest.mark.parametrize("name", METHODS)
def test_no_sentence_for_readers_stands_in_the_code(name):
    for path in (ROOT / name).glob("*.py"):
        source = path.read_text("utf-8")
        assert not re.search("[\u4e00-\u9fff]", source), path


@pytest.mark.parametrize(
    "program", PROGRAMS, ids=lambda one: one.module.rpartition(".")[2]
)
def test_a_smoke_run_takes_seconds_and_leaves_its_files(program, small_files, tmp_path):
    words = shlex.split(program.smoke.format(**small_files))
    out = tmp_path / "out"
    device = ["--device", "cpu"] * computes(program, words[0])
    assert program.main([*words, *device, "--out", str(out)]) in (0, 1, 4)
    assert [path for path in out.rglob("*.json") if json.loads(path.read_text())]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize(
    "program", PROGRAMS, ids=lambda one: one.module.rpartition(".")[2]
)
def test_the_smoke_run_of_every_method_runs_on_a_gpu(program, small_files, tmp_path):
    words = shlex.split(program.smoke.format(**small_files))
    if not computes(program, words[0]):
        pytest.skip("it computes nothing")
    with measured(f"{program.name} {words[0]}, a few steps"):
        code = program.main([*words, "--device", "cuda", "--out", str(tmp_path)])
    assert code in (0, 1, 4)
    about = [json.loads(path.read_text()) for path in tmp_path.rglob("*.json")]
    assert all(one["run"]["device"] != "CPU" for one in about if "run" in one)
