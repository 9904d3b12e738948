"""The window: napari with the layers, and the ranked anomalies as a table beside them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from lensfree.view.anomalies import COLOURS, NORMAL, WORDS
from lensfree.view.layers import build_layers
from lensfree.view.navigate import go_to, say_when
from lensfree.view.picture_layers import OPD_LAYER
from lensfree.view.present import Present

_TABLE_PX = 490
"""So much of the window the table asks for: all columns can be read."""


class ViewerNotInstalledError(ImportError):
    """napari or its window system is not installed; the message says how to install it."""


class NoDisplayError(OSError):
    """There is nothing to open a window on; the message says what to do."""


def check_display(platform: str, environment: Mapping[str, str]) -> None:
    """Refuse to open a window where Qt would end the process without a word to catch.

    Args:
        platform: as `sys.platform`.
        environment: as `os.environ`.

    Raises:
        NoDisplayError: on Linux without X11 or Wayland, as on the node of a cluster.
    """
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if platform.startswith("linux") and not any(environment.get(name) for name in names):
        raise NoDisplayError(
            f"there is no display to open a window on, expected one of {', '.join(names)} to be set; log in "
            "with ssh -X, or copy the folder of results to your own machine"
        )


def open_window(present: Present) -> Any:
    """Open the window and return the `napari.Viewer`; `napari.run()` then hands over to the person.

    Raises:
        ViewerNotInstalledError: if the extra `view` is not installed.
        NoDisplayError: if there is no display.
        ContractError: if a file is not what its contract says.
    """
    try:
        import napari
        import qtpy.QtWidgets  # noqa: F401
    except Exception as error:  # qtpy has errors of its own for a window system that is not there
        raise ViewerNotInstalledError(
            f"the viewer needs napari and a window system, which cannot be imported ({error}): "
            "pip install -c constraints.txt -e '.[view]'"
        ) from error
    check_display(sys.platform, os.environ)
    viewer = napari.Viewer(show=False)
    shown = build_layers(viewer, present)
    say_when(viewer, present, shown.time_h, shown.is_missing)
    if shown.anomalies is not None:
        dock = make_table(viewer, shown.anomalies)
        viewer.window.add_dock_widget(dock, name="anomalies", area="right")
    viewer.layers.selection.active = viewer.layers[OPD_LAYER]
    viewer.reset_view()
    viewer.window.show()
    return viewer


def run(present: Present) -> None:
    """Open the window and stay until it is closed."""
    open_window(present)
    import napari

    napari.run()


def make_table(viewer: Any, anomalies: pd.DataFrame) -> Any:
    """Return the Qt widget with a row per ranked history; choosing one goes to its cell and says why.

    Args:
        viewer: napari's.
        anomalies: as `list_anomalies` returns it.
    """
    from qtpy.QtCore import Qt
    from qtpy.QtGui import QBrush, QColor
    from qtpy.QtWidgets import QAbstractItemView, QLabel, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

    rows = cells_of_table(anomalies)
    table = QTableWidget(len(rows), len(rows.columns))
    table.setHorizontalHeaderLabels(list(rows.columns))
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.verticalHeader().setVisible(False)
    for row, (values, mark) in enumerate(zip(rows.itertuples(index=False), anomalies["mark"], strict=True)):
        for column, value in enumerate(values):
            item = QTableWidgetItem(value)
            if mark != NORMAL:
                item.setForeground(QBrush(QColor(COLOURS[int(mark)])))
            table.setItem(row, column, item)
    table.resizeColumnsToContents()
    table.setMinimumWidth(_TABLE_PX)
    why = QLabel("Choose a row to go to its cell.")
    why.setWordWrap(True)
    why.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def choose() -> None:
        chosen = table.selectionModel().selectedRows()
        if chosen:
            row = anomalies.iloc[chosen[0].row()]
            has_place = go_to(viewer, row)
            why.setText(reason(row) if has_place else f"{reason(row)} Its cells are not in the tracks.")

    table.itemSelectionChanged.connect(choose)
    widget = QWidget()
    layout = QVBoxLayout(widget)
    layout.addWidget(table, 1)
    layout.addWidget(why)
    return widget


def cells_of_table(anomalies: pd.DataFrame) -> pd.DataFrame:
    """Return the table as it is read, all text: rank, hour of the onset, what, how sure, which cell."""
    surprise = anomalies["surprise"]
    score = surprise if surprise.notna().any() else anomalies["anomaly_score"]
    name = "surprise" if surprise.notna().any() else "score A"
    return pd.DataFrame(
        {
            "#": anomalies["rank"].astype(str),
            "from [h]": ["" if np.isnan(t) else f"{t:.1f}" for t in anomalies["time_h"]],
            "what": anomalies["what"],
            "mark": [WORDS[int(mark)] for mark in anomalies["mark"]],
            name: [f"{value:.2f}" for value in score],
            "cell": ["" if pd.isna(cell) else str(cell) for cell in anomalies["cell_id"]],
        }
    ).astype(str)


def reason(row: pd.Series) -> str:
    """Return why a history stands where it stands, as one or two sentences."""
    evidence = str(row["evidence"]).strip()
    return f"#{row['rank']}: {row['what']}. {evidence[:1].upper()}{evidence[1:]}{'.' if evidence else ''}"
