"""The pages of a run: Snakemake's report as their shell, and the comparison across acquisitions."""

import re

import pytest
from conftest import MOVIE_ROW

from lensfree.contracts_report import FIGURE_TABLES, WELLS
from lensfree.io.tables import read_table

pytestmark = pytest.mark.workflow
# What a browser would fetch; licences and comments of bundled libraries may name addresses.
FETCHED = re.compile(
    r"""(?:src|href)\s*=\s*["'](https?:)?//|@import\s+(?:url\()?["']?https?:|url\(["']?https?:"""
)


def test_the_shell_holds_every_page_offline_and_is_small(movie):
    movie.run("--report", "all.html")
    shell = (movie.folder / "all.html").read_text(encoding="utf-8")
    assert len(shell.encode()) < 10e6
    assert not FETCHED.search(shell)
    assert '"page": "report"' in shell.replace('":"', '": "') and "summary" in shell
    page = (movie.results("movie") / "report.html").read_text(encoding="utf-8")
    assert len(page.encode()) < 10e6
    assert "http" not in page
    stages = re.findall(
        r"<tr><td>(\w+)</td><td><code>[0-9a-f]{12}</code></td><td><code>[0-9a-f]{12}</code>", page
    )
    assert stages == ["ingest", "quantify", "track", "series", "score"]


def test_every_figure_has_its_numbers_in_two_formats(finished_movie):
    folder = finished_movie.results("movie") / "report"
    names = {path.stem for path in folder.glob("*.parquet")}
    assert names >= {"population", "growth", "histograms", "trees", "cards", "card_windows"}
    for name in names:
        table = read_table(folder / f"{name}.parquet", FIGURE_TABLES[name])
        assert len((folder / f"{name}.csv").read_text(encoding="utf-8").splitlines()) == len(table) + 1


def test_several_tracked_acquisitions_are_compared_and_one_is_not(movie):
    assert "compare" not in movie.planned()
    movie.rows = [MOVIE_ROW, ("second", *MOVIE_ROW[1:])]
    assert {"compare", "track second", "report second"} <= movie.planned()


def test_on_request_one_acquisition_has_a_page_that_says_there_is_nothing_to_compare(movie):
    movie.run("results/compare.html")
    page = (movie.folder / "results" / "compare.html").read_text(encoding="utf-8")
    assert "There is nothing to compare: the sheet names no condition." in page
    wells = read_table(movie.folder / "results" / "compare" / "wells.parquet", WELLS)
    assert wells["acquisitions"].unique().tolist() == ["movie"]
    assert (movie.folder / "logs" / "compare" / "all.log").is_file()
    assert (movie.folder / "logs" / "compare" / "all.tsv").is_file()
