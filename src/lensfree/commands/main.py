"""The command line: `lensfree view ACQUISITION` and `lensfree export-opd ACQUISITION FORMAT`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lensfree.config_output import OPD_FORMATS
from lensfree.view.present import Present, find_acquisition


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit status.

    What a person can mend is one sentence on stderr, and status 1.
    """
    chosen = _parser().parse_args(arguments)
    try:
        present = find_acquisition(chosen.results, chosen.acquisition)
        chosen.do(present, chosen)
    except (ValueError, ImportError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def view(present: Present, chosen: argparse.Namespace) -> None:
    """Open the viewer; what is missing is said and does not keep it from opening."""
    from lensfree.view import window

    for sentence in present.missing:
        print(f"note: {sentence}", file=sys.stderr)
    window.run(present)


def export(present: Present, chosen: argparse.Namespace) -> None:
    """Write OPD in one format, and say where."""
    # The stages import torch, for which the viewer need not wait.
    from lensfree.commands.export_opd import export_opd

    print(export_opd(present, chosen.format, chosen.out, chosen.dtype))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lensfree", description="Work with results of lensfree.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    look = commands.add_parser("view", help="look at an acquisition in napari (extra view)")
    look.set_defaults(do=view)
    take = commands.add_parser("export-opd", help="write its OPD for other programs")
    take.set_defaults(do=export)
    for one in (look, take):
        one.add_argument("acquisition", help="its name in the sheet, a folder under results")
    take.add_argument("format", choices=OPD_FORMATS, help="ome_zarr needs the extra ome")
    take.add_argument("--out", type=Path, help="file or folder [results/ACQUISITION/export/...]")
    take.add_argument("--dtype", choices=("int16", "float32"), default="int16", help="numbers [int16]")
    for one in (look, take):
        one.add_argument("--results", type=Path, default=Path("results"), help="folder of results [results]")
    return parser


if __name__ == "__main__":
    sys.exit(main())
