"""What runs again and what does not: nothing, one acquisition, one stage and what follows, one chunk."""

import os

import numpy as np
import pytest
import tifffile
from conftest import ROW, write_frame

from lensfree.contracts import FRAMES
from lensfree.io.stacks import open_holograms
from lensfree.io.tables import read_provenance, read_table

pytestmark = pytest.mark.workflow

EVERYTHING = {
    "background plate",
    "load plate 0000",
    "load plate 0001",
    "check plate",
    "focus plate",
    "reconstruct plate 0000",
    "reconstruct plate 0001",
    "report plate",
}


def test_everything_was_made(place):
    assert {p.name for p in place.results().iterdir()} == {
        *("background.h5", "frames", "frames.parquet", "focus.parquet", "holograms", "opd"),
        *("raw", "report", "report.html", "summary.png"),
    }
    assert read_table(place.results() / "frames.parquet", FRAMES)["frame"].tolist() == [0, 1, 2]
    with open_holograms(place.results() / "holograms" / "0001.h5") as holograms:
        recorded = [tifffile.imread(place.folder / "raw" / f"f002_{c}.tif") for c in ("1", "2")]
        np.testing.assert_array_equal(holograms.read_counts(2), np.stack(recorded))


def test_results_say_how_they_were_made(place):
    provenance = read_provenance(place.results() / "frames.parquet")
    assert (provenance["rule"], provenance["acquisition"]) == ("check", "plate")
    with open_holograms(place.results() / "holograms" / "0000.h5") as holograms:
        assert holograms.provenance["acquisition"]["pixel_pitch_um"] == 1.67
        assert len(holograms.provenance["code"]) == 16


def test_logs_are_where_the_word_says(place):
    for word, name in (("load", "plate/0001.log"), ("focus", "plate.log"), ("reconstruct", "plate/0000.log")):
        assert (place.folder / "logs" / word / name).is_file()


def test_a_second_run_does_nothing(place):
    assert place.planned() == set()
    assert "Nothing to be done" in place.run()


def test_a_new_row_runs_only_its_acquisition(place):
    for frame in range(3):
        write_frame(place.folder, frame, prefix="g")
    place.rows.append(("other", *ROW[1:3], "raw/g{frame}_{channel}.tif", *ROW[4:]))
    assert place.planned() == {job.replace("plate", "other") for job in EVERYTHING}


def test_another_order_or_note_in_the_sheet_reruns_nothing_expensive(place):
    place.rows = [("plate", "renamed_data_set", *ROW[2:])]
    assert place.planned() <= {"report plate"}


@pytest.mark.parametrize(
    ("section", "change", "rerun"),
    [
        (
            "reconstruct",
            {"iterations_reference": 4},
            {"focus plate", "reconstruct plate 0000", "reconstruct plate 0001", "report plate"},
        ),
        ("report", {"montage_frames": 1}, {"report plate"}),
        ("track", {"memory_frames": 1}, set()),
        ("load", {"background": "smooth"}, EVERYTHING - {"check plate"}),
    ],
)
def test_a_changed_section_reruns_its_stage_and_what_follows(place, section, change, rerun):
    place.config[section] = {**place.config.get(section, {}), **change}
    got = place.planned()
    assert got - {"check plate"} == rerun


@pytest.mark.parametrize(
    ("module", "rerun"),
    [
        ("report/page.py", {"report plate"}),
        (
            "phase/retrieve.py",
            {"focus plate", "reconstruct plate 0000", "reconstruct plate 0001", "report plate"},
        ),
        ("tracks/link.py", set()),
    ],
)
def test_changed_code_reruns_the_stages_that_use_it(own_project, module, rerun):
    path = own_project.project / "src" / "lensfree" / module
    path.write_text(path.read_text(encoding="utf-8") + "\n# planted\n", encoding="utf-8")
    assert own_project.planned() == rerun


def test_a_touched_script_reruns_nothing(own_project):
    for path in (own_project.project / "scripts").glob("*.py"):
        os.utime(path)
    assert own_project.planned() == set()


def test_a_longer_acquisition_computes_its_last_chunk_only(place):
    write_frame(place.folder, 3)
    write_frame(place.folder, 4)
    assert place.planned() == {
        *("load plate 0001", "load plate 0002", "check plate"),
        *("reconstruct plate 0001", "reconstruct plate 0002", "report plate"),
    }
    place.run()
    assert len(read_table(place.results() / "frames.parquet", FRAMES)) == 5
    assert place.planned() == set()


def test_a_single_stage_can_be_asked_for(fresh):
    fresh.rows = [(*ROW[:8], "report")]
    assert fresh.planned("--until", "quantify") == {
        *(EVERYTHING - {"report plate"}),
        *("quantify plate 0000", "quantify plate 0001"),
    }
    scores = fresh.planned("results/plate/scores.parquet")
    assert {"track plate", "series plate", "train_score culture", "score plate"} <= scores
    assert "report plate" not in scores
    assert "flags plate" not in scores


def test_the_table_to_fill_in_is_made_of_what_is_tracked(fresh):
    fresh.rows = [(*ROW[:8], "report"), ("short", *ROW[1:])]
    jobs = fresh.planned()
    assert "flags plate" in jobs
    assert "flags short" not in jobs
    flags = fresh.planned("results/plate/flags.csv")
    assert {"track plate", "series plate", "score plate", "flags plate"} <= flags
    assert "report plate" not in flags


def test_results_can_lie_elsewhere(fresh):
    fresh.config["results"] = "out/of/the/way"
    assert "check plate" in fresh.planned("out/of/the/way/plate/frames.parquet")
