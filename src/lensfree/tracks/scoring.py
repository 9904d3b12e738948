"""How right tracks are, against a truth: links, divisions, whole cells, and histories of 30 hours.

traccuracy (an extra, `pip install lensfree[dev]`) matches cells by position and scores links, divisions and
whole cells; the share of 30 h histories is counted here.
"""

from __future__ import annotations

import logging
import warnings
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import pandas as pd

logger = logging.getLogger(__name__)

FRAME_TOLERANCE = 3
HISTORY_H = 30.0
REQUIRED = ("frame", "time_h", "y_um", "x_um", "cell_id", "parent_id")


@dataclass(frozen=True)
class TrackCounts:
    """What is right in tracks, as counts that add up over acquisitions.

    Attributes:
        links_found: links of the tracks, mother -> daughter included.
        links_found_right: those that are true; one across missed frames if it spans true links.
        links_true: true links.
        links_true_right: those that were found, alone or spanned.
        divisions_found: divisions in the tracks.
        divisions_true: true divisions.
        divisions_right: divisions with both daughters right, within 3 frames.
        cells_true: true cells.
        cells_whole: those without a wrong link.
        histories_true: true mothers and daughters, together long enough.
        histories_right: those that are right.
    """

    links_found: int = 0
    links_found_right: int = 0
    links_true: int = 0
    links_true_right: int = 0
    divisions_found: int = 0
    divisions_true: int = 0
    divisions_right: int = 0
    cells_true: int = 0
    cells_whole: int = 0
    histories_true: int = 0
    histories_right: int = 0

    def __add__(self, other: TrackCounts) -> TrackCounts:
        """Return the counts of both together."""
        return TrackCounts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def scores(self) -> dict[str, float]:
        """Return the shares that `score_tracks` tells."""
        link_precision = _share(self.links_found_right, self.links_found)
        link_recall = _share(self.links_true_right, self.links_true)
        division_precision = _share(self.divisions_right, self.divisions_found)
        division_recall = _share(self.divisions_right, self.divisions_true)
        return {
            "link_f1": _harmonic_mean(link_precision, link_recall),
            "division_f1": _harmonic_mean(division_precision, division_recall),
            "division_precision": division_precision,
            "division_recall": division_recall,
            "complete_tracks": _share(self.cells_whole, self.cells_true),
            "md30": _share(self.histories_right, self.histories_true),
            "n_divisions": float(self.divisions_true),
            "n_histories": float(self.histories_true),
        }


def score_tracks(
    tracks: pd.DataFrame, truth: pd.DataFrame, *, max_distance_um: float, history_h: float = HISTORY_H
) -> dict[str, float]:
    """Compare tracks with the truth; see `count_tracks` for what is given and raised.

    Returns:
        `link_f1`: F1 of all links, those mother -> daughter included; a link across missed frames counts
        as the true links it spans. `division_f1`, `division_precision`, `division_recall`: both daughters
        right, within 3 frames (traccuracy knows divisions into two; a true three-way division counts as
        missed). `complete_tracks`: share of true cells without a wrong link. `md30`: share of true
        histories (mother and daughter, together `history_h` or longer) that are one cell, the division in
        its frame, and one daughter, with no foreign cell among them; missed cells are forgiven.
        `n_histories`, `n_divisions`: how many there were. A share of nothing is NaN.
    """
    return count_tracks(tracks, truth, max_distance_um=max_distance_um, history_h=history_h).scores()


def count_tracks(
    tracks: pd.DataFrame, truth: pd.DataFrame, *, max_distance_um: float, history_h: float = HISTORY_H
) -> TrackCounts:
    """Count what is right in tracks.

    Args:
        tracks: a table of tracks: `frame, time_h, y_um, x_um, cell_id, parent_id`.
        truth: the true cells with the same columns; `cell_id` need not agree.
        max_distance_um: a cell and a true cell farther apart are not the same.
        history_h: length from which a mother and her daughter count as a history.

    Raises:
        ImportError: if traccuracy is missing.
        ValueError: if a column is missing or a cell occurs twice in a frame.
    """
    try:
        from traccuracy import TrackingGraph
        from traccuracy.matchers import PointMatcher
        from traccuracy.metrics import BasicMetrics, CompleteTracks, DivisionMetrics
    except ImportError as error:
        raise ImportError(
            "score_tracks needs traccuracy, which is not installed: pip install 'lensfree[dev]'"
        ) from error
    tracks, truth = _checked(tracks, "tracks"), _checked(truth, "truth")
    # traccuracy finds out by the name of a node which graph it is in: no name may be in both
    graphs = [
        TrackingGraph(_graph(table, first_node), frame_key="frame", location_keys=("y", "x"))
        for table, first_node in ((truth, 0), (tracks, len(truth)))
    ]
    relax: dict[str, Any] = {"relax_skips_gt": True, "relax_skips_pred": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that annotations exist already, and that there may be no divisions
        matched = PointMatcher(max_distance_um).compute_mapping(*graphs)
        matched.mapping = _SearchedList(matched.mapping)
        links = BasicMetrics().compute(matched, **relax).results
        divisions = DivisionMetrics(max_frame_buffer=FRAME_TOLERANCE).compute(matched, **relax).results
        whole = CompleteTracks().compute(matched, **relax).results
    division = divisions[f"Frame Buffer {FRAME_TOLERANCE}"]
    match = {true_row: node - len(truth) for true_row, node in matched.mapping}
    right, histories = _count_histories(tracks, truth, match, history_h)
    return TrackCounts(
        links_found=links["Total Pred Edges"],
        links_found_right=links["True Positive Edges"] + links["Skip Pred True Positive Edges"],
        links_true=links["Total GT Edges"],
        links_true_right=links["True Positive Edges"] + links["Skip GT True Positive Edges"],
        divisions_found=division["Total Predicted Divisions"],
        divisions_true=division["Total GT Divisions"],
        divisions_right=division["True Positive Divisions"] + division["True Positive Skip Divisions"],
        cells_true=whole["total_tracklets"],
        cells_whole=whole["correct_tracklets"],
        histories_true=histories,
        histories_right=right,
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _harmonic_mean(precision: float, recall: float) -> float:
    """Return F1: NaN if either is, 0 if both are 0."""
    return 2 * precision * recall / (precision + recall) if precision + recall != 0 else 0.0


class _SearchedList(list):
    """The pairs of cells; traccuracy asks it `in` thousands of times, which a list answers by reading all."""

    def __init__(self, pairs: list[tuple[int, int]]) -> None:
        super().__init__(pairs)
        self._members = frozenset(self)

    def __contains__(self, pair: object) -> bool:
        return pair in self._members


def _checked(table: pd.DataFrame, name: str) -> pd.DataFrame:
    missing = [column for column in REQUIRED if column not in table.columns]
    if missing:
        raise ValueError(f"{name} lacks the columns {missing}; expected {list(REQUIRED)}")
    ordered = table[list(REQUIRED)].sort_values(["cell_id", "frame"], kind="stable", ignore_index=True)
    is_double = ordered.duplicated(["cell_id", "frame"])
    if is_double.any():
        cell_id, frame = (int(ordered[column][is_double].iloc[0]) for column in ("cell_id", "frame"))
        raise ValueError(
            f"cell {cell_id} of {name} occurs twice in frame {frame}; expected one row per cell and frame"
        )
    return ordered


def _graph(table: pd.DataFrame, first_node: int) -> Any:
    """Return the table, sorted by cell and frame, as a graph with a node per row, named from `first_node`."""
    import networkx

    graph = networkx.DiGraph()
    columns = (table[name].tolist() for name in ("frame", "y_um", "x_um"))
    graph.add_nodes_from(
        (node, {"frame": frame, "y": y, "x": x})
        for node, (frame, y, x) in enumerate(zip(*columns, strict=True), start=first_node)
    )
    cell_id = table["cell_id"].to_numpy()
    same = np.flatnonzero(cell_id[1:] == cell_id[:-1]) + first_node
    graph.add_edges_from(zip(same.tolist(), (same + 1).tolist(), strict=True))
    cells, first = np.unique(cell_id, return_index=True)
    last_row_of = dict(zip(cells.tolist(), np.append(first[1:], len(table)) - 1, strict=True))
    for row, mother in zip(first.tolist(), table["parent_id"].to_numpy()[first].tolist(), strict=True):
        if mother in last_row_of:
            graph.add_edge(int(last_row_of[mother]) + first_node, row + first_node)
    return graph


def _count_histories(
    tracks: pd.DataFrame, truth: pd.DataFrame, match: dict[int, int], history_h: float
) -> tuple[int, int]:
    """Return how many true histories are right, and how many there are."""
    rows_of, mother_of = _cells_of(truth)
    found_rows_of, found_mother_of = _cells_of(tracks)
    time_h = truth["time_h"].to_numpy()
    found_cell, found_frame = tracks["cell_id"].to_numpy(), tracks["frame"].to_numpy()
    right = histories = 0
    for daughter, mother in mother_of.items():
        if mother not in rows_of:
            continue
        before, after = rows_of[mother], rows_of[daughter]
        if time_h[after[-1]] - time_h[before[0]] < history_h - 1e-9:
            continue
        histories += 1
        ids = []
        for rows, is_mother in ((before, True), (after, False)):
            found = np.array([match[row] for row in rows.tolist() if row in match], dtype=np.int64)
            cells = np.unique(found_cell[found])
            if len(cells) != 1:
                break
            frames = found_frame[found_rows_of[int(cells[0])]]
            edge = found_frame[found[0]] if is_mother else found_frame[found[-1]]
            own = int(np.sum(frames >= edge if is_mother else frames <= edge))
            if own != len(found):
                break
            ids.append(int(cells[0]))
        right += len(ids) == 2 and found_mother_of[ids[1]] == ids[0]
    return right, histories


def _cells_of(table: pd.DataFrame) -> tuple[dict[int, np.ndarray], dict[int, int]]:
    """Return the rows and the mother of each cell of a table sorted by cell."""
    cells, first = np.unique(table["cell_id"].to_numpy(), return_index=True)
    rows = np.split(np.arange(len(table)), first[1:])
    mothers = table["parent_id"].to_numpy()[first]
    return dict(zip(cells.tolist(), rows, strict=True)), dict(
        zip(cells.tolist(), mothers.tolist(), strict=True)
    )
