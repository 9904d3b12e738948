"""What a detector costs is all that it costs."""

import subprocess
import sys

from lensfree.stages import score_measures

BUSY = "import time\nwhile time.process_time() < 0.3: pass"


def test_the_work_of_other_processes_counts():
    before = score_measures._cpu_s()
    subprocess.run([sys.executable, "-c", BUSY], check=True)
    assert score_measures._cpu_s() - before > 0.28
