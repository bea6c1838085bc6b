"""A defense of one's own: the picture is blurred a little before the CLIP names it. Copy this file and change it.

`python -m reference_impls.arena run reference_impls/arena/example.py`
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from reference_impls.lab.attacks.pgd import Classifier
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.models.zero_shot import ZeroShot


def defend(classifier: ZeroShot, train: Dataset) -> Classifier:
    """What stands in the place of the classifier: images (B, 3, H, W) in [0, 1] to logits (B, C).

    `classifier(images)` gives the logits of the CLIP alone, `classifier.encoder.encode(images)` embeddings and
    `classifier.logits(embeddings)` logits of these. `train` holds images to learn from (`images_N3HW`, `labels`).
    """

    def logits(images_B3HW: Tensor) -> Tensor:
        return classifier(F.avg_pool2d(images_B3HW, 3, stride=1, padding=1))

    return logits
