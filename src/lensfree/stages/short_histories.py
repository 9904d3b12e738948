"""The histories of the movie that are too short to be judged, and how they begin and end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lensfree.stages.scored_movie import INTERVAL_H, ScoredMovie

NOT_JUDGED = """
## Not judged

{n_short} histories of {least_h:g} h or more, but shorter than a window of {window_h:g} h. How they end says
what would make more of them long enough: {ends}.
Another {n_in_none} cells are in no history, because no path through them lasts {least_h:g} h; they hold
{share_in_none:.1%} of all detections.

| history | from [h] | to [h] | length [h] | cells | begins | ends |
|---|---|---|---|---|---|---|
"""

BEGINS = {"birth": "appears", "enters_field": "enters the field"}
ENDS = {"death": "dies", "lost": "lost", "leaves_field": "leaves the field"}
"""Events of tracking -> words."""


@dataclass(frozen=True)
class ShortHistory:
    """A history that was not judged.

    Attributes:
        series_id: under `contracts.SERIES`.
        first_h: its first point [h].
        last_h: its last point [h].
        cells: mother to daughter.
        begins: in words.
        ends: in words.
    """

    series_id: int
    first_h: float
    last_h: float
    cells: tuple[int, ...]
    begins: str
    ends: str


def short_histories(scored: ScoredMovie, n_frames: int) -> list[ShortHistory]:
    """Return the histories without windows, in order of their identity.

    Args:
        scored: the movie.
        n_frames: its length.
    """
    names = scored.scores.loc[scored.scores["n_windows"] == 0, "series_id"]
    rows = dict(list(scored.series[scored.series["series_id"].isin(names)].groupby("series_id")))
    found = []
    for name in names.tolist():
        part = rows[name].sort_values("time_h")
        first_h, last_h = float(part["time_h"].iloc[0]), float(part["time_h"].iloc[-1])
        cells = tuple(part["cell_id"].drop_duplicates().tolist())
        is_last = round(last_h / INTERVAL_H) == n_frames - 1
        begins = "first frame" if first_h == 0 else _how(scored, cells[0], first_h, BEGINS, "after a gap")
        ends = "last frame" if is_last else _how(scored, cells[-1], last_h, ENDS, "before a gap")
        found.append(ShortHistory(name, first_h, last_h, cells, begins, ends))
    return found


def not_judged(scored: ScoredMovie, short: Sequence[ShortHistory], window_h: float, least_h: float) -> str:
    """Return the section of the page on what was not judged, as Markdown.

    Args:
        scored: the movie.
        short: its histories without windows.
        window_h: length of a window [h].
        least_h: length of the shortest history [h].
    """
    is_in_none = ~scored.tracks["cell_id"].isin(scored.series["cell_id"].unique())
    counts = Counter(one.ends for one in short).most_common()
    head = NOT_JUDGED.format(
        n_short=len(short),
        least_h=least_h,
        window_h=window_h,
        ends=", ".join(f"{how} {count}" for how, count in counts) or "there are none",
        n_in_none=scored.tracks.loc[is_in_none, "cell_id"].nunique(),
        share_in_none=float(is_in_none.mean()),
    )
    rows = [
        f"| {one.series_id} | {one.first_h:.1f} | {one.last_h:.1f} | {one.last_h - one.first_h:.1f} "
        f"| {', '.join(map(str, one.cells))} | {one.begins} | {one.ends} |"
        for one in short
    ]
    return head + "\n".join(rows) + "\n"


def _how(scored: ScoredMovie, cell_id: int, time_h: float, words: dict[str, str], otherwise: str) -> str:
    """Return how a cell began or ended at a time, by its event of tracking."""
    events = scored.events
    is_it = events["cell_id"].eq(cell_id) & events["kind"].isin(list(words))
    found = events.loc[is_it & ((events["time_h"] - time_h).abs() < INTERVAL_H / 2), "kind"]
    return words[str(found.iloc[0])] if len(found) else otherwise
