"""Series for training and evaluation: contract, labels, noise, and every kind of anomaly."""

import numpy as np
import pytest

from lensfree.contracts import SERIES
from lensfree.simulate.lives import Culture
from lensfree.simulate.measurement import SeriesNoise
from lensfree.simulate.series import KINDS, simulate_series

LENGTHS = (200, 300)


@pytest.fixture(scope="module")
def mixed():
    return simulate_series(300, LENGTHS, np.random.default_rng(1), 0.7)


def test_the_table_keeps_the_contract_of_series(mixed):
    series, labels = mixed
    assert list(series.columns) == list(SERIES.columns)
    assert {name: str(series[name].dtype) for name in series} == {
        name: column.dtype for name, column in SERIES.columns.items()
    }
    assert list(labels.columns) == ["series_id", "is_abnormal", "kind", "onset_h"]
    assert not series.isna().any().any() and not series["is_filled"].any()


def test_lengths_and_times_are_as_asked(mixed):
    series, _ = mixed
    lengths = series.groupby("series_id").size()
    assert len(lengths) == 300
    assert lengths.between(*LENGTHS).all() and lengths.nunique() > 30
    for _, rows in series.groupby("series_id"):
        np.testing.assert_allclose(rows["time_h"], np.arange(len(rows)) / 6)


def test_the_share_of_abnormal_series_and_their_onsets(mixed):
    series, labels = mixed
    assert labels["is_abnormal"].mean() == pytest.approx(0.7, abs=0.08)
    assert set(labels["kind"]) == {"", *KINDS}
    is_normal = labels["kind"] == ""
    np.testing.assert_array_equal(is_normal, ~labels["is_abnormal"])
    assert labels.loc[is_normal, "onset_h"].isna().all()
    end_h = series.groupby("series_id")["time_h"].max().to_numpy()
    abnormal = labels[~is_normal]
    assert (abnormal["onset_h"] >= 0).all()
    assert (abnormal["onset_h"] <= 0.81 * end_h[~is_normal]).all()


def test_normal_series_grow_and_halve():
    series, _ = simulate_series(60, (432, 432), np.random.default_rng(2), 0.0)
    for _, rows in series.groupby("series_id"):
        # 72 h at 20 h a cycle: three or four divisions, each a new cell.
        assert 3 <= rows["cell_id"].nunique() <= 6
        smooth = rows["dry_mass_pg"].rolling(12, center=True).median().dropna()
        assert 70 < smooth.min() < smooth.max() < 420
    assert series["dry_mass_pg"].mean() == pytest.approx(185.0, rel=0.06)


def test_noise_has_the_stated_size_and_memory():
    # Cells that neither grow nor divide leave the noise alone.
    still = Culture(cycle_h=1e6, cycle_cv=0.0, founder_cv=0.0, linear_fraction=1.0)
    series, _ = simulate_series(400, (60, 60), np.random.default_rng(3), 0.0, culture=still)
    dry_mass = series["dry_mass_pg"].to_numpy().reshape(400, 60)
    noise = dry_mass - dry_mass.mean(axis=1, keepdims=True)
    centre_pg = dry_mass.mean()
    expected = np.sqrt((8**2 + 8 * 22 + 22**2) / 3 + (0.04 * centre_pg) ** 2)
    assert noise.std() == pytest.approx(expected, rel=0.08)
    memory = (noise[:, 1:] * noise[:, :-1]).mean() / noise.var()
    assert memory == pytest.approx(0.5, abs=0.05)


def test_a_plateau_a_loss_and_a_merge_look_like_it(mixed):
    series, labels = mixed
    seen = 0
    for kind, low, high in (
        ("dry_mass_loss", 0.35, 0.95),
        ("no_division", 0.85, 1.25),
        ("merge", 1.4, 3.0),
    ):
        for row in labels[labels["kind"] == kind].itertuples():
            rows = series[series["series_id"] == row.series_id]
            before = rows.loc[rows["time_h"].between(row.onset_h - 1.0, row.onset_h - 0.1), "dry_mass_pg"]
            after = rows.loc[rows["time_h"].between(row.onset_h + 6, row.onset_h + 8), "dry_mass_pg"]
            if len(before) and len(after):
                seen += 1
                assert low < after.median() / before.median() < high, kind
    assert seen > 20


def test_seeds_decide():
    first, again, other = (simulate_series(8, LENGTHS, np.random.default_rng(s), 0.5) for s in (5, 5, 6))
    assert first[0].equals(again[0]) and first[1].equals(again[1])
    assert not first[0]["dry_mass_pg"].equals(other[0]["dry_mass_pg"])


@pytest.mark.parametrize("lengths", [(1, 5), (300, 200)])
def test_an_impossible_range_is_refused(lengths):
    with pytest.raises(
        ValueError, match=rf"length_range=\({lengths[0]}, {lengths[1]}\) must hold two rising"
    ):
        simulate_series(2, lengths, np.random.default_rng(0), 0.0)


def test_a_kind_that_does_not_fit_in_the_series_is_an_error(monkeypatch):
    monkeypatch.setattr("lensfree.simulate.series.KINDS", ("three_way_division",))
    with pytest.raises(RuntimeError, match="no series of 0.3 h with three_way_division .* longer series"):
        simulate_series(1, (3, 3), np.random.default_rng(0), 1.0, culture=Culture(cycle_h=5000.0))


def test_what_is_left_out_is_the_default():
    plain = simulate_series(30, LENGTHS, np.random.default_rng(7), 0.6)
    told = simulate_series(30, LENGTHS, np.random.default_rng(7), 0.6, noise=SeriesNoise(), kinds=KINDS)
    assert plain[0].equals(told[0]) and plain[1].equals(told[1])


def test_abnormal_series_are_of_the_kinds_asked_for():
    _, labels = simulate_series(40, LENGTHS, np.random.default_rng(8), 1.0, kinds=("swap", "giant"))
    assert set(labels["kind"]) == {"swap", "giant"}


@pytest.mark.parametrize(("kinds", "unknown"), [(("swap", "smudge"), r"\['smudge'\]"), ((), r"\[\]")])
def test_kinds_that_do_not_exist_are_refused(kinds, unknown):
    with pytest.raises(ValueError, match=rf"has the unknown {unknown}, expected at least one and all of"):
        simulate_series(2, LENGTHS, np.random.default_rng(0), 1.0, kinds=kinds)
