"""Cells that the border of the field cuts are marked by the classical pipeline."""

import numpy as np
import pytest
from bumps import dome_nm

from lensfree.cells.measure import measure_cells, measure_regions
from lensfree.config import QuantifyConfig

SHAPE_YX = (120, 170)
PITCH_UM = 1.67
BOTTOM_UM, RIGHT_UM = (n * PITCH_UM for n in SHAPE_YX)


@pytest.mark.parametrize(
    ("y_um", "x_um", "expected"),
    [
        (8.0, 100.0, True),
        (BOTTOM_UM - 8.0, 100.0, True),
        (90.0, 8.0, True),
        (90.0, RIGHT_UM - 8.0, True),
        (18.0, 18.0, False),
        (BOTTOM_UM - 18.0, RIGHT_UM - 18.0, False),
        (90.0, 140.0, False),
    ],
)
def test_an_outline_that_reaches_the_border_is_marked(y_um, x_um, expected):
    dome = dict(radius_um=13.0, height_nm=250.0)
    opd_nm = dome_nm(SHAPE_YX, PITCH_UM, y_um=y_um, x_um=x_um, **dome)
    cells = measure_cells(opd_nm, PITCH_UM, QuantifyConfig())
    assert cells["touches_border"].tolist() == [expected]


def test_each_outermost_row_and_column_is_border_and_nothing_else():
    labels = np.zeros((9, 14), np.int32)
    labels[0, 4] = 1
    labels[8, 6:9] = 2
    labels[3, 0] = 4  # 3 has no pixels
    labels[2:5, 12:14] = 5
    labels[1:8, 3:5] = 6
    labels[5, 9:13] = 7
    cells = measure_regions(np.ones((9, 14)), labels, PITCH_UM, 0.18)
    assert cells["touches_border"].tolist() == [True, True, True, True, False, False]
