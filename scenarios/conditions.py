"""The dials of a scenario: light, people, mess and look-alikes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Lighting:
    """The light. Ranges are drawn from once for each seed.

    `lux`: mean illuminance on the shelf fronts with all luminaires on; null takes the luminaires' own
    lumens as they are. `kelvin`: colour temperature of the luminaires; null takes their own.
    `failed`: share of the luminaires that are dark. `flicker`: depth of the modulation at twice the
    mains frequency, 0 to 1. `hour`: local time for the daylight through windows, 0 to 24.
    `emergency`: the power has failed, emergency luminaires and daylight alone are left.
    """

    lux: tuple[float, float] | None = (400.0, 1000.0)
    kelvin: tuple[float, float] | None = (3500.0, 5000.0)
    failed: float = 0.0
    flicker: float = 0.0
    hour: float = 12.0
    emergency: bool = False

    def __post_init__(self) -> None:
        if self.lux is not None and not 0 < self.lux[0] <= self.lux[1]:
            raise ValueError(f"lux {list(self.lux)}; expected 0 < low <= high")
        if self.kelvin is not None and not 1500 <= self.kelvin[0] <= self.kelvin[1] <= 12000:
            raise ValueError(f"kelvin {list(self.kelvin)}; expected low <= high within 1500 to 12000")
        if not 0 <= self.failed <= 1 or not 0 <= self.flicker <= 1 or not 0 <= self.hour <= 24:
            raise ValueError(
                f"failed {self.failed}, flicker {self.flicker}, hour {self.hour}; "
                "expected shares from 0 to 1 and an hour from 0 to 24"
            )


@dataclass(frozen=True)
class Crowd:
    """People and things in the aisle.

    `shoppers` stand or walk there; `density` adds shoppers a square metre of aisle. `carts` and
    `baskets`: shares of the shoppers that have one. `pallets`: loaded pallets or trolleys that stand
    in the aisle.
    """

    shoppers: int = 0
    density: float = 0.0
    carts: float = 0.0
    baskets: float = 0.0
    pallets: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.shoppers <= 50:
            raise ValueError(f"shoppers {self.shoppers}; expected 0 to 50")
        if not 0 <= self.density <= 4 or not 0 <= self.pallets <= 20:
            raise ValueError(f"density {self.density}, pallets {self.pallets}; expected 0 to 4 a m² and 0 to 20")
        if min(self.carts, self.baskets) < 0 or self.carts + self.baskets > 1:
            raise ValueError(f"carts {self.carts}, baskets {self.baskets}; expected shares whose sum is at most 1")


@dataclass(frozen=True)
class Mess:
    """How far the shelves are from the plan; shares are probabilities a position unless said otherwise.

    `out`: no unit of its SKU. `plugged`: an out position filled by a neighbour's product.
    `misplaced`: a foreign pack in one front-row place. `empty_column`: probability a column of a
    position in stock. `receded`: probability a column that units have left from the front, so that it
    is not pulled forward (never with pushers). `turned`, `leaning`, `fallen`: probability a front unit.
    `shift` (m) and `turn` (rad): standard deviations of a unit's pose.
    """

    out: float = 0.08
    plugged: float = 0.15
    misplaced: float = 0.02
    empty_column: float = 0.10
    receded: float = 0.0
    turned: float = 0.0
    leaning: float = 0.0
    fallen: float = 0.0
    shift: float = 0.002
    turn: float = 0.03

    def __post_init__(self) -> None:
        for name in ("out", "plugged", "misplaced", "empty_column", "receded", "turned", "leaning", "fallen"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} {getattr(self, name)}; expected a share from 0 to 1")


@dataclass(frozen=True)
class Lookalikes:
    """How much the members of a look-alike family differ: 0 is the same artwork, 1 unrelated artwork."""

    distance: float = 0.35

    def __post_init__(self) -> None:
        if not 0 <= self.distance <= 1:
            raise ValueError(f"lookalike distance {self.distance}; expected 0 to 1")
