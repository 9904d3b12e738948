"""Propagation, coherence, the hologram forward model with its adjoint, focus and registration."""
