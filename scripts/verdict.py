"""Say what a verdict on own weights is. Usage: python scripts/verdict.py VERDICT.json"""

import json
import sys
from pathlib import Path

from lensfree.seals import check_seal

check_seal(Path(sys.argv[1]))
print()
for line in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["said"]:
    print(line)
