"""The registry: a name leads to checked weights or to one clear sentence."""

import hashlib

import numpy as np
import pytest
import torch
import yaml

from lensfree.model_files import ModelError, weights_file
from lensfree.nets.plain_cnn import PlainCnn, PlainCnnSpec, apply_cnn
from lensfree.nets.weights import load_cnn, model_label, read_card, save_cnn, write_tensors


@pytest.fixture
def folder(tmp_path):
    save_cnn(
        PlainCnn(PlainCnnSpec(1, 2, 3, 4)),
        tmp_path / "a.safetensors",
        card={"name": "a", "version": "3", "seed": "5"},
    )
    digest = hashlib.sha256((tmp_path / "a.safetensors").read_bytes()).hexdigest()
    (tmp_path / "registry.yaml").write_text(
        yaml.safe_dump({"a": {"file": "a.safetensors", "sha256": digest}})
    )
    return tmp_path


def test_weights_come_back_with_their_architecture_and_card(folder):
    path = weights_file("a", folder)
    assert apply_cnn(load_cnn(path), np.zeros((1, 9, 12), np.float32)).shape == (2, 9, 12)
    assert read_card(path)["seed"] == "5"
    assert model_label(path) == "a 3"


def test_none_is_no_model(folder):
    assert weights_file("none", folder) is None


def test_a_path_is_taken_as_it_is(folder):
    assert weights_file(str(folder / "a.safetensors"), folder) == folder / "a.safetensors"
    with pytest.raises(ModelError, match="no such file; train it"):
        weights_file(str(folder / "b.safetensors"), folder)


def test_an_unknown_name_lists_the_known(folder):
    with pytest.raises(ModelError, match=r"model 'b' is not in .*registry\.yaml, which has \['a'\]"):
        weights_file("b", folder)


def test_a_changed_file_is_refused(folder):
    (folder / "a.safetensors").write_bytes(b"x")
    with pytest.raises(ModelError, match="has sha256 .*, the registry says"):
        weights_file("a", folder)


def test_weights_for_other_channels_are_refused(folder):
    path = folder / "a.safetensors"
    load_cnn(path, channels=(1, 2))
    with pytest.raises(
        ModelError, match=r"a\.safetensors: the network maps 1 channels to 2, expected 2 to 2"
    ):
        load_cnn(path, channels=(2, 2))


def test_weights_of_something_else_are_refused(tmp_path):
    write_tensors(tmp_path / "b.safetensors", {"w": torch.zeros(3)}, {"name": "b"})
    with pytest.raises(
        ModelError, match=r"b\.safetensors: the header has no 'channels_in', expected weights"
    ):
        load_cnn(tmp_path / "b.safetensors")
