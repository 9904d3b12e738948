"""The sheet: what it accepts, and one clear sentence for everything else."""

from pathlib import Path

import pytest

from lensfree.acquisitions import Acquisition, read_sheet
from lensfree.config import Config
from lensfree.sheet_lines import SheetError
from lensfree.validation import SettingError, load_config

ROW = {
    "acquisition": "plate1_A1",
    "dataset": "hela",
    "kind": "hologram",
    "files": "raw/f{frame}_{channel}.tif",
    "wavelength_nm": "647,540,450",
    "pixel_pitch_um": "1.67",
    "z_um": "auto",
    "frame_interval_min": "10",
}


def write_sheet(folder: Path, *rows: dict[str, str], without: str = "") -> Path:
    columns = [c for row in rows[:1] for c in row if c != without]
    lines = ["\t".join(columns), *("\t".join(row[c] for c in columns) for row in rows)]
    path = folder / "sheet.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_files(folder: Path, numbers=(0, 1, 2)) -> None:
    (folder / "raw").mkdir(exist_ok=True)
    for number in numbers:
        for channel in "RGB":
            (folder / "raw" / f"f{number}_{channel}.tif").touch()


def read_one(folder: Path, **changes: str) -> Acquisition:
    return read_sheet(write_sheet(folder, {**ROW, **changes}), Config(), check_files=False)["plate1_A1"]


def test_a_row_becomes_an_acquisition(tmp_path):
    write_files(tmp_path)
    path = write_sheet(tmp_path, {**ROW, "z_um": "980", "well": "A1", "note": "two words, and a comma"})
    (acquisition,) = read_sheet(path, Config()).values()
    assert acquisition.channels == ("R", "G", "B")
    assert acquisition.wavelength_nm == (647.0, 540.0, 450.0)
    assert acquisition.z_um == (980.0, 980.0, 980.0)
    assert acquisition.files == (tmp_path / "raw/f{frame}_{channel}.tif").as_posix()
    assert acquisition.time_h(6) == 1.0
    assert (acquisition.until, acquisition.well, acquisition.note) == (
        "report",
        "A1",
        "two words, and a comma",
    )


@pytest.mark.parametrize("wrong", ["0.647,0.540,0.450", "647,540,45000"])
def test_a_wavelength_in_another_unit_is_refused(tmp_path, wrong):
    with pytest.raises(
        SheetError, match=r"is no wavelength of light in nm, expected 150 to 3000; check the unit"
    ):
        read_one(tmp_path, wavelength_nm=wrong)


def test_one_distance_per_channel_and_auto(tmp_path):
    heights = read_one(tmp_path, z_um="7000,11000,15000", wavelength_nm="532,532,532", channels="z7,z11,z15")
    assert heights.z_um == (7000.0, 11000.0, 15000.0)
    assert read_one(tmp_path, z_um="auto").z_um == "auto"


@pytest.mark.parametrize(
    ("wavelengths", "channels"),
    [("532", ("mono",)), ("640,460", ("1", "2")), ("401,402,403", ("R", "G", "B"))],
)
def test_channels_follow_the_number_of_wavelengths(tmp_path, wavelengths, channels):
    assert read_one(tmp_path, wavelength_nm=wavelengths).channels == channels


def test_comments_and_quoted_cells_of_a_spreadsheet_are_read(tmp_path):
    path = write_sheet(tmp_path, {**ROW, "wavelength_nm": '"647,540,450"'})
    path.write_text("# my plate\n" + path.read_text(), encoding="utf-8")
    (acquisition,) = read_sheet(path, Config(), check_files=False).values()
    assert acquisition.wavelength_nm == (647.0, 540.0, 450.0)


def test_kind_opd_needs_no_wavelength_unless_it_is_phase(tmp_path):
    opd = read_one(tmp_path, kind="opd", wavelength_nm="", z_um="", opd_unit="2.5")
    assert (opd.opd_unit, opd.channels) == (2.5, ("mono",))
    with pytest.raises(SheetError, match="column 'wavelength_nm' has 0 values, but there are 1 channels"):
        read_one(tmp_path, kind="opd", wavelength_nm="", opd_unit="rad")


def test_simulated_files_need_no_pattern_and_are_not_looked_for(tmp_path):
    path = write_sheet(tmp_path, {**ROW, "kind": "simulated", "files": ""})
    acquisition = read_sheet(path, Config())["plate1_A1"]
    assert acquisition.in_folder(Path("out")).files == "out/frame_{frame}_{channel}.tif"


def test_an_override_changes_this_acquisition_only(tmp_path):
    rows = (
        {**ROW, "reconstruct.refine": "none", "simulate.bits": "16", "focus.register_channels": "false"},
        {
            **ROW,
            "acquisition": "b",
            "reconstruct.refine": "",
            "simulate.bits": "",
            "focus.register_channels": "",
        },
    )
    read = read_sheet(write_sheet(tmp_path, *rows), Config(), check_files=False)
    first, second = (read[name].config(Config()) for name in ("plate1_A1", "b"))
    assert (first.reconstruct.refine, first.simulate.bits, first.focus.register_channels) == (
        "none",
        16,
        False,
    )
    assert second == Config()


@pytest.mark.parametrize("column", [c for c in ROW])
def test_every_missing_column_is_named(tmp_path, column):
    path = write_sheet(tmp_path, ROW, without=column)
    with pytest.raises(SheetError, match=rf"sheet\.tsv: column '{column}' is missing; the columns are"):
        read_sheet(path, Config(), check_files=False)


FAULTS = {
    "unknown column": ({"wel": "A1"}, r"sheet\.tsv: unknown column 'wel'; did you mean 'well'\?"),
    "wrong number": (
        {"pixel_pitch_um": "small"},
        r"row 2: 'pixel_pitch_um' is 'small', expected number, unable to parse",
    ),
    "not positive": ({"frame_interval_min": "0"}, r"row 2: 'frame_interval_min' is '0', expected greater"),
    "wrong z": ({"z_um": "far"}, r"row 2: 'z_um' is 'far', expected"),
    "wrong kind": ({"kind": "phase"}, r"row 2: 'kind' is 'phase', expected 'hologram', 'opd' or 'simulated'"),
    "wrong name": ({"acquisition": "a b/c"}, r"row 2: 'acquisition' is 'a b/c', expected"),
    "empty name": ({"acquisition": ""}, r"row 2: 'acquisition' is '', expected"),
    "reserved name": ({"acquisition": "datasets"}, r"row 2: 'datasets' is the name of a folder"),
    "empty files": ({"files": ""}, r"row 2: column 'files' is empty; give the pattern"),
    "channels": (
        {"channels": "R,G"},
        r"row 2: column 'wavelength_nm' has 3 values, but there are 2 channels \(R,G\); give one wavelength",
    ),
    "twice the same": ({"channels": "R,G,G"}, r"row 2: column 'channels' names a channel twice: R,G,G"),
    "distances": (
        {"z_um": "900,950"},
        r"row 2: column 'z_um' has 2 values, but there are 3 channels; give one distance, one per channel",
    ),
    "override section": ({"train_score.seed": "1"}, r"column 'train_score.seed' overrides section 'train_s"),
    "override key": (
        {"reconstruct.refin": "none"},
        r"column 'reconstruct.refin': unknown key 'refin'; did you mean 'refine'\?",
    ),
    "override value": (
        {"reconstruct.tv_weight": "much"},
        r"row 2: acquisition 'plate1_A1': 'reconstruct.tv_weight' is 'much', expected number",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_sentence_with_the_place(tmp_path, fault):
    changes, sentence = FAULTS[fault]
    path = write_sheet(tmp_path, {**ROW, **changes})
    with pytest.raises(SheetError, match=sentence) as caught:
        read_sheet(path, Config(), check_files=False)
    assert "\n" not in str(caught.value)


def test_a_duplicate_acquisition_is_refused(tmp_path):
    path = write_sheet(tmp_path, ROW, ROW)
    with pytest.raises(SheetError, match=r"row 3: acquisition 'plate1_A1' is there twice; rename or remove"):
        read_sheet(path, Config(), check_files=False)


def test_too_many_cells_are_refused(tmp_path):
    path = write_sheet(tmp_path, ROW)
    path.write_text(path.read_text().replace("1.67\t", "1.67\t\t"), encoding="utf-8")
    with pytest.raises(SheetError, match=r"row 2: 9 cells for 8 columns; are tabs doubled\?"):
        read_sheet(path, Config(), check_files=False)


@pytest.mark.parametrize(("text", "says"), [("", "the sheet is empty"), (None, "no such sheet")])
def test_no_sheet(tmp_path, text, says):
    path = tmp_path / "sheet.tsv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SheetError, match=says):
        read_sheet(path, Config())


def test_a_sheet_without_rows_is_refused(tmp_path):
    path = tmp_path / "sheet.tsv"
    path.write_text("\t".join(ROW) + "\n")
    with pytest.raises(SheetError, match="the sheet has columns but no acquisition; add a row"):
        read_sheet(path, Config())


def test_files_that_are_not_there_are_an_error_with_the_row(tmp_path):
    with pytest.raises(
        SheetError, match=r"row 2: no file matches '.*raw/f\{frame\}_\{channel\}\.tif'; check"
    ):
        read_sheet(write_sheet(tmp_path, ROW), Config())


def test_a_missing_frame_is_an_error_unless_gaps_are_allowed(tmp_path):
    write_files(tmp_path, (3, 4, 6))
    (tmp_path / "raw" / "f4_G.tif").unlink()
    path = write_sheet(tmp_path, ROW)
    with pytest.raises(
        SheetError, match=r"row 2: the sequence .* lacks f4_G\.tif, f5_R\.tif; add the file or"
    ):
        read_sheet(path, Config())
    gaps = write_sheet(tmp_path, {**ROW, "load.on_bad_frame": "gap"})
    assert read_sheet(gaps, Config())["plate1_A1"].config(Config()).load.on_bad_frame == "gap"


def test_a_background_that_is_not_there_is_an_error(tmp_path):
    write_files(tmp_path)
    with pytest.raises(SheetError, match=r"row 2: no file matches '.*open_R\.tif'"):
        read_sheet(write_sheet(tmp_path, {**ROW, "background": "raw/open_{channel}.tif"}), Config())


def test_params_leave_out_what_only_describes(tmp_path):
    plain, noted = (read_one(tmp_path, note=note, well="A1", condition="") for note in ("", "new note"))
    assert plain.as_params("z_um") == noted.as_params("z_um")
    assert "z_um" not in plain.as_params("z_um")
    assert Acquisition.model_validate(plain.as_params("z_um")).wavelength_nm == plain.wavelength_nm


CONFIG_FAULTS = {
    "unknown section": ({"recon": {}}, r"config\.yaml: unknown key 'recon'; did you mean"),
    "unknown key": (
        {"track": {"memory": 1}},
        r"config\.yaml: unknown key in section 'track': 'memory'; did you mean 'memory_frames'\?",
    ),
    "wrong type": ({"frames_per_chunk": "many"}, r"config\.yaml: 'frames_per_chunk' is 'many', expected int"),
    "out of range": (
        {"score": {"flag_above": 2}},
        r"config\.yaml: 'score.flag_above' is 2, expected less than",
    ),
    "no section": ({"score": 3}, r"config\.yaml: 'score' is 3, expected"),
}


@pytest.mark.parametrize("fault", CONFIG_FAULTS)
def test_a_wrong_configuration_is_one_sentence(fault):
    values, sentence = CONFIG_FAULTS[fault]
    with pytest.raises(SettingError, match=sentence) as caught:
        load_config(values)
    assert "\n" not in str(caught.value)


def test_only_chosen_acquisitions_need_their_files(tmp_path):
    write_files(tmp_path)
    later = {**ROW, "acquisition": "plate2_A1", "files": "later/f{frame}_{channel}.tif"}
    path = write_sheet(tmp_path, ROW, later)
    assert list(read_sheet(path, Config(only=("plate1_*",)))) == ["plate1_A1", "plate2_A1"]
    with pytest.raises(SheetError, match="row 3: no file matches '.*later/f"):
        read_sheet(path, Config(only=("plate*",)))
    with pytest.raises(SettingError, match="only: unknown acquisition 'plate3_A1'; did you mean 'plate"):
        read_sheet(path, Config(only=("plate3_A1",)), check_files=True)
