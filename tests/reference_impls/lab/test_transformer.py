import pytest
import torch

from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.encoders import (
    load_encoder,
    save_encoder,
    small_encoder,
)
from reference_impls.lab.models.transformer import SmallTransformerConfig

TINY = SmallTransformerConfig(image=16, patch=4, width=16, depth=2, heads=2)


def test_it_embeds_images_and_comes_back_from_a_file(tmp_path):
    encoder = small_encoder(TINY, name="tiny", size=16, seed=0)
    save_encoder(encoder, tmp_path / "tiny.safetensors")
    again = load_encoder(tmp_path / "tiny.safetensors")
    images = torch.rand(3, 3, 16, 16)
    assert encoder.dimension == 16
    torch.testing.assert_close(again.encode(images), encoder.encode(images))


def test_a_common_space_has_its_own_width():
    config = SmallTransformerConfig(image=16, patch=8, width=16, depth=1, embedding=5)
    assert small_encoder(config, name="tiny", size=16, seed=0).dimension == 5


def test_where_a_patch_sits_matters():
    encoder = small_encoder(TINY, name="tiny", size=16, seed=0)
    image = torch.zeros(1, 3, 16, 16)
    image[..., :4, :4] = 1
    moved = image.roll(4, dims=3)
    with torch.no_grad():
        assert not torch.allclose(encoder.encode(image), encoder.encode(moved))


def test_the_parameter_count_of_the_docstring():
    module = small_encoder(SmallTransformerConfig(), name="d", size=32, seed=0).module
    assert sum(p.numel() for p in module.parameters()) == pytest.approx(
        0.36e6, rel=0.02
    )


@pytest.mark.parametrize(
    "settings", [{"patch": 5}, {"patch": 0}, {"width": 10, "heads": 4}]
)
def test_what_does_not_divide_is_refused(settings):
    with pytest.raises(ConfigError, match="must divide into patches"):
        SmallTransformerConfig(**settings)
