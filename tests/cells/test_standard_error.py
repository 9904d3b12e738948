"""The standard error of dry mass: its terms by hand, its fit on errors of known size."""

import numpy as np
import pandas as pd
import pytest

from lensfree.cells.standard_error import (
    COVERED,
    TERMS,
    WITHIN_1,
    ErrorModel,
    error_terms,
    fit_error_model,
)

NAMES = list(TERMS)
FIELD_UM = (800.0, 1000.0)


def cells_at(*rows: tuple[float, float, float]) -> pd.DataFrame:
    """Cells at (y_um, x_um, dry_mass_pg), each of 500 um2 and 80 nm."""
    table = pd.DataFrame(rows, columns=["y_um", "x_um", "dry_mass_pg"], dtype=float)
    return table.assign(area_um2=500.0, max_opd_nm=80.0)


def terms_of(cells: pd.DataFrame, background_sd_nm: float = 2.0) -> pd.DataFrame:
    return pd.DataFrame(error_terms(cells, FIELD_UM, background_sd_nm), columns=NAMES)


def random_cells(seed: int, count: int, field_um: tuple[float, float] = FIELD_UM) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "y_um": rng.uniform(0, field_um[0], count),
            "x_um": rng.uniform(0, field_um[1], count),
            "dry_mass_pg": rng.lognormal(5.3, 0.3, count),
            "area_um2": rng.lognormal(6.3, 0.3, count),
            "max_opd_nm": rng.lognormal(4.4, 0.5, count),
        }
    )


def test_the_terms_of_a_lone_cell_are_its_own():
    terms = terms_of(cells_at((400.0, 500.0, 200.0))).iloc[0]
    assert terms["level_nm"] == pytest.approx(0.5 / 0.18)  # 500 um2 x 1 nm = 0.5 um3
    assert terms["background"] == pytest.approx(2 * 0.5 / 0.18)
    assert terms["relative"] == pytest.approx(200.0)
    assert terms["heavy"] == pytest.approx(200.0)
    assert terms["thick_per_um"] == pytest.approx(200.0 * 0.08)
    assert terms["neighbours"] == 0.0
    assert terms["alone"] == pytest.approx(200.0 * np.exp(-500.0 / 200.0**2 / COVERED))
    assert terms["border_pg"] == pytest.approx(np.exp(-400.0 / 5.0))
    assert terms["missed"] == pytest.approx(200.0 * np.exp(-400.0 / 20.0))


def test_a_neighbour_counts_by_its_own_dry_mass_and_distance():
    far = terms_of(cells_at((400.0, 500.0, 200.0), (400.0, 600.5, 100.0)))
    near = terms_of(cells_at((400.0, 500.0, 200.0), (407.0, 500.0, 100.0)))
    assert near["heavy"].tolist() == pytest.approx([200.0, 50.0])
    assert far["neighbours"].tolist() == pytest.approx([0.0, 0.0], abs=1e-3)
    assert near["neighbours"].tolist() == pytest.approx([100.0 / np.e, 200.0 / np.e])
    assert (near["alone"] < far["alone"]).all()


def test_the_square_around_a_cell_in_a_corner_is_cut_by_the_field():
    corner = terms_of(cells_at((0.0, 0.0, 200.0))).iloc[0]
    assert corner["alone"] == pytest.approx(200.0 * np.exp(-500.0 / 100.0**2 / COVERED))
    assert corner["border_pg"] == 1.0
    outside = terms_of(cells_at((-0.4, 1000.0, 200.0))).iloc[0]
    assert outside["border_pg"] == 1.0
    assert corner["missed"] == outside["missed"] == 200.0


def test_what_misses_the_sensor_goes_with_dry_mass_and_reaches_farther_than_a_cut():
    """10 um and 30 um from the nearest of four borders, whichever it is."""
    near = terms_of(cells_at((10.0, 500.0, 200.0), (790.0, 300.0, 200.0), (400.0, 10.0, 100.0)))
    far = terms_of(cells_at((30.0, 500.0, 200.0), (770.0, 300.0, 200.0), (400.0, 970.0, 100.0)))
    assert near["missed"].tolist() == pytest.approx(
        [200 * np.exp(-0.5), 200 * np.exp(-0.5), 100 * np.exp(-0.5)]
    )
    assert (far["missed"] / near["missed"]).tolist() == pytest.approx([np.exp(-1.0)] * 3)
    assert (far["border_pg"] / near["border_pg"]).tolist() == pytest.approx([np.exp(-4.0)] * 3)


def test_no_cells_have_no_terms():
    assert error_terms(cells_at(), FIELD_UM, 2.0).shape == (0, len(TERMS))


def test_terms_do_not_depend_on_the_order_of_the_cells():
    cells = random_cells(1, 300)
    order = np.random.default_rng(2).permutation(300)
    terms, moved = (error_terms(table, FIELD_UM, 1.5) for table in (cells, cells.iloc[order]))
    np.testing.assert_allclose(moved, terms[order])


def simulated(seed: int, truth: ErrorModel, draw) -> tuple[np.ndarray, np.ndarray]:
    """Terms of 25 crowded and sparse frames, and errors whose 68.27 % quantile is the model's sigma."""
    parts = [
        error_terms(random_cells(100 * seed + k, 40 + 15 * k), FIELD_UM, 0.5 + 0.1 * k) for k in range(25)
    ]
    terms = np.concatenate(parts)
    return terms, truth.standard_error_pg(terms) * draw(np.random.default_rng(seed), len(terms))


def normal(rng, count):
    return rng.standard_normal(count)


def heavy(rng, count):
    """Student's t with 3 degrees of freedom over its own 68.27 % quantile."""
    return rng.standard_t(3, count) / 1.197


def shifted(rng, count):
    """All too high by 0.8 of a spread: what is systematic is part of the error."""
    errors = 0.8 + rng.standard_normal(count)
    return errors / np.quantile(np.abs(0.8 + np.random.default_rng(0).standard_normal(400_000)), WITHIN_1)


TRUTH = ErrorModel((0.0, 0.5, 0.04, 0.01, 0.1, 0.5, 0.0, 120.0, 0.1))


@pytest.mark.parametrize("draw", [normal, heavy, shifted])
def test_known_errors_of_known_size_are_recovered(draw):
    terms, error_pg = simulated(1, TRUTH, draw)
    fitted = fit_error_model(terms, error_pg)
    new_terms, new_error_pg = simulated(2, TRUTH, draw)
    predicted_pg, true_pg = (model.standard_error_pg(new_terms) for model in (fitted, TRUTH))
    assert np.median(np.abs(predicted_pg / true_pg - 1)) < 0.05
    assert np.quantile(np.abs(predicted_pg / true_pg - 1), 0.95) < 0.25
    is_within = np.abs(new_error_pg) <= predicted_pg
    assert is_within.mean() == pytest.approx(WITHIN_1, abs=0.02)
    for group in np.array_split(np.argsort(predicted_pg), 5):
        assert is_within[group].mean() == pytest.approx(WITHIN_1, abs=0.05)


def test_the_fitted_cells_have_exactly_the_share_that_was_asked_for():
    terms, error_pg = simulated(3, TRUTH, heavy)
    is_within = np.abs(error_pg) <= fit_error_model(terms, error_pg).standard_error_pg(terms)
    assert is_within.mean() == pytest.approx(WITHIN_1, abs=1 / len(error_pg))


def test_the_share_holds_far_from_the_border_whatever_the_size_of_the_field():
    """Fitted on small fields, where every second cell is near a border, asked of large ones."""
    truth = ErrorModel((1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 60.0, 0.1))

    def fields(seed, side_um, count):
        field_um = (side_um, 1.2 * side_um)
        cells = [random_cells(seed + k, count, field_um) for k in range(40)]
        terms = np.concatenate([error_terms(one, field_um, 1.0) for one in cells])
        return terms, truth.standard_error_pg(terms) * normal(np.random.default_rng(seed), len(terms))

    fitted = fit_error_model(*fields(1, 250.0, 40))
    terms, error_pg = fields(1000, 1000.0, 300)
    is_within = np.abs(error_pg) <= fitted.standard_error_pg(terms)
    is_far = terms[:, NAMES.index("border_pg")] < np.exp(-60.0 / 5.0)
    assert is_within[is_far].mean() == pytest.approx(WITHIN_1, abs=0.03)
    assert is_within[~is_far].mean() == pytest.approx(WITHIN_1, abs=0.03)


def test_a_term_that_no_cell_has_gets_no_coefficient():
    cells = [cells_at((400.0, 500.0, mass_pg)) for mass_pg in np.linspace(100, 300, 150)]
    terms = np.concatenate([error_terms(one, FIELD_UM, 0.0) for one in cells])
    error_pg = 0.05 * terms[:, NAMES.index("relative")] * np.random.default_rng(0).standard_normal(150)
    fitted = dict(zip(NAMES, fit_error_model(terms, error_pg).coefficients, strict=True))
    assert fitted["neighbours"] == fitted["background"] == 0.0
    assert 0.03 < fitted["relative"] + fitted["alone"] + fitted["heavy"] < 0.1


def test_errors_of_zero_do_not_break_the_fit():
    terms, error_pg = simulated(4, TRUTH, normal)
    error_pg[::5] = 0.0
    assert np.isfinite(fit_error_model(terms, error_pg).coefficients).all()


@pytest.mark.parametrize(
    ("terms", "error_pg", "message"),
    [
        (
            np.ones((200, 3)),
            np.ones(200),
            r"terms have shape \(200, 3\) .* \(n, 9\) and \(n,\); take",
        ),
        (np.ones((200, 9)), np.ones(199), r"errors \(199,\), expected"),
        (np.ones((200, 9)), np.full(200, np.nan), "not finite; leave out cells without truth"),
        (np.ones((99, 9)), np.ones(99), "99 cells .* expected at least 100; raise calibrate_error.recipes"),
    ],
)
def test_what_cannot_be_fitted_is_refused(terms, error_pg, message):
    with pytest.raises(ValueError, match=message):
        fit_error_model(terms, error_pg)
