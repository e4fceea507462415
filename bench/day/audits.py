"""Baselines: people who walk along the shelves once a day, or once a week, and see every position that is empty."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scenarios.demand import HOUR

AUDIT = 5 * HOUR
"""When they walk, seconds after opening (assumed: noon)."""
WEEK = 7


def told_by_audit(out: NDArray[np.bool_], times: NDArray[np.float64], day: int, every: int) -> NDArray[np.bool_]:
    """(M, Q) which empty positions have been told of, on a day of an audit every so many days: those that were empty at
    the first moment after it began, until they are filled. `out` (M, Q) is the truth at times (M,)."""
    told = np.zeros_like(out)
    if day % every:
        return told
    at = int(np.searchsorted(times, AUDIT))
    if at < len(out):
        told[at:] = np.logical_and.accumulate(out[at:], axis=0)
    return told
