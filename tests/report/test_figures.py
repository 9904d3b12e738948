from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lensfree.report.figures import (
    draw_histograms,
    draw_population,
    draw_quality,
    durations_h,
    totals_per_frame,
)

PER_FRAME = pd.DataFrame(
    {
        "frame": [0, 1, 2, 3],
        "time_h": [0.0, 0.5, 1.0, 1.5],
        "is_missing": [False, True, False, False],
        "z_um": np.nan,
        "misfit": [0.1, np.nan, 0.2, 0.1],
        "background_sd_nm": [2.0, np.nan, 2.0, 2.0],
    }
)
CELLS = pd.DataFrame({"frame": [0, 0, 3], "time_h": [0, 0, 1.5], "dry_mass_pg": [200.0, 300.0, 400.0]})


def curves(figure) -> list[np.ndarray]:
    return [line.get_xydata() for axes in figure.axes for line in axes.lines]


def test_a_recorded_frame_without_cells_counts_zero_and_a_missing_one_does_not_count():
    totals = totals_per_frame(PER_FRAME, CELLS)
    assert totals["frame"].tolist() == [0, 2, 3]
    assert totals["n_cells"].tolist() == [2, 0, 1]
    assert totals["dry_mass_ng"].tolist() == pytest.approx([0.5, 0.0, 0.4])


def test_the_population_is_drawn_against_time_with_the_truth_beside_it():
    count, mass = curves(draw_population(PER_FRAME, CELLS))
    assert count.tolist() == [[0.0, 2.0], [1.0, 0.0], [1.5, 1.0]]
    assert mass[:, 1].tolist() == pytest.approx([0.5, 0.0, 0.4])
    assert len(curves(draw_population(PER_FRAME, CELLS, CELLS))) == 4


def test_missing_frames_are_shaded_over_their_own_time():
    figure = draw_population(PER_FRAME, CELLS)
    spans = [
        patch.get_extents().transformed(axes.transData.inverted())
        for axes in figure.axes
        for patch in axes.patches
    ]
    assert len(spans) == 2
    assert (spans[0].x0, spans[0].x1) == pytest.approx((0.25, 0.75))


def test_quality_draws_what_was_measured_and_nothing_else():
    figure = draw_quality(PER_FRAME)
    assert figure is not None
    assert [axes.get_ylabel() for axes in figure.axes] == ["background\nsd [nm]", "misfit [1]"]
    assert draw_quality(PER_FRAME[["frame", "time_h", "is_missing"]]) is None


def test_histograms_count_every_cell_every_series_and_every_detection(world):
    figure = draw_histograms(world.cells, world.tracks, world.series, 30.0)
    lengths, masses = figure.axes
    bars = [patch.get_height() for patch in lengths.patches if hasattr(patch, "get_height")]
    assert sum(bars) == 4
    assert sum(patch.get_height() for patch in masses.patches) == len(world.cells)
    assert any("30 h" in text.get_text() for text in lengths.get_legend().get_texts())


def test_the_legend_of_the_lengths_stands_above_the_bars(world):
    axes = draw_histograms(world.cells, world.tracks, world.series, 30.0).axes[0]
    highest = max(patch.get_height() for patch in axes.patches if hasattr(patch, "get_height"))
    assert axes.get_ylim()[1] >= 1.4 * highest


def test_histograms_without_tracks_say_so(world):
    for tracks in (None, world.tracks.iloc[:0]):
        figure = draw_histograms(world.cells, tracks, None, 30.0)
        assert figure.axes[0].texts[0].get_text() == "no tracks"


def test_tracks_of_a_single_frame_are_drawn(world):
    single = world.tracks[world.tracks["frame"] == 0]
    assert len(draw_histograms(single, single, world.series.iloc[:0], 30.0).axes) == 2


def test_a_duration_is_the_last_minus_the_first_time(world):
    assert durations_h(world.tracks, "cell_id").loc[1] == pytest.approx(89 / 6)
