"""The plain network: shapes, locality, folding, and what the papers say of its size."""

import numpy as np
import pytest
import torch

from lensfree.nets import plain_cnn
from lensfree.nets.plain_cnn import (
    PlainCnn,
    PlainCnnSpec,
    apply_cnn,
    fold_batch_norm,
    has_bfloat16,
    receptive_radius_px,
)

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


class Spy:
    """Notes type and memory layout of what the convolutions read and write."""

    def __init__(self, model):
        self.seen = []
        for module in model.modules():
            if isinstance(module, torch.nn.Conv2d):
                module.register_forward_hook(self.note)

    def note(self, module, inputs, output):
        self.seen.append((inputs[0].dtype, output.dtype))
        assert output.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("spec", SPECS)
def test_where_a_gpu_has_bfloat16_only_the_inner_layers_use_it(monkeypatch, spec, folded):
    """The CPU takes the GPU's part here: it can do bfloat16 too, it is only never asked to."""
    monkeypatch.setattr(plain_cnn, "has_bfloat16", lambda device: True)
    model = fold_batch_norm(lively(spec)) if folded else lively(spec)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    maps = np.random.default_rng(0).normal(size=(spec.channels_in, *SHAPE_YX)).astype(np.float32)
    exact = apply_cnn(model, maps)
    spy = Spy(model)
    rounded = apply_cnn(model, maps, in_bfloat16=True)
    single, half = torch.float32, torch.bfloat16
    assert spy.seen == [(single, single), *[(half, half)] * (spec.layers - 2), (single, single)]
    assert rounded.dtype == np.float32 and rounded.shape == exact.shape
    error = np.sqrt(np.mean((rounded - exact) ** 2)) / exact.std()
    assert 1e-6 < error < 0.02  # bfloat16 has 8 bits
    for name, value in model.state_dict().items():
        assert value.dtype == before[name].dtype and torch.equal(value, before[name])


def test_bfloat16_leaves_what_a_residual_network_passes_on_exact(monkeypatch):
    monkeypatch.setattr(plain_cnn, "has_bfloat16", lambda device: True)
    maps = np.random.default_rng(0).normal(size=(2, *SHAPE_YX)).astype(np.float32)
    np.testing.assert_array_equal(apply_cnn(PlainCnn(SPECS[0]).eval(), maps, in_bfloat16=True), maps)


def test_choosing_bfloat16_draws_no_random_numbers(monkeypatch):
    monkeypatch.setattr(plain_cnn, "has_bfloat16", lambda device: True)
    model, maps = lively(SPECS[0]), np.zeros((2, *SHAPE_YX), np.float32)
    torch.manual_seed(3)
    apply_cnn(model, maps, in_bfloat16=True)
    drawn = torch.rand(2)
    torch.manual_seed(3)
    assert torch.equal(drawn, torch.rand(2))


def test_the_cpu_computes_in_float32_whatever_is_allowed():
    model = lively(SPECS[0])
    maps = np.random.default_rng(0).normal(size=(2, *SHAPE_YX)).astype(np.float32)
    exact = apply_cnn(model, maps)
    spy = Spy(model)
    np.testing.assert_array_equal(apply_cnn(model, maps, in_bfloat16=True), exact)
    assert set(spy.seen) == {(torch.float32, torch.float32)}


@pytest.mark.parametrize(("native", "expected"), [(True, True), (False, False)])
def test_a_gpu_that_only_emulates_bfloat16_does_not_count(monkeypatch, native, expected):
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation=True: native or including_emulation
    )
    assert has_bfloat16(torch.device("cuda")) is expected
    assert not has_bfloat16(torch.device("cpu"))


def test_no_map_is_copied_on_its_way_to_torch_or_back():
    """The network that does nothing hands back the very memory it was given."""
    maps = (
        np.random.default_rng(0).normal(size=(1, *SHAPE_YX)).astype(np.float32)
    )  # one channel: both layouts
    assert np.shares_memory(apply_cnn(torch.nn.Identity(), maps), maps)
