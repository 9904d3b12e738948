"""Editing a module changes the fingerprints of the stages that use it, and of no other."""

import shutil
from pathlib import Path

import pytest

import lensfree
from lensfree.digest import code_digest, imported_modules, modules_behind

PACKAGE = Path(lensfree.__file__).parent
STAGES = ("load", "reconstruct", "track", "series", "score", "report")


@pytest.fixture
def copy(tmp_path):
    folder = tmp_path / "lensfree"
    shutil.copytree(PACKAGE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {stage: code_digest(stage, folder) for stage in STAGES}


def changed_by(folder: Path, module: str) -> set[str]:
    before = digests(folder)
    path = folder / module
    path.write_text(path.read_text(encoding="utf-8") + "\n# planted\n", encoding="utf-8")
    after = digests(folder)
    return {stage for stage in STAGES if before[stage] != after[stage]}


def test_a_digest_does_not_depend_on_where_the_package_lies(copy):
    assert digests(copy) == digests(PACKAGE)


@pytest.mark.parametrize(
    ("module", "stages"),
    [
        ("report/template.html.j2", {"report"}),
        ("phase/retrieve.py", {"reconstruct"}),
        ("optics/propagation.py", {"reconstruct"}),
        ("tracks/link.py", {"track"}),
        ("tracks/series.py", {"series"}),
        ("anomaly/windows.py", {"score"}),
        ("io/tiff.py", {"load"}),
        ("stages/load.py", {"load"}),
        ("stages/joblog.py", set()),
        ("digest.py", set()),
        ("config.py", set()),
        ("config_base.py", set()),
        ("config_output.py", set()),
    ],
)
def test_an_edit_reruns_the_stages_that_use_the_module(copy, module, stages):
    assert changed_by(copy, module) == stages


def test_an_edit_of_the_contracts_reruns_everything(copy):
    assert changed_by(copy, "contracts.py") == set(STAGES)


def test_imports_inside_functions_count_and_those_for_types_only_do_not(tmp_path):
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "word.py").write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import lensfree.unused\n"
        "def run():\n    from lensfree.rooms import room\n",
        encoding="utf-8",
    )
    (tmp_path / "rooms").mkdir()
    for name in ("unused.py", "rooms/room.py", "rooms/__init__.py", "__init__.py", "stages/__init__.py"):
        (tmp_path / name).touch()
    assert modules_behind("lensfree.stages.word", tmp_path) == {
        "lensfree",
        "lensfree.stages",
        "lensfree.stages.word",
        "lensfree.rooms",
        "lensfree.rooms.room",
    }


def test_a_relative_import_is_refused(tmp_path):
    path = tmp_path / "word.py"
    path.write_text("from . import units\n", encoding="utf-8")
    with pytest.raises(SyntaxError, match=r"word\.py:1: relative import; write the whole name"):
        imported_modules(path)


def test_an_unknown_stage_is_named():
    with pytest.raises(
        FileNotFoundError, match=r"no module 'lensfree\.stages\.drift'; a stage needs stages/"
    ):
        code_digest("drift")
