"""Write `config.yaml`, `workflow/schemas/` and `docs/reference/` from what the code says.

Sources are `config.py`, `acquisitions.py`, `contracts.py` and what they import.
Run as `python -m lensfree.generate [FOLDER]`; a test keeps the files in step.
"""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from lensfree.acquisitions import Acquisition
from lensfree.config import Config
from lensfree.reference_pages import configuration_page, files_page

DRAFT = "https://json-schema.org/draft/2020-12/schema"
WIDTH = 110
HEADER = """\
# Every setting with its default; written from src/lensfree/config.py by `make config`.
# Change values here, or in a copy: snakemake --configfile mine.yaml
# One acquisition can differ from the rest: add a column such as `reconstruct.refine` to the sheet.
"""


def config_yaml() -> str:
    """Return the commented `config.yaml` with every default."""
    return HEADER + "\n" + "".join(_entry(name, Config, 0) for name in Config.model_fields)


def schemas() -> dict[str, str]:
    """Return the JSON schemas as YAML, by file name."""
    return {
        "config.schema.yaml": _schema(Config, "configuration"),
        "acquisitions.schema.yaml": _schema(Acquisition, "one row of the acquisitions sheet"),
    }


def reference() -> dict[str, str]:
    """Return the reference pages by file name."""
    return {"configuration.md": configuration_page(), "files.md": files_page()}


def write_all(folder: Path) -> None:
    """Write `config.yaml`, `workflow/schemas/` and `docs/reference/` below `folder`."""
    pages = {"config.yaml": config_yaml()}
    pages |= {f"workflow/schemas/{name}": text for name, text in schemas().items()}
    pages |= {f"docs/reference/{name}": text for name, text in reference().items()}
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _schema(model: type[BaseModel], title: str) -> str:
    schema = {"$schema": DRAFT, **model.model_json_schema(), "title": title}
    text = yaml.safe_dump(schema, sort_keys=False, width=WIDTH)
    return f"# Written from src/lensfree by `make config`.\n{text}"


def _entry(name: str, model: type[BaseModel], depth: int) -> str:
    field = model.model_fields[name]
    indent = "  " * depth
    default: Any = field.get_default(call_default_factory=True)
    if isinstance(default, BaseModel):
        section = type(default)
        title = textwrap.fill((section.__doc__ or "").strip().split("\n")[0], WIDTH - 2)
        lines = "".join(_entry(inner, section, depth + 1) for inner in section.model_fields)
        return f"\n{textwrap.indent(title, '# ')}\n{name}:\n{lines}"
    value = json.dumps(_plain(default)) if isinstance(default, str | tuple) else _scalar(default)
    line, comment = f"{indent}{name}: {value}", f"# {field.description or ''}"
    if len(line) + len(comment) + 2 <= WIDTH:
        return f"{line}  {comment}\n"
    above = textwrap.fill(comment[2:], WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")
    return f"{above}\n{line}\n"


def _scalar(value: Any) -> str:
    return str(yaml.safe_dump(value)).split("\n")[0]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


if __name__ == "__main__":
    write_all(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
