"""Seconds and peak memory of a full sensor frame's OPD map to the list of four measurements.

The map is synthetic: a field of cells behind full optics, noise and the shipped reconstruction, repeated as
tiles until it fills the sensor; cells at the seams are cut. On the CPU once more with white noise, which the
network looks at twice. On a GPU too where one answers to CuPy. Linux only, for the memory.
Usage: python benchmarks/quantification_speed.py, from the project's folder.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from frame import SHAPE_YX, TILE_YX
from gpu import forget_memory, held_gb
from measured import entry, write
from own_process import FORGET_PEAK, in_own_process, resident_mb
from quantification import shipped_weights

from lensfree.arrays import Device, resolve_device
from lensfree.cells.integral import weigh_integrals
from lensfree.cells.peaks import find_peaks
from lensfree.cells.representation import MEASURES
from lensfree.config import Config, QuantifyConfig
from lensfree.model_files import weights_file
from lensfree.phase.retrieve import Refine
from lensfree.stages.held_out import recipe_at, retrieve_opd
from lensfree.stages.refine import load_refine
from lensfree.stages.represent import load_represent
from lensfree.stages.training_fields import FieldMaker

MODELS = Path("models")
CELLS_PER_MM2 = 255.0
Z_UM = 1000.0
NOISE_NM = 20.0
TURNS = 3
NOISY_TURNS = 1
COMPUTED = "processor time of all threads"
NO_GPU = "no GPU answers to CuPy: speed.quantify_measurements_per_s was not measured"
MB_PER_GB = 1000.0


@dataclass(frozen=True)
class Cost:
    """What one map cost.

    Attributes:
        network_s: seconds of the network, medians of `turns`, like all seconds.
        maxima_s: seconds from its maps to the list.
        integral_s: seconds of the integrals of OPD, which the CPU makes.
        total_s: seconds of all three.
        processor_s: seconds that all threads computed; unlike the others no other job lengthens them much.
        n_cells: cells in the list.
        peak_gb: CPU: the most memory the process had; GPU: that CuPy and torch held.
        turns: how often it was done.
    """

    network_s: float
    maxima_s: float
    integral_s: float
    total_s: float
    processor_s: float
    n_cells: int
    peak_gb: float
    turns: int

    @property
    def measurements_per_s(self) -> float:
        """Measurements of cells per second, four per cell, by network and maxima: as the paper counts."""
        return len(MEASURES) * self.n_cells / (self.network_s + self.maxima_s)


def full_map(config: Config, refine: Refine | None, shape_yx: tuple[int, int] = SHAPE_YX) -> np.ndarray:
    """Return the OPD map of a sensor, float32 (y, x) [nm], tiled from one reconstructed field."""
    rng = np.random.default_rng(config.evaluate.seeds[0])
    recipe = recipe_at(TILE_YX, Z_UM, CELLS_PER_MM2, config)
    tile_nm = retrieve_opd(FieldMaker(recipe, config.optics, rng).draw(rng), config, refine)
    repeats = [-(-n // m) for n, m in zip(shape_yx, TILE_YX, strict=True)]
    return np.tile(tile_nm, repeats)[: shape_yx[0], : shape_yx[1]].astype(np.float32)


def noisy(opd_nm: np.ndarray, seed: int) -> np.ndarray:
    """Return a map (y, x) [nm] with white noise of `NOISE_NM` added, float32; no two tiles have the same."""
    noise = np.random.default_rng(seed).standard_normal(opd_nm.shape, np.float32)
    return np.asarray(opd_nm + np.float32(NOISE_NM) * noise, np.float32)


def seconds_and_cells(
    opd_nm: np.ndarray,
    weights: Path,
    config: QuantifyConfig,
    pixel_pitch_um: float,
    device: Device,
    synchronize: Callable[[], None],
    turns: int,
) -> tuple[np.ndarray, int]:
    """Return seconds (turn, [network, maxima, integrals, processor]) and the number of cells; one map
    warms up.
    """
    represent = load_represent(weights, device)
    taken = []
    for _ in range(turns + 1):
        synchronize()
        start, computed = time.perf_counter(), time.process_time()
        maps = represent(opd_nm, pixel_pitch_um)
        synchronize()
        middle = time.perf_counter()
        peaks = find_peaks(maps, pixel_pitch_um, config)
        synchronize()
        last = time.perf_counter()
        cells = weigh_integrals(peaks, opd_nm, pixel_pitch_um, config)
        end, computed = time.perf_counter(), time.process_time() - computed
        taken.append((middle - start, last - middle, end - last, computed))
    return np.array(taken[1:]), len(cells)


def cost_of(seconds: np.ndarray, n_cells: int, peak_gb: float) -> Cost:
    """Return the medians over the turns."""
    network_s, maxima_s, integral_s, processor_s = (float(value) for value in np.median(seconds, axis=0))
    total_s = float(np.median(seconds[:, :3].sum(axis=1)))
    return Cost(network_s, maxima_s, integral_s, total_s, processor_s, n_cells, peak_gb, len(seconds))


def on_cpu(
    opd_nm: np.ndarray, weights: Path, config: QuantifyConfig, pixel_pitch_um: float, turns: int
) -> Cost:
    """Return the cost on the CPU, memory included; meant for a process of its own."""
    FORGET_PEAK.write_text("5", encoding="ascii")
    seconds, n_cells = seconds_and_cells(opd_nm, weights, config, pixel_pitch_um, "cpu", lambda: None, turns)
    return cost_of(seconds, n_cells, resident_mb("VmHWM") / MB_PER_GB)


def on_gpu(
    opd_nm: np.ndarray, weights: Path, config: QuantifyConfig, pixel_pitch_um: float, turns: int
) -> tuple[Cost, str]:
    """Return the cost on a GPU, the map starting and the list ending in the host's memory, and the GPU."""
    import cupy

    forget_memory(cupy)
    seconds, n_cells = seconds_and_cells(
        opd_nm, weights, config, pixel_pitch_um, "cuda", torch.cuda.synchronize, turns
    )
    name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    return cost_of(seconds, n_cells, held_gb(cupy)), name


def entries(
    cost: Cost, shape_yx: tuple[int, ...], where: str, machine: str | None
) -> dict[str, dict[str, object]]:
    """Return the lines of the table.

    Args:
        cost: what was measured.
        shape_yx: pixels of the map.
        where: `cpu` or `gpu`, in the keys.
        machine: the GPU, None for the CPU.
    """
    size = f"OPD map of {shape_yx[0]} x {shape_yx[1]}, synthetic, {CELLS_PER_MM2:g} cells/mm2"
    rate_key = "quantify_measurements_per_s" if machine else f"{where}_quantify_measurements_per_s"
    lines = [
        (f"{where}_quantify_s", cost.total_s, "s", "lower", f"{size}, to the list of four measurements"),
        (f"{where}_quantify_network_s", cost.network_s, "s", "lower", f"the network alone, {size}"),
        (f"{where}_quantify_maxima_s", cost.maxima_s, "s", "lower", f"local maxima alone, {size}"),
        (f"{where}_quantify_integral_s", cost.integral_s, "s", "lower", f"integrals of OPD alone, {size}"),
        (f"{where}_quantify_cells", cost.n_cells, "1", "between", f"cells found, {size}"),
        (rate_key, cost.measurements_per_s, "1/s", "higher", f"four per cell, without integrals, {size}"),
        (f"{where}_quantify_peak_gb", cost.peak_gb, "GB", "lower", f"peak memory, {size}"),
    ]
    if not machine:
        lines.append(("cpu_quantify_processor_s", cost.processor_s, "s", "lower", f"{COMPUTED}, {size}"))
    stamp = {"machine": machine} if machine else {}
    return {
        f"speed.{key}": {**entry(float(value), unit, better, said, cost.turns, __file__), **stamp}
        for key, value, unit, better, said in lines
    }


def noisy_entries(cost: Cost, shape_yx: tuple[int, ...]) -> dict[str, dict[str, object]]:
    """Return the lines of the table for a map with noise on the CPU: seconds, and the memory they took."""
    size = f"OPD map of {shape_yx[0]} x {shape_yx[1]}, synthetic, {CELLS_PER_MM2:g} cells/mm2"
    size += f" and {NOISE_NM:g} nm of white noise"
    said = f"{size}, to the list of four measurements"
    return {
        "speed.cpu_quantify_noisy_s": entry(cost.total_s, "s", "lower", said, cost.turns, __file__),
        "speed.cpu_quantify_noisy_processor_s": entry(
            cost.processor_s, "s", "lower", f"{COMPUTED}, {size}", cost.turns, __file__
        ),
        "speed.cpu_quantify_noisy_peak_gb": entry(
            cost.peak_gb, "GB", "lower", f"peak memory, {size}", cost.turns, __file__
        ),
    }


def main() -> None:
    """Measure on the CPU, on a GPU if one answers, and write."""
    config = Config()
    weights, pitch_um = shipped_weights(config), config.fields.pixel_pitch_um
    retrieval = config.reconstruct.model_copy(update={"device": "cpu"})
    config = config.model_copy(update={"reconstruct": retrieval})
    opd_nm = full_map(config, load_refine(weights_file(config.reconstruct.refine, MODELS)))
    arguments = (opd_nm, weights, config.quantify, pitch_um, TURNS)
    cost = in_own_process(on_cpu, *arguments)
    print(cost, flush=True)
    write(entries(cost, opd_nm.shape, "cpu", None))
    cost = in_own_process(on_cpu, noisy(opd_nm, config.evaluate.seeds[0]), *arguments[1:-1], NOISY_TURNS)
    print(cost, flush=True)
    write(noisy_entries(cost, opd_nm.shape))
    if resolve_device("auto") == "cpu":
        print(NO_GPU)
        return
    cost, machine = on_gpu(*arguments)
    print(machine, cost)
    write(entries(cost, opd_nm.shape, "gpu", machine))


if __name__ == "__main__":
    main()
