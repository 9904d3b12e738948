"""What a cell of the acquisitions sheet may hold: lists, distances, wavelengths, units."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from lensfree.units import WAVELENGTH_RANGE_NM


def split(value: Any) -> Any:
    """Return `a,b` as a tuple of its parts, any other value as it is."""
    return tuple(p.strip() for p in value.split(",") if p.strip()) if isinstance(value, str) else value


def split_or_auto(value: Any) -> Any:
    """Return `auto` where nothing else is said, else the parts."""
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


PositiveFloat = Annotated[float, Field(gt=0)]
Wavelength = Annotated[PositiveFloat, AfterValidator(_nanometres)]
Wavelengths = Annotated[tuple[Wavelength, ...], BeforeValidator(split)]
Names = Annotated[tuple[str, ...], BeforeValidator(split)]
Distances = Annotated[tuple[PositiveFloat, ...] | Literal["auto"], BeforeValidator(split_or_auto)]
OpdUnit = Annotated[Literal["nm", "rad"] | PositiveFloat, BeforeValidator(_unit)]
