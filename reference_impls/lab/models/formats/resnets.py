"""ResNets: torchvision's names, CIFAR's `shortcut`, and those whose stages are numbered in a `Sequential`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from torch import Tensor, nn

from reference_impls.lab.errors import EncoderError
from reference_impls.lab.models.formats.family import Choices, Family, Plan, Site
from reference_impls.lab.models.formats.shapes import State, count_children
from reference_impls.lab.torchvision import import_torchvision


def resnet(
    state: State, *, stem_padding: int = 1, stem_pool: bool | None = None
) -> nn.Module:
    """A torchvision ResNet without its classifier; a 3x3 stem has stride 1.

    Args:
        state: its weights.
        stem_padding: of a 3x3 stem: 1, and 2 in solo-learn.
        stem_pool: whether the stem ends with pooling; default: a 7x7 stem does.

    Raises:
        EncoderError: the shapes are no ResNet's.
    """
    models = import_torchvision().models.resnet
    bottleneck = "layer1.0.conv3.weight" in state
    net = models.ResNet(
        models.Bottleneck if bottleneck else models.BasicBlock,
        stage_depths(state),
        **(_bottleneck_widths(state) if bottleneck else {}),
    )
    small = _for_small_images(state)
    if small:
        net.conv1 = nn.Conv2d(3, 64, 3, stride=1, padding=stem_padding, bias=False)
    if not (not small if stem_pool is None else stem_pool):
        net.maxpool = nn.Identity()
    net.fc = nn.Identity()
    module: nn.Module = net
    return module


def _bottleneck_widths(state: State) -> dict[str, int]:
    """Groups and width of ResNeXt and Wide ResNet, from the 3x3 convolution of layer 1."""
    width, per_group = state["layer1.0.conv2.weight"].shape[:2]
    groups = max(1, width // per_group)
    return {"groups": groups, "width_per_group": width // groups}


def _for_small_images(state: State) -> bool:
    """Whether its stem is 3x3."""
    return state["conv1.weight"].shape[-1] == 3


def stage_depths(state: State) -> list[int]:
    """Blocks in each of the four stages.

    Raises:
        EncoderError: a stage has none.
    """
    depths = [count_children(state, f"layer{i}") for i in range(1, 5)]
    if 0 in depths:
        raise EncoderError(
            f"a ResNet has four stages; the blocks found per stage are {depths}"
        )
    return depths


def as_resnet(state: State, first: int) -> dict[str, Tensor]:
    """A ResNet in a `Sequential` under torchvision's names; `first` is the number of its first stage.

    A layer behind the stages becomes `fc`: pooling is linear, so a 1x1 convolution before it is a
    linear layer after it.
    """
    names = {"0": "conv1", "1": "bn1"}
    names |= {str(first + i): f"layer{i + 1}" for i in range(4)}
    behind = sorted(
        {n for key in state if (n := key.partition(".")[0]).isdigit()} - names.keys(),
        key=int,
    )
    if len(behind) == 1 and int(behind[0]) > first + 3:
        names[behind[0]] = "fc"
    renamed = {}
    for key, value in state.items():
        number, dot, rest = key.partition(".")
        name = f"{names.get(number, number)}{dot}{rest}".replace(
            ".shortcut.", ".downsample."
        )
        renamed[name] = value.flatten(1) if name == "fc.weight" else value
    return {key: _joined(key, value, renamed) for key, value in renamed.items()}


def _joined(key: str, value: Tensor, state: State) -> Tensor:
    """Statistics that lightly's split BatchNorm keeps per part of a batch, as it joins them to evaluate."""
    layer, _, what = key.rpartition(".")
    weight = state.get(f"{layer}.weight")
    if what not in ("running_mean", "running_var") or weight is None:
        return value
    parts, rest = divmod(value.numel(), max(1, weight.numel()))
    return value if rest or parts < 2 else value.view(parts, -1).mean(dim=0)


def _plan(state: State, site: Site, choices: Choices) -> Plan:
    """A 3x3 stem leaves two things open, which solo-learn and the programs for CIFAR settle differently."""
    small = _for_small_images(state)
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


def _plan_shortcut(state: State, site: Site, choices: Choices) -> Plan:
    renamed = {
        key.replace(".shortcut.", ".downsample."): value for key, value in state.items()
    }
    return _stemmed(renamed, choices, padding=1, known=True)


def _plan_numbered(first: int) -> Callable[[State, Site, Choices], Plan]:
    def plan(state: State, site: Site, choices: Choices) -> Plan:
        state = as_resnet(state, first)
        small = _for_small_images(state)
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
    small = _for_small_images(state)
    module = resnet(
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


_STEM = ("stem_padding", "stem_pool")

FAMILIES = (
    Family(
        label="CIFAR ResNet",
        anchors=("layer2.0.shortcut.0.weight", "layer1.0.conv1.weight", "conv1.weight"),
        plan=_plan_shortcut,
        choices=_STEM,
    ),
    Family(
        label="ResNet",
        anchors=("layer1.0.conv1.weight", "conv1.weight"),
        plan=_plan,
        choices=_STEM,
    ),
    *(
        Family(
            label="ResNet",
            anchors=(f"{n}.0.conv1.weight", f"{n + 3}.0.conv1.weight", "0.weight"),
            plan=_plan_numbered(n),
            choices=_STEM,
            owners={"backbone.": "lightly", "f.": "SimCLR"},
        )
        for n in (2, 3, 4)
    ),
)
