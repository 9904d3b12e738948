from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import to_rgba
from matplotlib.image import imread

from lensfree.report import style
from lensfree.report.ranking import rank_series
from lensfree.report.suspects import add_thumbnails, build_suspects, plan_stops
from lensfree.report.traces import draw_card

PITCH_UM = 1.67


@pytest.fixture(scope="module")
def suspects(world):
    ranked = rank_series(world.scores, world.windows, 12)
    bare = build_suspects(ranked, series=world.series, windows=world.windows)
    # The value of a pixel says which frame it comes from.
    return add_thumbnails(
        bare,
        world.tracks,
        lambda frame: np.full((64, 96), float(frame)),
        n_slots=8,
        crop_um=60.0,
        pixel_pitch_um=PITCH_UM,
    )


@pytest.fixture(scope="module")
def odd(surprised):
    """The suspects of the default method."""
    ranked = rank_series(surprised.scores, surprised.windows)
    bare = build_suspects(ranked, series=surprised.series, windows=surprised.windows, tracks=surprised.tracks)
    return add_thumbnails(
        bare,
        surprised.tracks,
        lambda frame: np.zeros((64, 96)),
        n_slots=8,
        crop_um=60.0,
        pixel_pitch_um=PITCH_UM,
    )


@pytest.fixture(scope="module")
def card(suspects, world):
    return draw_card(suspects[0], world.score, pixel_pitch_um=PITCH_UM, tau_w=0.5)


def thumbnails_of(figure) -> list:
    return [image for axes in figure.axes for image in axes.images]


def trace_of(figure):
    return next(axes for axes in figure.axes if axes.get_ylabel() == "dry mass [pg]")


def test_suspects_come_in_the_order_of_the_ranking(suspects):
    assert [s.series_id for s in suspects] == [1, 0, 2]
    assert [s.rank for s in suspects] == [1, 2, 3]
    assert [s.shares_with for s in suspects] == [None, None, 1]


def test_stops_follow_the_cell_through_its_division_at_the_nearest_detected_frame(world):
    path = world.series[world.series["series_id"] == 1]
    stops = plan_stops(path, world.tracks, 8)
    slots_h = [stop.slot_h for stop in stops]
    assert np.diff(slots_h) == pytest.approx(np.full(7, 35 + 5 / 6) / 8)
    for stop in stops:
        assert abs(stop.time_h - stop.slot_h) <= 1 / 6
        assert (stop.y_um, stop.x_um) == pytest.approx(
            (70.0, 100.0) if stop.time_h < 15 else (60.0, 100.0 + stop.time_h - 15)
        )


def test_no_stop_is_in_a_frame_where_the_cell_was_not_found(world):
    path = world.series[world.series["series_id"] == 1]
    assert 100 not in {stop.frame for stop in plan_stops(path, world.tracks, 216)}


def test_a_series_without_detections_has_no_stops(world):
    assert plan_stops(world.series[world.series["series_id"] == 1], world.tracks.iloc[:0], 8) == []


def test_thumbnails_come_from_their_own_frame_and_the_first_after_a_division_is_marked(suspects):
    strip = suspects[0].thumbnails
    assert [float(np.nanmax(t.opd_nm)) for t in strip] == pytest.approx([t.time_h * 6 for t in strip])
    assert [t.is_first_after_division for t in strip] == [
        t is strip[3] for t in strip
    ]  # 15.7 h, division at 15 h


def test_every_frame_is_read_once_for_all_suspects(suspects, world):
    read: list[int] = []
    without_onset = [replace(s, onset_h=np.nan) for s in suspects]

    def read_opd(frame: int) -> np.ndarray:
        read.append(frame)
        return np.zeros((64, 96))

    add_thumbnails(without_onset, world.tracks, read_opd, n_slots=8, crop_um=60.0, pixel_pitch_um=PITCH_UM)
    assert len(read) == len(set(read)) == 8
    read.clear()
    # Series 1 has an onset, and so its own frames.
    add_thumbnails(suspects, world.tracks, read_opd, n_slots=8, crop_um=60.0, pixel_pitch_um=PITCH_UM)
    assert len(read) == len(set(read)) == 16


def test_a_frame_that_cannot_be_read_leaves_its_slot_empty(suspects, world):
    strips = add_thumbnails(
        suspects, world.tracks, lambda frame: None, n_slots=8, crop_um=60.0, pixel_pitch_um=PITCH_UM
    )
    assert [len(s.thumbnails) for s in strips] == [8, 8, 8]
    assert all(np.isnan(t.opd_nm).all() for s in strips for t in s.thumbnails)
    assert style.to_png(draw_card(strips[0], world.score, pixel_pitch_um=PITCH_UM)).startswith(b"\x89PNG")


def test_the_shade_covers_the_hours_that_the_abnormal_windows_foretold(card):
    trace = trace_of(card)
    (shade,) = [p for p in trace.patches if p.get_facecolor()[:3] == to_rgba(style.RED)[:3]]
    extent = shade.get_extents().transformed(trace.transData.inverted())
    # Windows 20 to 36 are abnormal: they start at 3 h 20 min to 6 h.
    assert (extent.x0, extent.x1) == pytest.approx((23 + 1 / 3, 35 + 5 / 6))


def test_pictures_inside_the_shade_are_framed_in_red_and_the_others_are_not(card, suspects):
    strip = thumbnails_of(card)[0].axes
    is_frame = [p.get_edgecolor() == to_rgba(style.RED) and not p.get_fill() for p in strip.patches]
    frames = [p for p, is_red in zip(strip.patches, is_frame, strict=True) if is_red]
    centres_h = [frame.get_x() + frame.get_width() / 2 for frame in frames]
    failed = [t for t in suspects[0].thumbnails if t.time_h >= 23 + 1 / 3]
    # The onset has a frame of its own.
    assert centres_h == pytest.approx([t.slot_h for t in failed if not t.is_onset])
    assert (len(failed), len(centres_h)) == (4, 3)


def test_every_picture_stands_on_its_slot_and_is_square(card, suspects):
    trace = trace_of(card)
    for image, thumbnail in zip(thumbnails_of(card), suspects[0].thumbnails, strict=True):
        left_h, right_h, _, _ = image.get_extent()
        (left, bottom), (right, top) = image.axes.transData.transform([(left_h, 0), (right_h, 1)])
        assert (left + right) / 2 == pytest.approx(trace.transData.transform((thumbnail.slot_h, 0))[0])
        assert right - left == pytest.approx(top - bottom, rel=0.05)


def test_the_pictures_can_be_seen(suspects, world):
    bright = replace(
        suspects[0],
        thumbnails=tuple(replace(t, opd_nm=np.full((37, 37), 1e3)) for t in suspects[0].thumbnails),
    )
    figure = draw_card(bright, world.score, pixel_pitch_um=PITCH_UM, opd_range_nm=(0.0, 1e3))
    pixels = imread(io.BytesIO(style.to_png(figure)))[..., :3]
    brightest = colormaps[style.OPD_COLOURS](1.0)[:3]
    share = np.isclose(pixels, brightest, atol=0.02).all(axis=-1).mean()
    # Eight pictures over 0.915 of the width, less their rings, words and frames.
    area = sum(
        np.prod(np.diff(image.axes.transData.transform([(e[0], 0), (e[1], 1)]), axis=0))
        for image in thumbnails_of(figure)
        for e in [image.get_extent()]
    )
    assert share == pytest.approx(area / pixels[..., 0].size, rel=0.15)


def test_divisions_and_filled_points_are_marked_at_their_times(card):
    trace = trace_of(card)
    by_label = {line.get_label(): line for line in trace.lines}
    assert by_label["division"].get_xdata()[0] == pytest.approx(15.0)
    assert by_label["filled point"].get_xdata().tolist() == pytest.approx([100 / 6])


def test_the_trace_is_the_whole_series(card, world):
    lines = [line for line in trace_of(card).lines if line.get_color() in (style.BLUE, style.SKY)]
    assert sum(len(line.get_xdata()) for line in lines) == 216


def test_the_band_is_one_standard_error_to_either_side_where_the_cell_was_seen(world, suspects):
    ranked = rank_series(world.scores, world.windows, 12)
    known = build_suspects(ranked, series=world.series, windows=world.windows, tracks=world.tracks)
    # 5 % of the dry mass everywhere; at the missing frame the point is filled and has none.
    series = known[0].series
    is_filled = series["is_filled"].to_numpy()
    assert series["dry_mass_se_pg"].isna().to_numpy().tolist() == is_filled.tolist()
    seen = series[~is_filled]
    np.testing.assert_allclose(seen["dry_mass_se_pg"], 0.05 * seen["dry_mass_pg"])
    card = draw_card(known[0], world.score, pixel_pitch_um=PITCH_UM)
    bands = trace_of(card).collections
    assert [band.get_label() for band in bands].count("± standard error") == 1
    assert len(bands) == series["cell_id"].nunique() == 2
    edge_pg = np.concatenate([path.vertices[:, 1] for band in bands for path in band.get_paths()])
    assert edge_pg.max() == pytest.approx(1.05 * seen["dry_mass_pg"].max())
    assert not trace_of(draw_card(suspects[0], world.score, pixel_pitch_um=PITCH_UM)).collections


def test_a_series_without_a_calibration_has_no_band(world):
    ranked = rank_series(world.scores, world.windows, 12)
    unknown = world.tracks.assign(dry_mass_se_pg=np.nan)
    suspect = build_suspects(ranked, series=world.series, windows=world.windows, tracks=unknown)[0]
    assert not trace_of(draw_card(suspect, world.score, pixel_pitch_um=PITCH_UM)).collections


def test_abnormal_windows_are_red_points_above_the_threshold(card, world):
    error = next(axes for axes in card.axes if axes.get_ylabel().startswith("forecast"))
    red = [line for line in error.lines if line.get_marker() == "." and line.get_color() == style.RED]
    assert [len(line.get_xdata()) for line in red] == [17]
    assert red[0].get_ydata().min() > 0.5


def test_a_suspect_without_pictures_threshold_or_abnormal_windows_is_drawn(suspects, world):
    bare = replace(suspects[1], thumbnails=())
    figure = draw_card(bare, world.score, pixel_pitch_um=PITCH_UM)
    assert thumbnails_of(figure) == []
    assert style.to_png(figure).startswith(b"\x89PNG")


def test_a_suspect_carries_what_its_scores_say(odd):
    assert [(s.rank, s.series_id, s.kind, s.view) for s in odd] == [
        (1, 1, "dry_mass_loss", "tenth"),
        (2, 2, "swap", "third"),
        (3, 0, "unclear", "forecast"),
    ]
    assert [s.is_acquisition for s in odd] == [False, True, False]
    assert [(s.surprise, s.normal_share) for s in odd] == [(9.5, 2e-5), (6.5, 0.0031), (1.2, 0.35)]
    assert odd[0].onset.frame == 180
    assert odd[2].onset is None


def test_the_onset_is_a_line_through_both_curves_with_the_kind_beside_it(card, suspects):
    for axes in card.axes[:2]:
        (line,) = [line for line in axes.lines if line.get_color() == style.ONSET]
        assert list(line.get_xdata()) == [30.0, 30.0]
    (words,) = [text for text in trace_of(card).texts if text.get_color() == style.ONSET]
    assert words.get_text() == "lost dry mass"
    assert words.get_ha() == "right"


def test_the_words_of_an_early_onset_stand_after_it(suspects, world):
    early = replace(suspects[0], onset_h=5.0)
    figure = draw_card(early, world.score, pixel_pitch_um=PITCH_UM)
    (words,) = [text for text in trace_of(figure).texts if text.get_color() == style.ONSET]
    assert words.get_ha() == "left"


def test_without_an_onset_nothing_is_drawn_of_one(suspects, world):
    figure = draw_card(suspects[1], world.score, pixel_pitch_um=PITCH_UM)
    drawn = [
        *(line for axes in figure.axes for line in axes.lines),
        *(t for a in figure.axes for t in a.texts),
    ]
    assert style.ONSET not in [artist.get_color() for artist in drawn]
    assert not any(t.is_onset for t in suspects[1].thumbnails)


def test_a_third_of_the_pictures_are_near_the_onset_and_the_one_at_it_is_marked(card, suspects):
    strip = suspects[0].thumbnails
    assert sum(abs(t.time_h - 30.0) <= 5 for t in strip) >= len(strip) / 3
    (marked,) = [t for t in strip if t.is_onset]
    assert marked.time_h == pytest.approx(30.0)
    axes = thumbnails_of(card)[0].axes
    (frame,) = [p for p in axes.patches if p.get_edgecolor() == to_rgba(style.ONSET)]
    assert frame.get_x() + frame.get_width() / 2 == pytest.approx(marked.slot_h)
    (words,) = [text for text in axes.texts if text.get_color() == style.ONSET]
    assert words.get_text() == "30.0 h"


def test_a_line_leads_from_every_picture_to_its_own_time(card, suspects):
    leads = card.axes[-1].lines
    ends = [(line.get_xdata()[0], line.get_xdata()[1]) for line in leads]
    assert ends == [(t.slot_h, t.time_h) for t in suspects[0].thumbnails]
    left, right = card.axes[-1].get_xlim(), trace_of(card).get_xlim()
    assert left == right


def test_the_surprise_of_windows_stands_at_their_middles_with_its_threshold(odd, surprised):
    figure = draw_card(odd[0], surprised.score, pixel_pitch_um=PITCH_UM, tau_w=5.0)
    axes = next(axes for axes in figure.axes if axes.get_ylabel().startswith("surprise"))
    (red,) = [line for line in axes.lines if line.get_marker() == "." and line.get_color() == style.RED]
    # The windows from 3 h 20 min on are abnormal; they are 29 h 50 min long.
    assert red.get_xdata() == pytest.approx(np.arange(20, 37) / 6 + 14 + 11 / 12)
    assert set(red.get_ydata()) == {8.0}
    (threshold,) = [line for line in axes.lines if line.get_linestyle() == ":"]
    assert list(threshold.get_ydata()) == [5.0, 5.0]
    assert [text.get_text() for text in axes.texts] == ["threshold"]


def test_no_forecast_is_said_to_have_failed_where_windows_are_judged_by_surprise(odd, surprised):
    figure = draw_card(odd[0], surprised.score, pixel_pitch_um=PITCH_UM, tau_w=5.0)
    labels = [text.get_text() for text in trace_of(figure).get_legend().get_texts()]
    assert "forecast failed" not in labels
    assert not [p for p in trace_of(figure).patches if p.get_facecolor()[:3] == to_rgba(style.RED)[:3]]
    strip = thumbnails_of(figure)[0].axes
    assert not [p for p in strip.patches if p.get_edgecolor() == to_rgba(style.RED)]
