"""What a model's header says of its making: beside the card, and without touching the weights."""

import json

import pytest
import torch

from lensfree.model_files import ModelError
from lensfree.nets.weights import read_card, read_tensors, write_tensors
from lensfree.stages.model_provenance import add_provenance

MADE = {"rule": "train_score", "origin": {"commit": "abc", "inputs_sha256": {"a.parquet": "0" * 64}}}


def test_it_stands_beside_the_card_and_the_weights_stay(tmp_path):
    path, weights = tmp_path / "model.safetensors", torch.arange(6.0).reshape(2, 3)
    write_tensors(path, {"w": weights}, {"name": "forecast", "version": "own"})
    for made in ({}, MADE):  # a second one takes the place of the first
        add_provenance(path, made)
    card = read_card(path)
    assert json.loads(card.pop("provenance")) == MADE
    assert card == {"name": "forecast", "version": "own"}
    torch.testing.assert_close(read_tensors(path)["w"], weights, rtol=0, atol=0)


def test_a_damaged_model_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    write_tensors(path, {"w": torch.ones(3)}, {"name": "forecast"})
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match="model.safetensors"):
        add_provenance(path, MADE)
    assert path.read_bytes() == bytes(content)
