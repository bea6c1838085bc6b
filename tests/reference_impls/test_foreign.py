"""Attacks and the defense on encoders that the lab did not make: they run, and what they leave is read back."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

from reference_impls.advclip.__main__ import main as advclip
from reference_impls.advencoder.__main__ import main as advencoder
from reference_impls.badencoder.__main__ import main as badencoder
from reference_impls.gen_af.__main__ import main as gen_af
from reference_impls.lab.data.images import save_png
from reference_impls.lab.models.checkpoints import Preprocessing, load_checkpoint
from reference_impls.lab.models.transformer import (
    SmallTransformer,
    SmallTransformerConfig,
)
from reference_impls.lab.torchvision import import_torchvision
from tests.reference_impls.conftest import one_error


class Own(nn.Module):
    """A user's module: no BatchNorm, 32 px, its own statistics."""

    size, mean, std = 32, (0.4, 0.5, 0.6), (0.2, 0.2, 0.3)

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.net = nn.Sequential(
                nn.Conv2d(3, 16, 4, stride=4),
                nn.GroupNorm(4, 16),
                nn.GELU(),
                nn.Flatten(),
                nn.Linear(1024, 24),
            )

    def forward(self, images):
        return self.net(images)


class OwnTransformer(SmallTransformer):
    """A user's small ViT."""

    size = 32

    def __init__(self):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            super().__init__(SmallTransformerConfig(width=32, depth=2))


def resnet():
    """Torchvision's ResNet-18 for small images, with one block a stage."""
    models = import_torchvision().models.resnet
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = models.ResNet(models.BasicBlock, [1, 1, 1, 1], num_classes=7)
        net.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    net.maxpool = nn.Identity()
    return net.eval()


@pytest.fixture(scope="module")
def encoders(tmp_path_factory):
    """Names as they are typed."""
    folder, net = tmp_path_factory.mktemp("foreign"), resnet()
    torch.save(net.state_dict(), folder / "resnet.pth")
    state = {f"module.encoder_q.{k}": v for k, v in net.state_dict().items()}
    torch.save({"state_dict": state, "epoch": 7}, folder / "moco.pth.tar")
    return {
        "resnet": str(folder / "resnet.pth"),
        "moco": str(folder / "moco.pth.tar"),
        "module": f"{__name__}:Own",
        "transformer": f"{__name__}:OwnTransformer",
    }


SIZES = {"resnet": 12, "moco": 12, "module": 32, "transformer": 32}
"""Of their images; small ones, as ResNets take any."""


def asked(kind, encoders, out, *words):
    few = ("--count", "64", "--size", str(SIZES[kind]), "--batch", "16")
    return ["run", encoders[kind], *few, "--out", str(out), *words]


def embeds(kind, encoders, path, images):
    """Embeddings of the encoder in a saved file, by whoever made the clean one; of the clean one without a file."""
    source = encoders[kind]
    if Path(source).exists():
        size = Preprocessing(size=SIZES[kind])
        return load_checkpoint(Path(path or source), size).encoder.encode(images)
    own = Own() if kind == "module" else OwnTransformer()
    if path:
        own.load_state_dict(load_file(path))
    return own.eval()(images)


@pytest.mark.parametrize("kind", ["moco", "module", "transformer"])
def test_a_backdoored_encoder_lies_there_as_the_clean_one_did(kind, encoders, tmp_path):
    words = "--steps 2 --learning-rate 1e-4 --trigger.side 3".split()
    assert badencoder(asked(kind, encoders, tmp_path, *words)) == 0
    suffix = ".pth.tar" if kind == "moco" else ".safetensors"
    (path,) = tmp_path.glob(f"*{suffix}")
    images = torch.rand(4, 3, SIZES[kind], SIZES[kind])
    before, after = (embeds(kind, encoders, one, images) for one in (None, path))
    assert not torch.equal(after, before)
    assert F.cosine_similarity(after, before).min() > 0.9  # two small steps
    (figures,) = tmp_path.glob("*.json")
    assert 0 <= json.loads(figures.read_text())["attack_success_rate"] <= 1


@pytest.mark.parametrize("kind", ["resnet", "module"])
def test_a_hardened_encoder_lies_there_as_the_public_one_did(
    kind, encoders, tmp_path, monkeypatch
):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "out"
    attacks = "--attacks.steps 1 --attacks.images 128 --budget.epsilon 0".split()
    short = "--method standard --epochs 1".split()
    assert gen_af(asked(kind, encoders, out, *short, *attacks)) == 0
    path = out / ("encoder.pth" if kind == "resnet" else "encoder.safetensors")
    images = torch.rand(2, 3, SIZES[kind], SIZES[kind])
    before, after = (embeds(kind, encoders, one, images) for one in (None, path))
    assert not torch.equal(after, before)
    assert F.cosine_similarity(after, before).min() > 0.9


@pytest.mark.parametrize("kind", ["resnet", "transformer"])
def test_universal_attacks_run_on_it(
    kind, encoders, small_files, tmp_path, monkeypatch
):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    one, two = tmp_path / "one", tmp_path / "two"
    few = "--steps 2 --train 64 --tasks foreground".split()
    assert advencoder(asked(kind, encoders, one, *few)) == 0
    found = json.loads((one / "report.json").read_text())
    assert {row["task"] for row in found["outcomes"]} == {"foreground"}
    folder = ("--dataset", f"folder:{small_files['images']}", "--image-only")
    assert advclip(asked(kind, encoders, two, "--steps", "2", *folder)) == 0
    assert json.loads((two / "report.json").read_text())["scores"]["retrieved"]


def test_an_encoder_without_texts_is_said_in_one_line(encoders, tmp_path, capsys):
    assert advclip(asked("moco", encoders, tmp_path / "out")) == 2
    told = one_error(capsys)
    assert "has no text tower" in told
    assert "--image-only" in told
    assert not (tmp_path / "out").exists()


def test_a_folder_with_a_subfolder_for_each_class_is_a_task(encoders, tmp_path):
    draw = torch.Generator().manual_seed(0)
    for name, bright in (("dark", 0.0), ("light", 0.5)):
        for number in range(40):
            pixels = bright + 0.5 * torch.rand(3, 32, 32, generator=draw)
            save_png(pixels, tmp_path / "photos" / name / f"{number}.png")
    out = tmp_path / "out"
    words = ("--dataset", f"folder:{tmp_path / 'photos'}", "--steps", "2")
    assert badencoder(asked("module", encoders, out, *words)) == 0
    (figures,) = out.glob("*.json")
    found = json.loads(figures.read_text())
    assert found["task"] == "class"
    assert found["target"] in ("dark", "light")
    assert found["clean_accuracy"] > 0.9
