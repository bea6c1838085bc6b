"""A changed encoder lies in a file as the clean one did: same names, same precision, same embeddings."""

from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from reference_impls.lab.models import saving
from reference_impls.lab.models.checkpoints import Preprocessing, load_checkpoint
from reference_impls.lab.models.encoders import (
    SmallNetConfig,
    load_encoder,
    save_encoder,
    small_encoder,
)
from reference_impls.lab.models.saving import places, save_like
from reference_impls.lab.models.tensor_files import read_state
from reference_impls.lab.torchvision import import_torchvision
from tests.reference_impls.lab.test_formats import CASES, write


def resnet():
    """Of one block a stage, for small images; its BatchNorms are all alike, as after initialisation."""
    models = import_torchvision().models.resnet
    torch.manual_seed(0)
    net = models.ResNet(models.BasicBlock, [1, 1, 1, 1], num_classes=7)
    net.conv1, net.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()
    return net.eval()


def numbered(net):
    """SimCLR's: children without maxpool and fc, by number."""
    kept = [child for name, child in net.named_children() if name not in ("maxpool", "fc")]  # fmt: skip
    return {f"f.{key}": value for key, value in nn.Sequential(*kept).state_dict().items()}  # fmt: skip


def moco(net):
    """Both encoders hold the same values, as before the first step."""
    pairs = net.state_dict().items()
    return {f"module.encoder_{n}.{k}": v.clone() for n in "qk" for k, v in pairs}


FORMS = {
    "plain.pth": lambda net: net.state_dict(),
    "moco.pth.tar": lambda net: {"epoch": 3, "state_dict": moco(net)},
    "simclr.pth": lambda net: {"state_dict": numbered(net)},
    "half.safetensors": lambda net: {k: v.half() for k, v in net.state_dict().items()},
}


def written(path, content):
    if path.suffix == ".safetensors":
        save_file(content, path)
    else:
        torch.save(content, path)
    return str(path)


def changed(encoder):
    """Every weight is another."""
    copy = encoder.copy()
    with torch.no_grad():
        for weight in copy.module.parameters():
            weight.add_(0.05 * torch.rand_like(weight))
    return copy


@pytest.mark.parametrize("form", FORMS)
def test_a_file_keeps_its_names_and_its_other_tensors(form, tmp_path):
    source = written(tmp_path / form, FORMS[form](resnet()))
    clean = load_checkpoint(tmp_path / form).encoder
    attacked = changed(clean)
    path = save_like(source, attacked, tmp_path / "attacked")
    assert path.name == f"attacked{form[form.index('.') :]}"
    before, after = read_state(tmp_path / form), read_state(path)
    assert before.keys() == after.keys()
    assert all(before[name].dtype == after[name].dtype for name in before)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    weights = len(list(clean.module.parameters()))
    assert len(moved) == weights
    assert not any("fc." in name or "encoder_k" in name for name in moved)
    again, images = load_checkpoint(path).encoder, torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(
        again.encode(images), attacked.encode(images), rtol=2e-2, atol=2e-2
    )


def test_a_users_own_program_reads_it_back(tmp_path):
    net = resnet()
    source = written(tmp_path / "mine.pth", net.state_dict())
    attacked = changed(load_checkpoint(tmp_path / "mine.pth").encoder)
    path = save_like(source, attacked, tmp_path / "attacked")
    again = resnet()
    again.load_state_dict(torch.load(path, weights_only=True))
    torch.testing.assert_close(
        again.layer4[0].conv2.weight, attacked.module.layer4[0].conv2.weight
    )
    torch.testing.assert_close(again.fc.weight, net.fc.weight)


def test_lab_encoders_and_modules_become_safetensors(tmp_path):
    encoder = small_encoder(SmallNetConfig(widths=(8, 8, 16)), name="tiny", seed=0)
    save_encoder(encoder, tmp_path / "tiny.safetensors")
    attacked = changed(encoder).named("attacked")
    path = save_like(str(tmp_path / "tiny.safetensors"), attacked, tmp_path / "a.b")
    assert path.name == "a.b.safetensors"
    assert load_encoder(path).name == "attacked"
    path = save_like("my.models:build", attacked, tmp_path / "own")
    assert load_file(path).keys() == attacked.module.state_dict().keys()


def test_what_a_package_carries_comes_back_as_its_file(tmp_path, monkeypatch):
    written(tmp_path / "carried.pth", resnet().state_dict())
    carried = SimpleNamespace(path=tmp_path / "carried.pth")
    monkeypatch.setattr(saving, "packages", lambda: {"known": carried})
    attacked = changed(load_checkpoint(carried.path).encoder)
    path = save_like("package:known", attacked, tmp_path / "attacked")
    assert path.name == "attacked.pth"
    assert read_state(path).keys() == read_state(carried.path).keys()


def test_alike_layers_are_told_apart_by_their_names_then_by_their_order():
    ones = torch.ones(2)
    file = {"a.2.weight": ones, "a.10.weight": ones, "b.x": ones, "other": ones + 1}
    module = {"layer.10.weight": ones, "layer.2.weight": ones, "last": ones}
    assert places(file, module) == {
        "a.2.weight": "layer.2.weight",
        "a.10.weight": "layer.10.weight",
        "b.x": "last",
    }


@pytest.mark.parametrize(
    "name",
    [
        "hugging face clip in shards",
        "hugging face vit folder",
        "timm folder of a model hub",
    ],
)
def test_a_folder_of_a_model_hub_becomes_a_folder(name, tmp_path):
    torch.manual_seed(0)
    one = CASES[name]()
    (tmp_path / "clean").mkdir()
    source = write(one.content, tmp_path / "clean", one.suffix)
    options = Preprocessing(size=one.size, **one.options)
    attacked = changed(load_checkpoint(source, options).encoder)
    path = save_like(str(source), attacked, tmp_path / "attacked", options)
    assert {"config.json", "model.safetensors"} == {file.name for file in path.iterdir()}  # fmt: skip
    assert read_state(path).keys() == read_state(source).keys()
    again, images = load_checkpoint(path, options).encoder, torch.rand(2, 3, one.size, one.size)  # fmt: skip
    torch.testing.assert_close(
        again.encode(images), attacked.encode(images), rtol=1e-4, atol=1e-4
    )
