"""Checkpoints in the wild: each published form gives back the embeddings it was made with."""

import argparse
import collections
import zipfile

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from reference_impls.lab.errors import ConfigError, EncoderError
from reference_impls.lab.models.checkpoints import Preprocessing, load_checkpoint
from reference_impls.lab.models.encoders import (
    SmallNetConfig,
    save_encoder,
    small_encoder,
)
from reference_impls.lab.models.formats.clip import clip_resnet
from reference_impls.lab.torchvision import import_torchvision

CIFAR = ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def resnet(name="resnet18", *, small=False, padding=1):
    net = getattr(import_torchvision().models, name)(weights=None)
    if small:
        net.conv1 = nn.Conv2d(3, 64, 3, stride=1, padding=padding, bias=False)
        net.maxpool = nn.Identity()
    return unsettle(net)


def unsettle(net):
    """Batch statistics that are not the initial ones: an encoder that lost them would be noticed."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
    return net.eval()


def simclr(net):
    """As BadEncoder's and DECREE's programs wrap it: children without maxpool and fc."""
    kept = [
        child for name, child in net.named_children() if name not in ("maxpool", "fc")
    ]
    model, model.f = nn.Module(), nn.Module()
    model.f.f = nn.Sequential(*kept)
    model.g = nn.Sequential(
        nn.Linear(net.fc.in_features, 512, bias=False),
        nn.BatchNorm1d(512),
        nn.ReLU(),
        nn.Linear(512, 128),
    )
    return model.eval()


def expected(net, images, mean, std):
    """What the published programs compute: normalise, then the network without classifier."""
    if hasattr(net, "fc"):
        net.fc = nn.Identity()
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (mean, std))
    with torch.no_grad():
        return net((images - mean) / std)


def prefixed(net, prefix):
    return {prefix + key: value for key, value in net.state_dict().items()}


def save(path, state, **beside):
    torch.save({"epoch": 3, "state_dict": state, **beside}, path)
    return path


def check(path, net, statistics, size, preprocessing=None):
    """The loaded encoder gives the embeddings of `net`."""
    loaded = load_checkpoint(path, preprocessing or Preprocessing(size=size))
    images = torch.rand(2, 3, size, size)
    torch.testing.assert_close(
        loaded.encoder.encode(images), expected(net, images, *statistics)
    )
    return loaded


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50"])
def test_simclr_models_of_every_depth_come_back(tmp_path, name):
    net = resnet(name, small=True)
    model = simclr(net)
    loaded = check(
        save(tmp_path / "model.pth", model.state_dict(), optimizer={}), net, CIFAR, 16
    )
    assert loaded.missing == ()
    assert {key.partition(".")[0] for key in loaded.unexpected} == {"g"}


def test_an_encoder_alone_comes_back(tmp_path):
    net = resnet(small=True)
    loaded = check(
        save(tmp_path / "model.pth", simclr(net).f.state_dict()),
        net,
        CIFAR,
        32,
        Preprocessing(),
    )
    assert loaded.unexpected == ()
    assert loaded.encoder.size == 32


def test_moco_keeps_the_query_encoder_and_says_what_it_leaves(tmp_path):
    net, momentum = resnet(), resnet()
    state = prefixed(momentum, "module.encoder_k.") | prefixed(net, "module.encoder_q.")
    state["module.queue"] = torch.rand(8, 8)
    path = save(tmp_path / "checkpoint_0199.pth.tar", state, arch="resnet18")
    loaded = check(path, net, IMAGENET, 64)
    assert "module.queue" in loaded.unexpected
    assert "module.encoder_q.fc.weight" in loaded.unexpected


def test_moco_without_a_classifier_comes_back(tmp_path):
    net = resnet(small=True)
    state = {
        key: v
        for key, v in prefixed(net, "module.encoder_q.").items()
        if ".fc." not in key
    }
    assert check(save(tmp_path / "m.pth", state), net, CIFAR, 16).unexpected == ()


@pytest.mark.parametrize(("small", "statistics"), [(True, CIFAR), (False, IMAGENET)])
def test_solo_learn_pads_its_small_stem_by_two(tmp_path, small, statistics):
    net = resnet(small=small, padding=2)
    net.fc = nn.Identity()
    momentum = resnet(small=small)
    state = prefixed(momentum, "momentum_backbone.") | prefixed(net, "backbone.")
    state |= prefixed(nn.Linear(512, 10), "classifier.")
    loaded = check(
        save(
            tmp_path / "simclr.ckpt", state, hyper_parameters=argparse.Namespace(lr=1)
        ),
        net,
        statistics,
        40,
    )
    assert "classifier.weight" in loaded.unexpected


@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_plain_resnets_come_back_from_every_wrapper(tmp_path, wrapper, prefix):
    net = resnet()
    state = collections.OrderedDict(prefixed(net, prefix))
    torch.save({wrapper: state} if wrapper else state, tmp_path / "resnet.pt")
    loaded = check(tmp_path / "resnet.pt", net, IMAGENET, 64)
    assert loaded.unexpected == (f"{prefix}fc.weight", f"{prefix}fc.bias")


@pytest.mark.parametrize("name", ["resnext50_32x4d", "wide_resnet50_2"])
def test_groups_and_widths_are_read_off_the_shapes(tmp_path, name):
    net = resnet(name)
    save_file(net.state_dict(), tmp_path / "net.safetensors")
    check(tmp_path / "net.safetensors", net, IMAGENET, 64)


def test_imagenet_resnets_below_visual_come_back(tmp_path):
    net = resnet()
    assert (
        "visual"
        in check(
            save(tmp_path / "i.pth", prefixed(net, "visual.")), net, IMAGENET, 64
        ).format
    )


@pytest.fixture(scope="module")
def open_clip():
    import_torchvision()
    return pytest.importorskip("open_clip", reason="open_clip is not installed")


def test_clip_image_towers_come_back_with_the_published_statistics(tmp_path, open_clip):
    net = unsettle(open_clip.create_model("RN50", pretrained=None).visual)
    loaded = check(
        save(tmp_path / "clip.pth", prefixed(net, "visual.")),
        net,
        IMAGENET,
        224,
        Preprocessing(),
    )
    assert loaded.encoder.dimension == 1024


def test_whole_clips_come_back_with_clips_statistics(tmp_path, open_clip):
    net = unsettle(open_clip.create_model("RN50", pretrained=None))
    state = {
        key: value
        for key, value in net.state_dict().items()
        if not key.startswith("transformer.")
    }
    torch.save(state, tmp_path / "rn50.pt")
    loaded = check(tmp_path / "rn50.pt", net.visual, CLIP, 224, Preprocessing())
    assert "logit_scale" in loaded.unexpected


@pytest.mark.parametrize("quick", [False, True])
def test_vision_transformers_come_back(tmp_path, open_clip, quick):
    from open_clip.transformer import QuickGELU, VisionTransformer

    act = QuickGELU if quick else nn.GELU
    net = VisionTransformer(64, 16, 128, 2, 2, 4.0, output_dim=32, act_layer=act).eval()
    text = prefixed(open_clip.transformer.Transformer(64, 1, 1), "transformer.")
    state = text | prefixed(net, "visual.") | {"logit_scale": torch.tensor(1.0)}
    if quick:  # what OpenAI's files carry, and no others
        state["input_resolution"] = torch.tensor(64)
    torch.save(state, tmp_path / "vit.pt")
    loaded = check(tmp_path / "vit.pt", net, CLIP, 64, Preprocessing())
    assert "transformer.resblocks.0.ln_1.weight" in loaded.unexpected


def test_half_precision_weights_are_read_as_single(tmp_path):
    net = resnet()
    save(
        tmp_path / "half.pth",
        {
            key: v.half() if v.is_floating_point() else v
            for key, v in net.state_dict().items()
        },
    )
    loaded = load_checkpoint(tmp_path / "half.pth", Preprocessing(size=32))
    assert next(loaded.encoder.module.parameters()).dtype == torch.float32


def test_lab_encoders_come_back(tmp_path):
    encoder = small_encoder(SmallNetConfig(), name="lab-1", seed=0)
    save_encoder(encoder, tmp_path / "lab.safetensors")
    images = torch.rand(2, 3, 32, 32)
    loaded = load_checkpoint(tmp_path / "lab.safetensors")
    assert loaded.encoder.name == "lab-1"
    torch.testing.assert_close(loaded.encoder.encode(images), encoder.encode(images))


def test_size_and_statistics_can_be_chosen(tmp_path):
    net = resnet(small=True)
    path = save(tmp_path / "stl.pth", simclr(net).f.state_dict())
    stl10 = ((0.44087798, 0.42790666, 0.38678814), (0.25507198, 0.24801506, 0.25641308))
    check(path, net, stl10, 24, Preprocessing(size=24, statistics="stl10"))
    with pytest.raises(
        ConfigError, match="unknown statistics 'svhn'; choose one of cifar"
    ):
        Preprocessing(statistics="svhn")


def test_what_was_found_is_said_in_lines(tmp_path):
    net = resnet(small=True)
    loaded = load_checkpoint(
        save(tmp_path / "e.pth", simclr(net).state_dict()), Preprocessing(size=16)
    )
    first, second = loaded.lines()
    assert first.startswith("e: ResNet, SimCLR keys below 'f.f.'; 16 px")
    assert (
        second
        == "not used: g.0.weight, g.1.weight, g.1.bias, g.1.running_mean and 4 more"
    )


# -- Bad files -----------------------------------------------------------------------


class Payload:
    def __reduce__(self):
        return (print, ("code ran",))


def refusal(path):
    with pytest.raises(EncoderError) as caught:
        load_checkpoint(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_pickled_code_is_refused_and_does_not_run(tmp_path, capsys):
    torch.save(
        {"state_dict": resnet().state_dict(), "x": Payload()}, tmp_path / "evil.pth"
    )
    assert "pickled code" in refusal(tmp_path / "evil.pth")
    assert capsys.readouterr().out == ""


def test_a_whole_module_is_refused_with_its_class(tmp_path):
    torch.save(nn.Sequential(nn.Linear(2, 2)), tmp_path / "module.pth")
    assert "torch.nn.modules.container.Sequential" in refusal(tmp_path / "module.pth")


def test_a_torchscript_program_is_refused(tmp_path):
    path = tmp_path / "script.pt"
    torch.save(resnet().state_dict(), path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("script/constants.pkl", b"")
        archive.writestr("script/code/x.py", b"")
    assert "is a TorchScript program, which was not run" in refusal(path)


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
@pytest.mark.parametrize("kept", [0, 100, 0.5, 0.99])
def test_truncated_files_are_said_to_be(tmp_path, suffix, kept):
    path = tmp_path / f"cut.{suffix}"
    state = resnet().state_dict()
    save_file(state, path) if suffix == "safetensors" else torch.save(state, path)
    data = path.read_bytes()
    path.write_bytes(data[: int(kept if kept >= 1 else len(data) * kept)])
    message = refusal(path)
    assert "truncated" in message or "damaged" in message


def test_a_picture_is_no_checkpoint(tmp_path):
    (tmp_path / "cat.pth").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 64)
    assert "no PyTorch file" in refusal(tmp_path / "cat.pth")


def test_no_file_is_said_to_be_missing(tmp_path):
    assert "no encoder file" in refusal(tmp_path / "none.pth")


def test_no_tensors_are_said_to_be_missing(tmp_path):
    torch.save({"epoch": 3}, tmp_path / "empty.pth")
    assert "holds no tensors" in refusal(tmp_path / "empty.pth")


def test_an_unknown_architecture_is_said_with_what_was_found(tmp_path):
    torch.save({"embed.weight": torch.rand(2, 2)}, tmp_path / "lm.pth")
    assert refusal(tmp_path / "lm.pth").endswith("it holds embed.weight")


def test_a_wrong_shape_is_another_architecture(tmp_path):
    state = resnet().state_dict()
    state["layer3.0.conv1.weight"] = torch.rand(7, 128, 3, 3)
    message = refusal(save(tmp_path / "odd.pth", state))
    assert (
        "layer3.0.conv1.weight has shape (7, 128, 3, 3), (256, 128, 3, 3) was expected"
        in message
    )


def test_missing_weights_are_named(tmp_path):
    state = resnet().state_dict()
    del state["layer2.0.bn1.weight"]
    assert "lacks weights of its architecture: layer2.0.bn1.weight" in refusal(
        save(tmp_path / "m.pth", state)
    )


def test_a_missing_stage_is_said(tmp_path):
    state = {
        key: v
        for key, v in resnet().state_dict().items()
        if not key.startswith("layer4")
    }
    assert "blocks found per stage are [2, 2, 2, 0]" in refusal(
        save(tmp_path / "m.pth", state)
    )


def test_missing_counters_are_reported_only(tmp_path):
    state = {
        key: v for key, v in resnet().state_dict().items() if "num_batches" not in key
    }
    loaded = load_checkpoint(save(tmp_path / "old.pth", state), Preprocessing(size=32))
    assert len(loaded.missing) == 20
    assert all(key.endswith("num_batches_tracked") for key in loaded.missing)


def test_nan_weights_are_named(tmp_path):
    state = resnet().state_dict()
    state["layer1.0.conv1.weight"][0] = float("nan")
    assert "weight layer1.0.conv1.weight holds NaN" in refusal(
        save(tmp_path / "nan.pth", state)
    )


def test_open_clip_missing_is_one_line_with_the_remedy(tmp_path, monkeypatch):
    import sys

    from reference_impls.lab.errors import DeviceError

    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(DeviceError, match="pip install open_clip_torch"):
        clip_resnet({})
