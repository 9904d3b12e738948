"""Other ways from holograms to OPD beside lensfree's, on the same files: accuracy, time, memory.

Every method runs in a process of its own; one that is not installed is skipped with a line that says so.
Linux only, for the memory. Usage: python benchmarks/peers.py [--only PATTERN] [--again]
"""

from __future__ import annotations

import argparse
import time
from fnmatch import fnmatch
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import peer_table
from measured import DOCS, entry
from own_process import forget_peak, in_own_process, resident_mb
from peer_cases import Case, bead_cases, rgb_case, scores
from peer_methods import METHODS

from lensfree.config import Config
from lensfree.stages.held_out import masses_pg

BEADS = Path(__file__).parents[1] / "demo" / "real" / "beads_multiheight"
UM_PER_MM = 1000.0


def chosen(name: str, case: Case) -> dict[str, Any]:
    """Return the settings of the method that come nearest to the truth by the table's first figure."""
    set_threads()
    figure = next(iter(peer_table.CASES[case.key][1]))
    is_error = "rmse" in figure

    def badness(settings: dict[str, Any]) -> float:
        value = scores(case, METHODS[name].run(case, **settings))[figure]
        print(f"{case.key}, {name}, {settings}: {figure} {value:.4f}", flush=True)
        return float(np.nan_to_num(value if is_error else -value, nan=np.inf))

    candidates = list(METHODS[name].settings(case))
    return min(candidates, key=badness) if len(candidates) > 1 else candidates[0]


def measured(name: str, case: Case, settings: dict[str, Any]) -> tuple[np.ndarray, float, float]:
    """Return OPD [nm] (y, x), seconds and MB of one call after a smaller one that loads and compiles."""
    set_threads()
    run = METHODS[name].run
    run(case.quarter(), **settings)
    before_mb = forget_peak()
    start = time.perf_counter()
    opd_nm = run(case, **settings)
    seconds = time.perf_counter() - start
    return opd_nm, seconds, resident_mb("VmHWM") - before_mb


def set_threads() -> None:
    """Give torch the threads that everything else takes, and hold hotopy's log back."""
    import logging

    import torch

    from lensfree.arrays import cpu_count

    torch.set_num_threads(cpu_count())
    logging.getLogger("hotopy").setLevel(logging.ERROR)


def said_of(case: Case) -> str:
    """Return what the case's holograms are, in a sentence."""
    size = " x ".join(str(n) for n in case.true_nm.shape)
    colours = ", ".join(f"{nm:g}" for nm in dict.fromkeys(c.wavelength_nm for c in case.channels))
    distances = ", ".join(f"{z / UM_PER_MM:.4g}" for z in dict.fromkeys(c.z_um for c in case.channels))
    shown = f"{size} pixels, {colours} nm, {distances} mm"
    if case.field is None:
        return f"{shown}; real holograms."
    is_round = masses_pg(case.field, np.zeros_like(case.true_nm), case.pixel_pitch_um)[2] > 0
    return (
        f"{shown}; synthetic, seed {case.config.evaluate.seeds[0]}, {(~is_round).sum()} flat and "
        f"{is_round.sum()} rounded cells that are whole, full optics, noise, 8 bits."
    )


def measured_row(name: str, case: Case, known: dict[str, Any] | None) -> dict[str, Any]:
    """Return one row of the table; with a known one its settings are taken over instead of searched."""
    settings = known["settings"] if known else in_own_process(chosen, name, case)
    opd_nm, seconds, peak_mb = in_own_process(measured, name, case, settings)
    package = METHODS[name].package
    stamp = entry(0.0, "", "", "", 0, __file__)
    return {
        "case": case.key,
        "what": said_of(case),
        "method": name,
        "package": f"{package} {version(package)}",
        "settings": settings,
        "scores": scores(case, opd_nm),
        "seconds": seconds,
        "peak_mb": peak_mb,
        **{key: stamp[key] for key in ("machine", "date", "command")},
    }


def main() -> None:
    """Measure every method on every case, write the table after each row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="*", metavar="PATTERN", help="rows whose `case/method` matches it")
    parser.add_argument("--again", action="store_true", help="measure known rows with their known settings")
    options = parser.parse_args()
    rows = peer_table.read_rows(DOCS / "peers.json")
    missing = sorted({method.package for method in METHODS.values() if not method.is_installed})
    for package in missing:
        print(peer_table.skipped(package))
    config = Config()
    for case in (*bead_cases(config, BEADS), rgb_case(config)):
        for name, method in METHODS.items():
            key = f"{case.key}/{name}"
            if not fnmatch(key, options.only) or not method.is_installed or not method.fits(case):
                continue
            row = measured_row(name, case, rows.get(key) if options.again else None)
            rows[key] = row
            print(
                key,
                row["settings"],
                row["scores"],
                f"{row['seconds']:.2f} s, {row['peak_mb']:.0f} MB",
                flush=True,
            )
            peer_table.write(DOCS, ordered(rows), missing)


def ordered(rows: dict[str, Any]) -> dict[str, Any]:
    """Return the rows in the order of cases and methods; rows of neither are dropped."""
    keys = [f"{case}/{name}" for case in peer_table.CASES for name in METHODS]
    return {key: rows[key] for key in keys if key in rows}


if __name__ == "__main__":
    main()
