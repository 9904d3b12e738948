"""Time-lapse lens-free holograms to single-cell dry-mass histories and anomaly scores."""

__version__ = "0.1.0"
