"""Cells through time: linking, lineage and dry-mass series."""
