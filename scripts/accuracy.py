"""Merge measured areas, their pages and figures into docs. Usage: python scripts/accuracy.py MEASURED DOCS"""

import sys
from pathlib import Path

from lensfree.stages import accuracy

folder = Path(sys.argv[1])
accuracy.run(
    measured=sorted(folder.glob("*.json")),
    docs=Path(sys.argv[2]),
    beside=sorted([*folder.glob("*.md"), *folder.glob("*.png")]),
)
