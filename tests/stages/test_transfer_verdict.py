"""The verdict: figures by hand, better only beyond chance, and cells seen again and again are one place."""

import numpy as np
import pandas as pd
import pytest

from lensfree.stages.verdict import MIN_PLACES, PLACE_UM, WRONG, HeldOut, judge

HIGH_UM = (600.0, 450.0)


def table(y_um, x_um, dry_mass_pg):
    return pd.DataFrame({"y_um": y_um, "x_um": x_um, "dry_mass_pg": dry_mass_pg}, dtype=float)


def grid(seed, shape=(10, 8), apart_um=55.0, low_um=30.0):
    """Cells so far apart that none can be taken for another."""
    y, x = (low_um + apart_um * index.ravel() for index in np.indices(shape))
    return table(y, x, np.random.default_rng(seed).uniform(80, 400, y.size))


def off_by(cells, log_ratio):
    return cells.assign(dry_mass_pg=cells["dry_mass_pg"] * np.exp(log_ratio))


def held_out(cells, acquisition="a"):
    return HeldOut(acquisition, cells, (0.0, 0.0), HIGH_UM)


def noise(seed, cells, sd):
    return np.random.default_rng(seed).normal(0, sd, len(cells))


def test_a_network_is_not_better_than_itself():
    cells = grid(0)
    found = off_by(cells, noise(1, cells, 0.1))
    verdict = judge([held_out(cells)], [found], [found], seed=0)
    assert not verdict.is_better
    assert (verdict.improvement, verdict.interval) == (0.0, (0.0, 0.0))
    assert verdict.start == verdict.own


def test_a_clearly_better_network_is_better_and_the_other_way_round_is_not():
    cells = [grid(seed) for seed in range(3)]
    frames = [held_out(some) for some in cells]
    coarse, fine = ([off_by(some, noise(9, some, sd)) for some in cells] for sd in (0.3, 0.05))
    verdict = judge(frames, coarse, fine, seed=0)
    assert verdict.is_better
    assert verdict.improvement == pytest.approx(verdict.start.error - verdict.own.error)
    assert verdict.own.error == pytest.approx(0.05, rel=0.15)
    back = judge(frames, fine, coarse, seed=0)
    assert not back.is_better
    assert back.improvement == pytest.approx(-verdict.improvement)


def test_figures_by_hand():
    """Six cells that count: four found, one of them four times too heavy, two missed; one invented."""
    truth = table([50, 150, 250, 350, 450, 590], [50, 60, 70, 80, 90, 440], [100, 200, 300, 400, 500, 100])
    found = table([50, 150, 250, 350, 100, 605], [50, 60, 70, 80, 300, 440], [110, 200, 300, 1600, 90, 100])
    truth = pd.concat([truth, table([700], [50], [100])], ignore_index=True)  # beyond, and not missed
    one = judge([held_out(truth)], [found], [found], seed=0)
    # the cell at 590 um is found at 605 um: too far away to be the same, and beyond what counts
    squared = np.log(1.1) ** 2 + 0 + 0 + WRONG**2 + 2 * WRONG**2 + WRONG**2
    assert one.start.error == pytest.approx(np.sqrt(squared / 6))
    assert one.start.recall == pytest.approx(4 / 6)
    assert one.start.precision == pytest.approx(4 / 5)
    assert (one.start.n_pairs, one.n_cells, one.n_frames) == (4, 6, 1)
    line = np.polyfit([100, 200, 300, 400], [110, 200, 300, 1600], 1)
    assert one.start.mass_slope == pytest.approx(line[0])


def test_a_partner_beyond_the_line_is_still_the_partner():
    """A cell found just across the line is neither missed nor invented, whichever side its partner is."""
    cells = grid(0)
    reference = pd.concat([cells, table([300, 400], [449, 451], [100, 100])], ignore_index=True)
    found = pd.concat([cells, table([300, 400], [451, 449], [100, 100])], ignore_index=True)
    verdict = judge([held_out(reference)], [found], [found], seed=0)
    assert (verdict.start.error, verdict.start.recall, verdict.start.precision) == (0.0, 1.0, 1.0)
    assert verdict.n_cells == len(cells) + 1


def test_one_lucky_cell_does_not_make_a_network_better():
    cells = grid(0)
    noisy = noise(3, cells, 0.1)
    lucky = noisy.copy()
    lucky[np.argmax(np.abs(noisy))] = 0.0
    verdict = judge([held_out(cells)], [off_by(cells, noisy)], [off_by(cells, lucky)], seed=0)
    assert verdict.improvement > 0
    assert not verdict.is_better


def test_the_same_cells_in_many_frames_do_not_make_it_surer():
    cells = grid(0)
    before, after = (off_by(cells, noise(seed, cells, sd)) for seed, sd in ((3, 0.11), (4, 0.09)))
    once = judge([held_out(cells)], [before], [after], seed=0)
    often = judge([held_out(cells)] * 20, [before] * 20, [after] * 20, seed=0)
    assert often.n_cells == 20 * once.n_cells
    assert often.n_places == once.n_places
    np.testing.assert_allclose(often.interval, once.interval, rtol=1e-9)
    others = [held_out(cells, f"well {index}") for index in range(20)]
    elsewhere = judge(others, [before] * 20, [after] * 20, seed=0)
    assert np.ptp(elsewhere.interval) < 0.5 * np.ptp(once.interval)


def test_equally_good_networks_are_seldom_called_better():
    """Errors stay with a cell from frame to frame, as a network's do; 2.5 % of false calls are claimed."""
    calls = 0
    for seed in range(40):
        cells = grid(seed, shape=(6, 6))
        frames = [held_out(cells)] * 3
        before, after = ([off_by(cells, noise(which, cells, 0.15))] * 3 for which in (seed, 1000 + seed))
        calls += judge(frames, before, after, seed=0).is_better
    assert calls <= 3


@pytest.mark.parametrize("found", [table([], [], []), table([500.0], [400.0], [100.0])])
def test_a_network_that_finds_nothing_right_has_figures_too(found):
    cells = grid(0)
    verdict = judge([held_out(cells)], [found], [cells], seed=0)
    assert verdict.is_better
    assert verdict.start.error >= WRONG
    assert verdict.start.recall == 0.0
    assert np.isnan(verdict.start.mass_r2)


def test_too_few_places_are_refused():
    cells = grid(0, shape=(2, 8))[: 2 * 8]
    near = cells[cells["x_um"] < PLACE_UM * (MIN_PLACES - 2)]
    said = (
        rf"held-out cells lie at \d places of 100 um, expected at least {MIN_PLACES}; raise transfer_quantify"
    )
    with pytest.raises(ValueError, match=said):
        judge([held_out(near)], [near], [near], seed=0)
