"""One physical pack."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """One physical pack. (x, y, z) is the origin of its mesh, the centre of its bottom face when it
    stands, in metres; `yaw` in radians, the fixture's own included.

    `position`, `column`, `level` and `row` say where it stands, which is not where it belongs when
    its SKU is not the position's. Row 0 is the front; the foremost unit of a column that has receded
    stands in a row behind. `condition` is "standing", "leaning" or "fallen"; `rotation`, a quaternion
    (x, y, z, w), is None for units that stand, whose yaw says all.
    """

    sku: str
    position: str
    column: int
    level: int
    row: int
    x: float
    y: float
    z: float
    yaw: float
    condition: str = "standing"
    rotation: tuple[float, float, float, float] | None = None

    @property
    def quaternion(self) -> tuple[float, float, float, float]:
        """Its orientation as a quaternion (x, y, z, w)."""
        return self.rotation or (0.0, 0.0, math.sin(self.yaw / 2), math.cos(self.yaw / 2))
