"""The loop that all methods and both stages share: Accelerate, several processes, resume.

Every process holds the images, draws the same batches and computes its part of each. What
a step draws depends on seed and step alone, so that a resumed run is the uninterrupted one.

Shape letters: B images of this process, 3 colour channels, H and W pixels.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from safetensors import SafetensorError
from torch import Generator, Tensor, nn

from reference_impls.gen_af import processes
from reference_impls.gen_af.config import Precision
from reference_impls.gen_af.model import Downstream, Outputs, Task
from reference_impls.gen_af.objectives import Objective
from reference_impls.lab.errors import (
    ConfigError,
    DatasetError,
    DeviceError,
    EncoderError,
)
from reference_impls.lab.models.encoders import channels_last
from reference_impls.lab.models.fast import computes_bfloat16
from reference_impls.lab.models.training import Progress

CHECKPOINT_EVERY = 50
"""Optimiser steps between two checkpoints."""


def open_accelerator(
    device: torch.device, precision: Precision | None, accumulate: int = 1
) -> Accelerator:
    """Accelerate as it was launched; alone on `device` if it was not.

    Raises:
        ConfigError: it was launched with float16.
    """
    # A process may train with several settings one after the other; Accelerate keeps the first.
    AcceleratorState._reset_state()
    if precision == "bf16" and not computes_bfloat16(device):
        precision = "no"
    accelerator = Accelerator(
        cpu=device.type == "cpu",
        mixed_precision=precision,
        gradient_accumulation_steps=accumulate,
    )
    if accelerator.mixed_precision not in ("no", "bf16"):
        raise ConfigError(
            f"{accelerator.mixed_precision} loses the small gradients that attacks follow; "
            "launch with --mixed_precision bf16 or no"
        )
    return accelerator


@dataclass(frozen=True, eq=False, kw_only=True)
class Stage:
    """One run of the loop."""

    task: Task
    """Images to train on."""
    objective: Objective
    optimizers: Sequence[torch.optim.Optimizer]
    """Stepped together."""
    prepare: Callable[[Downstream], object]
    """Puts every part of the model into the mode it trains in; called before every step."""
    epochs: int
    batch: int
    """Images per optimiser step, over all processes."""
    accumulate: int = 1
    """Parts that a batch is computed in."""
    decay: float = 1.0
    """Learning rates are multiplied by this after every epoch."""
    seed: int = 0
    validation: Task | None = None
    """If given, the weights of the epoch that is best on it are kept, not the last."""
    robustness: Callable[[Downstream], float] | None = None
    """If given, an epoch's weights are kept only if this fell by at most `guard` since the start."""
    guard: float = 0.0
    """On the scale of `robustness`."""

    @property
    def batches(self) -> int:
        """Batches of an epoch; what does not fill one waits for the next epoch's order."""
        return len(self.task) // self.batch

    @property
    def steps(self) -> int:
        """Optimiser steps in all."""
        return self.epochs * self.batches


@dataclass
class Memory:
    """What a checkpoint holds beside weights and optimisers."""

    done: int = 0
    """Optimiser steps taken."""
    accuracies: list[float] = field(default_factory=list)
    """On the validation images: before the first epoch, and after every one."""
    robust: list[float] = field(default_factory=list)
    """Robustness at the same times; empty where nobody asked for it."""
    kept: int = 0
    """Which of them has the best weights."""
    best: dict[str, Tensor] = field(default_factory=dict)
    """Weights of the best epoch so far."""

    def offer(self, accuracy: float, model: nn.Module, *, allowed: bool = True) -> None:
        """Keep the weights if they are allowed and better than all that were kept before."""
        first = not self.accuracies
        if first or (allowed and accuracy > self.accuracies[self.kept]):
            self.kept = len(self.accuracies)
            self.best = {
                key: value.detach().clone() for key, value in model.state_dict().items()
            }
        self.accuracies.append(accuracy)

    def state_dict(self) -> dict[str, Any]:
        """For Accelerate."""
        return dict(vars(self))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """From Accelerate."""
        vars(self).update(state)


def train(
    model: Downstream,
    stage: Stage,
    accelerator: Accelerator,
    *,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> Memory:
    """Train in place; goes on from the checkpoint's folder if there is one, deletes it at the end.

    Raises:
        DatasetError: fewer images than one batch.
        ConfigError: the batch cannot be shared among the processes.
    """
    _check(stage)
    memory = Memory()
    channels_last(model)
    with ExitStack() as stack:
        stack.enter_context(processes.synchronised(model))
        prepared = accelerator.prepare(model)
        optimizers = [accelerator.prepare(one) for one in stage.optimizers]
        stack.callback(_release, accelerator)
        accelerator.register_for_checkpointing(memory)
        run = _Run(model, prepared, optimizers, stage, accelerator, memory)
        run.go(checkpoint, progress)
    if memory.best:
        model.load_state_dict(memory.best)
    if checkpoint:
        accelerator.wait_for_everyone()
        if accelerator.is_main_process:
            shutil.rmtree(checkpoint, ignore_errors=True)
    return memory


def _check(stage: Stage) -> None:
    if len(stage.task) < stage.batch:
        raise DatasetError(
            f"{len(stage.task)} training images do not fill a batch of {stage.batch}"
        )
    parts = stage.accumulate * processes.count()
    if stage.batch % parts or stage.batch // parts < 2:
        raise ConfigError(
            f"a batch of {stage.batch} cannot be cut into {parts} equal parts of two images or "
            f"more ({processes.count()} processes, accumulate {stage.accumulate})"
        )


def _release(accelerator: Accelerator) -> None:
    """Let go of what was prepared, so that the next stage's checkpoints hold only its own."""
    for prepared in accelerator._models:
        accelerator.unwrap_model(prepared, keep_fp32_wrapper=False)
    accelerator.free_memory()
    accelerator._custom_objects.clear()


@dataclass(frozen=True, eq=False)
class _Run:
    """The loop with all it works on."""

    model: Downstream
    prepared: nn.Module
    """The model as Accelerate runs it."""
    optimizers: list[torch.optim.Optimizer]
    stage: Stage
    accelerator: Accelerator
    memory: Memory

    def go(self, checkpoint: Path | None, progress: Progress | None) -> None:
        """All steps that are not done yet."""
        rates = [
            [group["lr"] for group in optimizer.param_groups]
            for optimizer in self.optimizers
        ]
        if not (checkpoint and self._restore(checkpoint)):
            self._validate()
        for step in range(self.memory.done, self.stage.steps):
            epoch, batch = divmod(step, self.stage.batches)
            self._set_rates(rates, self.stage.decay**epoch)
            loss = self._step(step, self._order(epoch)[batch])
            self.memory.done = step + 1
            if batch + 1 == self.stage.batches:
                self._validate()
            if checkpoint and (step + 1) % CHECKPOINT_EVERY == 0:
                self._save(checkpoint)
            if progress:
                progress(step + 1, self.stage.steps, loss)

    def _order(self, epoch: int) -> tuple[Tensor, ...]:
        """The epoch's batches, as indices."""
        generator = Generator().manual_seed(_mixed(self.stage.seed, epoch))
        order = torch.randperm(len(self.stage.task), generator=generator)
        whole = order[: self.stage.batches * self.stage.batch]
        batches: tuple[Tensor, ...] = whole.split(self.stage.batch)
        return batches

    def _step(self, step: int, batch: Tensor) -> float:
        """One optimiser step; the mean loss of this process's parts."""
        losses = []
        for part, images in enumerate(batch.chunk(self.stage.accumulate)):
            mine = images.chunk(processes.count())[processes.rank()]
            losses.append(self._part(_mixed(self.stage.seed, step, part), mine))
        return sum(losses) / len(losses)

    def _part(self, seed: int, index_B: Tensor) -> float:
        task, device = self.stage.task, self.accelerator.device
        images = task.images_N3HW[index_B].to(device)
        images = images.contiguous(memory_format=torch.channels_last)
        labels = task.labels_N[index_B].to(device)
        generator = Generator().manual_seed(_mixed(seed, processes.rank()))
        inner: Downstream = self.accelerator.unwrap_model(self.prepared)
        self.stage.prepare(self.model)
        with self.accelerator.accumulate(self.prepared):
            with self.accelerator.autocast():
                views = self.stage.objective.views(inner, images, labels, generator)
            with _chance_of_layers(_mixed(seed, processes.rank()), device):
                outputs: Outputs = self.prepared(torch.cat(views))
            seen = [
                Outputs(*both)
                for both in zip(
                    *(values.float().chunk(len(views)) for values in outputs),
                    strict=True,
                )
            ]
            loss = self.stage.objective.loss(views, seen, labels)
            if not loss.isfinite():
                at = f"step {self.memory.done + 1} of {self.stage.steps}"
                raise EncoderError(f"stopped at {at}: the loss is {loss.item()}; lower the learning rates")  # fmt: skip
            self.accelerator.backward(loss)
            for optimizer in self.optimizers:
                optimizer.step()
                # Afterwards: before the last part it would forget all parts before it.
                optimizer.zero_grad()
        return loss.item()

    def _set_rates(self, rates: list[list[float]], factor: float) -> None:
        for optimizer, firsts in zip(self.optimizers, rates, strict=True):
            for group, first in zip(optimizer.param_groups, firsts, strict=True):
                group["lr"] = first * factor

    def _validate(self) -> None:
        if self.stage.validation is None:
            return
        allowed, known = True, self.memory.robust
        if self.stage.robustness is not None:
            known.append(self.stage.robustness(self.model))
            allowed = known[-1] >= known[0] - self.stage.guard - 1e-9
        right = accuracy(self.model, self.stage.validation)
        self.memory.offer(right, self.model, allowed=allowed)

    # -- Checkpoints: a folder for each, complete once it has its name ---------------

    def _save(self, folder: Path) -> None:
        part, done = folder / "part", folder / f"step-{self.memory.done:08d}"
        if self.accelerator.is_main_process:
            shutil.rmtree(part, ignore_errors=True)
        self.accelerator.wait_for_everyone()
        try:
            self.accelerator.save_state(str(part))
        except (OSError, RuntimeError, SafetensorError) as error:
            shutil.rmtree(part, ignore_errors=True)
            if isinstance(error, torch.OutOfMemoryError):
                raise
            first_line = str(error).partition("\n")[0]
            raise DeviceError(f"{part} cannot be written: {first_line}") from error
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            older = _complete(folder)
            part.replace(done)
            for one in older:
                shutil.rmtree(one)
        self.accelerator.wait_for_everyone()

    def _restore(self, folder: Path) -> bool:
        found = _complete(folder)
        if found:
            self.accelerator.load_state(str(found[-1]))
        return bool(found)


def _complete(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*"))


def _mixed(*numbers: int) -> int:
    """One seed of several numbers."""
    mixed = 0
    for number in numbers:
        mixed = (mixed * 1_000_003 + number + 1) % (2**63)
    return mixed


@contextmanager
def _chance_of_layers(seed: int, device: torch.device) -> Iterator[None]:
    """Dropout draws from torch's global stream only: lend it a seed, then put it back."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


@torch.no_grad()
def accuracy(model: Downstream, task: Task) -> float:
    """Fraction of right answers in eval mode, in [0, 1]."""
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    right = 0
    for images, labels in task.batches():
        answers = model.logits(images.to(model.device)).argmax(dim=1).cpu()
        right += int((answers == labels).sum())
    for part, mode in modes:
        part.training = mode
    return right / len(task)
