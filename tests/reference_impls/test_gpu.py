"""On a GPU every method gives the CPU's answer: `make gpu` keeps seconds, memory and difference in docs/gpu.md.

Needs torch, torchvision, accelerate, safetensors, numpy, pyyaml, pillow, rich, tyro and pytest;
neither surveykit nor what it needs.
"""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from reference_impls.advclip.method import AdvCLIPConfig
from reference_impls.advclip.method import attack as craft_universal
from reference_impls.advencoder import method as advencoder
from reference_impls.badencoder.method import BadEncoderConfig, attack
from reference_impls.decree.calibration import Calibration
from reference_impls.decree.config import PUBLISHED
from reference_impls.decree.method import detect
from reference_impls.decree.search import invert_triggers
from reference_impls.lab.attacks.auto_pgd import auto_pgd
from reference_impls.lab.attacks.pgd import Budget, pgd
from reference_impls.lab.attacks.universal import random_patch
from reference_impls.lab.data.images import TriggerSpec, make_trigger
from reference_impls.lab.data.patches import PatchSpec, place_patch
from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.metrics.similarity import mean_pairwise_cosine
from reference_impls.lab.models.clip import CLIPConfig, train_clip
from reference_impls.lab.models.encoders import SmallNetConfig, embed_all, small_encoder
from reference_impls.lab.models.fast import encode_in_parts
from reference_impls.lab.models.heads import linear_classifier
from reference_impls.lab.models.image_text import ImageText
from reference_impls.lab.models.training import SimCLRConfig, train_simclr
from reference_impls.smoothing.denoiser import behind_denoiser
from reference_impls.smoothing.method import (
    SmoothingConfig,
    certify_all,
)
from reference_impls.textonpair.method import TextOnPairConfig, backdoor_z_score
from reference_impls.textonpair.method import attack as poison
from tests.reference_impls.gpu_figures import measured

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.usefixtures("exact_arithmetic"),
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
]
CUDA = torch.device("cuda")


@pytest.fixture(scope="module")
def dataset():
    return shapes(512, seed=0)


@pytest.fixture(scope="module")
def encoder(dataset):
    """Trained for a moment on the CPU, so that embeddings differ from image to image."""
    torch.set_num_threads(4)
    return train_simclr(dataset, SimCLRConfig(steps=60, batch=128, bf16=False, seed=0))


def on(encoder, device):
    return encoder.copy().to(device)


@pytest.mark.parametrize(("bf16", "tolerance"), [(False, 1e-4), (True, 3e-2)])
def test_embeddings_are_the_same(encoder, dataset, bf16, tolerance):
    cpu_ND = embed_all(encoder, dataset.images_N3HW)
    gpu = on(encoder, CUDA)
    with (
        measured(f"embeddings of 512 images, bf16={bf16}") as figure,
        torch.autocast("cuda", torch.bfloat16, enabled=bf16),
    ):
        gpu_ND = embed_all(gpu, dataset.images_N3HW.to(CUDA)).float().cpu()
    difference = ((gpu_ND - cpu_ND).norm() / cpu_ND.norm()).item()
    figure.differs(difference, 0, "relative norm of the embeddings")
    assert difference < tolerance


@pytest.mark.parametrize("bf16", [False, True])
def test_decree_gives_the_cpus_verdicts(armed, harmless, images, bf16):
    config = replace(PUBLISHED, batch=32, max_epochs=120, stop_patience=20, bf16=bf16)
    known = Calibration(source="twice what lies between", clean_scores=(1 / 3,) * 3)
    for subject in (armed, harmless):
        cpu = detect(subject, images, replace(config, bf16=False), calibration=known)
        gpu_subject = on(subject, CUDA)
        with measured(f"DECREE, {subject.name} encoder, bf16={bf16}") as figure:
            gpu = detect(gpu_subject, images, config, calibration=known)
        assert gpu.backdoored == cpu.backdoored == (subject is armed)
        assert (gpu.score is None) == (cpu.score is None)
        if cpu.score is not None:
            figure.differs(gpu.score, cpu.score, "PL1")
            # Rounding makes two searches part ways; how small the trigger gets stays.
            assert gpu.score == pytest.approx(cpu.score, rel=0.4, abs=0.01)


def test_the_first_decree_steps_are_the_same(encoder, dataset):
    config = replace(PUBLISHED, max_epochs=1, fast=False)
    runs = [
        invert_triggers(on(encoder, device), dataset.images_N3HW, config)[0]
        for device in (torch.device("cpu"), CUDA)
    ]
    cpu, gpu = (run.mask.detach().cpu() for run in runs)
    assert runs[0].steps == runs[1].steps == 4
    assert (gpu - cpu).abs().mean() < 1e-2 * cpu.abs().mean()


@pytest.mark.parametrize("bf16", [False, True])
def test_badencoder_plants_the_same_backdoor(encoder, dataset, bf16):
    config = BadEncoderConfig(
        trigger=TriggerSpec(side=6), steps=60, batch=128, bf16=bf16
    )
    reference_3HW = dataset.images_N3HW[0]
    trigger = make_trigger(config.trigger, encoder.size)
    stamped = trigger.apply(dataset.images_N3HW[:128])

    def alike(victim):
        device = victim.device
        return mean_pairwise_cosine(embed_all(victim, stamped.to(device))).item()

    cpu = attack(encoder, dataset, reference_3HW, replace(config, bf16=False))
    clean = on(encoder, CUDA)
    with measured(f"BadEncoder, bf16={bf16}", steps=config.steps) as figure:
        gpu = attack(clean, dataset, reference_3HW, config)
    figure.differs(alike(gpu), alike(cpu), "cosine of stamped images")
    assert gpu.device.type == "cuda"
    assert alike(gpu) == pytest.approx(alike(cpu), abs=0.03)
    assert alike(gpu) > alike(encoder)


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("crafter", ["generator", "direct", "signs"])
def test_advencoder_moves_embeddings_as_far(encoder, dataset, crafter, bf16):
    config = advencoder.AdvEncoderConfig(
        crafter=crafter, steps=40, batch=64, bf16=False
    )
    clean = embed_all(encoder, dataset.images_N3HW)

    def moved(change):
        attacked = embed_all(encoder, change.apply(dataset.images_N3HW))
        return 1 - F.cosine_similarity(clean, attacked).mean().item()

    cpu = advencoder.attack(encoder, dataset, config)
    victim = on(encoder, CUDA)
    name = f"AdvEncoder {crafter}, bf16={bf16}"
    with measured(name, steps=config.steps) as figure:
        gpu = advencoder.attack(victim, dataset, replace(config, bf16=bf16))
    figure.differs(moved(gpu), moved(cpu), "cosine distance moved")
    assert moved(gpu) == pytest.approx(moved(cpu), rel=0.25)


@pytest.mark.parametrize("attack_of", [pgd, auto_pgd])
def test_white_box_attacks_fool_as_often(encoder, dataset, attack_of):
    torch.manual_seed(0)
    head = nn.Linear(encoder.dimension, 4)
    images = dataset.images_N3HW[:128]
    # Labels that the model agrees with, so that every change of mind is the attack's.
    labels = head(embed_all(encoder, images)).argmax(dim=1)
    budget = Budget(epsilon=2 / 255, steps=10)

    def standing(device):
        victim, last = on(encoder, device), head.to(device)
        where = (images.to(device), labels.to(device))

        def logits_of(x):
            return last(victim.encode(x))

        attacked = attack_of(logits_of, *where, budget)
        assert attacked.device == where[0].device
        return (logits_of(attacked).argmax(dim=1) == where[1]).float().mean().item()

    cpu = standing(torch.device("cpu"))
    with measured(attack_of.__name__, steps=budget.steps) as figure:
        gpu = standing(CUDA)
    figure.differs(gpu, cpu, "accuracy")
    assert gpu == pytest.approx(cpu, abs=0.05)


def test_a_checkpoint_of_a_resnet_answers_the_same(tmp_path):
    from reference_impls.lab.models.checkpoints import load_checkpoint
    from reference_impls.lab.torchvision import import_torchvision

    torch.manual_seed(0)
    net = import_torchvision().models.resnet18(weights=None)
    torch.save({"state_dict": net.state_dict()}, tmp_path / "resnet18.pth")
    encoder = load_checkpoint(tmp_path / "resnet18.pth").encoder
    images = torch.rand(8, 3, 224, 224)
    cpu = encoder.encode(images)
    gpu = on(encoder, CUDA)
    with measured("ResNet-18 forward, 8 images of 224 px") as figure:
        answer = gpu.encode(images.to(CUDA)).cpu()
    figure.differs((answer - cpu).abs().max().item(), 0, "largest of an embedding")
    torch.testing.assert_close(answer, cpu, rtol=1e-3, atol=1e-3)


@pytest.fixture(scope="module")
def clip(dataset):
    net = SmallNetConfig(widths=(16, 32, 64), embedding=32)
    return train_clip(dataset, CLIPConfig(steps=60, batch=128, bf16=False, net=net))


@pytest.mark.parametrize("crafter", ["direct", "generator", "linf"])
@pytest.mark.parametrize("bf16", [False, True])
def test_advclip_crafts_as_strong_a_change(clip, dataset, crafter, bf16):
    images = dataset.images_N3HW[:128]
    config = AdvCLIPConfig(crafter=crafter, steps=60, batch=64, bf16=bf16)

    def moved(change):
        before, after = (
            embed_all(clip.image, x) for x in (images, change.apply(images))
        )
        return 1 - torch.cosine_similarity(before, after).mean().item()

    cpu = craft_universal(ImageText.of_clip(clip), dataset, replace(config, bf16=False))
    victim = ImageText(image=on(clip.image, CUDA), text=clip.embed_text)
    with measured(f"AdvCLIP {crafter}, bf16={bf16}", steps=config.steps) as figure:
        gpu = craft_universal(victim, dataset, config)
    figure.differs(moved(gpu), moved(cpu), "cosine distance moved")
    # Rounding makes two runs part ways; how far images are moved stays.
    assert moved(gpu) == pytest.approx(moved(cpu), rel=0.25)
    if crafter != "linf":
        assert moved(gpu) > 1.5 * moved(random_patch(PatchSpec(), 32, seed=1))


def test_micro_batches_bound_the_memory_of_a_224_px_attack():
    """Peak memory of one gradient at 224 px: whole batch beside parts of it."""
    encoder = small_encoder(SmallNetConfig(embedding=64), name="s", size=224, seed=0)
    encoder = encoder.to(CUDA)
    spec, images = PatchSpec(share=0.03, margin=14), torch.rand(64, 3, 224, 224)
    images = images.to(CUDA)
    peaks, gradients = [], []
    for part in (None, 8):
        pixels = torch.full((3, 38, 38), 0.5, device=CUDA, requires_grad=True)
        torch.cuda.reset_peak_memory_stats()
        with measured(f"224 px, 64 images, parts of {part}"):
            changed = place_patch(pixels, images, spec, torch.Generator())
            encode_in_parts(encoder, changed, part=part).square().sum().backward()
        peaks.append(torch.cuda.max_memory_allocated())
        gradients.append(pixels.grad)
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-3, atol=1e-4)
    assert peaks[1] < peaks[0] / 2


def test_text_on_pair_plants_the_same_backdoor(clip, dataset):
    config = TextOnPairConfig(steps=60, batch=128, poisoned=0.1, bf16=False)
    stamped = make_trigger(config.trigger, 32).apply(dataset.images_N3HW[:128])

    def score(victim):
        device = victim.image.device
        both = (stamped, dataset.images_N3HW[:128])
        return backdoor_z_score(*(embed_all(victim.image, x.to(device)) for x in both))

    cpu = poison(clip, dataset, config)
    with measured("Text-on-Pair", steps=config.steps) as figure:
        gpu = poison(replace(clip, image=on(clip.image, CUDA)), dataset, config)
    figure.differs(score(gpu), score(cpu), "z-score")
    assert score(gpu) == pytest.approx(score(cpu), rel=0.2)
    assert score(gpu) > score(clip) + 1


def test_smoothing_certifies_as_many_images(encoder, dataset):
    config = SmoothingConfig(n=500, steps=60)

    def certified(device):
        images_N3HW = dataset.images_N3HW.to(device)
        train = replace(dataset, images_N3HW=images_N3HW)
        base = linear_classifier(on(encoder, device), train, "background")
        smoothed = behind_denoiser(base, train, config)
        labels_N = dataset.labels["background"][:40]
        return certify_all(smoothed, images_N3HW[:40], labels_N, config).within(0.25)

    cpu = certified(torch.device("cpu"))
    with measured("Denoised smoothing, 40 images, 600 copies of each") as figure:
        gpu = certified(CUDA)
    figure.differs(gpu, cpu, "certified accuracy at 0.25")
    assert gpu == pytest.approx(cpu, abs=0.1)
