"""What was measured of a method on a seed, kept until all are: a killed evaluation goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lensfree.io.files import written_whole
from lensfree.stages.score_measures import OfSeed


@dataclass(frozen=True)
class Parts:
    """A folder of parts.

    Attributes:
        folder: where they lie; made when there is one.
        owner: the code and the settings that they come from; those of others are measured again.
    """

    folder: Path
    owner: str

    def of(self, seed: int, method: str, measure: Callable[[], OfSeed]) -> OfSeed:
        """Return what is kept, or measure it and keep that."""
        path = self.folder / f"{seed}_{method}.json"
        kept = self._kept(path)
        if kept is not None:
            return kept
        one = measure()
        plain = {
            "owner": self.owner,
            "values": one.values,
            "kinds": one.kinds.to_dict(orient="list"),
            "n_series": one.n_series,
            "n_abnormal": one.n_abnormal,
        }
        with written_whole(path) as partial:
            partial.write_text(json.dumps(plain), encoding="utf-8")
        return one

    def _kept(self, path: Path) -> OfSeed | None:
        try:
            plain = json.loads(path.read_text(encoding="utf-8"))
            if plain.pop("owner") != self.owner:
                return None
            return OfSeed(**{**plain, "kinds": pd.DataFrame(plain["kinds"])})
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None  # not there, or damaged: it is measured again
