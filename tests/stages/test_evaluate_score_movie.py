"""A toy movie (synthetic) from quantify to score: what the page, the figure and the measures say."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import tifffile
from scipy import ndimage

from lensfree.cells.representation import draw_representation
from lensfree.config import Config
from lensfree.stages import evaluate_score_movie
from lensfree.stages.followed_movie import LATER, NM_PER_COUNT, PIXEL_UM, TRACKS
from lensfree.stages.movie_verdicts import COLUMNS, Seen
from lensfree.stages.outlined_movie import PHASE
from lensfree.stages.score_movie_pictures import N_LOOKS, look_frames, odd_cells, onset_place
from lensfree.stages.scored_movie import ScoredMovie, distinct_cells
from lensfree.units import dry_mass_pg, optical_volume_um3

DETECTOR = Path(__file__).parents[2] / "models" / "detector.safetensors"
SHAPE_YX = (70, 121)
N_FRAMES = 312
RADIUS_PX = 7.0
PLACES_PX = {"grows": (18, 25), "halves": (50, 40), "gives": (20, 70), "ends": (48, 80), "brief": (25, 104)}
HALVES_AT = 220
SPAN = {"ends": (0, 100), "brief": (60, 80)}


def peak_nm(name, frame):
    """Exponential growth; one cell loses half within some hours, which no normal cell does."""
    first, last = SPAN.get(name, (0, N_FRAMES))
    if not first <= frame < last:
        return 0.0
    lost = 0.5 * (1 - np.exp(-max(frame - HALVES_AT, 0) / 20)) if name == "halves" else 0.0
    return 100.0 * np.exp(0.02 * frame / 10) * (1 - lost)


def frame_counts(frame):
    y, x = np.indices(SHAPE_YX)
    opd_nm = np.zeros(SHAPE_YX)
    for name, (row, column) in PLACES_PX.items():
        distance2 = (y - row) ** 2 + (x - column) ** 2
        opd_nm += peak_nm(name, frame) * np.clip(1 - distance2 / RADIUS_PX**2, 0, None)
    return (np.rint(opd_nm / NM_PER_COUNT) + 7).astype(np.uint8)


def represent(opd_nm, pixel_pitch_um):
    """In place of a network: each spot above 12 nm is a cell."""
    spots, count = ndimage.label(opd_nm > 12)
    index = np.arange(1, count + 1)
    centres = np.array(ndimage.center_of_mass(opd_nm, spots, index)).reshape(-1, 2) * pixel_pitch_um
    sums_nm = ndimage.sum_labels(opd_nm, spots, index)
    cells = pd.DataFrame(
        {
            "y_um": centres[:, 0],
            "x_um": centres[:, 1],
            "dry_mass_pg": dry_mass_pg(optical_volume_um3(sums_nm, pixel_pitch_um)),
            "area_um2": ndimage.sum_labels(spots > 0, spots, index) * pixel_pitch_um**2,
            "max_opd_nm": ndimage.maximum(opd_nm, spots, index),
            "length_um": 20.0,
        }
    )
    return draw_representation(cells, opd_nm.shape, pixel_pitch_um)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The stage on the toy, with a verdict on the cell that halves and one on nobody."""
    folder = tmp_path_factory.mktemp("real")
    movie = folder / "livecyte_movie"
    movie.mkdir()
    counts = np.stack([frame_counts(frame) for frame in range(N_FRAMES)])
    tifffile.imwrite(movie / PHASE, counts[:300], photometric="minisblack")
    tifffile.imwrite(movie / LATER, counts[300:], photometric="minisblack")
    pd.DataFrame({"frame": [0], "cell_id": 1, "y_px": 1.0, "x_px": 1.0}).to_csv(movie / TRACKS, index=False)
    y_um, x_um = (at * PIXEL_UM for at in PLACES_PX["halves"])
    rows = (
        ",".join(COLUMNS),
        f"{HALVES_AT},{y_um:.1f},{x_um:.1f},no kind,acquisition,no,Half is gone. It was taken away.",
        "5,3.0,3.0,swap,biological,yes,Nobody is here.",
    )
    verdicts = folder / "verdicts.csv"
    verdicts.write_text("\n".join(rows) + "\n", encoding="utf-8")
    page, figure, kept = folder / "page.md", folder / "figure.png", []
    real_score = evaluate_score_movie.score_movie

    def keep(*args):
        kept.append(real_score(*args))
        return kept[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate_score_movie, "load_represent", lambda weights: represent)
        patch.setattr(evaluate_score_movie, "score_movie", keep)
        measures = evaluate_score_movie.run(
            config=Config(),
            quantify_weights=Path("unused"),
            detector=DETECTOR,
            real=folder,
            verdicts=verdicts,
            page=page,
            figure=figure,
        )
    return SimpleNamespace(
        measures=measures, page=page.read_text(encoding="utf-8"), figure=figure, scored=kept[0], counts=counts
    )


def shown_of(ran):
    return distinct_cells(ran.scored.ranked, ran.scored.series, 10)


def test_long_histories_are_judged_and_the_halved_one_is_first(ran):
    scored = ran.scored
    assert scored.n_judged == 3 and len(scored.scores) == 4
    first = scored.ranked.iloc[0]
    place = onset_place(scored, first)
    assert place.y_um == pytest.approx(PLACES_PX["halves"][0] * PIXEL_UM, abs=PIXEL_UM)
    assert place.x_um == pytest.approx(PLACES_PX["halves"][1] * PIXEL_UM, abs=PIXEL_UM)
    assert abs(place.frame - HALVES_AT) <= 10 and first["is_flagged"]
    assert first["kind"] in ("dry_mass_loss", "death")


def test_dry_mass_is_that_of_quantify_with_its_integral(ran):
    """The volume of a paraboloid is half of its box, less the rim below the threshold."""
    path = ran.scored.path(int(ran.scored.ranked["series_id"].iloc[0]))
    assert path["frame"].tolist() == list(range(N_FRAMES))
    radius_um = RADIUS_PX * PIXEL_UM
    for frame in (10, 150, 300):
        volume_um3 = np.pi * radius_um**2 * peak_nm("halves", frame) / 2000
        assert path["dry_mass_pg"].iloc[frame] == pytest.approx(dry_mass_pg(volume_um3), rel=0.1)


def test_the_page_says_what_is_assumed_and_loses_nothing(ran):
    text = ran.page
    assert "**6 min per frame is an assumption.**" in text
    assert "3 of 4 histories are as long; the other 1 were" in text
    assert "1500 simulated histories" in text and "trained on other cells" in text
    # the cell that ends is too short to be judged, the brief one is in no history
    assert "| 0.0 | 9.9 | 9.9 |" in text and "| first frame | " in text
    assert "Another 1 cells are in no history" in text
    assert text.count("\n1. ") == 1 and "do not edit" in text


def test_the_verdict_stands_with_its_cell_and_others_are_unjudged(ran):
    rows = [line for line in ran.page.splitlines() if line.startswith("| ") and line.count("|") == 11][1:]
    assert len(rows) == 3
    # it was asked about another kind, so whether the kind is right is open
    assert rows[0].endswith("| acquisition | unjudged |")
    assert all(row.endswith("| unjudged | unjudged |") for row in rows[1:])
    assert "1. **Half is gone.** It was taken away." in ran.page
    assert "**Of 1 cells 1 stand here by an error" in ran.page and "2 are unjudged." in ran.page


def test_a_verdict_that_fits_no_cell_is_reported(ran):
    assert "Verdicts that fit no cell above" in ran.page
    assert "- frame 5, y 3, x 3 um, swap: Nobody is here." in ran.page


def test_measures_count_what_was_looked_at(ran):
    found = {key.removeprefix("score.livecyte."): (one.value, one.n) for key, one in ran.measures.items()}
    flagged = ran.scored.scores["is_flagged"].sum() / 3
    # nobody was asked about the kind that is told now: no share of that
    assert found == {
        "long_enough": (0.75, 4),
        "flagged": (pytest.approx(flagged), 3),
        "errors": (1.0, 1),
        "normal": (0.0, 1),
    }
    assert all("6 min per frame assumed" in one.meaning for one in ran.measures.values())


def test_pictures_are_centred_on_the_cell_and_outline_it(ran):
    def opd_nm(frame):
        return (ran.counts[frame].astype(np.float32) - 7) * NM_PER_COUNT

    cells = odd_cells(ran.scored, shown_of(ran), opd_nm, Config().quantify)
    assert [len(cell.looks) for cell in cells] == [N_LOOKS] * 3
    first = cells[0]
    assert [look.is_onset for look in first.looks].count(True) == 1
    assert first.looks[0].frame == 0 and first.looks[-1].frame == N_FRAMES - 1
    for look in first.looks:
        middle = len(look.opd_nm) // 2
        own = look.regions == 1
        assert own[middle, middle] and look.opd_nm[middle, middle] > 0.9 * np.nanmax(look.opd_nm[own])
        assert own.sum() == pytest.approx(np.pi * RADIUS_PX**2, rel=0.25)
        assert (look.regions > 1).any()  # neighbours, as others
    assert ran.figure.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("frames", "onset", "wanted"),
    [
        (range(481), 200, [0, 170, 190, 197, 199, 200, 201, 203, 210, 230, 480]),
        (range(100, 109), 104, list(range(100, 109))),
        ([0, 1, 2, 50, 51], 1, [0, 1, 2, 50, 51]),
    ],
)
def test_frames_are_close_together_around_the_onset(frames, onset, wanted):
    assert look_frames(list(frames), onset) == wanted


def test_an_onset_at_the_beginning_leaves_frames_for_the_rest():
    frames = look_frames(list(range(481)), 0)
    assert len(frames) == N_LOOKS and frames[:5] == [0, 1, 3, 10, 30] and frames[-1] == 480
    assert max(np.diff(frames)) < 130


def table_of(**paths):
    rows = [(int(name[1:]), cell) for name, cells in paths.items() for cell in cells]
    return pd.DataFrame(rows, columns=["series_id", "cell_id"])


def test_sisters_are_not_two_cells():
    series = table_of(s0=[1, 2], s1=[1, 3], s2=[4], s3=[3, 5], s4=[6])
    ranked = pd.DataFrame({"series_id": [1, 0, 3, 2, 4]})
    # 0 shares the mother of 1; 3 shares a cell with 1 only
    assert distinct_cells(ranked, series, 10)["series_id"].tolist() == [1, 2, 4]
    # what was left out takes no cells: 3 would be free without 1
    assert distinct_cells(ranked.iloc[1:], series, 10)["series_id"].tolist() == [0, 3, 2, 4]
    assert distinct_cells(ranked, series, 2)["series_id"].tolist() == [1, 2]


def test_a_movie_without_long_histories_says_so():
    series = table_of(s0=[1]).assign(time_h=0.0, dry_mass_pg=100.0, is_filled=False, is_repeated=False)
    scores = pd.DataFrame({"series_id": [0], "n_windows": 0, "is_flagged": False})
    tracks = pd.DataFrame({"cell_id": [1], "frame": 0})
    events = pd.DataFrame({"cell_id": [], "kind": [], "time_h": []})
    ranked = pd.DataFrame({name: [] for name in ("series_id", "rank", "kind", "onset_h")})
    scored = ScoredMovie(tracks, tracks, events, series, series, scores, ranked, None, 0.003)
    text = evaluate_score_movie.build_page(
        scored, ranked, [], [], [], trained_on="others", n_frames=9, window_h=30.0, least_h=5.0
    )
    assert "No history is as long as a window: there is nothing to rank." in text
    assert "Nobody has judged these 0 cells." in text
    measures = evaluate_score_movie.summarise(scored, [], [])
    assert {key: one.value for key, one in measures.items()} == {"score.livecyte.long_enough": 0.0}


def test_a_kind_is_right_only_if_it_was_asked_about():
    seen = Seen(1, 1.0, 1.0, "swap", "both", True, "It is.")
    scores = pd.DataFrame({"series_id": [0], "n_windows": 3, "is_flagged": True})
    empty = pd.DataFrame()
    scored = ScoredMovie(empty, empty, empty, empty, empty, scores, empty, None, 0.003)
    for kind, n in (("swap", 1), ("jump", 0)):
        measures = evaluate_score_movie.summarise(scored, [seen, None], [kind, kind])
        assert ("score.livecyte.kind_right" in measures) == (n == 1)
        assert measures["score.livecyte.errors"].n == 1
