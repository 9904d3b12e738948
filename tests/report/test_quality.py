"""Frames that fit badly are named, others are not."""

import numpy as np
import pandas as pd

from lensfree.report.quality import fits_badly, suspect_frames, was_refocused


def frames(n=80):
    """Misfit that doubles over the acquisition, as it does while cells multiply."""
    return pd.DataFrame(
        {
            "frame": np.arange(100, 100 + n),
            "time_h": np.arange(n) / 6,
            "misfit": 1e-4 * 2 ** (np.arange(n) / n),
            "refine_rejected": False,
        }
    )


def test_growing_cultures_raise_no_suspicion():
    assert suspect_frames(frames()) == []


def test_frames_out_of_focus_are_named_with_how_badly_they_fit():
    table = frames()
    table.loc[[30, 31], "misfit"] *= 2.5
    assert fits_badly(table) == {130, 131}
    lines = suspect_frames(table)
    assert [line.split(":")[0] for line in lines] == ["frame 130 (5.0 h)", "frame 131 (5.2 h)"]
    assert "the model leaves 2.5 times as much of its hologram unexplained as usual" in lines[0]


def test_refocused_frames_are_named_with_both_distances():
    table = frames().assign(z_um=1000.0)
    table.loc[12, "z_um"] = 850.0
    assert was_refocused(table) == {112}
    assert suspect_frames(table) == [
        "frame 112 (2.0 h): out of focus, reconstructed at 850 µm instead of 1000 µm"
    ]


def test_a_cnn_step_that_was_left_out_is_named():
    table = frames()
    table.loc[7, "refine_rejected"] = True
    assert suspect_frames(table) == [
        "frame 107 (1.2 h): the CNN step led away from its hologram and was left out"
    ]


def test_missing_frames_and_maps_of_other_microscopes_are_not_suspect():
    gap = frames()
    gap.loc[40, "misfit"] = np.nan
    assert suspect_frames(gap) == []
    assert suspect_frames(gap.assign(misfit=np.nan).drop(columns="refine_rejected")) == []


def test_a_few_frames_alone_have_no_usual_misfit():
    assert suspect_frames(frames(3).assign(misfit=[1e-4, 9e-4, 1e-4])) == []


def test_many_suspects_are_counted():
    table = frames(300)
    table.loc[::10, "misfit"] *= 3
    lines = suspect_frames(table)
    assert len(lines) == 21 and lines[-1] == "and 10 more"
