"""The convolutions of the forecaster on windows that follow each other point by point, shared between them.

Of two windows that begin a point apart, 119 of 120 inputs are the same, and so are the features that they
lead to, but for those near the ends, which see the padding. The features of the middle are therefore found
once for every point of a history, for all windows that hold it, and only those at both ends of each window
by themselves: an eighth of the multiplications at 120 points. Pooling of every second position keeps both
choices, so that a position of a pooled window is `step` points from the next one (a convolution "a trous").
The result is that of the network on each window, but for rounding.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

ROWS_AT_ONCE = 512
"""Windows that go through at once: their features stay in the cache."""
WORTH = 30
"""Sharing pays where windows hold fewer points than this times their number."""


@dataclass(frozen=True)
class _Features:
    """Features of n windows at one layer.

    Attributes:
        shared: (points, features) of the middle of any window.
        first: (n,) point at which each window begins.
        left: (l, n, features) of the first positions of each window, which see its beginning.
        right: (r, n, features) of the last positions.
        length: positions of a window.
        origin: points from the beginning of a window to its position 0.
        step: points from one position to the next.
    """

    shared: Tensor
    first: Tensor
    left: Tensor
    right: Tensor
    length: int
    origin: int = 0
    step: int = 1

    def middle(self, position: int) -> Tensor:
        """Return (n, features) of a position that sees neither end."""
        return self.shared.index_select(0, self.first + (self.origin + self.step * position))

    def middles(self, positions: Iterable[int]) -> list[Tensor]:
        """Return (1, n, features) of each."""
        return [self.middle(position)[None] for position in positions]

    def convolved(self, layer: nn.Conv1d) -> _Features:
        """Return the features after a convolution by 3 positions."""
        before, at, after = layer.weight.permute(2, 1, 0).contiguous()
        bias = cast(Tensor, layer.bias)
        step, n_left, n_right = self.step, len(self.left), len(self.right)
        # Rows nearer to the ends than `step` are in the middle of no window.
        shared = self.shared.new_zeros(len(self.shared), len(layer.weight))
        inner = shared[step:-step]
        torch.addmm(bias, self.shared[: -2 * step], before, out=inner)
        inner.addmm_(self.shared[step:-step], at).addmm_(self.shared[2 * step :], after)
        if layer.padding != "same":
            return replace(self, shared=shared, length=self.length - 2, origin=self.origin + step)
        seen = torch.cat([self.left, *self.middles((n_left, n_left + 1))])
        left = _times(seen[:-1], at, bias)
        _flat(left[1:]).addmm_(_flat(seen[:-2]), before)
        _flat(left).addmm_(_flat(seen[1:]), after)
        last = self.length - n_right - 1
        seen = torch.cat([*self.middles((last - 1, last)), self.right])
        right = _times(seen[1:], at, bias)
        _flat(right).addmm_(_flat(seen[:-1]), before)
        _flat(right[:-1]).addmm_(_flat(seen[2:]), after)
        return replace(self, shared=shared, left=left, right=right)

    def pooled(self) -> _Features:
        """Return the larger of every two positions; an odd last one is dropped."""
        left, right, length = self.left, self.right, self.length // 2 * 2
        right = right[: len(right) - self.length % 2] if len(right) else right
        if len(left) % 2:
            left = torch.cat([left, *self.middles((len(left),))])
        if len(right) % 2:
            right = torch.cat([*self.middles((length - len(right) - 1,)), right])
        shared = self.shared.clone()
        torch.maximum(self.shared[: -self.step], self.shared[self.step :], out=shared[: -self.step])
        return replace(
            self,
            shared=shared,
            left=torch.maximum(left[0::2], left[1::2]),
            right=torch.maximum(right[0::2], right[1::2]),
            length=length // 2,
            step=2 * self.step,
        )

    def each(self) -> Tensor:
        """Return (n, features, length), one window after the other as a network has them."""
        middle = range(len(self.left), self.length - len(self.right))
        parts = [*self.left, *(self.middle(position) for position in middle), *self.right]
        return torch.stack(parts, dim=2)


def joined(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the points of which the windows are cut, and the point at which each begins.

    Args:
        inputs: (n, length) windows; one that goes on a point after the one before shares all others with it.
    """
    if not len(inputs):
        return np.empty(0, inputs.dtype), np.empty(0, np.int64)
    follows = np.append(False, (inputs[1:, :-1] == inputs[:-1, 1:]).all(axis=1))
    first = np.cumsum(np.where(follows, 1, inputs.shape[1])) - inputs.shape[1]
    points = np.empty(first[-1] + inputs.shape[1], inputs.dtype)
    for start in np.flatnonzero(~follows):
        points[first[start] : first[start] + inputs.shape[1]] = inputs[start]
    points[first + inputs.shape[1] - 1] = inputs[:, -1]
    return points, first


def can_share(layers: nn.Sequential, length: int) -> bool:
    """Return whether windows of so many points have a middle at every layer."""
    ends = 0
    for layer in layers:
        if isinstance(layer, nn.MaxPool1d):
            length, ends = length // 2, -(-ends // 2)
        elif isinstance(layer, nn.Conv1d) and layer.padding == "same":
            if length < 2 * ends + 2:
                return False
            ends += 1
    return True


def represented(layers: nn.Sequential, points: Tensor, first: Tensor, length: int) -> Tensor:
    """Return (n, features, positions) of the last layer.

    Args:
        layers: convolutions by 3 positions, tanh and poolings by 2.
        points: (points,) of all windows.
        first: (n,) point at which each begins.
        length: points of a window; `can_share` must hold.
    """
    nothing = points.new_empty(0, len(first), 1)
    features = _Features(points[:, None], first, nothing, nothing, length)
    for layer in layers:
        if isinstance(layer, nn.Conv1d):
            features = features.convolved(layer)
        elif isinstance(layer, nn.MaxPool1d):
            features = features.pooled()
        else:
            for part in (features.shared, features.left, features.right):
                tanh_in_place(part)
    return features.each()


def tanh_in_place(values: Tensor) -> Tensor:
    """Return tanh(x) = 2 sigmoid(2 x) - 1, to 1e-7; the values are overwritten."""
    sigmoid = values.mul_(2).sigmoid_()
    return torch.add(values.new_tensor(-1.0), sigmoid, alpha=2, out=sigmoid)


def _flat(values: Tensor) -> Tensor:
    return values.view(-1, values.shape[-1])


def _times(values: Tensor, matrix: Tensor, bias: Tensor) -> Tensor:
    return torch.addmm(bias, _flat(values), matrix).view(*values.shape[:2], -1)
