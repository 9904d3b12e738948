"""Tracks as results of the Cell Tracking Challenge, read back from the masks and by other projects."""

import numpy as np
import pandas as pd
import pytest
import tifffile
from cases import one_division, straight_walk, three_way, two_generations
from exported import LATE, N_FRAMES, PITCH_UM, SHAPE_YX, family, links

from lensfree.cells.labels import draw_frames
from lensfree.contracts import TRACKS
from lensfree.io.exports.ctc import LabelError, write_ctc
from lensfree.io.tables import empty_table
from lensfree.tracks.graph import build_graph
from lensfree.tracks.stretches import cut_at_gaps

RADIUS_PX = 4.0
LARGE_YX = (190, 160)
EMPTY = lambda: empty_table(TRACKS)  # noqa: E731


def write(path, table, n_frames=N_FRAMES, shape_yx=SHAPE_YX, radius_px=RADIUS_PX):
    graph = build_graph(table)
    labels, stretches = cut_at_gaps(graph)
    centres_px = graph.cells[["y_um", "x_um"]].to_numpy() / PITCH_UM
    frame = graph.cells["frame"].to_numpy()
    masks = draw_frames(frame, centres_px, labels, n_frames, shape_yx, radius_px)
    write_ctc(path, stretches, masks, n_frames)
    return graph


def read(path):
    """Return what masks and lines say: one row per label and frame, and each label's line."""
    lines = [
        [int(n) for n in line.split(" ")] for line in (path / "res_track.txt").read_text("ascii").splitlines()
    ]
    rows = []
    for frame, file in enumerate(sorted(path.glob("mask*.tif"))):
        mask = tifffile.imread(file)
        assert mask.dtype == np.uint16
        for label in np.unique(mask[mask > 0]).tolist():
            y, x = np.nonzero(mask == label)
            rows.append((frame, label, y.mean() * PITCH_UM, x.mean() * PITCH_UM))
    seen = pd.DataFrame(rows, columns=["frame", "label", "y_um", "x_um"])
    return seen, {label: (first, last, parent) for label, first, last, parent in lines}


def n_frames_of(table):
    return int(table["frame"].max()) + 1 if len(table) else N_FRAMES


@pytest.mark.parametrize("make", [family, one_division, three_way, two_generations, straight_walk])
def test_cells_frames_and_positions_come_back(tmp_path, make):
    graph = write(tmp_path / "ctc", make(), n_frames_of(make()), LARGE_YX)
    seen, _ = read(tmp_path / "ctc")
    cell_of = pd.read_csv(tmp_path / "ctc" / "labels.csv").set_index("label")["cell_id"]
    seen["cell_id"] = cell_of[seen["label"]].to_numpy()
    seen = seen.sort_values(["frame", "cell_id"], ignore_index=True)
    assert seen["frame"].tolist() == graph.cells["frame"].tolist()
    assert seen["cell_id"].tolist() == graph.cells["cell_id"].tolist()
    # A disc that no border and no neighbour cuts has its centroid within a pixel of its centre.
    y_um, x_um = graph.cells["y_um"], graph.cells["x_um"]
    is_whole = pd.concat([y_um, x_um], axis=1).min(axis=1) > (RADIUS_PX + 1) * PITCH_UM
    is_whole &= np.array([nearest(graph.cells, k) > 2 * RADIUS_PX * PITCH_UM for k in range(len(y_um))])
    assert is_whole.sum() > len(y_um) / 2
    off_um = np.hypot(seen["y_um"] - y_um, seen["x_um"] - x_um)[is_whole]
    assert off_um.max() < PITCH_UM / 2


def nearest(cells, k):
    row = cells.iloc[k]
    others = cells[(cells["frame"] == row["frame"]) & (cells["cell_id"] != row["cell_id"])]
    return (
        np.hypot(others["y_um"] - row["y_um"], others["x_um"] - row["x_um"]).min() if len(others) else np.inf
    )


@pytest.mark.parametrize("make", [family, one_division, three_way, two_generations, straight_walk, EMPTY])
def test_tracks_have_no_gap_and_lead_to_their_parents(tmp_path, make):
    write(tmp_path / "ctc", make(), n_frames_of(make()), LARGE_YX)
    seen, lines = read(tmp_path / "ctc")
    assert set(seen["label"]) == set(lines)
    for label, (first, last, parent) in lines.items():
        assert seen["frame"][seen["label"] == label].tolist() == list(range(first, last + 1))
        assert parent == 0 or lines[parent][1] < first
    cell_of = dict(pd.read_csv(tmp_path / "ctc" / "labels.csv").to_numpy().tolist())
    steps = {
        ((cell_of[label], f), (cell_of[label], f + 1))
        for label, (first, last, _) in lines.items()
        for f in range(first, last)
    }
    jumps = {
        ((cell_of[parent], lines[parent][1]), (cell_of[label], first))
        for label, (first, _, parent) in lines.items()
        if parent
    }
    assert steps | jumps == links(make())


def test_there_is_a_mask_for_every_frame_and_names_sort(tmp_path):
    write(tmp_path / "ctc", family())
    names = sorted(p.name for p in (tmp_path / "ctc").glob("*.tif"))
    assert names == [f"mask{frame:03d}.tif" for frame in range(N_FRAMES)]
    assert not tifffile.imread(tmp_path / "ctc" / "mask011.tif").any()
    assert {tifffile.imread(tmp_path / "ctc" / name).shape for name in names} == {SHAPE_YX}
    write_ctc(tmp_path / "long", cut_at_gaps(build_graph(EMPTY()))[1], [np.zeros((2, 3), int)] * 1001, 1001)
    assert sorted(p.name for p in (tmp_path / "long").glob("*.tif"))[-1] == "mask1000.tif"
    assert len(list((tmp_path / "long").glob("mask????.tif"))) == 1001


def test_a_cell_outside_of_the_field_keeps_a_pixel(tmp_path):
    write(tmp_path / "ctc", family(), shape_yx=(40, 50))
    seen, lines = read(tmp_path / "ctc")
    assert len(seen) == len(family())
    assert set(seen["label"]) == set(lines)


def test_names_beyond_16_bits_become_labels_within(tmp_path):
    write(tmp_path / "ctc", family())
    labels = pd.read_csv(tmp_path / "ctc" / "labels.csv")
    assert labels["label"].tolist() == list(range(1, 11))
    assert labels["cell_id"].tolist()[-2:] == [LATE, LATE]


def test_no_cells_are_empty_masks_and_an_empty_table(tmp_path):
    write(tmp_path / "ctc", EMPTY(), n_frames=3)
    assert (tmp_path / "ctc" / "res_track.txt").read_text() == ""
    assert len(list((tmp_path / "ctc").glob("*.tif"))) == 3
    assert len(read(tmp_path / "ctc")[0]) == 0


def stretches(n, last_frame=0):
    return pd.DataFrame(
        {
            "label": np.arange(1, n + 1),
            "first_frame": 0,
            "last_frame": last_frame,
            "parent_label": 0,
            "cell_id": np.arange(n),
        }
    )


def test_the_largest_label_still_fits(tmp_path):
    write_ctc(tmp_path / "ctc", stretches(65535), [np.arange(1, 65536).reshape(257, 255)], 1)
    assert tifffile.imread(tmp_path / "ctc" / "mask000.tif").max() == 65535


@pytest.mark.parametrize(
    ("table", "masks", "message"),
    [
        (
            stretches(65536),
            [],
            "got 65536 tracks without gaps, expected at most 65535, because masks .* 16 bits",
        ),
        (stretches(1, 4), [], "a track ends in frame 4, expected at most 0, the last of the acquisition"),
        (
            stretches(2),
            [np.eye(2, 3, dtype=int)],
            r"mask of frame 0 has 1 labels, expected 2; they differ in \[2\]",
        ),
        (stretches(1), [np.full((2, 3), 9)], r"has 1 labels, expected 1; they differ in \[1, 9\]"),
    ],
)
def test_what_the_format_cannot_hold_is_refused(tmp_path, table, masks, message):
    with pytest.raises(LabelError, match=message):
        write_ctc(tmp_path / "ctc", table, masks, 1)
    assert list(tmp_path.iterdir()) == []


def test_the_reader_of_traccuracy_finds_the_same(tmp_path):
    loaders = pytest.importorskip("traccuracy.loaders", reason="needs traccuracy, part of the extra dev")
    write(tmp_path / "ctc", family(), shape_yx=LARGE_YX)
    loaded = loaders.load_ctc_data(str(tmp_path / "ctc"), str(tmp_path / "ctc" / "res_track.txt"))
    cell_of = dict(pd.read_csv(tmp_path / "ctc" / "labels.csv").to_numpy().tolist())
    name = {
        node: (cell_of[data["segmentation_id"]], data["t"]) for node, data in loaded.graph.nodes(data=True)
    }
    assert {(name[a], name[b]) for a, b in loaded.graph.edges} == links(family())
    assert set(name.values()) == set(family()[["cell_id", "frame"]].itertuples(index=False, name=None))
