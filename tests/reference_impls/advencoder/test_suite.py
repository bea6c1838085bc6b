"""The suite of attacks: complete, of equal size, made once."""

import pytest
import torch

from reference_impls.advencoder import suite
from reference_impls.advencoder.suite import (
    NAMES,
    SuiteConfig,
    advencoder_settings,
    universal_attack,
)
from reference_impls.lab.attacks.universal import UniversalPerturbation
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.encoders import SmallNetConfig, small_encoder

TINY = SuiteConfig(steps=2, images=160)


@pytest.fixture
def encoder(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    return small_encoder(SmallNetConfig(widths=(8, 8, 16)), name="tiny", seed=0)


def test_every_attack_has_the_size_of_the_suite(encoder):
    for name in NAMES:
        change = universal_attack(name, encoder, TINY)
        if isinstance(change, UniversalPerturbation):
            assert change.delta_3HW.abs().max() <= TINY.epsilon + 1e-6
            assert change.epsilon == TINY.epsilon
        else:
            assert change.side == 8


def test_the_plain_attack_has_no_other_loss():
    settings = advencoder_settings(SuiteConfig())
    assert settings["uap"].quality_weight == settings["uap"].frequency_weight == 0
    assert settings["uap"].crafter == "signs"


def test_an_attack_with_a_recipe_is_made_once(encoder, monkeypatch):
    calls = []
    made = suite.attack

    def counted(*arguments, **options):
        calls.append(arguments)
        return made(*arguments, **options)

    monkeypatch.setattr(suite, "attack", counted)
    first = universal_attack("uap", encoder, TINY, recipe="tiny-0")
    again = universal_attack("uap", encoder, TINY, recipe="tiny-0")
    assert torch.equal(first.delta_3HW, again.delta_3HW)
    assert len(calls) == 1
    universal_attack("uap", encoder, TINY, recipe="another encoder")
    universal_attack("uap", encoder, TINY)
    assert len(calls) == 3


def test_an_unknown_attack_is_refused(encoder):
    with pytest.raises(ConfigError, match="unknown attack 'luck'; choose one of adv"):
        universal_attack("luck", encoder, TINY)
