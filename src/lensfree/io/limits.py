"""What a header may declare: far above any microscope, far below what fills a machine's memory.

A file from a stranger can claim any size in a few bytes. Sizes are checked before memory is asked for.
"""

from __future__ import annotations

MAX_VALUES_PER_FRAME = 1 << 28  # channels x pixels: 268 million, 8 times an RGB frame of 2748 x 3840
MAX_FRAMES_PER_FILE = 100_000  # 2 years at one frame every 10 min
MAX_TABLE_ROWS_PER_BYTE = 16  # every contract has columns that hardly compress
FREE_TABLE_ROWS = 100_000  # short tables may compress as they like
