"""Say where the reports and scores of a run are. Usage: python scripts/announce.py RESULTS"""

import sys
from pathlib import Path

import pandas as pd

from lensfree.seals import check_seal

results = Path(sys.argv[1])
print("\nReport of everything:", results / "report.html")
if (results / "compare.html").exists():
    print("Comparison of conditions:", results / "compare.html")
for page in sorted(results.glob("*/report.html")):
    line = f"  {page.parent.name}: {page}"
    scores = page.with_name("scores.parquet")
    if scores.exists():
        check_seal(scores)
        table = pd.read_parquet(scores)
        line += f"; scores: {scores} ({int(table['is_flagged'].sum())} of {len(table)} histories flagged)"
    print(line)
