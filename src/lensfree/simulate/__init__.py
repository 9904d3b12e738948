"""Acquisitions with known truth: cells that live and go wrong, their holograms, and instruments that err."""
