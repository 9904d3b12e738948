"""The plan fits on a screen, whatever would run."""

from lensfree.plan import MAX_ROWS, WIDTH, PlannedJob, describe

GROWN = [
    PlannedJob("load", "plate", 2, "more frames (430 -> 432)"),
    PlannedJob("load", "other", 48, "new acquisition"),
    PlannedJob("load", "other", 12, "new acquisition"),
    PlannedJob("check", "plate", 0, "after load"),
    PlannedJob("reconstruct", "plate", 2, "after load"),
    PlannedJob("train_score", "data set culture", 0, "after series"),
]


def test_a_row_says_how_many_jobs_and_frames_of_what_and_why():
    lines = describe(GROWN, 2).splitlines()
    assert lines[0] == "6 jobs would run; 2 acquisitions asked for."
    assert lines[1] == "Frames: load 62, reconstruct 2."
    assert [line.split() for line in lines[3:6]] == [
        ["stage", "jobs", "frames", "of", "why"],
        ["load", "1", "2", "plate", "more", "frames", "(430", "->", "432)"],
        ["load", "2", "60", "other", "new", "acquisition"],
    ]
    why = lines[3].index("why")
    assert [line[why:] for line in lines[6:]] == ["after load", "after load", "after series"]
    assert len(lines) == 4 + 5


def test_nothing_to_do_is_said():
    assert describe([], 1) == "Nothing to do: 1 acquisition asked for, every result is up to date."
    assert "2 acquisitions" in describe([], 2)


def test_one_job_is_singular():
    assert describe(GROWN[3:4], 1).splitlines()[:2] == ["1 job would run; 1 acquisition asked for.", ""]


def test_many_acquisitions_are_counted_not_listed():
    jobs = [PlannedJob("track", f"plate_{i:02d}", 0, "new acquisition") for i in range(60)]
    (row,) = describe(jobs, 60).splitlines()[3:]
    assert row.split("  ")[0] == "track" and "60: plate_00 ... plate_59" in row


def test_many_reasons_are_told_in_one_row_per_stage():
    stages = ("load", "reconstruct", "quantify")
    jobs = [
        PlannedJob(stage, f"p{i}", 1, f"changed file: f{i:03d}.tif") for stage in stages for i in range(200)
    ]
    lines = describe(jobs, 200).splitlines()
    assert len(lines) == 4 + len(stages) < MAX_ROWS
    assert lines[4].endswith("200 reasons: changed file: f000.tif ... changed file: f199.tif")
    assert "Frames: load 200, reconstruct 200, quantify 200." in lines


def test_a_long_reason_is_cut():
    lines = describe([PlannedJob("load", "plate", 1, "changed " + "x" * 300)], 1).splitlines()
    assert len(lines[-1]) == WIDTH and lines[-1].endswith("x...")
