"""The command `lensfree`: what it does, and the sentence for everything that a person can mend."""

import json
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import tifffile

from lensfree.commands.main import main
from lensfree.view import window

ROOT = Path(__file__).parents[2]
INTERVAL_S = 1800.0


@pytest.fixture
def opened(monkeypatch):
    """A window system of which is only known what it was asked to show."""
    shown = []
    monkeypatch.setattr(window, "run", shown.append)
    return shown


def test_view_opens_the_acquisition_and_says_what_is_missing(results, opened, capsys):
    assert main(["view", "dish", "--results", str(results)]) == 0
    (present,) = opened
    assert (present.acquisition, len(present.opd), present.is_simulated) == ("dish", 2, True)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"note: {results}/dish/cells: no cells; run snakemake --until quantify"
    assert all(line.startswith("note: ") for line in said) and len(said) == len(present.missing)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("dihs", "no acquisition 'dihs', there are: dish, loaded"),
        ("loaded", "no OPD to show, expected opd/0000.h5; run snakemake --until reconstruct"),
    ],
)
@pytest.mark.parametrize("command", [["view"], ["export-opd"]])
def test_what_cannot_be_opened_is_one_sentence(results, opened, capsys, command, name, sentence):
    words = [*command, name, *(["ome_tiff"] if command == ["export-opd"] else [])]
    assert main([*words, "--results", str(results)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ") and sentence in said and said.count("\n") == 1
    assert opened == []


def test_no_folder_of_results_is_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["view", "dish"]) == 1
    assert capsys.readouterr().err.startswith("error: results: no such folder; run snakemake first")


def test_without_napari_the_extra_is_named(results, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "napari", None)
    assert main(["view", "dish", "--results", str(results)]) == 1
    assert "-e '.[view]'" in capsys.readouterr().err.splitlines()[-1]


def test_a_file_that_breaks_its_contract_is_one_sentence(results, capsys):
    (results / "dish" / "opd" / "0001.h5").write_bytes(b"not HDF5")
    assert main(["export-opd", "dish", "ome_tiff", "--results", str(results)]) == 1
    assert capsys.readouterr().err.startswith("error: ")


def test_opd_is_written_where_the_stage_writes_it_with_what_the_files_know(results, capsys):
    assert main(["export-opd", "dish", "ome_tiff", "--dtype", "float32", "--results", str(results)]) == 0
    path = results / "dish" / "export" / "opd.ome.tif"
    assert capsys.readouterr().out.strip() == str(path)
    with tifffile.TiffFile(path) as file:
        np.testing.assert_allclose(file.asarray()[:, 3, 4], [0.0, 10.0, 20.0, 30.0], rtol=1e-6)
        image = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]
    assert image["Name"] == "dish"
    assert image["Pixels"]["TimeIncrement"] == INTERVAL_S
    said = json.loads(image["Description"])
    assert (said["wavelength_nm"], said["n_medium"], said["is_simulated"]) == ([640.0, 450.0], 1.33, True)
    assert said["provenance"]["opd_made_by"]["rule"] == "reconstruct"


def test_another_place_and_the_other_format_can_be_chosen(results, tmp_path, capsys):
    pytest.importorskip("zarr", reason="needs the package zarr, extra ome, part of the extra dev")
    out = tmp_path / "elsewhere" / "mine.zarr"
    assert main(["export-opd", "dish", "ome_zarr", "--out", str(out), "--results", str(results)]) == 0
    assert json.loads((out / "zarr.json").read_text())["attributes"]["lensfree"]["opd_nm_of_1"] == 0.1
    assert not (results / "dish" / "export").exists()


def test_a_format_that_holds_tracks_is_refused_by_name(results, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["export-opd", "dish", "csv", "--results", str(results)])
    assert "invalid choice: 'csv'" in capsys.readouterr().err


def test_the_installed_command_is_this_one():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    module, _, name = scripts["lensfree"].partition(":")
    assert getattr(import_module(module), name) is main


def test_asking_for_help_needs_neither_torch_nor_napari():
    program = (
        "import sys; from lensfree.commands.main import main\n"
        "try: main(['view', '--help'])\n"
        "except SystemExit: print(sorted({'torch', 'napari', 'h5py'} & set(sys.modules)))"
    )
    environment = {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
