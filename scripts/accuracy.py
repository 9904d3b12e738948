"""Merge measured areas into docs/accuracy.json and .md. Usage: python scripts/accuracy.py MEASURED DOCS"""

import sys
from pathlib import Path

from lensfree.stages import accuracy

accuracy.run(measured=sorted(Path(sys.argv[1]).glob("*.json")), docs=Path(sys.argv[2]))
