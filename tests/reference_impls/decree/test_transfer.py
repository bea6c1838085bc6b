"""One encoder of the transfer population, from its recipe to its trial, with few steps of everything."""

from dataclasses import replace

from reference_impls.badencoder.method import BadEncoderConfig
from reference_impls.decree.config import ROBUST
from reference_impls.decree.study import TRANSFER
from reference_impls.decree.transfer import Condition
from reference_impls.lab.data.images import TriggerSpec
from reference_impls.lab.models.families import Recipe

RECIPE = Recipe(
    family="mobilenet",
    objective="masked",
    pictures="shapes",
    steps=2,
    batch=16,
    count=64,
)
ATTACK = BadEncoderConfig(trigger=TriggerSpec(side=5), steps=2, batch=8)
FAST = replace(ROBUST, max_epochs=1, restarts=2, target_cosine=0.9, bf16=False)


def test_a_condition_gives_one_trial_and_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    clean = Condition(role="clean", recipe=RECIPE, config=FAST)
    double = replace(clean, role="double", attacks=(ATTACK, replace(ATTACK, seed=1)))
    first, second = TRANSFER.run([clean, double])
    assert (first.role, first.trigger, first.success) == ("clean", None, None)
    assert first.works
    assert second.trigger == "white-5-bottom-right + white-5-bottom-right"
    assert 0 <= second.success <= 1
    assert not second.works  # two steps plant nothing
    for one in (first, second):
        assert len(one.sizes) in (0, 2, 3)
        assert len(one.stubbornness) == max(0, len(one.sizes) - 1)
    files = {path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
    assert TRANSFER.run([clean, double]) == [first, second]
    assert {p.stat().st_mtime_ns for p in tmp_path.rglob("*.safetensors")} == files
