"""What microscopes need follows from what a frame costs; the page holds every number it promises."""

import json
import re
from pathlib import Path

import pytest
import scaling

DOCS = Path(__file__).parents[2] / "docs"
ASSUMED = json.loads((DOCS / "scaling.json").read_text(encoding="utf-8"))
COSTS = scaling.Costs(
    core_s={"load": 2.0, "reconstruct": 70.0, "quantify": 27.5},
    gpu_s=4.0,
    track_core_s=0.5,
    chunk_core_s=10.0,
    mb={"raw": 30.0, "holograms": 20.0, "opd": 10.0, "cells": 1.0},
)


def assumed(**values):
    return ASSUMED | {name: {**ASSUMED[name], "value": value} for name, value in values.items()}


def test_a_frame_costs_what_its_stages_cost():
    assert COSTS.cpu_core_s == 100.0
    assert COSTS.beside_gpu_core_s == 2.0 + 0.5 + 4.0


def test_needs_follow_from_frames_by_hand():
    given = assumed(
        share_of_time_recording=1.0, frame_interval_min=10, core_use=0.5, months_kept=2,
        core_price_eur_per_h=0.1, gpu_price_eur_per_h=2.0, disk_price_eur_per_tb_month=10,
    )  # fmt: skip
    need = scaling.needs(1, COSTS, given)
    assert need["frames"] == 730 * 6
    assert need["cores"] == pytest.approx(6 * 100 / 3600 / 0.5)
    assert need["gpus"] == pytest.approx(6 * 4 / 3600 / 0.5)
    assert need["new_tb"] == pytest.approx(4380 * 61 / 1e6)
    assert need["disk_eur"] == pytest.approx(need["new_tb"] * 2 * 10)
    assert need["cpu_eur"] == pytest.approx(need["cores"] * 73 + need["disk_eur"])
    assert need["gpu_eur"] == pytest.approx(
        need["gpus"] * 1460 + need["cores_beside"] * 73 + need["disk_eur"]
    )


def test_needs_grow_with_the_number_of_microscopes():
    one, many = (scaling.needs(n, COSTS, ASSUMED) for n in (1, 100))
    assert all(many[key] == pytest.approx(100 * one[key]) for key in one)


@pytest.mark.parametrize(
    ("size", "slots", "use"), [(48, 9, 1.0), (48, 4, 0.75), (432, 4, 0.25), (24, 4, 0.9), (100, 5, 432 / 500)]
)
def test_slots_are_used_as_chunks_fill_their_rounds(size, slots, use):
    assert scaling.use_of_slots(432, size, slots) == pytest.approx(use)


def test_the_share_beside_frames_falls_with_the_chunk():
    shares = [scaling.share_beside(size, 2.0, 10.0) for size in (1, 5, 45)]
    assert shares == pytest.approx([10 / 12, 0.5, 0.1])


def measured():
    keys = [f"speed.cpu_{stage}_job_s" for stage in ("load", "reconstruct", "quantify")]
    keys += [f"workflow.start_{stage}_cpu_s" for stage in ("load", "reconstruct", "quantify")]
    keys += [f"workflow.plan_{n}_cpu_s" for n in (60, 240, "done", "one_well")]
    keys += [f"storage.{name}_mb_per_frame" for name in scaling.STACKS]
    return {key: {"value": 10.0 + number} for number, key in enumerate(keys)}


def test_the_page_is_whole():
    tracking = {"lensfree": {"cpu_s": 35.0}, "n_detections": 2_000_000}
    text = scaling.page(measured(), tracking, assumed(cells_per_field=4000))
    assert "| `track` | 0.07 |" in text and "| `reconstruct` | 11.0 |" in text
    assert not re.search(r"\{\w*\}|nan|None", text)
    for name, row in ASSUMED.items():
        assert f"| `{name}` | " in text and row["source"] in text
    for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1
    with pytest.raises(KeyError, match="storage.opd_mb_per_frame"):
        scaling.page({k: v for k, v in measured().items() if "opd" not in k}, tracking, ASSUMED)


def test_the_page_in_docs_is_the_generated_one():
    read = {
        name: json.loads((DOCS / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("benchmarks", "tracking_scale", "scaling")
    }
    text = scaling.page(read["benchmarks"], read["tracking_scale"][0], read["scaling"])
    assert (DOCS / "scaling.md").read_text(encoding="utf-8") == text, "run python benchmarks/scaling.py"
