"""How a trained model was made, in the header of its file beside the card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lensfree.nets.weights import read_card, read_tensors, write_tensors


def add_provenance(path: Path, provenance: Mapping[str, Any]) -> None:
    """Write into a weights file how it was made, as JSON text under `provenance`.

    Raises:
        ModelError: if the file is damaged.
    """
    card = {**read_card(path), "provenance": json.dumps(dict(provenance), sort_keys=True)}
    write_tensors(path, read_tensors(path), card)
