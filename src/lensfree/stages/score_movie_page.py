"""The page on the cells of the movie that the detector ranks highest: what it says, and what they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from lensfree.anomaly.verdicts import ACQUISITION, BIOLOGICAL, BOTH, FALSE_POSITIVE
from lensfree.report.content import Place
from lensfree.report.plain_words import kind_in_words, share_in_words
from lensfree.stages.followed_movie import INTERVAL_MIN, NM_PER_COUNT, PIXEL_UM
from lensfree.stages.movie_verdicts import NEAR_FRAMES, NEAR_UM, Seen
from lensfree.stages.score_movie_pictures import CROP_UM
from lensfree.stages.scored_movie import ScoredMovie
from lensfree.stages.short_histories import not_judged, short_histories

TABLE = "scoring_livecyte_verdicts.csv"
COMMAND = "make evaluate ONLY=score_movie"

HEAD = """# The cells of a real movie that the detector ranks highest

Written by `{command}`; do not edit. What stands under "what they are", with its verdicts, comes from
[{table}]({table}), written by hand.

The movie `demo/real/livecyte_movie` (MDA-MB-231 cells, {n_frames} frames) goes through quantify, track,
series and score with the shipped networks and the shipped `stardusts_plus` detector.

- **{interval_min:g} min per frame is an assumption.** The file records no interval. Every hour on this page,
  which histories are long enough to be judged, and every growth rate depend on it. {pixel_um:g} um per pixel
  and {nm_per_count:g} nm of OPD per grey level are assumptions too: dry mass is relative.
- **The detector was trained on other cells**, simulated ones ({trained_on}). From this
  movie it takes only its scale and what is usual (growth, divisions, noise), as for any small data set.
  That normal cells are measured with slow ups and downs and with short dips, and that a kind is told only if
  plain numbers bear it out, was built in after looking at these very cells: the page is no test of that.
- **A window is {window_h:g} h. {n_judged} of {n_series} histories are as long; the other {n_short} were not
  judged** and are listed at the end, as are the cells in no history. So the cells below are the highest of
  {n_judged}, which is hardly a choice.
- **{n_flagged} of the {n_judged} are flagged**, where `score.alpha` asks for {alpha:g} of normal ones.
  Surprise and the share of normal histories rest on simulated cells: on this movie they order, no
  more.
- The left half of the field is among what the network of quantify learnt from.

{verdict}

![the cells, outlined, and their dry mass](scoring_livecyte.png)

*Per cell: pictures of OPD, {crop_um:g} um wide, at the beginning, around the onset (framed) and at the end;
bright blue the outline over which its dry mass was integrated, grey those of others, a cross where tracking
put it without an outline. Brightness follows the square root of OPD, alike in all pictures of a cell.
Below, dry mass, and from the onset on the band in which 95 % of the cells that are normal for this movie
would have gone on, given what was measured before and when the cell divided. Triangles are the pictures.*

## The {n_shown} highest-ranked cells

{distinct}

| {columns} |
|---|---|---|---|---|---|---|---|---|---|
"""

COLUMNS = (
    *("rank", "what the detector says", "onset", "place y, x [um]", "followed [h]", "surprise"),
    *("normal ones that look as odd", "most surprised view", "verdict", "is the kind right"),
)


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
    short = short_histories(scored, n_frames)
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
        verdict=_verdict(seen, shown["kind"].tolist()),
        crop_um=CROP_UM,
        n_shown=len(shown),
        distinct=_distinct(shown),
        columns=" | ".join(COLUMNS),
    )
    of_shown = list(zip([row for _, row in shown.iterrows()], places, seen, strict=True))
    rows = [_row(scored, *one) for one in of_shown]
    said = [_said(row, one) for row, _, one in of_shown]
    parts = ("\n".join(rows), "\n\n## What they are\n\n", "\n".join(said), _unmatched(unmatched))
    return head + "".join(parts) + not_judged(scored, short, window_h, least_h)


def _verdict(seen: Sequence[Seen | None], kinds: Sequence[str]) -> str:
    looked = [(one, kind) for one, kind in zip(seen, kinds, strict=True) if one is not None]
    if not looked:
        return f"**Nobody has judged these {len(seen)} cells.**"
    of = Counter(one.verdict for one, _ in looked)
    unjudged = f" {len(seen) - len(looked)} are unjudged." if len(looked) < len(seen) else ""
    asked = [right for one, kind in looked if (right := one.says_right(kind)) is not None]
    return (
        f"**Of {len(looked)} cells {of[ACQUISITION] + of[BOTH]} stand here by an error of tracking or of the "
        f"measurement**; {of[BOTH]} of these are unusual cells as well. Unusual without such an error: "
        f"{of[BIOLOGICAL]}. Normal: {of[FALSE_POSITIVE]}. Judged by eye on the pictures below and on the "
        f"frames around. The kind that the detector tells is right for {sum(asked)} of {len(asked)}."
        f"{unjudged}"
    )


def _distinct(shown: pd.DataFrame) -> str:
    if shown.empty:
        return "No history is as long as a window: there is nothing to rank."
    last = int(shown["rank"].max())
    return (
        f"The first {last} of the ranking by surprise, less {last - len(shown)} that share a cell with one "
        "ranked before them."
    )


def _row(scored: ScoredMovie, row: pd.Series, place: Place | None, seen: Seen | None) -> str:
    own = scored.series.loc[scored.series["series_id"] == row["series_id"], "time_h"]
    has_onset = place is not None and np.isfinite(row["onset_h"])
    right = None if seen is None else seen.says_right(str(row["kind"]))
    cells = (
        str(row["rank"]),
        kind_in_words(str(row["kind"])) + ("" if row["is_flagged"] else " (not flagged)"),
        f"{row['onset_h']:.1f} h, frame {place.frame}" if place is not None and has_onset else "unclear",
        f"{place.y_um:.0f}, {place.x_um:.0f}" if place is not None else "",
        f"{own.min():.1f} to {own.max():.1f}",
        f"{row['surprise']:.1f}",
        share_in_words(float(row["normal_share"])),
        str(row["view"]),
        "unjudged" if seen is None else seen.verdict.replace("_", " "),
        {True: "yes", False: "no", None: "unjudged"}[right],
    )
    return f"| {' | '.join(cells)} |"


def _said(row: pd.Series, seen: Seen | None) -> str:
    what = "Unjudged: nobody has looked at this event." if seen is None else seen.what
    title, _, rest = what.partition(". ")
    return f"{row['rank']}. **{title.rstrip('.')}.** {rest}\n   *The detector: {row['evidence']}.*"


def _unmatched(unmatched: Sequence[Seen]) -> str:
    if not unmatched:
        return "\n"
    rows = [
        f"- frame {one.frame}, y {one.y_um:.0f}, x {one.x_um:.0f} um, {one.kind}: {one.what}"
        for one in unmatched
    ]
    return (
        f"\n\nVerdicts that fit no cell above (onset within {NEAR_UM:g} um and {NEAR_FRAMES} frames) and do "
        "not count; look again, then replace or delete them:\n\n" + "\n".join(rows) + "\n"
    )
