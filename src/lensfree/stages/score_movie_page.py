"""The page on the cells of the movie that the detector ranks highest: what it says, and what they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lensfree.anomaly.verdicts import ACQUISITION, BIOLOGICAL, BOTH, FALSE_POSITIVE
from lensfree.report.content import Place
from lensfree.report.plain_words import kind_in_words, share_in_words
from lensfree.stages.followed_movie import INTERVAL_MIN, NM_PER_COUNT, PIXEL_UM
from lensfree.stages.movie_verdicts import NEAR_FRAMES, NEAR_UM, Seen
from lensfree.stages.score_movie_pictures import CROP_UM
from lensfree.stages.scored_movie import INTERVAL_H, ScoredMovie

TABLE = "scoring_livecyte_verdicts.csv"
COMMAND = "make evaluate ONLY=score_movie"

HEAD = """# The cells of a real movie that the detector ranks highest

Written by `{command}`; do not edit. What stands under "what it is" comes from
[{table}]({table}), written by hand.

The movie `demo/real/livecyte_movie` (MDA-MB-231 cells, {n_frames} frames) goes through quantify, track, series
and score with the shipped networks and the shipped `stardusts_plus` detector.

- **{interval_min:g} min per frame is an assumption.** The file records no interval. Every hour on this page, which
  histories are long enough to be judged, and every growth rate depend on it. {pixel_um:g} um per pixel and
  {nm_per_count:g} nm of OPD per grey level are assumptions too: dry mass is relative.
- **The detector was trained on other cells**: {trained_on}. From this
  movie it takes only its scale and what is usual (growth, divisions, noise), as for any small data set.
- **A window is {window_h:g} h. {n_judged} of {n_series} histories are as long; the other {n_short} were not judged**
  and are listed at the end, as are cells in no history. So the cells below are the highest of {n_judged}, which
  is hardly a choice, and {n_flagged} of the {n_judged} are flagged where `score.alpha` asks for {alpha:g} of normal
  ones. The shares of normal histories are those of the simulated ones that the detector knows: on this movie
  they say no more than the order.
- The left half of the field is among what the network of quantify learnt from.

{verdict}

![the cells, outlined, and their dry mass](scoring_livecyte.png)

*Per cell: pictures of OPD, {crop_um:g} um wide, at the beginning, around the onset (framed) and at the end;
bright blue the outline over which its dry mass was integrated, grey those of others, a cross where tracking
put it without an outline of its own. Brightness follows the square root of OPD and is the same in all pictures of
a cell. Below, dry mass, and from the onset on the band in which 95 % of cells would have gone on that are normal
for this movie, given what was measured before and when the cell divided. Triangles are the pictures.*

## The {n_shown} highest-ranked cells

{distinct}

| # | what the detector says | onset | place y, x [um] | followed [h] | surprise | normal ones that look as odd | most surprised view | verdict | is the kind right |
|---|---|---|---|---|---|---|---|---|---|
"""

NOT_JUDGED = """
## Not judged

{n_short} histories of {least_h:g} h or more, but shorter than a window of {window_h:g} h. How often they end, and why, says what
would make more of them long enough: {ends}. Another {n_in_none} cells were tracked for
less than {least_h:g} h and are in no history; they hold {share_in_none:.1%} of all detections.

| history | from [h] | to [h] | length [h] | cells | begins | ends |
|---|---|---|---|---|---|---|
"""

_BEGINS = {"birth": "appears", "enters_field": "enters the field"}
_ENDS = {"death": "dies", "lost": "lost", "leaves_field": "leaves the field"}


def build_page(
    scored: ScoredMovie,
    shown: pd.DataFrame,
    places: Sequence[Place | None],
    seen: Sequence[Seen | None],
    unmatched: Sequence[Seen],
    *,
    trained_on: str,
    n_frames: int,
    window_h: float,
    least_h: float,
) -> str:
    """Return the page as Markdown.

    Args:
        scored: the movie.
        shown: the ranked histories that are shown.
        places: where each was at its onset.
        seen: what a person saw of each, None if nobody has looked.
        unmatched: rows of the verdicts that fit none of them.
        trained_on: what the detector was trained on.
        n_frames: frames of the movie.
        window_h: length of a window.
        least_h: length of the shortest history.
    """
    short = _short(scored, n_frames)
    head = HEAD.format(
        command=COMMAND,
        table=TABLE,
        n_frames=n_frames,
        interval_min=INTERVAL_MIN,
        pixel_um=PIXEL_UM,
        nm_per_count=NM_PER_COUNT,
        trained_on=trained_on,
        window_h=window_h,
        n_judged=scored.n_judged,
        n_series=len(scored.scores),
        n_short=len(short),
        n_flagged=int(scored.scores["is_flagged"].sum()),
        alpha=scored.alpha,
        verdict=_verdict(seen),
        crop_um=CROP_UM,
        n_shown=len(shown),
        distinct=_distinct(scored, shown),
    )
    pairs = list(zip([row for _, row in shown.iterrows()], places, seen, strict=True))
    rows = [_row(scored, k, *pair) for k, pair in enumerate(pairs, start=1)]
    said = [_said(k, row, one) for k, (row, _, one) in enumerate(pairs, start=1)]
    return (
        head
        + "\n".join(rows)
        + "\n\n## What they are\n\n"
        + "\n".join(said)
        + _unmatched(unmatched)
        + _not_judged(scored, short, window_h, least_h)
    )


def _verdict(seen: Sequence[Seen | None]) -> str:
    looked = [one for one in seen if one is not None]
    if not looked:
        return f"**Nobody has judged these {len(seen)} cells yet.**"
    of = {
        word: sum(one.verdict == word for one in looked)
        for word in (BIOLOGICAL, ACQUISITION, BOTH, FALSE_POSITIVE)
    }
    unjudged = f" {len(seen) - len(looked)} are unjudged." if len(looked) < len(seen) else ""
    return (
        f"**{of[ACQUISITION] + of[BOTH]} of {len(looked)} are errors of tracking or of the measurement** (in "
        f"{of[BOTH]} of them the cell is unusual as well), {of[BIOLOGICAL]} are unusual cells, and "
        f"{of[FALSE_POSITIVE]} are normal ones; judged by eye on the pictures below and on the frames around. The "
        f"kind that the detector tells is right for {sum(one.is_kind_right for one in looked)}.{unjudged}"
    )


def _distinct(scored: ScoredMovie, shown: pd.DataFrame) -> str:
    if shown.empty:
        return "No history is as long as a window: there is nothing to rank."
    last = int(shown["rank"].max())
    left_out = last - len(shown)
    return (
        f"The first {last} of the ranking by surprise; {left_out} of them "
        f"{'is' if left_out == 1 else 'are'} left out because {'it shares' if left_out == 1 else 'they share'} a "
        "cell with a better-ranked history."
    )


def _row(scored: ScoredMovie, number: int, row: pd.Series, place: Place | None, seen: Seen | None) -> str:
    own = scored.series.loc[scored.series["series_id"] == row["series_id"], "time_h"]
    onset = (
        f"{row['onset_h']:.1f} h, frame {place.frame}" if place and np.isfinite(row["onset_h"]) else "unclear"
    )
    cells = (
        str(number),
        kind_in_words(str(row["kind"])) + ("" if row["is_flagged"] else " (not flagged)"),
        onset,
        f"{place.y_um:.0f}, {place.x_um:.0f}" if place else "",
        f"{own.min():.1f} to {own.max():.1f}",
        f"{row['surprise']:.1f}",
        share_in_words(float(row["normal_share"])),
        str(row["view"]),
        "unjudged" if seen is None else seen.verdict.replace("_", " "),
        "" if seen is None else "yes" if seen.is_kind_right else "no",
    )
    return f"| {' | '.join(cells)} |"


def _said(number: int, row: pd.Series, seen: Seen | None) -> str:
    what = "unjudged: nobody has looked at this cell as it is ranked now." if seen is None else seen.what
    return f"{number}. **{what}** The detector: {row['evidence']}."


def _unmatched(unmatched: Sequence[Seen]) -> str:
    if not unmatched:
        return "\n"
    rows = [
        f"- frame {one.frame}, y {one.y_um:.0f}, x {one.x_um:.0f} um, {one.kind}: {one.what}"
        for one in unmatched
    ]
    return (
        f"\n\nVerdicts that fit no cell above (same kind, within {NEAR_UM:g} um and {NEAR_FRAMES} frames) and "
        "do not count; look again and replace or delete them:\n\n" + "\n".join(rows) + "\n"
    )


def _short(scored: ScoredMovie, n_frames: int) -> pd.DataFrame:
    """Return a row per history that was not judged: its span, its cells, how it begins and ends."""
    names = scored.scores.loc[scored.scores["n_windows"] == 0, "series_id"]
    rows = []
    for name, part in scored.series[scored.series["series_id"].isin(names)].groupby("series_id"):
        first_h, last_h = float(part["time_h"].min()), float(part["time_h"].max())
        cells = part.sort_values("time_h")["cell_id"].drop_duplicates().tolist()
        is_last = round(last_h / INTERVAL_H) == n_frames - 1
        begins = "first frame" if first_h == 0 else _how(scored, cells[0], first_h, _BEGINS, "after a gap")
        ends = "last frame" if is_last else _how(scored, cells[-1], last_h, _ENDS, "before a gap")
        rows.append((name, first_h, last_h, cells, begins, ends))
    return pd.DataFrame(rows, columns=["series_id", "first_h", "last_h", "cells", "begins", "ends"])


def _how(scored: ScoredMovie, cell_id: int, time_h: float, words: dict[str, str], otherwise: str) -> str:
    events = scored.events
    is_it = events["cell_id"].eq(cell_id) & events["kind"].isin(list(words))
    found = events.loc[is_it & ((events["time_h"] - time_h).abs() < INTERVAL_H / 2), "kind"]
    return words[str(found.iloc[0])] if len(found) else otherwise


def _not_judged(scored: ScoredMovie, short: pd.DataFrame, window_h: float, least_h: float) -> str:
    is_in_none = ~scored.tracks["cell_id"].isin(scored.series["cell_id"].unique())
    counts = short["ends"].value_counts()
    head = NOT_JUDGED.format(
        n_short=len(short),
        least_h=least_h,
        window_h=window_h,
        ends=", ".join(f"{how} {count}" for how, count in counts.items()) or "there are none",
        n_in_none=scored.tracks.loc[is_in_none, "cell_id"].nunique(),
        share_in_none=float(is_in_none.mean()),
    )
    rows = [
        f"| {row.series_id} | {row.first_h:.1f} | {row.last_h:.1f} | {row.last_h - row.first_h:.1f} "
        f"| {', '.join(map(str, row.cells))} | {row.begins} | {row.ends} |"
        for row in short.itertuples()
    ]
    return head + "\n".join(rows) + "\n"
