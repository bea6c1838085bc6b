"""`python -m reference_impls.arena study`: real trials on a tiny population, resumed and refused."""

import json
from dataclasses import replace

import pytest

from reference_impls.advencoder.suite import SuiteConfig
from reference_impls.arena import __main__ as command
from reference_impls.arena import trials as arena
from reference_impls.arena.__main__ import main
from reference_impls.badencoder.method import BadEncoderConfig
from reference_impls.gen_af import population as hardened
from reference_impls.lab.attacks.universal import load
from reference_impls.lab.models.clip import CLIPConfig, train_clip
from reference_impls.lab.models.encoders import SmallNetConfig
from reference_impls.lab.models.image_text import ImageText
from reference_impls.lab.models.training import SimCLRConfig
from reference_impls.lab.models.zoo import LabData, train_dataset

NET = SmallNetConfig(widths=(8, 8, 16))
TINY = arena.Plan(
    models=replace(
        hardened.QUICK,
        parent=SimCLRConfig(steps=3, batch=32, net=NET),
        base=replace(
            hardened.StudyConfig().base,
            epochs=1,
            batch=64,
            precision="no",
            adaptation=None,
        ),
        lab=LabData(train=160, test=96, scan=64),
        suite=SuiteConfig(steps=2, images=160),
    ),
    backdoor=BadEncoderConfig(steps=3),
)


def victim(name):
    """A CLIP of three steps under the name of the lab's."""
    assert name == "lab:0"
    config = CLIPConfig(steps=3, batch=32, bf16=False, net=replace(NET, embedding=16))
    clip = train_clip(train_dataset(TINY.models.lab), config)
    return ImageText(image=clip.image, text=clip.embed_text)


@pytest.fixture(scope="module", autouse=True)
def _tiny(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_CACHE", str(tmp_path_factory.mktemp("lab")))
        patch.setattr(command, "QUICK", TINY)
        short = replace(
            arena.ROBUST, restarts=2, windows=0, max_epochs=1, halve_after=()
        )
        patch.setattr(arena, "ROBUST", short)
        patch.setattr(arena, "lab_victim", victim)
        yield


@pytest.fixture(scope="module")
def matrix(tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    assert main(["study", "--quick", "--out", str(out)]) == 0
    return out


def test_every_trial_gives_a_figure(matrix):
    data = json.loads((matrix / "arena.json").read_text("utf-8"))
    assert data["run"]["trials"]["finished"] == data["run"]["trials"]["total"] == 21
    assert data["run"]["command"] == "python -m reference_impls.arena study --quick"
    measured = [cell for cell in data["cells"] if "value" in cell]
    frozen = {"transfer", "block-search", "eot-pgd", "strongest", "sa-moo"}
    assert {cell["attack"] for cell in measured} == {one["id"] for one in data["attacks"]} - frozen  # fmt: skip
    for cell in data["cells"]:
        if "value" not in cell:
            assert cell["defense"] == "decree" or cell["attack"] in frozen
            assert cell["attack"] not in frozen or cell["why"]["en"] != "not run"
    page = (matrix / "report.html").read_text("utf-8")
    assert "random signs" in page
    assert "随机符号扰动" in page


def test_advclip_makes_its_patch_on_a_clip(matrix):
    data = json.loads((matrix / "arena.json").read_text("utf-8"))
    (cell, *_) = [
        one
        for one in data["cells"]
        if one["attack"] == "advclip-patch" and one["defense"] == "standard"
    ]
    assert 0 <= cell["value"] <= 1
    (made,) = (arena.cache_folder() / "attacks").glob("advclip-patch-*.npz")
    patch = load(made)
    assert patch.mask_HW.shape == (32, 32)
    assert patch.mask_HW.mean() == TINY.models.suite.share


def test_a_second_run_runs_nothing(matrix, tmp_path, monkeypatch, capsys):
    def refuse(*_):
        raise AssertionError("measured again")

    monkeypatch.setattr(arena, "_classify", refuse)
    monkeypatch.setattr(arena, "_judge", refuse)
    assert main(["study", "--quick", "--out", str(tmp_path), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    before = json.loads((matrix / "arena.json").read_text("utf-8"))
    assert data["cells"] == before["cells"]


def test_what_is_finished_can_be_written_at_any_time(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "empty"))
    assert main(["study", "--quick", "--finished", "--out", str(tmp_path)]) == 0
    data = json.loads((tmp_path / "arena.json").read_text("utf-8"))
    assert data["run"]["trials"] == {"finished": 0, "total": 21}
    assert not any("value" in cell for cell in data["cells"])
    assert "21 of 21 trials have not been run" in (tmp_path / "report.html").read_text(
        "utf-8"
    )


def test_a_seed_outside_the_population_is_refused(capsys):
    assert main(["study", "--quick", "--seeds", "7"]) == 2
    assert capsys.readouterr().err == "error: no seed 7 in the population; it has 0\n"


def test_help_has_an_example(capsys):
    for arguments in (["--help"], ["study", "--help"]):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 0
        told = " ".join(capsys.readouterr().out.split())  # lines break at any width
        assert "python -m reference_impls.arena study --quick" in told


def test_publishing_fills_both_readmes(tmp_path, monkeypatch, capsys):
    published = tmp_path / "reference_impls/arena.json"
    monkeypatch.setattr(command, "HERE", tmp_path)
    monkeypatch.setattr(command, "PUBLISHED", published)
    for name in command.READMES.values():
        text = f"top\n{command.START}\n{command.END}\nend\n"
        (tmp_path / name).write_text(text, "utf-8")
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "empty"))
    out = str(tmp_path / "out")
    assert main(["study", "--quick", "--finished", "--publish", "--out", out]) == 0
    data = json.loads(published.read_text("utf-8"))
    assert data["schema_version"] == 1
    assert data["cells"] == []
    for name in command.READMES.values():
        assert (tmp_path / name).read_text("utf-8").startswith("top\n<!-- results")
