"""How series were judged, in words: counts, the rule of the method that was used, and what it means."""

from __future__ import annotations

from lensfree.report.content import PageContent
from lensfree.report.plain_words import view_hours
from lensfree.report.ranking import is_judged_by_surprise
from lensfree.report.spans import hours_of


def window_length_h(content: PageContent) -> float:
    """Return the length of a window from its first to just after its last point."""
    return hours_of("window", content.score)[1] + content.score.interval_min / 60


def has_surprise(content: PageContent) -> bool:
    """Return whether the series were judged by their surprise, and not by the published method."""
    return content.scores is not None and is_judged_by_surprise(content.scores)


def count_judged(content: PageContent) -> int:
    """Return how many series were long enough to be judged."""
    assert content.scores is not None
    return int((content.scores["n_windows"] > 0).sum())


def verdict(content: PageContent) -> str:
    """Say how many series are flagged, which are shown here and below, and how many could not be judged."""
    assert content.scores is not None
    flagged = content.scores[content.scores["is_flagged"].to_numpy(dtype=bool)]
    if flagged.empty:
        opening = "No series is flagged; the highest-ranked are shown all the same."
    else:
        opening = f"{len(flagged)} of {count_judged(content)} scored series are flagged"
        n_errors = int(flagged["is_acquisition"].sum())
        opening += f" (suspected errors of the measurement: {n_errors}). " if n_errors else ". "
        opening += _shown(content)
    return f"{opening} {not_judged(content)}".rstrip()


def _shown(content: PageContent) -> str:
    """Say how many series have a card here or below, how many are not flagged, how many share a card."""
    here = [suspect for suspect in content.suspects if not suspect.is_acquisition]
    n_quiet = sum(not suspect.is_flagged for suspect in here)
    n_below = len(content.suspects) - len(here)
    quiet = f", {n_quiet} of them not flagged" if n_quiet else ""
    below = f"; suspected errors shown further below: {n_below}" if n_below else ""
    n_sharing = sum(len(suspect.also) for suspect in content.suspects)
    sharing = (
        f"; {n_sharing} more show one of these events as well and are named beside it" if n_sharing else ""
    )
    return f"Shown here: the first {len(here)}{quiet}{below}{sharing}."


def rule(content: PageContent) -> str:
    """Say how the series were judged."""
    return _by_surprise(content) if has_surprise(content) else _by_a(content)


def not_judged(content: PageContent) -> str:
    """Say how many series are shorter than a window, empty if none is."""
    assert content.scores is not None
    n_short = len(content.scores) - count_judged(content)
    if n_short == 0:
        return ""
    verbs = ("1 series is", "was") if n_short == 1 else (f"{n_short} series are", "were")
    return f"{verbs[0]} shorter than {window_length_h(content):g} h and {verbs[1]} not judged."


def _by_a(content: PageContent) -> str:
    here = f", here {content.tau_w:.3g}" if content.tau_w else ""
    return (
        "A window is abnormal when the MSE of its forecast exceeds the threshold τ "
        f"({content.score.threshold_rule} of the training MSE{here}); the score A is the share of "
        f"abnormal windows; a series is flagged when its score exceeds {content.score.flag_above:g}."
    )


def _by_surprise(content: PageContent) -> str:
    window_h, third_h, tenth_h, forecast_h = view_hours(content.score)
    alpha = content.score.alpha
    here = "" if content.surprise_threshold is None else f" (surprise above {content.surprise_threshold:.3g})"
    return (
        f"Each series is looked at in five ways: its course over {window_h:g} h with its size; its shape "
        f"over {third_h:g} h and over {tenth_h:g} h, whatever its size; how far the forecast of "
        f"{forecast_h:g} h was off, measured against how sure it was; and how much better a known kind of "
        "anomaly explains it than the life of a normal cell. Courses and shapes are compared with "
        "those the detector learnt from: odd is what has few like it. The way in which a series is oddest "
        "counts; its surprise is −ln of the share of normal series that are as odd in it. A series is "
        f"flagged when a share of less than α = {alpha:g} of normal series looks as odd{here}: among 1,000 "
        f"normal series about {1000 * alpha:g} are flagged all the same. The shares are extrapolated from "
        "the middle of the histories that the detector learnt from, some of which may have been abnormal."
    )
