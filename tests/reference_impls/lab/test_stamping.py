import pytest
import torch

from reference_impls.lab.data.images import stamp
from reference_impls.lab.data.stamping import stamp_each


def drawn(*shape, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, dtype=torch.float64, generator=generator)


IMAGES, MASKS, PATTERNS = (
    drawn(4, 3, 5, 6, seed=0),
    drawn(2, 5, 6, seed=1),
    drawn(2, 3, 5, 6, seed=2),
)


def test_every_image_is_stamped_with_every_patch():
    expected = [stamp(IMAGES, m, t) for m, t in zip(MASKS, PATTERNS, strict=True)]
    stamped = stamp_each(IMAGES, MASKS, PATTERNS)
    torch.testing.assert_close(stamped, torch.cat(expected))
    assert stamped.is_contiguous(memory_format=torch.channels_last)


def test_the_gradients_are_the_derivatives():
    masks, patterns = MASKS.clone().requires_grad_(), PATTERNS.clone().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda m, t: stamp_each(IMAGES, m, t), (masks, patterns)
    )


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_gradients_are_those_of_the_plain_stamp(layout):
    weight = drawn(8, 3, 5, 6, seed=3).contiguous(memory_format=layout)
    found = []
    for stamped in (
        stamp_each,
        lambda x, m, t: stamp(x, m[:, None, None], t[:, None]).flatten(0, 1),
    ):
        free = MASKS.clone().requires_grad_(), PATTERNS.clone().requires_grad_()
        loss = (stamped(IMAGES, *free).square() * weight).sum()
        found.append(torch.autograd.grad(loss, free))
    torch.testing.assert_close(found[0], found[1])
