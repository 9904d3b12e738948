"""Calibrations of the standard error in a JSON file, by the model that they were made for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from lensfree.cells.standard_error import ADDED_LATER, TERMS, ErrorModel
from lensfree.config_base import Count, Fraction, NonNegative, Positive, Section
from lensfree.seals import DamagedFileError
from lensfree.stages.measures import read_json, write_json
from lensfree.validation import SettingError, validate

VERSION = 1
REMEDY = "make it again with `make calibrate`"


class CalibrationError(ValueError):
    """A file of calibrations is not what it should be; the message names file, got and expected."""


class Calibration(Section):
    """What the standard error of one model is made of, and what it holds for."""

    coefficients: dict[str, NonNegative] = Field(description="of the terms of cells.standard_error")
    weights_sha256: str = Field(description="weights of the network that measured, empty without one")
    refine_sha256: str = Field(description="weights of the CNN step, empty without one")
    reconstruct_method: str = Field(description="reconstruct.method of the OPD")
    reconstruct_refine: str = Field(description="reconstruct.refine of the OPD")
    n_colours: Count = Field(description="colours of the holograms")
    pixel_pitch_um: Positive = Field(description="pitch of the sensor [um]")
    z_um: tuple[float, float] = Field(description="range of distances [um]")
    background_sd_nm: tuple[float, float] = Field(description="range of the sd of the background [nm]")
    seed: int = Field(description="of the simulated fields")
    n_fields: Count = Field(description="simulated fields")
    n_cells: Count = Field(description="cells found and paired with a true one")
    bias_pg: float = Field(description="median of found less true dry mass away from the border [pg]")
    within_1: Fraction = Field(description="share of the errors within 1 standard error, on these cells")
    within_2: Fraction = Field(description="share of the errors within 2 standard errors, on these cells")

    @field_validator("coefficients")
    @classmethod
    def _has_every_term(cls, value: dict[str, float]) -> dict[str, float]:
        if set(value) | ADDED_LATER != set(TERMS):
            raise ValueError(f"coefficients of {sorted(value)}, expected {sorted(TERMS)}")
        return {**dict.fromkeys(ADDED_LATER, 0.0), **value}

    @property
    def model(self) -> ErrorModel:
        """The coefficients in the order of the terms."""
        return ErrorModel(tuple(self.coefficients[name] for name in TERMS))

    def is_for(self, weights: Path | None) -> bool:
        """Return whether it was made for exactly these weights (None: the reference pipeline)."""
        return self.weights_sha256 == sha256_of(weights)

    def is_of(self, reconstruct: Mapping[str, Any], n_colours: int) -> bool:
        """Return whether it was made for OPD of this section `reconstruct`, from as many colours."""
        made_for = (self.reconstruct_method, self.reconstruct_refine, self.n_colours)
        return (reconstruct.get("method"), reconstruct.get("refine"), n_colours) == made_for


def read_calibrations(path: Path | None) -> dict[str, Calibration]:
    """Return the calibrations by the name of the model, none without a file.

    Raises:
        CalibrationError: if the file is not JSON, of another version, or an entry lacks a key, has one too
            many, or has a value out of range.
    """
    if path is None:
        return {}
    try:
        content = read_json(path, remedy=REMEDY)
    except DamagedFileError as error:
        raise CalibrationError(str(error)) from error
    if content.get("version") != VERSION:
        raise CalibrationError(f"{path} has version {content.get('version')}, expected {VERSION}; {REMEDY}")
    entries = content.get("calibrations")
    if not isinstance(entries, dict):
        raise CalibrationError(f"{path} has keys {sorted(content)}, expected 'calibrations'; {REMEDY}")
    return {name: _entry(path, name, entry) for name, entry in entries.items()}


def write_calibrations(path: Path, calibrations: Mapping[str, Calibration]) -> None:
    """Write calibrations by the name of the model."""
    entries = {name: calibration.model_dump(mode="json") for name, calibration in calibrations.items()}
    write_json(path, {"version": VERSION, "calibrations": entries})


def sha256_of(weights: Path | None) -> str:
    """Return the SHA-256 of a weights file, nothing without one."""
    return hashlib.sha256(weights.read_bytes()).hexdigest() if weights else ""


def _entry(path: Path, name: str, entry: Any) -> Calibration:
    where = f"{path}: calibration of '{name}'"
    if not isinstance(entry, dict):
        raise CalibrationError(f"{where} is {entry!r}, expected keys and values; {REMEDY}")
    try:
        return validate(Calibration, entry, where)
    except SettingError as error:
        raise CalibrationError(f"{error}; {REMEDY}") from error
