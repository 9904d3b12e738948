"""Raw files as a param: the word for their contents holds as long as they do, whatever their times say."""

import os

import pytest
from flips import damaged

from lensfree import raw_files
from lensfree.raw_files import changed, raw_param, read_digests, read_record, states
from lensfree.stages.raw_record import raw_record


class Job:
    """What Snakemake hands to a script, as far as the record needs it."""

    rule = "load"
    input = ()

    def __init__(self, raw, record):
        self.params = Values(raw=raw, code="c" * 16)
        self.output = Values(raw=str(record))
        self.wildcards = Values(chunk="0000")


class Values(dict):
    __getattr__ = dict.__getitem__


@pytest.fixture
def names(tmp_path):
    """Three files of two bytes; the last is a frame of the future."""
    for frame in range(3):
        (tmp_path / f"f{frame}.tif").write_bytes(bytes([frame, 7]))
    return [str(tmp_path / f"f{frame}.tif") for frame in (1, 0, 2)]


@pytest.fixture
def record(tmp_path):
    return tmp_path / "results" / "raw" / "0000.json"


def run(names, record):
    """Plan, run, and return the param that the job had."""
    param = raw_param(names, record)
    with raw_record(Job(param, record)):
        pass
    return param


def touch(name, by_s=60):
    seen = os.stat(name)
    os.utime(name, ns=(seen.st_atime_ns, seen.st_mtime_ns + by_s * 10**9))


def test_the_param_is_the_same_before_and_after_the_job(names, record):
    param = run(names, record)
    assert param["files"] == sorted(names)
    assert raw_param(names, record) == param == raw_param(reversed(names), record)


def test_touched_and_copied_files_keep_their_word_also_after_another_run(names, record):
    param = run(names, record)
    touch(names[0])
    assert raw_param(names, record) == param
    assert run(names, record) == param
    assert raw_param(names, record) == param


def test_other_contents_other_sizes_and_other_files_have_another_word(names, record):
    param = run(names, record)
    words = {param["contents"], raw_param(names[:2], record)["contents"]}
    with open(names[0], "r+b") as file:
        file.write(b"x")
    touch(names[0])  # even where the clock of the files is too coarse to tell
    words.add(raw_param(names, record)["contents"])
    with open(names[0], "ab") as file:
        file.write(b"x")
    words.add(raw_param(names, record)["contents"])
    assert len(words) == 4
    assert changed(read_record(record), states(names)) == [names[0]]


def test_files_that_changed_are_known_once_they_were_read_again(names, record):
    run(names, record)
    with open(names[0], "wb") as file:
        file.write(b"other")
    again = run(names, record)
    assert raw_param(names, record) == again
    touch(names[0])
    assert raw_param(names, record) == again


def test_a_file_that_changes_while_it_is_read_is_read_again(names, record):
    param = raw_param(names, record)
    with raw_record(Job(param, record)), open(names[0], "ab") as file:
        file.write(b"x")
    assert read_record(record).files[names[0]][2] == ""
    assert raw_param(names, record) != param


def test_large_files_are_not_compared_by_content(names, record, monkeypatch):
    monkeypatch.setattr(raw_files, "COMPARED_B", 1)
    param = run(names, record)
    assert raw_param(names, record) == param
    touch(names[0])
    assert raw_param(names, record) != param


def test_a_file_that_is_gone_or_cannot_be_read_is_another_content(names, record, monkeypatch):
    param = run(names, record)
    os.remove(names[0])
    assert raw_param(names, record)["contents"] != param["contents"]
    assert read_digests(states(names))[names[0]] == (-1, -1, "")

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(raw_files, "file_sha256", refuse)
    touch(names[1])
    assert changed(read_record(record), states(names)) == sorted(names[:2])


def test_a_damaged_record_is_none(names, record):
    run(names, record)
    assert [how for how in damaged(record, flips=3000) if read_record(record) is not None] == []
    assert read_record(record) is not None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": 1}', '{"files": {"a": [1]}}'])
def test_what_is_no_record_is_none(record, text):
    record.parent.mkdir(parents=True)
    record.write_text(text)
    assert read_record(record) is None


def test_without_its_record_an_untouched_file_keeps_its_word(names, record):
    param = run(names, record)
    record.unlink()
    assert raw_param(names, record) == param
    touch(names[0])
    assert raw_param(names, record) != param


def test_a_job_that_fails_leaves_no_record(names, record):
    with pytest.raises(RuntimeError), raw_record(Job(raw_param(names, record), record)):
        raise RuntimeError("no light")
    assert not record.exists()
