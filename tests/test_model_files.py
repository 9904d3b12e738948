"""Registering weights: the registry then finds exactly that file, and other entries stay."""

import pytest

from lensfree.model_files import ModelError, read_registry, register, weights_file


def test_registered_weights_are_found_and_others_stay(tmp_path):
    models = tmp_path / "models"
    models.mkdir()
    for name in ("a", "b"):
        (tmp_path / "trained.safetensors").write_bytes(name.encode())
        register(name, tmp_path / "trained.safetensors", models, trained_on=f"data of {name}", units="nm")
    assert sorted(read_registry(models)) == ["a", "b"]
    assert weights_file("a", models).read_bytes() == b"a"
    assert read_registry(models)["b"]["trained_on"] == "data of b"
    (models / "a.safetensors").write_bytes(b"changed")
    with pytest.raises(ModelError, match="has sha256"):
        weights_file("a", models)
