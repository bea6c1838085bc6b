"""What a checkpoint leaves open, and what it hides: nothing is dropped, guessed or run without a word."""

import argparse
import json
import zipfile

import numpy
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from reference_impls.lab.errors import ConfigError, EncoderError
from reference_impls.lab.models.checkpoints import Preprocessing, load_checkpoint
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.evidence import batchnorm_gap
from reference_impls.lab.models.tensor_files import read_state
from reference_impls.lab.torchvision import import_torchvision


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def resnet(*, padding=None, pool=False):
    models = import_torchvision().models.resnet
    net = models.ResNet(models.BasicBlock, [1, 1, 1, 1])
    if padding is not None:
        net.conv1 = nn.Conv2d(3, 64, 3, padding=padding, bias=False)
        net.maxpool = nn.MaxPool2d(3, 2, 1) if pool else nn.Identity()
    net.fc = nn.Identity()
    return net.eval()


def under(prefix, net):
    return {prefix + key: value for key, value in net.state_dict().items()}


def save(content, path):
    torch.save(content, path)
    return path


def refusal(path, **options):
    with pytest.raises(EncoderError) as caught:
        load_checkpoint(path, Preprocessing(**options))
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


# -- Layers inside the encoder -------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        "layer1.0.se.fc1.weight",
        "layer4.0.conv1.weight_orig",
        "adapter.weight",
        "bn1.gate",
    ],
)
def test_a_layer_inside_a_resnet_is_never_dropped(tmp_path, key):
    state = resnet().state_dict() | {key: torch.rand(4, 4)}
    message = refusal(save(under("", resnet()) | state, tmp_path / "net.pth"))
    assert f"layers inside the encoder that its architecture has not: {key}" in message


def test_two_layers_behind_a_sequential_are_refused(tmp_path):
    net = resnet()
    names = ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"]
    children = nn.Sequential(*(getattr(net, name) for name in names))
    state = under("backbone.", children)
    state |= {
        "backbone.8.weight": torch.rand(9, 512),
        "backbone.10.weight": torch.rand(9, 9),
    }
    assert "8.weight, 10.weight" in refusal(save(state, tmp_path / "net.pth"))


def test_a_layer_inside_a_clip_tower_is_never_dropped(tmp_path):
    import_torchvision()
    transformer = pytest.importorskip(
        "open_clip.transformer", reason="open_clip is not installed"
    )
    tower = transformer.VisionTransformer(32, 8, 64, 1, 1, 2.0, output_dim=8)
    state = under("visual.", tower) | {"visual.fc.weight": torch.rand(8, 8)}
    assert "fc.weight" in refusal(save(state, tmp_path / "clip.pth"))


def save_hugging_face_vit(folder):
    """A folder as the library leaves it, of one layer."""
    import_torchvision()
    library = pytest.importorskip(
        "transformers", reason="transformers is not installed"
    )
    config = library.ViTConfig(
        hidden_size=64,
        intermediate_size=64,
        num_hidden_layers=1,
        image_size=32,
        patch_size=8,
    )
    library.ViTModel(config).save_pretrained(folder)


def test_a_layer_inside_a_hugging_face_model_is_never_dropped(tmp_path):
    save_hugging_face_vit(tmp_path)
    state = read_state(tmp_path) | {"encoder.layer.0.adapter.weight": torch.rand(4, 4)}
    save_file(state, tmp_path / "model.safetensors")
    assert "has not: layers.0.adapter.weight" in refusal(tmp_path)


def test_layers_beside_a_trunk_that_are_no_projection_are_refused(tmp_path):
    import_torchvision()
    timm = pytest.importorskip("timm", reason="timm is not installed")
    sizes = {"img_size": 32, "patch_size": 8, "embed_dim": 64, "depth": 1}
    trunk = timm.models.VisionTransformer(**sizes, num_heads=1, num_classes=0)
    state = under("visual.trunk.", trunk) | {
        "visual.head.mlp.fc1.weight": torch.ones(4, 64)
    }
    message = refusal(save(state, tmp_path / "mlp.pth"))
    assert "layers beside the trunk are no projection: head.mlp.fc1.weight" in message
    state = {"visual.trunk.stages.0.blocks.0.conv_dw.weight": torch.ones(8, 1, 7, 7)}
    state["visual.trunk.stem.0.weight"] = torch.ones(8, 3, 4, 4)
    assert "open_clip:ARCHITECTURE/TAG" in refusal(save(state, tmp_path / "c.pth"))


def test_missing_weights_of_a_hugging_face_model_are_named(tmp_path):
    save_hugging_face_vit(tmp_path)
    state = {
        k: v for k, v in read_state(tmp_path).items() if "layernorm_after" not in k
    }
    save_file(state, tmp_path / "model.safetensors")
    assert "lacks weights of its architecture" in refusal(tmp_path)


# -- Several encoders in one file ----------------------------------------------------


@pytest.fixture
def student_and_teacher(tmp_path):
    state = {"student": resnet().state_dict(), "teacher": resnet().state_dict()}
    return save(state, tmp_path / "both.pth"), state


def same(loaded, state):
    return torch.equal(loaded.encoder.module.conv1.weight, state["conv1.weight"])


def test_the_answer_says_which_encoder_was_taken_and_which_others_exist(
    student_and_teacher,
):
    path, state = student_and_teacher
    loaded = load_checkpoint(path, Preprocessing(size=32))
    assert same(loaded, state["student"])
    assert loaded.others == ("teacher",)
    assert "below 'student/'" in loaded.lines()[0]
    assert any("(--part): teacher" in line for line in loaded.lines())


def test_another_part_can_be_asked_for(student_and_teacher):
    path, state = student_and_teacher
    loaded = load_checkpoint(path, Preprocessing(size=32, part="teacher"))
    assert same(loaded, state["teacher"])
    assert loaded.others == ("student",)


def test_an_unknown_part_is_answered_with_the_known_ones(student_and_teacher):
    path, _ = student_and_teacher
    message = refusal(path, part="momentum")
    assert (
        "no encoder is called 'momentum'; the file has 'student', 'teacher'" in message
    )


@pytest.mark.parametrize(
    ("first", "copy"),
    [
        ("module.encoder_q.", "module.encoder_k."),
        ("online_network.", "target_network."),
        ("backbone.", "momentum_backbone."),
        ("base_encoder.", "momentum_encoder."),
        ("student.", "teacher."),
        ("", "ema."),
    ],
)
def test_the_encoder_that_learns_comes_before_the_one_that_follows(
    tmp_path, first, copy
):
    net = resnet()
    path = save(under(copy, resnet()) | under(first, net), tmp_path / "both.pth")
    assert same(load_checkpoint(path, Preprocessing(size=32)), net.state_dict())


# -- What no tensor tells ------------------------------------------------------------


def test_what_was_assumed_is_said_with_the_option_that_decides(tmp_path):
    path = save(resnet(padding=1).state_dict(), tmp_path / "net.pth")
    (line,) = [one for one in load_checkpoint(path).lines() if "assumed" in one]
    assert "its 3x3 stem pads by 1 (--stem-padding)" in line
    assert "no pooling follows it (--stem-pool)" in line
    chosen = Preprocessing(stem_padding=2, stem_pool=True)
    loaded = load_checkpoint(path, chosen)
    assert loaded.assumed == ()
    assert loaded.encoder.module.conv1.padding == (2, 2)
    assert isinstance(loaded.encoder.module.maxpool, nn.MaxPool2d)


def test_a_large_stem_leaves_nothing_open(tmp_path):
    path = save(resnet().state_dict(), tmp_path / "net.pth")
    assert load_checkpoint(path, Preprocessing(size=32)).assumed == ()


def test_choices_that_decide_nothing_are_said(tmp_path):
    path = save(resnet().state_dict(), tmp_path / "net.pth")
    chosen = Preprocessing(size=32, heads=12, stem_padding=2)
    assert "decide nothing here: --heads" in load_checkpoint(path, chosen).lines()


@pytest.mark.parametrize(
    "options",
    [{"heads": 0}, {"stem_padding": -1}, {"activation": "relu"}, {"size": 0}],
)
def test_impossible_choices_are_refused(options):
    with pytest.raises(ConfigError):
        Preprocessing(**options)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Smooth pictures with bright middles: borders and normalisation leave traces in means."""
    folder = tmp_path_factory.mktemp("pictures")
    grid = numpy.mgrid[0:16, 0:16] / 15
    for i, (a, b, c) in enumerate(numpy.random.default_rng(0).uniform(0.2, 1, (20, 3))):
        field = 0.5 + 0.5 * numpy.sin(6 * a * grid[0] + 6 * b * grid[1] + 6 * c)
        pixels = numpy.stack([field, field**2 * a, field * b], axis=2) * 255
        Image.fromarray(pixels.astype(numpy.uint8)).save(folder / f"{i:02}.png")
    return folder


def trained(net, pictures, mean, std):
    """The network after BatchNorm has seen the pictures, normalised so."""
    images = torch.stack(
        [
            torch.from_numpy(numpy.asarray(Image.open(path)).copy()).permute(2, 0, 1)
            / 255
            for path in sorted(pictures.iterdir())
        ]
    )
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    net.train()
    with torch.no_grad():
        net(
            (images - torch.tensor(mean).view(3, 1, 1))
            / torch.tensor(std).view(3, 1, 1)
        )
    return net.eval(), images


CIFAR = ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))


@pytest.mark.parametrize(("padding", "pool"), [(1, False), (2, False), (1, True)])
def test_pictures_settle_the_stem(tmp_path, pictures, padding, pool):
    net, _ = trained(resnet(padding=padding, pool=pool), pictures, *CIFAR)
    path = save(net.state_dict(), tmp_path / "net.pth")
    loaded = load_checkpoint(path, Preprocessing(size=16, pictures=pictures))
    assert loaded.encoder.module.conv1.padding == (padding, padding)
    assert isinstance(loaded.encoder.module.maxpool, nn.MaxPool2d) == pool
    assert loaded.assumed == ()
    assert "distance of the pictures" in loaded.evidence[0]


def test_pictures_find_a_wrong_normalisation(tmp_path, pictures):
    net, images = trained(resnet(padding=1), pictures, (0.0,) * 3, (1.0,) * 3)
    path = save(net.state_dict(), tmp_path / "net.pth")
    loaded = load_checkpoint(path, Preprocessing(size=16, pictures=pictures))
    assert loaded.evidence[-1].endswith("--statistics none fits better")
    right = load_checkpoint(
        path, Preprocessing(size=16, pictures=pictures, statistics="none")
    )
    assert "fits better" not in right.evidence[-1]
    assert batchnorm_gap(right.encoder, images) < 0.05


def test_without_batchnorm_pictures_decide_nothing():
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 4, 2))
    encoder = Encoder.from_module(
        flat, name="flat", size=4, mean=(0.5,) * 3, std=(1.0,) * 3
    )
    assert batchnorm_gap(encoder, torch.rand(2, 3, 4, 4)) is None


# -- Data beside the weights ---------------------------------------------------------


def test_numpy_scalars_and_arrays_are_plain_data(tmp_path):
    arrays = {
        "a": numpy.arange(6, dtype=">f4").reshape(2, 3),
        "b": numpy.asfortranarray(numpy.arange(6.0).reshape(2, 3)),
        "c": numpy.array(["text"]),
        "d": numpy.bool_(True),
        "e": numpy.float64(0.5),
    }
    read = read_state(save({"w": torch.ones(1), "beside": arrays}, tmp_path / "n.pth"))
    assert read.keys() == {"w", "beside/a", "beside/b"}
    assert torch.equal(read["beside/a"].double(), read["beside/b"])


@pytest.mark.parametrize(
    "content",
    [
        numpy.array([print, 1], dtype=object),
        numpy.datetime64("2026-01-01"),
        {"m": numpy.ma.masked_array([1.0])},
    ],
)
def test_numpy_objects_are_refused(tmp_path, content):
    path = save({"w": torch.ones(1), "beside": content}, tmp_path / "n.pth")
    with pytest.raises(EncoderError, match="nothing was run"):
        read_state(path)


class Forged:
    """A NumPy type whose pickled state says that bytes are pointers to objects."""

    def __reduce__(self):
        return numpy.dtype, ("O8", False, True), (3, "|", None, None, None, -1, -1, 0)


class ForgedScalar:
    def __reduce__(self):
        return numpy.array(1).dtype.type(1).__reduce__()[0], (Forged(), b"\x41" * 8)


def test_a_forged_numpy_type_never_reaches_memory(tmp_path):
    path = save({"w": torch.ones(1), "x": ForgedScalar()}, tmp_path / "n.pth")
    with pytest.raises(EncoderError, match="nothing was run"):
        read_state(path)


def test_a_mapping_inside_itself_ends(tmp_path):
    content = {"w": torch.ones(1)}
    content["again"] = content
    assert "w" in read_state(save(content, tmp_path / "loop.pth"))


def test_a_tensor_that_claims_more_than_the_file_holds_is_refused(tmp_path):
    path = save({"w": torch.ones(1).expand(1000, 1000)}, tmp_path / "wide.pth")
    with pytest.raises(EncoderError, match="w claims more values than the file holds"):
        read_state(path)


def test_a_tensor_without_values_is_refused(tmp_path):
    path = save({"w": torch.ones(1 << 40, device="meta")}, tmp_path / "meta.pth")
    with pytest.raises(EncoderError, match="w claims more values than the file holds"):
        read_state(path)


def test_a_small_file_does_not_fill_the_memory(tmp_path):
    whole = save({"w": torch.zeros(1 << 20)}, tmp_path / "whole.pth")
    packed = tmp_path / "packed.pth"
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:  # fmt: skip
        for one in old.infolist():
            new.writestr(one.filename, old.read(one))
    with pytest.raises(EncoderError, match="unpacks to more than it holds"):
        read_state(packed)
    assert "w" in read_state(whole)


def test_a_sparse_tensor_is_refused(tmp_path):
    path = save({"w": torch.eye(3).to_sparse()}, tmp_path / "sparse.pth")
    with pytest.raises(EncoderError, match="w is sparse"):
        read_state(path)


def test_settings_of_a_training_program_do_not_matter(tmp_path):
    state = {"state_dict": resnet().state_dict(), "args": argparse.Namespace(lr=0.1)}
    state["optimizer"] = {"state": {0: {"exp_avg": torch.rand(3)}}}
    loaded = load_checkpoint(save(state, tmp_path / "c.pth"), Preprocessing(size=32))
    assert loaded.unexpected == ()


# -- Folders and shards --------------------------------------------------------------


def shards(folder, **weight_map):
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def test_shards_are_read_through_their_index(tmp_path):
    state = resnet().state_dict()
    names = sorted(state)
    for number, part in enumerate((names[:20], names[20:])):
        save_file({key: state[key] for key in part}, tmp_path / f"{number}.safetensors")
    listed = {key: f"{int(i >= 20)}.safetensors" for i, key in enumerate(names)}
    shards(tmp_path, **listed)
    for path in (tmp_path, tmp_path / "model.safetensors.index.json"):
        loaded = load_checkpoint(path, Preprocessing(size=32))
        assert same(loaded, state)


@pytest.mark.parametrize(
    "name", ["../w.safetensors", "/etc/w.safetensors", "none.safetensors"]
)
def test_a_shard_elsewhere_is_not_read(tmp_path, name):
    save_file({"w": torch.ones(1)}, tmp_path.parent / "w.safetensors")
    with pytest.raises(EncoderError, match="which is not there"):
        read_state(shards(tmp_path, w=name))


def test_a_tensor_in_no_shard_is_missed(tmp_path):
    save_file({"w": torch.ones(1)}, tmp_path / "a.safetensors")
    with pytest.raises(EncoderError, match="v is in no shard"):
        read_state(shards(tmp_path, w="a.safetensors", v="a.safetensors"))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{", "is no JSON"),
        ("[]", "must hold a JSON object"),
        ('{"model_type": "no-such"}', "no architecture 'no-such'"),
        ('{"model_type": "bert"}', "no architecture of images"),
        ('{"model_type": "vit", "hidden_size": "x"}', "cannot be built|configuration"),
        ('{"architecture": "no_such"}', "timm has no model 'no_such'"),
    ],
)
def test_a_bad_configuration_is_one_line(tmp_path, config, message):
    import_torchvision()
    pytest.importorskip("transformers", reason="transformers is not installed")
    pytest.importorskip("timm", reason="timm is not installed")
    save_file(resnet().state_dict(), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(EncoderError, match=message) as caught:
        load_checkpoint(tmp_path)
    assert "\n" not in str(caught.value)


def test_an_empty_folder_is_one_line(tmp_path):
    assert "no weights in the folder" in refusal(tmp_path)


def test_code_that_a_configuration_names_is_not_fetched_or_run(tmp_path):
    import_torchvision()
    pytest.importorskip("transformers", reason="transformers is not installed")
    (tmp_path / "evil.py").write_text("raise SystemExit('ran')")
    config = {"model_type": "evil", "auto_map": {"AutoModel": "evil.Net"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    save_file({"w": torch.ones(1)}, tmp_path / "model.safetensors")
    with pytest.raises(EncoderError, match="no architecture 'evil'"):
        load_checkpoint(tmp_path)


def test_a_file_of_an_old_torch_is_read_the_same_way(tmp_path):
    """Before 1.6 they were no archives."""
    path = tmp_path / "old.pth"
    content = {"w": torch.ones(1), "acc": numpy.float64(0.5)}
    torch.save(content, path, _use_new_zipfile_serialization=False)
    assert read_state(path).keys() == {"w"}
