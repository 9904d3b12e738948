"""Training: it learns, it is reproducible, and an interrupted run ends as an unbroken one."""

import numpy as np
import pytest
import torch

from lensfree.nets.plain_cnn import PlainCnn, PlainCnnSpec
from lensfree.nets.train import SETTLING, fit, settle_batch_norm, turn

SPEC = PlainCnnSpec(1, 1, 3, 8)


def draw_negatives(rng):
    inputs = rng.normal(size=(2, 1, 12, 16)).astype(np.float32)
    return inputs, -inputs


def l1(predicted, target):
    return (predicted - target).abs().mean()


def run(steps, **options):
    return fit(SPEC, draw_negatives, l1, steps=steps, learning_rate=1e-2, seed=7, **options)


def test_the_loss_falls_on_a_task_that_can_be_learnt():
    _, losses = run(150)
    assert np.mean(losses[-10:]) < 0.25 * np.mean(losses[:10])


def test_an_interrupted_run_ends_as_an_unbroken_one(tmp_path):
    whole, losses = run(20)
    checkpoint = tmp_path / "state.pt"

    class Killed(Exception):
        pass

    calls = 0

    def draw_then_die(rng):
        nonlocal calls
        calls += 1
        if calls == 13:
            raise Killed
        return draw_negatives(rng)

    with pytest.raises(Killed):
        fit(
            SPEC,
            draw_then_die,
            l1,
            steps=20,
            learning_rate=1e-2,
            seed=7,
            checkpoint=checkpoint,
            checkpoint_every=5,
        )
    resumed, losses_resumed = run(20, checkpoint=checkpoint, checkpoint_every=5)
    assert losses_resumed == losses
    for a, b in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)


def test_another_seed_gives_another_network():
    a, _ = run(3)
    b, _ = fit(SPEC, draw_negatives, l1, steps=3, learning_rate=1e-2, seed=8)
    assert not torch.equal(next(a.parameters()), next(b.parameters()))


def test_a_checkpoint_of_another_network_is_not_taken(tmp_path):
    run(2, checkpoint=tmp_path / "state.pt")
    other = PlainCnnSpec(1, 1, 4, 8)
    _, losses = fit(
        other, draw_negatives, l1, steps=2, learning_rate=1e-2, seed=7, checkpoint=tmp_path / "state.pt"
    )
    assert len(losses) == 2


def test_the_eight_turns_are_all_different_and_lose_nothing():
    maps = np.arange(2 * 3 * 3).reshape(2, 3, 3)
    turned = [turn(maps, which) for which in range(8)]
    assert len({t.tobytes() for t in turned}) == 8
    assert all(sorted(t.ravel()) == sorted(maps.ravel()) for t in turned)


def test_settled_batch_norms_have_the_statistics_of_all_batches_and_keep_them():
    torch.manual_seed(0)
    model = PlainCnn(SPEC).train()
    rng = np.random.default_rng(0)
    batches = [rng.normal(size, size, (4, 1, 12, 16)).astype(np.float32) for size in (1.0, 3.0, 9.0)]
    settle_batch_norm(model, iter(batches))
    convolution, norm = model.body[0], next(m for m in model.body if isinstance(m, torch.nn.BatchNorm2d))
    with torch.no_grad():
        seen = [convolution(torch.from_numpy(batch)).mean(dim=(0, 2, 3)) for batch in batches]
    torch.testing.assert_close(norm.running_mean, torch.stack(seen).mean(dim=0))
    kept = norm.running_mean.clone()
    model(torch.from_numpy(batches[2]))
    assert torch.equal(norm.running_mean, kept)


def test_training_ends_with_steps_in_the_state_of_use():
    """What the last steps saw is what the network answers: no gap between training and use."""

    def draw_unlike(rng):
        inputs = rng.normal(size=(2, 1, 12, 16)) * np.exp(rng.uniform(-2, 2))
        return inputs.astype(np.float32), (3 * inputs).astype(np.float32)

    model, losses = fit(SPEC, draw_unlike, l1, steps=200, learning_rate=1e-2, seed=7)
    settling = round(SETTLING * 200)
    assert len(losses) == 200 + settling
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    # statistics start anew from as many batches as there are settling steps, and stand still during them
    assert norms and all(int(norm.num_batches_tracked) == settling for norm in norms)
    with torch.no_grad():
        in_use = [
            float(l1(model(torch.from_numpy(inputs)), torch.from_numpy(targets)))
            for inputs, targets in (draw_unlike(np.random.default_rng([7, step])) for step in range(200, 220))
        ]
    assert np.mean(in_use) == pytest.approx(np.mean(losses[200:]), rel=0.15)


def test_settling_ends_at_rate_zero(monkeypatch):
    rates, real = [], torch.optim.Adam.step

    def step(optimiser, *args, **kwargs):
        rates.append(optimiser.param_groups[0]["lr"])
        return real(optimiser, *args, **kwargs)

    monkeypatch.setattr(torch.optim.Adam, "step", step)
    run(40)
    settling = np.array(rates[40:])
    assert len(settling) == round(SETTLING * 40)
    np.testing.assert_allclose(settling / settling[0], 1 - np.arange(len(settling)) / len(settling))
