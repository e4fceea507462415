"""Counting: from what was seen at the places to facings and units of each position."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios import Layout, Position
from vision.readings import PlaceReadings, PlaceState

Z90 = 1.645
"""Half width of a 90 % interval of the normal distribution, in standard deviations."""


@dataclass(frozen=True)
class Count:
    """`facings` of the position's own SKU, None unless every place was seen; units with a 90 % interval,
    None when nothing was seen. `seen` and `own` count places, `certainty` is the mean over those seen."""

    facings: int | None
    units: float | None
    units_low: float | None
    units_high: float | None
    seen: int
    own: int
    intruder: str | None
    certainty: float


def count(layout: Layout, places: PlaceReadings) -> tuple[Count, ...]:
    """Count every position of the planogram, in its order."""
    positions = layout.planogram.positions
    starts = np.cumsum([0, *(p.facings for p in positions)])
    seen, own = places.state != PlaceState.UNSEEN, places.state == PlaceState.OWN
    sums = (
        np.add.reduceat(v, starts[:-1]).tolist() for v in (seen.astype(int), own.astype(int), places.confidence * seen)
    )
    foreign: dict[int, str] = {}
    # The surest last, so that it stays.
    others = np.flatnonzero(places.state == PlaceState.FOREIGN)
    for place in others[np.argsort(places.confidence[others], kind="stable")]:
        foreign[int(layout.places.position[place])] = str(places.sku[place])
    counts = []
    for i, (position, start, n_seen, n_own, certainty) in enumerate(zip(positions, starts, *sums)):
        if n_seen == 0:
            counts.append(Count(None, None, None, None, 0, 0, None, 0.0))
            continue
        mean, variance = 0.0, 0.0
        if n_own:
            levels = own[start : start + position.facings].reshape(position.wide, position.high).sum(axis=1)
            mean, variance = _units(position, levels)
        # What was not seen is taken to be like what was.
        scale = position.facings / n_seen
        units, spread = mean * scale, Z90 * math.sqrt(variance) * scale
        low, high = max(float(n_own), units - spread), min(position.facings * position.deep, units + spread)
        facings = n_own if n_seen == position.facings else None
        counts.append(Count(facings, units, low, high, n_seen, n_own, foreign.get(i), certainty / n_seen))
    return tuple(counts)


def _units(position: Position, levels: NDArray[np.int64]) -> tuple[float, float]:
    """Mean and variance of a position's units, given the occupied front levels of each column.

    A stack that is not full to its top in front is the last one of its column. Behind a full front
    any number from none to all the places of the rows behind is taken to be equally likely: a camera
    that looks along the shelf does not see them.
    """
    behind = position.high * (position.deep - 1)
    full = int((levels == position.high).sum())
    mean = float(levels.sum()) + full * behind / 2
    return mean, full * ((behind + 1) ** 2 - 1) / 12
