"""Files of the model hubs of Hugging Face and timm: by `config.json`, or by names and shapes alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from reference_impls.lab.errors import EncoderError
from reference_impls.lab.models import hugging_face
from reference_impls.lab.models.formats.attention import activation_and_heads
from reference_impls.lab.models.formats.family import Choices, Family, Plan, Site
from reference_impls.lab.models.formats.shapes import State, need
from reference_impls.lab.models.normalisation import Statistics


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
    timm = need("timm", "timm")
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


def _plan(kind: str) -> Callable[[State, Site, Choices], Plan]:
    def plan(state: State, site: Site, choices: Choices) -> Plan:
        clip, convolutional = kind == "clip", kind in ("resnet", "convnext")
        activation, heads, assumed = activation_and_heads(
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


FAMILIES = tuple(
    Family(
        label=f"Hugging Face {kind}",
        anchors=anchors,
        plan=_plan(kind),
        choices=() if kind in ("resnet", "convnext") else ("activation", "heads"),
    )
    for kind, anchors in hugging_face.ANCHORS.items()
)
