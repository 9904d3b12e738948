"""Acquisitions by name or pattern, in the sheet's order; what is not there is named."""

import pytest

from lensfree.config import Config
from lensfree.selection import select
from lensfree.validation import SettingError, load_config

SHEET = ["plate_b", "plate_a", "dish", "plate_c"]


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ((), SHEET),
        (("dish",), ["dish"]),
        (("plate_a", "plate_b"), ["plate_b", "plate_a"]),
        (("plate_[ab]", "dish"), ["plate_b", "plate_a", "dish"]),
        (("*",), SHEET),
        (("plate_?", "plate_a"), ["plate_b", "plate_a", "plate_c"]),
    ],
)
def test_names_and_patterns_choose_in_the_order_of_the_sheet(wanted, chosen):
    assert select(wanted, SHEET) == chosen


def test_case_counts_as_in_the_names_of_folders():
    assert select(("Dish",), ["dish", "Dish"]) == ["Dish"]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (("dish", "plate_x"), "only: unknown acquisition 'plate_x'; did you mean 'plate_"),
        (("zzz",), "only: unknown acquisition 'zzz'; known are plate_b, plate_a, dish, plate_c"),
        (
            ("well_*",),
            r"only: no acquisition matches 'well_\*'; the sheet has plate_b, plate_a, dish, plate_c$",
        ),
    ],
)
def test_what_the_sheet_does_not_have_is_named(wanted, said):
    with pytest.raises(SettingError, match=said):
        select(wanted, SHEET)


def test_a_long_sheet_is_not_listed_whole():
    with pytest.raises(SettingError, match="a0, a1, a2, a3, a4, a5, a6, a7 and 92 more$"):
        select(("b*",), [f"a{i}" for i in range(100)])


@pytest.mark.parametrize(
    ("given", "got"),
    [("a, b", ("a", "b")), (["a", 7], ("a", "7")), (12, ("12",)), ("", ()), ([], ())],
)
def test_a_command_line_gives_words_numbers_or_lists(given, got):
    assert load_config({"only": given}).only == got


def test_stacks_to_keep_are_named_or_an_error():
    assert Config().keep == ("holograms", "opd")
    assert load_config({"keep": "opd"}).keep == ("opd",)
    assert load_config({"keep": []}).keep == ()
    with pytest.raises(SettingError, match="'keep' is 'tiff', expected 'holograms' or 'opd'"):
        load_config({"keep": ["opd", "tiff"]})
