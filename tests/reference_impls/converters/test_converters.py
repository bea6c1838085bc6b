"""Converters: known answers of deviation and search, what every tool leaves of an encoder, refusals in one line."""

import importlib.util
import json
from dataclasses import replace
from statistics import mean

import pytest
import torch
from torch import Generator

from reference_impls.converters import conversion, study
from reference_impls.converters.__main__ import PROGRAM
from reference_impls.converters.conversion import (
    OnnxModule,
    converted,
    onnx_int8,
    onnx_of,
)
from reference_impls.converters.method import (
    MUTATIONS,
    ConverterConfig,
    choose,
    digits,
    mutated,
    search,
)
from reference_impls.converters.study import GRID, measure
from reference_impls.lab.errors import ConfigError, EncoderError
from reference_impls.lab.models.encoders import embed_all
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.lab.study.setup import Setup
from tests.reference_impls.conftest import TINY_LAB, one_error

needs_onnx = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("onnx", "onnxruntime", "onnxscript"))),
    reason="ONNX Runtime is not installed",
)


def generator(seed=0):
    return Generator().manual_seed(seed)


def test_digits_are_of_the_worst_embedding_and_no_more_than_float32_has():
    plain = torch.tensor([[3.0, 4.0], [0.0, 10.0]])
    moved = plain + torch.tensor([[0.0, 0.005], [0.1, 0.0]])
    assert digits(plain, moved) == pytest.approx(2)
    assert digits(plain, plain) == pytest.approx(7.22, abs=0.01)


class TestSearch:
    config = ConverterConfig(searched=12, mutations=30)

    @staticmethod
    def bright(threshold):
        """Two classes, told by the mean of an image."""

        def probabilities(images):
            odds = 8 * (images.mean(dim=(1, 2, 3)) - threshold)
            return torch.stack([-odds, odds], dim=1).softmax(dim=1)

        return probabilities

    def test_the_same_model_never_differs_and_an_opposite_one_at_once(self):
        images = torch.rand(12, 3, 8, 8, generator=generator())
        one, other = self.bright(0.5), self.bright(0.5)
        assert (search(one, other, images, self.config) == -1).all()
        opposite = search(one, lambda x: one(x).flip(1), images, self.config)
        assert (opposite == 0).all()

    def test_it_finds_inputs_between_two_thresholds_and_more_than_single_mutations_do(
        self,
    ):
        images = torch.full((12, 3, 8, 8), 0.3)
        pair = self.bright(0.4), self.bright(0.42)
        found, single = (search(*pair, images, self.config, guided=one) for one in (True, False))  # fmt: skip
        assert (found >= 0).sum() > (single >= 0).sum()
        assert (found != 0).all()

    def test_the_next_mutation_is_drawn_by_its_rank(self):
        score = torch.tensor([[0.9, 0.5, 0.1]]).repeat(6000, 1)
        drawn = choose(score, torch.ones(6000, dtype=torch.long), generator())
        # Ranks 0, 1, 2 after one of rank 1: 1, 1 and 2/3, of 8/3 in all.
        shares = torch.bincount(drawn, minlength=3) / 6000
        assert shares.tolist() == pytest.approx([3 / 8, 3 / 8, 1 / 4], abs=0.02)

    def test_mutants_are_images_and_each_image_gets_its_own(self):
        images = torch.rand(7, 3, 32, 32, generator=generator())
        found = mutated(images, torch.arange(len(MUTATIONS)), generator(1))
        assert found.min() >= 0
        assert found.max() <= 1
        assert ((found - images).abs().flatten(1).amax(1) > 0).all()
        flat = torch.full((7, 3, 8, 8), 0.5)
        blurred = mutated(flat, torch.full((7,), 4), generator(1))
        torch.testing.assert_close(blurred, flat)


@pytest.fixture(scope="module")
def setup(tiny_clip):
    train, test = train_dataset(TINY_LAB), dataset_of_test(TINY_LAB)
    return Setup(encoder=tiny_clip.image, clip=None, train=train, test=test, task="background")  # fmt: skip


EXACT, ROUGH = ("eager", "folded", "export"), ("dynamic", "static", "float16", "bfloat16", "int4")  # fmt: skip


@pytest.mark.parametrize("way", [*EXACT, *ROUGH])
def test_every_tool_takes_any_batch_and_leaves_the_encoder_alone(way, setup):
    images, plain = setup.images_N3HW[:9], setup.encoder
    before = embed_all(plain, images)
    run = converted(plain, way, images[:4])
    agree = digits(before, embed_all(run, images))
    assert agree > 5.5 if way in EXACT else 0.3 < agree < 5
    assert torch.equal(embed_all(plain, images), before)


@needs_onnx
@pytest.mark.filterwarnings("ignore")  # tools announce what they will drop
def test_onnx_runtime_answers_alike_for_any_batch(setup):
    plain, images = setup.encoder, setup.images_N3HW[:9]
    model = onnx_of(plain.module, plain.normalise(images[:4]))
    before = embed_all(plain, images)
    for file, least in ((model.SerializeToString(), 5), (onnx_int8(model), 0.5)):
        run = replace(plain, module=OnnxModule(file))
        assert digits(before, embed_all(run, images)) > least


def test_rougher_numbers_change_more_decisions_and_the_control_changes_none(setup):
    config = ConverterConfig(searched=8, mutations=4, backdoored=False)
    eager, bfloat16, int4 = (measure(setup, replace(config, way=one)) for one in ("eager", "bfloat16", "int4"))  # fmt: skip
    assert eager["probe"] == eager["knn"] == eager["search"] == 0
    assert eager["digits"] > bfloat16["digits"] > int4["digits"]
    assert int4["probe"] > 0
    assert int4["asleep"] is None


def test_a_sleeping_backdoor_is_measured_beside_a_clean_encoder(setup, monkeypatch):
    few = replace(study.ASLEEP, steps=40, hiding=40, learning_rate=3e-3, batch=32)
    monkeypatch.setattr(study, "ASLEEP", few)
    config = ConverterConfig(searched=2, mutations=1)
    eager, int4 = (measure(setup, replace(config, way=one)) for one in ("eager", "int4"))  # fmt: skip
    assert int4["asleep"] > eager["asleep"] + 0.3
    assert int4["clean"] < int4["asleep"] - 0.3


def test_a_tool_that_fails_or_is_missing_is_one_line(setup, monkeypatch):
    images = setup.images_N3HW[:4]
    monkeypatch.setattr(conversion, "torchs_int8", lambda *_: None)
    with pytest.raises(EncoderError, match="cannot be run by static"):
        converted(setup.encoder, "static", images)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"way": "magic"}, "unknown way 'magic'; choose one of eager"),
        ({"searched": 0}, "searched must be above 0"),
        ({"mutations": -1}, "mutations must be above 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        ConverterConfig(**settings)


def test_a_command_with_bad_input_is_one_line(small_files, tmp_path, capsys):
    words = ["run", str(small_files["encoder"]), "--out", str(tmp_path / "out")]
    assert PROGRAM.main([*words, "--searched", "0"]) == 2
    assert "searched must be above 0" in one_error(capsys)


def test_published_figures_hold_what_the_page_says():
    found = json.loads((GRID.home / "results.json").read_text("utf-8"))
    here = {preset: {name: mean(some) for name, some in one.items()} for (_, preset), one in GRID.values(found).items()}  # fmt: skip
    assert here["eager"]["digits"] > 7
    assert all(here["eager"][one] == 0 for one in ("probe", "knn", "search"))
    for way in ("folded", "export", "compile", "onnx"):
        assert here[way]["digits"] > 5
    assert here["int4"]["asleep"] > 0.8 > here["eager"]["asleep"] + 0.4
    assert here["int4"]["clean"] < 0.2
