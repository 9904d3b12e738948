"""Say how far the jobs of a run are. Usage: python scripts/watch.py LOGS [EVERY_S] (repeats if given)"""

import sys
import time
from pathlib import Path

from lensfree.watch import describe_run, read_jobs

folder = Path(sys.argv[1])
every_s = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
try:
    while True:
        lines = describe_run(read_jobs(folder))
        print("\n".join([time.strftime("%H:%M:%S"), *lines]) if every_s else "\n".join(lines), flush=True)
        if not every_s:
            break
        time.sleep(every_s)
except KeyboardInterrupt:
    print()
