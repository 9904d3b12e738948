from __future__ import annotations

import re
from dataclasses import replace

import pytest

from lensfree import __version__
from lensfree.config import ReportConfig, ScoreConfig
from lensfree.contracts import TRACKS
from lensfree.io.tables import write_table
from lensfree.report.gather import Sources, gather
from lensfree.report.made import Made, digest_of, how_made, software_of
from lensfree.report.page import build_page

TODAY = {
    "rule": "quantify",
    "acquisition": "a",
    "chunk": "0001",
    "config": {"method": "cnn", "alpha": 0.18},
    "n_colours": 3,
    "code": "0123456789abcdef",
    "model": "quantify 5",
}


def test_what_files_say_today():
    made = how_made("cells", TODAY)
    assert (made.stage, made.code, made.version, made.commit, made.inputs) == (
        "quantify",
        "0123456789ab",
        "",
        "",
        "",
    )
    assert made.others == {"n colours": "3", "model": "quantify 5"}
    assert made.settings == digest_of({"config": TODAY["config"]})


def test_settings_with_other_values_have_another_digest_and_their_order_does_not_count():
    turned = {**TODAY, "config": {"alpha": 0.18, "method": "cnn"}}
    changed = {**TODAY, "config": {"method": "cnn", "alpha": 0.19}}
    assert how_made("x", turned).settings == how_made("x", TODAY).settings
    assert how_made("x", changed).settings != how_made("x", TODAY).settings
    assert how_made("x", {**TODAY, "chunk": "0002"}).settings == how_made("x", TODAY).settings


def test_an_acquisition_that_is_a_setting_counts_and_one_that_is_a_name_does_not():
    one = how_made("load", {**TODAY, "acquisition": {"pixel_pitch_um": 1.67}})
    assert one.settings != how_made("load", TODAY).settings
    assert how_made("load", {**TODAY, "acquisition": "b"}).settings == how_made("load", TODAY).settings


@pytest.mark.parametrize(
    ("keys", "field", "expected"),
    [
        ({"software_version": "0.2.0"}, "version", "0.2.0"),
        ({"version": "0.2.0"}, "version", "0.2.0"),
        ({"software": {"lensfree": "0.2.0", "numpy": "2.4"}}, "version", "lensfree 0.2.0, numpy 2.4"),
        ({"commit": "deadbeefdeadbeefdead"}, "commit", "deadbeefdead"),
        ({"config_hash": "f" * 64}, "settings", "f" * 12),
        ({"inputs": {"a.h5": "1", "b.h5": "2"}}, "inputs", digest_of({"a.h5": "1", "b.h5": "2"})),
        ({"input_checksums": "c" * 64}, "inputs", "c" * 12),
    ],
)
def test_more_keys_are_understood_when_they_come(keys, field, expected):
    assert getattr(how_made("x", {**TODAY, **keys}), field) == expected


def test_an_origin_in_a_part_of_its_own_is_understood():
    origin = {
        "stage": "quantify",
        "version": "0.2.0",
        "commit": "c" * 40 + "-dirty",
        "config_sha256": "f" * 64,
        "inputs_sha256": {"a.h5": "1" * 64},
        "seed": 7,
    }
    made = how_made("x", {**TODAY, "origin": origin})
    assert (made.version, made.commit, made.settings) == ("0.2.0", "c" * 12 + "-dirty", "f" * 12)
    assert made.inputs == digest_of({"a.h5": "1" * 64})
    assert made.others == {"n colours": "3", "model": "quantify 5", "seed": "7"}
    assert how_made("x", {**TODAY, "origin": "lab 3"}).others["origin"] == "lab 3"


def test_an_unknown_key_is_shown_as_it_is():
    assert how_made("x", {**TODAY, "host_kind": "cluster"}).others["host kind"] == "cluster"


def test_a_file_without_provenance_says_nothing():
    assert how_made("x", {}) is None
    assert how_made("series", {"code": "ab"}) == Made("series", code="ab", others={})


def test_the_software_is_what_the_files_say_or_else_this_one():
    assert software_of([Made("a")]) == (f"{__version__} (this page)", "")
    stages = [Made("a", version="1", commit="x"), Made("b", version="1", commit="y"), Made("c")]
    assert software_of(stages) == ("1", "x, y")


def test_the_page_says_how_it_was_made(files, acquisition, world, tmp_path):
    write_table(tmp_path / "tracks.parquet", world.tracks, TRACKS, provenance={**TODAY, "rule": "track"})
    sources = Sources(**{**vars(files), "tracks": tmp_path / "tracks.parquet"})
    few = ReportConfig(montage_frames=1, anomalies=1, strip_frames=2)
    content, _ = gather(sources, acquisition, report=few, score=ScoreConfig())
    assert [made.stage for made in content.made] == ["track"]
    page = build_page(content)
    block = re.sub(r"<[^>]+>", " ", page[page.index('id="made"') :])
    assert "track" in block and "0123456789ab" in block and digest_of({"config": TODAY["config"]}) in block
    assert f"Software lensfree {__version__} (this page)" in block
    assert "track: model quantify 5; track: n colours 3" in block
    assert "inputs" not in block
    silent = build_page(replace(content, made=()))
    assert "do not say how they were made" in silent
    told = build_page(replace(content, made=(Made("load", "0.2.0", "cafe", "11", "22", "33"),)))
    block = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", told[told.index('id="made"') :]))
    assert "Software lensfree 0.2.0, commit cafe" in block and "load 11 22 33" in block
