"""The lean form of a method: its cells, rows, sentences and both commands follow from its declarations."""

import json
from dataclasses import dataclass, replace
from statistics import mean, stdev

import pytest

from reference_impls.lab.errors import DatasetError
from reference_impls.lab.study import grid as module
from reference_impls.lab.study.grid import Grid, Told, Trial
from reference_impls.lab.study.options import StudyOptions
from reference_impls.lab.study.setup import Setup
from reference_impls.lab.study.single import Column
from reference_impls.lab.study.study import END, START
from tests.reference_impls.conftest import one_error

WORDS = """\
presets:
  plain: {en: plain, zh: 对照}
  strong: {en: strong, zh: 强}
measures:
  share: {en: share, zh: 比例}
  count: {en: count, zh: 次数}
headline:
  strong-share:
    label: {en: Share, zh: 比例}
    setting: {en: "plain {plain/share}; {strong/count} asked; texture {texture/strong/share}", zh: "对照 {plain/share}；{strong/count} 次；纹理 {texture/strong/share}"}
  strong-count:
    label: {en: Count, zh: 次数}
    setting: {en: "on texture, {strong/count}", zh: "纹理，{strong/count}"}
tables:
  about: {en: "{seeds} seeds, {images} images, up to {levels}", zh: "{seeds} 个种子，{images} 幅图像，至多 {levels}"}
chart:
  title: {en: Shares, zh: 比例}
  about: {en: A bar each., zh: 每项一条。}
"""


@dataclass(frozen=True, kw_only=True)
class Setting:
    factor: int = 1
    seed: int = 7
    steps: int = 10


def measure(setup, setting):
    asked = 100 * setting.factor + 10 * setting.seed + setting.steps
    share = setting.factor / 4 + setting.seed / 100 + (setup.task == "texture") / 10
    return {"share": share, "count": None if setting.seed == 2 else asked}


@pytest.fixture
def grid(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "trained", lambda config: None)
    monkeypatch.setattr(
        module,
        "setup_of",
        lambda config, task, images, quick, texts: Setup(
            encoder=None, clip=None, train=None, test=None, task=task, seed=config.seed
        ),
    )
    home = tmp_path / "method"
    home.mkdir()
    (home / "words.yaml").write_text(WORDS, encoding="utf-8")
    for name in ("README.md", "README.zh-CN.md"):
        (home / name).write_text(f"a\n{START}\n{END}\nb\n", encoding="utf-8")
    return Grid(
        home=home,
        about="Multiply.",
        presets={"plain": Setting(), "strong": Setting(factor=2)},
        measure=measure,
        columns={"share": Column(), "count": Column(form=".0f", share=False)},
        told=[
            Told(preset="strong", measure="share", better="higher"),
            Told(preset="strong", measure="count", better="lower", task="texture"),
        ],
        chart=["share"],
        quick={"steps": 1},
        says={"levels": 8},
    )


def found_of(grid, **options):
    cells = grid.conditions(StudyOptions(**options))
    about = {"versions": {"torch": "2"}, "device": "CPU", "cpu_cores": 2, "threads": 1, "seconds": 1}  # fmt: skip
    return grid.study.found(grid.study.run(cells), cells, about, command="study")


def test_cells_are_settings_on_tasks_and_seeds_each_with_its_own_seed(grid):
    cells = grid.conditions(StudyOptions())
    told = [(one.task, one.preset, one.model.seed, one.config.seed) for one in cells]
    assert told == [
        (task, preset, seed, seed)
        for task in ("foreground", "texture")
        for preset in ("plain", "strong")
        for seed in (0, 1, 2)
    ]
    few = grid.conditions(StudyOptions(quick=True))
    assert {(one.model.seed, one.images, one.config.steps) for one in few} == {(0, 16, 1)}  # fmt: skip


def test_figures_of_the_website_are_means_and_their_sentences_name_any_other(grid):
    share, count = found_of(grid)["headline"]
    own = [0.5 + seed / 100 for seed in (0, 1, 2)]
    assert (share["value"], share["sd"], share["n"], share["unit"]) == (51.0, 1.0, 3, "%")  # fmt: skip
    assert share["value"] == pytest.approx(100 * mean(own))
    assert share["setting"]["en"] == "plain 26.0%; 215 asked; texture 61.0%"
    assert share["setting"]["zh"] == "对照 26.0%；215 次；纹理 61.0%"
    # Seed 2 tells nothing, so two values are left; a count is no percentage.
    assert (count["value"], count["sd"], count["n"]) == (215, round(stdev([210, 220])), 2)  # fmt: skip
    assert "unit" not in count
    assert count["better"] == "lower"


def test_the_table_has_a_row_for_each_setting_and_a_dash_where_nothing_was_told(grid):
    found = found_of(grid, seeds=(2,))
    lines = grid.tables(found, "en").splitlines()
    assert lines[0] == "1 seeds, 200 images, up to 8"
    assert lines[2] == "| task | setting | share | count |"
    assert lines[4] == "| foreground | plain | 0.27 | – |"
    assert lines[-1] == "| texture | strong | 0.62 | – |"
    assert "| 任务 | 设置 | 比例 | 次数 |" in grid.tables(found, "zh")


def test_rows_are_kept_and_a_new_version_measures_again(grid, monkeypatch):
    cells = grid.conditions(StudyOptions(seeds=(1,)))
    rows = grid.study.run(cells)
    other = replace(grid, measure=None)
    assert other.study.run(cells) == rows
    with pytest.raises(TypeError):
        replace(other, version=2).study.run(cells)


def test_publishing_writes_results_tables_and_charts(grid, tmp_path):
    grid.study.publish(StudyOptions(publish=True, out=tmp_path / "out"))
    found = json.loads((grid.home / "results.json").read_text("utf-8"))
    assert grid.values(found)["texture", "strong"]["share"] == [0.6, 0.61, 0.62]
    assert grid.headline(found) == found["headline"]
    assert "| foreground | strong | 0.51 ± 0.01 |" in (grid.home / "README.md").read_text("utf-8")  # fmt: skip
    assert (grid.home / "results.zh.svg").exists()


def test_rows_are_rounded_as_published():
    row = Trial(
        preset="a", task="b", seed=0, measures={"c": 1 / 3, "d": None}, seconds=0
    )
    assert row.measures == {"c": 0.3333, "d": None}


def test_a_run_measures_setting_and_control(grid, small_files, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["run", str(small_files["encoder"]), "--out", str(out), "--count", "8"]
    assert grid.program.main([*words, "--steps", "3", "--task", "texture"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].split() == ["share", "67.0%", "(plain:", "42.0%)"]
    assert shown[1].split() == ["count", "273", "(plain:", "173)"]  # as many steps
    data = json.loads((out / "measured.json").read_text())
    assert data["measures"]["strong"]["count"] == 273
    assert data["task"] == "texture"


def test_the_control_has_what_is_kept_though_rows_differ_in_it(
    grid, small_files, tmp_path, capsys
):
    words = ["run", str(small_files["encoder"]), "--out", str(tmp_path / "out")]
    alike = replace(grid, kept=["factor"])
    assert alike.program.main([*words, "--count", "8", "--factor", "3"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[1].split() == ["count", "380", "(control:", "380)"]


def test_the_control_alone_stands_alone(grid, small_files, tmp_path, capsys):
    words = ["run", str(small_files["encoder"]), "--preset", "plain"]
    assert grid.program.main([*words, "--out", str(tmp_path / "out")]) == 0
    assert "(plain" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--task", "weather"], "no task 'weather'; it has shape"),
        (["--dataset", "moon"], "unknown dataset 'moon'"),
    ],
)
def test_bad_input_is_one_line(grid, options, message, small_files, tmp_path, capsys):
    words = ["run", str(small_files["encoder"]), *options]
    assert grid.program.main([*words, "--out", str(tmp_path / "out")]) == 2
    assert message in one_error(capsys)
    assert not (tmp_path / "out").exists()


def test_a_subject_without_texts_says_so():
    setup = Setup(encoder=None, clip=None, train=None, test=None, task="shape")  # fmt: skip
    with pytest.raises(DatasetError, match="without a text tower"):
        setup.embed_text(["a"])


def test_what_has_nothing_to_do_with_a_task_shows_none(grid):
    told = Told(preset="strong", measure="count", better="lower")
    bare = replace(grid, tasks=("",), told=[told])
    assert [one.name for one in bare.conditions(StudyOptions(seeds=(1,)))] == ["plain, seed 1", "strong, seed 1"]  # fmt: skip
    lines = bare.tables(found_of(bare, seeds=(1,)), "en").splitlines()
    assert lines[2] == "| setting | share | count |"
    assert lines[4] == "| plain | 0.26 | 120 |"
