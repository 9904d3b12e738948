"""Registering weights: the registry then finds exactly that file, and other entries stay."""

import pytest

from lensfree.model_files import ModelError, check_weights, read_registry, register, weights_file


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


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "- a",
        "a: {sha256: x}",
        "a: {file: ../b.safetensors, sha256: x}",
        "a: {file: /etc/passwd, sha256: x}",
        "a: {file: b.safetensors, sha256: 3}",
        "a: {file: [1], sha256: x}",
        "a: 3",
        "a: !!python/object/apply:os.system ['true']",
    ],
)
def test_a_registry_that_is_none_is_one_sentence(tmp_path, text):
    (tmp_path / "registry.yaml").write_text(text)
    with pytest.raises(ModelError, match=r"registry\.yaml: not a registry of models \(.*; restore it"):
        weights_file("a", tmp_path)


def test_weights_without_checksum_or_registry_are_refused(tmp_path):
    (tmp_path / "own.safetensors").write_bytes(b"whatever")
    with pytest.raises(ModelError, match=r"own\.safetensors: the weights carry no checksum and no registry"):
        check_weights(tmp_path / "own.safetensors")
    with pytest.raises(ModelError, match=r"gone\.safetensors: .*No such file.*; restore it, or delete it"):
        check_weights(tmp_path / "gone.safetensors")
    (tmp_path / "registry.yaml").write_text("a: {file: own.safetensors, sha256: x}")
    with pytest.raises(
        ModelError, match=r"own\.safetensors has sha256 [0-9a-f]{64}, the registry says x; rest"
    ):
        check_weights(tmp_path / "own.safetensors")
