"""The acquisitions sheet: one row per acquisition, what it is and where its files are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from lensfree.config import Config
from lensfree.selection import select
from lensfree.sheet_cells import (
    Distances,
    Name,
    Names,
    OpdUnit,
    PositiveFloat,
    Wavelengths,
    climbs,
    split,
    split_or_auto,
)
from lensfree.sheet_lines import SheetError, cells_of, sheet_lines
from lensfree.sources import Match, SourceError, match_frames
from lensfree.validation import SettingError, load_config, unknown_name, validate

REQUIRED = (
    "acquisition",
    "dataset",
    "kind",
    "files",
    "wavelength_nm",
    "pixel_pitch_um",
    "z_um",
    "frame_interval_min",
)
OPTIONAL = ("background", "channels", "opd_unit", "until", "well", "condition", "note")
SIMULATED_FILES = "frame_{frame}_{channel}.tif"
RESERVED_NAMES = ("datasets", "models", "evaluate", "experiments", "compare")
DESCRIPTIVE = ("dataset", "until", "well", "condition", "note", "overrides")
OVERRIDABLE = (
    *("optics", "storage", "simulate", "load", "focus", "ingest", "reconstruct"),
    *("quantify", "track", "series", "score", "report", "export"),
)


class Acquisition(BaseModel):
    """One row of the sheet.

    Attributes:
        acquisition: its name, the folder under `results/`.
        dataset: acquisitions of one data set share a detector.
        kind: `hologram` (raw frames), `opd` (maps from another microscope) or `simulated`.
        files: pattern of the source files with `{frame}` and `{channel}` where they vary.
        background: pattern of the open-beam images, empty if there are none.
        channels: one name per channel, as in the file names.
        wavelength_nm: centre wavelength of each channel.
        pixel_pitch_um: pixel pitch in the sample plane.
        z_um: sample to sensor distance per channel, or `auto`.
        frame_interval_min: time between frames.
        opd_unit: kind `opd`: `nm`, `rad`, or nm per count.
        until: `report`, or `reconstruct` for pictures without tracked cells.
        well: where on the plate.
        condition: what was done to the cells.
        note: free text shown in the report.
        overrides: settings that differ from the configuration, by section and field.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    acquisition: Name
    dataset: Name = "default"
    kind: Literal["hologram", "opd", "simulated"]
    files: str = ""
    background: str = ""
    channels: Names = ()
    wavelength_nm: Wavelengths = ()
    pixel_pitch_um: PositiveFloat
    z_um: Distances = "auto"
    frame_interval_min: PositiveFloat
    opd_unit: OpdUnit = "nm"
    until: Literal["reconstruct", "report"] = "report"
    well: str = ""
    condition: str = ""
    note: str = ""
    overrides: dict[str, dict[str, Any]] = {}

    @field_validator("until", mode="before")
    @classmethod
    def _until_default(cls, value: Any) -> Any:
        return value or "report"

    @model_validator(mode="before")
    @classmethod
    def _fill_channels(cls, values: dict[str, Any]) -> dict[str, Any]:
        n_channels = 1 if values.get("kind") == "opd" else len(split(values.get("wavelength_nm") or ()))
        names = {1: ("mono",), 3: ("R", "G", "B")}.get(n_channels)
        default = names or tuple(f"{i + 1}" for i in range(n_channels))
        filled = {"channels": values.get("channels") or default}
        z_um = split_or_auto(values.get("z_um") or "auto")
        if isinstance(z_um, tuple | list) and len(z_um) == 1:
            filled["z_um"] = tuple(z_um) * len(split(filled["channels"]))
        if values.get("kind") == "simulated":
            filled["files"] = values.get("files") or SIMULATED_FILES
        return {**values, **filled}

    @model_validator(mode="after")
    def _check_counts(self) -> Acquisition:
        n_channels = len(self.channels)
        if len(set(self.channels)) < n_channels:
            raise ValueError(f"column 'channels' names a channel twice: {','.join(self.channels)}")
        if self.kind == "opd" and n_channels != 1:
            raise ValueError(f"kind 'opd' has one map per frame, but 'channels' gives {n_channels} names")
        needs_wavelength = self.kind != "opd" or self.opd_unit == "rad"
        if needs_wavelength and len(self.wavelength_nm) != n_channels:
            raise ValueError(
                f"column 'wavelength_nm' has {len(self.wavelength_nm)} values, but there are {n_channels} "
                f"channels ({','.join(self.channels)}); give one wavelength per channel"
            )
        if self.z_um != "auto" and len(self.z_um) != n_channels:
            raise ValueError(
                f"column 'z_um' has {len(self.z_um)} values, but there are {n_channels} channels; "
                "give one distance, one per channel, or auto"
            )
        if not self.files:
            raise ValueError("column 'files' is empty; give the pattern of the source files")
        if self.kind == "simulated" and climbs(self.files):
            raise ValueError(
                f"column 'files' is {self.files!r:.80}, but simulated files are written: expected a path "
                "inside their folder"
            )
        return self

    def time_h(self, frame: int) -> float:
        """Return the time of a frame since frame 0."""
        return frame * self.frame_interval_min / 60.0

    def config(self, config: Config) -> Config:
        """Return the configuration with this acquisition's overrides.

        Raises:
            SettingError: if an overriding value does not fit.
        """
        plain = config.model_dump()
        for section, values in self.overrides.items():
            plain[section] = {**plain[section], **values}
        return load_config(plain, f"acquisition '{self.acquisition}'")

    def in_folder(self, folder: Path) -> Acquisition:
        """Return the acquisition with its files below `folder`, as a simulated one is written."""
        return self.model_copy(update={"files": (folder / self.files).as_posix()})

    def as_params(self, *without: str) -> dict[str, Any]:
        """Return plain values for a rule's `params`.

        Words that only describe (note, well ...) and the fields `without` are left out, so that
        editing them does not rerun a stage that does not use them.
        """
        return self.model_dump(mode="json", exclude={*DESCRIPTIVE, *without})


def read_sheet(
    path: Path, config: Config, *, check_files: bool = True, match: Match = match_frames
) -> dict[str, Acquisition]:
    """Read the acquisitions sheet (tab-separated, one row per acquisition).

    Lines that begin with `#` are comments. A column `section.field` overrides that setting of the
    configuration where its cell is not empty. File patterns are relative to the sheet's folder.

    Args:
        path: the sheet.
        config: what the overrides are checked against.
        check_files: whether the source files must be there, of the acquisitions that `config.only` names.
        match: finds them; one that remembers spares another listing of the same folders.

    Returns:
        The acquisitions by name, in the sheet's order, with `files` and `background` as paths.

    Raises:
        SheetError: in one sentence: where, what, and what to do.
    """
    if not path.is_file():
        raise SheetError(f"{path}: no such sheet; write one or set 'acquisitions' in config.yaml to yours")
    lines = sheet_lines(path)
    rows = [cells_of(path, number, line) for number, line in lines]
    columns = [name.strip() for name in rows[0]]
    _check_columns(path, columns, config)
    found: dict[str, Acquisition] = {}
    places: dict[str, str] = {}
    for (number, _), cells in zip(lines[1:], rows[1:], strict=True):
        where = f"{path}, row {number}"
        if len(cells) > len(columns):
            raise SheetError(f"{where}: {len(cells)} cells for {len(columns)} columns; are tabs doubled?")
        values = {name: cell.strip() for name, cell in zip(columns, cells, strict=False)}
        acquisition = _acquisition(values, path.parent, where)
        if acquisition.acquisition in found:
            raise SheetError(
                f"{where}: acquisition '{acquisition.acquisition}' is there twice; rename or remove one"
            )
        _check_row(acquisition, config, where)
        found[acquisition.acquisition] = acquisition
        places[acquisition.acquisition] = where
    if not found:
        raise SheetError(f"{path}: the sheet has columns but no acquisition; add a row")
    for name in select(config.only, found) if check_files else ():
        _check_files(found[name], config, places[name], match)
    return found


def _check_columns(path: Path, columns: list[str], config: Config) -> None:
    for name in REQUIRED:
        if name not in columns:
            raise SheetError(
                f"{path}: column '{name}' is missing; the columns are {', '.join(REQUIRED)} (tab-separated)"
            )
    for name in columns:
        if columns.count(name) > 1:
            raise SheetError(f"{path}: column '{name}' is there twice; keep one")
        if "." in name:
            _check_override(path, name, config)
        elif name not in (*REQUIRED, *OPTIONAL):
            sentence = unknown_name("column", name, [*REQUIRED, *OPTIONAL])
            raise SheetError(f"{path}: {sentence}")


def _check_override(path: Path, name: str, config: Config) -> None:
    section, _, field = name.partition(".")
    if section not in OVERRIDABLE:
        raise SheetError(
            f"{path}: column '{name}' overrides section '{section}', but an acquisition can only override "
            f"{', '.join(OVERRIDABLE)}"
        )
    fields = list(type(getattr(config, section)).model_fields)
    if field not in fields:
        raise SheetError(f"{path}: column '{name}': {unknown_name('key', field, fields)}")


def _acquisition(values: Mapping[str, str], folder: Path, where: str) -> Acquisition:
    overrides: dict[str, dict[str, Any]] = {}
    plain: dict[str, Any] = {}
    for name, cell in values.items():
        if "." not in name:
            plain[name] = cell
        elif cell:
            section, _, field = name.partition(".")
            overrides.setdefault(section, {})[field] = _parse(cell)
    plain = {name: cell for name, cell in plain.items() if cell or name in REQUIRED}
    if plain["kind"] != "simulated":
        for name in ("files", "background"):
            if plain.get(name):
                plain[name] = (folder / plain[name]).as_posix()
    try:
        return validate(Acquisition, {**plain, "overrides": overrides}, where)
    except SettingError as error:
        raise SheetError(str(error)) from error


def _check_row(acquisition: Acquisition, config: Config, where: str) -> None:
    if acquisition.acquisition in RESERVED_NAMES:
        raise SheetError(
            f"{where}: '{acquisition.acquisition}' is the name of a folder that results needs itself; "
            "choose another name"
        )
    try:
        acquisition.config(config)
    except SettingError as error:
        raise SheetError(f"{where}: {error}") from error


def _check_files(acquisition: Acquisition, config: Config, where: str, match: Match) -> None:
    if acquisition.kind == "simulated":
        return
    may_lack_frames = acquisition.config(config).load.on_bad_frame == "gap"
    try:
        for pattern in filter(None, (acquisition.files, acquisition.background)):
            match(pattern, acquisition.channels, may_lack_frames=may_lack_frames)
    except SourceError as error:
        raise SheetError(f"{where}: {error}") from error


def _parse(cell: str) -> Any:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell
