"""Results of two tiny acquisitions: one with everything, one that stops after reconstruction."""

from __future__ import annotations

from pathlib import Path

import pytest
from viewed import the_tracks, write_holograms, write_opd, write_tables


@pytest.fixture(scope="session")
def results(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("view") / "results"
    write_opd(folder / "scored", the_tracks())
    write_holograms(folder / "scored", (640.0, 540.0, 450.0))
    write_tables(folder / "scored")
    write_opd(folder / "bare", the_tracks())
    (folder / "datasets").mkdir()
    return folder
