"""Old and new values out of records that have no names."""

import pytest

from lensfree.changes import Change, find_changes, join

SECTION = {"method": "cnn", "threshold_nm": 15.0, "model": "quantify"}
OPTICS = {"led_fwhm_nm": 20.0, "n_medium": 1.0}
PARAMS = {"config": SECTION, "optics": OPTICS, "n_colours": 3, "code": "0123456789abcdef"}


def recorded(**changes):
    return sorted(repr(value) for value in (PARAMS | changes).values())


def test_nothing_changed_is_no_change():
    assert find_changes("quantify", PARAMS, recorded()) == []


@pytest.mark.parametrize(
    ("before", "change"),
    [
        (
            {"config": SECTION | {"threshold_nm": 12.0}},
            Change("setting", "quantify.threshold_nm 12.0 -> 15.0"),
        ),
        ({"optics": OPTICS | {"n_medium": 1.33}}, Change("setting", "optics.n_medium 1.33 -> 1.0")),
        ({"n_colours": 1}, Change("setting", "n_colours 1 -> 3")),
        ({"code": "fedcba9876543210"}, Change("code", "code")),
        (
            {"config": {"method": "cnn", "threshold_nm": 15.0}},
            Change("setting", "quantify.model is new (quantify)"),
        ),
        ({"config": SECTION | {"old": 1}}, Change("setting", "quantify.old is gone")),
    ],
)
def test_a_change_is_named_with_both_values(before, change):
    assert find_changes("quantify", PARAMS, recorded(**before)) == [change]


def test_several_changes_are_told_apart():
    before = {"config": SECTION | {"method": "reference"}, "code": "f" * 16, "n_colours": 0}
    assert find_changes("quantify", PARAMS, recorded(**before)) == [
        Change("setting", "quantify.method reference -> cnn"),
        Change("setting", "n_colours 0 -> 3"),
        Change("code", "code"),
    ]


def test_frames_are_told_by_where_the_chunk_ends():
    params = {"frames": {"first_frame": 48, "n_frames": 40}, "code": "a" * 16}
    before = [repr({"first_frame": 48, "n_frames": 12}), repr("a" * 16)]
    assert find_changes("load", params, before) == [Change("frames", "60 -> 88")]


def test_the_plan_of_the_background_belongs_to_its_stage():
    params = {"plan": {"method": "temporal_median", "frames": [0, 10]}}
    before = [repr({"method": "smooth", "frames": [0, 1]})]
    assert [c.text for c in find_changes("background", params, before)] == [
        "background.frames [0, 1] -> [0, 10]",
        "background.method smooth -> temporal_median",
    ]


@pytest.mark.parametrize(
    ("files", "text", "added"),
    [
        (["raw/a.tif", "raw/b.tif"], "", ()),
        (["raw/a.tif"], "with b.tif", ("raw/b.tif",)),
        (["raw/a.tif", "raw/b.tif", "raw/c.tif"], "without c.tif", ()),
        (["raw/c.tif"], "with a.tif, b.tif, without c.tif", ("raw/a.tif", "raw/b.tif")),
    ],
)
def test_raw_files_are_told_by_which_came_and_went(files, text, added):
    params = {"raw": {"contents": "a" * 16, "files": ["raw/a.tif", "raw/b.tif"]}}
    before = [repr({"contents": "b" * 16, "files": files})]
    assert find_changes("load", params, before) == [Change("raw", text, added)]


def test_raw_files_without_a_record_are_no_unknown_setting():
    params = {"raw": {"contents": "a" * 16, "files": ["raw/a.tif"]}}
    assert find_changes("load", params, ["'x'"]) == [Change("raw", "")]


def test_records_that_are_not_literals_are_left_aside():
    assert find_changes("quantify", PARAMS, ["<object at 0x7f>", *recorded()]) == []
    texts = [c.text for c in find_changes("quantify", {"config": SECTION}, ["<object at 0x7f>"])]
    assert texts == ["quantify, was not recorded"]


def test_a_long_value_is_cut():
    before = [repr({"seeds": [1]})]
    (change,) = find_changes("evaluate", {"config": {"seeds": list(range(100))}}, before)
    assert change.text == "evaluate.seeds [1] -> [0, 1, 2, 3, 4, 5, 6,..."


def test_many_words_are_counted():
    assert join(["a", "b"]) == "a, b"
    assert join(list("abcde")) == "a, b, c and 2 more"
