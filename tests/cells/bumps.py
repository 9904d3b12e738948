"""Synthetic OPD maps whose every measure is known in closed form."""

import numpy as np


def grid_um(shape_yx, pixel_pitch_um):
    y, x = np.indices(shape_yx) * pixel_pitch_um
    return y, x


def plateau_nm(shape_yx, pixel_pitch_um, *, y_um, x_um, semi_um, angle_rad=0.0, height_nm):
    """Return a flat ellipse with semi-axes (long, short); angle from x towards y."""
    y, x = grid_um(shape_yx, pixel_pitch_um)
    along = (x - x_um) * np.cos(angle_rad) + (y - y_um) * np.sin(angle_rad)
    across = (y - y_um) * np.cos(angle_rad) - (x - x_um) * np.sin(angle_rad)
    return height_nm * ((along / semi_um[0]) ** 2 + (across / semi_um[1]) ** 2 <= 1)


def dome_nm(shape_yx, pixel_pitch_um, *, y_um, x_um, radius_um, height_nm):
    """Return a paraboloid; its integral is pi/2 * radius_um**2 * height_nm."""
    y, x = grid_um(shape_yx, pixel_pitch_um)
    q = ((y - y_um) ** 2 + (x - x_um) ** 2) / radius_um**2
    return height_nm * np.maximum(1 - q, 0)


def dome_mass_pg(radius_um, height_nm):
    return np.pi / 2 * radius_um**2 * height_nm / 1000 / 0.18
