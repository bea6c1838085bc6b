import json

import torch

from reference_impls.lab.cache import content_key
from reference_impls.lab.data.images import Trigger, TriggerSpec
from reference_impls.lab.models.encoders import SmallNetConfig, load_encoder
from reference_impls.lab.models.training import SimCLRConfig
from reference_impls.lab.models.zoo import LabData, clean_encoder
from reference_impls.lab.records import as_data, surroundings, write_json

NET = SmallNetConfig(widths=(8, 8, 16))


def test_a_key_changes_with_any_setting_and_only_then():
    assert content_key(SimCLRConfig(), 1) == content_key(SimCLRConfig(), 1)
    keys = {
        content_key(SimCLRConfig(), 1),
        content_key(SimCLRConfig(), 2),
        content_key(SimCLRConfig(seed=1), 1),
        content_key(SimCLRConfig(net=NET), 1),
    }
    assert len(keys) == 4


def test_an_encoder_is_trained_once(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    config = SimCLRConfig(steps=2, batch=8, net=NET, bf16=False)
    lab, steps = LabData(train=16), []
    for _ in range(2):
        encoder = clean_encoder(config, lab, progress=lambda *step: steps.append(step))
    assert len(steps) == 2
    (path,) = (tmp_path / "encoders").iterdir()
    images = torch.rand(2, 3, 32, 32)
    assert torch.equal(load_encoder(path).encode(images), encoder.encode(images))


def test_reports_hold_settings_and_figures_but_no_pictures(tmp_path):
    trigger = Trigger(torch.ones(2, 2), torch.ones(3, 2, 2))
    write_json({"spec": TriggerSpec(), "numbers": (1, 2.5, None)}, tmp_path / "r.json")
    read = json.loads((tmp_path / "r.json").read_text())
    assert read["spec"]["kind"] == "white"
    assert read["numbers"] == [1, 2.5, None]
    assert as_data(trigger) == {}


def test_the_surroundings_name_versions_and_seconds():
    about = surroundings(device=torch.device("cpu"), seconds=1.234)
    assert about["seconds"] == 1.23
    assert about["versions"]["torch"] == torch.__version__
    assert about["device"] == "CPU"
