"""Sheets and configurations from strangers: no path out of the results, bounded work, one sentence."""

import pytest
import yaml
from bounded import outcome_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lensfree.acquisitions import OPTIONAL, REQUIRED, read_sheet
from lensfree.config import Config
from lensfree.sheet_lines import SheetError
from lensfree.validation import SettingError, load_config

SHARED = HealthCheck.function_scoped_fixture
ROW = {
    "acquisition": "plate",
    "dataset": "culture",
    "kind": "simulated",
    "files": "f{frame}_{channel}.tif",
    "wavelength_nm": "640,450",
    "pixel_pitch_um": "1.67",
    "z_um": "900",
    "frame_interval_min": "10",
}


def write_sheet(folder, **changes):
    row = {**ROW, **changes}
    path = folder / "sheet.tsv"
    path.write_text("\t".join(row) + "\n" + "\t".join(row.values()) + "\n", encoding="utf-8", newline="\n")
    return path


BAD_NAMES = [
    "../x",
    "/etc/x",
    "a/b",
    "..",
    ".hidden",
    "-rf",
    "a b",
    "a\x07b",
    "a;rm",
    "$(id)",
    "`id`",
    "*",
    "",
    "{x}",
]


@pytest.mark.parametrize("name", [*BAD_NAMES, "a\u2028b", "ä", "a" * 101])
@pytest.mark.parametrize("column", ["acquisition", "dataset"])
def test_names_that_become_folders_are_plain(tmp_path, column, name):
    with pytest.raises(SheetError, match=r"sheet\.tsv, row 2: .*expected"):
        read_sheet(write_sheet(tmp_path, **{column: name}), Config())


@pytest.mark.parametrize(
    "files", ["../f{frame}_{channel}.tif", "/tmp/f{frame}_{channel}.tif", "a/../../f{frame}.tif", "..\\f.tif"]
)
def test_simulated_files_stay_in_their_folder(tmp_path, files):
    with pytest.raises(SheetError, match="simulated files are written: expected a path inside their folder"):
        read_sheet(write_sheet(tmp_path, files=files), Config())


def test_raw_files_may_lie_anywhere(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "f0.tif").touch()
    path = write_sheet(tmp_path / "inner", kind="hologram", files="../f{frame}.tif")
    assert read_sheet(path, Config())["plate"].files.endswith("inner/../f{frame}.tif")


@pytest.mark.parametrize("channels", ["../../x,b", "a,..", "a\\b,c", "{frame},b", "a\x00,b", "/a,b"])
def test_channels_do_not_lead_out_of_the_folder(tmp_path, channels):
    with pytest.raises(SheetError, match=r"row 2: .*is no name of a channel, expected text without slashes"):
        read_sheet(write_sheet(tmp_path, channels=channels), Config())


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "1e999", "1" * 5000])
def test_numbers_are_finite(tmp_path, value):
    with pytest.raises(SheetError, match=r"row 2: 'pixel_pitch_um' is .*, expected"):
        read_sheet(write_sheet(tmp_path, pixel_pitch_um=value), Config())


def test_shell_characters_in_raw_names_are_only_characters(tmp_path):
    (tmp_path / "$(touch x); `id` [a]*0.tif").touch()
    path = write_sheet(tmp_path, kind="hologram", files="$(touch x); `id` [a]*{frame}.tif")
    assert read_sheet(path, Config())["plate"].files.endswith("[a]*{frame}.tif")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["$(touch x); `id` [a]*0.tif", "sheet.tsv"]


HOSTILE_SHEETS = {
    "a million columns": "\t".join(f"c{i}" for i in range(10**6)),
    "a million cells": "\t".join(ROW) + "\n" + "\t" * 10**6,
    "a cell of 10 MB": "\t".join(ROW) + "\n" + "a" * 10**7,
    "an open quote": "\t".join(ROW) + '\n"' + "a" * 200_000,
    "20 MB": "#\n" * 10**7,
    "no text": b"\xff\xfe\x00\x01".decode("latin-1"),
    "brackets without end": "\t".join([*ROW, "load.smooth_um"])
    + "\n"
    + "\t".join([*ROW.values(), "[" * 100_000]),
}


@pytest.mark.parametrize("name", HOSTILE_SHEETS)
def test_a_sheet_that_is_none_is_one_sentence_in_bounded_memory(tmp_path, name):
    path = tmp_path / "sheet.tsv"
    path.write_bytes(HOSTILE_SHEETS[name].encode("latin-1" if name == "no text" else "utf-8"))
    kind, message, took_mb = outcome_of(lambda: read_sheet(path, Config()), seconds=30)
    assert kind == "SheetError" and message.startswith(str(path))
    assert len(message) < 1000
    assert took_mb < 300


LAUGHS = "a0: &a0 [lol]\n" + "".join(f"a{i}: &a{i} [{f'*a{i - 1}, ' * 9}]\n" for i in range(1, 40))


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        LAUGHS + "reconstruct: *a39\n",
        "reconstruct: {method: " + "x" * 10**6 + "}",
        "frames_per_chunk: [1]",
    ],
    ids=["aliases", "aliases in a section", "long", "list"],
)
def test_a_configuration_of_aliases_is_not_unfolded(text):
    kind, message, took_mb = outcome_of(lambda: load_config(yaml.safe_load(text)), seconds=30)
    assert kind == "SettingError" and message.startswith("config.yaml: ")
    assert len(message) < 2000
    assert took_mb < 300


def test_yaml_that_wants_to_run_something_is_refused():
    with pytest.raises(yaml.YAMLError):
        yaml.safe_load("results: !!python/object/apply:os.system ['touch x']")


CELLS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["../x", "nan", "inf", "auto", "{frame}", "{channel}", "simulated", "opd", "1e308", "[]", "\\"]
    ),
)


@given(
    columns=st.lists(
        st.one_of(st.sampled_from([*REQUIRED, *OPTIONAL, "load.smooth_um", "track.x"]), st.text(max_size=8)),
        min_size=1,
        max_size=16,
    ),
    cells=st.lists(CELLS, max_size=18),
    known=st.booleans(),
)
@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[SHARED])
def test_any_sheet_is_read_or_refused_by_name_and_writes_nowhere_else(tmp_path, columns, cells, known):
    values = dict(zip(columns, cells, strict=False))
    row = {**ROW, **values} if known else values
    path = tmp_path / "sheet.tsv"
    content = "\t".join(row) + "\n" + "\t".join(row.values()) + "\n"
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    try:
        found = read_sheet(path, Config())
    except SheetError as error:
        assert str(error).startswith(str(path))
        return
    for acquisition in found.values():
        assert "/" not in acquisition.acquisition and acquisition.acquisition[0].isalnum()
        if acquisition.kind == "simulated":
            placed = acquisition.in_folder(tmp_path / "results")
            for channel in placed.channels:
                written = tmp_path / placed.files.replace("{frame}", "0").replace("{channel}", channel)
                assert written.resolve().is_relative_to(tmp_path / "results")


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=12), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_section_is_taken_or_refused_in_a_sentence(value):
    for values in ({"reconstruct": value}, {"load": {"smooth_um": value}}, {"results": value}):
        try:
            assert isinstance(load_config(values), Config)
        except SettingError as error:
            assert str(error).startswith("config.yaml: ")
