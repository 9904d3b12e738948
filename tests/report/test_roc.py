"""ROC curves: a panel per level, a curve and a cross per method."""

from __future__ import annotations

import numpy as np

from lensfree.report.roc import Roc, draw_roc


def curve(method: str, level: str, power: float) -> Roc:
    false = np.linspace(0, 1, 50)
    return Roc(method, level, false, false**power, 1 / (1 + power), (0.04, 0.04**power))


def test_every_curve_is_drawn_with_its_threshold_and_named_with_its_auc():
    curves = [
        curve(name, level, power)
        for level in ("windows", "cells")
        for name, power in (("a", 0.5), ("b", 0.2))
    ]
    figure = draw_roc(curves)
    assert [axes.get_title() for axes in figure.axes] == ["windows", "cells"]
    for axes, level in zip(figure.axes, ("windows", "cells"), strict=True):
        mine = [each for each in curves if each.level == level]
        lines = axes.get_lines()[1:]  # the first is that of chance
        assert [line.get_label() for line in lines[::2]] == ["a, AUC 0.667", "b, AUC 0.833"]
        for each, line, cross in zip(mine, lines[::2], lines[1::2], strict=True):
            np.testing.assert_array_equal(line.get_ydata(), each.true)
            assert (cross.get_xdata()[0], cross.get_ydata()[0]) == each.at_threshold
            assert line.get_color() == cross.get_color()
        assert axes.get_xlabel() == f"raised of normal {level}"
    assert len({line.get_color() for line in figure.axes[0].get_lines()}) == 3


def test_one_level_is_one_panel():
    assert len(draw_roc([curve("a", "cells", 0.3)]).axes) == 1
