"""Acquisitions with known truth: cells that live and go wrong, and their holograms."""
