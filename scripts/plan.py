"""Say what a run would do and why; nothing is run. Usage: python scripts/plan.py [ARGUMENTS OF SNAKEMAKE]"""

import sys

from lensfree.dry_run import PlanError, dry_run
from lensfree.plan import describe

try:
    print(describe(*dry_run(sys.argv[1:])))
except PlanError as error:
    raise SystemExit(str(error)) from None
