"""Lenses and image sensors, as their data sheets describe them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

QUALITIES = {"jpeg": (1, 100), "h264": (0, 51)}
"""Codecs, and the range of their quality: JPEG's 1 to 100 (best), H.264's quantisation parameter 0 (best) to 51."""


@dataclass(frozen=True)
class Lens:
    """A lens as its data sheet has it.

    `f_number` and `transmission` (share of the light that comes through) set how much light there is.
    `k1`, `k2`: radial distortion after Brown (1966), r' = r (1 + k1 r² + k2 r⁴) with r the tangent of
    the field angle; k1 < 0 is a barrel. `spread`: standard deviation of the point spread in focus, pixels.
    `focus`: distance of sharpest focus in metres, null for the distance at which the camera is aimed.
    `shading_corrected`: share of the vignetting (cos⁴ of the field angle) that the camera makes good.
    """

    f_number: float = 2.0
    transmission: float = 0.9
    k1: float = 0.0
    k2: float = 0.0
    spread: float = 0.6
    focus: float | None = None
    shading_corrected: float = 0.75

    def __post_init__(self) -> None:
        if self.f_number <= 0 or not 0 < self.transmission <= 1 or not 0 <= self.spread <= 20:
            raise ValueError(
                f"lens with f_number {self.f_number}, transmission {self.transmission}, spread {self.spread}; "
                "expected f_number > 0, transmission within 0 to 1, spread within 0 to 20 pixels"
            )
        if (self.focus is not None and self.focus <= 0) or not 0 <= self.shading_corrected <= 1:
            raise ValueError(
                f"lens with focus {self.focus}, shading_corrected {self.shading_corrected}; "
                "expected focus > 0 or null and a share from 0 to 1"
            )

    @property
    def distorts(self) -> bool:
        return self.k1 != 0 or self.k2 != 0

    def bend(self, r: ArrayLike) -> Floats:
        """Tangent of the field angle to distorted radius. Past the radius at which the polynomial turns back
        it goes on with slope 1, so that what lies far outside the picture never folds into it."""
        r = np.asarray(r, float)
        inside = np.minimum(r, self.turning_radius)
        return inside * (1 + self.k1 * inside**2 + self.k2 * inside**4) + (r - inside)

    def straighten(self, distorted: ArrayLike) -> Floats:
        """The inverse of `bend`, exact to 1e-9 where `bend` grows at least a tenth as fast as its argument."""
        distorted = np.asarray(distorted, float)
        top = 1.0
        while self.bend(top) < distorted.max(initial=0.0):
            top *= 2
        table = np.linspace(0, top, 4096)
        r = np.interp(distorted, self.bend(table), table)
        for _ in range(3):  # Newton's steps from the table's nearest entry
            slope = np.where(r < self.turning_radius, 1 + 3 * self.k1 * r**2 + 5 * self.k2 * r**4, 1.0)
            r = r - (self.bend(r) - distorted) / np.maximum(slope, 0.1)
        return r

    @cached_property
    def turning_radius(self) -> float:
        """The least radius at which `bend`'s polynomial no longer grows; infinite if it always does."""
        if not self.distorts:
            return math.inf
        squares = np.roots([5 * self.k2, 3 * self.k1, 1.0])
        real = squares.real[(np.abs(squares.imag) < 1e-12) & (squares.real > 0)]
        return float(np.sqrt(real.min())) if len(real) else math.inf


@dataclass(frozen=True)
class Sensor:
    """An image sensor and its processing as their data sheets have them. The defaults are of a 2 MP sensor
    of 1/2.8 inch, as wall-mounted network cameras have.

    `pixel_pitch` µm; `quantum_efficiency`: electrons a photon at 555 nm, colour filter included;
    `full_well` and `read_noise` electrons, at unit gain; `dark_current` electrons a second; `bits` of the
    converter. Automatic exposure takes `min_exposure` to `max_exposure` seconds first, then gain up to
    `max_gain` (times). `exposure_error`: how far it may be off, as a share. `latency`: seconds until it
    follows a change of light. `readout`: seconds from the first row to the last, 0 for a global shutter.
    `white_balance_residual`: share of the light's cast that stays; `white_balance_error`: standard
    deviation of the estimate, in mired. `sharpening`: strength of the unsharp mask. `codec` "jpeg" with
    `quality` 1 to 100, or "h264" with `quality` as its quantisation parameter, 0 (best) to 51.
    """

    pixel_pitch: float = 2.9
    quantum_efficiency: float = 0.6
    full_well: float = 12000.0
    read_noise: float = 2.5
    dark_current: float = 5.0
    bits: int = 12
    min_exposure: float = 0.0001
    max_exposure: float = 0.0333
    max_gain: float = 24.0
    exposure_error: float = 0.08
    latency: float = 0.5
    readout: float = 0.02
    white_balance_residual: float = 0.12
    white_balance_error: float = 6.0
    sharpening: float = 0.4
    codec: str = "jpeg"
    quality: int = 88

    def __post_init__(self) -> None:
        if min(self.pixel_pitch, self.full_well, self.min_exposure) <= 0 or not 0 < self.quantum_efficiency <= 1:
            raise ValueError(
                f"sensor with pixel_pitch {self.pixel_pitch}, full_well {self.full_well}, min_exposure "
                f"{self.min_exposure}, quantum_efficiency {self.quantum_efficiency}; expected values > 0, the last <= 1"
            )
        if self.max_exposure < self.min_exposure or self.max_gain < 1 or not 6 <= self.bits <= 16:
            raise ValueError(
                f"sensor with max_exposure {self.max_exposure}, max_gain {self.max_gain}, bits {self.bits}; "
                "expected max_exposure >= min_exposure, max_gain >= 1, 6 to 16 bits"
            )
        if min(
            self.read_noise, self.dark_current, self.readout, self.latency, self.exposure_error,
            self.white_balance_error, self.sharpening,
        ) < 0 or not 0 <= self.white_balance_residual <= 1:  # fmt: skip
            raise ValueError("sensor with a value < 0 or a white_balance_residual outside 0 to 1")
        if self.codec not in QUALITIES:
            raise ValueError(f"sensor with codec {self.codec!r}; expected one of {', '.join(QUALITIES)}")
        best, worst = QUALITIES[self.codec]
        if not best <= self.quality <= worst:
            raise ValueError(f"sensor with {self.codec} quality {self.quality}; expected {best} to {worst}")
