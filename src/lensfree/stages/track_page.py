"""The page on the movie of real cells: where our tracks lose the cells that the instrument followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lensfree.stages.evaluate_track_movie import HALF_CROP_PX, LONG_FRAMES, NEARLY, REACH_UM
from lensfree.stages.followed_movie import INTERVAL_MIN, NM_PER_COUNT, PIXEL_UM
from lensfree.stages.measures import Measure
from lensfree.tracks.followed import Followed

HEAD = """# Tracking on a movie of real cells

Written by `make evaluate ONLY=track`; do not edit. The movie `demo/real/livecyte_movie` (MDA-MB-231 cells,
481 frames) goes through the shipped network and the tracker as any acquisition does. The instrument
followed {n_cells} cells for {long} frames or more. Its tracks are automatic too and are **no ground truth**:
where they differ from ours either may be wrong. The source states no scales: {pixel_um:g} um per pixel,
{interval_min:g} min per frame and {nm_per_count:g} nm of OPD per grey level are assumptions. The left half
of the field is among what the network learnt from.

A cell of ours within {reach_um:g} um of the instrument's is the same cell. A long track is **whole** if one
path from a founder to a last descendant has the cell in every frame in which we found it:
{whole} of {n_cells}. With {nearly:.0%} of those frames it is {nearly_whole} of {n_cells}.
We found the cell in {found:.1%} of the frames.

![pictures around some breaks](tracking_livecyte.png)

*Around the first break of some cells: our cells as numbered circles, the one before the break green, the
one after it orange; the cross is the instrument's. The crops are {crop_um:.0f} um wide.*

## Long tracks

| instrument's cell | frames | found | on one path | breaks |
|---|---|---|---|---|
"""

BREAKS = """
## Breaks

In which frame the identity of ours changes, each identity being kept as long as it can be; where the
instrument has the cell then, and how far its own track went since its frame before: a long way is either a
jump of the cell or a mistake of the instrument.

| instrument's cell | frame | y [um] | x [um] | its step [um] | our cell before | after | what happened |
|---|---|---|---|---|---|---|---|
"""


def build_page(measures: Mapping[str, Measure], followed: Sequence[Followed]) -> str:
    """Return the page as Markdown."""
    head = HEAD.format(
        n_cells=len(followed),
        long=LONG_FRAMES,
        pixel_um=PIXEL_UM,
        interval_min=INTERVAL_MIN,
        nm_per_count=NM_PER_COUNT,
        reach_um=REACH_UM,
        whole=sum(one.is_whole for one in followed),
        nearly=NEARLY,
        nearly_whole=sum(one.is_nearly_whole(NEARLY) for one in followed),
        found=measures["track.livecyte.frames_found"].value,
        crop_um=(2 * HALF_CROP_PX + 1) * PIXEL_UM,
    )
    tracks = [
        f"| {one.cell_id} | {one.frames} | {one.found} | {one.covered} | {len(one.breaks)} |"
        for one in followed
    ]
    breaks = [
        f"| {one.cell_id} | {at.frame} | {at.y_um:.0f} | {at.x_um:.0f} | {at.other_step_um:.1f} "
        f"| {at.cell_before} | {at.cell_after} | {at.what} |"
        for one in followed
        for at in one.breaks
    ]
    return head + "\n".join(tracks) + "\n" + BREAKS + "\n".join(breaks) + "\n"
