"""Scripts lie in one folder, so their names must not hide a module of the standard library."""

import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[1] / "scripts"


def test_no_script_hides_a_module_of_the_standard_library():
    names = {path.stem for path in SCRIPTS.glob("*.py")}
    assert names
    assert not names & sys.stdlib_module_names
