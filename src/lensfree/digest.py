"""A fingerprint of the code behind a stage, so that editing a room reruns the stages that use it."""

from __future__ import annotations

import ast
import hashlib
import os
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

PACKAGE = "lensfree"
# Their values reach the rules as params; which acquisitions are run changes no result.
LEFT_OUT = (
    *("lensfree.config", "lensfree.config_base", "lensfree.config_output"),
    *("lensfree.config_score", "lensfree.config_tracks", "lensfree.config_training", "lensfree.selection"),
    "lensfree.progress",  # what a job says of itself changes no result
)
_DIGITS = 16


def code_digest(stage: str, root: Path | None = None) -> str:
    """Return a fingerprint of every module of this package that a stage imports, directly or not.

    The imports are found by parsing, nothing is imported. The configuration's modules are left out: a
    changed default is a changed param already.

    Args:
        stage: the word of the stage; `stages/<stage>.py` is where the search begins.
        root: folder of the package; by default the one this module is in.

    Returns:
        The first 16 hex digits of a SHA-256.

    Raises:
        FileNotFoundError: if there is no such stage.
    """
    folder = root or Path(__file__).parent
    digest = hashlib.sha256()
    for name in sorted(modules_behind(f"{PACKAGE}.stages.{stage}", folder)):
        path = _file_of(name, folder)
        if path is not None:
            for file in (path, *_data_beside(path)):
                digest.update(f"{name} {file.name}\n".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:_DIGITS]


def _data_beside(path: Path) -> list[Path]:
    """Return what a package carries besides modules, such as page templates; nothing for a module."""
    if path.name != "__init__.py":
        return []
    return sorted(p for p in path.parent.iterdir() if p.is_file() and p.suffix not in (".py", ".pyc"))


def modules_behind(module: str, root: Path) -> set[str]:
    """Return the module and all modules of this package that it imports, directly or not."""
    if _file_of(module, root) is None:
        raise FileNotFoundError(f"{root}: no module '{module}'; a stage needs stages/<word>.py")
    found: set[str] = set()
    seen = set(LEFT_OUT)
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        path = _file_of(name, root)
        if path is None:
            continue
        found.add(name)
        waiting.extend(imported_modules(path))
        waiting.append(name.rpartition(".")[0])  # importing a module runs its packages first
    return found


def imported_modules(path: Path) -> list[str]:
    """Return the names of this package that a file imports, wherever in it, as absolute names.

    `from a import b` gives both `a` and `a.b`, because only the file system knows which is a module.
    Imports under `if TYPE_CHECKING:` do not run and are not listed.
    """
    try:
        return list(_imports_in(path.read_text(encoding="utf-8")))
    except SyntaxError as error:
        raise SyntaxError(f"{path}:{error}") from error


@lru_cache(maxsize=512)
def _imports_in(source: str) -> tuple[str, ...]:
    names: list[str] = []
    for node in _statements(ast.parse(source).body):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise SyntaxError(f"{node.lineno}: relative import; write the whole name")
            names.append(node.module or "")
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(name for name in names if name.split(".")[0] == PACKAGE)


def _statements(block: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield statements and those within them; expressions, which cannot import, are left alone."""
    for node in block:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        for inner in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from _statements(getattr(node, inner, ()))


def _file_of(module: str, root: Path) -> Path | None:
    """Return the file of a module, None if the name is not a module of this package."""
    package, *parts = module.split(".")
    if package != PACKAGE:
        return None
    base = os.path.join(root, *parts)
    candidates = (os.path.join(base, "__init__.py"), f"{base}.py")
    return next((Path(path) for path in candidates if os.path.isfile(path)), None)
