"""What a state dict is: which encoders lie in it, where, and how each is built.

A family is told by names that lie together below one prefix. Whatever no tensor decides is
taken as published programs have it, said, and can be chosen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from reference_impls.lab.errors import EncoderError
from reference_impls.lab.models import architectures, hugging_face
from reference_impls.lab.models.normalisation import Statistics

State = Mapping[str, Tensor]
Activation = Literal["gelu", "quick_gelu"]


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What no tensor tells; none is decided as published programs do."""

    activation: Activation | None = None
    """Of a vision transformer."""
    heads: int | None = None
    """Of its attention."""
    stem_padding: int | None = None
    """Of a ResNet's 3x3 stem."""
    stem_pool: bool | None = None
    """Whether a ResNet's 3x3 stem ends with pooling."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """An encoder that waits for its weights."""

    module: nn.Module
    weights: State
    """By the names of the module; heads and other files' parts may be among them."""
    size: int
    """Height and width of its images, in pixels."""
    statistics: str | Statistics
    """The normalisation that published programs use with such files, by name where it has one."""
    assumed: tuple[str, ...] = ()
    """What no tensor decided, each with the option that decides it."""
    beside: frozenset[str] = frozenset()
    """Names in the file of weights that lie outside its prefix."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One of the encoders in a file."""

    family: Family
    prefix: str
    """Where its names begin."""

    @property
    def format(self) -> str:
        """What it is taken for, in words."""
        owner = next(
            (o for end, o in self.family.owners.items() if self.prefix.endswith(end)),
            "plain",
        )
        below = f" below {shown(self.prefix)!r}" if shown(self.prefix) else ""
        return f"{self.family.label}, {owner} keys{below}"

    @property
    def is_copy(self) -> bool:
        """Whether its name says that it follows another encoder while that one is trained."""
        return bool(_COPY.search(self.prefix))


OWNERS = {
    "encoder_q.": "MoCo",
    "backbone.": "solo-learn",
    "visual.": "CLIP's `visual`",
    "f.": "SimCLR",
}
"""Whose files have a prefix that ends so."""

HEADS = re.compile(
    r"(fc\d*|heads?|head_\w+|\w*classifier\w*|linear|pre_logits|pooler|mlp|g|"
    r"\w*proj(ector|ection)?(_\w+)?|\w*predict(or|ion)\w*|prototypes|queue\w*|"
    r"mask_token|decoder_?\w*|last_layer|center|text_\w+|logit_\w+)(\.|$)"
)
"""Names of what training programs put behind or beside an encoder."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """Encoders with the same names."""

    label: str
    anchors: tuple[str, ...]
    """Names that lie together below the prefix."""
    plan: Callable[[State, Site, Choices], Plan]
    heads: re.Pattern[str] = HEADS
    """Names below the prefix that are no part of the encoder."""
    choices: tuple[str, ...] = ()
    """Names of the `Choices` that decide something of it."""
    owners: Mapping[str, str] = field(default_factory=OWNERS.copy)
    """Whose files have a prefix that ends so."""


def idle(family: Family | None, choices: Choices) -> tuple[str, ...]:
    """Options that were chosen and decide nothing of such encoders."""
    open_to_choice = family.choices if family else ()
    return tuple(
        f"--{one.name.replace('_', '-')}"
        for one in fields(Choices)
        if getattr(choices, one.name) is not None and one.name not in open_to_choice
    )


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where an encoder was found."""

    prefix: str
    state: State
    """Everything in the file."""


_COPY = re.compile(
    r"(^|[._/])(ema|teacher|target|momentum)([._/]|$)|encoder_k|momentum_|key_encoder|_m([./]|$)"
)
_WRAPPERS = ("state_dict/", "model/")


def shown(name: str) -> str:
    """A name without the usual wrapper around it."""
    for wrapper in _WRAPPERS:
        name = name.removeprefix(wrapper)
    return name


def candidates(state: State) -> list[Candidate]:
    """The encoders in a file, the likeliest first: none that follows another, none inside another."""
    found: dict[str, Candidate] = {}
    for family in FAMILIES:
        first, *others = family.anchors
        for key in state:
            prefix = key.removesuffix(first)
            if prefix == key or (prefix and prefix[-1] not in "./"):
                continue
            if all(prefix + other in state for other in others):
                found.setdefault(prefix, Candidate(family=family, prefix=prefix))
    return sorted(found.values(), key=lambda c: (c.is_copy, len(c.prefix)))


def choose(
    found: list[Candidate], part: str | None
) -> tuple[Candidate, tuple[Candidate, ...]]:
    """The encoder to take and the others; `part` is its prefix, or a word of it.

    Raises:
        EncoderError: no encoder, or several, are called so.
    """
    if part is None:
        return found[0], tuple(found[1:])
    wanted = part.strip("./")
    exact = [c for c in found if wanted in (c.prefix.strip("./"), bare(c))]
    named = exact or [c for c in found if wanted in re.split(r"[./]", c.prefix)]
    if len(named) != 1:
        parts = ", ".join(repr(bare(c)) for c in found)
        what = "several encoders are" if named else "no encoder is"
        raise EncoderError(f"{what} called {part!r}; the file has {parts}")
    return named[0], tuple(c for c in found if c is not named[0])


def bare(candidate: Candidate) -> str:
    """What an encoder of a file is called; empty for the outermost."""
    return shown(candidate.prefix).strip("./")


def below(candidate: Candidate, others: tuple[Candidate, ...], state: State) -> State:
    """The tensors of an encoder by their names below its prefix."""
    inner = tuple(
        other.prefix
        for other in others
        if other.prefix.startswith(candidate.prefix)
        and other.prefix != candidate.prefix
    )
    return {
        key.removeprefix(candidate.prefix): value
        for key, value in state.items()
        if key.startswith(candidate.prefix)
        and not (inner and key.startswith(inner))
        and "/" not in key.removeprefix(candidate.prefix)
    }


# -- ResNets -------------------------------------------------------------------------


def _resnet(state: State, site: Site, choices: Choices) -> Plan:
    """A 3x3 stem leaves two things open, which solo-learn and the programs for CIFAR settle differently."""
    small = state["conv1.weight"].shape[-1] == 3
    solo = site.prefix.endswith("backbone.")
    published = site.prefix.endswith("encoder_q.") or (solo and _trained_by_solo(site))
    return _stemmed(
        state, choices, padding=2 if solo else 1, known=published or not small
    )


def _trained_by_solo(site: Site) -> bool:
    root = site.prefix.removesuffix("backbone.")
    return any(
        key.startswith(
            (f"{root}classifier.", f"{root}projector.", "momentum_backbone.")
        )
        for key in site.state
    )


def _shortcut_resnet(state: State, site: Site, choices: Choices) -> Plan:
    renamed = {
        key.replace(".shortcut.", ".downsample."): value for key, value in state.items()
    }
    return _stemmed(renamed, choices, padding=1, known=True)


def _numbered_resnet(
    first: int,
) -> Callable[[State, Site, Choices], Plan]:
    def plan(state: State, site: Site, choices: Choices) -> Plan:
        state = architectures.as_resnet(state, first)
        small = state["conv1.weight"].shape[-1] == 3
        # Four children before the stages: the fourth is the pooling, or stands in for it.
        pool = choices.stem_pool if first == 4 else False
        found = _stemmed(
            state,
            replace(choices, stem_pool=pool),
            padding=1,
            known=first < 4 or not small,
        )
        if first == 2:
            # lightly's own ResNet calls ReLU between its children, so a `Sequential` of them has none there.
            found.module.relu = nn.Identity()
        if "fc.weight" not in state:
            return found
        width_out, width_in = state["fc.weight"].shape
        last = nn.Linear(width_in, width_out, bias="fc.bias" in state)
        found.module.fc = last
        return found

    return plan


def _stemmed(state: State, choices: Choices, *, padding: int, known: bool) -> Plan:
    small = state["conv1.weight"].shape[-1] == 3
    module = architectures.resnet(
        state,
        stem_padding=choices.stem_padding or padding,
        stem_pool=choices.stem_pool,
    )
    open_questions = []
    if not known and choices.stem_padding is None:
        open_questions.append(f"its 3x3 stem pads by {padding} (--stem-padding)")
    if not known and choices.stem_pool is None:
        open_questions.append("no pooling follows it (--stem-pool)")
    return Plan(
        module=module,
        weights=state,
        size=32 if small else 224,
        statistics="cifar" if small else "imagenet",
        assumed=tuple(open_questions),
    )


# -- CLIP ----------------------------------------------------------------------------


def _clip_statistics(site: Site) -> str:
    """BadEncoder and DECREE keep the image tower alone and feed it ImageNet's statistics."""
    whole = any(
        key.rpartition(".")[2] == "logit_scale" for key in map(shown, site.state)
    )
    return "clip" if whole else "imagenet"


def _clip_resnet(state: State, site: Site, choices: Choices) -> Plan:
    positions = state["attnpool.positional_embedding"].shape[0]
    return Plan(
        module=architectures.clip_resnet(state),
        weights=state,
        size=32 * round((positions - 1) ** 0.5),
        statistics=_clip_statistics(site),
    )


def _clip_vit(state: State, site: Site, choices: Choices) -> Plan:
    width, _, patch, _ = state["conv1.weight"].shape
    # OpenAI's files alone carry their settings as tensors.
    official = any(shown(key) == "input_resolution" for key in site.state)
    activation, heads, assumed = _transformer(
        choices, width, "quick_gelu" if official else "gelu", known=official
    )
    positions = state["positional_embedding"].shape[0]
    return Plan(
        module=architectures.clip_vit(state, heads=heads, activation=activation),
        weights=state,
        size=patch * round((positions - 1) ** 0.5),
        statistics=_clip_statistics(site),
        assumed=assumed,
    )


def _transformer(
    choices: Choices,
    width: int,
    activation: Activation,
    *,
    known: bool,
    heads: int | None = None,
) -> tuple[Activation, int, tuple[str, ...]]:
    """Activation and heads, and which of them were assumed."""
    usual = heads or architectures.heads_of(width)
    assumed = []
    if not known and choices.activation is None:
        assumed.append(f"its activation is {activation} (--activation)")
    if heads is None and choices.heads is None and width % 64:
        assumed.append(f"its attention has {usual} heads (--heads)")
    return choices.activation or activation, choices.heads or usual, tuple(assumed)


# -- Vision transformers -------------------------------------------------------------


def _blocks_vit(state: State, site: Site, choices: Choices) -> Plan:
    state = architectures.as_blocks_vit(state)
    width = state["patch_embed.proj.weight"].shape[0]
    # MoCo v3 has twelve heads in its small transformer too, the others six.
    twelve = re.search(r"(base|momentum)_encoder\.$", site.prefix) and width % 12 == 0
    clip = "norm_pre.weight" in state
    activation, heads, assumed = _transformer(
        choices, width, "gelu", known=not clip, heads=12 if twelve else None
    )
    module, size = architectures.blocks_vit(state, heads=heads, activation=activation)
    told = clip or any(_TOLD.search(key) for key in site.state)
    plan = Plan(
        module=module,
        weights=state,
        size=size,
        statistics="clip" if clip else "imagenet",
        assumed=(*assumed, *(() if told else IMAGENET_ASSUMED)),
    )
    return _projected(plan, site) if site.prefix.endswith("trunk.") else plan


def _projected(plan: Plan, site: Site) -> Plan:
    """OpenCLIP's towers of timm: what lies beside the trunk projects its features.

    Raises:
        EncoderError: that is more than one linear layer.
    """
    tower = site.prefix.removesuffix("trunk.")
    beside = {
        key.removeprefix(tower): value.float()
        for key, value in site.state.items()
        if key.startswith(tower) and not key.startswith(site.prefix)
    }
    if not beside:
        return plan
    if beside.keys() - {"head.proj.weight", "head.proj.bias"}:
        raise EncoderError(
            f"layers beside the trunk are no projection: {', '.join(beside)}"
        )
    width_out, width_in = beside["head.proj.weight"].shape
    plan.module.head = nn.Linear(width_in, width_out, bias="head.proj.bias" in beside)
    heads = {key.replace(".proj", ""): value for key, value in beside.items()}
    return replace(
        plan,
        weights={**plan.weights, **heads},
        beside=frozenset(tower + key for key in beside),
        statistics=_clip_statistics(site),
    )


_TOLD = re.compile(
    r"decoder_|dist_token|ls1\.gamma|_encoder\.|teacher|last_layer|mask_token"
)
"""Names of MAE, DeiT, DINO and MoCo v3, which all use ImageNet's statistics; timm's own often do not."""
IMAGENET_ASSUMED = ("its images are normalised as ImageNet's (--statistics)",)


def _torchvision_vit(state: State, site: Site, choices: Choices) -> Plan:
    state = architectures.as_torchvision(state)
    width = state["conv_proj.weight"].shape[0]
    _, heads, assumed = _transformer(choices, width, "gelu", known=True)
    module = architectures.torchvision_vit(state, heads=heads)
    return Plan(
        module=module,
        weights=state,
        size=int(module.image_size),  # type: ignore[arg-type]
        statistics="imagenet",
        assumed=assumed,
    )


def _fixed(
    build: Callable[[State], nn.Module],
) -> Callable[[State, Site, Choices], Plan]:
    """A family whose shapes tell everything."""

    def plan(state: State, site: Site, choices: Choices) -> Plan:
        state = architectures.as_torchvision(state)
        return Plan(module=build(state), weights=state, size=224, statistics="imagenet")

    return plan


def _convnext(state: State, site: Site, choices: Choices) -> Plan:
    if site.prefix.endswith("trunk."):
        raise EncoderError(
            "a ConvNeXt of OpenCLIP ends in layers that no shape tells; open it by its name, open_clip:ARCHITECTURE/TAG"
        )
    state = architectures.as_convnext(state)
    return Plan(
        module=architectures.convnext(state),
        weights=state,
        size=224,
        statistics="imagenet",
    )


_LITE = Statistics((127 / 255,) * 3, (128 / 255,) * 3)
"""EfficientNet-Lite's images, as its published configuration has them."""


def _tf_efficientnet(state: State, site: Site, choices: Choices) -> Plan:
    module, renamed, name = architectures.tf_efficientnet(state)
    size = module.pretrained_cfg["input_size"][-1]  # type: ignore[index]
    return Plan(
        module=module,
        weights=renamed,
        size=int(size),
        statistics=_LITE if "lite" in name else "imagenet",
    )


def _hugging_face(kind: str) -> Callable[[State, Site, Choices], Plan]:
    def plan(state: State, site: Site, choices: Choices) -> Plan:
        clip, convolutional = kind == "clip", kind in ("resnet", "convnext")
        activation, heads, assumed = _transformer(
            choices,
            hugging_face.width(kind, state),
            "quick_gelu" if clip else "gelu",
            known=not clip,
        )
        config = hugging_face.config_of(kind, state, heads=heads, activation=activation)
        told = clip or kind == "dinov2" or convolutional
        return hugging_face_plan(
            state,
            config,
            statistics="clip" if clip else "half" if kind == "vit" else "imagenet",
            assumed=(
                *(() if convolutional else assumed),
                *(() if told else ("its images are scaled to [-1, 1] (--statistics)",)),
            ),
        )

    return plan


def hugging_face_plan(
    state: State,
    config: Mapping[str, Any],
    *,
    statistics: str | Statistics,
    assumed: tuple[str, ...] = (),
) -> Plan:
    """A model of transformers by its configuration; it has its weights already.

    Raises:
        EncoderError: as `hugging_face.build` says.
    """
    module, size, left = hugging_face.build(state, config)
    return Plan(
        module=module,
        weights={**module.state_dict(), **dict.fromkeys(left, torch.empty(0))},
        size=size,
        statistics=statistics,
        assumed=assumed,
    )


def timm_plan(state: State, config: Mapping[str, Any]) -> Plan:
    """A model of timm by the `config.json` that its hub has.

    Raises:
        EncoderError: timm has no such model.
        DeviceError: it is not installed.
    """
    timm = architectures.need("timm", "timm")
    name = str(config["architecture"])
    if not timm.is_model(name):
        raise EncoderError(f"timm has no model {name!r}")
    settings = config.get("pretrained_cfg")
    settings = settings if isinstance(settings, dict) else {}
    pool = config.get("global_pool")
    net = timm.create_model(
        name, num_classes=0, **({"global_pool": pool} if pool else {})
    )
    size, mean, std = (
        settings.get(key, net.pretrained_cfg.get(key))
        for key in ("input_size", "mean", "std")
    )
    return Plan(
        module=net,
        weights=state,
        size=int(size[-1]),
        statistics=Statistics(tuple(mean), tuple(std)),
    )


# -- The table -----------------------------------------------------------------------

_STEM, _TRANSFORMER = ("stem_padding", "stem_pool"), ("activation", "heads")
_TOWER = re.compile(r"$^")
"""Whatever lies below the prefix of an image tower belongs to it."""

FAMILIES = (
    Family(
        label="CLIP ResNet",
        anchors=("attnpool.positional_embedding", "conv1.weight"),
        plan=_clip_resnet,
        heads=_TOWER,
    ),
    Family(
        label="CLIP ViT",
        anchors=(
            "transformer.resblocks.0.attn.in_proj_weight",
            "conv1.weight",
            "proj",
        ),
        plan=_clip_vit,
        choices=_TRANSFORMER,
        heads=_TOWER,
    ),
    Family(
        label="CIFAR ResNet",
        anchors=("layer2.0.shortcut.0.weight", "layer1.0.conv1.weight", "conv1.weight"),
        plan=_shortcut_resnet,
        choices=_STEM,
    ),
    Family(
        label="ResNet",
        anchors=("layer1.0.conv1.weight", "conv1.weight"),
        plan=_resnet,
        choices=_STEM,
    ),
    *(
        Family(
            label="ResNet",
            anchors=(f"{n}.0.conv1.weight", f"{n + 3}.0.conv1.weight", "0.weight"),
            plan=_numbered_resnet(n),
            choices=_STEM,
            owners={"backbone.": "lightly", "f.": "SimCLR"},
        )
        for n in (2, 3, 4)
    ),
    Family(
        label="ViT",
        anchors=("blocks.0.attn.qkv.weight", "patch_embed.proj.weight"),
        plan=_blocks_vit,
        choices=_TRANSFORMER,
        owners={"base_encoder.": "MoCo v3", "backbone.": "DINO"},
    ),
    Family(
        label="ViT in chunks",
        anchors=("blocks.0.0.attn.qkv.weight", "patch_embed.proj.weight"),
        plan=_blocks_vit,
        choices=_TRANSFORMER,
        owners={"base_encoder.": "MoCo v3", "backbone.": "DINO"},
    ),
    Family(
        label="torchvision ViT",
        anchors=("encoder.layers.encoder_layer_0.ln_1.weight", "conv_proj.weight"),
        plan=_torchvision_vit,
        choices=("heads",),
    ),
    *(
        Family(label=f"torchvision {label}", anchors=anchors, plan=_fixed(build))
        for label, anchors, build in (
            (
                "Swin",
                ("features.1.0.attn.qkv.weight", "features.0.0.weight"),
                architectures.torchvision_swin,
            ),
            (
                "ConvNeXt",
                ("features.1.0.layer_scale", "features.0.0.weight"),
                architectures.torchvision_convnext,
            ),
            (
                "DenseNet",
                (
                    "features.denseblock1.denselayer1.conv1.weight",
                    "features.conv0.weight",
                ),
                architectures.torchvision_densenet,
            ),
            (
                "RegNet",
                ("trunk_output.block1.block1-0.f.a.0.weight", "stem.0.weight"),
                architectures.torchvision_regnet,
            ),
            (
                "DenseNet",
                (
                    "features.denseblock1.denselayer1.conv.1.weight",
                    "features.conv0.weight",
                ),
                architectures.torchvision_densenet,
            ),
            (
                "MobileNet or EfficientNet",
                ("features.0.0.weight",),
                architectures.listed("mobilenet", "efficientnet"),
            ),
            (
                "VGG, AlexNet or SqueezeNet",
                ("features.0.weight",),
                architectures.listed("alexnet", "squeezenet", "vgg"),
            ),
            (
                "ShuffleNet",
                ("stage2.0.branch1.0.weight",),
                architectures.listed("shufflenet"),
            ),
        )
    ),
    *(
        Family(label="ConvNeXt", anchors=anchors, plan=_convnext)
        for anchors in (
            ("stages.0.blocks.0.conv_dw.weight", "stem.0.weight"),
            ("stages.0.0.dwconv.weight", "downsample_layers.0.0.weight"),
        )
    ),
    Family(
        label="EfficientNet of TensorFlow",
        anchors=("_conv_stem.weight", "_blocks.0._depthwise_conv.weight"),
        plan=_tf_efficientnet,
    ),
    *(
        Family(
            label=f"Hugging Face {kind}",
            anchors=anchors,
            plan=_hugging_face(kind),
            choices=() if kind in ("resnet", "convnext") else _TRANSFORMER,
        )
        for kind, anchors in hugging_face.ANCHORS.items()
    ),
)
"""In the order in which they are tried below one prefix."""
