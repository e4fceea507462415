"""What is really in a picture, measured in the same render that made it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios import Layout, Level, Stock


@dataclass(frozen=True, eq=False)
class Truth:
    """The truth of one picture, as parallel arrays over the scenario's units (N, in `Stock` order).

    Boxes are xyxy pixels, float32. `visible_box` bounds the pixels that show the unit (zeros if
    none), `amodal_box` its whole silhouette, also outside the frame; `visible_fraction` is visible
    pixels ÷ silhouette pixels. `place` indexes `Layout.places` for front-row units, -1 behind them.
    """

    sku: NDArray[np.object_]
    place: NDArray[np.int64]
    visible_box: NDArray[np.float32]
    amodal_box: NDArray[np.float32]
    visible_fraction: NDArray[np.float32]
    gap_box: NDArray[np.float32]
    """(G, 4) for every front-row place without a unit: the amodal box of the pack that is missing."""
    gap_place: NDArray[np.int64]
    gap_visible_fraction: NDArray[np.float32]
    price_tag_box: NDArray[np.float32]
    """(T, 4) visible boxes of price tags of which at least half is seen."""
    person_box: NDArray[np.float32]
    """(K, 4) visible boxes of the shoppers that are seen at all."""
    mask: NDArray[np.int32]
    """(H, W): index of the unit that each pixel shows, -1 for anything else."""
    depth: NDArray[np.float32]
    """(H, W) metres along the camera's axis."""

    @property
    def front(self) -> NDArray[np.bool_]:
        """(N,) which units stand in the front row."""
        return self.place >= 0


@dataclass(frozen=True)
class PositionTruth:
    """What a position holds, whether or not a camera sees it."""

    position: str
    units: int
    facings: int
    level: Level
    intruder: str | None


def position_truths(layout: Layout, stock: Stock) -> tuple[PositionTruth, ...]:
    """The truth of every position of the planogram, in its order."""
    truths = []
    for p in layout.planogram.positions:
        units = stock.units_of(p)
        level: Level = "out" if units == 0 else "low" if units <= p.low_at else "in_stock"
        truths.append(PositionTruth(p.id, units, stock.facings_of(p), level, stock.intruder_of(p)))
    return tuple(truths)
