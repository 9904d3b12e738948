"""Rooms import only what they may, and modules stay short; found by parsing, nothing is imported."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "lensfree"
CORE = "core"
DOMAIN = {"optics", "phase", "cells", "tracks", "anomaly", "simulate"}
MAY_IMPORT = {
    CORE: {CORE},
    "optics": {CORE},
    "phase": {CORE, "optics"},
    "cells": {CORE},
    "tracks": {CORE},
    "anomaly": {CORE},
    "simulate": {CORE, "optics"},
    "io": {CORE},
    "nets": {CORE, "io"},
    "report": {CORE, "io"},
    "view": {CORE, "io", "report", "cells", "tracks"},
    "commands": {CORE, "io", "view", "stages"},
    "stages": {CORE, "io", "nets", "report", *DOMAIN, "stages"},
}
FOREIGN = {
    "napari",
    "qtpy",
    "zarr",
    "torch",
    "h5py",
    "hdf5plugin",
    "pyarrow",
    "tifffile",
    "yaml",
    "safetensors",
    "snakemake",
}
PANDAS_FILES = {"read_csv", "read_parquet", "read_hdf", "to_csv", "to_parquet", "to_hdf"}
MAX_LINES = 300
BANNED_MODULES = {"utils", "helpers", "process", "misc", "common", "tools"}
MODULES = sorted(SOURCE.rglob("*.py"))


def room_of(path: Path) -> str:
    relative = path.relative_to(SOURCE)
    return relative.parts[0] if len(relative.parts) > 1 else CORE


def rooms_imported(source: str, modules_of_core: set[str]) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
            if node.module == "lensfree":
                names = [f"lensfree.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "lensfree" and len(parts) > 1:
                rooms.add(CORE if parts[1] in modules_of_core else parts[1])
    return rooms


def libraries_imported(source: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


CORE_MODULES = {path.stem for path in SOURCE.glob("*.py")}


def forbidden(path: Path, source: str) -> set[str]:
    room = room_of(path)
    return rooms_imported(source, CORE_MODULES) - MAY_IMPORT[room] - {room}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_room_imports_only_what_it_may(path):
    assert forbidden(path, path.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_domain_rooms_are_free_of_files_and_networks(path):
    source = path.read_text(encoding="utf-8")
    if room_of(path) in DOMAIN:
        assert libraries_imported(source) & FOREIGN == set()
        attributes = {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
        assert attributes & PANDAS_FILES == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_modules_are_short_documented_and_well_named(path):
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MAX_LINES
    assert ast.get_docstring(ast.parse(source)), "a module begins with what it is"
    assert path.stem not in BANNED_MODULES


def test_the_table_names_every_room():
    rooms = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").is_file()}
    assert rooms | {CORE} == set(MAY_IMPORT)


@pytest.mark.parametrize(
    ("room", "line", "caught"),
    [
        ("phase", "from lensfree.io.stacks import open_opd", {"io"}),
        ("optics", "import lensfree.phase.retrieve", {"phase"}),
        ("cells", "from lensfree import nets", {"nets"}),
        ("nets", "from lensfree.tracks.link import link", {"tracks"}),
        ("io", "def f():\n    from lensfree.stages import load", {"stages"}),
        ("phase", "from lensfree.optics import hologram", set()),
        ("stages", "from lensfree.view.layers import build_layers", {"view"}),
        ("view", "from lensfree.stages import report", {"stages"}),
        ("tracks", "from lensfree import units", set()),
        ("stages", "from lensfree.report.page import build_page", set()),
    ],
)
def test_a_planted_import_is_caught(room, line, caught):
    assert forbidden(SOURCE / room / "planted.py", line) == caught


def test_scripts_only_adapt():
    for path in (SOURCE.parents[1] / "scripts").glob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert rooms_imported(source, CORE_MODULES) <= {CORE, "stages"}, path.name
        assert len(source.splitlines()) <= 50, path.name
