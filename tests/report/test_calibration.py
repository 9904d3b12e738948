"""The calibration plot shows what is in the table: shares, groups, and the line they should lie on."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from lensfree.report import style
from lensfree.report.calibration import binned, by_standard_error, draw_calibration

WITHIN_1 = 0.6827


@pytest.fixture(scope="module")
def pairs() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    se_pg = rng.uniform(4.0, 16.0, 3_000)
    where = np.repeat(["183", "527", "culture"], 1_000)
    return pd.DataFrame(
        {"where": where, "error_pg": se_pg * rng.standard_normal(3_000), "dry_mass_se_pg": se_pg}
    )


def test_groups_are_equal_and_ordered(pairs):
    groups = by_standard_error(pairs, 7)
    assert sum(len(group) for group in groups) == len(pairs)
    assert max(map(len, groups)) - min(map(len, groups)) <= 1
    tops = [group["dry_mass_se_pg"].max() for group in groups[:-1]]
    assert all(top <= after["dry_mass_se_pg"].min() for top, after in zip(tops, groups[1:], strict=True))


def test_honest_errors_lie_on_the_line_within_their_bars(pairs):
    table = binned(pairs, WITHIN_1, 12)
    np.testing.assert_allclose(table["observed_pg"], table["predicted_pg"], rtol=0.2)
    is_inside = (table["low_pg"] <= table["predicted_pg"]) & (table["predicted_pg"] <= table["high_pg"])
    assert is_inside.sum() >= 5  # about 8 of 12 are expected
    assert (table["low_pg"] <= table["observed_pg"]).all() and (
        table["observed_pg"] <= table["high_pg"]
    ).all()


def test_the_figure_shows_the_share_within_one_standard_error(pairs):
    figure = draw_calibration(pairs, WITHIN_1)
    shares, sizes = figure.axes
    (thick,) = [line for line in shares.lines if str(line.get_label()).startswith("all 3000 cells")]
    is_within = pairs["error_pg"].abs() <= pairs["dry_mass_se_pg"]
    x, y = thick.get_data()
    assert y[np.argmin(np.abs(x - 1))] == pytest.approx(is_within.mean())
    assert f"{100 * is_within.mean():.1f} %" in {text.get_text() for text in shares.texts}
    assert len([line for line in shares.lines if line.get_color() == style.SKY]) == 3
    (bars,) = sizes.containers
    drawn_pg = np.asarray(bars[0].get_ydata(), dtype=float)
    np.testing.assert_allclose(drawn_pg, binned(pairs, WITHIN_1)["observed_pg"])


def test_the_picture_is_small_and_few_cells_are_drawn_too(pairs):
    png = style.to_png(draw_calibration(pairs, WITHIN_1))
    assert len(png) < 200_000
    assert imread(io.BytesIO(png)).shape[1] > 900
    few = style.to_png(draw_calibration(pairs.iloc[::600].reset_index(drop=True), WITHIN_1))
    assert few.startswith(b"\x89PNG")
