"""The plain network: shapes, locality, folding, and what the papers say of its size."""

import numpy as np
import pytest
import torch

from lensfree.nets.plain_cnn import PlainCnn, PlainCnnSpec, apply_cnn, fold_batch_norm, receptive_radius_px

SHAPE_YX = (45, 70)
SPECS = [PlainCnnSpec(2, 2, 6, 8, 1, True), PlainCnnSpec(1, 4, 5, 8, 2), PlainCnnSpec(3, 2, 4, 8, 1)]


def lively(spec: PlainCnnSpec) -> PlainCnn:
    """A network whose every weight and running statistic matters."""
    torch.manual_seed(0)
    model = PlainCnn(spec)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_()
        elif name.endswith("running_var"):
            buffer.uniform_(0.5, 2.0)
    return model.eval()


def test_the_published_unwrapping_network_has_20_convolutions_of_16_features():
    model = PlainCnn(PlainCnnSpec(2, 2, 20, 16, 1, True))
    convolutions = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(convolutions) == 20
    assert {(c.kernel_size, c.stride) for c in convolutions} == {((3, 3), (1, 1))}
    assert {c.out_channels for c in convolutions[:-1]} == {16}


@pytest.mark.parametrize("spec", SPECS)
def test_any_field_keeps_its_size(spec):
    maps = np.random.default_rng(0).normal(size=(spec.channels_in, *SHAPE_YX)).astype(np.float32)
    assert apply_cnn(lively(spec), maps).shape == (spec.channels_out, *SHAPE_YX)


def test_an_untrained_residual_network_is_the_identity():
    maps = np.random.default_rng(0).normal(size=(2, *SHAPE_YX)).astype(np.float32)
    np.testing.assert_array_equal(apply_cnn(PlainCnn(SPECS[0]).eval(), maps), maps)


@pytest.mark.parametrize("spec", SPECS)
def test_folding_the_batch_norm_changes_no_answer(spec):
    model = lively(spec)
    maps = torch.randn(1, spec.channels_in, *SHAPE_YX)
    with torch.inference_mode():
        expected = model(maps)
        folded = fold_batch_norm(model)
        torch.testing.assert_close(folded(maps), expected, rtol=1e-4, atol=1e-4)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in folded.modules())


@pytest.mark.parametrize("spec", SPECS)
def test_an_answer_depends_on_nothing_beyond_the_receptive_radius(spec):
    radius = receptive_radius_px(spec)
    maps = np.random.default_rng(0).normal(size=(spec.channels_in, *SHAPE_YX)).astype(np.float32)
    far = maps.copy()
    far[:, :, 30 + radius + 1 :] += 1.0
    model = lively(spec)
    out, changed = apply_cnn(model, maps), apply_cnn(model, far)
    np.testing.assert_allclose(changed[:, :, :30], out[:, :, :30], atol=1e-5)
    assert np.abs(changed - out).max() > 1e-3


def test_the_spec_survives_its_text_form():
    for spec in SPECS:
        assert PlainCnnSpec.from_metadata(spec.as_metadata()) == spec
