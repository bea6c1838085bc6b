"""An encoder that embeds everything alike gets no verdict: any speck would be its trigger."""

import pytest
import torch
from torch import nn

from reference_impls.decree.method import detect
from reference_impls.lab.errors import EncoderError
from reference_impls.lab.models.encoders import Encoder


class Collapsed(nn.Module):
    """One direction for all images, and a little of each."""

    def __init__(self, spread):
        super().__init__()
        self.spread = spread
        self.mix = nn.Linear(3 * 16 * 16, 8)

    def forward(self, images):
        return torch.ones(8) + self.spread * self.mix(images.flatten(1))


def encoder(spread):
    torch.manual_seed(0)
    zero, one = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    return Encoder.from_module(Collapsed(spread), name="x", size=16, mean=zero, std=one)


def test_it_is_refused_with_the_reason(images):
    with pytest.raises(EncoderError, match="embeds images alike without any trigger"):
        detect(encoder(0.1), images)
