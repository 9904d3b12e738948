"""What one, a hundred and ten thousand microscopes need: docs/scaling.md from measured costs and assumptions.

Costs are those of docs/benchmarks.json and docs/tracking_scale.json; what was not measured, prices above all,
stands in docs/scaling.json and is meant to be changed. Usage: python benchmarks/scaling.py
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
MICROSCOPES = (1, 100, 10_000)
CHUNKS = (12, 24, 48, 96, 216)
SLOTS = (4, 16)
HOURS_PER_MONTH = 730.0
STACKS = {"raw": "raw TIFF files", "holograms": "`holograms`", "opd": "`opd`", "cells": "`cells`"}


@dataclass(frozen=True)
class Costs:
    """What a full RGB frame and an acquisition cost.

    Attributes:
        core_s: processor seconds per frame by stage, on CPUs.
        gpu_s: seconds per frame on a GPU, reconstruct and quantify.
        track_core_s: processor seconds of tracking per frame.
        chunk_core_s: processor seconds of a chunk's jobs beside their frames.
        mb: disk per frame by stack [MB].
    """

    core_s: Mapping[str, float]
    gpu_s: float
    track_core_s: float
    chunk_core_s: float
    mb: Mapping[str, float]

    @property
    def cpu_core_s(self) -> float:
        """Return the processor seconds of a frame without a GPU, all stages."""
        return sum(self.core_s.values()) + self.track_core_s

    @property
    def beside_gpu_core_s(self) -> float:
        """Return the processor seconds of a frame whose reconstruct and quantify run on a GPU."""
        return self.core_s["load"] + self.track_core_s + self.gpu_s


def read_costs(measured: Mapping[str, Mapping[str, float]], tracking: Mapping, assumed: Mapping) -> Costs:
    """Return the costs; a key that no benchmark wrote yet is a KeyError that names it."""
    chunk = sum(measured[f"workflow.start_{s}_cpu_s"]["value"] for s in ("load", "reconstruct", "quantify"))
    detections = assumed["cells_per_field"]["value"]
    return Costs(
        core_s={s: measured[f"speed.cpu_{s}_job_s"]["value"] for s in ("load", "reconstruct", "quantify")},
        gpu_s=assumed["gpu_reconstruct_s_per_frame"]["value"] + assumed["gpu_quantify_s_per_frame"]["value"],
        track_core_s=tracking["lensfree"]["cpu_s"] / tracking["n_detections"] * detections,
        chunk_core_s=chunk,
        mb={name: measured[f"storage.{name}_mb_per_frame"]["value"] for name in STACKS},
    )


def share_beside(frames_per_chunk: int, per_frame_s: float, per_chunk_s: float) -> float:
    """Return the share of a chunk's time that is not spent on its frames."""
    return per_chunk_s / (per_chunk_s + frames_per_chunk * per_frame_s)


def use_of_slots(n_frames: int, frames_per_chunk: int, slots: int) -> float:
    """Return which share of so many job slots one acquisition keeps busy: its chunks run in rounds."""
    rounds = ceil(ceil(n_frames / frames_per_chunk) / slots)
    return n_frames / (slots * rounds * frames_per_chunk)


def needs(microscopes: int, costs: Costs, assumed: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Return what so many microscopes need: frames a month, cores, GPUs, TB, EUR a month."""
    value = {name: row["value"] for name, row in assumed.items()}
    hours = HOURS_PER_MONTH * value["core_use"]
    frames = (
        microscopes * HOURS_PER_MONTH * 60 / value["frame_interval_min"] * value["share_of_time_recording"]
    )
    cores = frames * costs.cpu_core_s / 3600 / hours
    gpus = frames * costs.gpu_s / 3600 / hours
    beside = frames * costs.beside_gpu_core_s / 3600 / hours
    new_tb = frames * sum(costs.mb.values()) / 1e6
    disk_eur = new_tb * value["months_kept"] * value["disk_price_eur_per_tb_month"]
    core_eur = value["core_price_eur_per_h"] * HOURS_PER_MONTH
    return {
        "frames": frames,
        "cores": cores,
        "gpus": gpus,
        "cores_beside": beside,
        "new_tb": new_tb,
        "kept_tb": new_tb * value["months_kept"],
        "cpu_eur": cores * core_eur + disk_eur,
        "gpu_eur": gpus * value["gpu_price_eur_per_h"] * HOURS_PER_MONTH + beside * core_eur + disk_eur,
        "disk_eur": disk_eur,
    }


def table(head: str, rows: list[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    columns = head.count("|") + 1
    return "\n".join(
        [f"| {head} |", "|" + "---|" * columns, *("| " + " | ".join(row) + " |" for row in rows)]
    )


def disk_table(costs: Costs, n_frames: int) -> str:
    """Return what a frame and an acquisition take on disk."""
    rows = [(STACKS[n], f"{mb:.2f}", f"{mb * n_frames / 1e3:.2f}") for n, mb in costs.mb.items()]
    without = [sum(mb for n, mb in costs.mb.items() if n not in left) for left in ((), ("holograms",))]
    rows += [
        (said, f"{mb:.2f}", f"{mb * n_frames / 1e3:.2f}")
        for said, mb in zip(("all", "all, `keep: [opd]`"), without, strict=True)
    ]
    return table(f"files | MB per frame | GB per {n_frames} frames", rows)


def chunk_table(costs: Costs, assumed: Mapping[str, Mapping[str, float]]) -> str:
    """Return what the number of frames per chunk costs and gains."""
    n_frames = int(assumed["frames_per_acquisition"]["value"])
    on_gpu_s = costs.chunk_core_s + 2 * assumed["gpu_job_start_s"]["value"]
    cluster_s = costs.chunk_core_s + 3 * assumed["cluster_job_start_s"]["value"]
    per_cpu_s = sum(costs.core_s.values())
    rows = [
        (
            str(size),
            *(f"{share_beside(size, per_cpu_s, chunk_s):.1%}" for chunk_s in (costs.chunk_core_s, cluster_s)),
            f"{share_beside(size, costs.gpu_s, on_gpu_s):.0%}",
            *(f"{use_of_slots(n_frames, size, slots):.0%}" for slots in SLOTS),
            f"{size * per_cpu_s / 2 / 60:.0f}",
        )
        for size in CHUNKS
    ]
    head = "frames per chunk | beside frames, CPU | the same on a cluster | on a GPU (assumed)"
    slots = " | ".join(f"use of {n} slots" for n in SLOTS)
    return table(f"{head} | {slots} | minutes per chunk, 2 cores", rows)


def needs_table(costs: Costs, assumed: Mapping[str, Mapping[str, float]]) -> str:
    """Return cores, GPUs, disk and money of each number of microscopes."""
    rows = []
    for n in MICROSCOPES:
        need = needs(n, costs, assumed)
        rows.append(
            (
                f"{n:,}",
                f"{need['frames']:,.0f}",
                f"{need['cores']:,.1f}",
                f"{need['gpus']:,.2f} + {need['cores_beside']:,.1f}",
                f"{need['new_tb']:,.2f}",
                f"{need['kept_tb']:,.1f}",
                f"{need['cpu_eur']:,.0f}",
                f"{need['gpu_eur']:,.0f}",
                f"{need['disk_eur']:,.0f}",
            )
        )
    head = "microscopes | frames a month | cores, no GPU | GPUs + cores | new TB a month | TB kept"
    return table(f"{head} | EUR a month, CPU | EUR a month, GPU | of it disk", rows)


def page(measured: Mapping[str, Mapping[str, float]], tracking: Mapping, assumed: Mapping) -> str:
    """Return docs/scaling.md."""
    costs = read_costs(measured, tracking, assumed)
    n_frames = int(assumed["frames_per_acquisition"]["value"])
    found = (re.fullmatch(r"workflow\.plan_(\d+)_cpu_s", key) for key in measured)
    plans = {n: measured[f"workflow.plan_{n}_cpu_s"]["value"] for n in sorted(int(m[1]) for m in found if m)}
    well_s = measured["workflow.plan_one_well_cpu_s"]["value"]
    done = measured.get("workflow.plan_done_cpu_s")
    said = "not measured yet" if done is None else f"{done['value']:.1f} CPU s"
    stages = [(f"`{stage}`", f"{s:.1f}") for stage, s in costs.core_s.items()]
    stages += [("`track`", f"{costs.track_core_s:.2f}"), ("all", f"{costs.cpu_core_s:.1f}")]
    prices = [(f"`{n}`", f"{row['value']:g} {row['unit']}", row["source"]) for n, row in assumed.items()]
    plan_rows = [(f"{n}", f"{s:.1f}", f"{s / n:.2f}") for n, s in plans.items()]
    parts = {
        "costs": table("stage | processor seconds per frame", stages),
        "disk": disk_table(costs, n_frames),
        "chunks": chunk_table(costs, assumed),
        "plans": table("acquisitions in the sheet | CPU s of `snakemake -n` | per acquisition", plan_rows),
        "needs": needs_table(costs, assumed),
        "assumed": table("assumption | value | where from", prices),
        "chunk_s": f"{costs.chunk_core_s:.1f}",
        "done_s": said,
        "well_s": f"{well_s:.1f}",
        "n_frames": str(n_frames),
        "core_h": f"{costs.cpu_core_s * n_frames / 3600:.1f}",
    }
    return (Path(__file__).parent / "scaling_page.md").read_text(encoding="utf-8").format(**parts)


if __name__ == "__main__":
    read = {
        name: json.loads((DOCS / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("benchmarks", "tracking_scale", "scaling")
    }
    text = page(read["benchmarks"], read["tracking_scale"][0], read["scaling"])
    (DOCS / "scaling.md").write_text(text, encoding="utf-8")
