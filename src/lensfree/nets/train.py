"""One training loop for the image networks: seeded, resumable, with progress in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lensfree.arrays import cpu_count
from lensfree.model_files import ModelError
from lensfree.nets.checkpoints import load_checkpoint, save_checkpoint
from lensfree.nets.plain_cnn import PlainCnn, PlainCnnSpec, channels_last
from lensfree.nets.weights import read_card, read_tensors
from lensfree.progress import followed, part

logger = logging.getLogger(__name__)

SETTLING = 0.1
"""Steps after the schedule, as a share of it, with the batch norms as they will be in use."""

SETTLING_RATE = 0.1
"""Learning rate of the first of those steps over the peak of the schedule; it falls to 0 at the last. A
rate that stays leaves the weights where the last batches threw them."""

Batch = tuple[np.ndarray, np.ndarray]
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def fit(
    spec: PlainCnnSpec,
    draw_batch: Callable[[np.random.Generator], Batch],
    loss_of: Loss,
    *,
    steps: int,
    learning_rate: float,
    seed: int,
    checkpoint: Path | None = None,
    checkpoint_every: int = 200,
    start: Path | None = None,
    device: str = "cpu",
) -> tuple[PlainCnn, list[float]]:
    """Train a plain CNN with Adam on a one-cycle schedule.

    Args:
        spec: the network.
        draw_batch: draws (inputs, targets), both (batch, channel, y, x) float32, with the generator
            that it is handed; each step has its own generator, so that a resumed run draws the
            same batches as one that was never stopped.
        loss_of: (prediction, target) -> scalar.
        steps: optimiser steps of the schedule; a tenth more follow with settled batch norms; none with 0.
        learning_rate: peak of the schedule.
        seed: seed of weights and batches.
        checkpoint: where to keep the state; a run that finds one goes on from it.
        checkpoint_every: steps between checkpoints.
        start: weights to begin from; random ones without.
        device: `cpu` or `cuda`.

    Returns:
        The trained network on the CPU and the loss of every step, settling included.

    Raises:
        ModelError: if the weights to begin from are of another network.
    """
    torch.set_num_threads(cpu_count())
    torch.manual_seed(seed)
    model = _begun(spec, start).to(device)
    channels_last(model)
    optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, learning_rate, total_steps=max(steps, 1), pct_start=0.15
    )
    parts = {"model": model, "optimiser": optimiser, "schedule": schedule}
    losses = _resume(checkpoint, parts, spec)
    model.train()

    def descend(step: int, optimiser: torch.optim.Optimizer) -> float:
        with part("draw batches"):
            drawn = draw_batch(np.random.default_rng([seed, step]))
        inputs, targets = (
            torch.from_numpy(a).to(device).contiguous(memory_format=torch.channels_last) for a in drawn
        )
        optimiser.zero_grad(set_to_none=True)
        # bfloat16 halves the step on CPUs and GPUs that have it; weights and loss stay float32.
        with torch.autocast(device, torch.bfloat16):
            predicted = model(inputs)
        loss = loss_of(predicted.float(), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        return float(loss.detach())

    for step in followed(range(len(losses), steps), unit="steps"):
        losses.append(descend(step, optimiser))
        schedule.step()
        done = step + 1
        if done % checkpoint_every == 0 or done == steps:
            logger.info("step %d of %d: loss %.4f", done, steps, np.mean(losses[-checkpoint_every:]))
            _save(checkpoint, parts, spec, losses)
    settling = range(steps, steps + round(SETTLING * steps))
    if settling:
        settle_batch_norm(model, (draw_batch(np.random.default_rng([seed, step]))[0] for step in settling))
    settled = torch.optim.Adam(model.parameters(), lr=SETTLING_RATE * learning_rate)
    fall = torch.optim.lr_scheduler.LambdaLR(settled, lambda done: 1 - done / max(len(settling), 1))
    last = []
    for step in settling:
        last.append(descend(step, settled))
        fall.step()
    if last:
        logger.info("settled in %d steps: loss %.4f", len(last), np.mean(last))
    return model.to("cpu").eval(), losses + last


def settle_batch_norm(model: torch.nn.Module, batches: Iterable[np.ndarray]) -> None:
    """Give batch norms the statistics of these inputs together and keep them from then on.

    In training each batch is normalised by itself, in use all are by running statistics: the network has
    never seen itself that way, and with small batches of unlike fields its answers come out too small.
    """
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # an average over all batches, not a running one
    device = next(model.parameters()).device
    with torch.no_grad():
        for batch in batches:
            model(torch.from_numpy(batch).to(device))
    for norm in norms:
        norm.eval()


def turn(maps: np.ndarray, which: int) -> np.ndarray:
    """Return maps (..., y, x) in one of the eight flips and rotations of the square."""
    turned = np.rot90(maps, which % 4, axes=(-2, -1))
    return np.ascontiguousarray(turned[..., ::-1] if which >= 4 else turned)


def _begun(spec: PlainCnnSpec, start: Path | None) -> PlainCnn:
    model = PlainCnn(spec)
    if start is None:
        return model
    card, wanted = read_card(start), spec.as_metadata()
    got = {name: card.get(name, "none") for name in wanted}
    if got != wanted:
        raise ModelError(
            f"{start} is a network of {got}, expected {wanted}; start from weights of that network"
        )
    model.load_state_dict(read_tensors(start))
    return model


def _resume(checkpoint: Path | None, parts: dict[str, Any], spec: PlainCnnSpec) -> list[float]:
    if checkpoint is None or not checkpoint.exists():
        return []
    state = load_checkpoint(checkpoint)
    if state["spec"] != spec.as_metadata():
        logger.warning("%s is of another network; training starts anew", checkpoint)
        return []
    for name, holder in parts.items():
        holder.load_state_dict(state[name])
    logger.info("%s: going on from step %d", checkpoint, len(state["losses"]))
    return list(state["losses"])


def _save(checkpoint: Path | None, parts: dict[str, Any], spec: PlainCnnSpec, losses: list[float]) -> None:
    if checkpoint is None:
        return
    state = {name: part.state_dict() for name, part in parts.items()}
    save_checkpoint(checkpoint, {**state, "spec": spec.as_metadata(), "losses": losses})
