"""Seconds, memory and agreement of the reconstruction on an NVIDIA GPU, full sensor frames, RGB.

The frames' cells are synthetic. Without a GPU it says so in one line and writes nothing.
Usage: python benchmarks/gpu.py
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from frame import CHANNELS, PITCH_UM, SHAPE_YX, TILE_YX, frame
from measured import entry, write

from lensfree.arrays import resolve_device, to_device, to_numpy
from lensfree.config import FocusConfig, OpticsConfig, ReconstructConfig, StorageConfig
from lensfree.contracts import FOCUS
from lensfree.io.stacks import create_holograms
from lensfree.io.tables import write_table
from lensfree.model_files import weights_file
from lensfree.phase.problem import Problem
from lensfree.phase.retrieve import Refine, retrieve
from lensfree.stages import reconstruct
from lensfree.stages.refine import load_refine

MODELS = Path(__file__).parents[1] / "models"
NO_GPU = "no GPU answers to CuPy: nothing was measured, nothing was written"
TURNS = 7
FIELDS = 12
OPEN_BEAM = 150.0
OPTICS = OpticsConfig()
PUBLISHED = ReconstructConfig(iterations_last=10)
REFERENCE = ReconstructConfig(method="reference", iterations_reference=153)
GB = 1e9


def seconds_of(call: Callable[[], object], synchronize: Callable[[], None], turns: int = TURNS) -> float:
    """Return the median seconds of a call whose work may still run on the device when it returns."""
    taken = []
    for turn in range(turns + 1):
        synchronize()
        start = time.perf_counter()
        call()
        synchronize()
        if turn:  # the first one compiles and plans
            taken.append(time.perf_counter() - start)
    return float(np.median(taken))


def retrieving(intensity: Any, config: ReconstructConfig, refine: Refine | None) -> Callable[[], Any]:
    """Return a call that retrieves a frame that is on the device already."""
    return lambda: retrieve(
        intensity, CHANNELS, pixel_pitch_um=PITCH_UM, optics=OPTICS, config=config, refine=refine
    )


def floor_bytes(padded_yx: tuple[int, int], channels: int) -> int:
    """Return the bytes that one evaluation of the objective must move at least.

    Four transforms per channel, each in two sweeps that read and write the field (8 bytes); transfer
    functions read twice, amplitudes (4) once; unknowns (8) read twice, the gradient (8) written. Everything
    else could ride on these sweeps.
    """
    per_channel = 4 * 2 * 2 * 8 + 2 * 8 + 4
    return padded_yx[0] * padded_yx[1] * (channels * per_channel + 2 * 8 + 8)


def copy_bytes_per_s(xp: Any, synchronize: Callable[[], None], size: int = 2**28) -> float:
    """Return how fast an array of float32 is copied on the device, bytes read plus bytes written."""
    source, target = xp.ones(size, xp.float32), xp.empty(size, xp.float32)
    seconds = seconds_of(lambda: xp.copyto(target, source), synchronize)
    return 2 * 4 * size / seconds


def times_floor(intensity: Any, bytes_per_s: float, synchronize: Callable[[], None]) -> float:
    """Return the time of one evaluation over that of moving its least bytes at this speed."""
    problem = Problem.build(intensity, CHANNELS, PITCH_UM, OPTICS, PUBLISHED)
    unknowns = 0.01 + 0 * problem.objective.amplitude[:2]
    seconds = seconds_of(lambda: problem.objective.value_and_gradient(unknowns), synchronize)
    return seconds / (floor_bytes(problem.grid.padded_yx, len(CHANNELS)) / bytes_per_s)


@dataclass(frozen=True)
class Files:
    """What stage reconstruct reads, in a folder where it may write."""

    holograms: Path
    focus: Path
    n_fields: int

    @classmethod
    def made(cls, folder: Path, intensity: np.ndarray, n_fields: int) -> Files:
        """Write so many frames of a field, in counts of 8 bits and each with noise of its own."""
        files = cls(folder / f"holograms_{n_fields}.h5", folder / "focus.parquet", n_fields)
        rng = np.random.default_rng(0)
        with create_holograms(
            files.holograms,
            n_frames=n_fields,
            first_frame=0,
            dtype=np.uint8,
            background=np.full(intensity.shape, OPEN_BEAM, np.float32),
            channels=list("RGB"),
            wavelength_nm=[channel.wavelength_nm for channel in CHANNELS],
            pixel_pitch_um=PITCH_UM,
            sources=[["synthetic"]] * n_fields,
        ) as sink:
            for index in range(n_fields):
                noisy = intensity + np.float32(0.005) * rng.standard_normal(intensity.shape, np.float32)
                counts = np.clip(np.rint(OPEN_BEAM * noisy), 0, 254).astype(np.uint8)
                sink.write(index, time_h=index / 6, counts=counts)
        table = pd.DataFrame([vars(channel) for channel in CHANNELS])
        given = {"is_estimated": False, "tilt_y_um_per_mm": 0.0, "tilt_x_um_per_mm": 0.0}
        write_table(files.focus, table.assign(channel=list("RGB"), **given), FOCUS)
        return files

    def reconstruct(
        self, out: Path, config: ReconstructConfig, storage: StorageConfig, weights: Path
    ) -> float:
        """Return the seconds that stage reconstruct takes, from file to file."""
        start = time.perf_counter()
        reconstruct.run(
            holograms=self.holograms,
            focus=self.focus,
            out=out,
            optics=OPTICS,
            focus_config=FocusConfig(),
            config=config,
            storage=storage,
            weights=weights,
            provenance={},
        )
        return time.perf_counter() - start


def field_s(
    folder: Path, intensity: np.ndarray, config: ReconstructConfig, weights: Path
) -> dict[str, float]:
    """Return the seconds per field from file to file, by compression of what is written."""
    few, many = (Files.made(folder, intensity, n_fields) for n_fields in (2, FIELDS))
    found = {}
    for compression in ("gzip", "blosc2"):
        storage = StorageConfig(compression=compression)
        begun = few.reconstruct(
            folder / "few.h5", config, storage, weights
        )  # compiles, plans, fills the pools
        found[compression] = many.reconstruct(folder / "many.h5", config, storage, weights) / FIELDS
        print(
            f"{compression}: {begun:.2f} s for the first 2 fields, then {found[compression]:.3f} s per field"
        )
    return found


def differences_nm(intensity: np.ndarray, refine: Refine) -> dict[str, np.ndarray]:
    """Return the absolute difference of OPD between GPU and CPU per pixel, by what was run."""
    found = {}
    runs = {"descents": (PUBLISHED, None), "CNN": (PUBLISHED, refine), "reference": (REFERENCE, None)}
    for name, (config, step) in runs.items():
        on_cpu = retrieving(intensity, config, step)().opd_nm
        on_gpu = to_numpy(retrieving(to_device(intensity, "cuda"), config, step)().opd_nm)
        found[name] = abs(on_gpu - on_cpu)
        shares = np.percentile(found[name], (50, 99, 100))
        print(
            f"GPU against CPU, {name}: median {shares[0]:.4f}, 99 % {shares[1]:.4f}, most {shares[2]:.3f} nm"
        )
    return found


def forget_memory(cupy: Any) -> None:
    """Hand all free memory back, so that what is held next is what is needed."""
    cupy.fft.config.get_plan_cache().clear()
    cupy.get_default_memory_pool().free_all_blocks()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()


def held_gb(cupy: Any) -> float:
    """Return the most memory that CuPy and torch have held since `forget_memory`, without their contexts.

    CuPy's pool does not shrink by itself, so what it holds is the most it has held.
    """
    return (cupy.get_default_memory_pool().total_bytes() + torch.cuda.max_memory_reserved()) / GB


def measure(cupy: Any) -> dict[str, dict[str, object]]:
    """Measure everything; return the entries of the table."""
    synchronize = cupy.cuda.Device().synchronize
    name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    machine = f"{name}, CUDA {cupy.cuda.runtime.runtimeGetVersion()}, CuPy {cupy.__version__}"
    weights = weights_file(PUBLISHED.refine, MODELS)
    refine = load_refine(weights)
    on_host = frame(OPTICS)
    cut = np.ascontiguousarray(on_host[:, : TILE_YX[0], : TILE_YX[1]])
    differences = differences_nm(cut, refine)

    forget_memory(cupy)
    intensity = to_device(on_host, "cuda")
    retrieving(intensity, PUBLISHED, refine)()
    peak_gb = held_gb(cupy)
    descent_s = seconds_of(retrieving(intensity, PUBLISHED, lambda *maps: maps), synchronize)
    with_cnn_s = seconds_of(retrieving(intensity, PUBLISHED, refine), synchronize)
    reference_s = seconds_of(retrieving(intensity, REFERENCE, None), synchronize, turns=3)
    bytes_per_s = copy_bytes_per_s(cupy, synchronize)
    over = times_floor(intensity, bytes_per_s, synchronize)
    print(f"{machine}: copies {bytes_per_s / 1e12:.2f} TB/s; with CNN {with_cnn_s:.3f} s on the device")
    with tempfile.TemporaryDirectory() as folder:
        by_storage = field_s(Path(folder), on_host, PUBLISHED, weights)

    size = f"{SHAPE_YX[0]} x {SHAPE_YX[1]} RGB"
    whole = f"one field of {size} from file to file, 10 + CNN + 10 iterations, among {FIELDS}"
    found = [
        ("gpu_field_s", by_storage["gzip"], "s", f"{whole}, gzip", FIELDS),
        ("gpu_field_blosc2_s", by_storage["blosc2"], "s", f"{whole}, Blosc2", FIELDS),
        ("gpu_descent_s", descent_s, "s", f"10 + 10 iterations of {size} on the device", TURNS),
        ("gpu_cnn_s", with_cnn_s - descent_s, "s", f"the CNN between them, {size}", TURNS),
        ("gpu_reference_s", reference_s, "s", f"153 iterations of {size} on the device", 3),
        ("gpu_peak_gb", peak_gb, "GB", f"memory that CuPy and torch held for {size}, without contexts", 1),
        ("gpu_over_floor", over, "1", "value and gradient / its least bytes at the speed of a copy", TURNS),
        *(
            (
                f"gpu_cpu_{run.lower()}_nm",
                float(np.percentile(apart, 99)),
                "nm",
                f"99 % of pixels differ less between GPU and CPU, {run}",
                1,
            )
            for run, apart in differences.items()
        ),
    ]
    return {
        f"speed.{key}": {**entry(value, unit, "lower", said, n, __file__), "machine": machine}
        for key, value, unit, said, n in found
    }


def main() -> None:
    """Measure and write, or say that there is no GPU."""
    if resolve_device("auto") == "cpu":
        print(NO_GPU)
        return
    import cupy

    entries = measure(cupy)
    write(entries)
    for key, values in entries.items():
        print(f"{key} {values['value']:.4g} {values['unit']}")


if __name__ == "__main__":
    main()
