"""The speed of scoring at toy size: what is timed is what it says, and every line has its numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scoring
import torch
from own_process import FORGET_PEAK

from lensfree.nets.forecaster import Forecaster

ROOT = Path(__file__).parents[2]


@pytest.fixture
def cheap(monkeypatch):
    """Nothing is bound to a core, in this process: others run beside it."""
    monkeypatch.setattr(scoring, "on_one_core", lambda: None)
    monkeypatch.setattr(scoring, "in_own_process", lambda work, *arguments: work(*arguments))
    monkeypatch.setattr(scoring, "TURNS", 1)
    monkeypatch.chdir(ROOT)


def test_the_plain_network_computes_the_same():
    torch.manual_seed(0)
    ours, plain, inputs = (
        Forecaster(40, 5).train(),
        scoring.PlainForecaster(40, 5).train(),
        torch.randn(3, 40),
    )
    plain.load_state_dict(ours.state_dict())
    torch.testing.assert_close(ours(inputs), plain(inputs), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("is_one_core", [True, False])
def test_an_epoch_goes_through_all_windows(cheap, monkeypatch, is_one_core):
    seen = []
    forward = Forecaster.forward
    monkeypatch.setattr(Forecaster, "forward", lambda self, x: seen.append(len(x)) or forward(self, x))
    assert scoring.epoch_s(300, 5, is_one_core) > 0
    assert sum(seen) == 300 + 1  # the one is validation
    with pytest.raises(ValueError, match="expected 9000; raise the number of series"):
        scoring.epoch_s(9000, 5, is_one_core)


def test_both_networks_are_timed(cheap):
    seconds = scoring.loops_s(600)
    assert seconds.keys() == {"ours", "plain"} and min(seconds.values()) > 0


@pytest.mark.parametrize("method", scoring.METHODS)
def test_the_stage_is_measured_from_file_to_file(cheap, monkeypatch, method):
    if not FORGET_PEAK.exists():
        pytest.skip("the system does not tell peak memory")
    monkeypatch.setattr(scoring, "SERIES_B", 12)
    monkeypatch.setattr(scoring, "METHODS", {method: scoring.METHODS[method]})
    entries = scoring.stage()
    names = {key.removeprefix(f"speed.score_stage_{method}_") for key in entries}
    assert names == {"s", "cpu_s", "peak_gb", "b_per_window"}
    assert entries[f"speed.score_stage_{method}_s"]["value"] > 0
    n_windows = len(_windows(12))
    assert f"{n_windows:,} windows of 12 series" in entries[f"speed.score_stage_{method}_s"]["meaning"]


def _windows(n: int) -> np.ndarray:
    config = scoring.ScoreConfig()
    return scoring.cut_windows(scoring.histories(n, scoring.POINTS_B), config).first


def test_the_largest_set_is_as_large_as_the_papers():
    mean_points = sum(scoring.POINTS_B) / 2
    assert scoring.SERIES_B * (mean_points - 180 + 1) > scoring.WINDOWS_B
    assert scoring.SERIES_A * (sum(scoring.LENGTHS) / 2 - 180 + 1) > scoring.WINDOWS_A


def test_parts_are_written_as_they_are_done(monkeypatch, capsys):
    written = []

    def part(name: str):
        return lambda: {f"speed.{name}": scoring.line(1.5, "s", "lower", name)}

    parts = {name: part(name) for name in "ab"}
    monkeypatch.setattr(scoring, "PARTS", parts)
    monkeypatch.setattr(scoring, "write", written.append)
    scoring.main(["b"])
    scoring.main([])
    assert [list(entries) for entries in written] == [["speed.b"], ["speed.a"], ["speed.b"]]
    assert written[0]["speed.b"]["command"] == "python benchmarks/scoring.py"
    assert "speed.b 1.5 s" in capsys.readouterr().out
    with pytest.raises(ValueError, match="got c, expected parts out of a, b"):
        scoring.main(["c"])


def test_models_of_both_methods_are_shipped():
    for name in scoring.METHODS.values():
        assert (ROOT / scoring.MODELS / f"{name}.safetensors").is_file()


@pytest.mark.parametrize("method", scoring.METHODS)
def test_windows_are_judged_for_their_speed(cheap, method):
    assert scoring.windows_per_s(20, method) > 0


def test_every_division_of_the_set_is_an_event_of_the_mother():
    table = scoring.histories(9, (250, 300))
    events = scoring.divisions(table)
    cells = table.groupby("series_id")["cell_id"].nunique()
    assert len(events) == 2 * int((cells - 1).sum()) > 0
    last_h = table.groupby("cell_id")["time_h"].max()
    assert (events["time_h"].to_numpy() > last_h.reindex(events["cell_id"]).to_numpy()).all()
