import pytest
import torch
from torch import nn

from reference_impls.lab.models import fast
from reference_impls.lab.models.encoders import Encoder, SmallNetConfig, small_encoder
from reference_impls.lab.models.fast import accelerated, fold_batchnorm, in_bfloat16

GRAY = (0.5, 0.5, 0.5)


def unsettled(seed=0):
    """A lab encoder whose BatchNorms do something."""
    encoder = small_encoder(SmallNetConfig(widths=(8, 16, 24)), name="x", seed=seed)
    generator = torch.Generator().manual_seed(seed)
    for part in encoder.module.modules():
        if isinstance(part, nn.BatchNorm2d):
            for values in (part.weight, part.bias, part.running_mean, part.running_var):
                values.data = 0.5 + torch.rand(values.shape, generator=generator)
    return encoder


def test_folding_changes_no_embedding_and_leaves_no_batchnorm():
    encoder, images = unsettled(), torch.rand(8, 3, 32, 32)
    fast = accelerated(encoder)
    torch.testing.assert_close(
        fast.encode(images), encoder.encode(images), rtol=1e-4, atol=1e-5
    )
    assert not any(isinstance(part, nn.BatchNorm2d) for part in fast.module.modules())
    assert any(isinstance(part, nn.BatchNorm2d) for part in encoder.module.modules())


def test_folding_keeps_the_gradient_of_the_images():
    encoder, images = unsettled(), torch.rand(4, 3, 32, 32, requires_grad=True)
    gradients = [
        torch.autograd.grad(subject.encode(images).square().sum(), images)[0]
        for subject in (encoder, accelerated(encoder))
    ]
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-3, atol=1e-4)


def test_pooling_hands_back_gradients_in_the_layout_of_the_convolutions():
    fast, layouts = accelerated(unsettled()), []
    last = fast.module.get_submodule("features.4.shortcut.0")
    last.register_full_backward_hook(
        lambda _part, _inputs, outputs: layouts.append(
            outputs[0].is_contiguous(memory_format=torch.channels_last)
        )
    )
    images = torch.rand(4, 3, 32, 32, requires_grad=True)
    fast.encode(images.contiguous(memory_format=torch.channels_last)).sum().backward()
    assert layouts == [True]


class Winding(nn.Module):
    """Cannot be traced: its path depends on the images."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(192, 4))

    def forward(self, images):
        return self.net(images) if images.mean() > 0.5 else -self.net(images)


def test_an_encoder_that_cannot_be_traced_stays_as_it_is():
    encoder = Encoder.from_module(Winding(), name="x", size=8, mean=GRAY, std=GRAY)
    images = torch.rand(3, 3, 8, 8)
    assert fold_batchnorm(encoder.module) is None
    torch.testing.assert_close(
        accelerated(encoder).encode(images), encoder.encode(images)
    )


class Shared(nn.Module):
    """A convolution whose output is used before the BatchNorm as well."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        self.norm.running_mean += 3

    def forward(self, images):
        features = self.conv(images)
        return (features + self.norm(features)).mean(dim=(2, 3))


@pytest.mark.parametrize("size", [8])
def test_a_shared_convolution_is_not_folded(size):
    encoder = Encoder.from_module(Shared(), name="x", size=size, mean=GRAY, std=GRAY)
    images = torch.rand(3, 3, size, size)
    torch.testing.assert_close(
        accelerated(encoder).encode(images), encoder.encode(images)
    )


@pytest.mark.usefixtures("bfloat16_everywhere")
def test_bfloat16_takes_and_gives_float32_and_nearly_the_same():
    encoder, images = unsettled(), torch.rand(8, 3, 32, 32)
    embeddings = accelerated(encoder, bf16=True).encode(images)
    assert embeddings.dtype == torch.float32
    cosines = torch.cosine_similarity(embeddings, encoder.encode(images), dim=1)
    assert cosines.min() > 0.999


@pytest.mark.parametrize(
    ("can", "wanted"), [(True, True), (True, False), (False, True)]
)
def test_bfloat16_is_used_only_where_the_processor_computes_it(
    monkeypatch, can, wanted
):
    monkeypatch.setattr(fast, "computes_bfloat16", lambda device: can)
    with in_bfloat16(torch.device("cpu"), wanted=wanted):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == (torch.bfloat16 if can and wanted else torch.float32)
