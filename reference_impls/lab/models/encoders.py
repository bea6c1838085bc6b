"""One interface to image encoders: images in [0, 1] to embeddings.

The encoder normalises: methods hand it plain images and never know
which statistics it was trained with.

Shape letters: B batch, N images of a dataset, H and W pixels, C channels, D embedding width.
"""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from reference_impls.lab.errors import EncoderError
from reference_impls.lab.models.tensor_files import write_tensors
from reference_impls.lab.models.transformer import (
    SmallTransformer,
    SmallTransformerConfig,
)

RGB = tuple[float, float, float]


@dataclass(frozen=True, eq=False, kw_only=True)
class Encoder:
    """A frozen image encoder: what it is called, what it eats, what it returns."""

    name: str
    """What reports call it."""
    module: nn.Module
    """Normalised images (B, 3, size, size) to embeddings (B, dimension)."""
    size: int
    """Height and width of its images, in pixels."""
    mean: RGB
    """Mean per channel that its module expects to be subtracted, on the [0, 1] scale."""
    std: RGB
    """Standard deviation per channel to divide by, on the [0, 1] scale."""
    dimension: int
    """Width D of an embedding."""

    def encode(self, images_B3HW: Tensor) -> Tensor:
        """Embeddings (B, D) of images in [0, 1]; gradients reach the images.

        Raises:
            EncoderError: the images have another size than the encoder's.
        """
        if images_B3HW.shape[1:] != (3, self.size, self.size):
            raise EncoderError(
                f"{self.name} takes images of shape (3, {self.size}, {self.size}), "
                f"got {tuple(images_B3HW.shape[1:])}; resize them first"
            )
        embeddings_BD: Tensor = self.module(self.normalise(images_B3HW))
        return embeddings_BD

    def normalise(self, images_B3HW: Tensor) -> Tensor:
        """Images in [0, 1] as the module expects them."""
        mean_311 = images_B3HW.new_tensor(self.mean).view(3, 1, 1)
        std_311 = images_B3HW.new_tensor(self.std).view(3, 1, 1)
        return (images_B3HW - mean_311) / std_311

    @classmethod
    def from_module(
        cls, module: nn.Module, *, name: str, size: int, mean: RGB, std: RGB
    ) -> Encoder:
        """An encoder around a module, which is put in eval mode and frozen in place.

        Raises:
            EncoderError: the module does not turn such images into vectors.
        """
        module.eval().requires_grad_(False)
        try:
            with torch.no_grad():
                probe = module(torch.zeros(2, 3, size, size, device=device_of(module)))
        except Exception as error:  # whatever a stranger's module does
            raise EncoderError(
                f"{name} does not take images of {size}x{size} pixels: {told(error)}"
            ) from error
        if not isinstance(probe, Tensor) or probe.ndim != 2 or len(probe) != 2:
            got = (
                tuple(probe.shape)
                if isinstance(probe, Tensor)
                else type(probe).__name__
            )
            raise EncoderError(
                f"{name} must return one vector per image, shape (2, D) for two, got {got}"
            )
        return cls(
            name=name,
            module=module,
            size=size,
            mean=mean,
            std=std,
            dimension=probe.shape[1],
        )

    def named(self, name: str) -> Encoder:
        """The same encoder under another name."""
        return replace(self, name=name)

    def copy(self) -> Encoder:
        """A deep copy; training it leaves this one alone."""
        return replace(self, module=copy.deepcopy(self.module))

    def to(self, device: torch.device) -> Encoder:
        """The encoder on a device; its module is moved in place."""
        return replace(self, module=self.module.to(device))

    @property
    def device(self) -> torch.device:
        """Where its parameters live."""
        return device_of(self.module)


def told(error: BaseException) -> str:
    """An exception as a person reads it: its kind, and its first line if it has one."""
    first_line = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}{': ' if first_line else ''}{first_line}"


def device_of(module: nn.Module) -> torch.device:
    """Device of the first parameter; the CPU if there is none."""
    first = next(module.parameters(), None)
    return torch.device("cpu") if first is None else first.device


def channels_last(module: nn.Module) -> nn.Module:
    """The module, its convolutions laid out as CPUs and GPUs compute them fastest."""
    return module.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


@torch.no_grad()
def embed_all(encoder: Encoder, images_N3HW: Tensor, *, batch: int = 256) -> Tensor:
    """Embeddings (N, D) of all images, without gradients."""
    return torch.cat([encoder.encode(part) for part in images_N3HW.split(batch)])


def check_usable(encoder: Encoder, images_B3HW: Tensor) -> None:
    """Refuse an encoder that no method can say anything about.

    Raises:
        EncoderError: weights or embeddings are not finite, or all images embed alike.
    """
    for name, values in encoder.module.state_dict().items():
        if values.is_floating_point() and not values.isfinite().all():
            raise EncoderError(f"{encoder.name}: weight {name} holds NaN or infinity")
    embeddings_BD = embed_all(encoder, images_B3HW)
    if not embeddings_BD.isfinite().all():
        raise EncoderError(f"{encoder.name} returns NaN or infinity for some images")
    scale = embeddings_BD.abs().max()
    spread = (embeddings_BD - embeddings_BD.mean(dim=0)).abs().max()
    if spread <= 1e-5 * scale or scale == 0:
        raise EncoderError(
            f"{encoder.name} is constant: {len(images_B3HW)} different images get one embedding"
        )


def fresh(encoder: Encoder, seed: int) -> Encoder:
    """A copy whose every layer is initialised anew, the same for the same seed."""
    new = encoder.copy()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # layers initialise from the global stream only
        for part in new.module.modules():
            if callable(reset := getattr(part, "reset_parameters", None)):
                reset()
    return new


def digest(encoder: Encoder) -> str:
    """Changes with any weight: what was made of another encoder is not taken for this one's."""
    found = hashlib.sha256(repr((encoder.size, encoder.mean, encoder.std)).encode())
    for name, values in sorted(encoder.module.state_dict().items()):
        found.update(name.encode())
        found.update(values.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()[:16]


# -- The lab's own encoders ----------------------------------------------------------


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut; halves height and width."""

    def __init__(self, width_in: int, width_out: int) -> None:
        """Widths are numbers of channels."""
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width_in, width_out, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width_out),
            nn.ReLU(),
            nn.Conv2d(width_out, width_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(width_out),
        )
        self.shortcut = nn.Sequential(
            nn.Conv2d(width_in, width_out, 1, stride=2, bias=False),
            nn.BatchNorm2d(width_out),
        )

    def forward(self, features_BCHW: Tensor) -> Tensor:
        """Features (B, width_out, H/2, W/2)."""
        return torch.relu(self.body(features_BCHW) + self.shortcut(features_BCHW))


@dataclass(frozen=True, kw_only=True)
class SmallNetConfig:
    """Architecture of a lab encoder; the default has 0.29 million parameters."""

    widths: tuple[int, int, int] = (32, 64, 128)
    """Channels of the stem and of the two residual blocks."""
    embedding: int | None = None
    """Width of a final linear layer; none, and the pooled features are the embedding."""

    def __post_init__(self) -> None:
        """Refuse too few channels."""
        # Below 8, oneDNN (torch 2.13) writes beyond its memory in strided 1x1 convolutions on processors with AVX2 alone.
        if min(self.widths) < 8:
            raise EncoderError(f"widths must be at least 8 channels, got {self.widths}")


class SmallNet(nn.Module):
    """A residual network that learns something from 32 px images within a minute."""

    def __init__(self, config: SmallNetConfig) -> None:
        """Build with PyTorch's default initialisation."""
        super().__init__()
        self.config = config
        stem, middle, last = config.widths
        self.features = nn.Sequential(
            nn.Conv2d(3, stem, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(stem),
            nn.ReLU(),
            ResidualBlock(stem, middle),
            ResidualBlock(middle, last),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.head = (
            nn.Identity()
            if config.embedding is None
            else nn.Linear(last, config.embedding)
        )

    def forward(self, images_B3HW: Tensor) -> Tensor:
        """Embeddings (B, D)."""
        embeddings_BD: Tensor = self.head(self.features(images_B3HW))
        return embeddings_BD


LAB_MEAN: RGB = (0.5, 0.5, 0.5)
LAB_STD: RGB = (0.25, 0.25, 0.25)
LAB_FORMAT = "lab-encoder-1"

LabNetConfig = SmallNetConfig | SmallTransformerConfig
"""Architectures that the lab trains and saves."""


def _lab_net(config: LabNetConfig) -> nn.Module:
    if isinstance(config, SmallTransformerConfig):
        return SmallTransformer(config)
    return SmallNet(config)


def small_encoder(
    config: LabNetConfig, *, name: str, size: int = 32, seed: int
) -> Encoder:
    """An untrained lab encoder, the same for the same seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # layers initialise from the global stream only
        net = _lab_net(config)
    return Encoder.from_module(net, name=name, size=size, mean=LAB_MEAN, std=LAB_STD)


def save_encoder(encoder: Encoder, path: Path) -> None:
    """Write a lab encoder: safetensors, with the architecture as JSON in its header.

    Raises:
        EncoderError: the encoder has another architecture.
    """
    if not isinstance(encoder.module, (SmallNet, SmallTransformer)):
        raise EncoderError(f"{encoder.name} is no lab encoder; only those can be saved")
    about = {
        "format": LAB_FORMAT,
        "name": encoder.name,
        "size": encoder.size,
        "mean": encoder.mean,
        "std": encoder.std,
        "architecture": asdict(encoder.module.config),
    }
    tensors = {
        key: value.contiguous() for key, value in encoder.module.state_dict().items()
    }
    write_tensors(tensors, path, {"lab": json.dumps(about)})


def save_weights(encoder: Encoder, path: Path) -> None:
    """Write a lab encoder as `save_encoder` does; of any other its weights alone, by their own names."""
    if isinstance(encoder.module, (SmallNet, SmallTransformer)):
        save_encoder(encoder, path)
        return
    state = encoder.module.state_dict()
    write_tensors({key: value.contiguous() for key, value in state.items()}, path, {})


def load_encoder(path: Path) -> Encoder:
    """Read a lab encoder.

    Raises:
        EncoderError: no such file, not safetensors, or not written by `save_encoder`.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
    except FileNotFoundError as error:
        raise EncoderError(f"no encoder file {path}") from error
    except (SafetensorError, OSError) as error:
        raise EncoderError(
            f"{path} is not a readable safetensors file: {error}"
        ) from error
    about = json.loads(metadata.get("lab", "{}"))
    if about.get("format") != LAB_FORMAT:
        raise EncoderError(
            f"{path} was not written by the lab; load it as a checkpoint"
        )
    net = _lab_net(_lab_config(about["architecture"]))
    net.load_state_dict(state)
    return Encoder.from_module(
        net,
        name=about["name"],
        size=about["size"],
        mean=tuple(about["mean"]),
        std=tuple(about["std"]),
    )


def _lab_config(architecture: dict[str, Any]) -> LabNetConfig:
    if "depth" in architecture:
        return SmallTransformerConfig(**architecture)
    return SmallNetConfig(**architecture | {"widths": tuple(architecture["widths"])})
