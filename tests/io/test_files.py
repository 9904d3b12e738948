"""Folders that are whole or not there."""

import os

import pytest

from lensfree.io.files import folder_written_whole


def content(folder):
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}


def fill(folder, text):
    (folder / "inner").mkdir(parents=True)
    (folder / "a.txt").write_text(text)
    (folder / "inner" / "b.txt").write_text(text)


def test_a_folder_comes_whole_and_leaves_nothing_beside_it(tmp_path):
    with folder_written_whole(tmp_path / "new" / "made") as partial:
        assert partial.parent == tmp_path / "new" and partial.name.startswith(".made.")
        fill(partial, "one")
        assert not (tmp_path / "new" / "made").exists()
    assert content(tmp_path) == {"new/made/a.txt": "one", "new/made/inner/b.txt": "one"}
    assert os.listdir(tmp_path / "new") == ["made"]


def test_a_folder_replaces_the_one_that_was_there(tmp_path):
    fill(tmp_path / "made", "old")
    (tmp_path / "made" / "left over.txt").write_text("old")
    with folder_written_whole(tmp_path / "made") as partial:
        fill(partial, "new")
        assert content(tmp_path / "made")["a.txt"] == "old"
    assert content(tmp_path / "made") == {"a.txt": "new", "inner/b.txt": "new"}
    assert os.listdir(tmp_path) == ["made"]


def test_a_folder_replaces_a_file_of_its_name(tmp_path):
    (tmp_path / "made").write_text("a file")
    with folder_written_whole(tmp_path / "made") as partial:
        fill(partial, "new")
    assert content(tmp_path) == {"made/a.txt": "new", "made/inner/b.txt": "new"}


@pytest.mark.parametrize("is_there", [True, False])
def test_a_failed_block_leaves_what_was_there(tmp_path, is_there):
    if is_there:
        fill(tmp_path / "made", "old")
    before = content(tmp_path)
    with pytest.raises(RuntimeError), folder_written_whole(tmp_path / "made") as partial:
        fill(partial, "half")
        raise RuntimeError
    assert content(tmp_path) == before
    assert os.listdir(tmp_path) == (["made"] if is_there else [])


def test_a_failed_renaming_puts_the_old_folder_back(tmp_path, monkeypatch):
    fill(tmp_path / "made", "old")
    rename = os.replace

    def refuse_the_new_one(source, target):
        if str(source).endswith(".partial"):
            raise OSError("no")
        rename(source, target)

    monkeypatch.setattr(os, "replace", refuse_the_new_one)
    with pytest.raises(OSError, match="no"), folder_written_whole(tmp_path / "made") as partial:
        fill(partial, "new")
    assert content(tmp_path) == {"made/a.txt": "old", "made/inner/b.txt": "old"}


def test_what_a_killed_job_left_is_cleared(tmp_path):
    fill(tmp_path / f".made.{os.getpid()}.partial", "half")
    with folder_written_whole(tmp_path / "made") as partial:
        fill(partial, "new")
    assert os.listdir(tmp_path) == ["made"]
