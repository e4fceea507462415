"""What is said about a position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["in_stock", "low", "out", "unknown"]


@dataclass(frozen=True)
class ShelfState:
    """What all cameras have said about one position.

    `facings` and `units` are None when unknown; `units_low` and `units_high` bound the units with a probability of
    90 %. `intruder` is a SKU that does not belong there. `confidence` is that of `level`.
    """

    position: str
    level: Level
    facings: int | None = None
    units: float | None = None
    intruder: str | None = None
    confidence: float = 0.0
    age: float = 0.0
    units_low: float | None = None
    units_high: float | None = None
    intruder_confidence: float = 0.0
    last_level: Level = "unknown"
    """The level that was last known, `age` seconds ago; equal to `level` while the position is seen."""
