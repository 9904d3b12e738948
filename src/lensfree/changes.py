"""What differs between the params a result was made with and those of now, in words."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

_DIGEST = re.compile(r"[0-9a-f]{16}")
_OF_THE_STAGE = ("config", "plan")
_LONGEST = 24
_MAX_NAMED = 3

Kind = Literal["code", "frames", "raw", "setting"]


@dataclass(frozen=True)
class Change:
    """One param that is not what it was.

    Attributes:
        kind: `code`: the fingerprint of the stage's modules; `frames`: which frames a job takes;
            `raw`: other raw files, or other contents; `setting`: anything else.
        text: what changed, with old and new value where both are known.
        added: raw files that the job did not read before.
    """

    kind: Kind
    text: str
    added: tuple[str, ...] = ()


def find_changes(stage: str, params: Mapping[str, Any], recorded: Sequence[str]) -> list[Change]:
    """Return what changed among the params of a job since its result was made.

    Snakemake records the values as text and without their names, so the old value of a param is the
    recorded one that is most like it and is no param's value now.

    Args:
        stage: the word of the stage, which names its own section of the configuration.
        params: the params of now by name.
        recorded: `repr` of each param then.
    """
    current = {repr(value) for value in params.values()}
    left = [value for text in recorded if text not in current for value in _parsed(text)]
    found: list[Change] = []
    for name, value in params.items():
        if repr(value) in recorded:
            continue
        old = max(left, key=lambda candidate: _likeness(candidate, value), default=None)
        is_known = old is not None and _likeness(old, value) > 0
        if is_known:
            left.remove(old)
        section = stage if name in _OF_THE_STAGE else name
        found += _described(section, old if is_known else None, value, is_known=is_known)
    return found


def join(texts: Sequence[str]) -> str:
    """Return the first few of several texts and how many more there are."""
    more = f" and {len(texts) - _MAX_NAMED} more" if len(texts) > _MAX_NAMED else ""
    return ", ".join(texts[:_MAX_NAMED]) + more


def _parsed(text: str) -> list[Any]:
    try:
        return [ast.literal_eval(text)]
    except (ValueError, SyntaxError):
        return []


def _likeness(old: Any, new: Any) -> float:
    if isinstance(old, dict) and isinstance(new, dict):
        return len(old.keys() & new.keys()) / max(len(old.keys() | new.keys()), 1)
    if type(old) is not type(new):
        return 0.0
    return 1.0 if _is_digest(old) == _is_digest(new) else 0.0


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def _described(section: str, old: Any, new: Any, *, is_known: bool) -> list[Change]:
    if section == "code" and _is_digest(new):
        return [Change("code", "code")]
    if section == "raw" and isinstance(new, dict):
        return [_raw(old["files"] if is_known else new["files"], new["files"])]
    if not is_known:
        return [Change("setting", f"{section}, was not recorded")]
    if section == "frames" and isinstance(new, dict) and {"first_frame", "n_frames"} <= new.keys():
        last = [value.get("first_frame", 0) + value.get("n_frames", 0) for value in (old, new)]
        return [Change("frames", f"{last[0]} -> {last[1]}")]
    if not isinstance(new, dict):
        return [Change("setting", f"{section} {_brief(old)} -> {_brief(new)}")]
    texts = []
    for key in sorted(old.keys() | new.keys()):
        if key not in old:
            texts.append(f"{section}.{key} is new ({_brief(new[key])})")
        elif key not in new:
            texts.append(f"{section}.{key} is gone")
        elif old[key] != new[key]:
            texts.append(f"{section}.{key} {_brief(old[key])} -> {_brief(new[key])}")
    return [Change("setting", text) for text in texts]


def _raw(old: Sequence[str], new: Sequence[str]) -> Change:
    added, gone = (sorted(set(these) - set(those)) for these, those in ((new, old), (old, new)))
    signed = (("with", added), ("without", gone))
    words = [f"{sign} {join([path.split('/')[-1] for path in paths])}" for sign, paths in signed if paths]
    return Change("raw", ", ".join(words), tuple(added))


def _brief(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
