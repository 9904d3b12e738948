"""btrack in its own environment: cells from a file, tracks into another, the cost as JSON on the last line.

Started by `tracking_methods.by_btrack`; imports nothing of lensfree. Models are those of the package's
example for cells, in pixels and frames; the detector has no labels of mitosis, so none are given.
Usage: python benchmarks/tracking_btrack.py CELLS.npz TRACKS.npz '{"radius_px": 15, "lambda_branch": 50}'
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from own_process import cost_of

STATES, MEASUREMENTS = 6, 3


def configuration(radius_px: float, lambda_branch: float) -> dict:
    """Return the configuration: constant velocity, all hypotheses of cells but merging."""
    velocity = np.eye(STATES)
    velocity[:MEASUREMENTS, MEASUREMENTS:] = np.eye(MEASUREMENTS)
    return {
        "motion_model": {
            "name": "cell_motion",
            "dt": 1.0,
            "measurements": MEASUREMENTS,
            "states": STATES,
            "accuracy": 7.5,
            "prob_not_assign": 0.001,
            "max_lost": 5,
            "A": velocity,
            "H": np.eye(MEASUREMENTS, STATES),
            "P": {"sigma": 150.0, "matrix": np.diag([0.1, 0.1, 0.1, 1.0, 1.0, 1.0])},
            "G": {"sigma": 15.0, "matrix": [0.5, 0.5, 0.5, 1.0, 1.0, 1.0]},
            "R": {"sigma": 5.0, "matrix": np.eye(MEASUREMENTS)},
        },
        "hypothesis_model": {
            "name": "cell_hypothesis",
            "hypotheses": ["P_FP", "P_init", "P_term", "P_link", "P_branch", "P_dead"],
            "lambda_time": 5.0,
            "lambda_dist": 3.0,
            "lambda_link": 10.0,
            "lambda_branch": lambda_branch,
            "eta": 1e-10,
            "theta_dist": 20.0,
            "theta_time": 5.0,
            "dist_thresh": 40.0,
            "time_thresh": 2.0,
            "apop_thresh": 5,
            "segmentation_miss_rate": 0.1,
            "apoptosis_rate": 0.001,
            "relax": True,
        },
        "max_search_radius": float(radius_px),
    }


def track(cells: dict[str, np.ndarray], radius_px: float, lambda_branch: float) -> dict[str, np.ndarray]:
    """Return `cell_id` per detection (-1 for none), and `child` and `parent` of every division."""
    import btrack
    import btrack.io
    from btrack import constants

    objects = np.column_stack([cells["frame"], cells["x"], cells["y"], np.zeros(len(cells["frame"]))])
    with btrack.BayesianTracker(verbose=False) as tracker:
        tracker.configure(configuration(radius_px, lambda_branch))
        tracker.update_method = constants.BayesianUpdates.APPROXIMATE
        tracker.append(btrack.io.objects_from_array(objects, default_keys=["t", "x", "y", "z"]))
        tracker.volume = ((0, float(cells["x"].max()) + 1), (0, float(cells["y"].max()) + 1))
        tracker.track(step_size=100)
        tracker.optimize()
        tracks = tracker.tracks
    cell_id = np.full(len(objects), -1)
    child, parent = [], []
    for found in tracks:
        rows = np.array([ref for ref, is_dummy in zip(found.refs, found.dummy, strict=True) if not is_dummy])
        cell_id[rows] = found.ID
        if not found.is_root:
            child.append(found.ID)
            parent.append(found.parent)
    return {"cell_id": cell_id, "child": np.array(child, int), "parent": np.array(parent, int)}


def main(before: Path, after: Path, settings: dict) -> None:
    """Track a few frames to load the package, then all of them."""
    with np.load(before) as stored:
        cells = {name: stored[name] for name in stored.files}
    few = cells["frame"] < 12
    track({name: values[few] for name, values in cells.items()}, **settings)
    found, cpu_s, peak_mb = cost_of(lambda: track(cells, **settings))
    np.savez(after, **found)
    print(json.dumps({"cpu_s": cpu_s, "peak_mb": peak_mb}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]))
