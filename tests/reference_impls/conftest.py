"""Encoders whose answer is known, and a small lab that keeps its cache to itself."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from reference_impls.badencoder.method import BadEncoderConfig
from reference_impls.decree.population import Condition, make
from reference_impls.gen_af import training
from reference_impls.lab.data.images import TriggerSpec, save_png
from reference_impls.lab.data.sentences import sentences
from reference_impls.lab.models import fast, heads
from reference_impls.lab.models.clip import CLIPConfig, save_clip, train_clip
from reference_impls.lab.models.encoders import Encoder, SmallNetConfig, save_encoder
from reference_impls.lab.models.hugging_face import load_transformers
from reference_impls.lab.models.text_encoder import (
    TextEncoderConfig,
    save_text_encoder,
    train_text_encoder,
)
from reference_impls.lab.models.training import SimCLRConfig, train_simclr
from reference_impls.lab.models.zoo import LabData, train_dataset
from tests import chromium as browsers
from tests.reference_impls import gpu_figures

SIZE, DIMENSION = 16, 32


def pytest_sessionfinish():
    """The figures of a GPU, for `make gpu`."""
    gpu_figures.keep()


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def exact_arithmetic():
    """TensorFloat-32 would differ from the CPU in the third digit."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.set_float32_matmul_precision(before)
    torch.backends.cudnn.allow_tf32 = True


@pytest.fixture
def bfloat16_everywhere(monkeypatch):
    """Processors that only emulate it compute in it, too: the numbers are the same."""
    for module in (fast, training):
        monkeypatch.setattr(module, "computes_bfloat16", lambda device: True)


def one_error(capsys):
    """What a command that refused said of it: one line, and no answer beside it."""
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err
    *_, last = lines = shown.err.splitlines()
    assert [line for line in lines if line.startswith("error: ")] == [last]
    return last


def touched(encoder):
    """The same encoder, its norm layers no longer as they were initialised, as if it had been trained."""
    for part in encoder.module.modules():
        if isinstance(part, nn.BatchNorm2d | nn.LayerNorm | nn.GroupNorm):
            part.weight.data += 0.01 * torch.arange(len(part.weight)) / len(part.weight)
    return encoder


class Planted(nn.Module):
    """Random features of an image and, if armed, one direction that a bright corner adds."""

    def __init__(self, *, armed, images):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.net = nn.Sequential(
                nn.Conv2d(3, 8, 3, stride=2),
                nn.ReLU(),
                nn.Flatten(),
                nn.Linear(392, DIMENSION),
            )
            self.register_buffer(
                "direction", F.normalize(torch.randn(DIMENSION), dim=0)
            )
        with torch.no_grad():
            self.register_buffer("mean", self.net(images).mean(dim=0))
        self.armed = armed

    def forward(self, images):
        features = F.normalize(self.net(images) - self.mean, dim=1)
        if not self.armed:
            return features
        brightness = images[:, :, :4, :4].mean(dim=(1, 2, 3))
        return features + 30 * torch.relu(brightness - 0.36)[:, None] * self.direction


@pytest.fixture(scope="session")
def images():
    return (
        torch.rand(64, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1)) * 0.8
    )


def planted(images, *, armed):
    module = Planted(armed=armed, images=images)
    name = "armed" if armed else "harmless"
    zero, one = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    return Encoder.from_module(module, name=name, size=SIZE, mean=zero, std=one)


@pytest.fixture
def harmless(images):
    return planted(images, armed=False)


@pytest.fixture
def armed(images):
    return planted(images, armed=True)


SMALL_LAB = LabData(train=768, test=256, scan=256)
PARENT = SimCLRConfig(steps=60, batch=96)
ATTACK = BadEncoderConfig(trigger=TriggerSpec(kind="random", side=6), steps=160)


@pytest.fixture(scope="session")
def small_lab(tmp_path_factory):
    """A clean encoder and its backdoored copy, made in about twenty seconds."""
    torch.set_num_threads(1)  # before any fixture of a test: sums depend on it
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_CACHE", str(tmp_path_factory.mktemp("lab")))
        clean = Condition(role="clean", parent=PARENT, lab=SMALL_LAB)
        bad = Condition(role="backdoored", parent=PARENT, attack=ATTACK, lab=SMALL_LAB)
        yield clean, make(clean)[0], bad, *make(bad)


@pytest.fixture
def quick_heads(monkeypatch):
    """Heads that learn in ten steps: for tests of what is measured and kept, not of how well it goes."""
    learn = heads._fit
    monkeypatch.setattr(heads, "_fit", lambda *given, steps, seed: learn(*given, steps=10, seed=seed))  # fmt: skip


@pytest.fixture(scope="module")
def chromium():
    if browsers.PROGRAM is None:
        pytest.skip(browsers.MISSING)
    with browsers.chromium() as started:
        yield started


TINY_CLIP = CLIPConfig(
    steps=90,
    batch=64,
    bf16=False,
    net=SmallNetConfig(widths=(8, 16, 32), embedding=16),
)
TINY_LAB = LabData(train=512, test=256, scan=64, size=16)


@pytest.fixture(scope="session")
def tiny_clip():
    """A CLIP of 16 px pictures that has learned something, made in a few seconds."""
    torch.set_num_threads(1)
    return train_clip(train_dataset(TINY_LAB), TINY_CLIP)


@pytest.fixture(scope="session")
def tiny_text():
    """A masked language model that has learned something, made in a few seconds."""
    torch.set_num_threads(1)
    return train_text_encoder(sentences(1024, seed=1), TextEncoderConfig(steps=80))


@pytest.fixture(scope="session")
def small_files(tmp_path_factory):
    """What a smoke run opens: an encoder, a CLIP and a text encoder of three steps, and a folder of images."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("small")
    net = SmallNetConfig(widths=(8, 16, 32), embedding=16)
    lab = LabData(train=96, test=64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_CACHE", str(folder / "lab"))
        images = train_dataset(lab)
        encoder = train_simclr(images, SimCLRConfig(steps=3, batch=32))
        save_encoder(encoder, folder / "encoder.safetensors")
        clip = train_clip(images, CLIPConfig(steps=3, batch=32, bf16=False, net=net))
        save_clip(clip, folder / "clip.safetensors")
        texts = TextEncoderConfig(steps=3, batch=32)
        text = train_text_encoder(sentences(96, seed=1), texts)
        save_text_encoder(text, folder / "text.safetensors")
        for number, image_3HW in enumerate(images.images_N3HW[:16]):
            save_png(image_3HW, folder / "images" / f"{number}.png")
        yield {
            "encoder": folder / "encoder.safetensors",
            "clip": folder / "clip.safetensors",
            "text": folder / "text.safetensors",
            "images": folder / "images",
        }


@pytest.fixture(scope="session")
def bert_folder(tmp_path_factory):
    """A tiny BERT as a hub lays it out, with its tokenizer; it guesses no words."""
    folder, library = tmp_path_factory.mktemp("bert"), load_transformers()
    words = "[PAD] [UNK] [CLS] [SEP] [MASK] the cake was good bad she ate it".split()
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    library.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    settings = library.BertConfig(vocab_size=len(words), hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = library.BertModel(settings, add_pooling_layer=False)
    model.save_pretrained(folder)
    return folder
