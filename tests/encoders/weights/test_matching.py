"""Whatever programs wrap around the names of layers, the layers get their tensors; nothing else does."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from raydist.encoders.mobilenet import MOBILENET_V2
from raydist.encoders.resnet import AGW_RESNET50, AGW_RESNET50_NON_LOCAL, RESNET18, RESNET34, RESNET50
from raydist.encoders.small import SMALL
from raydist.encoders.weights.files import TORCH, WeightsFile, read_weights
from raydist.encoders.weights.fits import BY_NAMES, BY_ORDER, BY_POSITIONS, Fit, Misfit
from raydist.encoders.weights.matching import Architecture, match

State = dict[str, Tensor]

PREFIXES = (
    "module.", "backbone.", "base.", "encoder.", "model.", "visual.", "image_encoder.", "_orig_mod.",
    "_base_layer.", "base_model.model.", "net.", "features.", "feature_extractor.", "0.", "encoder_q.",
    "base_encoder.", "online_network.", "_fsdp_wrapped_module.", "reid.backbone.", "student.",
)  # fmt: skip
WRAPPERS = (
    "state_dict", "model", "net", "network", "model_state_dict", "ema", "teacher", "student", "params",
    "weights", "generator", "state_dict_ema", "model_ema", "models", "module",
)  # fmt: skip
HEADS = (
    "fc", "classifier", "head", "heads.bnneck", "bottleneck", "projector", "pre_logits", "feat_bn", "queue",
    "memory_bank", "prompt_learner", "loss.centers",
)  # fmt: skip


def architecture(backbone) -> Architecture:
    return Architecture.of(backbone.build(), backbone.stem, backbone.select)


SMALL_ONE = architecture(SMALL)


def file_of(tensors: State, *, wrappers: tuple[str, ...] = ("",)) -> WeightsFile:
    return WeightsFile(Path("w.pth"), TORCH, tensors, frozenset(wrappers))


def prefixed(prefix: str, state: State) -> State:
    return {prefix + name: value for name, value in state.items()}


def assert_holds(fit: Fit | Misfit, state: State) -> None:
    assert isinstance(fit, Fit), fit.why()
    taken = fit.stems[0] | fit.trunk
    wanted = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    assert taken.keys() == wanted.keys()
    assert all(torch.equal(taken[name], value) for name, value in wanted.items())


@settings(max_examples=int(os.environ.get("RAYDIST_FUZZ", "200")), derandomize=True, deadline=None)
@given(
    wrappers=st.lists(st.sampled_from(WRAPPERS), max_size=2),
    prefixes=st.lists(st.sampled_from(PREFIXES), max_size=4),
    heads=st.lists(st.sampled_from(HEADS), max_size=4, unique=True),
    deep=st.booleans(),
    inside=st.sampled_from(["", "module.", "_orig_mod.", "_checkpoint_wrapped_module."]),
    first=st.booleans(),
)
def test_any_wrappers_and_prefixes_in_any_order(state_of, wrappers, prefixes, heads, deep, inside, first):
    state = state_of(SMALL.build())
    beginning = "".join(f"{wrapper}." for wrapper in wrappers)
    names = {name.replace("layer2.", f"layer2.{inside}"): value for name, value in state.items()}
    network = prefixed(beginning + "".join(prefixes), names)
    at = beginning + ("".join(prefixes) if deep else "")
    others = {f"{at}{head}.weight": torch.zeros(3, 2) for head in heads} | {
        "optimizer.0.exp_avg": torch.zeros(1)
    }
    tensors = others | network if first else network | others
    fit = match(file_of(tensors, wrappers=(beginning, "optimizer.0.")), SMALL_ONE)
    assert_holds(fit, state)
    assert isinstance(fit, Fit)
    assert sum(fit.left_out.values()) == len(heads) + 1


@pytest.mark.parametrize(("kept", "other"), [("teacher", "student"), ("model_ema", "model"), ("ema", "net")])
@pytest.mark.parametrize("swapped", [False, True])
def test_of_two_networks_the_average_is_taken(state_of, kept: str, other: str, swapped: bool):
    state, second = state_of(SMALL.build()), state_of(SMALL.build(), seed=2)
    parts = [prefixed(f"{kept}.module.", state), prefixed(f"{other}.module.", second)]
    tensors = parts[1] | parts[0] if swapped else parts[0] | parts[1]
    fit = match(file_of(tensors, wrappers=(f"{kept}.", f"{other}.")), SMALL_ONE)
    assert_holds(fit, state)
    assert isinstance(fit, Fit)
    assert (fit.wrapper, fit.prefix) == (f"{kept}.", "module.")
    assert fit.left_out == {other: 45}


def test_of_moco_the_query_encoder_is_taken(state_of):
    state = state_of(SMALL.build())
    tensors = prefixed("module.encoder_k.", state_of(SMALL.build(), seed=2))
    tensors |= prefixed("module.encoder_q.", state) | {"module.queue": torch.zeros(4, 4)}
    fit = match(file_of(tensors), SMALL_ONE)
    assert_holds(fit, state)
    assert isinstance(fit, Fit)
    assert fit.left_out == {"encoder_k": 45, "queue": 1}


@pytest.mark.parametrize(
    ("network", "heads", "groups"),
    [
        ("module.model.backbone.", "module.model.", {"classifier": 1, "bottleneck": 2}),
        ("module.module.", "module.module.", {"classifier": 1, "bottleneck": 2}),
        ("module.backbone.", "_orig_mod.module.module.", {"classifier": 1, "bottleneck": 2}),
        ("state_dict.module.net.base.", "state_dict.module.", {"classifier": 1, "bottleneck": 2}),
        ("state_dict.module.net.base.", "", {"classifier": 1, "bottleneck": 2}),
        ("model.backbone.", "model.other.", {"other": 3}),
    ],
)
def test_what_is_left_out_is_grouped_after_all_prefixes(state_of, network, heads, groups):
    state = state_of(SMALL.build())
    names = ("classifier.weight", "bottleneck.weight", "bottleneck.bias")
    tensors = prefixed(network, state) | prefixed(heads, {name: torch.zeros(3) for name in names})
    fit = match(file_of(tensors), SMALL_ONE)
    assert_holds(fit, state)
    assert isinstance(fit, Fit)
    assert fit.left_out == groups


def test_layers_by_their_positions(state_of):
    """The networks of cluster-contrast-reid and its followers are sequences without names."""
    state = state_of(RESNET18.build())
    position = {name: str(n) for n, (name, _) in enumerate(RESNET18.build().named_children())}
    numbered = {
        f"module.base.{position[first]}.{rest}": value
        for (first, _, rest), value in ((name.partition("."), value) for name, value in state.items())
    } | {"module.feat_bn.weight": torch.zeros(512)}
    fit = match(file_of(numbered), architecture(RESNET18))
    assert_holds(fit, state)
    assert isinstance(fit, Fit)
    assert (fit.by, fit.left_out) == (BY_POSITIONS, {"feat_bn": 1})


def agw(state_of) -> tuple[State, list[State]]:
    """What AGW saves: three whole networks of which parts are used, non-local blocks and a classifier."""
    states = [state_of(RESNET50.build(), seed=seed) for seed in (1, 2, 3)]
    names = ("visible_module.visible.", "thermal_module.thermal.", "base_resnet.base.")
    tensors = {
        k: v for name, state in zip(names, states, strict=True) for k, v in prefixed(name, state).items()
    }
    return tensors | {
        "NL_2.0.theta.weight": torch.zeros(1, 512, 1, 1),
        "classifier.weight": torch.zeros(3, 2048),
    }, states


def test_the_two_stems_of_agw(state_of):
    tensors, (visible, thermal, shared) = agw(state_of)
    fit = match(file_of(prefixed("net.module.", tensors), wrappers=("net.",)), architecture(AGW_RESNET50))
    assert isinstance(fit, Fit)
    assert len(fit.stems) == 2
    assert torch.equal(fit.stems[0]["conv1.weight"], visible["conv1.weight"])
    assert torch.equal(fit.stems[1]["bn1.running_mean"], thermal["bn1.running_mean"])
    assert torch.equal(fit.trunk["layer4.2.conv3.weight"], shared["layer4.2.conv3.weight"])
    assert set(fit.left_out) == {"NL_2", "classifier", "unused layers of the streams"}


def test_non_local_blocks_may_be_on_either_side(state_of):
    plain, blocks = state_of(RESNET50.build()), state_of(AGW_RESNET50_NON_LOCAL.build())
    with_blocks = architecture(AGW_RESNET50_NON_LOCAL)
    assert_holds(match(file_of(plain), with_blocks), plain)
    assert_holds(match(file_of(blocks), with_blocks), blocks)
    fit = match(file_of(blocks), architecture(AGW_RESNET50))
    assert isinstance(fit, Fit)
    assert fit.left_out == {"context": 60}
    del blocks["layer2.2.context.theta.weight"]
    misfit = match(file_of(blocks), with_blocks)
    assert isinstance(misfit, Misfit)
    assert misfit.missing == ("layer2.2.context.theta.weight",)


def flat_names(layers: nn.Sequential) -> list[str]:
    """Names as in files whose inverted residuals are flat lists: ``features.2.conv.3.weight``."""
    names = []
    for name in layers.state_dict():
        block, *parts, leaf = name.split(".")
        if parts[0] != "conv":
            names.append(f"features.{name}")
            continue
        convs = layers[int(block)].conv
        first = 3 * int(parts[1]) if len(parts) == 3 else 3 * sum(isinstance(m, nn.Sequential) for m in convs)
        inner = int(parts[2]) if len(parts) == 3 else int(isinstance(convs[int(parts[1])], nn.BatchNorm2d))
        names.append(f"features.{block}.conv.{first + inner}.{leaf}")
    return names


@pytest.mark.parametrize("wrapper", ["", "state_dict."])
def test_mobilenet_is_recognised_by_order_where_names_are_flat(tmp_path: Path, state_of, save, wrapper: str):
    layers = MOBILENET_V2.build()
    state = state_of(layers)
    names = flat_names(layers)
    assert names[6] == "features.1.conv.0.weight"
    assert len(set(names)) == 312
    flat = dict(zip(names, state.values(), strict=True)) | {"classifier.1.weight": torch.zeros(10, 1280)}
    content = {"state_dict": flat, "optimizer": {0: {"m": torch.zeros(1)}}} if wrapper else flat
    fit = match(read_weights(save(content, tmp_path / "w.pt")), architecture(MOBILENET_V2))
    assert_holds(fit, state)
    assert isinstance(fit, Fit)
    assert (fit.by, fit.wrapper) == (BY_ORDER, wrapper)
    flat.pop("classifier.1.weight")
    misfit = match(read_weights(save(flat, tmp_path / "w.safetensors")), architecture(MOBILENET_V2))
    assert isinstance(misfit, Misfit)  # safetensors keep no order


@pytest.mark.parametrize(
    ("theirs", "ours"), itertools.permutations([SMALL, RESNET18, RESNET34, RESNET50, MOBILENET_V2], 2)
)
def test_no_architecture_passes_for_another(state_of, theirs, ours):
    """Not even where all tensors of the smaller one are there: ResNet-34 begins as ResNet-18 does."""
    result = match(file_of(prefixed("module.", state_of(theirs.build()))), architecture(ours))
    assert isinstance(result, Misfit)


def test_what_does_not_fit_is_named(state_of):
    state = state_of(SMALL.build())
    del state["bn1.weight"]
    state["layer1.extra.weight"] = torch.zeros(1)
    state["layer1.bn1.bias"] = torch.zeros(3)
    misfit = match(file_of(prefixed("module.", state)), SMALL_ONE)
    assert isinstance(misfit, Misfit)
    assert misfit.why() == (
        "another architecture (missing bn1.weight; unexpected layer1.extra.weight; "
        "of another shape layer1.bn1.bias (3,) for (48,))"
    )
    assert misfit.distance == (2 / 45, 1)


def test_names_without_any_of_ours_are_said_to_be_so():
    misfit = match(file_of({"blocks.0.weight": torch.zeros(1)}), SMALL_ONE)
    assert isinstance(misfit, Misfit)
    assert misfit.why().startswith("none of its 45 tensors is there (missing conv1.weight")


def test_a_plain_file_is_taken_by_names(state_of):
    fit = match(file_of(state_of(SMALL.build())), SMALL_ONE)
    assert isinstance(fit, Fit)
    assert (fit.by, fit.wrapper, fit.prefix, fit.left_out) == (BY_NAMES, "", "", {})
    assert fit.line() == "one stem, taken by names; nothing left out"
