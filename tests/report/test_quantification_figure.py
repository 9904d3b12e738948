"""The figure of the quantification shows the cells and levels that it was given."""

import numpy as np
import pytest

from lensfree.report.quantification import Robustness, Scatter, draw_quantification

LEVELS = Robustness(
    levels=["0 / 0", "20 / 30"],
    r2={"network": [0.98, 0.97], "reference pipeline": [0.96, 0.7]},
    bands={"published": (0.86, 0.02)},
)


def scatter(n_cells):
    true_pg = np.linspace(100, 300, n_cells)
    return Scatter("183", "R² 0.9", true_pg, true_pg + 5, "true dry mass")


@pytest.mark.parametrize("n_scatters", [1, 2, 5])
def test_a_panel_per_scatter_and_one_for_the_levels(n_scatters):
    figure = draw_quantification([scatter(10 + i) for i in range(n_scatters)], LEVELS)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert len(shown) == n_scatters + 1
    assert [len(axes.lines[0].get_xdata()) for axes in shown[:-1]] == [10 + i for i in range(n_scatters)]
    assert [list(line.get_ydata()) for line in shown[-1].lines] == list(LEVELS.r2.values())


def test_axes_hold_every_cell_and_level():
    figure = draw_quantification([scatter(12)], LEVELS)
    cells, levels = (axes for axes in figure.axes if axes.get_visible())
    assert cells.get_xlim()[1] == cells.get_ylim()[1] > 305
    assert levels.get_ylim()[0] < 0.7
    assert cells.get_xlabel() == "true dry mass [pg]"
