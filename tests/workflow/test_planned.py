"""What is planned, and why: every reason that a job can have, and the exact jobs it concerns."""

import os
import shutil

import pytest
import yaml
from conftest import MOVIE_CONFIG, MOVIE_ROW, ROOT, ROW, Workplace, write_frame

from lensfree.raw_files import COMPARED_B

pytestmark = pytest.mark.workflow

AFTER_TRACKS = {"flags movie", "report movie"}


@pytest.fixture
def moved(finished_movie, tmp_path) -> Workplace:
    """Project and results of the finished movie, copied elsewhere as they lay."""
    project, folder = (tmp_path / source.name for source in (finished_movie.project, finished_movie.folder))
    shutil.copytree(finished_movie.project, project)
    shutil.copytree(finished_movie.folder, folder)
    return Workplace(project, folder, [MOVIE_ROW], {**MOVIE_CONFIG})


def test_nothing_to_do_is_said_and_a_touched_frame_or_copied_results_are_nothing(place):
    for path in (place.folder / "raw").iterdir():
        os.utime(path)
    for path in (place.results() / "frames").iterdir():
        os.utime(path)
    assert place.plan() == "Nothing to do: 1 acquisition asked for, every result is up to date.\n"


@pytest.mark.parametrize("name", ["default", "slurm", "generic"])
def test_a_whole_frame_is_known_by_its_content(name):
    text = (ROOT / "profiles" / name / "profile.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(text)["max-checksum-file-size"] == f"{COMPARED_B // 10**6}MB"


def test_without_their_record_touched_frames_are_read_again(place):
    (place.results() / "raw" / "0001.json").unlink()
    assert place.planned() == set()
    os.utime(place.folder / "raw" / "f002_1.tif")
    assert "load, plate: changed raw files" in place.reasons()


def test_frames_that_take_each_other_s_place_are_read_again(place):
    one, other = (place.folder / "raw" / f"f00{frame}_1.tif" for frame in (0, 1))
    assert one.stat().st_size == other.stat().st_size
    one.rename(place.folder / "raw" / "kept")
    other.rename(one)
    (place.folder / "raw" / "kept").rename(other)
    assert "background, plate: changed file: f000_1.tif, f001_1.tif" in place.reasons()
    place.run()
    assert place.plan().startswith("Nothing to do")


def test_a_raw_file_that_is_gone_is_said(place):
    place.config["load"] = {"background": "none", "on_bad_frame": "gap"}
    place.run()
    (place.folder / "raw" / "f002_2.tif").unlink()
    assert "load, plate: reads other files: without f002_2.tif" in place.reasons()


def test_more_frames_a_new_acquisition_and_a_changed_setting_are_told_apart(place):
    for frame in range(3):
        write_frame(place.folder, frame, prefix="g")
    write_frame(place.folder, 3)
    write_frame(place.folder, 4)
    place.rows.append(("other", *ROW[1:3], "raw/g{frame}_{channel}.tif", *ROW[4:]))
    place.config["focus"] = {**place.config["focus"], "steps": 40}
    text = place.plan()
    assert text.splitlines()[0] == "16 jobs would run; 2 acquisitions asked for."
    assert text.splitlines()[1] == "Frames: load 6, reconstruct 8."
    stages = ("background", "load", "check", "focus", "reconstruct", "report")
    assert place.reasons() == {
        *(f"{stage}, other: new acquisition" for stage in stages),
        "load, plate: more frames (3 -> 4)",
        "load, plate: more frames",
        "check, plate: after load",
        "focus, plate: changed setting: focus.steps 121 -> 40",
        "reconstruct, plate: after focus",
        "reconstruct, plate: after load, focus",
        "reconstruct, plate: more frames",
        "report, plate: after load, check, focus, reconstruct",
    }


def test_changed_raw_data_missing_results_and_forced_jobs_are_named(place):
    write_frame(place.folder, 7)
    (place.folder / "raw" / "f007_2.tif").replace(place.folder / "raw" / "f002_2.tif")
    (place.folder / "raw" / "f007_1.tif").unlink()
    (place.results() / "report.html").unlink()
    assert place.reasons("--forcerun", "focus") == {
        "load, plate: changed file: f002_2.tif",
        "check, plate: after load",
        "focus, plate: asked for with --force",
        "reconstruct, plate: after focus",
        "reconstruct, plate: after load, focus",
        "report, plate: result is missing: report.html",
    }


def test_changed_code_is_named_by_its_stage(own_project):
    path = own_project.project / "src" / "lensfree" / "report" / "page.py"
    path.write_text(path.read_text(encoding="utf-8") + "\n# planted\n", encoding="utf-8")
    own_project.config["report"] = {"montage_frames": 1}
    assert own_project.reasons() == {
        "report, plate: changed setting: report.montage_frames 4 -> 1; changed code of report"
    }


def test_a_plan_without_records_says_that_it_does_not_know(place):
    shutil.rmtree(place.folder / ".snakemake" / "metadata")
    os.utime(place.results() / "focus.parquet")
    assert place.reasons() == {
        "reconstruct, plate: changed file: focus.parquet",
        "report, plate: after reconstruct",
    }


def test_changed_weights_train_and_score_again_and_nothing_before(moved):
    assert moved.planned() == set()
    registry = moved.project / "models" / "registry.yaml"
    entries = yaml.safe_load(registry.read_text(encoding="utf-8"))
    shutil.copyfile(
        moved.project / "models" / "forecast.safetensors", moved.project / "models" / "detector.safetensors"
    )
    entries["detector"]["sha256"] = entries["forecast"]["sha256"]
    registry.write_text(yaml.safe_dump(entries), encoding="utf-8")
    assert moved.reasons() == {
        "train_score, data set culture: changed weights: detector.safetensors",
        "score, movie: after train_score",
        "flags, movie: after score",
        "report, movie: after score",
    }


def test_acquisitions_of_a_data_set_share_a_detector_and_others_do_not(moved):
    other = ("other", *MOVIE_ROW[1:])
    moved.rows = [MOVIE_ROW, other]
    own = {
        *("ingest other 0000", "ingest other 0001", "check other", "track other", "series other"),
        *("quantify other 0000", "quantify other 0001", "score other", "flags other", "report other"),
        *("export_csv other tracks.csv", "export other tracks.xml"),
    }
    shared = {"train_score culture", "score movie", *AFTER_TRACKS}
    assert moved.planned() == own | shared | {"compare"}
    assert moved.planned("--config", "only=oth*") == own | {"train_score culture"}
    assert moved.planned("--config", "only=movie") == {
        *shared,
        *(job for job in own if job.split()[0] in ("ingest", "check", "quantify", "track", "series")),
    }
    moved.rows = [MOVIE_ROW, ("other", "apart", *MOVIE_ROW[2:])]
    assert moved.planned() == own | {"train_score apart", "compare"}
    assert moved.planned("--config", "only=movie") == set()


def test_an_unknown_acquisition_is_one_sentence_and_others_need_no_files(place):
    place.rows = [ROW, ("later", *ROW[1:3], "raw/later{frame}_{channel}.tif", *ROW[4:])]
    assert place.planned("--config", "only=plate") == set()
    said = "only: unknown acquisition 'plates'; did you mean 'plate'?"
    assert said in place.plan("--config", "only=plates", is_ok=False)
    assert "sheet.tsv, row 3: no file matches 'raw/later" in place.plan(is_ok=False)


def test_stacks_that_are_not_kept_go_once_everything_has_read_them(fresh):
    fresh.config["keep"] = []
    fresh.run()
    left = {path.name for path in fresh.results().iterdir()}
    assert {"report.html", "summary.png", "focus.parquet", "frames"} <= left
    assert not list(fresh.results().rglob("holograms/*.h5")) + list(fresh.results().rglob("opd/*.h5"))
    assert fresh.planned() == set()
    fresh.config["report"] = {"montage_frames": 1}
    assert fresh.reasons() == {
        "load, plate: not kept (see keep), read by focus, reconstruct",
        "load, plate: not kept (see keep), read by reconstruct",
        "reconstruct, plate: not kept (see keep), read by report",
        "check, plate: after load",
        "focus, plate: after load",
        "report, plate: changed setting: report.montage_frames 4 -> 1",
    }


def test_without_holograms_what_follows_reconstruct_is_remade_from_opd(place):
    place.config["keep"] = ["opd"]
    shutil.rmtree(place.results() / "holograms")
    assert place.reasons() == {
        "report, plate: reads other files: without holograms/0000.h5, holograms/0001.h5"
    }
    place.run()
    place.config["report"] = {"montage_frames": 1}
    assert place.planned() == {"report plate"}


def test_without_stacks_a_changed_score_needs_only_what_it_reads(moved):
    moved.config["keep"] = []
    shutil.rmtree(moved.results("movie") / "opd")
    moved.config["score"] = {"alpha": 0.01}
    scores = {"train_score culture", "score movie"}
    assert moved.planned("results/movie/scores.parquet") == scores
    reasons = moved.reasons()
    assert {line for line in reasons if line.startswith(("ingest", "score", "train"))} == {
        "ingest, movie: not kept (see keep), read by quantify, report, export, export_csv",
        "ingest, movie: not kept (see keep), read by quantify, report",
        "train_score, data set culture: changed setting: score.alpha 0.003 -> 0.01",
        "score, movie: after track, series, train_score",
    }
