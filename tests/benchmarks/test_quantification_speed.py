"""The speed of quantification at toy size: the map, the turns, the lines of the table."""

from dataclasses import replace

import numpy as np
import pytest
import quantification_speed
from dome_fields import DOMES, PITCH_UM, SHAPE_YX, scene
from own_process import in_own_process
from quantification import shipped_weights
from quantification_speed import (
    NOISE_NM,
    Cost,
    cost_of,
    entries,
    full_map,
    noisy,
    noisy_entries,
    on_cpu,
    seconds_and_cells,
)

from lensfree.cells.second_look import FULL_NM, FULL_SHARE, second_share
from lensfree.config import Config

CONFIG = Config()
COST = Cost(
    network_s=1.5,
    maxima_s=0.5,
    integral_s=1.0,
    total_s=3.0,
    processor_s=5.5,
    n_cells=700,
    peak_gb=0.9,
    turns=3,
)
NOISY_COST = replace(COST, total_s=8.0)


def test_the_map_is_one_reconstructed_tile_repeated(monkeypatch):
    monkeypatch.setattr(quantification_speed, "TILE_YX", (70, 90))
    weak = CONFIG.reconstruct.model_copy(
        update={"device": "cpu", "iterations_first": 1, "iterations_last": 1}
    )
    opd_nm = full_map(CONFIG.model_copy(update={"reconstruct": weak}), None, (150, 210))
    assert opd_nm.shape == (150, 210) and opd_nm.dtype == np.float32
    np.testing.assert_array_equal(opd_nm[:70, :90], opd_nm[70:140, 90:180])
    np.testing.assert_array_equal(opd_nm[140:, 180:], opd_nm[:10, :30])
    assert opd_nm.std() > 5  # there are cells in it


def test_noise_is_white_of_the_level_that_a_second_look_has_its_whole_share_at():
    opd_nm = np.full((300, 410), 5.0, np.float32)
    one_nm = noisy(opd_nm, 1)
    noise_nm = one_nm.astype(np.float64) - opd_nm
    assert one_nm.dtype == np.float32
    assert noise_nm.mean() == pytest.approx(0, abs=4 * NOISE_NM / np.sqrt(noise_nm.size))
    assert noise_nm.std() == pytest.approx(NOISE_NM, rel=4 / np.sqrt(2 * noise_nm.size))
    assert abs(np.corrcoef(noise_nm[:, 1:].ravel(), noise_nm[:, :-1].ravel())[0, 1]) < 0.02
    assert NOISE_NM >= FULL_NM and second_share(NOISE_NM) == FULL_SHARE
    np.testing.assert_array_equal(noisy(opd_nm, 1), one_nm)
    assert (noisy(opd_nm, 2) != one_nm).mean() > 0.99


def test_turns_are_timed_between_waits_for_the_device():
    waits = []
    field = scene()
    weights = shipped_weights(CONFIG)
    seconds, n_cells = seconds_and_cells(
        field.opd_nm, weights, CONFIG.quantify, PITCH_UM, "cpu", lambda: waits.append(1), 2
    )
    assert seconds.shape == (2, 4) and (seconds > 0).all()
    assert n_cells == len(DOMES)
    assert len(waits) == 3 * 3  # before, between and after, the first map included


def test_seconds_are_medians_and_the_total_is_that_of_the_sums():
    cost = cost_of(np.array([[1.0, 5.0, 1.0, 30.0], [2.0, 1.0, 3.0, 40.0], [9.0, 2.0, 2.0, 20.0]]), 10, 0.5)
    assert (cost.network_s, cost.maxima_s, cost.integral_s) == (2.0, 2.0, 2.0)
    assert (cost.total_s, cost.processor_s, cost.turns) == (7.0, 30.0, 3)
    assert cost.measurements_per_s == pytest.approx(4 * 10 / (2.0 + 2.0))


def test_a_process_of_its_own_tells_its_memory():
    weights = shipped_weights(CONFIG).absolute()
    cost = in_own_process(on_cpu, scene().opd_nm, weights, CONFIG.quantify, PITCH_UM, 1)
    assert cost.n_cells == len(DOMES)
    assert 0.05 < cost.peak_gb < 4
    assert cost.total_s == pytest.approx(cost.network_s + cost.maxima_s + cost.integral_s)


def test_lines_name_what_was_measured_and_where():
    cpu = entries(COST, SHAPE_YX, "cpu", None)
    assert cpu["speed.cpu_quantify_s"]["value"] == 3.0
    assert cpu["speed.cpu_quantify_integral_s"]["value"] == 1.0
    assert cpu["speed.cpu_quantify_network_s"]["value"] == 1.5
    assert cpu["speed.cpu_quantify_maxima_s"]["value"] == 0.5
    assert cpu["speed.cpu_quantify_processor_s"]["value"] == 5.5
    assert cpu["speed.cpu_quantify_cells"]["value"] == 700
    assert cpu["speed.cpu_quantify_measurements_per_s"]["value"] == pytest.approx(1400)
    assert cpu["speed.cpu_quantify_peak_gb"]["unit"] == "GB"
    assert "150 x 210, synthetic, 255 cells/mm2" in cpu["speed.cpu_quantify_s"]["meaning"]
    assert cpu["speed.cpu_quantify_s"]["command"] == "python benchmarks/quantification_speed.py"
    gpu = entries(COST, SHAPE_YX, "gpu", "H200")
    assert gpu["speed.quantify_measurements_per_s"]["machine"] == "H200"
    assert not set(gpu) & set(cpu)
    assert not [key for key in gpu if "processor" in key]


def test_lines_of_the_noisy_map_say_its_noise_and_have_keys_of_their_own():
    lines = noisy_entries(COST, SHAPE_YX)
    assert lines["speed.cpu_quantify_noisy_s"]["value"] == 3.0
    assert lines["speed.cpu_quantify_noisy_processor_s"]["value"] == 5.5
    assert lines["speed.cpu_quantify_noisy_peak_gb"]["value"] == 0.9
    assert all("20 nm of white noise" in line["meaning"] for line in lines.values())
    assert not set(lines) & set(entries(COST, SHAPE_YX, "cpu", None))


@pytest.fixture
def written(monkeypatch):
    """What main writes when the measurements themselves are given."""
    lines = {}

    def measured(work, opd_nm, *arguments):
        return COST if opd_nm.std() == 0 else NOISY_COST

    monkeypatch.setattr(quantification_speed, "full_map", lambda config, refine: np.zeros(SHAPE_YX))
    monkeypatch.setattr(quantification_speed, "in_own_process", measured)
    monkeypatch.setattr(quantification_speed, "write", lines.update)
    return lines


def test_without_a_gpu_it_says_so_and_writes_no_line_of_one(written, monkeypatch, capsys):
    monkeypatch.setattr(quantification_speed, "resolve_device", lambda wanted: "cpu")
    monkeypatch.setattr(quantification_speed, "on_gpu", lambda *_: pytest.fail("there is no GPU"))
    quantification_speed.main()
    assert quantification_speed.NO_GPU in capsys.readouterr().out
    assert written["speed.cpu_quantify_s"]["value"] == COST.total_s
    assert written["speed.cpu_quantify_noisy_s"]["value"] == NOISY_COST.total_s
    assert "speed.quantify_measurements_per_s" not in written


def test_with_a_gpu_its_lines_bear_its_name(written, monkeypatch):
    monkeypatch.setattr(quantification_speed, "resolve_device", lambda wanted: "cuda")
    monkeypatch.setattr(quantification_speed, "on_gpu", lambda *_: (COST, "H200"))
    quantification_speed.main()
    assert written["speed.quantify_measurements_per_s"]["machine"] == "H200"
    assert written["speed.cpu_quantify_measurements_per_s"]["machine"] != "H200"
