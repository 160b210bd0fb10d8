"""The tensors of a local weights file, under their full names, read without running code of the file.

Read are safetensors and what `torch.save` writes, of every age. TorchScript archives (CLIP's own .pt files)
and files that hold more than tensors, numbers, texts and plain containers are refused: to read them is to run
the program inside. The message says how to take the tensors out once, where the file is trusted.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import warnings
import zipfile
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from numpy._core import multiarray
from torch import Tensor

from raydist.encoders.weights.words import one_line
from raydist.errors import DataError
from raydist.opening import open_file

State = dict[str, Tensor]
"""Tensors by name."""

SAFETENSORS, TORCH, OLD_TORCH = "safetensors", "torch", "torch, the format before 1.6"

DEPTH = 16
"""Containers inside each other that are looked into."""

BLOCK = 2**20
ADVICE = "fetch the file again, or save its state dict alone by torch.save(model.state_dict(), 'weights.pth')"


@dataclass(frozen=True)
class WeightsFile:
    """What a file holds.

    Attributes:
        path: of the file.
        format: `SAFETENSORS`, `TORCH` or `OLD_TORCH`.
        tensors: by the keys and indices that lead to them, joined by dots, such as
            ``state_dict.module.conv1.weight``.
        wrappers: the containers that hold tensors, by the same keys, each with a dot behind; "" is the file
            itself.
    """

    path: Path
    format: str
    tensors: State
    wrappers: frozenset[str]

    @property
    def ordered(self) -> bool:
        """Whether tensors stand in the order in which they were saved."""
        return self.format != SAFETENSORS


def read_weights(path: str | Path) -> WeightsFile:
    """Read a file.

    Args:
        path: of any name; the content decides how it is read.

    Raises:
        DataError: there is no such file, it is no weights file, is damaged, needs code to be read, or holds
            no tensors.
    """
    path = Path(path)
    kind = _kind(path)
    try:
        content = safetensors.torch.load_file(path) if kind == SAFETENSORS else _torch_load(path)
    except Exception as error:  # whatever a damaged file makes the readers raise
        # torch's own text advises to let the file run its code: it is kept in the chain, not shown
        raise DataError(f"weights {path}: cannot be read ({_why(path, error)}); {ADVICE}") from error
    tensors, wrappers = _collected(content)
    if not tensors:
        raise DataError(f"weights {path}: holds something else than named tensors; {ADVICE}")
    return WeightsFile(path, kind, tensors, frozenset(wrappers))


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, block by block."""
    digest = hashlib.sha256()
    with open_file(path) as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _kind(path: Path) -> str:
    """The format of a file, from its first bytes; what is no weights file at all is refused."""
    if os.path.isdir(path):
        raise DataError(f"weights {path}: a folder; give a file, or the folder of a run (with config.yaml)")
    if not os.path.isfile(path):
        raise DataError(
            f"weights {path}: no such file; give a local .safetensors, .pth or .pt file, or the folder of "
            "a run"
        )
    try:
        with open_file(path) as stream:
            start = stream.read(512)
    except OSError as error:
        raise DataError(f"weights {path}: cannot be opened ({one_line(str(error))})") from error
    if refusal := _refusal(path, start):
        raise DataError(f"weights {path}: {refusal}")
    if path.suffix == ".safetensors" or _is_safetensors(path, start):
        return SAFETENSORS
    return TORCH if start.startswith(b"PK") else OLD_TORCH


def _refusal(path: Path, start: bytes) -> str | None:
    """Why a file is no weights file; None where it may be one."""
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        return f"cannot be read (it is empty); {ADVICE}"
    if text.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS in the place of the file; fetch the file itself by git lfs pull"
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        return (
            "a web page, saved in the place of the file; open the link in a browser and fetch the file there"
        )
    if _is_program(path):
        return (
            "a TorchScript archive, which runs its own code when loaded; if you trust it, take the tensors "
            f"out once by torch.save(torch.jit.load({path.name!r}, map_location='cpu').state_dict(), "
            "'weights.pth')"
        )
    return None


def _is_safetensors(path: Path, start: bytes) -> bool:
    length = int.from_bytes(start[:8], "little")
    return start[8:9] == b"{" and 8 + length <= path.stat().st_size


def _is_program(path: Path) -> bool:
    """Whether a file is a TorchScript archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except Exception:  # no archive, or a damaged one
        return False


def _torch_load(path: Path) -> object:
    """Read tensors, numbers, texts and plain containers only, so that no code of the file runs."""
    with torch.serialization.safe_globals(_plain_types()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pickles that torch.save did not write
        return torch.load(path, map_location="cpu", weights_only=True)


def _plain_types() -> list[Any]:
    """Types without code of their own, which training programs save beside the tensors: scores as NumPy
    numbers and arrays, and the options of the command line."""
    functions = [
        (function, f"numpy.{core}.multiarray.{function.__name__}")
        for function in (multiarray.scalar, multiarray._reconstruct)
        for core in ("core", "_core")
    ]
    kinds = [type(np.dtype(code)) for code in "?bhilqBHILQefd"]
    return [*functions, np.ndarray, np.dtype, *dict.fromkeys(kinds), Namespace]


def _why(path: Path, error: Exception) -> str:
    """Why a file cannot be read, in a few words."""
    needed = re.search(r"(?:GLOBAL|class) ([\w.]+)", str(error))
    if isinstance(error, pickle.UnpicklingError) and needed:
        return (
            f"it holds {needed[1]}, which only code of that module could read, and no code is run for a file"
        )
    start = path.read_bytes()[:512]
    if all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in start):
        return f"a text that begins with {start[:40].decode('ascii')!r}"
    return f"{type(error).__name__}, damaged or not what torch.save or safetensors write"


def _collected(content: object) -> tuple[State, set[str]]:
    """All tensors inside a content, and the names of what holds them; nothing is looked into twice."""
    tensors: State = {}
    wrappers: set[str] = set()
    seen: set[int] = set()

    def collect(value: object, name: str, depth: int) -> None:
        if not depth or id(value) in seen:
            return
        seen.add(id(value))
        for key, item in _items(value):
            if not isinstance(item, Tensor):
                collect(item, f"{name}{key}.", depth - 1)
            elif _is_plain(item):
                tensors[f"{name}{key}"] = item.detach()
                wrappers.add(name)

    collect(content, "", DEPTH)
    return tensors, wrappers


def _items(value: object) -> list[tuple[str | int, object]]:
    """What a container holds, by keys or indices; nothing where it is none."""
    if isinstance(value, Mapping):
        return [(key, item) for key, item in value.items() if isinstance(key, str | int)]
    return list(enumerate(value)) if isinstance(value, list | tuple) else []


def _is_plain(tensor: Tensor) -> bool:
    """Whether a tensor is one block of numbers in memory."""
    return tensor.layout == torch.strided and tensor.device.type == "cpu" and not tensor.is_quantized
