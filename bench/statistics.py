"""Intervals by bootstrap over scenarios: scenarios are resampled whole, never pictures or positions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios import rng

Floats = NDArray[np.float64]
RESAMPLES = 1000


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval; all three are NaN where nothing was there to measure."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return "–" if math.isnan(self.value) else f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def resample_weights(scenarios: int, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """How often each scenario is drawn in each bootstrap resample: (resamples, scenarios).

    Every arm of an experiment is resampled by the same weights, so that arms stay paired.
    """
    return (
        rng(seed, "bootstrap", scenarios)
        .multinomial(scenarios, np.full(scenarios, 1 / scenarios), resamples)
        .astype(float)
    )


def ratio(numerator: Floats, denominator: Floats, weights: Floats) -> tuple[float, Floats]:
    """Σ numerator ÷ Σ denominator over scenarios (S,), and the same on every resample (R,)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(np.sum(numerator) / np.sum(denominator)) if np.sum(denominator) else math.nan
        return value, (weights @ numerator) / (weights @ denominator)


def estimate(value: float, resampled: Floats) -> Estimate:
    """The 95 % percentile interval of resampled values (R,); resamples without a denominator are left out."""
    finite = resampled[np.isfinite(resampled)]
    if math.isnan(value) or len(finite) == 0:
        return Estimate(math.nan, math.nan, math.nan)
    low, high = np.quantile(finite, [0.025, 0.975])
    # With few scenarios the value itself can fall out of the percentiles by rounding.
    return Estimate(value, min(float(low), value), max(float(high), value))


def paired_difference(a: tuple[float, Floats], b: tuple[float, Floats]) -> Estimate:
    """The difference a − b of two arms that were resampled by the same weights."""
    return estimate(a[0] - b[0], a[1] - b[1])
