"""What the cells of the acquisitions sheet may hold; names become folders and parts of file names."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from lensfree.units import WAVELENGTH_RANGE_NM


def split(value: Any) -> Any:
    """Return the parts of a cell between commas; other values as they are."""
    return tuple(p.strip() for p in value.split(",") if p.strip()) if isinstance(value, str) else value


def split_or_auto(value: Any) -> Any:
    """Return `auto` for it or an empty cell, else the parts of the cell."""
    return "auto" if isinstance(value, str) and value.strip() in ("auto", "") else split(value)


def _unit(value: Any) -> Any:
    return value.strip() or "nm" if isinstance(value, str) else value


def _nanometres(value: float) -> float:
    low_nm, high_nm = WAVELENGTH_RANGE_NM
    if not low_nm <= value <= high_nm:
        raise ValueError(
            f"{value:g} is no wavelength of light in nm, expected {low_nm:g} to {high_nm:g}; check the unit"
        )
    return value


def _plain_name(value: str) -> str:
    """Refuse channel names that would lead a path elsewhere: they are part of file names."""
    if not value or value in (".", "..") or re.search(r"[/\\{}\x00-\x1f\x7f]", value):
        raise ValueError(
            f"'{value!r:.60}' is no name of a channel, expected text without slashes, braces and line breaks"
        )
    return value


def climbs(pattern: str) -> bool:
    """Return whether a path leads out of the folder that it is relative to."""
    path = PurePath(pattern.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or "\0" in pattern


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Wavelength = Annotated[PositiveFloat, AfterValidator(_nanometres)]
Wavelengths = Annotated[tuple[Wavelength, ...], BeforeValidator(split)]
Names = Annotated[tuple[Annotated[str, AfterValidator(_plain_name)], ...], BeforeValidator(split)]
Distances = Annotated[tuple[PositiveFloat, ...] | Literal["auto"], BeforeValidator(split_or_auto)]
OpdUnit = Annotated[Literal["nm", "rad"] | PositiveFloat, BeforeValidator(_unit)]
