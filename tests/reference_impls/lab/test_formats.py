"""Every layout in which people publish encoders, tiny: what is loaded embeds as the original module does.

The originals are built with the libraries themselves, or, where a program is no library, with the
same layers under the names that its published files have.
"""

import argparse
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from reference_impls.lab.models import hugging_face
from reference_impls.lab.models.checkpoints import Preprocessing, load_checkpoint
from reference_impls.lab.models.formats.torchvision_models import without_classifier
from reference_impls.lab.models.normalisation import STATISTICS
from reference_impls.lab.torchvision import import_torchvision

CASES = {}


@dataclass
class Case:
    """What is written, what it must compute, and how it is loaded."""

    content: object
    net: Callable
    size: int = 32
    options: dict = field(default_factory=dict)
    statistics: str | None = "imagenet"
    suffix: str = "pth"


def case(make):
    CASES[make.__name__.replace("_", " ")] = make
    return make


def unsettle(net):
    """Weights and batch statistics that are not the initial ones: what is lost or swapped is noticed."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.ndim < 2 or (parameter == 0).all():
                parameter.add_(torch.rand_like(parameter) * 0.2)
    return net.eval()


def under(prefix, net):
    state = net if isinstance(net, dict) else net.state_dict()
    return {prefix + key: value for key, value in state.items()}


def renamed(net, *pairs):
    state = net if isinstance(net, dict) else net.state_dict()
    for pattern, new in pairs:
        state = {re.sub(pattern, new, key): value for key, value in state.items()}
    return state


def tv():
    return import_torchvision().models


def resnet(*, block="BasicBlock", small=None, pool=False, fc=True, **more):
    """A ResNet of one block a stage."""
    models = tv().resnet
    net = models.ResNet(getattr(models, block), [1, 1, 1, 1], num_classes=7, **more)
    if small is not None:
        net.conv1 = nn.Conv2d(3, 64, 3, padding=small, bias=False)
        net.maxpool = nn.MaxPool2d(3, 2, 1) if pool else nn.Identity()
    unsettle(net)
    state = net.state_dict()
    net.fc = nn.Identity()
    return net, state if fc else net.state_dict()


def mlp(width=512):
    return nn.Sequential(
        nn.Linear(width, 16), nn.BatchNorm1d(16), nn.ReLU()
    ).state_dict()


# -- ResNets -------------------------------------------------------------------------


@case
def torchvision_resnet():
    net, state = resnet()
    return Case(state, net)


@case
def torchvision_resnet_with_bottlenecks():
    net, state = resnet(block="Bottleneck")
    return Case(state, net)


@case
def resnext():
    net, state = resnet(block="Bottleneck", groups=32, width_per_group=4)
    return Case(state, net)


@case
def wide_resnet():
    net, state = resnet(block="Bottleneck", width_per_group=128)
    return Case(state, net)


@case
def resnet_as_safetensors():
    net, state = resnet()
    return Case(state, net, suffix="safetensors")


@case
def data_parallel_checkpoint():
    net, state = resnet()
    return Case(
        {"epoch": 3, "arch": "resnet18", "state_dict": under("module.", state)}, net
    )


@case
def timm_resnet():
    import timm

    net = unsettle(
        timm.models.ResNet(timm.models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=7)
    )
    state = net.state_dict()
    net.reset_classifier(0)
    return Case(
        {"state_dict": state, "state_dict_ema": under("", unsettle(resnet()[0]))}, net
    )


@case
def moco_with_its_momentum_encoder_and_queue():
    net, state = resnet()
    momentum, _ = resnet()
    state = under("module.encoder_q.", renamed(state, (r"^fc\.", "fc.2.")))
    state |= under("module.encoder_k.", momentum) | {"module.queue": torch.rand(4, 8)}
    return Case({"state_dict": state}, net)


@case
def moco_for_cifar():
    net, state = resnet(small=1)
    return Case({"state_dict": under("encoder_q.", state)}, net, statistics="cifar")


@case
def simsiam_with_its_predictor():
    net, state = resnet()
    state = under("module.encoder.", renamed(state, (r"^fc\.", "fc.0.")))
    return Case({"state_dict": state | under("module.predictor.", mlp())}, net)


@case
def byol_with_its_target():
    net, state = resnet()
    target, _ = resnet()
    state = under("online_encoder.net.", state) | under("target_encoder.net.", target)
    return Case(state | under("online_predictor.", mlp()), net)


@case
def swav_with_its_prototypes():
    net, state = resnet(fc=False)
    state = under("module.", state | under("projection_head.", mlp()))
    return Case(state | {"module.prototypes.weight": torch.rand(5, 16)}, net)


@case
def barlow_twins_with_its_projector():
    net, state = resnet(fc=False)
    state = under("module.backbone.", state) | under("module.projector.", mlp())
    return Case(
        {"model": state, "optimizer": {"state": {0: {"m": torch.rand(3)}}}}, net
    )


@case
def solo_learn_lightning_checkpoint():
    net, state = resnet(small=2, fc=False)
    momentum, _ = resnet(small=2)
    state = under("backbone.", state) | under("momentum_backbone.", momentum)
    state |= under("classifier.", nn.Linear(512, 7))
    beside = {"hyper_parameters": argparse.Namespace(lr=numpy.float64(0.1))}
    return Case({"state_dict": state, **beside}, net, statistics="cifar", suffix="ckpt")


@case
def a_backbone_of_another_program_with_padding_said():
    net, state = resnet(small=1, fc=False)
    return Case(
        under("backbone.", state), net, statistics="cifar", options={"stem_padding": 1}
    )


@case
def a_small_stem_with_pooling_said():
    net, state = resnet(small=1, pool=True)
    return Case(state, net, statistics="cifar", options={"stem_pool": True})


def numbered(net, *, names):
    children = dict(net.named_children())
    return nn.Sequential(*(children[name] for name in names)).state_dict()


STAGES = ["layer1", "layer2", "layer3", "layer4"]


@case
def simclr_with_its_head():
    net, _ = resnet(small=1)
    f = numbered(net, names=["conv1", "bn1", "relu", *STAGES])
    return Case(under("f.f.", f) | under("g.", mlp()), net, statistics="cifar")


@case
def simclr_encoder_alone():
    net, _ = resnet(small=1)
    f = numbered(net, names=["conv1", "bn1", "relu", *STAGES])
    return Case({"state_dict": under("f.", f)}, net, statistics="cifar")


@case
def simclr_with_a_large_stem_that_does_not_pool():
    net, _ = resnet()
    net.maxpool = nn.Identity()
    f = numbered(net, names=["conv1", "bn1", "relu", *STAGES])
    return Case(under("f.", f), net)


@case
def lightly_backbone_of_torchvision():
    net, _ = resnet()
    f = numbered(net, names=["conv1", "bn1", "relu", "maxpool", *STAGES])
    state = under("backbone.", f) | under("projection_head.layers.", mlp())
    return Case({"state_dict": state}, net, suffix="ckpt")


@case
def lightly_backbone_with_a_last_convolution():
    net, _ = resnet()
    last = nn.Conv2d(512, 24, 1)
    f = numbered(net, names=["conv1", "bn1", "relu", "maxpool", *STAGES])
    state = under("backbone.", f) | under("backbone.8.", last)
    net.fc = nn.Linear(512, 24)
    net.fc.load_state_dict(
        {k: v.flatten(1) if v.ndim > 1 else v for k, v in last.state_dict().items()}
    )
    return Case(state, net)


@case
def lightly_resnet_of_its_own():
    """Its ReLU behind the stem is no child, so that a `Sequential` of the children is without it."""
    net, _ = resnet(small=1)
    net.relu = nn.Identity()
    f = numbered(net, names=["conv1", "bn1", *STAGES])
    f = renamed(f, ("downsample", "shortcut"))
    return Case(under("backbone.", f), net, statistics="cifar")


@case
def lightly_resnet_with_batches_in_two_parts():
    """Its BatchNorm keeps statistics per part, and evaluates with their mean."""
    net, _ = resnet(small=1)
    net.relu = nn.Identity()
    f = renamed(
        numbered(net, names=["conv1", "bn1", *STAGES]), ("downsample", "shortcut")
    )
    apart = {"running_mean": 0.05, "running_var": 0.1}
    for key, value in f.items():
        if (off := apart.get(key.rpartition(".")[2])) is not None:
            f[key] = torch.cat([value - off, value + off])
    return Case(under("backbone.", f), net, statistics="cifar")


@case
def kuangliu_resnet_for_cifar():
    net, state = resnet(small=1)
    state = renamed(state, ("downsample", "shortcut"), (r"^fc\.", "linear."))
    return Case({"net": under("module.", state), "acc": 95.1}, net, statistics="cifar")


@case
def kuangliu_resnet_with_bottlenecks():
    net, state = resnet(block="Bottleneck", small=1)
    state = renamed(state, ("downsample", "shortcut"), (r"^fc\.", "linear."))
    return Case({"net": state}, net, statistics="cifar")


@case
def weights_as_numpy_arrays_beside_numpy_scalars():
    net, state = resnet()
    arrays = {key: value.numpy() for key, value in state.items()}
    return Case(
        {"model": arrays, "best": numpy.float32(0.7), "rows": numpy.arange(3)}, net
    )


@case
def tensors_beside_the_state_dict():
    net, state = resnet()
    return Case(
        {"queue": torch.rand(4, 8), "state_dict": state, "step": torch.tensor(1)}, net
    )


@case
def half_precision():
    net, state = resnet()
    half = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
    net.load_state_dict({k: v.float() for k, v in half.items()}, strict=False)
    return Case(half, net)


# -- CLIP ----------------------------------------------------------------------------


def open_clip():
    import_torchvision()
    import open_clip

    return open_clip


def clip_vit(act=nn.GELU):
    from open_clip.transformer import VisionTransformer

    return unsettle(
        VisionTransformer(32, 8, 128, 2, 2, 4.0, output_dim=24, act_layer=act)
    )


def clip_text():
    text = open_clip().transformer.Transformer(64, 1, 1)
    return under("transformer.", text) | {"logit_scale": torch.tensor(1.0)}


@case
def clip_resnet_tower():
    open_clip()
    from open_clip.modified_resnet import ModifiedResNet

    net = unsettle(ModifiedResNet([1, 1, 1, 1], 24, 8, image_size=64, width=16))
    return Case(under("visual.", net), net, size=64)


@case
def open_clip_vit_whole():
    net = clip_vit()
    return Case(under("visual.", net) | clip_text(), net, statistics="clip")


@case
def openai_clip_vit_whole():
    net = clip_vit(open_clip().transformer.QuickGELU)
    settings = {
        "input_resolution": torch.tensor(32),
        "context_length": torch.tensor(77),
    }
    return Case(under("visual.", net) | clip_text() | settings, net, statistics="clip")


@case
def openai_clip_vit_without_settings_and_its_activation_said():
    net = clip_vit(open_clip().transformer.QuickGELU)
    said = {"activation": "quick_gelu"}
    return Case(
        under("visual.", net) | clip_text(), net, options=said, statistics="clip"
    )


@case
def open_clip_with_a_trunk_of_timm():
    net = vit()
    net.head = nn.Linear(128, 24, bias=False)
    state = under("visual.trunk.", renamed(net, (r"^head\.", "GONE.")))
    state = {k: v for k, v in state.items() if "GONE" not in k}
    state |= {"visual.head.proj.weight": net.head.weight.data}
    return Case(state | clip_text(), net, statistics="clip")


# -- Vision transformers -------------------------------------------------------------


def vit(make=None, **more):
    import_torchvision()
    import timm

    settings = {
        "img_size": 32,
        "patch_size": 8,
        "embed_dim": 128,
        "depth": 2,
        "num_heads": 2,
    }
    make = make or timm.models.VisionTransformer
    return unsettle(make(**(settings | {"num_classes": 0} | more)))


def head(width=128):
    return {"head.weight": torch.rand(7, width), "head.bias": torch.rand(7)}


@case
def timm_vit():
    net = vit()
    return Case(net.state_dict() | head(), net, suffix="safetensors")


@case
def timm_vit_that_averages():
    net = vit(global_pool="avg")
    return Case(net.state_dict() | head(), net)


@case
def timm_vit_with_registers_and_normalised_queries():
    net = vit(reg_tokens=3, no_embed_class=True, qk_norm=True)
    return Case(net.state_dict(), net)


@case
def timm_vit_without_a_class_token():
    net = vit(class_token=False, global_pool="avg")
    return Case(net.state_dict(), net)


@case
def timm_clip_vit_with_quick_gelu_said():
    from open_clip.transformer import QuickGELU

    net = vit(pre_norm=True, act_layer=QuickGELU)
    state = {k: v for k, v in net.state_dict().items() if k != "patch_embed.proj.bias"}
    net.patch_embed.proj.bias = None
    said = {"activation": "quick_gelu"}
    return Case(state | head(), net, options=said, statistics="clip")


@case
def dino_backbone():
    net = vit()
    return Case(net.state_dict(), net)


@case
def dino_student_and_teacher():
    net, teacher = vit(), vit()
    state = {
        "student": under("module.backbone.", net) | under("module.head.mlp.", mlp(128)),
        "teacher": under("backbone.", teacher) | under("head.mlp.", mlp(128)),
        "dino_loss": {"center": torch.rand(1, 8)},
        "args": argparse.Namespace(arch="vit_small"),
    }
    return Case(state, net)


@case
def dino_teacher_asked_for():
    net, teacher = vit(), vit()
    state = {
        "student": under("module.backbone.", teacher),
        "teacher": under("backbone.", net),
    }
    return Case(state, net, options={"part": "teacher"})


@case
def mae_with_its_decoder():
    net, decoder = vit(), vit(embed_dim=64, num_heads=1)
    state = net.state_dict() | {"mask_token": torch.rand(1, 1, 64)}
    state |= under("decoder_", decoder)
    return Case({"model": state}, net)


@case
def mae_fine_tuned_with_averaging():
    net = vit(global_pool="avg")
    return Case({"model": net.state_dict() | head()}, net)


@case
def moco_v3_has_twelve_heads():
    net, momentum = vit(embed_dim=384, num_heads=12), vit(embed_dim=384, num_heads=12)
    state = under("module.base_encoder.", net.state_dict() | under("head.", mlp(384)))
    state |= under("module.momentum_encoder.", momentum) | under(
        "module.predictor.", mlp()
    )
    return Case({"state_dict": state}, net)


@case
def deit():
    net = vit()
    return Case({"model": net.state_dict() | head()}, net)


@case
def deit_distilled_has_two_tokens():
    from timm.models.deit import VisionTransformerDistilled

    net = vit(VisionTransformerDistilled)
    more = {"head_dist.weight": torch.rand(7, 128), "head_dist.bias": torch.rand(7)}
    return Case({"model": net.state_dict() | head() | more}, net)


@case
def dinov2_with_layer_scale():
    net = vit(init_values=0.5)
    return Case(net.state_dict() | {"mask_token": torch.rand(1, 128)}, net)


@case
def dinov2_with_registers():
    net = vit(init_values=0.5, reg_tokens=4)
    state = net.state_dict()
    # timm places positions on registers too; DINOv2 has none there.
    state["register_tokens"] = state.pop("reg_token") + state["pos_embed"][:, 1:5]
    state["pos_embed"] = torch.cat(
        [state["pos_embed"][:, :1], state["pos_embed"][:, 5:]], 1
    )
    return Case(state, net)


@case
def dinov2_in_chunks_of_blocks():
    net = vit(init_values=0.5)
    state = renamed(net, (r"^blocks\.(\d+)\.", r"blocks.0.\1."))
    return Case({"teacher": under("backbone.", state)}, net)


@case
def dinov2_with_a_packed_mlp():
    from timm.layers import SwiGLUPacked

    net = vit(mlp_layer=SwiGLUPacked, init_values=0.5)
    state = renamed(net, (r"mlp\.fc1\.", "mlp.w12."), (r"mlp\.fc2\.", "mlp.w3."))
    return Case(state, net)


@case
def heads_that_no_tensor_tells_said():
    net = vit(num_heads=8)
    return Case(net.state_dict(), net, options={"heads": 8})


@case
def lightly_vit_of_timm():
    net, teacher = vit(), vit()
    state = under("student_backbone.vit.", net) | under(
        "teacher_backbone.vit.", teacher
    )
    return Case({"state_dict": state}, net, options={"part": "student_backbone"})


# -- torchvision's other families ----------------------------------------------------


def cut(net):
    """The state of the whole and the network without classifier."""
    state = unsettle(net).state_dict()
    return state, without_classifier(net)


@case
def torchvision_vit():
    state, net = cut(tv().VisionTransformer(32, 8, 2, 2, 128, 256))
    return Case(state, net)


@case
def torchvision_vit_under_the_names_of_its_published_files():
    state, net = cut(tv().VisionTransformer(32, 8, 2, 2, 128, 256))
    state = renamed(
        state, (r"mlp\.0\.", "mlp.linear_1."), (r"mlp\.3\.", "mlp.linear_2.")
    )
    return Case(state, net)


@case
def torchvision_densenet_under_the_names_of_its_published_files():
    state, net = cut(tv().DenseNet(8, (2, 1), 16, bn_size=2))
    pattern = r"(denselayer\d+\.(?:norm|conv))([12])"
    return Case(renamed(state, (pattern, r"\1.\2")), net)


@case
def torchvision_swin():
    make = tv().swin_transformer.SwinTransformer
    state, net = cut(make([4, 4], 16, [1, 2], [2, 4], [4, 4], mlp_ratio=2.0))
    return Case(state, net)


@case
def torchvision_swin_v2():
    swin = tv().swin_transformer
    v2 = {"block": swin.SwinTransformerBlockV2, "downsample_layer": swin.PatchMergingV2}
    state, net = cut(swin.SwinTransformer([4, 4], 16, [1, 1], [2, 4], [4, 4], **v2))
    return Case(state, net)


@case
def torchvision_convnext():
    config = tv().convnext.CNBlockConfig
    state, net = cut(tv().convnext.ConvNeXt([config(8, 16, 1), config(16, None, 2)]))
    return Case(state, net)


@case
def torchvision_densenet():
    state, net = cut(tv().DenseNet(8, (2, 1), 16, bn_size=2))
    return Case({"state_dict": under("module.", state)}, net)


def regnet(se_ratio):
    models = tv().regnet
    params = models.BlockParams([1, 2], [16, 32], [8, 8], [1.0, 1.0], [2, 2], se_ratio)
    return cut(models.RegNet(params, stem_width=8))


@case
def torchvision_regnet_x():
    state, net = regnet(None)
    return Case(state, net)


@case
def torchvision_regnet_y():
    state, net = regnet(0.25)
    return Case(state, net)


def listed(name):
    @case
    def make():
        state, net = cut(tv().get_model(name, weights=None, num_classes=7))
        return Case(state, net, size=64)

    CASES[f"torchvision {name}"] = CASES.pop("make")


for _name in (
    "mobilenet_v2",
    "mobilenet_v3_small",
    "efficientnet_b0",
    "squeezenet1_1",
    "shufflenet_v2_x0_5",
):
    listed(_name)


def convnext(**more):
    import_torchvision()
    import timm

    net = timm.models.ConvNeXt(
        depths=(1, 2, 1, 1), dims=(8, 16, 24, 32), num_classes=7, **more
    )
    state = unsettle(net).state_dict()
    net.reset_classifier(0)
    return state, net


@case
def timm_convnext():
    state, net = convnext()
    return Case(state, net, suffix="safetensors")


@case
def timm_convnext_of_the_second_version():
    state, net = convnext(use_grn=True, ls_init_value=None, conv_mlp=True)
    return Case(state, net)


OWN_CONVNEXT = (
    (r"^stem\.", "downsample_layers.0."),
    (r"^stages\.(\d)\.downsample\.", r"downsample_layers.\1."),
    (r"\.blocks\.", "."),
    (r"conv_dw", "dwconv"),
    (r"mlp\.fc(\d)", r"pwconv\1"),
    (r"mlp\.grn\.weight", "grn.gamma"),
    (r"mlp\.grn\.bias", "grn.beta"),
    (r"^head\.norm\.", "norm."),
    (r"^head\.fc\.", "head."),
)


@case
def convnext_of_its_own_program():
    state, net = convnext()
    return Case({"model": renamed(state, *OWN_CONVNEXT)}, net)


@case
def convnext_v2_of_its_own_program():
    state, net = convnext(use_grn=True, ls_init_value=None)
    state = renamed(state, *OWN_CONVNEXT)
    shaped = {k: v.view(1, 1, 1, -1) if "grn" in k else v for k, v in state.items()}
    return Case({"model": shaped}, net)


def of_tensorflow(net):
    """A network of timm under the names of the programs that carry TensorFlow's weights over."""
    state = renamed(
        net,
        (r"^conv_(stem|head)", r"_conv_\1"),
        (r"^bn1", "_bn0"),
        (r"^bn2", "_bn1"),
        (r"^classifier", "_fc"),
    )
    places = [f"{i}.{j}" for i, one in enumerate(net.blocks) for j in range(len(one))]
    for number, place in enumerate(places):
        at, here = rf"^blocks\.{re.escape(place)}\.", f"_blocks.{number}."
        first = f"blocks.{place}.conv_pwl.weight" not in state
        layers = (
            {"conv_pw": "_project_conv", "bn1": "_bn1", "bn2": "_bn2"}
            if first
            else {
                "conv_pwl": "_project_conv",
                "conv_pw": "_expand_conv",
                "bn1": "_bn0",
                "bn2": "_bn1",
                "bn3": "_bn2",
            }
        )
        layers |= {"conv_dw": "_depthwise_conv"}
        layers |= {"se.conv_reduce": "_se_reduce", "se.conv_expand": "_se_expand"}
        pairs = [
            (rf"{at}{re.escape(old)}\.", f"{here}{new}.") for old, new in layers.items()
        ]
        state = renamed(state, *pairs)
    return state


def tensorflow(name, statistics):
    import_torchvision()
    import timm

    net = unsettle(timm.create_model(name, num_classes=7))
    state = of_tensorflow(net)
    net.reset_classifier(0)
    return Case(state, net, size=64, statistics=statistics)


@case
def efficientnet_lite_in_packages():
    return tensorflow("tf_efficientnet_lite0", None)


@case
def efficientnet_of_tensorflow_as_safetensors():
    one = tensorflow("tf_efficientnet_b0", "imagenet")
    one.suffix = "safetensors"
    return one


# -- Hugging Face --------------------------------------------------------------------

SETTINGS = {"hidden_size": 128, "intermediate_size": 160, "num_hidden_layers": 2}
SETTINGS |= {"num_attention_heads": 2, "image_size": 32, "patch_size": 8}
TEXT = {
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
}
TEXT |= {"vocab_size": 99, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}


def transformers():
    return hugging_face.load_transformers()


def embedding(model, *, class_token=False):
    return hugging_face.HuggingFaceImages(model, class_token=class_token)


@dataclass
class Saved:
    """A model as the library saves it: a folder, or the file of weights alone."""

    model: nn.Module
    alone: bool = False
    shard: str = "5GB"


def whole_clip(**more):
    library = transformers()
    config = library.CLIPConfig(
        vision_config=SETTINGS | more, text_config=TEXT, projection_dim=24
    )
    net = unsettle(library.CLIPModel(config))
    tower = library.CLIPVisionModelWithProjection(config.vision_config)
    tower.visual_projection = net.visual_projection
    tower.vision_model = net.vision_model
    return net, embedding(tower.eval())


@case
def hugging_face_clip_folder():
    net, tower = whole_clip()
    return Case(Saved(net), tower, statistics="clip")


@case
def hugging_face_clip_with_gelu_in_its_config():
    net, tower = whole_clip(hidden_act="gelu")
    return Case(Saved(net), tower, statistics="clip")


@case
def hugging_face_clip_in_shards():
    net, tower = whole_clip()
    return Case(Saved(net, shard="300KB"), tower, statistics="clip")


@case
def hugging_face_clip_file_alone():
    net, tower = whole_clip()
    return Case(Saved(net, alone=True), tower, statistics="clip")


@case
def hugging_face_clip_file_alone_with_gelu_said():
    net, tower = whole_clip(hidden_act="gelu")
    return Case(
        Saved(net, alone=True), tower, options={"activation": "gelu"}, statistics="clip"
    )


@case
def hugging_face_vit_folder():
    net = unsettle(transformers().ViTModel(transformers().ViTConfig(**SETTINGS)))
    return Case(Saved(net), embedding(net, class_token=True))


@case
def hugging_face_vit_classifier_file_alone():
    net = unsettle(
        transformers().ViTForImageClassification(transformers().ViTConfig(**SETTINGS))
    )
    return Case(
        Saved(net, alone=True), embedding(net.vit, class_token=True), statistics="half"
    )


@case
def hugging_face_dinov2_folder():
    library = transformers()
    settings = {k: v for k, v in SETTINGS.items() if k != "intermediate_size"}
    net = unsettle(library.Dinov2Model(library.Dinov2Config(**settings)))
    return Case(Saved(net), embedding(net, class_token=True))


@case
def hugging_face_dinov2_file_alone():
    library = transformers()
    settings = {k: v for k, v in SETTINGS.items() if k != "intermediate_size"}
    net = unsettle(library.Dinov2Model(library.Dinov2Config(**settings)))
    return Case(Saved(net, alone=True), embedding(net, class_token=True))


def hf_resnet(kind):
    library = transformers()
    sizes = {"embedding_size": 8, "hidden_sizes": [16, 32], "depths": [1, 2]}
    config = library.ResNetConfig(**sizes, layer_type=kind)
    return unsettle(library.ResNetForImageClassification(config))


@case
def hugging_face_resnet_folder():
    net = hf_resnet("bottleneck")
    return Case(Saved(net), embedding(net.resnet))


@case
def hugging_face_resnet_file_alone():
    net = hf_resnet("basic")
    return Case(Saved(net, alone=True), embedding(net.resnet))


def hf_convnext():
    library = transformers()
    config = library.ConvNextConfig(hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 2, 1])
    return unsettle(library.ConvNextForImageClassification(config))


@case
def hugging_face_convnext_folder():
    net = hf_convnext()
    return Case(Saved(net), embedding(net.convnext))


@case
def hugging_face_convnext_file_alone():
    net = hf_convnext()
    return Case(Saved(net, alone=True), embedding(net.convnext))


@dataclass
class Files:
    """A folder written by hand: JSON files, and the weights."""

    state: dict
    config: dict
    name: str = "model.safetensors"


@case
def hugging_face_vit_as_an_old_pickle():
    net = unsettle(
        transformers().ViTForImageClassification(transformers().ViTConfig(**SETTINGS))
    )
    config = net.config.to_dict() | {"architectures": ["ViTForImageClassification"]}
    files = Files(net.state_dict(), config, "pytorch_model.bin")
    return Case(files, embedding(net.vit, class_token=True))


@case
def timm_folder_of_a_model_hub():
    import timm

    net = unsettle(timm.create_model("mobilenetv3_small_050", num_classes=7))
    state = net.state_dict()
    net.reset_classifier(0)
    config = {"architecture": "mobilenetv3_small_050", "num_classes": 7}
    return Case(Files(state, config), net, size=64)


# -- All of them ---------------------------------------------------------------------


def write(content, folder, suffix):
    if isinstance(content, Saved):
        content.model.save_pretrained(folder, max_shard_size=content.shard)
        if content.alone:
            (folder / "config.json").unlink()
            return folder / "model.safetensors"
        return folder
    if isinstance(content, Files):
        (folder / "config.json").write_text(json.dumps(content.config))
        whole = {k: v.contiguous() for k, v in content.state.items()}
        save = save_file if content.name.endswith("safetensors") else torch.save
        save(whole, folder / content.name)
        return folder
    path = folder / f"model.{suffix}"
    (save_file if suffix == "safetensors" else torch.save)(content, path)
    return path


@pytest.mark.parametrize("name", CASES)
def test_it_embeds_as_the_original(tmp_path, name):
    torch.manual_seed(0)
    one = CASES[name]()
    path = write(one.content, tmp_path, one.suffix)
    loaded = load_checkpoint(path, Preprocessing(size=one.size, **one.options))
    encoder = loaded.encoder
    if one.statistics:
        wanted = STATISTICS[one.statistics]
        assert (encoder.mean, encoder.std) == (wanted.mean, wanted.std)
    images = torch.rand(2, 3, one.size, one.size)
    with torch.no_grad():
        expected = one.net(encoder.normalise(images))
        torch.testing.assert_close(
            encoder.encode(images), expected, atol=1e-4, rtol=1e-4
        )
    assert (encoder.encode(images)[0] - encoder.encode(images)[1]).abs().max() > 0


def test_the_table_is_long():
    assert len(CASES) >= 70
