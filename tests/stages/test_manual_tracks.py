"""Tracks made by hand are read as they are, and what cannot be read is named."""

from pathlib import Path

import pandas as pd
import pytest

from lensfree.config import TrackConfig
from lensfree.stages.manual_tracks import (
    SAME_FOR_ALL,
    WITHOUT_MASS,
    read_manual_tracks,
    without_identity,
)

REAL = Path(__file__).parents[2] / "demo" / "real" / "mcf10a_lineages"
ROWS = [
    # TID, tmin, ypixel, xpixel, motherID
    (1, 0, 10.0, 20.0, 0),
    (1, 30, 11.0, 21.0, 0),
    (1, 60, 12.0, 22.0, 0),
    (2, 60, 15.0, 22.5, 1),  # begins while her mother is still there
    (2, 90, 16.0, 23.0, 1),
    (3, 90, 9.0, 19.0, 1),
    (4, 30, 70.0, 90.0, 0),
]


def written(folder, rows=ROWS, columns=("TID", "tmin", "ypixel", "xpixel", "motherID")):
    path = folder / "EGF_9.csv"
    pd.DataFrame(rows, columns=list(columns)).assign(treatment="EGF").to_csv(path, index=False)
    return path


def test_cells_and_mothers_are_those_of_the_file(tmp_path):
    table = read_manual_tracks(written(tmp_path))
    assert table["frame"].tolist() == [0, 1, 1, 2, 3, 3]
    assert table["cell_id"].tolist() == [1, 1, 4, 1, 2, 3]
    assert table["parent_id"].tolist() == [-1, -1, -1, -1, 1, 1]
    assert table["time_h"].tolist() == [0.0, 0.5, 0.5, 1.0, 1.5, 1.5]
    assert table[["y_um", "x_um"]].iloc[3].tolist() == [12.0, 22.0]


def test_no_daughter_begins_before_her_mothers_end(tmp_path):
    table = read_manual_tracks(written(tmp_path))
    assert table[table["cell_id"] == 2]["frame"].tolist() == [3]


def test_a_tracker_sees_no_identity_and_nothing_that_differs(tmp_path):
    seen = without_identity(read_manual_tracks(written(tmp_path)))
    assert not {"cell_id", "parent_id"} & set(seen.columns)
    assert {name: set(seen[name]) for name in SAME_FOR_ALL} == {
        name: {value} for name, value in SAME_FOR_ALL.items()
    }
    assert TrackConfig(**WITHOUT_MASS).log_mass_weight_um == 0.0


def test_a_missing_column_is_named(tmp_path):
    path = written(tmp_path, columns=("TID", "tmin", "ypixel", "xpixel", "mother"))
    with pytest.raises(ValueError, match=r"EGF_9.csv lacks the columns \['motherID'\]; expected"):
        read_manual_tracks(path)


def test_another_interval_is_named(tmp_path):
    with pytest.raises(ValueError, match="a row is at 45 min, expected multiples of 30 min"):
        read_manual_tracks(written(tmp_path, [*ROWS, (5, 45, 1.0, 2.0, 0)]))


def test_a_mother_without_rows_is_named(tmp_path):
    with pytest.raises(ValueError, match="mother 8 has no rows, expected a track of every mother"):
        read_manual_tracks(written(tmp_path, [*ROWS, (5, 60, 1.0, 2.0, 8)]))


@pytest.mark.parametrize("path", sorted(REAL.glob("*.csv")), ids=lambda path: path.stem)
def test_the_real_files_can_be_read_and_lose_next_to_nothing(path):
    table = read_manual_tracks(path)
    assert 0 <= len(pd.read_csv(path)) - len(table) <= 3
    assert not table.duplicated(["frame", "cell_id"]).any()
    ends = table.groupby("cell_id")["frame"].max()
    births = table[table["parent_id"] >= 0].groupby("cell_id").first()
    assert (births["frame"].to_numpy() > ends.loc[births["parent_id"]].to_numpy()).all()


def test_there_are_eight_of_them_with_their_licence():
    assert len(list(REAL.glob("*.csv"))) == 8
    assert "MIT License" in (REAL / "LICENSE").read_text(encoding="utf-8")
