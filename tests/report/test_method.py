from __future__ import annotations

from dataclasses import replace

import pytest

from lensfree.config import ReportConfig, ScoreConfig
from lensfree.report.content import PageContent
from lensfree.report.gather import Sources, gather
from lensfree.report.method import count_judged, has_surprise, not_judged, rule, verdict, window_length_h

FEW = ReportConfig(montage_frames=1, anomalies=2, strip_frames=2)


@pytest.fixture(scope="module")
def published(files, acquisition) -> PageContent:
    return gather(Sources(**vars(files)), acquisition, report=FEW, score=ScoreConfig())[0]


@pytest.fixture(scope="module")
def judged(surprised_files, acquisition) -> PageContent:
    return gather(Sources(**vars(surprised_files)), acquisition, report=FEW, score=ScoreConfig())[0]


def test_the_tables_say_which_method_was_used(published, judged):
    assert has_surprise(judged)
    assert not has_surprise(published)
    assert not has_surprise(replace(judged, scores=None))


def test_series_without_windows_are_counted_apart(published, judged):
    assert (count_judged(judged), count_judged(published)) == (3, 3)
    assert not_judged(judged) == "1 series is shorter than 30 h and was not judged."
    many = replace(judged, scores=judged.scores.assign(n_windows=[0, 5, 0, 0]))
    assert not_judged(many) == "3 series are shorter than 30 h and were not judged."
    assert not_judged(published) == ""


def test_the_length_of_a_window_is_that_of_the_configuration(judged):
    assert window_length_h(judged) == pytest.approx(30.0)
    short = replace(judged, score=ScoreConfig(interval_min=6, input_points=100, target_points=40))
    assert window_length_h(short) == pytest.approx(14.0)
    assert "shorter than 14 h" in not_judged(short)


def test_what_is_shown_is_counted_on_either_side(published, judged):
    assert (
        verdict(published)
        == "1 of 3 scored series are flagged. Shown here: the first 2, 1 of them not flagged."
    )
    assert verdict(judged) == (
        "2 of 3 scored series are flagged (suspected errors of the measurement: 1). Shown here: the first 2, "
        "1 of them not flagged; suspected errors shown further below: 1. "
        "1 series is shorter than 30 h and was not judged."
    )


def test_series_that_share_a_card_are_counted(published):
    first, *others = published.suspects
    sharing = replace(published, suspects=[replace(first, also=((7, 70, "loss"), (9, 90, "loss"))), *others])
    assert verdict(sharing).endswith(
        "1 of them not flagged; 2 more show one of these events as well and are named beside it."
    )


def test_when_nothing_is_flagged_that_is_said(judged):
    quiet = replace(judged, scores=judged.scores.assign(is_flagged=False))
    assert verdict(quiet).startswith("No series is flagged; the highest-ranked are shown all the same.")


def test_the_rule_names_the_knob_of_the_method(published, judged):
    strict = replace(judged, score=ScoreConfig(alpha=0.01))
    assert "α = 0.01 of normal series" in rule(strict)
    assert "among 1,000 normal series about 10 are flagged" in rule(strict)
    unknown = replace(judged, surprise_threshold=None)
    assert "(surprise above" not in rule(unknown)
    lenient = replace(published, score=ScoreConfig(flag_above=0.1, sigma_count=3), tau_w=None)
    assert "(mean + 3 sd of the training MSE)" in rule(lenient)
    assert "when its score exceeds 0.1" in rule(lenient)


def test_the_rule_gives_the_hours_of_the_windows_that_were_used(judged):
    text = rule(replace(judged, score=ScoreConfig(interval_min=6, input_points=100, target_points=50)))
    assert "its course over 15 h" in text
    assert "its shape over 5 h and over 1.5 h" in text
    assert "the forecast of 5 h" in text
