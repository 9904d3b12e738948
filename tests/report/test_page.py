from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from lensfree.config import ReportConfig, ScoreConfig
from lensfree.contracts import CELLS, SCORES, SERIES, TRACKS, WINDOWS
from lensfree.io.tables import empty_table
from lensfree.report.content import PageContent
from lensfree.report.gather import Sources, gather
from lensfree.report.page import build_page
from lensfree.report.sentences import accuracy_rows, fault_rows, missing_frames

FEW = ReportConfig(montage_frames=2, anomalies=3, strip_frames=4)
TABLES = {"cells": CELLS, "tracks": TRACKS, "series": SERIES, "windows": WINDOWS, "scores": SCORES}


@pytest.fixture(scope="module")
def content(files, acquisition) -> PageContent:
    return gather(Sources(**vars(files)), acquisition, report=FEW, score=ScoreConfig())[0]


@pytest.fixture(scope="module")
def page(content) -> str:
    return build_page(content)


@pytest.fixture(scope="module")
def surprised_content(surprised_files, acquisition) -> PageContent:
    return gather(Sources(**vars(surprised_files)), acquisition, report=FEW, score=ScoreConfig())[0]


@pytest.fixture(scope="module")
def surprised_page(surprised_content) -> str:
    return build_page(surprised_content)


@pytest.fixture
def unrendered(monkeypatch) -> None:
    """Draw the figures but leave out their pixels: for tests of the words."""
    monkeypatch.setattr("lensfree.report.page.to_png", lambda figure, dpi: b"PNG")


def pictures_in(page: str) -> list[str]:
    return re.findall(r'<img src="data:image/png;base64,[A-Za-z0-9+/=]+"', page)


def text_of(page: str) -> str:
    """What a reader sees: without style, tags and line breaks."""
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def without(content: PageContent, *names: str, is_empty: bool = False) -> PageContent:
    """The page of an acquisition whose later stages did not run, or found nothing."""
    changes = {name: empty_table(TABLES[name]) if is_empty else None for name in names}
    if "tracks" in names:
        changes |= {"trees": None, "growth": ()}
    return replace(content, **changes, suspects=() if "scores" in names else content.suspects)


def test_the_page_has_its_sections(page):
    titles = re.findall(r"<h2>([^<]+)</h2>", page)
    assert titles == [
        "Frames",
        "Over time",
        "Tracks and divisions",
        "Lineages",
        "Anomalies, most suspicious first",
        "Against the truth",
        "How this was made",
    ]


def test_the_page_needs_nothing_from_elsewhere(page):
    assert "http" not in page
    assert "//" not in re.sub(r"base64,[A-Za-z0-9+/=]+", "", page)
    assert not re.search(r"<(script|link|iframe|object)\b", page)
    assert set(re.findall(r'(?:src|href)="([^"]{1,5})', page)) == {
        "data:",
        "#fram",
        "#time",
        "#trac",
        "#anom",
        "#trut",
        "#rank",
        "#made",
        "#line",
    }


def test_the_page_is_small_enough(page):
    assert len(page.encode()) < 10e6


def test_every_picture_is_there_and_has_words(page):
    # Montage, population, quality, histograms, trees, and one card for each of three series.
    assert len(pictures_in(page)) == 8
    assert page.count('alt="') == 8
    assert 'alt=""' not in page


def test_the_header_says_what_it_is(page):
    text = text_of(page)
    for words in (
        "tiny",
        "toys",
        "B2",
        "control",
        "450 nm, 540 nm, 647 nm",
        "1.67 µm",
        "10 min",
        "105 × 159 µm",
    ):
        assert words in text
    assert "B: 1000 µm (given); G: 1000 µm (given); R: 1000 µm (given)" in text
    assert "reference 1" in text
    assert "shipped forecast 1" in text


def test_text_from_outside_is_escaped(page):
    assert "A &lt;b&gt;tiny&lt;/b&gt; world." in page
    assert "truncated &lt;file&gt;" in page
    assert "<b>tiny" not in page


def test_missing_frames_are_listed_with_their_reasons(page):
    assert "frame 100 (16.7 h): truncated <file>" in text_of(page).replace("&lt;", "<").replace("&gt;", ">")
    assert "216 frames, 1 missing" in text_of(page)


def test_simulated_data_are_announced_and_others_are_not(page, content, unrendered):
    assert "SIMULATED DATA" in page
    recorded = build_page(
        replace(
            content,
            facts=replace(content.facts, kind="hologram"),
            truth=None,
            faults=None,
            accuracy={},
            suspects=tuple(replace(s, truth=None) for s in content.suspects),
        )
    )
    assert "SIMULATED DATA" not in recorded
    assert "Against the truth" not in recorded
    assert "Acquisition errors" not in recorded
    assert "simulated" not in recorded


def test_a_card_says_why_and_what_was_simulated(page):
    text = text_of(page)
    assert "17 of 37 windows (46%) are abnormal" in text
    assert "2.07 times the threshold 0.5" in text
    assert "simulated as: loss" in text
    assert "simulated as: a normal cell" in text
    assert "It has a cell in common with number 1, so it is not independent evidence." in text
    assert "1 of 3 scored series are flagged. Shown here: the first 3, 2 of them not flagged." in text


def test_the_published_method_is_explained_by_its_threshold_and_by_a(page):
    text = text_of(page)
    assert "exceeds the threshold τ (mean + 2 sd of the training MSE, here 0.5)" in text
    assert (
        "the score A is the share of abnormal windows; a series is flagged when its score exceeds 0" in text
    )
    assert "score 0.46, flagged" in text
    assert " normal series" not in text
    assert "surpris" not in text
    assert "a red frame marks" in text.lower()
    assert "not judged" not in text


def test_the_default_method_is_explained_by_its_views_and_by_alpha(surprised_page):
    text = text_of(surprised_page)
    assert "its course over 30 h with its size" in text
    assert "its shape over 10 h and over 3 h" in text
    assert "how far the forecast of 10 h was off" in text
    assert "α = 0.003 of normal series looks as odd (surprise above 5.6)" in text
    assert "among 1,000 normal series about 3 are flagged all the same" in text
    assert "MSE" not in text
    assert "red shade" not in text


def test_series_that_were_not_judged_are_counted_and_have_no_card(surprised_page):
    text = text_of(surprised_page)
    assert "2 of 3 scored series are flagged" in text
    assert "1 series is shorter than 30 h and was not judged." in text
    assert "2 of 3 scored series flagged" in text
    assert "Series 3" not in text


def test_a_card_begins_with_the_evidence_and_says_how_rare_and_in_which_view(surprised_page):
    (card,) = re.findall(r'<article class="card" id="rank-1">(.*?)</article>', surprised_page, flags=re.S)
    text = text_of(card)
    assert "1. Series 1: lost dry mass flagged" in text
    assert re.search(
        r"From 30\.0 h on dry mass fell from 375 to 188 pg, by 50 %, and the cell did not divide in the "
        r"5\.8 h after\. Fewer than 1 in 10,000 normal series look as odd\. "
        r"Most unusual was its shape over 3 h\. ",
        text,
    )
    assert "Onset: frame 180 (30.0 h), y 60 µm, x 115 µm (row 36, column 69), cell 2." in text


def test_suspected_errors_stand_under_their_own_heading_with_frame_and_place(surprised_page):
    titles = re.findall(r"<h2>([^<]+)</h2>", surprised_page)
    assert titles[4:6] == [
        "Anomalies, most suspicious first",
        "Look at the measurement: suspected errors of acquisition or tracking",
    ]
    assert '<a href="#errors">' in surprised_page
    parts = re.findall(r'<section id="(anomalies|errors)">(.*?)</section>', surprised_page, flags=re.S)
    ids = {name: re.findall(r'<article class="card" id="rank-(\d+)"', body) for name, body in parts}
    assert ids == {"anomalies": ["1", "3"], "errors": ["2"]}
    cells = re.findall(
        r"<td[^>]*>(.*?)</td>", re.findall(r"<tbody>(.*?)</tbody>", dict(parts)["errors"], re.S)[0]
    )
    assert [re.sub(r"<[^>]+>", "", cell) for cell in cells[:7]] == [
        *("2", "2", "tracking swapped to another cell", "121", "20.2 h", "85", "100"),
    ]
    assert cells[7] == "about 3 in 1,000"


def test_a_suspected_error_without_a_place_says_so(surprised_content, unrendered):
    lost = tuple(replace(s, onset=None) for s in surprised_content.suspects)
    text = text_of(build_page(replace(surprised_content, suspects=lost)))
    assert "tracking swapped to another cell unknown" in text
    assert "Onset: frame" not in text


def test_when_only_errors_are_suspected_the_page_says_so(surprised_content, unrendered):
    errors = tuple(s for s in surprised_content.suspects if s.is_acquisition)
    text = text_of(build_page(replace(surprised_content, suspects=errors)))
    assert "None of the highest-ranked series is thought to be an anomaly of the cell" in text
    assert "Look at the measurement" in text


def test_without_suspected_errors_there_is_no_heading_for_them(page):
    assert "Look at the measurement" not in page
    assert "#errors" not in page


def test_the_default_method_is_held_against_the_truth_by_its_surprise(surprised_page):
    assert "ROC AUC of the surprise 1.00" in text_of(surprised_page)
    assert "anomaly score" not in text_of(surprised_page)


def test_no_value_of_the_default_method_is_printed_raw(surprised_page):
    assert not re.search(r"\bnan\b|\bNone\b(?! of)|\{\{|%\}", text_of(surprised_page))


def test_the_numbers_against_the_truth_are_those_of_the_comparison(page):
    text = text_of(page)
    assert "share of the true cells that were found 1.000" in text
    assert "dry mass: slope of measured on true 1.000" in text
    assert "true divisions 1 found divisions 1" in text
    assert "ROC AUC of the anomaly score 1.00" in text


def test_simulated_acquisition_errors_are_listed_with_whether_loading_noticed(page):
    (table,) = re.findall(r"<th>noticed</th>.*?<tbody>(.*?)</tbody>", page, flags=re.S)
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", table)]
    assert rows == [
        ["40", "6.7 h", "weak light", "G", "0.62 of the usual light", "no"],
        ["100", "16.7 h", "file cut short", "B", "30% of the file left", "recorded as missing"],
        ["120", "20.0 h", "out of focus", "all", "-150 µm in distance", "no"],
        ["130", "21.7 h", "stage jump", "all", "5 µm, from here on", "no"],
        ["140", "23.3 h", "file cut short", "R", "88% of the file left", "no"],
    ]
    assert "These were simulated, like the cells" in text_of(page)


def test_a_simulated_acquisition_without_errors_says_so(content, unrendered):
    clean = text_of(build_page(replace(content, faults=content.faults[:0])))
    assert "No acquisition error was simulated." in clean
    assert "<th>noticed</th>" not in clean
    assert "Acquisition errors" not in text_of(build_page(replace(content, faults=None)))


def test_an_unknown_kind_of_error_is_shown_under_its_own_name(world):
    odd = world.faults[:1].assign(kind="tilt", amount=1.23456, channel="<R>")
    assert fault_rows(odd, world.per_frame) == [("40", "6.7 h", "tilt", "<R>", "1.235", "no")]


def test_an_unknown_number_is_shown_under_its_own_name_and_nan_is_said():
    assert accuracy_rows({"track.link_f1": 0.9911, "dry_mass_slope": np.nan}) == [
        ("track.link_f1", "0.9911"),
        ("dry mass: slope of measured on true", "not defined"),
    ]


def test_many_missing_frames_are_counted(world):
    many = world.per_frame.assign(is_missing=world.per_frame["frame"] < 30, reason="")
    lines = missing_frames(many)
    assert len(lines) == 21
    assert lines[0] == "frame 0 (0.0 h): no reason recorded"
    assert lines[-1] == "and 10 more"


@pytest.mark.parametrize(
    ("names", "words", "n_pictures"),
    [
        (("scores",), "No anomalies are shown: the stage score has not run.", 5),
        (("scores", "windows", "series", "tracks"), "No tracks are shown: the stage track has not run.", 4),
        (
            ("scores", "windows", "series", "tracks", "cells"),
            "No cells are shown: the stage quantify has not run.",
            2,
        ),
    ],
)
def test_a_stage_that_did_not_run_is_said(content, names, words, n_pictures, unrendered):
    page = build_page(without(content, *names))
    assert words in text_of(page)
    assert len(pictures_in(page)) == n_pictures


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("scores", "windows"), "a window is 30 h long, and the longest of 3 series has 35.8 h."),
        (("scores", "windows", "series"), "No series could be scored: there are none."),
        (("scores", "windows", "series", "tracks"), "No cell could be followed: there are no tracks."),
        (("scores", "windows", "series", "tracks", "cells"), "No cell was found in any frame."),
    ],
)
def test_a_stage_that_found_nothing_is_said(content, names, words, unrendered):
    assert words in text_of(build_page(without(content, *names, is_empty=True)))


def test_when_nothing_is_flagged_the_ranking_is_shown_all_the_same(content, unrendered):
    quiet = tuple(replace(s, is_flagged=False) for s in content.suspects)
    page = build_page(replace(content, scores=content.scores.assign(is_flagged=False), suspects=quiet))
    assert "No series is flagged; the highest-ranked are shown all the same." in text_of(page)
    assert len(pictures_in(page)) == 8


def test_an_acquisition_that_stops_at_reconstruct_shows_pictures_and_says_so(content, unrendered):
    facts = replace(content.facts, until="reconstruct", kind="hologram", wavelength_nm=(532.0,))
    bare = without(content, *TABLES)
    one = replace(
        bare, facts=facts, per_frame=bare.per_frame[:1], snapshots=bare.snapshots[:1], truth=None, accuracy={}
    )
    page = build_page(one)
    assert "stops after reconstruction" in text_of(page)
    assert "One radian of phase is 84.7 nm at 532 nm of OPD." in text_of(page)
    assert re.findall(r"<h2>([^<]+)</h2>", page) == ["Frames", "How this was made"]
    assert len(pictures_in(page)) == 1


def test_a_single_frame_with_cells_draws_nothing_against_time(content, unrendered):
    one = replace(
        without(content, "tracks", "series", "windows", "scores"),
        per_frame=content.per_frame[:1],
        cells=content.cells[content.cells["frame"] == 0],
        snapshots=content.snapshots[:1],
    )
    page = build_page(one)
    assert "There is a single frame: nothing to draw against time." in text_of(page)
    assert len(pictures_in(page)) == 2


def test_an_acquisition_of_missing_frames_only_is_said(content, unrendered):
    lost = replace(
        without(content, *TABLES, is_empty=True),
        per_frame=content.per_frame.assign(
            is_missing=True, z_um=np.nan, misfit=np.nan, background_sd_nm=np.nan
        ),
        snapshots=(),
        focus=None,
    )
    page = build_page(lost)
    assert "No frame of this acquisition could be read." in text_of(page)
    assert pictures_in(page) == []


def test_no_value_is_printed_raw(page):
    text = text_of(page)
    assert not re.search(r"\bnan\b|\bNone\b(?! of)|\{\{|%\}", text)


def test_the_same_content_gives_the_same_page(content, page):
    assert build_page(content) == page


def test_growth_and_lineages_are_told(page, content):
    text = text_of(page)
    # Two lineages are too few for an interval; dry mass grows all the same.
    assert re.search(r"Total dry mass doubles in [\d.]+ h \(no interval: only 2 lineages\)\.", text)
    assert "Lineage trees of 2 lineages; the width of a branch is dry mass" in page
    assert "from the onset of a flagged anomaly on" in text
    assert set(content.trees["state"]) == {"normal", "flagged"}


def test_the_page_says_where_its_numbers_are(page):
    assert "Every number of the figures is in the folder report beside this page" in text_of(page)


def test_cards_beyond_the_size_of_a_page_keep_their_words_and_lose_their_pictures(content, monkeypatch):
    monkeypatch.setattr("lensfree.report.page.to_png", lambda figure, dpi: bytes(3000))  # 4000 as text
    # Montage, population, quality, histograms, trees and two cards: 7 pictures of 4022 bytes.
    monkeypatch.setattr("lensfree.report.page.PICTURES_MAX_BYTES", 7 * 4022)
    page = build_page(content)
    assert len(pictures_in(page)) == 8 - 1
    assert page.count("Its picture is left out so that the page stays below 10 MB") == 1
    assert page.count('<article class="card"') == 3
