from __future__ import annotations

from pathlib import Path

import pytest
import report_pages
from matplotlib.image import imread

from lensfree.contracts import CELLS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return report_pages.make_page(tmp_path_factory.mktemp("pages") / "culture", frames=24)


def test_a_page_of_synthetic_cells_says_so(page):
    text = page.read_text(encoding="utf-8")
    assert "SIMULATED DATA" in text and "Synthetic cells" in text
    assert "Lineage trees of" in text
    assert (page.parent / "report" / "trees.csv").is_file()


def test_sections_can_be_shown_alone(page):
    text = page.read_text(encoding="utf-8")
    assert report_pages.only(text, ()) == text
    cut = report_pages.only(text, ("lineages", "made"))
    assert cut.count("#lineages, #made { display: block; }") == 1
    assert cut.index("display: block; }</style></head>") < cut.index("<body>")


def test_every_section_that_is_shown_exists(page):
    text = page.read_text(encoding="utf-8")
    for source, sections, height in report_pages.PICTURES.values():
        assert source in ("page", "compare") and height >= 400
        assert source == "compare" or all(f'<section id="{name}">' in text for name in sections)


def test_without_a_browser_there_are_no_pictures(page, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(report_pages.shutil, "which", lambda name: None)
    assert report_pages.photograph({"page": page, "compare": page}, tmp_path, tmp_path) == []
    assert "no chromium found" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_detections_get_what_their_simulation_does_not_say(page):
    import pandas as pd

    bare = pd.DataFrame({"frame": [0], "time_h": [0.0], "y_um": [1.0], "x_um": [2.0], "dry_mass_pg": [3.0]})
    table = report_pages.measured(bare)
    assert list(table.columns) == list(CELLS.columns)
    assert table["dry_mass_pg"].tolist() == [15.0]


@pytest.mark.parametrize("name", report_pages.PICTURES)
def test_the_pictures_in_docs_are_small_and_as_wide_as_a_window(name):
    path = ROOT / "docs" / f"{name}.png"
    assert path.stat().st_size < 700_000
    height, width = imread(path).shape[:2]
    assert (width, height) == (report_pages.WINDOW[0], report_pages.PICTURES[name][2])


def test_the_readme_calls_its_pictures_synthetic():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    for name in ("report_lineages", "report_compare"):
        (k,) = [k for k, line in enumerate(lines) if f"docs/{name}.png" in line]
        assert "synthetic data" in " ".join(lines[k : k + 3])
