"""How the numbers of a page were made: software, configuration and code of every stage, as the files say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import lensfree

_VERSION = ("software_version", "lensfree_version", "version", "software")
_COMMIT = ("commit", "git_commit", "software_commit")
_CODE = ("code", "code_digest")
_CONFIG_HASH = ("config_hash", "configuration_hash", "config_sha256")
_INPUTS = ("inputs_sha256", "inputs", "input_checksums", "checksums")
_WHERE = ("acquisition", "chunk", "dataset")
_DIGITS = 12


@dataclass(frozen=True)
class Made:
    """How the file of one stage was made.

    Attributes:
        stage: its rule.
        version: of the software, empty if the file does not say.
        commit: of its source, empty likewise.
        settings: digest of its settings; the same settings give the same one.
        code: digest of the code behind the stage.
        inputs: digest of the checksums of what it read, empty if the file does not say.
        others: everything else that the file says in a word or a number, name -> value.
    """

    stage: str
    version: str = ""
    commit: str = ""
    settings: str = ""
    code: str = ""
    inputs: str = ""
    others: Mapping[str, str] | None = None


def how_made(stage: str, provenance: Mapping[str, Any]) -> Made | None:
    """Return how a file was made from the provenance it carries, None if it carries none.

    Keys that are not known are shown as they are, so that a file may say more than this module expects.

    Args:
        stage: what to call the stage if the provenance does not name its rule.
        provenance: what `read_provenance` gave.
    """
    if not provenance:
        return None
    left = dict(provenance)
    origin = left.pop("origin", {})  # what a file says of its making may stand in a part of its own
    left |= origin if isinstance(origin, Mapping) else {"origin": origin}
    rule = str(left.pop("rule", stage))
    left.pop("stage", None)
    version, commit, code, given_hash, inputs = (
        _take(left, names) for names in (_VERSION, _COMMIT, _CODE, _CONFIG_HASH, _INPUTS)
    )
    for name in _WHERE:
        if not isinstance(left.get(name), Mapping):  # a wildcard, and not the acquisition's settings
            left.pop(name, None)
    settings = {name: value for name, value in left.items() if isinstance(value, (Mapping, list))}
    others = {
        name.replace("_", " "): str(value)
        for name, value in left.items()
        if name not in settings and value not in (None, "")
    }
    return Made(
        stage=rule,
        version=_word(version),
        commit=_short_commit(_word(commit)),
        settings=_word(given_hash)[:_DIGITS] or (digest_of(settings) if settings else ""),
        code=_word(code)[:_DIGITS],
        inputs=digest_of(inputs) if isinstance(inputs, (Mapping, list)) else _word(inputs)[:_DIGITS],
        others=others,
    )


def software_of(stages: list[Made]) -> tuple[str, str]:
    """Return version and commit as all stages say them; the version of this page's software if none does."""
    this = f"{lensfree.__version__} (this page)"
    versions = sorted({made.version for made in stages if made.version}) or [this]
    return ", ".join(versions), ", ".join(sorted({made.commit for made in stages if made.commit}))


def digest_of(value: Any) -> str:
    """Return the first 12 hex digits of the SHA-256 of a plain value, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:_DIGITS]


def _take(left: dict[str, Any], names: tuple[str, ...]) -> Any:
    """Return the first of these keys that is there, and drop all of them."""
    found = [left.pop(name) for name in names if name in left]
    return found[0] if found else ""


def _short_commit(commit: str) -> str:
    """Return the first digits of a commit, and that files differed from it if they did."""
    digits, dash, state = commit.partition("-")
    return digits[:_DIGITS] + dash + state


def _word(value: Any) -> str:
    return ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, Mapping) else str(value)
