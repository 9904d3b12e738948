"""What tests of cells on a device need."""

import pytest
import stand_in


@pytest.fixture
def cupy(monkeypatch):
    """A library that computes with NumPy and refuses NumPy's arrays."""
    return stand_in.install(monkeypatch)
