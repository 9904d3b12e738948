from __future__ import annotations

import numpy as np
import pytest

from lensfree.anomaly import density, kinds, plus, wording
from lensfree.config import ScoreConfig
from lensfree.report.plain_words import (
    KINDS,
    kind_in_words,
    rarity,
    share_in_words,
    view_hours,
    view_in_words,
)


def test_every_kind_has_words_and_no_word_stands_for_two():
    assert set(KINDS) == {*kinds.BIOLOGICAL, *kinds.ACQUISITION, kinds.UNCLEAR}
    assert len(set(KINDS.values())) == len(KINDS)
    assert not any("_" in words for words in KINDS.values())


def test_an_unknown_kind_is_shown_under_its_own_name_and_none_is_empty():
    assert kind_in_words("odd_thing") == "odd thing"
    assert kind_in_words("") == ""
    with pytest.raises(ValueError, match="odd_thing"):
        wording.say("odd_thing", None)


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.35, "more than 1 in 10"),
        (0.1, "more than 1 in 10"),
        (0.0999, "about 10 in 100"),
        (0.042, "about 4 in 100"),
        (0.0099, "about 1 in 100"),
        (0.005, "about 5 in 1,000"),
        (0.0031, "about 3 in 1,000"),
        (0.00046, "about 5 in 10,000"),
        (0.0001, "about 1 in 10,000"),
        (0.00005, "fewer than 1 in 10,000"),
        (0.0, "fewer than 1 in 10,000"),
        (np.nan, ""),
    ],
)
def test_a_share_is_said_in_round_numbers(share, words):
    assert share_in_words(share) == words


@pytest.mark.parametrize("share", np.geomspace(1.01e-4, 0.099, 40))
def test_what_is_said_of_a_share_is_right_within_half_of_its_last_digit(share):
    count, of = share_in_words(share).removeprefix("about ").replace(",", "").split(" in ")
    assert abs(int(count) / int(of) - share) <= 0.5 / int(of)


def test_the_sentence_says_how_many_look_as_odd():
    assert rarity(0.0031) == "About 3 in 1,000 normal series look as odd."
    assert rarity(np.nan) == ""


@pytest.mark.parametrize(
    "score",
    [ScoreConfig(), ScoreConfig(interval_min=6, input_points=100, target_points=40)],
    ids=["default", "another"],
)
def test_the_hours_of_the_views_are_those_of_the_detector(score):
    views = density.views(score.input_points + score.target_points)
    expected = [view.points * score.interval_min / 60 for view in views]
    assert list(view_hours(score)) == pytest.approx(
        [*expected, score.target_points * score.interval_min / 60]
    )


def test_every_view_of_the_detector_has_words():
    score = ScoreConfig()
    names = [*(view.name for view in density.views(180)), plus.FORECAST]
    said = [view_in_words(name, score) for name in names]
    assert said == [
        "Most unusual was its course over 30 h.",
        "Most unusual was its shape over 10 h.",
        "Most unusual was its shape over 3 h.",
        "Most unusual was how far the forecast of 10 h was off.",
    ]
    assert view_in_words("", score) == ""
    assert view_in_words("texture", score) == "Most unusual was texture."
