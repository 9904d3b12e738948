"""`lensfree view ACQUISITION`: look at an acquisition in napari."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lensfree.contracts import ContractError
from lensfree.view.present import NothingToShowError, find_acquisition
from lensfree.view.window import ViewerNotInstalledError, run


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit status.

    What goes wrong in a way that a person can mend is one sentence on stderr, and status 1.
    """
    chosen = _parser().parse_args(arguments)
    try:
        return int(chosen.do(chosen))
    except (NothingToShowError, ViewerNotInstalledError, ContractError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def view(chosen: argparse.Namespace) -> int:
    """Open the viewer; what is missing is said and does not keep it from opening."""
    present = find_acquisition(chosen.results, chosen.acquisition)
    for sentence in present.missing:
        print(f"note: {sentence}", file=sys.stderr)
    run(present)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lensfree", description="Work with results of lensfree.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    look = commands.add_parser("view", help="look at an acquisition in napari (extra view)")
    look.add_argument("acquisition", help="its name in the sheet, a folder under results")
    look.add_argument("--results", type=Path, default=Path("results"), help="folder of results [results]")
    look.set_defaults(do=view)
    return parser


if __name__ == "__main__":
    sys.exit(main())
