"""How far two cameras fail together before the same shelf, beyond what stock, crowd and light of the world explain.

Given the world, a camera is right with a chance p that the response tells. Of the cases a share r is decided by one
draw for all cameras (a look-alike that defeats one defeats all: they miss together as often as they can), the others
by a draw for each. Two cameras both miss with chance (1 - r) (1 - p1) (1 - p2) + r min(1 - p1, 1 - p2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from bench.statistics import Estimate, interval, jackknife

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEAST = 1e-3
"""Chances are taken to be at least so far from 0 and 1: a table of samples is never quite as sure as a curve."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """What two cameras made of the same places of the same worlds (N,): the chances that the response gave, whether
    they were right, and the `scenario` of each."""

    first: Floats
    second: Floats
    first_right: Bools
    second_right: Bools
    scenario: NDArray[np.int64]

    def __post_init__(self) -> None:
        shapes = {self.first.shape, self.second.shape, self.first_right.shape, self.second_right.shape}
        if len(shapes | {self.scenario.shape}) != 1 or not len(self.first):
            raise ValueError(f"pairs of shapes {shapes} and {self.scenario.shape}; expected one, and at least one pair")


def fit_correlation(pairs: Pairs) -> Estimate:
    """The share r by maximum likelihood, 0 to 1, with its 95 % interval by leaving out one scenario at a time."""
    scenarios = np.unique(pairs.scenario)
    apart, together = _likelihoods(pairs)
    value = _best(apart, together)
    left = [_best(*(a[pairs.scenario != s] for a in (apart, together))) for s in scenarios]
    if len(scenarios) < 2:
        return Estimate(value, 0.0, 1.0)
    return interval(jackknife(value, np.array(left)), 0.0, 1.0)


def _likelihoods(pairs: Pairs) -> tuple[Floats, Floats]:
    """Of what was seen of each pair, the likelihood if draws are apart, and if there is one for both."""
    p, q = (np.clip(a, LEAST, 1 - LEAST) for a in (pairs.first, pairs.second))
    a, b = pairs.first_right, pairs.second_right
    apart = np.where(a, p, 1 - p) * np.where(b, q, 1 - q)
    together = np.select([a & b, ~a & ~b, a], [np.minimum(p, q), 1 - np.maximum(p, q), np.maximum(p - q, 0)],
                         np.maximum(q - p, 0))  # fmt: skip
    return apart, together


def _best(apart: Floats, together: Floats) -> float:
    """The likelihood of a mixture of two is concave in its share."""
    step = together - apart
    found = minimize_scalar(lambda r: -np.log(apart + r * step + 1e-12).sum(), bounds=(0, 1), method="bounded")
    return float(found.x)
