"""The loop: two processes compute what one computes, and a killed run ends as an uninterrupted one."""

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from accelerate.state import AcceleratorState
from safetensors.torch import load_file, save_file

from reference_impls.gen_af import training
from reference_impls.gen_af.config import (
    AdaptationConfig,
    HardenConfig,
    SensitivityConfig,
)
from reference_impls.gen_af.method import harden
from reference_impls.gen_af.training import Memory, accuracy, open_accelerator
from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.encoders import save_encoder

CONFIG = HardenConfig(
    budget=Budget(epsilon=8 / 255, steps=2, random_start=False),
    epochs=3,
    batch=16,
    hidden=(16, 8),
    adaptation=AdaptationConfig(
        epochs=2,
        images=32,
        share=0.3,
        sensitivity=SensitivityConfig(mode="first-order"),
    ),
)
PROGRAM = """
import json, sys
from pathlib import Path
import torch
from safetensors.torch import save_file
from reference_impls.gen_af import training
from reference_impls.gen_af.method import harden
from reference_impls.gen_af.model import task_of
from reference_impls.gen_af.config import *
from reference_impls.lab.models.encoders import load_encoder
from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.attacks.pgd import Budget

torch.set_num_threads(1)
training.CHECKPOINT_EVERY = 3
encoder = load_encoder(Path("encoder.safetensors"))
task = task_of(shapes(72, seed=1, size=16), "foreground")
config = eval(sys.argv[1])
losses = []
def tell(done, total, loss):
    losses.append(loss)
    print(done, total, flush=True)
found = harden(encoder, task, config, checkpoint=Path("checkpoint"), progress=tell)
name = f"model-{training.processes.rank()}"
save_file({k: v.contiguous() for k, v in found.model.state_dict().items()}, name + ".safetensors")
Path(name + ".json").write_text(json.dumps(losses))
"""


def launch(folder, config, **environment):
    """The program in a process of its own, the tree's packages before all others."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, repr(config)],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "OMP_NUM_THREADS": "1",
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return out


@pytest.fixture
def folder(encoder, tmp_path):
    save_encoder(encoder, tmp_path / "encoder.safetensors")
    return tmp_path


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture(scope="module")
def _quick_checkpoints():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "CHECKPOINT_EVERY", 3)
        yield


def test_two_processes_give_the_result_of_one(folder, encoder, task):
    """Batch norms, the graph of a batch and gradients all span both; dropout is each process's own."""
    config = replace(CONFIG, dropout=0.0)
    losses = []
    alone = harden(
        encoder, task, config, progress=lambda *step: losses.append(step[2])
    ).model
    common = {
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
        "ACCELERATE_USE_CPU": "true",
    }
    both = [
        launch(folder, config, RANK=str(rank), LOCAL_RANK=str(rank), **common)
        for rank in range(2)
    ]
    for process in both:
        finish(process)
    first, second = (
        load_file(folder / f"model-{rank}.safetensors") for rank in range(2)
    )
    assert all(torch.equal(first[key], second[key]) for key in first)
    for key, value in alone.state_dict().items():
        torch.testing.assert_close(first[key], value, atol=2e-3, rtol=2e-2, msg=key)
    told = [
        json.loads((folder / f"model-{rank}.json").read_text()) for rank in range(2)
    ]
    assert len(told[0]) == len(losses) == 3 * 4 + 2 * 4
    # Every process tells the loss of its half plus the shared regulariser.
    mean = [(one + other) / 2 for one, other in zip(*told, strict=True)]
    assert mean == pytest.approx(losses, rel=2e-2)


@pytest.mark.parametrize("steps", [7, 16])
def test_a_killed_run_ends_as_an_uninterrupted_one(
    folder, encoder, task, steps, monkeypatch
):
    """Killed in stage 1 and in stage 2; dropout and the optimisers' moments come back too."""
    process = launch(folder, CONFIG)
    for _ in range(steps):
        assert process.stdout.readline(), process.stderr.read()
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    process.stdout.close()
    process.stderr.close()
    assert any((folder / "checkpoint").rglob("step-*"))
    assert not (folder / "model-0.safetensors").exists()
    monkeypatch.setattr(training, "CHECKPOINT_EVERY", 3)
    done = []
    resumed = harden(
        encoder,
        task,
        CONFIG,
        checkpoint=folder / "checkpoint",
        progress=lambda step, total, _: done.append(step),
    )
    whole = harden(encoder, task, CONFIG)
    if steps == 7:
        assert done[0] >= 7 - 3 + 1
    for key, value in whole.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[key], value), key
    assert resumed.report.adaptation.validation == whole.report.adaptation.validation
    assert not list((folder / "checkpoint").rglob("step-*"))


def test_parts_of_a_batch_make_one_step(encoder, task):
    counted = []
    config = replace(CONFIG, accumulate=4, adaptation=None, epochs=1)
    found = harden(encoder, task, config, progress=lambda *step: counted.append(step))
    assert len(counted) == 4  # 65 images, batches of 16
    assert all(loss > 0 for _, _, loss in counted)
    assert 0 <= accuracy(found.model, task) <= 1


def test_accumulated_gradients_are_those_of_the_whole_batch(encoder, task):
    """Without batch norm in the way: a probe's gradient is a mean over images."""
    config = replace(
        CONFIG, method="linear-probe", adaptation=None, epochs=2, dropout=0.0
    )
    whole = harden(encoder, task, config).model.state_dict()
    parts = harden(encoder, task, replace(config, accumulate=4)).model.state_dict()
    for key, value in whole.items():
        torch.testing.assert_close(parts[key], value, atol=1e-5, rtol=1e-4)


@pytest.mark.usefixtures("bfloat16_everywhere")
def test_bfloat16_learns_nearly_the_same_and_leaves_float32_weights(encoder, task):
    config = replace(CONFIG, adaptation=None, dropout=0.0)
    losses = {}
    for precision in ("no", "bf16"):
        losses[precision] = []
        found = harden(
            encoder,
            task,
            replace(config, precision=precision),
            progress=lambda *step, kept=losses[precision]: kept.append(step[2]),
        )
        assert {one.dtype for one in found.model.parameters()} == {torch.float32}
        # Deployed without autocast: the wrapper of the training is gone.
        assert found.model(task.images_N3HW[:2]).logits_BC.dtype == torch.float32
    assert losses["bf16"] == pytest.approx(losses["no"], rel=0.1)
    assert losses["bf16"] != losses["no"]


def test_float16_is_refused_with_the_reason(monkeypatch):
    AcceleratorState._reset_state()
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "fp16")
    try:
        with pytest.raises((ConfigError, ValueError), match="fp16"):
            open_accelerator(torch.device("cpu"), None)
    finally:
        AcceleratorState._reset_state()


def test_a_batch_that_processes_cannot_share_is_refused(encoder, task, monkeypatch):
    monkeypatch.setattr(training.processes, "count", lambda: 3)
    with pytest.raises(
        ConfigError, match="a batch of 16 cannot be cut into 3 equal parts"
    ):
        harden(encoder, task, CONFIG)


def test_memory_keeps_the_weights_of_the_best_offer(model):
    memory = Memory()
    for accuracy_, value in ((0.5, 1.0), (0.7, 2.0), (0.7, 3.0), (0.6, 4.0)):
        model.head[0].bias.data.fill_(value)
        memory.offer(accuracy_, model)
    assert memory.best["head.0.bias"][0] == 2.0
    again = Memory()
    again.load_state_dict(memory.state_dict())
    assert again == memory


def test_checkpoints_hold_no_code(folder, encoder, task, tmp_path, monkeypatch):
    """Row 27: the published programs store whole modules as pickles."""
    monkeypatch.setattr(training, "CHECKPOINT_EVERY", 2)
    kept = []

    def look(done, total, loss):
        kept.extend(
            path
            for path in (tmp_path / "c").rglob("*.safetensors")
            if path.parent.name != "part"
        )

    harden(
        encoder,
        task,
        replace(CONFIG, adaptation=None),
        checkpoint=tmp_path / "c",
        progress=look,
    )
    assert kept
    save_file({"x": torch.zeros(1)}, tmp_path / "x.safetensors")
    assert load_file(tmp_path / "x.safetensors")
