"""The comparison of trackers: sets are made once, settings chosen as said, and the page says it all."""

import json

import pandas as pd
import pytest
import tracking
import tracking_sets
import tracking_table
import tracking_try
from tracking_methods import METHODS

from lensfree.config import Config
from lensfree.simulate.dense import simulate_dense

FIGURES = {
    "link_f1": 0.9956,
    "division_precision": 0.75,
    "division_recall": 0.5,
    "division_f1": 0.6,
    "complete_tracks": 0.91234,
    "md30": 0.456,
}
RUN = {"seed": 90001, "cpu_s": 12.3, "peak_mb": 345.0, "n_detections": 1234, **FIGURES}


def row(set_name="1k", method="laptrack", runs=(RUN,), **more):
    return {
        "set": set_name,
        "method": method,
        "is_ablation": tracking.is_ablation(method),
        "package": f"{method.split(',')[0]} 1.2",
        "settings": {"cutoff_px": 12},
        "tried": [],
        "seeds": [90001, 90002],
        "n_detections": 1234,
        "runs": list(runs),
        "left_out": "",
        "machine": "toy",
        "date": "2026-01-02",
        "command": "python benchmarks/tracking.py",
        **more,
    }


@pytest.fixture
def small(monkeypatch):
    """Sets of a piece of the sensor, counted as they are made."""
    made = []

    def simulate(name, seed):
        made.append((name, seed))
        return simulate_dense(name, seed, frames=60, sensor_px=(400, 560))

    monkeypatch.setattr(tracking_sets, "simulate_dense", simulate)
    return made


def test_a_set_is_made_once_and_shows_no_identity(small, tmp_path):
    seen = tracking_sets.detections_of("3k", 5, tmp_path)
    truth = tracking_sets.truth_of("3k", 5, tmp_path)
    assert small == [("3k", 5)]
    assert not {"cell_id", "true_id", "parent_id"} & set(seen.columns)
    assert {"frame", "time_h", "y_um", "x_um", "dry_mass_pg", "area_um2", "max_opd_nm"} <= set(seen.columns)
    assert truth["cell_id"].nunique() > 3
    assert tracking_sets.detections_of("3k", 5, tmp_path).equals(seen)


def test_the_development_seed_is_none_of_the_evaluation():
    assert tracking_sets.DEVELOPMENT_SEED not in Config().evaluate.seeds


def test_the_best_settings_have_the_most_histories_and_then_whole_cells(monkeypatch):
    answers = {9: (0.4, 0.9), 12: (0.6, 0.7), 16: (0.6, 0.8), 20: (0.1, 1.0)}

    def answer(limit_s, work, name, set_name, seed, settings, pairing_um):
        assert seed == tracking_sets.DEVELOPMENT_SEED
        md30, complete = answers[settings["range_px"]]
        return {**RUN, "md30": md30, "complete_tracks": complete, "division_f1": None}

    monkeypatch.setattr(tracking, "in_own_process_within", answer)
    candidates = tracking.candidates_for("trackpy", [])
    assert len(candidates) == 4
    settings, tried = tracking.chosen("trackpy", "1k", candidates, 8.0)
    assert settings["range_px"] == 16 and len(tried) == 4
    assert [one["range_px"] for one in tracking.candidates_for("trackpy", tried)] == [16, 12]


def test_one_candidate_needs_no_run():
    assert tracking.chosen("lensfree", "1k", [{}], 8.0) == ({}, [])


def test_a_row_has_a_run_per_seed_and_known_settings_are_kept(monkeypatch):
    asked = []

    def answer(limit_s, work, name, set_name, seed, settings, pairing_um):
        asked.append((seed, settings))
        return {**RUN, "seed": seed}

    monkeypatch.setattr(tracking, "in_own_process_within", answer)
    known = row(method="trackpy", settings={"range_px": 7, "memory": 2})
    found = tracking.measured_row("trackpy", "1k", (90001, 90002), known, [], 8.0)
    assert asked == [(90001, known["settings"]), (90002, known["settings"])]
    assert [run["seed"] for run in found["runs"]] == [90001, 90002]
    assert found["package"].startswith("trackpy ") and found["n_detections"] == 1234


def test_a_tracker_that_takes_too_long_is_left_out_and_the_page_says_so(monkeypatch):
    def too_long(*_):
        raise TimeoutError

    monkeypatch.setattr(tracking, "in_own_process_within", too_long)
    found = tracking.measured_row("trackpy", "10k", (90001,), None, [], 8.0)
    assert found["runs"] == [] and found["left_out"] == "left out: one run takes more than 30 min"
    assert "| trackpy | left out: one run takes more than 30 min |" in tracking_table.markdown(
        {"10k/trackpy": found}, [], 80001
    )


def test_a_run_is_scored_against_the_truth(small, tmp_path, monkeypatch):
    pytest.importorskip("traccuracy")
    for name in ("detections_of", "truth_of"):
        of = getattr(tracking_sets, name)
        monkeypatch.setattr(tracking, name, lambda *key, of=of: of(*key, tmp_path))
    run = tracking.measured("lensfree", "3k", 5, {}, 8.0)
    assert run["link_f1"] > 0.95 and run["cpu_s"] > 0
    json.dumps(run, allow_nan=False)
    trackpy = tracking.measured("trackpy", "3k", 5, {"range_px": 12, "memory": 2}, 8.0)
    assert trackpy["division_f1"] is None
    assert "division_f1 none" in tracking.said_of(trackpy)


def test_ablations_are_measured_on_their_own_sets_alone():
    pairs = tracking.wanted(["1k", "10k"], "*")
    assert ("1k", "lensfree, without mass") in pairs
    assert ("10k", "lensfree, without mass") not in pairs and ("10k", "lensfree") in pairs
    assert tracking.wanted(["1k", "3k"], "3k/track*") == [("3k", "trackpy")]


def test_rows_stand_in_the_order_of_sets_and_methods():
    keys = ["10k/lensfree", "1k/lensfree", "1k/trackpy", "1k/gone"]
    assert list(tracking.ordered(dict.fromkeys(keys))) == ["1k/trackpy", "1k/lensfree", "10k/lensfree"]


def test_the_page_has_means_over_runs_and_ablations_beside_the_shipped_tracker(tmp_path):
    other = {**RUN, "md30": 0.556, "division_f1": None, "cpu_s": 14.3}
    rows = {
        "1k/laptrack": row(runs=[RUN, other]),
        "1k/lensfree": row(method="lensfree", settings={}),
        "1k/lensfree, without mass": row(method="lensfree, without mass"),
    }
    tracking_table.write(tmp_path, rows, [], 80001)
    page = (tmp_path / "tracking.md").read_text(encoding="utf-8")
    assert "seed 80001" in page and "**Synthetic**" in page
    peers, ablated = page.split("## What each part")
    assert "| laptrack | 0.996 | 0.750 | 0.500 | 0.600 | 0.912 | 0.506 | 13.3 | 345 | 90001, 90002 |" in peers
    assert "without mass" not in peers.split("## 1k")[1]
    assert ablated.count("| 1k | lensfree") == 2
    assert ablated.index("| 1k | lensfree |") < ablated.index("| 1k | lensfree, without mass |")
    assert tracking_table.read_rows(tmp_path / "tracking.json") == rows
    assert tracking_table.read_rows(tmp_path / "nothing.json") == {}


def test_a_missing_package_is_said_once(tmp_path):
    page = tracking_table.markdown({"1k/laptrack": row()}, ["btrack", "laptrack"], 80001)
    assert "btrack is not installed and was skipped: `make benchmark-track` installs it" in page
    assert "laptrack is not installed" not in page
    assert tracking.missing_packages({"x": METHODS["lensfree"]}) == []


def test_the_quick_look_takes_settings_from_the_line(small, tmp_path, monkeypatch, capsys):
    pytest.importorskip("traccuracy")
    config = tracking_try.with_settings(Config(), ["search_range_um=7.5", "log_mass_weight_um=auto"])
    assert (config.track.search_range_um, config.track.log_mass_weight_um) == (7.5, "auto")
    for name in ("detections_of", "truth_of"):
        of = getattr(tracking_sets, name)
        monkeypatch.setattr(tracking_try, name, lambda *key, of=of: of(*key, tmp_path))
    tracking_try.main(["1k", "--seed", "5"])
    assert "md30" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        tracking_try.main(["5k"])
    assert "unknown ['5k'], expected some of" in capsys.readouterr().err


def test_the_movies_cells_are_found_once(tmp_path, monkeypatch):
    class Movie:
        asked = 0

        def cells(self, represent, config):
            Movie.asked += 1
            return pd.DataFrame({"frame": [0, 1], "y_um": [1.0, 2.0]})

    monkeypatch.setattr(tracking_try, "load_represent", lambda weights: None)
    first, again = (tracking_try.movie_cells(Movie(), Config(), tmp_path) for _ in range(2))
    assert first.equals(again) and Movie.asked == 1


def test_rows_that_another_run_wrote_meanwhile_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(tracking, "DOCS", tmp_path)
    monkeypatch.setattr(tracking, "ONE_THREAD", {})

    def answer(name, set_name, *_):
        other = {"1k/laptrack": row()}
        tracking_table.write(tmp_path, other, [], 80001)
        return row(set_name, name)

    monkeypatch.setattr(tracking, "measured_row", answer)
    tracking.main(["--sets", "1k", "--only", "1k/lensfree"])
    kept = tracking_table.read_rows(tmp_path / "tracking.json")
    assert list(kept) == ["1k/laptrack", "1k/lensfree"]


def test_sets_that_differ_in_dry_mass_alone_are_told_from_others(small, tmp_path):
    assert tracking_sets.are_alike_without_mass("1k", "1k_35pg", 90001, tmp_path)
    assert not tracking_sets.are_alike_without_mass("1k", "3k", 90001, tmp_path)
    quiet, noisy = (tracking_sets.detections_of(name, 90001, tmp_path) for name in ("1k", "1k_35pg"))
    assert not quiet["dry_mass_pg"].equals(noisy["dry_mass_pg"])


def test_a_peer_is_not_measured_again_for_a_dry_mass_that_it_does_not_see(monkeypatch):
    monkeypatch.setattr(tracking, "are_alike_without_mass", lambda *_: True)
    rows, seeds = {"1k/laptrack": row(), "1k/lensfree": row(method="lensfree")}, [90001, 90002]
    assert tracking.taken_over("1k_35pg", "laptrack", seeds, rows) == row("1k_35pg")
    assert tracking.taken_over("1k_35pg", "lensfree", seeds, rows) is None
    assert tracking.taken_over("1k", "laptrack", seeds, rows) is None
    assert tracking.taken_over("3k_35pg", "laptrack", seeds, rows) is None
    assert tracking.taken_over("1k_35pg", "laptrack", seeds[:1], rows) is None
    monkeypatch.setattr(tracking, "are_alike_without_mass", lambda *_: False)
    assert tracking.taken_over("1k_35pg", "laptrack", seeds, rows) is None
