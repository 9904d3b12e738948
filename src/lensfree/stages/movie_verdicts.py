"""What a person saw in pictures of the movie's cells, joined onto what the detector says of them now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lensfree.anomaly.verdicts import ACQUISITION, BOTH, VERDICTS
from lensfree.report.content import Place

COLUMNS = ("frame", "y_um", "x_um", "kind", "verdict", "is_kind_right", "what")
NEAR_UM = 10.0
NEAR_FRAMES = 10
"""Another place, or an hour away, is not what was judged."""
ANSWERS = ("yes", "no")


@dataclass(frozen=True)
class Seen:
    """What a person saw.

    Attributes:
        frame: of the onset that the pictures were taken around.
        y_um: place of the cell then [um].
        x_um: the same.
        kind: what the detector called it then.
        verdict: one of `anomaly.verdicts.VERDICTS`.
        is_kind_right: whether the kind is what is to be seen.
        what: in words.
    """

    frame: int
    y_um: float
    x_um: float
    kind: str
    verdict: str
    is_kind_right: bool
    what: str

    @property
    def is_error(self) -> bool:
        """Return whether measurement or tracking erred, alone or beside something of the cell."""
        return self.verdict in (ACQUISITION, BOTH)

    def is_of(self, place: Place | None) -> bool:
        """Return whether this was said of the same event: place and time of the onset are what they were."""
        if place is None:
            return False
        apart_um = float(np.hypot(place.y_um - self.y_um, place.x_um - self.x_um))
        return apart_um <= NEAR_UM and abs(place.frame - self.frame) <= NEAR_FRAMES

    def says_right(self, kind: str) -> bool | None:
        """Return whether a kind is what is to be seen, None if another one was asked about."""
        return self.is_kind_right if kind == self.kind else None


def read_seen(path: Path) -> list[Seen]:
    """Read the table of verdicts.

    Raises:
        ValueError: a column is missing, a verdict is unknown, or `is_kind_right` is neither yes nor no.
    """
    table = pd.read_csv(path, keep_default_na=False)
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise ValueError(f"{path} lacks the columns {missing}; expected {', '.join(COLUMNS)}")
    for name, allowed in (("verdict", VERDICTS), ("is_kind_right", ANSWERS)):
        wrong = table[~table[name].isin(allowed)]
        if len(wrong):
            row = wrong.iloc[0]
            raise ValueError(
                f"{path}: frame {row['frame']}: {name} is '{row[name]}', expected one of "
                f"{', '.join(allowed)}; correct it, or delete the row if nobody has looked"
            )
    rows = table[list(COLUMNS)].assign(is_kind_right=table["is_kind_right"] == "yes").to_dict("records")
    return [Seen(**{str(name): value for name, value in row.items()}) for row in rows]


def join_seen(places: Sequence[Place | None], seen: Sequence[Seen]) -> tuple[list[Seen | None], list[Seen]]:
    """Return what was seen of each cell, None where nobody has looked, and the rows that fit none of them.

    Args:
        places: where each cell was at its onset.
        seen: the table.

    Raises:
        ValueError: two rows speak of the same cell.
    """
    found: list[Seen | None] = []
    used: set[int] = set()
    for place in places:
        fitting = [index for index, one in enumerate(seen) if one.is_of(place)]
        if len(fitting) > 1:
            raise ValueError(
                f"{len(fitting)} rows of the verdicts speak of {place}; expected one at most: delete those "
                "that no longer hold"
            )
        used.update(fitting)
        found.append(seen[fitting[0]] if fitting else None)
    return found, [one for index, one in enumerate(seen) if index not in used]
