"""Encoders by name: no weight travels unasked, every missing thing is one line."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from reference_impls.lab.errors import ConfigError, DeviceError, EncoderError
from reference_impls.lab.models.checkpoints import Preprocessing
from reference_impls.lab.models.encoders import (
    SmallNetConfig,
    save_encoder,
    small_encoder,
)
from reference_impls.lab.models.named import Weights, open_encoder

RANDOM = Weights(random=True)
SMALL = Preprocessing(size=64)


def build():
    """A module of one's own."""
    torch.manual_seed(1)
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 5))
    net.size = 8
    return net


def text():
    return "no module"


def build_with(**attributes):
    """A factory whose module has these attributes; tensors become buffers."""

    def make():
        net = build()
        for name, value in attributes.items():
            if isinstance(value, torch.Tensor):
                net.register_buffer(name, value)
            else:
                setattr(net, name, value)
        return net

    return make


class Breaks(nn.Module):
    def forward(self, images):
        raise KeyError("lost\nin two lines")


def raising(error):
    def make():
        raise error

    return make


@pytest.mark.parametrize(
    "name",
    ["torchvision:resnet18", "timm:resnet18", "open_clip:RN50", "hf-clip:openai/x"],
)
def test_weights_are_not_downloaded_unasked(name):
    with pytest.raises(ConfigError, match="add --download"):
        open_encoder(name)


@pytest.mark.parametrize(
    ("name", "width"),
    [
        ("torchvision:resnet18", 512),
        ("torchvision:mobilenet_v3_small", 576),
        ("torchvision:swin_t", 768),
    ],
)
def test_torchvision_models_lose_their_classifier(name, width):
    assert open_encoder(name, SMALL, weights=RANDOM).encoder.dimension == width


def test_timm_models_know_their_statistics():
    pytest.importorskip("timm", reason="timm is not installed", exc_type=ImportError)
    encoder = open_encoder("timm:vit_tiny_patch16_224", weights=RANDOM).encoder
    assert (encoder.size, encoder.mean, encoder.dimension) == (
        224,
        (0.5, 0.5, 0.5),
        192,
    )


def test_open_clip_gives_the_image_tower():
    pytest.importorskip(
        "open_clip", reason="open_clip is not installed", exc_type=ImportError
    )
    encoder = open_encoder("open_clip:RN50", weights=RANDOM).encoder
    assert (encoder.size, encoder.dimension) == (224, 1024)
    assert encoder.mean[0] == pytest.approx(0.4815, abs=1e-4)


def test_hugging_face_gives_projected_embeddings():
    pytest.importorskip("transformers", reason="transformers is not installed")
    assert (
        open_encoder(
            "hf-clip:openai/clip-vit-base-patch32", weights=RANDOM
        ).encoder.dimension
        == 512
    )


def test_a_missing_library_is_one_line_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(DeviceError, match="pip install transformers"):
        open_encoder("hf-clip:openai/clip-vit-base-patch32", weights=RANDOM)


def test_a_module_of_ones_own_says_its_size():
    encoder = open_encoder(f"{__name__}:build").encoder
    images = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(encoder.encode(images), build()(images))


THREE = torch.tensor([0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (THREE, (0.1, 0.2, 0.3)),
        (THREE.view(1, 3, 1, 1), (0.1, 0.2, 0.3)),
        (THREE.numpy(), (0.1, 0.2, 0.3)),
        ([0.1, 0.2, 0.3], (0.1, 0.2, 0.3)),
        ((0.5,), (0.5,) * 3),
        (0.5, (0.5,) * 3),
        (torch.tensor([[[0.5]]]), (0.5,) * 3),
        (None, None),
        (len, None),
    ],
)
def test_statistics_of_ones_own_module_may_have_any_form(monkeypatch, value, expected):
    make = build_with(mean=value, std=value)
    monkeypatch.setattr(sys.modules[__name__], "made", make, raising=False)
    loaded = open_encoder(f"{__name__}:made")
    assert loaded.encoder.mean == pytest.approx(expected or (0.0,) * 3)
    assert loaded.encoder.std == pytest.approx(expected or (1.0,) * 3)
    buffers = isinstance(value, torch.Tensor)
    assert ("--statistics none" in "".join(loaded.lines())) == buffers


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (build_with(mean=(0.1, 0.2)), "mean must be one number or three"),
        (build_with(mean=(123.7, 116.3, 103.5)), r"for images in \[0, 1\]"),
        (build_with(std=(0.5, 0.0, 0.5)), "std must be above 0"),
        (build_with(mean="gray"), "mean must be three numbers, got 'gray'"),
        (build_with(size="big"), "size must be a number of pixels, got 'big'"),
        (build_with(size=(0, 0)), "at least 1 pixel"),
        (raising(ZeroDivisionError("no\nway")), "raised ZeroDivisionError: no$"),
        (raising(SystemExit(1)), "raised SystemExit: 1"),
        (raising(AssertionError()), "raised AssertionError$"),
        (Breaks, "does not take images of 224x224 pixels: KeyError"),
    ],
)
def test_whatever_ones_own_module_does_is_one_line(monkeypatch, make, message):
    monkeypatch.setattr(sys.modules[__name__], "made", make, raising=False)
    with pytest.raises(EncoderError, match=message) as caught:
        open_encoder(f"{__name__}:made")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def build(:", "importing it raised SyntaxError"),
        ("1 / 0", "importing it raised ZeroDivisionError"),
        ("raise SystemExit(1)", "importing it raised SystemExit"),
        ("import no_such_thing", "no module 'no_such_thing'"),
    ],
)
def test_a_module_that_cannot_be_imported_is_one_line(
    tmp_path, monkeypatch, source, message
):
    (tmp_path / "broken_module.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EncoderError, match=message):
        open_encoder("broken_module:build")


def test_a_file_is_a_name_too(tmp_path):
    path = tmp_path / "lab.safetensors"
    save_encoder(small_encoder(SmallNetConfig(), name="lab-7", seed=0), path)
    assert open_encoder(str(path)).encoder.name == "lab-7"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet18", "give a file or a name such as"),
        ("torchvision:resnet17", "no classification model 'resnet17'"),
        ("no_such_package:build", "no module 'no_such_package'"),
        (f"{__name__}:nothing", "has no 'nothing'"),
        (f"{__name__}:text", "must return a torch.nn.Module, got str"),
    ],
)
def test_names_that_lead_nowhere_are_explained(name, message):
    with pytest.raises(EncoderError, match=message):
        open_encoder(name, weights=RANDOM)


def test_the_lab_is_imported_without_torchvision_and_the_optional_libraries():
    program = (
        "import sys, reference_impls.lab.models.named; "
        "print([m for m in ('torchvision', 'timm', 'open_clip', 'transformers', 'surveykit', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
