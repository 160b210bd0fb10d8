"""Reading files of weights: what is whole gives its tensors, everything else one error and no code is run."""

from __future__ import annotations

import os
import pickle
import re
import zipfile
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from raydist.encoders.small import SMALL
from raydist.encoders.weights.files import OLD_TORCH, SAFETENSORS, TORCH, read_weights, sha256_of
from raydist.encoders.weights.loading import matched
from raydist.errors import DataError

TENSOR = torch.arange(4.0)


@pytest.mark.parametrize("name", ["w.pth", "w.pt", "w.pth.tar", "w.t", "w.bin", "w.ckpt", "w"])
def test_the_content_decides_and_not_the_name(tmp_path: Path, name: str):
    torch.save({"a": TENSOR}, tmp_path / name)
    assert read_weights(tmp_path / name).format == TORCH
    torch.save({"a": TENSOR}, tmp_path / name, _use_new_zipfile_serialization=False)
    old = read_weights(tmp_path / name)
    assert (old.format, list(old.tensors)) == (OLD_TORCH, ["a"])
    safetensors.torch.save_file({"a": TENSOR}, tmp_path / name)
    read = read_weights(tmp_path / name)
    assert (read.format, read.ordered) == (SAFETENSORS, False)
    assert torch.equal(read.tensors["a"], TENSOR)


def test_tensors_have_the_names_of_the_keys_that_lead_to_them(tmp_path: Path):
    content = {
        "epoch": 3,
        "models": [{"conv.weight": TENSOR}, {"conv.weight": TENSOR + 1}],
        "ema": {"shadow": {"conv.weight": nn.Parameter(TENSOR)}},
        "optimizer": {"state": {0: {"exp_avg": TENSOR}}, "name": "adam"},
        "sparse": TENSOR.to_sparse(),
        "nothing": None,
    }
    torch.save(content, tmp_path / "w.pth")
    read = read_weights(tmp_path / "w.pth")
    assert list(read.tensors) == [
        "models.0.conv.weight",
        "models.1.conv.weight",
        "ema.shadow.conv.weight",
        "optimizer.state.0.exp_avg",
    ]
    assert read.wrappers == {"models.0.", "models.1.", "ema.shadow.", "optimizer.state.0."}


def test_containers_that_hold_themselves_end(tmp_path: Path):
    content: dict[str, object] = {"a": TENSOR}
    content["again"] = [content, content]
    torch.save(content, tmp_path / "w.pth")
    assert list(read_weights(tmp_path / "w.pth").tensors) == ["a"]


def test_scores_and_options_beside_the_tensors_are_no_hindrance(tmp_path: Path):
    content = {
        "net": {"a": TENSOR},
        "cmc": np.linspace(0, 1, 5),
        "mAP": np.float64(0.5),
        "rank": np.int64(3),
        "args": Namespace(lr=0.1),
    }
    torch.save(content, tmp_path / "w.pth")
    assert list(read_weights(tmp_path / "w.pth").tensors) == ["net.a"]


class Payload:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder / "was-here"),)


@pytest.mark.parametrize("old", [False, True])
def test_code_in_a_file_is_not_run(tmp_path: Path, old: bool):
    torch.save({"a": Payload(tmp_path)}, tmp_path / "w.pth", _use_new_zipfile_serialization=not old)
    with pytest.raises(
        DataError, match=r"w\.pth: cannot be read .*posix\.mkdir.* save its state dict alone"
    ) as caught:
        read_weights(tmp_path / "w.pth")
    assert "weights_only" not in str(caught.value)
    assert not (tmp_path / "was-here").exists()


def test_whole_models_are_refused(tmp_path: Path):
    torch.save(nn.Linear(2, 2), tmp_path / "w.pth")
    with pytest.raises(DataError, match=r"it holds torch\.nn\.modules\.linear\.Linear, which only code"):
        read_weights(tmp_path / "w.pth")


class Program(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x


def test_programs_are_refused(tmp_path: Path):
    path = tmp_path / "ViT-B-16.pt"
    torch.jit.script(Program()).save(path)
    with pytest.raises(
        DataError, match=r"TorchScript archive.*torch\.jit\.load\('ViT-B-16\.pt'.*'weights\.pth'"
    ):
        read_weights(path)


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
@pytest.mark.parametrize("share", [0, 5, 0.5, 0.99])
def test_truncated_files_are_refused(tmp_path: Path, state_of, save, suffix: str, share: float):
    path = save(state_of(SMALL.build()), tmp_path / f"w.{suffix}")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content)) if isinstance(share, float) else share])
    with pytest.raises(DataError, match=rf"w\.{suffix}: cannot be read"):
        read_weights(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"cannot be read \(it is empty\)"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n", "Git LFS.*git lfs pull"),
        (b"\n<!DOCTYPE html><html><body>Sign in</body></html>", "a web page"),
        (b"<html>\n", "a web page"),
        (b"404: Not Found", r"a text that begins with '404: Not Found'"),
        (pickle.dumps([1.0, 2.0]), "cannot be read|something else than named tensors"),
        (bytes(range(256)) * 8, "cannot be read"),
    ],
)
def test_what_is_no_weights_file_is_named(tmp_path: Path, content: bytes, message: str):
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_weights(tmp_path / "w.pth")
    assert "\n" not in str(caught.value)


def test_other_archives_folders_and_missing_files_are_named(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "w.pth", "w") as archive:
        archive.writestr("model/readme.txt", "hello")
    with pytest.raises(DataError, match="cannot be read"):
        read_weights(tmp_path / "w.pth")
    with pytest.raises(DataError, match="a folder; give a file, or the folder of a run"):
        read_weights(tmp_path)
    with pytest.raises(DataError, match=r"nowhere\.pth: no such file"):
        read_weights(tmp_path / "nowhere.pth")
    with pytest.raises(DataError, match="no such file"):
        read_weights(tmp_path / ("x" * 300))


@pytest.mark.parametrize("content", [{"state_dict": {"conv1.weight": [1.0]}}, [1, 2], {}, "text"])
def test_files_without_tensors_are_refused(tmp_path: Path, save, content: object):
    with pytest.raises(DataError, match="something else than named tensors"):
        read_weights(save(content, tmp_path / "w.pth"))


def test_the_checksum_is_that_of_the_file(tmp_path: Path):
    (tmp_path / "w").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    assert sha256_of(tmp_path / "w").startswith("ba7816bf8f01cfea414140de5dae2223")


def _contents() -> st.SearchStrategy[object]:
    """Nested containers with tensors of any names, shapes and types, as a training may save them."""
    names = st.one_of(
        st.sampled_from(
            ["state_dict", "model", "conv1.weight", "module.bn1.bias", "layer1.conv1.weight", ""]
        ),
        st.text(max_size=8),
    )
    shapes = st.lists(st.integers(0, 3), max_size=4).map(tuple)
    kinds = st.sampled_from([torch.float32, torch.float16, torch.int64, torch.bool, torch.complex64])
    tensors = st.builds(lambda shape, kind: torch.zeros(shape, dtype=kind), shapes, kinds)
    leaves = st.one_of(tensors, st.none(), st.integers(), st.floats(), st.text(max_size=5))
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | st.integers(), inner, max_size=6),
        max_leaves=12,
    )


@st.composite
def _damaged(draw: st.DrawFn) -> tuple[object, str, list[tuple[int, int]], int | None]:
    edits = draw(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=6))
    cut = draw(st.none() | st.integers(0, 4000))
    return draw(_contents()), draw(st.sampled_from(["zip", "old", "safetensors", "raw"])), edits, cut


@settings(
    max_examples=int(os.environ.get("RAYDIST_FUZZ", "300")),
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(case=_damaged(), raw=st.binary(max_size=300))
def test_any_bytes_give_tensors_or_one_line(tmp_path_factory, case, raw: bytes):
    content, kind, edits, cut = case
    path = tmp_path_factory.getbasetemp() / "fuzz.bin"
    path.unlink(missing_ok=True)
    if kind == "raw":
        path.write_bytes(raw)
    elif kind == "safetensors":
        tensors = content if isinstance(content, dict) else {}
        plain = {k: v for k, v in tensors.items() if isinstance(k, str) and isinstance(v, Tensor)}
        safetensors.torch.save_file(plain, path)
    else:
        torch.save(content, path, _use_new_zipfile_serialization=kind == "zip")
    data = bytearray(path.read_bytes())
    for place, value in edits if data else ():
        data[place % len(data)] = value
    path.write_bytes(bytes(data[:cut]))
    try:
        read = read_weights(path)
        result = matched(read, SMALL)
        message = getattr(result, "why", getattr(result, "line", None))()
    except DataError as error:
        message = str(error)
    assert message
    assert not re.search(r"[\n\r]", message)
    message.encode()
