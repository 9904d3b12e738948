"""Plain values to frozen pydantic models, with one sentence for the person who typed them."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from lensfree.config import Config

MAX_VALUES = 20_000
_SHOWN = reprlib.Repr()
_SHOWN.maxstring, _SHOWN.maxother, _SHOWN.maxlevel = 80, 80, 2
Model = TypeVar("Model", bound=BaseModel)


class SettingError(ValueError):
    """A setting that cannot be used; the message says where, what was got and what to do."""


def validate(model: type[Model], values: Mapping[str, Any], where: str) -> Model:
    """Return `values` as the model.

    Args:
        model: the pydantic model.
        values: plain values as read from YAML or a sheet.
        where: file or row, for the message.

    Raises:
        SettingError: in one sentence, about the first value that is wrong.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise SettingError(f"{where}: {_sentence(model, error)}") from error


def load_config(values: Mapping[str, Any], where: str = "config.yaml") -> Config:
    """Return the whole configuration; missing sections and keys take their defaults.

    Raises:
        SettingError: in one sentence, naming the key.
    """
    if _n_values(values) > MAX_VALUES:
        raise SettingError(
            f"{where}: more than {MAX_VALUES} values, expected a configuration; are there aliases of aliases?"
        )
    return validate(Config, values, where)


def _n_values(values: Any) -> int:
    """Count the values, those behind aliases as often as they are used, up to a little above the limit."""
    waiting, found = [values], 0
    while waiting and found <= MAX_VALUES:
        value = waiting.pop()
        found += 1
        if isinstance(value, Mapping):
            waiting.extend(list(value.values())[: MAX_VALUES + 1])
        elif isinstance(value, list | tuple):
            waiting.extend(value[: MAX_VALUES + 1])
        if len(waiting) > MAX_VALUES:
            return len(waiting)
    return found


def unknown_name(kind: str, got: str, known: list[str]) -> str:
    """Return the sentence about a name that does not exist, with the nearest one that does."""
    near = difflib.get_close_matches(got, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}"
    return f"unknown {kind} '{got}'; {hint}"


def _sentence(model: type[BaseModel], error: ValidationError) -> str:
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    key = ".".join(_named(model, path))
    if first["type"] == "extra_forbidden":
        parents, name = path[:-1], path[-1]
        kind = f"key in section '{'.'.join(parents)}':" if parents else "key"
        return unknown_name(kind, name, _keys(model, parents))
    if first["type"] == "missing":
        return f"'{key}' is missing; add it"
    wanted = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if first["type"] == "value_error":
        return wanted
    return f"'{key}' is {_SHOWN.repr(first['input'])}, expected {wanted.removeprefix('a valid ')}"


def _named(model: type[BaseModel], path: list[str]) -> list[str]:
    """Return the part of pydantic's location that the person typed: no union members, no indices."""
    named: list[str] = []
    while len(named) < len(path) and path[len(named)] in _keys(model, named):
        named.append(path[len(named)])
    return named or path


def _keys(model: type[BaseModel], parents: list[str]) -> list[str]:
    fields = model.model_fields
    for parent in parents:
        annotation = fields[parent].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        fields = annotation.model_fields
    return list(fields)
