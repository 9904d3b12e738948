"""Which acquisitions of the sheet a run is for: by name or by pattern."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from lensfree.validation import SettingError, unknown_name

_WILDCARDS = frozenset("*?[")
_MAX_NAMED = 8


def select(wanted: Sequence[str], known: Iterable[str]) -> list[str]:
    """Return the acquisitions that a run is for, in the sheet's order.

    What they are computed from does not depend on the selection: a data set that a detector is trained
    on stays what the sheet says.

    Args:
        wanted: names and patterns (`*`, `?`, `[...]` as in a shell); empty for all.
        known: the acquisitions of the sheet.

    Raises:
        SettingError: about the first name or pattern that the sheet does not have.
    """
    names = list(known)
    if not wanted:
        return names
    chosen: set[str] = set()
    for word in wanted:
        found = {name for name in names if fnmatchcase(name, word)}
        if not found and _WILDCARDS & set(word):
            more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
            listed = ", ".join(names[:_MAX_NAMED])
            raise SettingError(f"only: no acquisition matches '{word}'; the sheet has {listed}{more}")
        if not found:
            raise SettingError(f"only: {unknown_name('acquisition', word, names)}")
        chosen |= found
    return [name for name in names if name in chosen]
