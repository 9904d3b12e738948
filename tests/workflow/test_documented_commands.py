"""Every command of README.md, the tutorial and the how-to pages runs, or is listed with why it does not."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from conftest import hear_interrupts
from documented import ENDLESS, NOT_RUN, PLANNED, ROOT, Block, all_blocks, blocks_of

from lensfree.acquisitions import Acquisition
from lensfree.anomaly.verdicts import FOUND, with_room_for_verdicts
from lensfree.config import OpticsConfig, SimulateConfig
from lensfree.contracts import TRACKS
from lensfree.io.exports.spreadsheet import write_csv
from lensfree.simulate.population import random_field
from lensfree.simulate.render import render_opd
from lensfree.stages import simulate

pytestmark = pytest.mark.workflow

COPIED = ("Snakefile", "config.yaml", "Makefile", "pyproject.toml", "constraints.txt", "workflow", "scripts")
COPIED = (*COPIED, "src", "profiles", "models", "envs", "docs/examples")
FRAMES, LATER = 3, 1
COMMANDS = {"python": [sys.executable, "-"], "r": ["Rscript", "--vanilla", "-"]}


@dataclass
class Reader:
    """Somebody who follows the pages in a copy of the project."""

    folder: Path
    failed: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    said: str = ""

    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if k != "SNAKEMAKE_PROFILE"}
        path = f"{self.folder / '.venv' / 'bin'}{os.pathsep}{kept['PATH']}"
        own = {
            "PATH": path,
            "PYTHONPATH": f"{self.folder / 'src'}{os.pathsep}{ROOT / 'src'}",
            "OMP_NUM_THREADS": "1",
        }
        return {**kept, **own, "MPLBACKEND": "agg"}

    def follow(self, block: Block) -> None:
        """Run the commands of a block; one that has run is repeated only where something has changed."""
        is_changed = "more frames arrive" in block.before
        if is_changed:
            self.bring_frames(range(FRAMES, FRAMES + LATER))
        for command in block.commands:
            if command in NOT_RUN or (command in self.done and not is_changed):
                continue
            if command in ENDLESS:
                self.watch(command, ENDLESS[command])
            elif block.language == "sh":
                shown = command.replace(" -- ", " -n -- ") if " -- " in command else f"{command} -n"
                self.run(["bash", "-c", shown if command in PLANNED else command], "", block.page, command)
            else:
                self.run(COMMANDS[block.language], command, block.page, command)

    def run(self, command: list[str], given: str, page: str, shown: str) -> None:
        done = subprocess.run(
            command,
            input=given,
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
        )
        self.done.append(shown)
        self.said += done.stdout
        if done.returncode:
            self.failed.append(f"{page}: {shown}\n{done.stdout[-3000:]}")

    def watch(self, command: str, expected: str) -> None:
        """Let a command that does not end by itself say what it has to say, and end it as Ctrl-C does."""
        said = self.folder / "said.txt"
        with open(said, "w") as out:
            process = subprocess.Popen(
                ["bash", "-c", command],
                cwd=self.folder,
                env=self.environment(),
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=hear_interrupts,
            )
        until = time.monotonic() + 60
        while expected not in said.read_text() and time.monotonic() < until and process.poll() is None:
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)
        self.done.append(command)
        if expected not in said.read_text():
            self.failed.append(f"{command}: expected '{expected}'\n{said.read_text()}")

    def bring_frames(self, frames: range) -> None:
        """Put raw files where the microscope writes them."""
        for well in ("A1", "B1"):
            folder = self.folder / "mydata" / "plate1" / well
            folder.mkdir(parents=True, exist_ok=True)
            for frame in frames:
                for channel in "RGB":
                    source = self.folder / "recorded" / f"{frame:04d}_{channel}.tif"
                    image = tifffile.imread(source)
                    turned = image if well == "A1" else image[::-1]
                    tifffile.imwrite(folder / f"{well}_{frame:04d}_{channel}.tif", turned)


def copy_project(folder: Path) -> None:
    """Copy what a clone has, and an environment that is this one."""
    for name in COPIED:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, target, ignore=skip) if source.is_dir() else shutil.copy(source, target)
    (folder / "demo").symlink_to(ROOT / "demo")
    environment = Path(sys.prefix)
    (folder / ".venv").mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        if (environment / name).exists():
            (folder / ".venv" / name).symlink_to(environment / name)
    (folder / ".venv" / ".stamp").touch()


def record(folder: Path) -> None:
    """Write a synthetic recording of a few cells, as TIFF files."""
    acquisition = Acquisition(
        acquisition="recorded",
        kind="simulated",
        files="{frame}_{channel}.tif",
        wavelength_nm="647,540,450",
        pixel_pitch_um=1.67,
        frame_interval_min=10,
    ).in_folder(folder / "recorded")
    config = SimulateConfig(
        **dict.fromkeys(("dim_frames", "defocused_frames", "stage_jumps"), 0),
        **{"frames": FRAMES + LATER, "height_px": 72, "width_px": 96, "cells_per_mm2": 250},
        **{"oversampling": 1, "spectral_lines": 1, "seed": 3},
    )
    simulate.run(
        acquisition=acquisition,
        config=config,
        optics=OpticsConfig(),
        out_dir=folder / "recorded",
        truth=folder / "truth.parquet",
        faults=folder / "faults.parquet",
        provenance={},
    )


def write_maps(folder: Path) -> None:
    """Write OPD maps as another microscope would."""
    (folder / "mydata" / "qpi").mkdir(parents=True)
    cells = random_field(np.random.default_rng(1), (90, 120), 1.2, 600.0)
    for frame in range(3):
        opd_nm = render_opd(cells, (90, 120), 1.2) + np.random.default_rng(frame).normal(0, 1, (90, 120))
        tifffile.imwrite(folder / "mydata" / "qpi" / f"A1_{frame:04d}.tif", opd_nm.astype(np.float32))


@pytest.fixture
def reader(tmp_path) -> Reader:
    copy_project(tmp_path)
    record(tmp_path)
    write_maps(tmp_path)
    reader = Reader(tmp_path)
    reader.bring_frames(range(FRAMES))
    return reader


def test_every_command_of_every_page_runs(reader):
    for block in all_blocks():
        if block.language in ("sh", "python"):
            reader.follow(block)
    assert not reader.failed, "\n\n".join(reader.failed)
    results = reader.folder / "results"
    assert (results / "plate1_A1" / "report.html").is_file()
    assert (results / "plate1_A1" / "export" / "opd.ome.tif").is_file()
    assert (results / "qpi_A1" / "cells" / "0000.parquet").is_file()
    assert set(PLANNED) | set(ENDLESS) <= set(reader.done)


@pytest.mark.skipif(not shutil.which("Rscript"), reason="R is not installed, its examples are not run")
def test_the_examples_for_r_run(tmp_path):
    tracks = pd.DataFrame(
        {
            **{name: np.zeros(6, dtype=column.dtype) for name, column in TRACKS.columns.items()},
            **{"cell_id": [7, 7, 7, 8, 8, 9], "time_h": [0.0, 0.5, 1.0, 0.0, 0.5, 1.0]},
            **{"dry_mass_pg": [100.0, 101, 102, 200, 201, 300], "dry_mass_se_pg": [np.nan, *[4.5] * 5]},
        }
    )
    (tmp_path / "results/plate1_A1/export").mkdir(parents=True)
    write_csv(tmp_path / "results/plate1_A1/export/tracks.csv", tracks[list(TRACKS.columns)])
    found = pd.DataFrame({name: [0.0] * 2 for name in FOUND}).assign(
        series_id=[4, 5], surprise=[7.5, 9.5], normal_share=[0.25, 0.125], kind=["death", "giant"]
    )
    with_room_for_verdicts(found).to_csv(tmp_path / "results/plate1_A1/flags.csv", index=False)
    reader = Reader(tmp_path)
    for block in (b for b in all_blocks() if b.language == "r"):
        reader.follow(block)
    assert not reader.failed, "\n\n".join(reader.failed)
    assert re.search(r"5 +0.125 +giant\n.* 4 +0.250 +death", reader.said)
    for numbers in (
        ["1", "0.0", "300"],
        ["2", "0.5", "302"],
        ["3", "1.0", "402"],
        ["3", "1.0", "102", "4.5"],
    ):
        assert re.search(r"^ *" + " +".join(map(re.escape, numbers)) + " *$", reader.said, re.MULTILINE)


def test_the_tutorial_counts_verdicts(tmp_path):
    """In the tiny recording nothing lives for 30 h, so nobody is asked for a verdict there."""
    rows = pd.DataFrame({name: [0.0] * 4 for name in FOUND}).assign(is_flagged=[True, True, True, False])
    filled = with_room_for_verdicts(rows).assign(
        verdict=["biological", "false_positive", "", "false_positive"]
    )
    (tmp_path / "mydata").mkdir()
    filled.to_csv(tmp_path / "mydata/plate1_A1_verdicts.csv", index=False)
    reader = Reader(tmp_path)
    (block,) = [b for b in blocks_of("docs/tutorial.md") if "precision_of" in b.text]
    reader.follow(block)
    assert not reader.failed, "\n\n".join(reader.failed)
    assert "no false positive: 0.50" in reader.said
    assert "'biological': 1" in reader.said and "'': 1" in reader.said


def test_a_command_that_fails_is_named(tmp_path):
    (tmp_path / "page.md").write_text(
        "- so:\n\n  ```sh\n  true   # well\n  false\n  ```\n\n```python\nraise ValueError('odd')\n```\n"
    )
    reader = Reader(tmp_path)
    for block in blocks_of("page.md", tmp_path):
        reader.follow(block)
    first, second = reader.failed
    assert first.startswith("page.md: false")
    assert second.startswith("page.md: raise ValueError('odd')") and "ValueError: odd" in second
    assert reader.done[0] == "true"


def test_what_is_not_run_is_still_on_a_page_and_has_a_reason():
    shown = {command for block in all_blocks() for command in block.commands}
    for listed in (NOT_RUN, PLANNED, ENDLESS):
        assert set(listed) <= shown
        assert all(len(reason) > 4 for reason in listed.values())
    assert not set(NOT_RUN) & set(PLANNED)


def test_every_fenced_block_says_what_it_is():
    languages = {block.language for block in all_blocks()}
    assert languages == {"sh", "python", "r", "text"}
    for block in all_blocks():
        assert "```" not in block.text, block.page


def test_the_tutorial_calls_the_parts_of_the_report_by_their_names():
    template = (ROOT / "src/lensfree/report/template.html.j2").read_text(encoding="utf-8")
    headings = re.findall(r"<h2[^>]*>([^<]+)</h2>", template)
    tutorial = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
    named = re.findall(r"\*\*([^*]+)\*\*", tutorial[tutorial.index("## 5.") : tutorial.index("## 6.")])
    assert len(named) >= 6
    for name in named:
        assert any(heading.startswith(name) for heading in headings), name
