"""How far the results of a simulated acquisition are from its known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from lensfree.report.lineages import count_divisions

MATCH_RADIUS_UM = 10.0
BORDER_UM = 15.0
"""Cells closer to the border are cut by it, so their dry mass says nothing about the method."""


def inside_field(truth: pd.DataFrame, field_um: tuple[float, float], margin_um: float = 0.0) -> pd.Series:
    """Return which rows lie inside the field, at least `margin_um` from its border."""
    return truth["y_um"].between(margin_um, field_um[0] - margin_um) & truth["x_um"].between(
        margin_um, field_um[1] - margin_um
    )


def match_cells(truth: pd.DataFrame, found: pd.DataFrame, radius_um: float = MATCH_RADIUS_UM) -> np.ndarray:
    """Return for each found cell the row number of the true cell it stands for, -1 if none.

    Two cells of a frame match when each is the other's nearest and they are within the radius.
    """
    matched = np.full(len(found), -1, dtype=np.int64)
    truth_rows = dict(truth.reset_index(drop=True).groupby("frame").groups)
    for frame, rows in found.reset_index(drop=True).groupby("frame").groups.items():
        if frame not in truth_rows:
            continue
        theirs, ours = np.asarray(truth_rows[frame]), np.asarray(rows)
        theirs_um = truth[["y_um", "x_um"]].to_numpy()[theirs]
        ours_um = found[["y_um", "x_um"]].to_numpy()[ours]
        distance_um, nearest_truth = cKDTree(theirs_um).query(ours_um, distance_upper_bound=radius_um)
        _, nearest_found = cKDTree(ours_um).query(theirs_um)
        is_close = np.isfinite(distance_um)
        candidates = np.flatnonzero(is_close)
        mutual = candidates[nearest_found[nearest_truth[candidates]] == candidates]
        matched[ours[mutual]] = theirs[nearest_truth[mutual]]
    return matched


def compare_cells(
    truth: pd.DataFrame, cells: pd.DataFrame, field_um: tuple[float, float]
) -> dict[str, float]:
    """Return counts and dry mass of found cells against true cells.

    Slope and R2 are of the least-squares line measured = slope * true + offset over matched cells;
    the bias is the mean of measured - true. Cells cut by the border enter none of the numbers.

    Returns:
        n_true, n_found, recall, precision, count_ratio, dry_mass_slope, dry_mass_r2,
        dry_mass_bias_pg, dry_mass_sd_pg, total_dry_mass_ratio. A number that nothing defines is NaN.
    """
    # A missing frame has no cells to find: it is not a failure of detection.
    truth = truth[truth["frame"].isin(cells["frame"].unique())].reset_index(drop=True)
    cells = cells.reset_index(drop=True)
    index = match_cells(truth, cells)
    is_true_inner = inside_field(truth, field_um, BORDER_UM).to_numpy()
    is_found_inner = inside_field(cells, field_um, BORDER_UM).to_numpy()
    n_true, n_found = int(is_true_inner.sum()), int(is_found_inner.sum())
    n_recalled = int(is_true_inner[index[index >= 0]].sum())
    n_right = int((is_found_inner & (index >= 0)).sum())
    is_used = is_found_inner & (index >= 0)
    measured_pg = cells["dry_mass_pg"].to_numpy()[is_used]
    true_pg = truth["dry_mass_pg"].to_numpy()[index[is_used]]
    slope, r2 = _fit(true_pg, measured_pg)
    difference_pg = measured_pg - true_pg
    return {
        "n_true": float(n_true),
        "n_found": float(n_found),
        "recall": _ratio(n_recalled, n_true),
        "precision": _ratio(n_right, n_found),
        "count_ratio": _ratio(n_found, n_true),
        "dry_mass_slope": slope,
        "dry_mass_r2": r2,
        "dry_mass_bias_pg": float(difference_pg.mean()) if difference_pg.size else np.nan,
        "dry_mass_sd_pg": float(difference_pg.std()) if difference_pg.size else np.nan,
        "total_dry_mass_ratio": _ratio(
            float(cells.loc[is_found_inner, "dry_mass_pg"].sum()),
            float(truth.loc[is_true_inner, "dry_mass_pg"].sum()),
        ),
    }


def true_cells_of_tracks(truth: pd.DataFrame, tracks: pd.DataFrame) -> dict[int, set[int]]:
    """Return for each tracked cell the true cells it followed for at least a fifth of its points."""
    index = match_cells(truth, tracks)
    is_matched = index >= 0
    pairs = pd.DataFrame(
        {
            "cell_id": tracks["cell_id"].to_numpy()[is_matched],
            "true_id": truth["cell_id"].to_numpy()[index[is_matched]],
        }
    )
    counts = pairs.value_counts().reset_index(name="n")
    lengths = tracks.groupby("cell_id").size()
    kept = counts[counts["n"].to_numpy() >= 0.2 * lengths.loc[counts["cell_id"]].to_numpy()]
    followed: dict[int, set[int]] = {}
    for cell_id, true_id in kept[["cell_id", "true_id"]].to_numpy().tolist():
        followed.setdefault(cell_id, set()).add(true_id)
    return followed


def true_anomalies_of_series(truth: pd.DataFrame, tracks: pd.DataFrame, series: pd.DataFrame) -> pd.Series:
    """Return for each series what the simulator did to its cells: the kinds, or empty if normal."""
    cells_of = true_cells_of_tracks(truth, tracks)
    abnormal = (
        truth[truth["is_abnormal"].to_numpy(dtype=bool)]
        .drop_duplicates("cell_id")
        .set_index("cell_id")["anomaly"]
    )
    kinds: dict[int, set[str]] = {}
    for series_id, cell_id in series[["series_id", "cell_id"]].drop_duplicates().to_numpy().tolist():
        true_ids = cells_of.get(cell_id, set())
        found = {str(abnormal[true_id]) or "abnormal" for true_id in true_ids if true_id in abnormal.index}
        kinds.setdefault(series_id, set()).update(found)
    words = {series_id: ", ".join(sorted(found)) for series_id, found in kinds.items()}
    return pd.Series(words, dtype=object, name="anomaly")


def compare_anomalies(truth_of_series: pd.Series, scores: pd.DataFrame) -> dict[str, float]:
    """Return how the flags of scored series agree with what the simulator did.

    Returns:
        n_scored, n_abnormal, n_flagged, flag_recall, flag_precision, and surprise_auc (ranking by surprise,
        where there is one) or anomaly_auc (by anomaly score); ties count half. NaN where no series defines
        the number.
    """
    scored = scores[scores["n_windows"] > 0]
    is_abnormal = scored["series_id"].map(truth_of_series).fillna("").ne("").to_numpy()
    is_flagged = scored["is_flagged"].to_numpy(dtype=bool)
    n_hit = int((is_abnormal & is_flagged).sum())
    ranked_by = "surprise" if scored["surprise"].notna().any() else "anomaly_score"
    name = "surprise_auc" if ranked_by == "surprise" else "anomaly_auc"
    return {
        "n_scored": float(len(scored)),
        "n_abnormal": float(is_abnormal.sum()),
        "n_flagged": float(is_flagged.sum()),
        "flag_recall": _ratio(n_hit, int(is_abnormal.sum())),
        "flag_precision": _ratio(n_hit, int(is_flagged.sum())),
        name: _auc(scored[ranked_by].to_numpy(), is_abnormal),
    }


def compare(
    truth: pd.DataFrame,
    cells: pd.DataFrame | None,
    tracks: pd.DataFrame | None,
    field_um: tuple[float, float],
) -> dict[str, float]:
    """Return the numbers of `compare_cells` and the divisions, as far as there are results."""
    numbers: dict[str, float] = {}
    if cells is not None:
        numbers |= compare_cells(truth, cells, field_um)
    if tracks is not None:
        numbers["n_divisions_true"] = float(count_divisions(truth))
        numbers["n_divisions_found"] = float(count_divisions(tracks))
    return numbers


def _fit(true_pg: np.ndarray, measured_pg: np.ndarray) -> tuple[float, float]:
    if true_pg.size < 3 or true_pg.std() == 0 or measured_pg.std() == 0:
        return np.nan, np.nan
    covariance = np.cov(true_pg, measured_pg)
    return float(covariance[0, 1] / covariance[0, 0]), float(
        covariance[0, 1] ** 2 / (covariance[0, 0] * covariance[1, 1])
    )


def _auc(score: np.ndarray, is_abnormal: np.ndarray) -> float:
    n_abnormal, n_normal = int(is_abnormal.sum()), int((~is_abnormal).sum())
    if n_abnormal == 0 or n_normal == 0:
        return np.nan
    ranks = pd.Series(score).rank().to_numpy()
    return float((ranks[is_abnormal].sum() - n_abnormal * (n_abnormal + 1) / 2) / (n_abnormal * n_normal))


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else np.nan
