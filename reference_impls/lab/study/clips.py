"""Image-text models for commands, by name: the lab's, a file that the lab wrote, a library's."""

from __future__ import annotations

from pathlib import Path

from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.clip import CLIP, CLIPConfig, load_clip, text_file
from reference_impls.lab.models.encoders import SmallNetConfig
from reference_impls.lab.models.image_text import ImageText, open_image_text
from reference_impls.lab.models.transformer import SmallTransformerConfig
from reference_impls.lab.models.zoo import LabData, clean_clip
from reference_impls.lab.study import console
from reference_impls.lab.study.options import DataOptions


def lab_config(name: str) -> CLIPConfig | None:
    """The recipe of a lab CLIP: `lab`, `lab:2`, `lab:transformer`, `lab:transformer:2`; or none.

    Raises:
        ConfigError: the name begins like one and goes on otherwise.
    """
    lab, *rest = name.split(":")
    if lab != "lab":
        return None
    transformer = rest[:1] == ["transformer"]
    seeds = rest[1:] if transformer else rest
    if len(seeds) > 1 or not all(seed.isdecimal() for seed in seeds):
        raise ConfigError(
            f"no lab CLIP {name!r}; give lab, lab:SEED, lab:transformer or lab:transformer:SEED"
        )
    seed = int(seeds[0]) if seeds else 0
    if transformer:
        net = SmallTransformerConfig(embedding=64)
        return CLIPConfig(net=net, learning_rate=2e-3, bf16=False, seed=seed)
    return CLIPConfig(net=SmallNetConfig(embedding=64), seed=seed)


def lab_clip(name: str) -> CLIP:
    """A lab CLIP under its name, trained if the cache has none.

    Raises:
        ConfigError: the name is none of a lab CLIP.
    """
    config = lab_config(name)
    if config is None:
        raise ConfigError(f"{name!r} is no lab CLIP")
    with console.progress(f"training {name}, once") as step:
        clip = clean_clip(config, LabData(), progress=console.training(step))
    return CLIP(clip.image.named(name), clip.text)


def open_clip(name: str, options: DataOptions) -> CLIP | ImageText:
    """The model of a name, its image tower on the device; a name of an image encoder has no text tower.

    Raises:
        LabError: there is none, it does not work, or the device is not there.
    """
    device, path = options.torch_device, Path(name)
    if lab_config(name):
        clip = lab_clip(name)
    elif text_file(path).exists():
        clip = load_clip(path)
    else:
        found = open_image_text(name, options.preprocessing, weights=options.weights)
        return found.to(device)
    return CLIP(clip.image.to(device), clip.text)
