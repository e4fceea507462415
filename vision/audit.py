"""Audit: what is said about each position."""

from __future__ import annotations

from functools import lru_cache

from scenarios import Layout, Level, Position, ShelfState
from vision.count import NOTHING, Count, UnitChances, count
from vision.readings import PlaceReadings

EVEN = 0.5


def audit(layout: Layout, places: PlaceReadings, chances: UnitChances | None = None) -> tuple[ShelfState, ...]:
    """Judge every position of the planogram, in its order; `chances` as for `count`."""
    pairs = zip(layout.planogram.positions, count(layout, places, chances))
    return tuple(_judge(position, counted) for position, counted in pairs)


def _judge(position: Position, counted: Count) -> ShelfState:
    """Out needs every place seen and none with the position's own SKU; one own unit is enough to be in
    stock, and low is said only when every place was seen and `low_at` units or fewer are the likelier case.

    The confidence is that of what was seen in front, times the chance that the units behind do not make
    another level of it.
    """
    if counted is NOTHING:
        return _unknown(position.id)
    level: Level = "unknown"
    confidence = counted.certainty
    if counted.own:
        low = counted.facings is not None and counted.few > EVEN
        level = "low" if low else "in_stock"
        confidence *= counted.few if low else 1 - counted.few
    elif counted.facings is not None:
        level = "out"
    return ShelfState(
        position.id, level, counted.facings, counted.units, counted.intruder, confidence,
        units_low=counted.units_low, units_high=counted.units_high,
        intruder_confidence=counted.intruder_confidence,
    )  # fmt: skip


@lru_cache(maxsize=100_000)
def _unknown(position: str) -> ShelfState:
    """What is said of a position of which nothing was seen: of most, in most pictures."""
    return ShelfState(position, "unknown")
