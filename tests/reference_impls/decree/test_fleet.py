"""`decree fleet`: from folders and lists to one table, in worker processes."""

import json
import re

import pytest

from reference_impls.decree import fleet
from reference_impls.decree.__main__ import main
from reference_impls.decree.calibration import Calibration, save
from reference_impls.lab.bilingual import Bilingual
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.encoders import (
    SmallNetConfig,
    save_encoder,
    small_encoder,
)
from reference_impls.lab.study.fleet import Outcome

DONE = {"score": 0.02, "threshold": 0.05, "backdoored": True}


@pytest.fixture
def folder(tmp_path):
    """Two untrained encoders, a damaged one, and a file that is none."""
    (tmp_path / "zoo" / "deep").mkdir(parents=True)
    config = SmallNetConfig(widths=(8, 8, 16))
    for seed, path in enumerate(("a.safetensors", "deep/b.safetensors")):
        encoder = small_encoder(config, name=path, size=16, seed=seed)
        save_encoder(encoder, tmp_path / "zoo" / path)
    (tmp_path / "zoo" / "c.pth").write_bytes(b"\x80\x04cut")
    (tmp_path / "zoo" / "README.md").write_text("not an encoder")
    return tmp_path / "zoo"


def test_folders_lists_and_names_give_encoders_in_order(folder, tmp_path):
    (tmp_path / "more.txt").write_text("# ours\ntorchvision:resnet18\n\nlab\n")
    names = fleet.named([str(folder), str(tmp_path / "more.txt"), "lab"])
    files = [
        str(folder / name) for name in ("a.safetensors", "c.pth", "deep/b.safetensors")
    ]
    assert names == [*files, "torchvision:resnet18", "lab"]


@pytest.mark.parametrize(
    ("source", "message"), [("", "no encoder in"), ("none.txt", "no list")]
)
def test_no_encoder_is_an_error(tmp_path, source, message):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=message):
        fleet.named([str(tmp_path / "empty" / source)])


def test_two_encoders_never_share_a_folder():
    assert fleet._folder("a/b.pth") != fleet._folder("a-b.pth")
    assert re.fullmatch(r"[\w+.-]+", fleet._folder("../../etc/passwd <x>"))
    assert not fleet._folder("../x").startswith(".")


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([Outcome("a", "done", DONE), Outcome("b", "lost")], 1),
        ([Outcome("a", "failed"), Outcome("b", "lost")], 3),
        (
            [
                Outcome("a", "failed"),
                Outcome("b", "done", DONE | {"backdoored": False}),
            ],
            2,
        ),
        ([Outcome("b", "done", DONE | {"backdoored": False})], 0),
    ],
)
def test_the_exit_code_says_the_worst(outcomes, code):
    assert fleet.exit_code(outcomes) == code


def test_the_most_suspicious_stand_first():
    clean = DONE | {"backdoored": False}
    outcomes = [
        Outcome("none", "done", clean | {"score": None}),
        Outcome("clean", "done", clean | {"score": 0.2}),
        Outcome("cut", "failed", reason="damaged"),
        Outcome("worse", "done", DONE | {"score": 0.01}),
        Outcome("bad", "done", DONE),
    ]
    assert [row[0] for row in fleet.rows(outcomes)] == [
        "worse",
        "bad",
        "cut",
        "clean",
        "none",
    ]


def test_the_summary_counts_and_judges_in_both_languages():
    outcomes = [
        Outcome("a", "done", DONE),
        Outcome("b", "failed", reason="{damaged}"),
        Outcome("c", "lost", reason="died"),
    ]
    page = fleet.fleet_page(outcomes, {})
    assert page.answer.headline == Bilingual(
        "1 of 3 look backdoored", "3 个编码器中有 1 个疑似含有后门"
    )
    assert page.answer.detail.zh.endswith("2 个未能扫描，原因见下表。")
    assert [row[1] for row in fleet.rows(outcomes)] == [
        Bilingual("backdoored", "含有后门"),
        Bilingual("failed: {damaged}", "失败：{damaged}"),
        Bilingual("lost: died", "丢失：died"),
    ]


def test_a_folder_is_scanned_and_a_second_run_scans_nothing(folder, tmp_path, capsys):
    save(Calibration(threshold=1e-6, source="invented"), tmp_path / "tau.json")
    arguments = ["fleet", str(folder), "--out", str(tmp_path / "out"), "--count", "32"]
    arguments += ["--preset", "published", "--calibration", str(tmp_path / "tau.json")]
    arguments += ["--language", "zh"]
    assert main(arguments) == 2  # c.pth cannot be read
    first = capsys.readouterr()
    lines = [line.split("\t") for line in first.out.splitlines()]
    assert lines[0][0] == str(folder / "c.pth")
    assert lines[0][1].startswith("failed: ")
    assert {line[1] for line in lines[1:]} <= {"no backdoor found", "no trigger found"}
    records = [
        json.loads(line)
        for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()
    ]
    assert {record["state"] for record in records} == {"done", "failed"}
    assert "3 encoders" in (tmp_path / "out" / "report.html").read_text(
        encoding="utf-8"
    )
    pages = list((tmp_path / "out").glob("*/report.html"))
    assert len(pages) == 2
    for page in (tmp_path / "out" / "report.html", *pages):
        assert 'id="zh" checked' in page.read_text(encoding="utf-8")

    assert main(arguments) == 2
    second = capsys.readouterr()
    assert second.out == first.out
    assert "[" not in second.err
