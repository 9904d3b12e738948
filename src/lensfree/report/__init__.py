"""One page per acquisition: what was measured, how well, and why a cell was flagged."""
