"""The table in which a person says what each flagged history is, and the precision that follows from it.

The words are those of StArDusTS, experiment 1: the cell went wrong, the measurement did, both did, or the
detector was wrong.
"""

from __future__ import annotations

import pandas as pd

BIOLOGICAL, ACQUISITION, BOTH, FALSE_POSITIVE = "biological", "acquisition", "both", "false_positive"
VERDICTS = (BIOLOGICAL, ACQUISITION, BOTH, FALSE_POSITIVE)
"""What a person may write; an empty verdict says that nobody has looked."""
FOUND = (
    "rank",
    "series_id",
    "cell_id",
    "frame",
    "time_h",
    "y_um",
    "x_um",
    "kind",
    "is_acquisition",
    "surprise",
    "normal_share",
    "anomaly_score",
    "is_flagged",
    "evidence",
)
"""What the detector says of a history; cell, frame, time and place are those of the onset."""
ASKED = ("verdict", "comment")
"""What is left to a person."""
COLUMNS = (*FOUND, *ASKED)
NEEDED = ("series_id", "is_flagged", "verdict")
"""What a filled table must still have; a person may drop or add other columns."""


def with_room_for_verdicts(found: pd.DataFrame) -> pd.DataFrame:
    """Return the table to hand to a person: the columns of `FOUND`, then empty ones for the answers.

    Raises:
        ValueError: a column is missing.
    """
    _demand(found, FOUND)
    empty = pd.Series([""] * len(found), dtype=object, index=found.index)
    return found[list(FOUND)].assign(**dict.fromkeys(ASKED, empty))


def check_verdicts(table: pd.DataFrame) -> pd.DataFrame:
    """Return a filled table with its verdicts in one spelling, "" where nobody has looked.

    Spaces around a verdict, capitals, and a space or hyphen for the underscore are put right, since they are
    what spreadsheets and hands add.

    Args:
        table: as read from the file, one row per history.

    Raises:
        ValueError: a column is missing, a verdict is unknown, or is_flagged is not True or False.
    """
    _demand(table, NEEDED)
    # Cells left empty in a file are read as NaN.
    written = table["verdict"].astype(object).fillna("").astype(str).str.strip()
    verdict = written.str.lower().str.replace(r"[\s-]+", "_", regex=True)
    is_unknown = ~verdict.isin(["", *VERDICTS])
    if is_unknown.any():
        row = table[is_unknown].iloc[0]
        raise ValueError(
            f"series {row['series_id']}: verdict '{written[is_unknown].iloc[0]}', expected one of "
            f"{', '.join(VERDICTS)}, or nothing if nobody has looked; {int(is_unknown.sum())} of "
            f"{len(table)} verdicts are unknown, correct them in the file"
        )
    flagged = table["is_flagged"]
    is_flagged = flagged.astype(str).str.strip().str.lower()
    is_odd = ~is_flagged.isin(["true", "false", "1", "0"])
    if is_odd.any():
        row = table[is_odd].iloc[0]
        raise ValueError(
            f"series {row['series_id']}: is_flagged '{row['is_flagged']}', expected True or False; copy the "
            "column anew from flags.csv"
        )
    return table.assign(verdict=verdict.astype(object), is_flagged=is_flagged.isin(["true", "1"]))


def precision_of(table: pd.DataFrame) -> tuple[float, dict[str, int]]:
    """Return the share of flagged histories that are no false positive, among those looked at.

    Biological anomalies and errors of the acquisition both count as found, as in StArDusTS, Table 2. Rows
    that are not flagged (they are in the table because they rank high) do not count, with a verdict or not.

    Args:
        table: a filled table; it is checked first.

    Returns:
        The precision, NaN if nobody has looked; and how many flagged histories have each of `VERDICTS`, and
        under "" how many have none.

    Raises:
        ValueError: as `check_verdicts`.
    """
    checked = check_verdicts(table)
    verdict = checked.loc[checked["is_flagged"].to_numpy(dtype=bool), "verdict"]
    counts = {word: int((verdict == word).sum()) for word in (*VERDICTS, "")}
    n_seen = len(verdict) - counts[""]
    return (1 - counts[FALSE_POSITIVE] / n_seen if n_seen else float("nan")), counts


def _demand(table: pd.DataFrame, names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in table.columns]
    if missing:
        got = ", ".join(map(str, table.columns))
        raise ValueError(
            f"the table of verdicts lacks {', '.join(missing)} (it has {got}); fill in a copy of flags.csv "
            "and keep its header"
        )
