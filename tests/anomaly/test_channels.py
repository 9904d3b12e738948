"""Area, largest OPD and speed beside dry mass: cut like it, judged beside it, and nothing without."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from lensfree.anomaly.baselines import fit_ridge
from lensfree.anomaly.density import views
from lensfree.anomaly.plus import fit_plus
from lensfree.anomaly.windows import CHANNELS, cut_windows
from lensfree.config import ScoreConfig
from lensfree.contracts import SERIES

BARE = ScoreConfig(interval_min=20.0, input_points=60, target_points=30)
CONFIG = BARE.model_copy(update={"channels": ("area", "speed")})
SHAPELESS = tuple(range(6))
"""Histories whose dry mass is that of normal cells and whose area and speed fall for good at 25 h."""


def linear(inputs, targets):
    ridge = fit_ridge(inputs, targets)
    sd = (targets - ridge(inputs)).std(axis=0)
    return lambda unseen: (ridge(unseen), np.broadcast_to(sd, (len(unseen), len(sd))))


def with_looks(table: pd.DataFrame, seed: int, odd: tuple[int, ...] = ()) -> pd.DataFrame:
    """Return the histories with an area that goes with dry mass, and a speed, both of which vary."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 0.1, (3, len(table)))
    is_odd = table["series_id"].isin(odd).to_numpy() & (table["time_h"].to_numpy() > 25)
    area_um2 = table["dry_mass_pg"].to_numpy() ** (2 / 3) * np.where(is_odd, 4, 10) * np.exp(noise[0])
    return table.assign(
        area_um2=area_um2,
        max_opd_nm=400 * table["dry_mass_pg"].to_numpy() / area_um2,
        speed_um_per_h=np.where(is_odd, 2.0, 20.0) * np.exp(3 * noise[2]),
    )


@pytest.fixture(scope="module")
def known(population):
    return with_looks(population(1, 60, 5, n_points=300)[0], 7)


@pytest.fixture(scope="module")
def unseen(population):
    return with_looks(population(2, 50, 0, n_points=300)[0], 8, SHAPELESS)


def fit(table, config):
    return fit_plus(cut_windows(table, config), table, linear, contamination=0.1, seed=3)


@pytest.fixture(scope="module")
def fitted(known):
    return fit(known, CONFIG)


def test_every_channel_has_its_column_in_the_table_of_series():
    assert set(CHANNELS.values()) == set(SERIES.optional)
    assert set(CHANNELS) == {"area", "max_opd", "speed"}


def test_channels_are_cut_like_dry_mass(known):
    windows = cut_windows(known, CONFIG)
    assert list(windows.channels) == ["area", "speed"]
    one = known[known["series_id"] == 3].iloc[::2]
    at = windows.first[windows.series_id == 3][0]
    np.testing.assert_array_equal(windows.points_of("area")[at : at + len(one)], one["area_um2"])
    fine = cut_windows(known, CONFIG.model_copy(update={"interval_min": 5.0})).points_of("speed")
    np.testing.assert_allclose(fine[1], known["speed_um_per_h"].iloc[:2].mean())
    assert windows.covered("speed").size == windows.covered_pg.size
    assert cut_windows(known.iloc[:0], CONFIG).points_of("area").size == 0
    assert cut_windows(known, BARE).channels == {}


def test_what_dry_mass_does_not_show_the_channels_flag(fitted, known, unseen):
    _, histories = fitted.judge(cut_windows(unseen, CONFIG), unseen, 0.01)
    is_odd = histories["series_id"].isin(SHAPELESS)
    assert histories.loc[is_odd, "is_flagged"].all()
    assert histories.loc[is_odd, "view"].str.match("(area|speed)_(window|third)$").all()
    assert histories.loc[~is_odd, "is_flagged"].mean() < 0.1
    dry_mass = fit(known, BARE).judge(cut_windows(unseen, BARE), unseen, 0.01)[1]
    assert dry_mass.loc[is_odd, "is_flagged"].mean() < 0.5
    assert (histories.loc[is_odd, "surprise"] > dry_mass.loc[is_odd, "surprise"] + 5).all()


def test_without_channels_the_columns_change_nothing(known, unseen):
    looks = list(CHANNELS.values())
    bare = known.drop(columns=looks)
    one, other = fit(known, BARE), fit(bare, BARE)
    with_columns = one.judge(cut_windows(unseen, BARE), unseen, 0.01)
    plain = unseen.drop(columns=looks)
    without = other.judge(cut_windows(plain, BARE), plain, 0.01)
    for a, b in zip(with_columns, without, strict=True):
        pd.testing.assert_frame_equal(a, b, rtol=1e-12)


def test_the_views_of_dry_mass_stay_the_first(fitted):
    assert views(90)[:3] == views(90, ("area",))[:3]
    assert fitted.view_names == (
        *("window", "third", "tenth", "area_window", "area_third", "speed_window", "speed_third"),
        *("forecast", "kinds"),
    )
    assert {view.quantity for view in views(90, ("area", "speed"))} == {"dry_mass", "area", "speed"}


def test_the_unit_of_a_channel_does_not_matter(known, unseen, fitted):
    def larger(table):
        return table.assign(area_um2=64 * table["area_um2"])

    scaled = fit(larger(known), CONFIG).judge(cut_windows(larger(unseen), CONFIG), unseen, 0.01)[1]
    plain = fitted.judge(cut_windows(unseen, CONFIG), unseen, 0.01)[1]
    np.testing.assert_allclose(scaled["surprise"], plain["surprise"], rtol=1e-9)


def test_a_table_without_the_column_is_refused(known):
    with pytest.raises(
        ValueError, match="asks for speed, the histories have no column speed_um_per_h; rerun"
    ):
        cut_windows(known.drop(columns="speed_um_per_h"), CONFIG)


def test_values_that_are_not_finite_are_refused_only_where_they_are_asked_for(known):
    broken = known.assign(area_um2=known["area_um2"].where(known.index > 1))
    with pytest.raises(ValueError, match=r"2 of \d+ values of area_um2 are not finite, .* leave it out"):
        cut_windows(broken, CONFIG)
    cut_windows(broken, BARE)


def test_a_channel_that_is_mostly_zero_cannot_be_learnt(known):
    with pytest.raises(ValueError, match="median of the channel speed is 0, expected a positive number"):
        fit(known.assign(speed_um_per_h=0.0), CONFIG)


def test_the_published_method_knows_no_channels():
    with pytest.raises(ValidationError, match="set score.method to stardusts_plus or score.channels to"):
        ScoreConfig(method="stardusts", channels=("area",))
    with pytest.raises(ValidationError, match="expected each channel once"):
        ScoreConfig(channels=("area", "area"))
    with pytest.raises(ValidationError, match="channels"):
        ScoreConfig(channels=("colour",))
    assert ScoreConfig(channels=("speed", "area")).channels == ("speed", "area")
