"""ONNX files of encoders that are made of other parts than those of the smoke recipe."""

import pytest
import torch

from raydist.encoders.build import build_encoder
from raydist.engine.chosen_epoch import ChosenEpoch
from raydist.engine.schema import load_config
from raydist.engine.trained import Trained
from raydist.export.onnx_file import write_onnx


@pytest.mark.parametrize(
    "words",
    [
        ["encoder.name=vit_b16", "encoder.branches=2"],
        ["encoder.name=agw_resnet50_non_local", "encoder.two_stream=true"],
        ["encoder.temporal=attention_conv", "encoder.pooling=stripes", "data.resize=bicubic"],
    ],
    ids=lambda words: words[0],
)
def test_the_file_gives_the_features_of_the_encoder(words, tmp_path):
    config = load_config("smoke", [*words, "data.height=32", "data.width=32"])
    encoder = build_encoder(**config.encoder.model_dump(), seed=0).eval()
    trained = Trained(config, ChosenEpoch(tmp_path, "last", 1, 1), encoder, torch.device("cpu"), "")
    assert 0 <= abs(write_onnx(trained, tmp_path / "encoder.onnx")) < 1e-4
