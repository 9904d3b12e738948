"""The last step of the search for the distance."""

import pytest

from lensfree.optics.settle import CLEAR_BEND, MOST_STEPS, STEP, settle

Z_UM = 1000.0


def bowl(best_um, asked=None, bend=0.03):
    def misfit_at(z_um):
        if asked is not None:
            asked.append(z_um)
        return 1e-4 * (1 + bend * ((z_um - best_um) / (STEP * Z_UM)) ** 2)

    return misfit_at


@pytest.mark.parametrize("best_um", [1000.0, 1001.7, 997.9, 1018.3, 983.0])
def test_the_bottom_is_found(best_um):
    assert settle(bowl(best_um), Z_UM) == pytest.approx(best_um, abs=1e-6)


def test_it_asks_three_times_and_once_more_for_each_step():
    for best_um, times in ((1000.0, 3), (1005.0, 4), (985.0, 6)):
        asked = []
        settle(bowl(best_um, asked), Z_UM)
        assert len(asked) == len(set(asked)) == times


def test_a_distance_far_off_is_not_looked_for():
    asked = []
    assert settle(bowl(1.2 * Z_UM, asked), Z_UM) is None
    assert max(asked) <= Z_UM * (1 + (MOST_STEPS + 1) * STEP) + 1e-9
    assert settle(bowl(0.8 * Z_UM), Z_UM) is None


def test_a_flat_misfit_has_no_minimum():
    assert settle(lambda z_um: 1e-4, Z_UM) is None
    assert settle(bowl(1001.0, bend=0.9 * CLEAR_BEND), Z_UM) is None
    assert settle(bowl(1001.0, bend=1.1 * CLEAR_BEND), Z_UM) is not None
