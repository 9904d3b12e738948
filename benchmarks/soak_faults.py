"""Damaged files, unreadable inputs and a full disk: what a run says of each, and whether it recovers."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from soak_place import Place

MODEL = "datasets/culture/score_model.safetensors"
# A result, what reads it, and what else that job writes.
READERS = (
    ("plate/background.h5", ("plate/holograms/0000.h5", "plate/frames/0000.parquet")),
    ("plate/frames/0000.parquet", ("plate/frames.parquet",)),
    ("plate/holograms/0000.h5", ("plate/focus.parquet",)),
    ("plate/focus.parquet", ("plate/opd/0000.h5",)),
    ("virtual/holograms/0000.h5", ("virtual/opd/0000.h5",)),
    ("movie/opd/0000.h5", ("movie/cells/0000.parquet",)),
    ("movie/cells/0001.parquet", ("movie/tracks.parquet", "movie/lineage_events.parquet")),
    ("movie/tracks.parquet", ("movie/series.parquet", "movie/cell_cycles.parquet")),
    ("movie/series.parquet", (MODEL,)),
    ("movie/lineage_events.parquet", ("movie/scores.parquet", "movie/windows.parquet")),
    (MODEL, ("movie/scores.parquet", "movie/windows.parquet")),
    ("movie/windows.parquet", ("movie/flags.csv",)),
    ("movie/scores.parquet", ("movie/report.html", "movie/summary.png")),
    ("movie/tracks.parquet", ("movie/export/tracks.xml",)),
    ("virtual/truth.parquet", ("virtual/report.html", "virtual/summary.png")),
)


@dataclass(frozen=True)
class Outcome:
    """What came of one fault.

    Attributes:
        fault: what was done.
        file: to which file.
        is_named: whether the run stopped with a message that names the file (or finished with equal tables).
        is_recovered: whether the same command then finished with the tables of the undisturbed run.
        said: the line of the message.
    """

    fault: str
    file: str
    is_named: bool
    is_recovered: bool
    said: str

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost and nothing was silently wrong."""
        return self.is_named and self.is_recovered


def damage_results(place: Place, undisturbed: dict[str, str], rng: np.random.Generator) -> list[Outcome]:
    """Flip a bit of one result or cut it, in turn, and compute again what reads it."""
    outcomes = []
    for index, (name, outputs) in enumerate(READERS):
        path = place.results / name
        seen = path.stat()
        whole = path.read_bytes()
        spot = int(rng.integers(len(whole)))
        fault = (
            f"bit flipped in byte {spot} of {len(whole)}"
            if index % 2
            else f"cut to {spot} of {len(whole)} bytes"
        )
        if index % 2:
            path.write_bytes(
                whole[:spot] + bytes([whole[spot] ^ (1 << int(rng.integers(8)))]) + whole[spot + 1 :]
            )
        else:
            path.write_bytes(whole[:spot])
        os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
        for output in outputs:
            (place.results / output).unlink(missing_ok=True)
        target = f"results/{outputs[0]}"
        is_ok, text = place.run(target)
        said = _line(text, f"results/{name}")
        path.unlink()
        is_again, _ = place.run(target)
        is_same = is_again and _is_same(place, undisturbed, (name, *outputs))
        outcomes.append(Outcome(fault, f"results/{name}", not is_ok and bool(said), is_same, said))
    return outcomes


def spoil_inputs(place: Place, undisturbed: dict[str, str], rng: np.random.Generator) -> list[Outcome]:
    """Make raw files unreadable in turn; the folder has no results of the acquisition."""
    ways: tuple[tuple[str, Callable[[Path], object]], ...] = (
        ("cut to a third", lambda p: p.write_bytes(p.read_bytes()[: p.stat().st_size // 3])),
        ("header overwritten", lambda p: p.write_bytes(rng.bytes(64) + p.read_bytes()[64:])),
        ("a folder in its place", lambda p: (p.unlink(), p.mkdir())),
        ("a link to nothing in its place", lambda p: (p.unlink(), p.symlink_to("nowhere.tif"))),
    )
    outcomes = []
    path = place.folder / "raw" / "f001_2.tif"
    whole = path.read_bytes()
    for fault, spoil in ways:
        spoil(path)
        is_ok, text = place.run("results/plate/frames.parquet")
        said = _line(text, path.name)
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        path.write_bytes(whole)
        is_again, _ = place.run("results/plate/frames.parquet")
        is_same = is_again and _is_same(
            place, undisturbed, ("plate/frames.parquet", "plate/holograms/0000.h5")
        )
        outcomes.append(Outcome(fault, f"raw/{path.name}", not is_ok and bool(said), is_same, said))
        shutil.rmtree(place.results)
    outcomes.append(_vanish(place, path, whole, undisturbed))
    return outcomes


def _vanish(place: Place, path: Path, whole: bytes, undisturbed: dict[str, str]) -> Outcome:
    """Take a raw file away after the plan was made, before the job that reads it."""
    running = place.start("results/plate/frames.parquet")
    while running.poll() is None and not (place.results / "plate").exists():
        pass
    path.unlink()
    running.wait()
    said = _line(place.said(), path.name)
    path.write_bytes(whole)
    is_again, _ = place.run("results/plate/frames.parquet")
    is_same = is_again and _is_same(place, undisturbed, ("plate/frames.parquet", "plate/holograms/0000.h5"))
    return Outcome(
        "vanishes while the run begins",
        f"raw/{path.name}",
        running.returncode != 0 and bool(said),
        is_same,
        said,
    )


def fill_the_disk(place: Place, undisturbed: dict[str, str], rooms_kb: tuple[int, ...]) -> list[Outcome]:
    """Put the results on a disk with little room, then with enough; needs root for a tmpfs."""
    outcomes = []
    for room_kb in rooms_kb:
        shutil.rmtree(place.results, ignore_errors=True)
        place.results.mkdir()
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={room_kb}k", "tmpfs", str(place.results)], check=True
        )
        try:
            is_ok, text = place.run()
            said = _line(text, "No space left on device")
            broken = [
                name
                for name, digest in place.digests().items()
                if undisturbed.get(name) not in (digest, None)
            ]
            subprocess.run(["mount", "-o", "remount,size=64m", str(place.results)], check=True)
            is_again, _ = place.run()
            is_same = is_again and _is_same(place, undisturbed, tuple(place.digests()))
        finally:
            subprocess.run(["umount", str(place.results)], check=True)
        is_named = not is_ok and "results/" in said and not broken
        outcomes.append(Outcome(f"disk full after {room_kb} kB", "results/", is_named, is_same, said))
    return outcomes


def _is_same(place: Place, undisturbed: dict[str, str], names: tuple[str, ...]) -> bool:
    """Whether files are, byte for byte, those of the undisturbed run; pages only have to be there."""
    found = place.digests()
    return all(
        found.get(name) == undisturbed[name] if name in undisturbed else (place.results / name).exists()
        for name in names
    )


def _line(text: str, wanted: str) -> str:
    """Return the first line of an error that contains what is wanted."""
    lines = [line.strip() for line in text.splitlines() if wanted in line and "rror" in line]
    lines += [line.strip() for line in text.splitlines() if wanted in line and "input" not in line]
    return lines[0] if lines else ""
