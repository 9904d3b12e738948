"""Stage transfer_quantify: the CNN of quantify trained on own acquisitions, and whether that made it better.

The reference pipeline labels the user's OPD maps, training goes on from weights that exist, and the cells of
a held-out part of every frame decide (`own_crops`, `verdict`). Weights that are not better never get the
name under which they could be used. Agreement with the reference pipeline is measured, not truth.
"""

from __future__ import annotations

import logging
import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lensfree.cells.integral import as_learnt
from lensfree.cells.measure import measure_cells
from lensfree.cells.peaks import find_peaks
from lensfree.config import QuantifyConfig, TrainQuantifyConfig, TransferQuantifyConfig
from lensfree.nets.plain_cnn import PlainCnnSpec, receptive_radius_px
from lensfree.nets.weights import model_label, read_card, save_cnn
from lensfree.stages.calibrations import sha256_of
from lensfree.stages.measures import write_json
from lensfree.stages.own_crops import OwnFrame, OwnFrames, Split, own_crops
from lensfree.stages.represent import Represent, load_represent
from lensfree.stages.train_quantify import trained
from lensfree.stages.verdict import HeldOut, Verdict, cells_by_place, judge

BORDER_UM = 20.0
"""Cells nearer to the border of the frame do not judge: what is visible of them is not the whole cell."""

logger = logging.getLogger(__name__)


def run(
    *,
    out: Path,
    own: Mapping[str, Sequence[Path]],
    quantify: Mapping[str, QuantifyConfig],
    config: TransferQuantifyConfig,
    training: TrainQuantifyConfig,
    start: Path | None,
    code: str,
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Label, train, judge, write.

    Better weights become `quantify_own.safetensors` beside the verdict. Others are set aside as
    `quantify_own.rejected.safetensors`, and weights that an earlier run found better are removed: what
    has the name always has the verdict beside it.

    Args:
        out: the verdict; a JSON file.
        own: chunks of OPD by the name of their acquisition.
        quantify: settings of the classical pipeline and of the local maxima by the same names.
        config: the section `transfer_quantify`.
        training: batch and augmentation are taken from here.
        start: weights that training starts from and that have to be beaten.
        code: fingerprint of the code, for the card.
        provenance: plain values that explain the result, kept in the verdict.

    Raises:
        ValueError: if there are no acquisitions, no weights to start from, or too few labelled cells.
    """
    accepted = out.with_name("quantify_own.safetensors")
    rejected = out.with_name("quantify_own.rejected.safetensors")
    weights = _usable(start, accepted, own)
    quantify = {name: as_learnt(settings) for name, settings in quantify.items()}
    represent = load_represent(weights)
    pitch_um = float(read_card(weights)["pixel_pitch_um"])
    sight_um = receptive_radius_px(PlainCnnSpec.from_metadata(read_card(weights))) * pitch_um
    half_disc_um = max(settings.disc_diameter_um for settings in quantify.values()) / 2
    frames = OwnFrames(own, config.frames, Split(config.held_out, sight_um + half_disc_um))
    crops, held_out = _labelled(frames, quantify, config, pitch_um)
    before = _found(represent, frames, quantify)
    settings = training.model_copy(
        update={"steps": config.steps, "learning_rate": config.learning_rate, "seed": config.seed}
    )
    model, _ = trained(crops, settings, start=weights)
    card = {
        "name": "quantify_own",
        "version": f"from {sha256_of(weights)[:8]}",
        "code": code,
        "pixel_pitch_um": read_card(weights)["pixel_pitch_um"],
        "acquisitions": ", ".join(own),
        "start": f"{model_label(weights)}, sha256 {sha256_of(weights)}",
        "crops": str(len(crops)),
        "seed": str(config.seed),
    }
    with tempfile.TemporaryDirectory() as folder:
        save_cnn(model, Path(folder) / accepted.name, card=card)
        after = _found(load_represent(Path(folder) / accepted.name), frames, quantify)
    verdict = judge(held_out, before, after, config.seed)
    said = sentences(verdict, list(own), config.start, accepted, rejected)
    (rejected if verdict.is_better else accepted).unlink(missing_ok=True)
    kept = accepted if verdict.is_better else rejected
    save_cnn(model, kept, card={**card, "verdict": said[0]})
    write_json(out, _entries(verdict, card, kept, said), provenance=provenance)
    for line in said:
        logger.info("%s", line)


def sentences(
    verdict: Verdict, acquisitions: Sequence[str], start: str, accepted: Path, rejected: Path
) -> list[str]:
    """Return the verdict in words: what it is, the figures, and what to do."""
    before, after, (low, high) = verdict.start, verdict.own, verdict.interval
    tried = f"the weights trained on {', '.join(acquisitions)}"
    if verdict.is_better:
        first = f"better: {tried} agree better with the reference pipeline than '{start}' does"
        then = (
            f"to use them set quantify.model to {accepted} in the configuration, then run `make calibrate`; "
            "until then dry mass has no standard error"
        )
    else:
        first = f"not better: {tried} do not agree better with the reference pipeline than '{start}' does"
        then = f"leave quantify.model at '{start}'; the new weights are set aside as {rejected}"
    return [
        f"{first}: error {after.error:.3f}, was {before.error:.3f}, less by {verdict.improvement:.3f} "
        f"({low:.3f} to {high:.3f} with 95 % confidence)",
        f"measured on {verdict.n_cells} cells at {verdict.n_places} places in the held-out part of "
        f"{verdict.n_frames} frames; the error is the rms of ln(dry mass / that of the reference), a missed "
        "or invented cell counts as a factor of two",
        *(
            f"{name}: recall {one.recall:.3f}, precision {one.precision:.3f}, dry mass R2 {one.mass_r2:.3f}, "
            f"slope {one.mass_slope:.3f}, MAD {one.mass_error_mad_pg:.1f} pg"
            for name, one in ((start, before), ("own", after))
        ),
        then,
    ]


def _usable(start: Path | None, accepted: Path, own: Mapping[str, Sequence[Path]]) -> Path:
    if not own:
        raise ValueError(
            "transfer_quantify.acquisitions is empty, expected acquisitions to learn from; "
            "name some of the sheet there"
        )
    if start is None:
        raise ValueError(
            "transfer_quantify.start is 'none', expected weights to start from; name a model, e.g. quantify"
        )
    if start.resolve() == accepted.resolve():
        raise ValueError(
            f"transfer_quantify.start is {start}, which this training writes, expected other weights; "
            "copy the file to another name and start from that"
        )
    return start


def _labelled(
    frames: OwnFrames,
    quantify: Mapping[str, QuantifyConfig],
    config: TransferQuantifyConfig,
    model_pitch_um: float,
) -> tuple[np.ndarray, list[HeldOut]]:
    """Return the crops to train on and the labels of the held-out parts.

    Raises:
        ValueError: if there are fewer labelled cells than `min_cells` on either side, or too few places.
    """
    rng = np.random.default_rng([config.seed, 1])
    crops: list[np.ndarray] = []
    held_out: list[HeldOut] = []
    n_trained = 0
    for frame in frames:
        settings = quantify[frame.acquisition]
        some, n_cells = own_crops(
            frame,
            settings,
            rng,
            count=math.ceil(config.crops / len(frames)),
            crop_px=config.crop_px,
            model_pitch_um=model_pitch_um,
        )
        crops.append(some)
        held_out.append(_held_out(frame, settings, frames.split))
        n_trained += n_cells
        done = (len(crops), len(frames), frame.acquisition, n_cells, held_out[-1].n_cells)
        logger.info("frame %d of %d (%s): %d cells to train on, %d held out", *done)
    for n_cells, where, setting in (
        (n_trained, "the training crops", "crops"),
        (sum(one.n_cells for one in held_out), "the held-out parts", "held_out"),
    ):
        if n_cells < config.min_cells:
            raise ValueError(
                f"the reference pipeline finds {n_cells} cells in {where} of {len(crops)} frames, expected "
                f"at least {config.min_cells}; raise transfer_quantify.frames or "
                f"transfer_quantify.{setting}, or name more acquisitions in transfer_quantify.acquisitions"
            )
    cells_by_place(held_out)  # refuses too few, before training
    return np.concatenate(crops), held_out


def _held_out(frame: OwnFrame, settings: QuantifyConfig, split: Split) -> HeldOut:
    """Return the labels of the held-out part, and that cells count beyond guard band and border."""
    pitch_um = frame.pixel_pitch_um
    high_um = [(n - 1) * pitch_um - BORDER_UM for n in frame.held_out_nm.shape]
    return HeldOut(
        acquisition=frame.acquisition,
        reference=measure_cells(frame.held_out_nm, pitch_um, settings),
        low_um=(BORDER_UM, split.guard_px(pitch_um) * pitch_um),
        high_um=(high_um[0], high_um[1]),
    )


def _found(
    represent: Represent, frames: OwnFrames, quantify: Mapping[str, QuantifyConfig]
) -> list[pd.DataFrame]:
    """Return the cells that a network alone, without integrals of OPD, finds in the held-out parts."""
    return [
        find_peaks(
            represent(frame.held_out_nm, frame.pixel_pitch_um),
            frame.pixel_pitch_um,
            quantify[frame.acquisition],
        )
        for frame in frames
    ]


def _entries(verdict: Verdict, card: Mapping[str, str], kept: Path, said: Sequence[str]) -> dict[str, Any]:
    """Return the file of the verdict; a figure that does not exist is null."""
    figures = {
        name: {key: value if math.isfinite(value) else None for key, value in asdict(one).items()}
        for name, one in (("start", verdict.start), ("own", verdict.own))
    }
    return {
        **asdict(verdict),
        **figures,
        "is_better": verdict.is_better,
        "weights": str(kept),
        "weights_sha256": sha256_of(kept),
        "trained": dict(card),
        "said": list(said),
    }
