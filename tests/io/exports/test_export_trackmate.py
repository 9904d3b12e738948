"""Tracks as TrackMate XML, read back as its reader would and by readers of other projects."""

import numpy as np
import pandas as pd
import pytest
from cases import one_division, straight_walk, three_way, two_generations
from exported import INTERVAL_H, LATE, N_FRAMES, PITCH_UM, SHAPE_YX, family, links
from trackmate_file import read_trackmate

from lensfree.contracts import TRACKS
from lensfree.io.exports.trackmate import Recording, write_trackmate
from lensfree.io.exports.trackmate_features import as_text
from lensfree.io.tables import empty_table
from lensfree.tracks.graph import build_graph

RECORDING = Recording(SHAPE_YX, PITCH_UM, N_FRAMES, INTERVAL_H)
FALLBACK_UM = 4.5
EMPTY = lambda: empty_table(TRACKS)  # noqa: E731
SAME = {
    **{"POSITION_X": "x_um", "POSITION_Y": "y_um", "POSITION_T": "time_h", "FRAME": "frame"},
    **{name.upper(): name for name in ("dry_mass_pg", "dry_mass_se_pg", "area_um2", "max_opd_nm")},
    **{name.upper(): name for name in ("length_um", "cell_id", "parent_id", "lineage_id", "touches_border")},
}


@pytest.fixture
def write(tmp_path):
    def write_table(table):
        graph = build_graph(table)
        path = tmp_path / "tracks.xml"
        write_trackmate(path, graph.cells, graph.edges, graph.is_division, RECORDING, FALLBACK_UM)
        return path

    return write_table


@pytest.mark.parametrize("make", [family, one_division, three_way, two_generations, straight_walk, EMPTY])
def test_cells_positions_and_masses_come_back_to_the_bit(write, make):
    got = read_trackmate(write(make())).spots
    wanted = make().sort_values(["frame", "cell_id"], ignore_index=True)
    assert len(got) == len(wanted)
    for feature, name in SAME.items():
        np.testing.assert_array_equal(got[feature], wanted[name], err_msg=name)


@pytest.mark.parametrize("make", [family, one_division, three_way, two_generations, straight_walk, EMPTY])
def test_lineage_comes_back(write, make):
    file = read_trackmate(write(make()))
    name = {
        spot: (cell, frame)
        for spot, cell, frame in file.spots[["ID", "CELL_ID", "FRAME"]].itertuples(index=False)
    }
    got = [
        (name[a], name[b]) for a, b in file.edges[["SPOT_SOURCE_ID", "SPOT_TARGET_ID"]].to_numpy().tolist()
    ]
    assert len(got) == len(set(got))
    assert set(got) == links(make())
    divides = file.edges["IS_DIVISION"].tolist()
    assert divides == [int(a[0] != b[0]) for a, b in got]


def test_a_track_is_a_lineage_that_has_an_edge(write):
    file = read_trackmate(write(family()))
    assert {k: t["name"] for k, t in file.tracks.items()} == {0: "lineage 0", 1: f"lineage {LATE}"}
    of_spot = file.spots.set_index("ID")["LINEAGE_ID"]
    for track_id, ours in file.edges.groupby("TRACK_ID"):
        assert set(of_spot[ours["SPOT_SOURCE_ID"]]) == {file.tracks[track_id]["TRACK_LINEAGE_ID"]}


def test_features_of_tracks_are_those_of_their_spots(write):
    file = read_trackmate(write(family()))
    lineages = {lineage: table for lineage, table in family().groupby("lineage_id")}
    for track in file.tracks.values():
        table = lineages[track["TRACK_LINEAGE_ID"]]
        assert track["NUMBER_SPOTS"] == len(table)
        assert track["TRACK_START"] == table["time_h"].min()
        assert track["TRACK_STOP"] == table["time_h"].max()
        assert track["TRACK_DURATION"] == table["time_h"].max() - table["time_h"].min()
    assert [track["NUMBER_SPLITS"] for track in file.tracks.values()] == [2, 0]
    assert [track["TRACK_INDEX"] for track in file.tracks.values()] == [0, 1]


def test_units_and_image_are_stated(write):
    file = read_trackmate(write(family()))
    assert file.root.find("Model").attrib == {"spatialunits": "um", "timeunits": "hour"}
    image = file.root.find("Settings/ImageData").attrib
    assert (int(image["height"]), int(image["width"]), int(image["nframes"])) == (*SHAPE_YX, N_FRAMES)
    assert float(image["pixelwidth"]) == float(image["pixelheight"]) == PITCH_UM
    assert float(image["timeinterval"]) == INTERVAL_H
    basic = {k: int(v) for k, v in file.root.find("Settings/BasicSettings").attrib.items()}
    assert (basic["yend"], basic["xend"], basic["tend"]) == (SHAPE_YX[0] - 1, SHAPE_YX[1] - 1, N_FRAMES - 1)


def test_features_have_dimensions_that_the_units_of_the_model_make_true(write):
    declared = read_trackmate(write(family())).declared["Spot"]
    dimension = {key: feature.attrib["dimension"] for key, feature in declared.items()}
    assert dimension["AREA_UM2"] == "AREA"
    assert dimension["LENGTH_UM"] == dimension["RADIUS"] == "LENGTH"
    assert dimension["POSITION_T"] == "TIME"
    for key, unit in {"DRY_MASS_PG": "pg", "DRY_MASS_SE_PG": "pg", "MAX_OPD_NM": "nm"}.items():
        assert dimension[key] == "NONE"
        assert declared[key].attrib["name"].endswith(f"({unit})")


def test_a_spot_is_as_large_as_its_cell(write):
    table = family().assign(area_um2=lambda t: np.where(t["cell_id"] == 7, 0.0, t["area_um2"]))
    table.loc[table["cell_id"] == LATE, "area_um2"] = np.nan
    spots = read_trackmate(write(table)).spots
    has_none = spots["CELL_ID"].isin([7, LATE])
    assert has_none.sum() == 4
    np.testing.assert_allclose(spots["RADIUS"][has_none], FALLBACK_UM, rtol=1e-15)
    area_um2 = np.pi * spots["RADIUS"] ** 2
    np.testing.assert_allclose(area_um2[~has_none], spots["AREA_UM2"][~has_none], rtol=1e-14)


def test_models_stand_in_the_log_since_a_spot_can_hold_no_text(write):
    first, _ = read_trackmate(write(family())).root.find("Log").text.splitlines()
    assert first.endswith('Measured by: case, own, "<1 & 2>".')
    assert "Measured by: nothing" in read_trackmate(write(EMPTY())).root.find("Log").text


def test_numbers_are_written_as_java_reads_them():
    assert as_text(np.array([0.1, np.nan, np.inf, -np.inf])) == ["0.1", "NaN", "Infinity", "-Infinity"]
    assert as_text(np.array([3, -1])) == ["3", "-1"]


def test_a_failed_write_leaves_no_file(tmp_path):
    graph = build_graph(family())
    with pytest.raises(KeyError):
        write_trackmate(
            tmp_path / "tracks.xml",
            graph.cells.drop(columns="area_um2"),
            graph.edges,
            graph.is_division,
            RECORDING,
            FALLBACK_UM,
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", [family, one_division, three_way, two_generations])
def test_the_reader_of_geff_finds_the_same(write, tmp_path, make):
    """The package geff converts TrackMate files with a reader of its own."""
    convert = pytest.importorskip("geff.convert", reason="needs the package geff, part of the extra dev")
    geff = pytest.importorskip("geff")
    convert.from_trackmate_xml_to_geff(write(make()), tmp_path / "converted.geff")
    reader = geff.GeffReader(tmp_path / "converted.geff")
    reader.read_node_props()
    read = reader.build()
    spots = pd.DataFrame({name: prop["values"] for name, prop in read["node_props"].items()}).assign(
        ID=read["node_ids"]
    )
    spots = spots.sort_values(["FRAME", "CELL_ID"], ignore_index=True)
    wanted = make().sort_values(["frame", "cell_id"], ignore_index=True)
    for feature, name in SAME.items():
        np.testing.assert_array_equal(spots[feature], wanted[name], err_msg=name)
    name = dict(zip(spots["ID"], zip(spots["CELL_ID"], spots["FRAME"], strict=True), strict=True))
    assert {(name[a], name[b]) for a, b in read["edge_ids"]} == links(make())
    assert [axis.unit for axis in reader.metadata.axes if axis.type == "space"][0] == "um"


@pytest.mark.parametrize("make", [family, one_division, three_way, two_generations])
def test_the_reader_of_pycellin_finds_the_same(write, make):
    loader = pytest.importorskip(
        "pycellin.io.trackmate.loader", reason="needs pycellin, part of the extra peers"
    )
    # Kept, lone spots would be numbered from 0 by pycellin 0.5.1, over the tracks of these numbers.
    model = loader.load_TrackMate_XML(str(write(make())), keep_all_spots=False, keep_all_tracks=True)
    lineages = model.get_cell_lineages()
    linked = {node for pair in links(make()) for node in pair}
    wanted = {
        (row.cell_id, row.frame): row for row in make().itertuples() if (row.cell_id, row.frame) in linked
    }
    got, edges = {}, set()
    for lineage in lineages:
        name = {node: (d["CELL_ID"], d["FRAME"]) for node, d in lineage.nodes(data=True)}
        edges |= {(name[a], name[b]) for a, b in lineage.edges}
        got |= {name[node]: d for node, d in lineage.nodes(data=True)}
    assert edges == links(make())
    assert set(got) == set(wanted)
    for key, d in got.items():
        row = wanted[key]
        assert (d["DRY_MASS_PG"], d["cell_x"], d["cell_y"]) == (row.dry_mass_pg, row.x_um, row.y_um)
    assert model.model_metadata.pixel_width == PITCH_UM
    assert model.model_metadata.time_step == INTERVAL_H
