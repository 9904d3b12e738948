"""Colours that stand for different things can be told apart by people who do not see red or green."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from lensfree.report import compare_figure, style
from lensfree.report.tree_figure import LOOKS

# Linear RGB -> what a dichromat sees, G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, IEEE Transactions on
# Visualization and Computer Graphics 15, 1291 (2009), severity 1.
SEEN = {
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1.0, 1.089])


def lab(colour, kind):
    """CIE L*a*b* of a colour as it is seen."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(np.array(SEEN[kind]) @ linear, 0, 1) / WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one, other, kind):
    return float(np.linalg.norm(lab(one, kind) - lab(other, kind)))


@pytest.mark.parametrize("kind", SEEN)
def test_the_simulation_confuses_what_such_people_confuse(kind):
    assert distance("#ff0000", "#00a000", kind) < 0.6 * np.linalg.norm([1, 1]) * 100
    assert distance("#b07020", "#709020", kind) < 25
    assert distance("#0072B2", "#E69F00", kind) > 60


@pytest.mark.parametrize("kind", SEEN)
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (style.BLUE, style.RED),  # cells and series in a histogram, normal and abnormal windows
        (style.BLUE, style.ORANGE),  # measured and truth
        (style.BLUE, style.GREEN),  # dry mass and divisions
        (style.SKY, style.RED),  # branches
        (style.SKY, style.ORANGE),
        (style.RED, style.ORANGE),
        (style.BLUE, style.ONSET),
        (style.GREEN, style.ONSET),  # division and onset in one curve
    ],
)
def test_colours_side_by_side_differ(kind, one, other):
    assert distance(one, other, kind) > 20


def test_where_colours_come_close_shapes_differ():
    """Divisions are dashed and onsets are not; conditions have a shape each; branches an edge or hatch."""
    assert len(set(compare_figure._SHAPES)) == len(compare_figure._SHAPES)
    assert len(set(compare_figure._COLOURS)) == len(compare_figure._COLOURS)
    looks = [{k: v for k, v in look.items() if k != "facecolor"} for look in LOOKS.values()]
    assert all(a != b for a, b in combinations(looks, 2))


@pytest.mark.parametrize("kind", SEEN)
def test_the_first_conditions_are_told_apart_by_colour_alone(kind):
    for one, other in combinations(compare_figure._COLOURS[:3], 2):
        assert distance(one, other, kind) > 20
