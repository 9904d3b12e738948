"""Tracks as GEFF, validated and read back by the package geff."""

import builtins

import numpy as np
import pytest
from cases import cell, one_division, straight_walk, three_way, two_generations, walk, world
from exported import INTERVAL_H, family, links

from lensfree.contracts import TRACKS
from lensfree.io.exports.geff_graph import MissingPackageError, write_geff
from lensfree.io.tables import empty_table
from lensfree.tracks.graph import build_graph

EMPTY = lambda: empty_table(TRACKS)  # noqa: E731


def only_daughter():
    """A mother whose second daughter is never seen."""
    return world(
        cell(0, 0, walk((20.0, 30.0), (0.0, 1.0), 4, 400.0)),
        cell(1, 4, walk((25.0, 35.0), (0.0, 1.0), 3, 200.0), parent_id=0),
    )


WORLDS = [family, one_division, three_way, two_generations, straight_walk, only_daughter, EMPTY]


def write(path, table, provenance=None):
    graph = build_graph(table)
    write_geff(path, graph.cells, graph.edges, graph.is_division, INTERVAL_H, provenance)
    return graph


def read(path):
    geff = pytest.importorskip("geff", reason="needs the package geff, part of the extra dev")
    reader = geff.GeffReader(path)
    reader.read_node_props()
    reader.read_edge_props()
    return reader.build()


@pytest.mark.parametrize("make", WORLDS)
def test_every_column_comes_back_to_the_bit(tmp_path, make):
    graph = write(tmp_path / "tracks.geff", make())
    got = read(tmp_path / "tracks.geff")
    assert set(got["node_props"]) == set(TRACKS.columns)
    for name, column in TRACKS.columns.items():
        prop = got["node_props"][name]
        assert prop["missing"] is None
        np.testing.assert_array_equal(prop["values"], graph.cells[name].to_numpy(), err_msg=name)
        assert column.dtype == "str" or prop["values"].dtype == column.dtype


@pytest.mark.parametrize("make", WORLDS)
def test_lineage_comes_back(tmp_path, make):
    write(tmp_path / "tracks.geff", make())
    got = read(tmp_path / "tracks.geff")
    props = got["node_props"]
    name = dict(
        zip(
            got["node_ids"].tolist(),
            zip(props["cell_id"]["values"].tolist(), props["frame"]["values"].tolist(), strict=True),
            strict=True,
        )
    )
    edges = [(name[a], name[b]) for a, b in got["edge_ids"].tolist()]
    assert len(edges) == len(set(edges))
    assert set(edges) == links(make())
    divides = got["edge_props"]["is_division"]["values"].tolist()
    assert divides == [a[0] != b[0] for a, b in edges]


@pytest.mark.parametrize("make", WORLDS)
def test_its_own_validators_accept_it(tmp_path, make):
    write(tmp_path / "tracks.geff", make())
    data = pytest.importorskip("geff.validate.data", reason="needs the package geff, part of the extra dev")
    everything = data.ValidationConfig(graph=True, lineage=True, tracklet=True)
    assert data.validate_data(read(tmp_path / "tracks.geff"), everything) is None  # it raises otherwise


def test_axes_have_units_and_time_its_scale(tmp_path):
    write(tmp_path / "tracks.geff", family(), {"code": "abc"})
    meta = read(tmp_path / "tracks.geff")["metadata"]
    assert [(a.name, a.type, a.unit) for a in meta.axes] == [
        ("frame", "time", "frame"),
        ("y_um", "space", "micrometer"),
        ("x_um", "space", "micrometer"),
    ]
    assert (meta.axes[0].scale, meta.axes[0].scaled_unit) == (INTERVAL_H, "hour")
    assert meta.directed is True
    assert meta.extra["lensfree"] == {"code": "abc"}
    unit = {name: prop.unit for name, prop in meta.node_props_metadata.items()}
    assert (unit["dry_mass_pg"], unit["max_opd_nm"], unit["cell_id"]) == ("picogram", "nanometer", None)
    for name, column in TRACKS.columns.items():
        assert (unit[name] is None) == (column.unit == "1"), name
        assert meta.node_props_metadata[name].description == column.meaning


def test_a_mother_with_one_daughter_makes_no_tracklets(tmp_path):
    write(tmp_path / "family.geff", family())
    assert read(tmp_path / "family.geff")["metadata"].track_node_props == {
        "lineage": "lineage_id",
        "tracklet": "cell_id",
    }
    write(tmp_path / "one.geff", only_daughter())
    assert read(tmp_path / "one.geff")["metadata"].track_node_props == {"lineage": "lineage_id"}


def test_a_folder_that_is_there_is_replaced(tmp_path):
    write(tmp_path / "tracks.geff", family())
    write(tmp_path / "tracks.geff", one_division())
    assert len(read(tmp_path / "tracks.geff")["node_ids"]) == len(one_division())
    assert [p.name for p in tmp_path.iterdir()] == ["tracks.geff"]


@pytest.mark.parametrize("missing", ["geff_spec", "geff.core_io"])
def test_without_the_package_one_sentence_says_what_to_do(tmp_path, monkeypatch, missing):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == missing:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingPackageError, match=r"pip install -e '.\[geff\]', or take geff out of"):
        write(tmp_path / "tracks.geff", family())
    assert list(tmp_path.iterdir()) == []
