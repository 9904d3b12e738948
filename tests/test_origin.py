"""Where a result comes from: version, commit, configuration and inputs, and no time of day."""

import json
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest

from lensfree import origin
from lensfree.contracts import SERIES
from lensfree.io.tables import empty_table, read_provenance, write_table
from lensfree.origin import array_sha256, commit, input_digests, seed_in, software, values_sha256
from lensfree.seals import file_sha256, stored_seal
from lensfree.stages.joblog import provenance

JOB = SimpleNamespace(
    rule="series",
    wildcards={"acquisition": "plate"},
    params={"config": {"interval_min": 10, "seed": 4}, "code": "abc"},
    input=[],
)


@pytest.fixture
def repository(tmp_path):
    """A repository with a package in it, committed once."""

    def git(*arguments):
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        command = ["git", "-C", str(tmp_path), *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "seals.py").write_text("a = 1\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    commit.cache_clear()
    return tmp_path, git


def test_the_commit_is_that_of_the_code_and_says_whether_it_was_changed(repository):
    folder, git = repository
    assert commit(folder / "package") == git("rev-parse", "HEAD")
    commit.cache_clear()
    (folder / "package" / "seals.py").write_text("a = 2\n")
    assert commit(folder / "package") == git("rev-parse", "HEAD") + "-dirty"


def test_a_package_installed_inside_another_repository_has_no_commit(repository):
    folder, _ = repository
    (folder / "site-packages").mkdir()
    (folder / "site-packages" / "seals.py").touch()
    assert commit(folder / "site-packages") == "unknown"


def test_without_git_the_commit_is_unknown(repository, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert commit(repository[0] / "package") == "unknown"


def test_the_commit_is_asked_for_once(repository, monkeypatch):
    first = commit(repository[0] / "package")
    monkeypatch.setattr(origin, "_git", lambda *_: pytest.fail("asked again"))
    assert commit(repository[0] / "package") == first


def test_the_version_is_that_of_the_package_or_unknown(monkeypatch):
    assert set(software()) == {"version", "commit"}

    def missing(name):
        raise origin.PackageNotFoundError(name)

    monkeypatch.setattr(origin, "version", missing)
    assert software()["version"] == "unknown"


def test_the_digest_of_a_configuration_does_not_know_the_order_of_its_keys():
    assert values_sha256({"a": 1, "b": [1, 2]}) == values_sha256({"b": [1, 2], "a": 1})
    assert values_sha256({"a": 1, "b": [1, 2]}) != values_sha256({"a": 1, "b": [2, 1]})


def test_the_digest_of_an_array_knows_type_shape_and_values():
    one = np.arange(6, dtype=np.uint8)
    others = [one.astype(np.uint16), one.reshape(2, 3), one[::-1], one + 1]
    assert len({array_sha256(array) for array in (one, *others)}) == 5
    assert array_sha256(np.asfortranarray(one.reshape(2, 3))) == array_sha256(one.reshape(2, 3))


def test_inputs_are_named_by_their_seal_or_digest_and_raw_images_are_left_to_loading(tmp_path):
    write_table(tmp_path / "s.parquet", empty_table(SERIES), SERIES)
    (tmp_path / "verdicts.csv").write_text("a,b\n")
    (tmp_path / "f0.tif").touch()
    (tmp_path / "tiff").mkdir()
    names = ["verdicts.csv", "s.parquet", "f0.tif", "tiff", "gone.h5"]
    assert input_digests(str(tmp_path / name) for name in names) == {
        str(tmp_path / "s.parquet"): stored_seal(tmp_path / "s.parquet"),
        str(tmp_path / "verdicts.csv"): file_sha256(tmp_path / "verdicts.csv"),
    }


@pytest.mark.parametrize(
    ("values", "seed"),
    [
        ({"seed": 3}, 3),
        ({"a": 1, "config": {"seed": 5}}, 5),
        ({"config": {"a": {"seed": 5}}}, None),
        ({}, None),
    ],
)
def test_the_seed_is_found_where_settings_have_it(values, seed):
    assert seed_in(values) == seed


def test_a_result_says_where_it_comes_from_and_the_same_again(tmp_path):
    write_table(tmp_path / "in.parquet", empty_table(SERIES), SERIES)
    job = SimpleNamespace(**{**vars(JOB), "input": [str(tmp_path / "in.parquet")]})
    for name in ("one", "two"):
        write_table(tmp_path / name, empty_table(SERIES), SERIES, provenance=provenance(job))
    told = read_provenance(tmp_path / "one")
    assert told["rule"] == "series" and told["acquisition"] == "plate" and told["code"] == "abc"
    assert told["origin"] == {
        "stage": "series",
        **software(),
        "config_sha256": values_sha256({"config": JOB.params["config"]}),
        "inputs_sha256": {str(tmp_path / "in.parquet"): stored_seal(tmp_path / "in.parquet")},
        "seed": 4,
    }
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    json.dumps(told)
