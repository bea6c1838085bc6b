"""Universal patches and perturbations: one change that is applied to every image.

A patch replaces a square of pixels; a perturbation adds a little to all of them.

Shape letters: B batch, N images, H and W pixels, S side of a patch, 3 colour channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from zipfile import BadZipFile

import numpy
import torch
from torch import Generator, Tensor

from reference_impls.lab.data.images import Trigger, stamp
from reference_impls.lab.data.patches import PatchSpec, paste, random_corners
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.files import replacing

FORMAT = "lab-universal-1"


# -- What is applied -----------------------------------------------------------------


class Universal(Protocol):
    """A change that is the same for every image."""

    def apply(self, images_B3HW: Tensor) -> Tensor:
        """The changed images, in [0, 1]."""
        ...

    def save(self, path: Path) -> None:
        """Write it as .npz; `load` reads it."""
        ...


@dataclass(frozen=True, eq=False)
class UniversalPatch(Trigger):
    """One patch for all images; pixels outside its mask stay bit-identical."""

    def __post_init__(self) -> None:
        """Refuse a mask that is not 0 or 1, or not a square, and a pattern outside [0, 1]."""
        if self.pattern_3HW.shape != (3, *self.mask_HW.shape):
            raise ConfigError(
                f"a patch needs a mask (H, W) and a pattern (3, H, W), got "
                f"{tuple(self.mask_HW.shape)} and {tuple(self.pattern_3HW.shape)}"
            )
        if not ((self.mask_HW == 0) | (self.mask_HW == 1)).all():
            raise ConfigError("a patch's mask must be 0 or 1 at every pixel")
        _check_unit("a patch's pattern", self.pattern_3HW)
        top, left, side = self._square()
        if side == 0 or self.mask_HW.sum() != side**2:
            raise ConfigError("a patch's mask must be one square")
        if not self.mask_HW[top : top + side, left : left + side].all():
            raise ConfigError("a patch's mask must be one square")

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images it goes on, in pixels."""
        height, width = self.mask_HW.shape
        return height, width

    def apply(self, images_B3HW: Tensor) -> Tensor:
        """The images with the patch at its own place.

        Raises:
            ConfigError: the images have another size than the patch's.
        """
        _check_size("this patch", self.size, images_B3HW)
        mask_HW = self.mask_HW.to(images_B3HW)
        return stamp(images_B3HW, mask_HW, self.pattern_3HW.to(images_B3HW))

    def apply_randomly(self, images_B3HW: Tensor, generator: Generator) -> Tensor:
        """The images with the patch at a random place of each."""
        _check_size("this patch", self.size, images_B3HW)
        height, width = images_B3HW.shape[2:]
        corners = random_corners(len(images_B3HW), self.side, height, width, generator)
        tops_B, lefts_B = (corner_B.to(images_B3HW.device) for corner_B in corners)
        return paste(self.pixels.to(images_B3HW), images_B3HW, tops_B, lefts_B)

    @property
    def side(self) -> int:
        """Edge of the square, in pixels."""
        return self._square()[2]

    @property
    def pixels(self) -> Tensor:
        """The square alone, (3, S, S)."""
        top, left, side = self._square()
        return self.pattern_3HW[:, top : top + side, left : left + side]

    def _square(self) -> tuple[int, int, int]:
        rows, columns = (self.mask_HW.any(dim=d).nonzero() for d in (1, 0))
        if not len(rows):
            return 0, 0, 0
        return int(rows[0]), int(columns[0]), len(rows)

    def save(self, path: Path) -> None:
        """Write it as .npz; `load` reads it."""
        _save(path, kind="patch", mask=self.mask_HW, pattern=self.pattern_3HW)


@dataclass(frozen=True, eq=False)
class UniversalPerturbation:
    """One addition to all images, at most epsilon at any pixel."""

    delta_3HW: Tensor
    """On the [0, 1] scale of the images."""
    epsilon: float
    """Bound of |delta|, in (0, 1]."""

    def __post_init__(self) -> None:
        """Refuse an addition that breaks its bound."""
        check_epsilon(self.epsilon)
        if self.delta_3HW.ndim != 3 or len(self.delta_3HW) != 3:
            raise ConfigError(
                f"a perturbation has shape (3, H, W), got {tuple(self.delta_3HW.shape)}"
            )
        if not self.delta_3HW.abs().max() <= self.epsilon + 1e-6:
            raise ConfigError(
                f"the perturbation reaches {self.delta_3HW.abs().max():.4g}, above epsilon "
                f"{self.epsilon:.4g}"
            )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images it goes on, in pixels."""
        _, height, width = self.delta_3HW.shape
        return height, width

    @property
    def visible(self) -> Tensor:
        """What a person looks at, (3, H, W) in [0, 1]: epsilon at full scale, no change in grey."""
        return self.delta_3HW / (2 * self.epsilon) + 0.5

    def apply(self, images_B3HW: Tensor) -> Tensor:
        """The images with the addition, clamped to [0, 1].

        Raises:
            ConfigError: the images have another size than the perturbation's.
        """
        _check_size("this perturbation", self.size, images_B3HW)
        return (images_B3HW + self.delta_3HW.to(images_B3HW)).clamp(0, 1)

    def save(self, path: Path) -> None:
        """Write it as .npz; `load` reads it."""
        epsilon = torch.tensor(self.epsilon, dtype=torch.float64)
        _save(path, kind="perturbation", delta=self.delta_3HW, epsilon=epsilon)


def check_epsilon(epsilon: float) -> None:
    """Refuse a bound outside (0, 1].

    Raises:
        ConfigError: it is.
    """
    if not 0 < epsilon <= 1:
        raise ConfigError(
            f"epsilon must lie in (0, 1] on the scale of pixels, got {epsilon}; 8/255 is {8 / 255:.4f}"
        )


def _check_unit(what: str, values: Tensor) -> None:
    if not ((values >= 0) & (values <= 1)).all():
        raise ConfigError(f"{what} must lie in [0, 1]")


def _check_size(what: str, own: tuple[int, int], images_B3HW: Tensor) -> None:
    if own != images_B3HW.shape[-2:]:
        made, got = ("x".join(map(str, size)) for size in (own, images_B3HW.shape[-2:]))
        raise ConfigError(f"{what} was made for images of {made} pixels, got {got}")


@dataclass(frozen=True, eq=False)
class AtRandomPlaces:
    """A patch that is put at another place of every image, the same places every time."""

    patch: UniversalPatch
    seed: int = 0

    def apply(self, images_B3HW: Tensor) -> Tensor:
        """The images with the patch on them."""
        generator = Generator().manual_seed(self.seed)
        return self.patch.apply_randomly(images_B3HW, generator)


# -- Files ---------------------------------------------------------------------------


def _save(path: Path, *, kind: str, **tensors: Tensor) -> None:
    arrays: dict[str, Any] = {
        name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()
    }
    with replacing(path) as new, new.open("wb") as file:
        numpy.savez_compressed(
            file, format=numpy.array(FORMAT), kind=numpy.array(kind), **arrays
        )


def load(path: Path) -> UniversalPatch | UniversalPerturbation:
    """A patch or perturbation that `save` wrote; nothing in the file is ever run.

    Raises:
        ConfigError: no such file, another kind of file, or one that breaks its own bounds.
    """
    try:
        with numpy.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except FileNotFoundError as error:
        raise ConfigError(
            f"no patch or perturbation {path}; make one with `run`"
        ) from error
    except (OSError, ValueError, BadZipFile, AttributeError, EOFError) as error:
        first_line = str(error).partition("\n")[0]
        raise ConfigError(
            f"{path} is no patch or perturbation: {first_line}"
        ) from error
    if str(arrays.get("format")) != FORMAT:
        raise ConfigError(f"{path} was not written by the lab (format {FORMAT})")
    tensors = {
        name: torch.from_numpy(value)
        for name, value in arrays.items()
        if value.dtype.kind == "f"
    }
    wanted = {"mask", "pattern"} if "mask" in tensors else {"delta", "epsilon"}
    if set(tensors) != wanted:
        raise ConfigError(f"{path} lacks {', '.join(sorted(wanted - set(tensors)))}")
    if "mask" in tensors:
        return UniversalPatch(tensors["mask"], tensors["pattern"])
    return UniversalPerturbation(tensors["delta"], tensors["epsilon"].item())


# -- Controls ------------------------------------------------------------------------


def as_patch(
    pixels_3SS: Tensor, spec: PatchSpec, height: int, width: int
) -> UniversalPatch:
    """A square of pixels at the place of a spec."""
    top, left = spec.corner(height, width)
    side = spec.side(height, width)
    mask_HW = torch.zeros(height, width)
    mask_HW[top : top + side, left : left + side] = 1
    pattern_3HW = torch.zeros(3, height, width)
    pattern_3HW[:, top : top + side, left : left + side] = pixels_3SS.detach().cpu()
    return UniversalPatch(mask_HW, pattern_3HW)


def random_patch(spec: PatchSpec, size: int, *, seed: int) -> UniversalPatch:
    """Control: uniform noise per pixel and channel."""
    side = spec.side(size, size)
    generator = Generator().manual_seed(seed)
    return as_patch(torch.rand(3, side, side, generator=generator), spec, size, size)


def mean_colour_patch(spec: PatchSpec, images_N3HW: Tensor) -> UniversalPatch:
    """Control: the images' mean colour, so that the patch hides and adds nothing."""
    height, width = images_N3HW.shape[2:]
    side = spec.side(height, width)
    colour_311 = images_N3HW.mean(dim=(0, 2, 3)).view(3, 1, 1)
    return as_patch(colour_311.expand(3, side, side), spec, height, width)


def random_patch_like(patch: UniversalPatch, *, seed: int) -> UniversalPatch:
    """Control: uniform noise per pixel and channel, where a patch is."""
    generator = Generator().manual_seed(seed)
    noise_3HW = torch.rand(patch.pattern_3HW.shape, generator=generator)
    return UniversalPatch(patch.mask_HW, patch.mask_HW * noise_3HW)


def mean_colour_patch_like(
    patch: UniversalPatch, images_N3HW: Tensor
) -> UniversalPatch:
    """Control: the images' mean colour, where a patch is."""
    colour_311 = images_N3HW.mean(dim=(0, 2, 3)).view(3, 1, 1)
    return UniversalPatch(patch.mask_HW, patch.mask_HW * colour_311)


def random_sign_perturbation(
    epsilon: float, size: int, *, seed: int
) -> UniversalPerturbation:
    """Control: plus or minus epsilon at every pixel and channel, the largest noise allowed."""
    check_epsilon(epsilon)
    bits = torch.rand(3, size, size, generator=Generator().manual_seed(seed)) < 0.5
    return UniversalPerturbation(epsilon * (2 * bits.float() - 1), epsilon)


def fooling_rate(clean_predictions_N: Tensor, attacked_predictions_N: Tensor) -> float:
    """Fraction of predictions that the change turned into another, in [0, 1] (UAP, Eq. 1)."""
    return (clean_predictions_N != attacked_predictions_N).float().mean().item()
