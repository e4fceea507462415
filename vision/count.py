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
    counts, start = [], 0
    for position in layout.planogram.positions:
        part = slice(start, start + position.facings)
        counts.append(_count(position, places.state[part], places.sku[part], places.confidence[part]))
        start += position.facings
    return tuple(counts)


def _count(
    position: Position, state: NDArray[np.int8], sku: NDArray[np.object_], confidence: NDArray[np.float32]
) -> Count:
    seen, own = state != PlaceState.UNSEEN, state == PlaceState.OWN
    foreign = np.flatnonzero(state == PlaceState.FOREIGN)
    intruder = str(sku[foreign[confidence[foreign].argmax()]]) if len(foreign) else None
    certainty = float(confidence[seen].mean()) if seen.any() else 0.0
    if not seen.any():
        return Count(None, None, None, None, 0, 0, None, 0.0)
    mean, variance = _units(position, own.reshape(position.wide, position.high).sum(axis=1))
    # What was not seen is taken to be like what was.
    scale = len(state) / seen.sum()
    units, spread = mean * scale, Z90 * math.sqrt(variance) * scale
    low, high = max(float(own.sum()), units - spread), min(position.facings * position.deep, units + spread)
    facings = int(own.sum()) if seen.all() else None
    return Count(facings, units, low, high, int(seen.sum()), int(own.sum()), intruder, certainty)


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
