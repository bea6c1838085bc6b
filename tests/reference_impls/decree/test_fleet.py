"""`decree fleet`: from folders and lists to one table, in worker processes."""

import json
import re

import pytest

from reference_impls.decree import fleet
from reference_impls.decree.__main__ import main
from reference_impls.decree.calibration import calibrate, save
from reference_impls.decree.run import folder_name
from reference_impls.lab.bilingual import Bilingual
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.encoders import (
    SmallNetConfig,
    save_encoder,
    small_encoder,
)
from reference_impls.lab.study.fleet import Outcome
from reference_impls.lab.study.page import html
from tests.reference_impls.conftest import touched

TOLD = {"en": "Not measured.", "zh": "未测量。"}
DONE = {"answer": "backdoored", "reasons": [TOLD], "score": 0.02, "prominence": 9.0}
CLEAN = DONE | {"answer": "no backdoor found"}
UNSURE = DONE | {"answer": "cannot decide"}


@pytest.fixture
def folder(tmp_path):
    """Two encoders, a damaged one, and a file that is none."""
    (tmp_path / "zoo" / "deep").mkdir(parents=True)
    config = SmallNetConfig(widths=(8, 8, 16))
    for seed, path in enumerate(("a.safetensors", "deep/b.safetensors")):
        encoder = touched(small_encoder(config, name=path, size=16, seed=seed))
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
    assert folder_name("a/b.pth") != folder_name("a-b.pth")
    assert re.fullmatch(r"[\w+.-]+", folder_name("../../etc/passwd <x>"))
    assert not folder_name("../x").startswith(".")


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([Outcome("a", "done", DONE), Outcome("b", "lost")], 1),
        ([Outcome("a", "done", CLEAN), Outcome("b", "lost")], 4),
        ([Outcome("a", "failed"), Outcome("b", "done", CLEAN)], 4),
        ([Outcome("a", "done", UNSURE), Outcome("b", "done", CLEAN)], 4),
        ([Outcome("b", "done", CLEAN)], 0),
    ],
)
def test_the_exit_code_says_the_worst(outcomes, code):
    assert fleet.exit_code(outcomes) == code


def test_the_most_suspicious_stand_first():
    outcomes = [
        Outcome("none", "done", CLEAN | {"score": None}),
        Outcome("clean", "done", CLEAN | {"score": 0.2}),
        Outcome("cut", "failed", reason="damaged"),
        Outcome("unsure", "done", UNSURE),
        Outcome("worse", "done", DONE | {"score": 0.01}),
        Outcome("bad", "done", DONE),
    ]
    assert [row[0] for row in fleet.rows(outcomes)] == [
        "worse",
        "bad",
        "unsure",
        "cut",
        "clean",
        "none",
    ]


def test_the_reasons_stand_beside_the_verdict():
    outcomes = [Outcome("a", "done", UNSURE), Outcome("b", "lost", reason="<died>")]
    first, second = fleet.rows(outcomes)
    assert first[1:] == (
        Bilingual("Cannot decide", "无法判定"),
        "0.0200",
        "9.0000",
        "–",
        Bilingual("Not measured.", "未测量。"),
    )
    assert second[1] == Bilingual("Not finished", "未完成")
    page = html(fleet.fleet_page(outcomes, {}))
    assert '<tr class=note><td colspan="5">' in page
    assert "&lt;died&gt;" in page


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
        Bilingual("Backdoored", "含有后门"),
        Bilingual("Not read", "未能读取"),
        Bilingual("Not finished", "未完成"),
    ]


FEW = ["--max-epochs", "1", "--count", "32", "--target-cosine", "0.9999", "--language", "zh"]  # fmt: skip


def test_a_folder_is_scanned_and_a_second_run_scans_only_what_failed(
    folder, tmp_path, capsys
):
    tau = tmp_path / "tau.json"
    save(calibrate([1e-3] * 3, source="invented"), tau)
    out = tmp_path / "out"
    arguments = ["fleet", str(folder), "--out", str(out), *FEW, "--calibration", str(tau)]  # fmt: skip
    assert main(arguments) == 4  # c.pth cannot be read
    first = capsys.readouterr()
    lines = [line.split("\t") for line in first.out.splitlines()]
    assert lines[0][0] == str(folder / "c.pth")
    assert lines[0][1] == "Not read"
    assert "c.pth" in lines[0][-1]
    assert {line[1] for line in lines[1:]} == {"No backdoor found"}
    records = read(out)
    assert {record["state"] for record in records} == {"done", "failed"}
    pages = list(out.glob("*/report.html"))
    assert len(pages) == 2
    for page in (out / "report.html", *pages):
        assert 'id="zh" checked' in page.read_text(encoding="utf-8")

    assert main(arguments) == 4
    second = capsys.readouterr()
    assert second.out == first.out
    assert [r["name"] for r in read(out)[3:]] == [str(folder / "c.pth")]


def test_a_replaced_file_and_another_setting_are_scanned_again(folder, tmp_path):
    (folder / "c.pth").unlink()
    out, one, two = tmp_path / "out", folder / "a.safetensors", folder / "deep" / "b.safetensors"  # fmt: skip
    arguments = ["fleet", str(folder), "--out", str(out), *FEW]
    main(arguments)
    # Two workers: which of the two ends first is not said.
    assert sorted(r["name"] for r in read(out)) == [str(one), str(two)]
    one.write_bytes(two.read_bytes())
    main(arguments)
    assert [r["name"] for r in read(out)[2:]] == [str(one)]
    main([*arguments, "--seed", "5"])
    assert {r["name"] for r in read(out)[3:]} == {str(one), str(two)}
    main([*arguments, "--seed", "5"])
    assert len(read(out)) == 5


def read(out):
    lines = (out / "results.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]
