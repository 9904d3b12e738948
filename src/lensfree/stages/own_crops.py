"""A user's own acquisitions: a part of every frame to train on, another to judge by.

Every frame is cut once, from top to bottom. What lies left of the cut makes training crops, what lies right
of it is held out, and the classical pipeline labels either part by itself: no pixel serves both. In the
held-out part a guard band beside the cut, as wide as the network sees and half a disc more, lends context
only: cells in it do not judge. What remains is that a cell can wander over the cut between two frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lensfree.cells.measure import measure_cells
from lensfree.cells.representation import draw_representation
from lensfree.config import QuantifyConfig
from lensfree.filters import resample
from lensfree.io.stacks import open_opd
from lensfree.stages.represent import OPD_SCALE_NM


@dataclass(frozen=True)
class Split:
    """Where frames are cut.

    Attributes:
        held_out: share of the width, at the right, whose cells judge.
        guard_um: width of the band left of it that lends context only [um].
    """

    held_out: float
    guard_um: float

    def guard_px(self, pixel_pitch_um: float) -> int:
        """Return the width of the guard band in pixels."""
        return int(np.ceil(self.guard_um / pixel_pitch_um))

    def cut_px(self, width_px: int, pixel_pitch_um: float) -> int:
        """Return the first column that is not trained on; not above 0 where the frame is too narrow."""
        return width_px - round(self.held_out * width_px) - self.guard_px(pixel_pitch_um)


@dataclass(frozen=True)
class OwnFrame:
    """One frame, cut in two.

    Attributes:
        acquisition: its name.
        pixel_pitch_um: distance between pixel centres [um].
        training_nm: OPD left of the cut (y, x) [nm].
        held_out_nm: OPD right of the cut, guard band included (y, x) [nm].
    """

    acquisition: str
    pixel_pitch_um: float
    training_nm: np.ndarray
    held_out_nm: np.ndarray


class OwnFrames:
    """Frames of acquisitions, spread over their length; missing ones are passed over.

    Args:
        own: chunks of OPD by the name of their acquisition.
        count: frames of each acquisition, fewer if it has not as many.
        split: where they are cut.
    """

    def __init__(self, own: Mapping[str, Sequence[Path]], count: int, split: Split) -> None:
        self.split = split
        self._chosen: list[tuple[str, Path, int]] = []
        for name, stacks in own.items():
            there = []
            for path in stacks:
                with open_opd(path) as source:
                    is_there = np.logical_not(source.is_missing)
                    there += [(name, path, source.first_frame + int(at)) for at in np.flatnonzero(is_there)]
            spread = np.rint(np.linspace(0, len(there) - 1, min(count, len(there)))).astype(int)
            self._chosen += [there[index] for index in spread]

    def __len__(self) -> int:
        return len(self._chosen)

    def __iter__(self) -> Iterator[OwnFrame]:
        """Read the frames one by one, so that memory does not grow."""
        for name, path, frame in self._chosen:
            with open_opd(path) as source:
                opd_nm, pitch_um = source.read(frame), source.pixel_pitch_um
            if opd_nm is not None:
                cut = max(self.split.cut_px(opd_nm.shape[1], pitch_um), 0)
                yield OwnFrame(name, pitch_um, opd_nm[:, :cut], opd_nm[:, cut:])


def own_crops(
    frame: OwnFrame,
    quantify: QuantifyConfig,
    rng: np.random.Generator,
    *,
    count: int,
    crop_px: int,
    model_pitch_um: float,
) -> tuple[np.ndarray, int]:
    """Return crops of the training part, and how many labelled cells have their centre in any of them.

    Args:
        frame: the frame.
        quantify: settings of the classical pipeline.
        rng: draws where the crops lie.
        count: how many.
        crop_px: their side, in pixels of the network.
        model_pitch_um: pitch that the network works at; the part is resampled to it.

    Returns:
        float16 (crop, plane, y, x): OPD in the network's unit, then the four maps; and the cells.

    Raises:
        ValueError: if the part is smaller than a crop.
    """
    opd_nm, pitch_um = frame.training_nm, frame.pixel_pitch_um
    rows, columns = (round(n * pitch_um / model_pitch_um) for n in opd_nm.shape)
    shape_yx = (rows, columns)
    if min(rows, columns) < crop_px:
        raise ValueError(
            f"{frame.acquisition}: beside the held-out part and its guard band {rows} x {columns} pixels of "
            f"{model_pitch_um} um are left to train on, expected at least a crop of {crop_px}; "
            "lower transfer_quantify.crop_px or transfer_quantify.held_out, or leave this acquisition out"
        )
    cells = measure_cells(opd_nm, pitch_um, quantify)
    seen = resample(opd_nm, shape_yx) / OPD_SCALE_NM
    planes = np.concatenate([seen[None], draw_representation(cells, shape_yx, model_pitch_um)])
    centres_px = np.rint(cells[["y_um", "x_um"]].to_numpy() / model_pitch_um)
    is_seen = np.zeros(len(cells), bool)
    crops = []
    for corner in rng.integers(0, np.subtract(shape_yx, crop_px) + 1, (count, 2)):
        top, left = corner
        crops.append(planes[:, top : top + crop_px, left : left + crop_px])
        is_seen |= np.all((centres_px >= corner) & (centres_px < corner + crop_px), axis=1)
    return np.stack(crops).astype(np.float16), int(is_seen.sum())
