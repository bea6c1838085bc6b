"""Image-text models by name: shapes at 224 px, texts that fit, and what is refused."""

import json

import pytest
import torch

from reference_impls.advclip.method import AdvCLIPConfig, attack
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.patches import PatchSpec, place_patch
from reference_impls.lab.errors import (
    ConfigError,
    DatasetError,
    DeviceError,
    EncoderError,
)
from reference_impls.lab.models.encoders import SmallNetConfig, small_encoder
from reference_impls.lab.models.fast import encode_in_parts
from reference_impls.lab.models.image_text import ImageText, open_image_text
from reference_impls.lab.models.named import Weights
from reference_impls.lab.torchvision import import_library

RANDOM = Weights(random=True)


def library(name):
    """The library, or a skip where it is not installed."""
    try:
        return import_library(name, name)
    except DeviceError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def tiny_open_clip(tmp_path_factory):
    """An OpenCLIP of 224 px with random weights, small enough for a test."""
    open_clip = library("open_clip")
    folder = tmp_path_factory.mktemp("open_clip")
    config = {
        "embed_dim": 24,
        "vision_cfg": {
            "image_size": 224,
            "layers": 1,
            "width": 64,
            "head_width": 32,
            "patch_size": 56,
        },
        "text_cfg": {
            "context_length": 77,
            "vocab_size": 49408,
            "width": 32,
            "heads": 2,
            "layers": 1,
        },
    }
    (folder / "tiny-test.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder / "tiny-test.json")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return open_image_text("open_clip:tiny-test", weights=RANDOM)


def test_open_clip_shares_a_space_between_224_px_images_and_texts(tiny_open_clip):
    assert tiny_open_clip.image.size == 224
    texts = tiny_open_clip.embed_text(["a photo of a cat", "a photo of a dog"])
    assert texts.shape == (2, tiny_open_clip.image.dimension)
    torch.testing.assert_close(texts.norm(dim=1), torch.ones(2))
    assert not texts.requires_grad


def test_at_224_px_gradients_reach_only_the_patch(tiny_open_clip):
    spec = PatchSpec(share=0.03, margin=14)
    side = spec.side(224, 224)
    assert side == 38
    pixels = torch.rand(3, side, side, requires_grad=True)
    images = torch.rand(3, 3, 224, 224)
    changed = place_patch(pixels, images, spec, torch.Generator())
    encoded = encode_in_parts(tiny_open_clip.image, changed, part=2)
    encoded.square().sum().backward()
    assert pixels.grad.abs().sum() > 0
    assert all(p.grad is None for p in tiny_open_clip.image.module.parameters())
    assert torch.equal(changed[..., :172, :], images[..., :172, :])


def test_an_attack_on_open_clip_gives_a_patch_of_224_px(tiny_open_clip):
    images = torch.rand(6, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    captions = tuple(f"a picture of number {i}" for i in range(6))
    dataset = Dataset(name="few", images_N3HW=images, captions=captions)
    config = AdvCLIPConfig(
        steps=2, batch=4, micro_batch=2, patch=PatchSpec(share=0.03, margin=14)
    )
    patch = attack(tiny_open_clip, dataset, config)
    assert patch.mask_HW.shape == (224, 224)
    assert patch.mask_HW[172:210, 172:210].all()
    assert patch.mask_HW.sum() == 38**2


def held_bytes(encoder, images, part):
    """Bytes that autograd keeps between forward and backward."""
    held = 0

    def keep(tensor):
        nonlocal held
        held += tensor.numel() * tensor.element_size()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        embeddings = encode_in_parts(encoder, images, part=part)
    embeddings.sum().backward()
    return held


def test_micro_batches_bound_what_is_held_in_memory():
    encoder = small_encoder(SmallNetConfig(), name="small", size=64, seed=0)
    images = torch.rand(16, 3, 64, 64).requires_grad_()
    whole, parts = (held_bytes(encoder, images, part) for part in (None, 2))
    # Of a part only its images are kept until it is computed again.
    assert parts < whole / 4
    one = torch.autograd.grad(encode_in_parts(encoder, images, part=5).sum(), images)
    other = torch.autograd.grad(encoder.encode(images).sum(), images)
    torch.testing.assert_close(one, other)


def test_a_caption_that_open_clip_would_cut_is_refused(tiny_open_clip):
    with pytest.raises(DatasetError, match=r"has 92 tokens, more than the 77"):
        tiny_open_clip.embed_text(["cat " * 90])


@pytest.fixture(scope="module")
def hugging_face(tmp_path_factory):
    """A folder as Hugging Face writes it: a tiny CLIP with a tokenizer of a few words."""
    transformers = library("transformers")
    folder = tmp_path_factory.mktemp("hf")
    words = ["ca", "cat</w>", "do", "dog</w>"]
    letters = [c + end for c in "acdghopt" for end in ("", "</w>")]
    vocabulary = [*letters, *words, "<|startoftext|>", "<|endoftext|>"]
    vocabulary = list(dict.fromkeys(vocabulary))
    index = {word: i for i, word in enumerate(vocabulary)}
    (folder / "vocab.json").write_text(json.dumps(index))
    (folder / "merges.txt").write_text("#version: 0.2\nc a\nca t</w>\nd o\ndo g</w>\n")
    tokenizer = transformers.CLIPTokenizer(
        vocab=str(folder / "vocab.json"), merges=str(folder / "merges.txt")
    )
    tokenizer.save_pretrained(folder)
    small = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    config = transformers.CLIPConfig(
        text_config=small
        | {
            "vocab_size": len(vocabulary),
            "max_position_embeddings": 12,
            "bos_token_id": index["<|startoftext|>"],
            "eos_token_id": index["<|endoftext|>"],
        },
        vision_config=small | {"image_size": 32, "patch_size": 16},
        projection_dim=8,
    )
    torch.manual_seed(0)
    transformers.CLIPModel(config).save_pretrained(folder)
    return folder


def test_hugging_face_gives_both_towers_of_a_folder(hugging_face):
    model = open_image_text(f"hf-clip:{hugging_face}", weights=Weights(download=True))
    texts = model.embed_text(["a cat", "a dog", "a cat"])
    assert texts.shape == (3, 8) == (3, model.image.dimension)
    torch.testing.assert_close(texts[0], texts[2])
    assert not torch.allclose(texts[0], texts[1])
    assert model.image.encode(torch.rand(2, 3, 32, 32)).shape == (2, 8)
    with pytest.raises(DatasetError, match="tokens, more than the 12"):
        model.embed_text(["a cat " * 20])


def test_its_towers_agree_with_the_librarys_own_answer(hugging_face):
    transformers = library("transformers")
    model = open_image_text(f"hf-clip:{hugging_face}", weights=Weights(download=True))
    net = transformers.CLIPModel.from_pretrained(hugging_face).eval()
    tokenizer = transformers.CLIPTokenizer.from_pretrained(hugging_face)
    tokens = tokenizer(["a cat", "a dog"], padding=True, return_tensors="pt")
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        mean = torch.tensor(model.image.mean).view(3, 1, 1)
        std = torch.tensor(model.image.std).view(3, 1, 1)
        whole = net(pixel_values=(images - mean) / std, **tokens)
        embedded = torch.nn.functional.normalize(model.image.encode(images), dim=1)
    torch.testing.assert_close(embedded, whole.image_embeds)
    torch.testing.assert_close(model.embed_text(["a cat", "a dog"]), whole.text_embeds)


def test_an_encoder_alone_has_no_texts():
    model = open_image_text("torchvision:squeezenet1_1", weights=RANDOM)
    with pytest.raises(ConfigError, match="has no text tower"):
        model.embed_text(["a cat"])


@pytest.mark.parametrize("name", ["open_clip:RN50", "hf-clip:openai/x"])
def test_weights_are_not_downloaded_unasked(name):
    with pytest.raises(ConfigError, match="add --download"):
        open_image_text(name, weights=Weights())


def test_unknown_names_are_refused():
    with pytest.raises(EncoderError, match="no encoder 'nonsense'"):
        open_image_text("nonsense", weights=Weights())
    library("open_clip")
    with pytest.raises(EncoderError, match="open_clip has no model 'nonsense'"):
        open_image_text("open_clip:nonsense", weights=RANDOM)


def test_a_model_that_cannot_be_fetched_is_one_line(tmp_path):
    library("transformers")
    with pytest.raises(DeviceError, match="could not be fetched"):
        open_image_text(f"hf-clip:{tmp_path}/none", weights=Weights(download=True))


def test_the_device_is_the_image_towers(tiny_clip):
    model = ImageText.of_clip(tiny_clip).to(torch.device("cpu"))
    assert (
        model.embed_text(["a small red circle on a plain blue background"]).device.type
        == "cpu"
    )
