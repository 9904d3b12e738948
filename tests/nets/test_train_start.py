"""Training that begins from weights: it begins exactly there, and not from another network's."""

import numpy as np
import pytest
import torch

from lensfree.model_files import ModelError
from lensfree.nets.plain_cnn import PlainCnn, PlainCnnSpec
from lensfree.nets.train import fit
from lensfree.nets.weights import save_cnn

SPEC = PlainCnnSpec(1, 2, 4, 6, stride=2)


def draw_doubles(rng):
    inputs = rng.normal(size=(3, 1, 12, 16)).astype(np.float32)
    return inputs, np.repeat(2 * inputs, 2, axis=1)


def l1(predicted, target):
    return (predicted - target).abs().mean()


def run(steps, **options):
    return fit(SPEC, draw_doubles, l1, steps=steps, seed=7, **{"learning_rate": 1e-2, **options})


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A network that answers zero, with statistics in its batch norms."""
    torch.manual_seed(1)
    model = PlainCnn(SPEC)
    for parameter in model.body[-1].parameters():
        parameter.data.zero_()
    model(torch.randn(3, 1, 12, 16))
    path = tmp_path_factory.mktemp("start") / "start.safetensors"
    save_cnn(model, path, card={})
    return path, model


def test_no_steps_leave_the_network_as_it_was(weights):
    path, model = weights
    begun, losses = run(0, start=path)
    assert losses == []
    assert begun.state_dict().keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        assert torch.equal(begun.state_dict()[name], value), name


def test_training_goes_on_from_the_weights_and_not_from_the_seed(weights):
    path, _ = weights
    targets = draw_doubles(np.random.default_rng([7, 0]))[1]
    _, onwards = run(2, start=path)
    _, anew = run(2)
    assert onwards[0] == pytest.approx(np.abs(targets).mean(), rel=1e-6)
    assert anew[0] != pytest.approx(np.abs(targets).mean(), rel=1e-3)


@pytest.mark.parametrize("spec", [PlainCnnSpec(1, 2, 5, 6, stride=2), PlainCnnSpec(1, 2, 4, 6)])
def test_weights_of_another_network_are_refused(weights, spec):
    with pytest.raises(ModelError, match=r"start.safetensors is a network of .*'layers': '4'.*expected .*"):
        fit(spec, draw_doubles, l1, steps=1, learning_rate=1e-2, seed=7, start=weights[0])


def test_weights_without_an_architecture_are_refused(tmp_path):
    from lensfree.nets.weights import write_tensors

    write_tensors(tmp_path / "other.safetensors", {"a": torch.zeros(2)}, {})
    with pytest.raises(ModelError, match="'layers': 'none'.*start from weights of that network"):
        run(1, start=tmp_path / "other.safetensors")
    assert isinstance(run(0)[0], PlainCnn)
