"""Daylight by hour, and the colour of light by its temperature."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

LATITUDE = math.radians(50.0)
"""Of the store, at an equinox: the sun rises at 6 and sets at 18."""
GLASS = 0.6
"""Share of the light on a shop window that comes through: double glazing with dirt and frame (CIBSE LG10)."""
LUMINANCE_WEIGHTS = np.array([0.2126, 0.7152, 0.0722])
"""What red, green and blue of sRGB (IEC 61966-2-1, linear) add to luminance."""
XYZ_TO_RGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
"""IEC 61966-2-1."""


def sun(hour: float) -> tuple[float, float]:
    """Elevation, and azimuth clockwise from north, of the sun at a solar hour 0 to 24, in radians."""
    angle = math.pi / 12 * (hour - 12)
    elevation = math.asin(math.cos(LATITUDE) * math.cos(angle))
    azimuth = math.atan2(math.sin(angle), math.cos(angle) * math.sin(LATITUDE)) + math.pi
    return elevation, azimuth


def outdoor_illuminance(hour: float) -> float:
    """Horizontal illuminance from a partly cloudy sky in lux, without the sun's beam: 300 + 45,000 · sin(elevation)
    (Gillette et al. 1984, IES RP-21), 0 from sunset to sunrise."""
    elevation = sun(hour)[0]
    return 300 + 45_000 * math.sin(elevation) if elevation > 1e-9 else 0.0


def window_exitance(hour: float, bearing: float) -> float:
    """Lumens that come through a square metre of window facing `bearing` (radians clockwise from north).

    A vertical plane has 0.4 of the horizontal illuminance (CIE overcast sky), and up to as much again from
    the bright sky about the sun. The sun's beam itself is taken to be shaded by an awning.
    """
    elevation, azimuth = sun(hour)
    towards_sun = max(0.0, math.cos(azimuth - bearing)) * math.cos(elevation)
    return GLASS * outdoor_illuminance(hour) * 0.4 * (1 + towards_sun)


def daylight_kelvin(hour: float) -> float:
    """Correlated colour temperature of daylight: 5000 K at the horizon to 6500 K from 20° up (CIE D50, D65)."""
    return 5000 + 1500 * min(1.0, max(0.0, sun(hour)[0]) / math.radians(20))


def kelvin_to_rgb(kelvin: float) -> NDArray[np.float64]:
    """Linear sRGB (3,) of light of a colour temperature, of luminance 1.

    Planckian locus up to 4000 K (Kim et al. 2002, US patent 7024034), CIE daylight locus from 5000 K (CIE 15),
    mixed between them as IES TM-30 mixes its reference. Blue that sRGB cannot show is held at 0.01.
    """
    mix = min(1.0, max(0.0, (kelvin - 4000) / 1000))
    x, y = (1 - mix) * _planck(kelvin) + mix * _daylight(max(kelvin, 4000.0))
    rgb = np.maximum(XYZ_TO_RGB @ [x / y, 1.0, (1 - x - y) / y], 0.01)
    return np.asarray(rgb / (LUMINANCE_WEIGHTS @ rgb))


def _planck(kelvin: float) -> NDArray[np.float64]:
    t = min(max(kelvin, 1667.0), 25000.0)
    if t <= 4000:
        x = -0.2661239e9 / t**3 - 0.2343589e6 / t**2 + 0.8776956e3 / t + 0.179910
    else:
        x = -3.0258469e9 / t**3 + 2.1070379e6 / t**2 + 0.2226347e3 / t + 0.240390
    if t <= 2222:
        y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    elif t <= 4000:
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    return np.array([x, y])


def _daylight(kelvin: float) -> NDArray[np.float64]:
    t = min(kelvin, 25000.0)
    if t <= 7000:
        x = -4.6070e9 / t**3 + 2.9678e6 / t**2 + 0.09911e3 / t + 0.244063
    else:
        x = -2.0064e9 / t**3 + 1.9018e6 / t**2 + 0.24748e3 / t + 0.237040
    return np.array([x, -3.000 * x**2 + 2.870 * x - 0.275])
