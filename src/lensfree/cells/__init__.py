"""Cells in OPD maps: representations, local maxima, and the classical measurement."""
