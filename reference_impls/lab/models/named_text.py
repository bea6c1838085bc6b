"""Text encoders by name: the lab's own, a file of one, a folder as model hubs lay it out, or one that a package carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from reference_impls.lab.models.hf_text import load_hugging_face_text
from reference_impls.lab.models.packages import package_weights
from reference_impls.lab.models.text_encoder import (
    TextEncoder,
    TextEncoderConfig,
    clean_text_encoder,
    load_text_encoder,
)
from reference_impls.lab.models.training import Progress

LAB_TEXTS: Mapping[str, TextEncoderConfig] = {
    "lab-text": TextEncoderConfig(),
    "lab-people": TextEncoderConfig(corpus="people", width=128, depth=1, steps=300),
}
"""The lab's own text encoders; names and addresses need more width."""


def open_text_encoder(
    name: str, progress: Progress | None = None, *, download: bool = False
) -> TextEncoder:
    """`lab-text` or `lab-people`, each also with `:SEED`, `minilm`, a folder of transformers, or a file that the lab wrote.

    Raises:
        LabError: there is none of that name, or it would have to be downloaded and nobody asked for it.
    """
    lab, _, seed = name.partition(":")
    if lab in LAB_TEXTS and (seed.isdecimal() or not seed):
        config = replace(LAB_TEXTS[lab], seed=int(seed or 0))
        return clean_text_encoder(config, progress=progress)
    if name == "minilm":
        path, _ = package_weights(name, download=download)
        return load_hugging_face_text(path.parent, name)
    if Path(name).is_dir():
        return load_hugging_face_text(Path(name))
    return load_text_encoder(Path(name))
