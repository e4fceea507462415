"""Audit: what is said about each position."""

from __future__ import annotations

from scenarios import Layout, Level, Position, ShelfState
from vision.count import Count, count
from vision.readings import PlaceReadings


def audit(layout: Layout, places: PlaceReadings) -> tuple[ShelfState, ...]:
    """Judge every position of the planogram, in its order."""
    pairs = zip(layout.planogram.positions, count(layout, places))
    return tuple(_judge(position, counted) for position, counted in pairs)


def _judge(position: Position, counted: Count) -> ShelfState:
    """Out needs every place seen and none with the position's own SKU; one own unit is enough to be in
    stock, and low is said only when every place was seen."""
    level: Level = "unknown"
    if counted.own:
        few = counted.facings is not None and counted.units is not None and counted.units <= position.low_at
        level = "low" if few else "in_stock"
    elif counted.facings is not None:
        level = "out"
    return ShelfState(
        position.id, level, counted.facings, counted.units, counted.intruder, counted.certainty if counted.seen else 0.0
    )
