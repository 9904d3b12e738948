from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lensfree.config import ReportConfig, ScoreConfig
from lensfree.contracts import ContractError
from lensfree.contracts_report import FIGURE_TABLES, GROWTH
from lensfree.io.csv_metadata import OF_FOLDER, read_csv_provenance
from lensfree.io.figure_tables import write_figure_tables
from lensfree.io.tables import read_provenance, read_table
from lensfree.report.figure_tables import histogram_table, population_table, tables_of
from lensfree.report.figures import draw_histograms, draw_population
from lensfree.report.gather import Sources, gather

FEW = ReportConfig(montage_frames=1, anomalies=3, strip_frames=2, trees=2)


@pytest.fixture(scope="module")
def content(surprised_files, acquisition):
    return gather(Sources(**vars(surprised_files)), acquisition, report=FEW, score=ScoreConfig())[0]


@pytest.fixture(scope="module")
def tables(content):
    return tables_of(content)


def test_every_figure_has_its_table_under_a_contract(tables):
    assert list(tables) == ["population", "growth", "histograms", "trees", "cards", "card_windows"]
    for name, table in tables.items():
        assert set(table.columns) == set(FIGURE_TABLES[name].columns)
        assert len(table)


def test_the_population_is_counted_frame_by_frame(tables, world):
    table = tables["population"].set_index("frame")
    assert len(table) == 216
    # At 10 h (frame 60): cell 0 has 300 + 50 pg, cell 1 has 300 + 200 pg; both true cells are inside.
    assert table.loc[60, ["n_cells", "total_dry_mass_pg"]].tolist() == [2, pytest.approx(850.0)]
    assert table.loc[60, ["n_cells_true", "total_dry_mass_true_pg"]].tolist() == [2, pytest.approx(850.0)]
    # At 20 h: cells 0, 2, 3 with 400, 400 and 380 pg.
    assert table.loc[120, ["n_cells", "total_dry_mass_pg"]].tolist() == [3, pytest.approx(1180.0)]
    assert np.isnan(table.loc[100, ["n_cells", "total_dry_mass_pg"]].astype(float)).all()
    assert bool(table.loc[100, "is_missing"])
    assert table.loc[60, ["background_sd_nm", "misfit", "z_um"]].tolist() == [2.0, 0.02, 1000.0]


def test_the_population_table_is_what_is_drawn(content, world):
    table = population_table(content)
    figure = draw_population(content.per_frame, content.cells)
    for axes, name, factor in (
        (figure.axes[0], "n_cells", 1.0),
        (figure.axes[1], "total_dry_mass_pg", 1000.0),
    ):
        drawn = axes.lines[0].get_ydata()
        np.testing.assert_allclose(factor * np.asarray(drawn), table[name].dropna(), rtol=1e-12)


def test_what_was_not_measured_is_missing(content):
    from dataclasses import replace

    bare = replace(content, cells=None, truth=None, per_frame=content.per_frame.drop(columns="misfit"))
    table = population_table(bare)
    assert table[["n_cells", "total_dry_mass_pg", "n_cells_true", "misfit"]].isna().all().all()
    empty = replace(bare, growth=(), trees=None, suspects=())
    assert list(tables_of(empty)) == ["population"]


def test_histograms_by_hand():
    tracks = pd.DataFrame({"cell_id": [0, 0, 1, 1], "time_h": [0.0, 30.0, 0.0, 15.5]})
    series = pd.DataFrame({"series_id": [4, 4], "time_h": [0.0, 29.5]})
    cells = pd.DataFrame({"dry_mass_pg": [100.0, 140.0, 100.0, 500.0]})
    table = histogram_table(cells, tracks, series)
    counted = {
        quantity: own.loc[own["count"] > 0, ["low", "high", "count"]].to_numpy().tolist()
        for quantity, own in table.groupby("quantity")
    }
    assert counted["cell_followed_h"] == [[15.0, 16.0, 1], [29.0, 30.0, 1]]
    assert counted["series_followed_h"] == [[29.0, 30.0, 1]]
    assert [row[2] for row in counted["dry_mass_pg"]] == [2, 1, 1]
    # 99.5 % of the cells lie below 494.6 pg; the last bin ends there and holds the heaviest.
    assert counted["dry_mass_pg"][-1][1] == pytest.approx(np.percentile(cells, 99.5))
    only_cells = histogram_table(cells, None, None)
    assert only_cells["quantity"].unique().tolist() == ["dry_mass_pg"]


def test_the_histograms_are_what_is_drawn(content, tables):
    figure = draw_histograms(content.cells, content.tracks, content.series, 30.0)
    table = tables["histograms"]
    counts = table[table["quantity"] == "dry_mass_pg"]["count"].to_numpy()
    drawn = [patch.get_height() for patch in figure.axes[1].patches]
    assert drawn == counts.tolist()
    counts = table[table["quantity"] == "cell_followed_h"]["count"].to_numpy()
    drawn = [patch.get_height() for patch in figure.axes[0].patches[: len(counts)]]
    assert drawn == counts.tolist()


def test_cards_hold_the_traces_and_windows_of_their_ranks(tables, surprised):
    cards = tables["cards"]
    assert cards.drop_duplicates("rank")[["rank", "series_id"]].to_numpy().tolist() == [
        [1, 1],
        [3, 0],
        [2, 2],
    ]
    one = cards[cards["series_id"] == 1]
    expected = surprised.series[surprised.series["series_id"] == 1]
    assert one["dry_mass_pg"].tolist() == expected["dry_mass_pg"].tolist()
    assert one["is_filled"].sum() == 1
    windows = tables["card_windows"]
    assert len(windows) == 3 * 37
    # A window of 180 points each 10 min has its middle 14 h 55 min after its first point.
    np.testing.assert_allclose(windows["drawn_at_h"] - windows["start_h"], 14 + 11 / 12)


def test_tables_are_written_as_parquet_and_csv_and_read_back_alike(tables, tmp_path):
    folder = tmp_path / "report"
    write_figure_tables(folder, tables, provenance={"code": "x"})
    files = {f"{name}.{ending}" for name in tables for ending in ("csv", "parquet")}
    assert {p.name for p in folder.iterdir()} == {*files, OF_FOLDER}
    for name in tables:
        parquet = read_table(folder / f"{name}.parquet", FIGURE_TABLES[name])
        csv = pd.read_csv(folder / f"{name}.csv")
        assert list(csv.columns) == list(parquet.columns)
        for column in parquet:
            if parquet[column].dtype.kind in "fi":
                np.testing.assert_allclose(csv[column], parquet[column], rtol=1e-9)
            else:
                assert csv[column].tolist() == parquet[column].tolist()
    assert read_provenance(folder / "growth.parquet") == {"code": "x"}
    assert read_csv_provenance(folder / OF_FOLDER) == {"code": "x"}


def test_old_tables_go_and_a_wrong_one_leaves_them(tables, tmp_path):
    folder = tmp_path / "report"
    write_figure_tables(folder, tables)
    with pytest.raises(ContractError, match="table 'growth' expected columns"):
        write_figure_tables(folder, {"growth": tables["growth"].drop(columns="quantity")})
    assert len(list(folder.iterdir())) == 2 * len(tables) + 1
    write_figure_tables(folder, {"growth": tables["growth"]})
    assert sorted(p.name for p in folder.iterdir()) == [OF_FOLDER, "growth.csv", "growth.parquet"]


def test_every_contract_names_a_unit_and_a_meaning():
    for contract in FIGURE_TABLES.values():
        for name, column in contract.columns.items():
            assert column.unit and column.meaning, (contract.name, name)
    assert GROWTH.columns["doubling_h"].unit == "h"
