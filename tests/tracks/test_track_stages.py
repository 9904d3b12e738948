"""The stages track and series: chunks in, tables under contract out, empty included."""

import cases
import pytest

from lensfree.config import SeriesConfig, TrackConfig
from lensfree.contracts import CELL_CYCLES, CELLS, LINEAGE_EVENTS, SERIES, TRACKS, ContractError
from lensfree.io.tables import empty_table, read_provenance, read_table, write_table
from lensfree.stages import series, track

SAID = {"code": "abc", "config": {"memory_frames": 2}}


@pytest.fixture
def chunks(tmp_path):
    """Write cells in two chunks of frames and return their paths, the later first."""

    def write(cells):
        paths = []
        for name, is_in in (("b", cells["frame"] >= 17), ("a", cells["frame"] < 17)):
            paths.append(tmp_path / f"{name}.parquet")
            write_table(paths[-1], cells[is_in], CELLS)
        return paths

    return write


def test_a_division_passes_from_cells_to_series(chunks, tmp_path, tiny, same_cells):
    truth = cases.two_generations()
    tracks, histories = tmp_path / "tracks.parquet", tmp_path / "series.parquet"
    track.run(chunks(cases.seen(truth)), tracks, tmp_path / "events.parquet", tiny, SAID)
    same_cells(read_table(tracks, TRACKS), truth)
    series.run(tracks, histories, tmp_path / "c.parquet", 10.0, SeriesConfig(min_length_h=5.0), SAID)
    found = read_table(histories, SERIES)
    assert found["series_id"].nunique() == 3
    described = read_table(tmp_path / "c.parquet", CELL_CYCLES)
    assert described["cell_id"].tolist() == sorted(truth["cell_id"].unique())
    assert found["time_h"].max() == pytest.approx(119 / 6)
    happened = read_table(tmp_path / "events.parquet", LINEAGE_EVENTS)
    assert happened["kind"].tolist() == ["division"] * 4
    assert read_provenance(tracks) == read_provenance(histories) == SAID


@pytest.mark.parametrize("chunk_count", [0, 2])
def test_no_cells_give_empty_tables(chunk_count, chunks, tmp_path):
    paths = chunks(empty_table(CELLS))[:chunk_count]
    tracks, histories = tmp_path / "tracks.parquet", tmp_path / "series.parquet"
    events = tmp_path / "events.parquet"
    track.run(paths, tracks, events, TrackConfig(), {})
    cycles = tmp_path / "c.parquet"
    series.run(tracks, histories, cycles, 10.0, SeriesConfig(), {})
    assert read_table(tracks, TRACKS).empty and read_table(histories, SERIES).empty
    assert read_table(events, LINEAGE_EVENTS).empty and read_table(cycles, CELL_CYCLES).empty


def test_an_empty_chunk_among_others_changes_nothing(chunks, tmp_path, tiny):
    paths = chunks(cases.seen(cases.one_division()))
    write_table(tmp_path / "c.parquet", empty_table(CELLS), CELLS)
    results = []
    for cells in (paths, [*paths, tmp_path / "c.parquet"]):
        track.run(cells, tmp_path / "tracks.parquet", tmp_path / "events.parquet", tiny, {})
        results.append(read_table(tmp_path / "tracks.parquet", TRACKS))
    assert results[0].equals(results[1])


def test_series_too_short_give_an_empty_table_and_say_so(chunks, tmp_path, tiny, caplog):
    seen = chunks(cases.seen(cases.straight_walk()))
    track.run(seen, tmp_path / "tracks.parquet", tmp_path / "events.parquet", tiny, {})
    out = (tmp_path / "series.parquet", tmp_path / "c.parquet")
    series.run(tmp_path / "tracks.parquet", *out, 10.0, SeriesConfig(), {})
    assert read_table(tmp_path / "series.parquet", SERIES).empty
    assert "no path" in caplog.text and "min_length_h=5.0" in caplog.text


def test_a_table_of_another_kind_is_refused(chunks, tmp_path):
    paths = chunks(cases.seen(cases.straight_walk()))
    with pytest.raises(ContractError, match="table 'tracks' expected columns"):
        series.run(paths[0], tmp_path / "series.parquet", tmp_path / "c.parquet", 10.0, SeriesConfig(), {})
