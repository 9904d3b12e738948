"""Nothing that is read can run code: no pickle, no loader that builds objects, no shell."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / "src").rglob("*.py"), *(ROOT / "scripts").glob("*.py")])
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
# As they are called, with what must be among the keywords to be let through.
CALLS = {
    "torch.load": None,
    "yaml.load": None,
    "yaml.unsafe_load": None,
    "yaml.full_load": None,
    "pd.read_pickle": None,
    "pandas.read_pickle": None,
    "pd.read_hdf": None,
    "os.system": None,
    "eval": None,
    "exec": None,
    "np.load": ("allow_pickle", False),
    "np.save": None,
}
MAY_SAVE = {"stages/training_crops.py"}


def found_in(source: str) -> list[str]:
    """Return what a module imports or calls that could run code out of a file."""
    bad = []
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        bad += [name for name in names if name.split(".")[0] in MODULES]
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            given = {word.arg: getattr(word.value, "value", None) for word in node.keywords}
            if called in CALLS:
                allowed = CALLS[called]
                if allowed is None or given.get(allowed[0], "absent") != allowed[1]:
                    bad.append(called)
            if given.get("shell") is True or given.get("allow_pickle") is True:
                bad.append(f"{called} with {sorted(map(str, given))}")
    return bad


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_loads_what_could_run(path):
    found = found_in(path.read_text(encoding="utf-8"))
    if str(path.relative_to(ROOT / "src" / "lensfree" if "src" in path.parts else ROOT)) in MAY_SAVE:
        found = [name for name in found if name != "np.save"]
    assert found == []


@pytest.mark.parametrize(
    ("line", "caught"),
    [
        ("import pickle", ["pickle"]),
        ("from joblib import load", ["joblib"]),
        ("torch.load(path, weights_only=True)", ["torch.load"]),
        ("np.load(path)", ["np.load"]),
        ("np.load(path, allow_pickle=False)", []),
        ("yaml.safe_load(text)", []),
        ("yaml.load(text, Loader=yaml.SafeLoader)", ["yaml.load"]),
        ("subprocess.run(text, shell=True)", ["subprocess.run with ['shell']"]),
        ("json.loads(text)", []),
    ],
)
def test_a_planted_line_is_caught(line, caught):
    assert found_in(line) == caught


def test_no_rule_runs_a_shell():
    for path in [ROOT / "Snakefile", *(ROOT / "workflow").rglob("*.smk")]:
        assert "shell:" not in path.read_text(encoding="utf-8"), path.name
