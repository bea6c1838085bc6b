"""Backdoors in learned prompts: the context and its shifts by hand, the effect against its control, refusals."""

import json
from dataclasses import replace
from statistics import mean

import pytest
import torch
from torch.nn import functional as F

from reference_impls.lab.data.shapes import CLASSES
from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.models.image_text import ImageText
from reference_impls.lab.models.prompts import Context, captions_of
from reference_impls.lab.models.zero_shot import SCALE
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.lab.study.setup import Setup
from reference_impls.prompt_backdoor.__main__ import PROGRAM
from reference_impls.prompt_backdoor.method import (
    NoiseTrigger,
    Prompt,
    PromptBackdoorConfig,
)
from reference_impls.prompt_backdoor.study import GRID, measure
from tests.reference_impls.conftest import TINY_LAB, one_error

TASK = "background"


@pytest.fixture(scope="module")
def setup(tiny_clip):
    return Setup(encoder=tiny_clip.image, clip=tiny_clip, train=train_dataset(TINY_LAB), test=dataset_of_test(TINY_LAB), task=TASK)  # fmt: skip


def test_captions_differ_in_the_class_alone(setup):
    captions = captions_of(setup.train, TASK)
    first = setup.train.captions[0].split()
    assert [caption.split()[7] for caption in captions] == list(CLASSES[TASK])
    assert {" ".join([*one.split()[:7], one.split()[8]]) for one in captions} == {" ".join([*first[:7], first[8]])}  # fmt: skip


def test_a_shift_is_added_to_every_vector_but_the_name(setup):
    context = Context(setup.clip.text, captions_of(setup.train, TASK))
    shifts = torch.stack([torch.zeros(32), torch.ones(32)])
    with torch.no_grad():
        still, moved = context(shifts)
        torch.testing.assert_close(still, context())
        context.vectors_LW += 1
        torch.testing.assert_close(moved, context())
        words = context.fixed_CLW.clone()
        words[:, ~context.named_L] = context.vectors_LW[~context.named_L]
        by_hand = F.normalize(setup.clip.text.mlp(words.flatten(1)), dim=1)
    torch.testing.assert_close(moved, by_hand)


@pytest.mark.parametrize("generator", [True, False])
def test_a_prompt_begins_as_the_context_alone(generator, setup):
    context = Context(setup.clip.text, captions_of(setup.train, TASK))
    prompt = Prompt(context, 16, PromptBackdoorConfig(generator=generator))
    embeddings = torch.randn(3, 16, generator=torch.Generator().manual_seed(0))
    expected = SCALE * F.normalize(embeddings, dim=1) @ context().T
    torch.testing.assert_close(prompt(embeddings), expected)


def test_a_trigger_stays_within_its_bound_and_the_pixels_within_theirs():
    gray, white = torch.full((1, 3, 8, 8), 0.5), torch.ones(1, 3, 8, 8)
    fixed = NoiseTrigger(8, PromptBackdoorConfig(learned=False, epsilon=0.1))
    torch.testing.assert_close((fixed(gray) - gray).abs(), torch.full_like(gray, 0.1))
    assert fixed(white).max() == 1
    free = NoiseTrigger(8, PromptBackdoorConfig(epsilon=0.1))
    free.free_3HW.data *= 1e6
    assert (free(gray) - gray).abs().max() <= 0.1 + 1e-6


@pytest.mark.parametrize("generator", [True, False])
def test_a_poisoned_prompt_does_more_than_a_trigger_made_for_a_clean_one(
    generator, setup
):
    config = PromptBackdoorConfig(generator=generator, steps=60, warm=20, shots=32)
    weights = [one.clone() for one in setup.encoder.module.state_dict().values()]
    bad, clean = (measure(setup, replace(config, poisoned=one)) for one in (True, False))  # fmt: skip
    assert bad["asr"] > clean["asr"] + 0.1
    assert bad["asr"] > bad["noise"] + 0.1
    now = setup.encoder.module.state_dict().values()
    assert all(torch.equal(a, b) for a, b in zip(weights, now, strict=True))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epsilon": 2}, r"epsilon must lie in \(0, 1\]"),
        ({"shots": 0}, "shots must be above 0"),
        ({"target": -1}, "target"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        PromptBackdoorConfig(**settings)


def test_models_and_data_without_words_are_refused(setup):
    config = PromptBackdoorConfig(steps=1, warm=1)
    outside = replace(setup, clip=ImageText.of_clip(setup.clip))
    with pytest.raises(DatasetError, match="a prompt is learned on a lab CLIP"):
        measure(outside, config)
    silent = replace(setup, train=replace(setup.train, captions=()))
    with pytest.raises(DatasetError, match="do not tell 'background'"):
        measure(silent, config)


def test_bad_input_is_one_line(small_files, tmp_path, capsys):
    words = ["run", str(small_files["clip"]), "--target", "9", "--out", str(tmp_path / "out")]  # fmt: skip
    assert PROGRAM.main(words) == 2
    assert "has classes 0 to 7, no target 9" in one_error(capsys)


def test_published_figures_hold_what_the_page_says():
    found = json.loads((GRID.home / "results.json").read_text("utf-8"))
    values = {key: {name: mean(some) for name, some in one.items()} for key, one in GRID.values(found).items()}  # fmt: skip
    for task in GRID.tasks:
        for bad, control in (("badclip", "clean"), ("baple", "clean-shared")):
            attacked, clean = values[task, bad], values[task, control]
            assert attacked["asr"] > clean["asr"] + 0.2
            assert attacked["asr_unseen"] > clean["asr_unseen"] + 0.05
            assert attacked["accuracy"] > 0.7
