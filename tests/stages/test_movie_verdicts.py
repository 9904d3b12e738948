"""What a person saw counts for the event that was looked at, and for no other."""

from pathlib import Path

import pytest

from lensfree.report.content import Place
from lensfree.stages.movie_verdicts import COLUMNS, NEAR_FRAMES, NEAR_UM, join_seen, read_seen

SHIPPED = Path(__file__).parents[2] / "docs" / "scoring_livecyte_verdicts.csv"
HEAD = ",".join(COLUMNS)
ROWS = (
    '40,100.0,200.0,swap,both,no,"Round, then lost."',
    "90,300.0,20.5,death,biological,yes,It dies.",
    "12,10.0,10.0,jump,false_positive,no,Nothing.",
)


@pytest.fixture
def table(tmp_path):
    def write(*rows, head=HEAD):
        path = tmp_path / "verdicts.csv"
        path.write_text("\n".join((head, *rows)) + "\n", encoding="utf-8")
        return path

    return write


def place(frame, y_um, x_um):
    return Place(cell_id=5, frame=frame, time_h=frame / 10, y_um=y_um, x_um=x_um)


def test_the_rows_are_read_as_they_stand(table):
    first, second, third = read_seen(table(*ROWS))
    assert (first.frame, first.y_um, first.x_um, first.what) == (40, 100.0, 200.0, "Round, then lost.")
    assert [one.is_error for one in (first, second, third)] == [True, False, False]
    assert [one.is_kind_right for one in (first, second, third)] == [False, True, False]
    assert read_seen(table()) == []


def test_they_are_joined_by_place_and_time_in_any_order(table):
    seen = read_seen(table(*ROWS))
    found, left = join_seen([place(93, 306.0, 25.0), None, place(40, 100.0, 200.0)], seen)
    assert found == [seen[1], None, seen[0]] and left == [seen[2]]


@pytest.mark.parametrize(
    ("frame", "y_um", "fits"),
    [
        (40 + NEAR_FRAMES, 100.0 + NEAR_UM, True),
        (40 + NEAR_FRAMES + 1, 100.0, False),
        (40 - NEAR_FRAMES - 1, 100.0, False),
        (40, 100.1 + NEAR_UM, False),
    ],
)
def test_another_place_or_another_hour_is_not_what_was_seen(table, frame, y_um, fits):
    seen = read_seen(table(ROWS[0]))
    found, left = join_seen([place(frame, y_um, 200.0)], seen)
    assert (found, left) == (([seen[0]], []) if fits else ([None], seen))


def test_a_kind_that_nobody_was_asked_about_is_neither_right_nor_wrong(table):
    first, second, _ = read_seen(table(*ROWS))
    assert [first.says_right("swap"), first.says_right("merge"), second.says_right("death")] == [
        False,
        None,
        True,
    ]


def test_two_rows_on_one_cell_are_an_error(table):
    with pytest.raises(ValueError, match="2 rows of the verdicts speak of .*frame=40.*delete those"):
        join_seen([place(40, 100.0, 200.0)], read_seen(table(ROWS[0], ROWS[0])))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "40,1,2,swap,wrong,no,a",
            "frame 40: verdict is 'wrong', expected one of biological, acquisition, both",
        ),
        (
            "40,1,2,swap,both,maybe,a",
            "frame 40: is_kind_right is 'maybe', expected one of yes, no; correct it",
        ),
        ("40,1,2,swap,,no,a", "verdict is '', expected one of .* or delete the row"),
    ],
)
def test_an_unknown_answer_is_named(table, row, message):
    with pytest.raises(ValueError, match=message):
        read_seen(table(row))


def test_a_missing_column_is_named(table):
    with pytest.raises(ValueError, match=r"verdicts.csv lacks the columns \['what'\]; expected frame, y_um"):
        read_seen(table("1,2,3,swap,both,no", head=HEAD.removesuffix(",what")))


def test_the_committed_table_can_be_read_and_speaks_of_different_cells():
    seen = read_seen(SHIPPED)
    places = [place(one.frame, one.y_um, one.x_um) for one in seen]
    assert join_seen(places, seen) == (seen, [])
    assert all(one.what.endswith(".") for one in seen)
