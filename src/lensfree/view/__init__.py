"""Looking at an acquisition in napari: what is shown, apart from the window that shows it."""
