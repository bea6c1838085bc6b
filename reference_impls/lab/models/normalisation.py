"""What encoders subtract from and divide their images by."""

from __future__ import annotations

from dataclasses import dataclass

from reference_impls.lab.models.encoders import RGB


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation per channel, on the [0, 1] scale."""

    mean: RGB
    std: RGB


STATISTICS = {
    "cifar": Statistics((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    "stl10": Statistics(
        (0.44087798, 0.42790666, 0.38678814), (0.25507198, 0.24801506, 0.25641308)
    ),
    "imagenet": Statistics((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "clip": Statistics(
        (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
    ),
    "half": Statistics((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "none": Statistics((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}
"""Normalisations in use, by name; cifar and stl10 as in BadEncoder's and DECREE's programs."""
