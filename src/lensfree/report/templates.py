"""The templates of all pages: text from outside is escaped, and a missing value is an error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def rendered(name: str, provenance: Mapping[str, Any] | None, **parts: Any) -> str:
    """Return a page.

    Args:
        name: file name of a template of this package.
        provenance: plain values that explain the page, which carries them as JSON in a `meta` element.
        parts: what the template shows.
    """
    environment = Environment(
        loader=PackageLoader("lensfree", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    said = json.dumps(dict(provenance or {}), sort_keys=True)
    return environment.get_template(name).render(provenance=said, **parts)
