from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lensfree.config import CompareConfig
from lensfree.contracts import CELL_CYCLES, SCORES, SERIES, TRACKS, ContractError
from lensfree.contracts_report import EFFECTS, WELLS
from lensfree.io.tables import empty_table, read_provenance, read_table, write_table
from lensfree.stages import compare
from lensfree.tracks.cycles import describe_cells

CONFIG = CompareConfig(resamples=100)
INTERVAL_H = 0.5


def tracks_of(cycle_h: float, n_lineages: int, rng: np.random.Generator) -> pd.DataFrame:
    """Founders that divide at `cycle_h`; their daughters divide a cycle later, and so on for 3 cycles."""
    rows, cell = [], 0
    for _ in range(n_lineages):
        own = cycle_h + rng.choice([-1, 0, 1]) * INTERVAL_H
        lineage, generation = cell, [(-1, 0.0)]
        for _ in range(3):
            following = []
            for parent, start_h in generation:
                steps = np.arange(round(own / INTERVAL_H))
                times_h = start_h + steps * INTERVAL_H
                for time_h, step in zip(times_h, steps, strict=True):
                    rows.append((time_h, 200 * 2 ** (step / len(steps)), cell, parent, lineage))
                following += [(cell, start_h + own)] * 2
                cell += 1
            generation = following
    names = ["time_h", "dry_mass_pg", "cell_id", "parent_id", "lineage_id"]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(
        frame=np.rint(table["time_h"] / INTERVAL_H).astype(int),
        y_um=10.0, x_um=10.0, area_um2=300.0, max_opd_nm=200.0, length_um=20.0, dry_mass_se_pg=5.0,
        touches_border=False, model="by hand", is_shared=False,
    )  # fmt: skip


def recorded(folder, name, condition, cycle_h, *, seed=0, n_lineages=12, well=None):
    folder = folder / name
    tracks = tracks_of(cycle_h, n_lineages, np.random.default_rng(seed))
    cycles = describe_cells(tracks, frame_interval_h=INTERVAL_H)
    series = tracks[["cell_id", "time_h", "dry_mass_pg"]].assign(
        series_id=tracks["cell_id"], is_filled=False, is_repeated=False
    )
    score = {
        "n_windows": 1, "anomaly_score": 0.0, "surprise": 1.0, "normal_share": 0.3, "view": "window",
        "kind": "",
        "is_acquisition": False, "onset_h": np.nan, "evidence": "", "model": "by hand",
    }  # fmt: skip
    is_flagged = cycles["cell_id"] % 5 == 0
    is_flagged = cycles["cell_id"] % 5 == 0
    scores = pd.DataFrame({"series_id": cycles["cell_id"], "is_flagged": is_flagged}).assign(**score)
    paths = {}
    for key, table, contract in (
        ("cycles", cycles, CELL_CYCLES),
        ("scores", scores, SCORES),
        ("series", series, SERIES),
        ("tracks", tracks, TRACKS),
    ):
        paths[key] = folder / f"{key}.parquet"
        write_table(paths[key], table[list(contract.columns)], contract)
    return compare.Recorded(name, "hologram", condition, well or name, **paths)


def run(folder, chosen, **changes):
    out, data = folder / "compare.html", folder / "compare"
    compare.run(recorded=chosen, out=out, data=data, config=CONFIG, provenance={"code": "x"}, **changes)
    tables = [read_table(data / f"{contract.name}.parquet", contract) for contract in (WELLS, EFFECTS)]
    return out.read_text(encoding="utf-8"), *tables


def test_longer_cycles_are_found_from_files_to_page(tmp_path):
    chosen = [
        *(recorded(tmp_path, f"c{k}", "control", 10.0, seed=k) for k in range(3)),
        *(recorded(tmp_path, f"d{k}", "drug", 14.0, seed=k) for k in range(3)),
    ]
    page, wells, effects = run(tmp_path, chosen)
    cycle = effects.set_index("measure").loc["cycle"]
    assert cycle["drawn_anew"] == "wells"
    assert 3.0 <= cycle["low"] <= cycle["difference"] <= cycle["high"] <= 5.0
    assert "Cell cycles are longer in drug than in control by" in page
    assert set(wells["measure"]) == {"cycle", "cell_growth", "asymmetry", "birth", "flagged", "total_growth"}
    # Only cells of the second of three generations are seen from birth to division.
    assert wells.set_index(["measure", "well"]).loc[("cycle", "c0"), "n_values"] == 24
    birth = wells[wells["measure"] == "birth"]
    # The median of the first six looks at a cell that starts at 200 pg and doubles in 20 steps or so.
    assert birth["value"].between(200, 240).all()
    growth = wells[wells["measure"] == "cell_growth"].groupby("condition")["value"].mean()
    assert growth["control"] == pytest.approx(np.log(2) / 10, rel=0.06)
    assert read_provenance(tmp_path / "compare" / "effects.parquet") == {"code": "x"}
    assert sorted(p.name for p in (tmp_path / "compare").iterdir()) == [
        "csv-metadata.json",
        "effects.csv",
        "effects.parquet",
        "wells.csv",
        "wells.parquet",
    ]


def test_acquisitions_of_one_well_are_one_unit(tmp_path):
    pair = [recorded(tmp_path, name, "control", 10.0, seed=k, well="plate B2") for k, name in enumerate("ab")]
    page, wells, _ = run(tmp_path, [*pair, recorded(tmp_path, "d", "drug", 14.0, well="plate B3")])
    own = wells[wells["measure"] == "cycle"].set_index("well")
    assert own.loc["plate B2", ["acquisitions", "n_values", "n_lineages"]].tolist() == ["a, b", 48, 24]
    assert "3 acquisitions of 2 wells" in page


def test_an_acquisition_without_a_cell_is_left_out_of_the_figures(tmp_path):
    paths = {}
    for key, contract in (
        ("cycles", CELL_CYCLES),
        ("scores", SCORES),
        ("series", SERIES),
        ("tracks", TRACKS),
    ):
        paths[key] = tmp_path / f"empty_{key}.parquet"
        write_table(paths[key], empty_table(contract), contract)
    empty = compare.Recorded("empty", "opd", "drug", "empty", **paths)
    page, wells, effects = run(tmp_path, [recorded(tmp_path, "c", "control", 10.0), empty])
    assert set(wells["well"]) == {"c"} and len(effects) == 0
    assert "No measure was made in two conditions." in page
    page, wells, _ = run(tmp_path, [empty])
    assert len(wells) == 0 and "There is nothing to compare" in page


def test_a_wrong_table_is_named_and_nothing_is_written(tmp_path):
    one = recorded(tmp_path, "c", "control", 10.0)
    with pytest.raises(ContractError, match=r"scores.parquet: table 'cell_cycles' expected columns"):
        run(tmp_path, [replace(one, cycles=one.scores)])
    assert not (tmp_path / "compare.html").exists()


def test_a_reference_that_is_not_in_the_sheet_is_named(tmp_path):
    one = recorded(tmp_path, "c", "control", 10.0)
    with pytest.raises(
        ValueError, match=r"compare\.reference is 'x', expected one of the sheet's conditions"
    ):
        compare.run(
            recorded=[one],
            out=tmp_path / "a.html",
            data=tmp_path / "a",
            config=CompareConfig(reference="x"),
        )
