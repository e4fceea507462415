"""The dials of a scenario: light, people and mess."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Lighting:
    """Ranges that a scenario's light is drawn from: lux on the shelf front, colour temperature in kelvin."""

    lux: tuple[float, float] = (400.0, 1000.0)
    kelvin: tuple[float, float] = (3500.0, 5000.0)

    def __post_init__(self) -> None:
        if not 0 < self.lux[0] <= self.lux[1] or not 1500 <= self.kelvin[0] <= self.kelvin[1] <= 12000:
            raise ValueError(f"lighting {self}; expected 0 < lux low <= high and kelvin within 1500 to 12000")


@dataclass(frozen=True)
class Crowd:
    """How many shoppers stand in the aisle."""

    shoppers: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.shoppers <= 50:
            raise ValueError(f"shoppers {self.shoppers}; expected 0 to 50")


@dataclass(frozen=True)
class Mess:
    """How far the shelves are from the plan; shares are probabilities a position.

    `out`: no unit of its SKU. `plugged`: an out position filled by a neighbour's product.
    `misplaced`: a foreign pack in one front-row place. `empty_column`: probability a column of a
    position in stock. `shift` (m) and `turn` (rad): standard deviations of a unit's pose.
    """

    out: float = 0.08
    plugged: float = 0.15
    misplaced: float = 0.02
    empty_column: float = 0.10
    shift: float = 0.002
    turn: float = 0.03

    def __post_init__(self) -> None:
        for name in ("out", "plugged", "misplaced", "empty_column"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} {getattr(self, name)}; expected a share from 0 to 1")
