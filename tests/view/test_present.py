"""What the viewer finds in a folder of results, and what it says of the rest."""

import shutil

import pytest

from lensfree.view.present import TABLES, NothingToShowError, acquisitions_in, find_acquisition


def test_folders_that_are_no_acquisitions_are_not_listed(results):
    assert acquisitions_in(results) == ["bare", "scored"]


def test_everything_is_found_in_order(results):
    present = find_acquisition(results, "scored")
    assert [path.name for path in present.opd] == ["0000.h5", "0001.h5", "0002.h5"]
    assert [path.name for path in present.holograms] == ["0000.h5"]
    assert set(present.tables) == set(TABLES)
    assert present.is_scored and not present.is_simulated
    assert present.missing == ()


def test_what_no_stage_has_made_is_said_with_what_to_run(results):
    present = find_acquisition(results, "bare")
    assert not present.is_scored
    assert present.tables == {} and present.cells == ()
    assert present.missing[0] == f"{results}/bare/cells: no cells; run snakemake --until quantify"
    assert (
        f"{results}/bare/scores.parquet is not there: the anomaly table cannot be shown; run snakemake "
        f"{results}/bare/scores.parquet"
    ) in present.missing
    assert len(present.missing) == 1 + len(TABLES)


def test_a_simulated_acquisition_is_known_by_its_truth(results, tmp_path):
    shutil.copytree(results / "bare", tmp_path / "made")
    (tmp_path / "made" / "truth.parquet").touch()
    assert find_acquisition(tmp_path, "made").is_simulated


def test_half_written_chunks_are_not_shown(results, tmp_path):
    shutil.copytree(results / "bare", tmp_path / "running")
    (tmp_path / "running" / "opd" / ".0003.h5.77.partial").touch()
    (tmp_path / "running" / "opd" / "notes.h5").touch()
    assert len(find_acquisition(tmp_path, "running").opd) == 3


def test_an_unknown_acquisition_is_answered_with_those_that_exist(results):
    with pytest.raises(
        NothingToShowError, match="no acquisition 'scorde', there are: bare, scored; if it is in"
    ):
        find_acquisition(results, "scorde")


def test_an_empty_folder_has_none(tmp_path):
    with pytest.raises(NothingToShowError, match="there are: none"):
        find_acquisition(tmp_path, "bare")


def test_no_folder_of_results_is_one_sentence(tmp_path):
    with pytest.raises(
        NothingToShowError, match="nowhere: no such folder; run snakemake first, or say .* --results"
    ):
        find_acquisition(tmp_path / "nowhere", "bare")


def test_an_acquisition_before_reconstruction_has_nothing_to_show(results, tmp_path):
    shutil.copytree(results / "scored" / "holograms", tmp_path / "loaded" / "holograms")
    with pytest.raises(
        NothingToShowError, match="loaded: no OPD to show, .* run snakemake --until reconstruct"
    ):
        find_acquisition(tmp_path, "loaded")
