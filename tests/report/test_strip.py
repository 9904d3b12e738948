"""Pictures of a strip as real cells need them: flat ones seen beside rounded ones, the bar on the field."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from lensfree.report.content import Suspect, Thumbnail
from lensfree.report.strip import draw_strip

FLAT_NM, ROUND_NM = 35.0, 350.0


def thumbnail(k, *, beyond=False):
    opd_nm = np.full((31, 31), -2.0, np.float32)
    opd_nm[3:9, 3:9], opd_nm[12:20, 12:20] = ROUND_NM, FLAT_NM
    if beyond:
        opd_nm[-8:] = np.nan
    return Thumbnail(time_h=float(k), slot_h=k + 0.5, opd_nm=opd_nm)


def strip_of(thumbnails, opd_range_nm=(-4.0, ROUND_NM)):
    series = pd.DataFrame(
        {"time_h": np.linspace(0, 4, 41), "dry_mass_pg": 100.0, "cell_id": 1, "is_filled": False}
    )
    suspect = Suspect(1, 3, 0.5, 4, True, series, pd.DataFrame())
    axes = Figure().add_subplot()
    axes.set_xlim(0, 4)
    draw_strip(axes, replace(suspect, thumbnails=tuple(thumbnails)), [], 1.6, opd_range_nm)
    return axes


def test_a_flat_cell_is_seen_beside_a_rounded_one_and_the_background_stays_dark():
    image = strip_of([thumbnail(k) for k in range(4)]).images[0]
    flat, brightest, background = (
        float(np.mean(image.cmap(image.norm(value_nm))[:3])) for value_nm in (FLAT_NM, ROUND_NM, -2.0)
    )
    assert image.norm(FLAT_NM) == pytest.approx(0.1**0.6, rel=1e-6)
    assert flat > background + 0.12 and brightest > flat + 0.3
    # as dark as can be: below the background nothing is brightened
    assert background == pytest.approx(float(np.mean(image.cmap(0.0)[:3])))


@pytest.mark.parametrize("limits_nm", [(0.0, 1.0), (-9.0, -3.0), (5.0, 5.0)])
def test_an_empty_field_can_be_drawn(limits_nm):
    norm = strip_of([thumbnail(0)], limits_nm).images[0].norm
    assert norm.vmin >= 0 and norm.vmax >= norm.vmin + 1.0 - 1e-9


@pytest.mark.parametrize(("beyond", "at"), [((0,), 1), ((0, 1, 2), 3), ((), 0), ((0, 1, 2, 3), 0)])
def test_the_scale_bar_stands_on_the_first_picture_that_is_all_field(beyond, at):
    axes = strip_of([thumbnail(k, beyond=k in beyond) for k in range(4)])
    (bar,) = [text for text in axes.texts if "µm" in text.get_text()]
    assert at < bar.get_position()[0] < at + 1
    # where no picture is, it stands on the field of the first, 8 of whose 31 rows are beyond
    assert bar.get_position()[1] == pytest.approx(0.1 + (8 / 31 if len(beyond) == 4 else 0), abs=1e-6)
