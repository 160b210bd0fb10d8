"""The number format in which the encoder computes, and what half precision needs to train in it."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F

from raydist.errors import ConfigError, TrainingError

Precision = Literal["fp32", "bf16", "fp16"]
"""``fp16`` has 10 bits where ``bf16`` has 7, but a small range: losses are scaled, and features are extracted
in it too, as the published code does that trains in it."""

_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}

SMALLEST_SCALE = 2.0**-14
"""Gradients that are not finite even when the loss is scaled by less are not so for the format."""


def autocast(precision: Precision, device: torch.device) -> torch.autocast:
    """The context in which the encoder computes in a format; nothing changes in fp32."""
    dtype = _TYPES.get(precision, torch.bfloat16)
    return torch.autocast(device.type, dtype, enabled=precision != "fp32")


def extraction_precision(training: Precision) -> Precision:
    """The format in which features are extracted where the encoder trains in another: fp16, else fp32."""
    return "fp16" if training == "fp16" else "fp32"


def check_precision(precision: Precision, device: torch.device) -> None:
    """Refuse fp16 where a device cannot compute in it.

    Raises:
        ConfigError: with what to take instead.
    """
    if precision != "fp16":
        return
    weight = torch.zeros(1, 1, 3, 3, device=device, requires_grad=True)
    try:
        with autocast(precision, device):
            (pixels := F.conv2d(torch.zeros(1, 1, 4, 4, device=device), weight)).sum().backward()
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"train.precision = fp16: {device} cannot train in it ({reason}): take fp32 or bf16"
        ) from error
    if pixels.dtype != torch.float16:
        raise ConfigError(f"train.precision = fp16: {device} computes in {pixels.dtype}: take fp32 or bf16")


class LossScaler:
    """Torch's gradient scaler, which leaves out steps whose gradients are not finite, and counts them.

    The scale begins at 65,536, halves after a step that is left out and doubles after 2,000 that are not.

    Args:
        device: where the loss is.
    """

    def __init__(self, device: torch.device) -> None:
        self._scaler = torch.amp.GradScaler(device.type)
        self.num_skipped = 0

    def scale(self, loss: torch.Tensor) -> torch.Tensor:
        """The loss as it is to be differentiated."""
        return self._scaler.scale(loss)

    def step(self, optimizer: torch.optim.Optimizer) -> bool:
        """Step by the gradients of the loss before it was scaled.

        Returns:
            Whether the optimizer made the step.

        Raises:
            TrainingError: gradients are not finite at any scale.
        """
        before = self._scaler.get_scale()
        self._scaler.step(optimizer)
        self._scaler.update()
        after = self._scaler.get_scale()
        if after >= before:
            return True
        self.num_skipped += 1
        if after < SMALLEST_SCALE:
            raise TrainingError(
                f"the gradients are not finite though the loss is scaled by {before:.2g}: "
                "lower train.lr, or take train.precision=bf16 or fp32"
            )
        return False

    def state_dict(self) -> dict[str, float]:
        """What a checkpoint keeps: the scale, and how many steps it has lasted."""
        state = self._scaler.state_dict()
        return {"scale": state["scale"], "lasted": state["_growth_tracker"]}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Go on from a checkpoint."""
        own = self._scaler.state_dict()
        self._scaler.load_state_dict(
            {**own, "scale": state["scale"], "_growth_tracker": int(state["lasted"])}
        )


def loss_scaler(precision: Precision, device: torch.device) -> LossScaler | None:
    """The scaler that a stage begins with; None where the format needs none."""
    return LossScaler(device) if precision == "fp16" else None
