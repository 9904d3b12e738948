"""The table beside the picture, and one real window where there is a display."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from viewed import the_scores, the_tracks

from lensfree.view.anomalies import list_anomalies
from lensfree.view.present import find_acquisition
from lensfree.view.window import (
    NoDisplayError,
    ViewerNotInstalledError,
    cells_of_table,
    check_display,
    open_window,
    reason,
)

IN_A_WINDOW = """
import sys
from pathlib import Path
from qtpy.QtWidgets import QApplication, QLabel, QTableWidget
from lensfree.view.present import find_acquisition
from lensfree.view.window import open_window

viewer = open_window(find_acquisition(Path(sys.argv[1]), "scored"))
for _ in range(5):
    QApplication.processEvents()
table = viewer.window._qt_window.findChild(QTableWidget)
table.selectRow(0)
QApplication.processEvents()
picture = viewer.screenshot(canvas_only=True)
print("rows", table.rowCount(), "frame", viewer.dims.current_step[0])
print("centre", *(round(float(c), 1) for c in viewer.scene.camera.center[1:]))
print("said", any("grew slowly" in label.text() for label in viewer.window._qt_window.findChildren(QLabel)))
print("brightest", picture[..., :3].max() > 200)
viewer.close()
"""


@pytest.fixture
def listed(results):
    return list_anomalies(find_acquisition(results, "scored").tables, the_tracks())[0]


def test_the_table_reads_as_sentences_do(listed):
    rows = cells_of_table(listed)
    assert list(rows.columns) == ["#", "from [h]", "what", "mark", "surprise", "cell"]
    assert rows.iloc[0].tolist() == ["1", "16.7", "grew slowly", "flagged", "9.00", "3"]
    assert rows["mark"].tolist() == ["flagged", "error?", ""]


def test_the_published_method_is_listed_by_its_score(listed):
    rows = cells_of_table(listed.assign(surprise=float("nan")))
    assert rows["score A"].tolist() == [f"{value:.2f}" for value in the_scores()[2]["anomaly_score"]]


def test_a_history_without_a_place_has_empty_cells(listed):
    rows = cells_of_table(listed.assign(time_h=float("nan"), cell_id=None))
    assert (rows[["from [h]", "cell"]] == "").all(axis=None)


def test_the_reason_is_what_the_evidence_says(listed):
    assert reason(listed.iloc[0]) == "#1: grew slowly. It grew by 2 % per h."
    assert reason(listed.iloc[2]) == "#3: cause unclear. "


def test_without_napari_one_sentence_names_the_extra(results, monkeypatch):
    monkeypatch.setitem(sys.modules, "napari", None)
    with pytest.raises(ViewerNotInstalledError, match=r"needs napari and a window system, .*-e '\.\[view\]'"):
        open_window(find_acquisition(results, "scored"))


@pytest.mark.parametrize(
    ("platform", "environment"),
    [
        ("linux", {"DISPLAY": ":1"}),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}),
        ("darwin", {}),
        ("win32", {}),
    ],
)
def test_a_window_may_open_where_there_is_a_display(platform, environment):
    check_display(platform, environment)


def test_no_display_is_one_sentence():
    with pytest.raises(
        NoDisplayError, match="no display to open a window on, expected one of DISPLAY, .* ssh -X"
    ):
        check_display("linux", {"DISPLAY": ""})


def test_choosing_a_row_in_a_real_window_goes_to_the_cell(results, listed):
    missing = pytest.fail if os.environ.get("LENSFREE_WINDOW") == "must" else pytest.skip
    if find_spec("PyQt6") is None:
        missing("needs a window system for napari: the extra view")
    if shutil.which("xvfb-run") is None:
        missing("needs a display that no one sees: the program xvfb-run")
    source = Path(__file__).parents[2] / "src"
    done = subprocess.run(
        ["xvfb-run", "-a", sys.executable, "-c", IN_A_WINDOW, str(results)],
        env={**os.environ, "LIBGL_ALWAYS_SOFTWARE": "1", "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    if "OpenGL" in done.stderr and done.returncode:
        missing("needs OpenGL in software: the Debian packages libgl1-mesa-dri and libegl1")
    assert done.returncode == 0, done.stderr
    y_um, x_um = (round(float(listed.iloc[0][name]), 1) for name in ("y_um", "x_um"))
    assert done.stdout.splitlines() == [
        "rows 3 frame 100",
        f"centre {y_um} {x_um}",
        "said True",
        "brightest True",
    ]
