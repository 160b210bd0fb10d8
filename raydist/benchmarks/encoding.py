"""How many frames a second an encoder trains on, and how many it extracts features from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch

from raydist.benchmarks.measure import Cost, StageClock
from raydist.encoders.build import build_encoder
from raydist.losses.contrastive import cluster_contrast
from raydist.types import Modality

NUM_PROTOTYPES = 500
TEMPERATURE = 0.05


@dataclass(frozen=True)
class EncoderTask:
    """What is trained on what.

    Attributes:
        name: of the encoder.
        height, width: of a frame.
        clips, frames: B clips of T frames in a batch.
        steps: how many batches are measured.
        precision: of training; features are extracted in float32.
        device: a torch device.
        seed: of the encoder and the pixels.
    """

    name: str = "small"
    height: int = 64
    width: int = 32
    clips: int = 16
    frames: int = 4
    steps: int = 10
    precision: Literal["fp32", "bf16"] = "fp32"
    device: str = "cpu"
    seed: int = 0

    @property
    def total_frames(self) -> int:
        """Frames that go through the encoder in a measurement."""
        return self.clips * self.frames * self.steps


def measure_encoder(task: EncoderTask) -> dict[str, Cost]:
    """The cost of training and of extraction, each over all steps; the first step of both is not measured.

    Frames are drawn pixels in memory: neither decoding nor augmentation counts.

    Args:
        task: what to measure.
    """
    encoder = build_encoder(task.name, seed=task.seed).to(task.device)
    generator = torch.Generator().manual_seed(task.seed)
    shape = (task.clips, task.frames, 3, task.height, task.width)
    pixels = torch.randint(256, shape, generator=generator, dtype=torch.uint8).to(task.device)
    modality = (torch.arange(task.clips) % len(Modality)).to(task.device)
    prototypes = torch.nn.functional.normalize(
        torch.randn(NUM_PROTOTYPES, encoder.width, generator=generator)
    ).to(task.device)
    labels = (torch.arange(task.clips) % NUM_PROTOTYPES).to(task.device)
    optimizer = torch.optim.Adam(p for p in encoder.parameters() if p.requires_grad)

    def train() -> None:
        with torch.autocast(pixels.device.type, torch.bfloat16, enabled=task.precision == "bf16"):
            features = encoder(pixels, modality).tracklet
        optimizer.zero_grad(set_to_none=True)
        cluster_contrast(features.float(), labels, prototypes, temperature=TEMPERATURE).backward()
        optimizer.step()

    @torch.no_grad()
    def extract() -> None:
        encoder(pixels, modality)

    clock = StageClock()
    encoder.train()
    _measure(clock, "training", train, task)
    encoder.eval()
    _measure(clock, "extraction", extract, task)
    return clock.costs


def _measure(clock: StageClock, name: str, step: Callable[[], None], task: EncoderTask) -> None:
    step()
    _synchronise(task.device)
    with clock.stage(name):
        for _ in range(task.steps):
            step()
        _synchronise(task.device)


def _synchronise(device: str) -> None:
    """Wait until an accelerator has done all its work."""
    if device != "cpu":
        torch.accelerator.synchronize()
