"""Staff: how long it takes to walk along the shelves and to put goods into them.

The time at a shelf is a part for the visit and a part for every unit, as Curşeu, van Woensel, Fransoo, van Donselaar
and Broekmeulen found it in shops (Modelling handling operations in grocery retail stores, Journal of the Operational
Research Society 60, 2009); the seconds themselves are assumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios import Layout
from scenarios.shoppers import NEAR
from vision.restock import Task

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Staff:
    """Who fills shelves. `people`: how many; `cart`: units that one takes along (both assumed). `speed`: metres a
    second with a cart (as shoppers, who walk between 0.5 and 1.3, `scenarios.shoppers`). `visit`: seconds at a shelf,
    besides `unit` seconds for each unit (assumed). `look`: seconds that an audit takes for a metre of shelf (assumed,
    as `check_minutes` of conf/economics.yaml). `away`: metres from the back room's door to the nearest corner of the
    shelves (assumed)."""

    people: int = 1
    cart: int = 40
    speed: float = 1.0
    visit: float = 20.0
    unit: float = 3.0
    look: float = 30.0
    away: float = 15.0

    def __post_init__(self) -> None:
        if not (self.people >= 1 and self.cart >= 1 and self.speed > 0):
            raise ValueError(f"people {self.people}, cart {self.cart}, speed {self.speed}; expected 1 or more, above 0")
        if min(self.visit, self.unit, self.look, self.away) < 0:
            raise ValueError(
                f"visit {self.visit}, unit {self.unit}, look {self.look}, away {self.away}; expected 0 or more"
            )


@dataclass(frozen=True)
class Visit:
    """A task and when it has been done."""

    time: float
    task: Task


@dataclass(frozen=True, eq=False)
class Floor:
    """Where one stands before each position (Q, 2), and the corner at which the way to the back room begins (2,),
    metres."""

    stands: Floats
    corner: Floats

    @staticmethod
    def of(layout: Layout) -> Floor:
        stands = []
        for p in layout.planogram.positions:
            middle = p.x + p.wide * layout.product(p).width / 2
            stands.append(layout.fixture(p).to_world([middle, -NEAR, 0.0])[:2])
        found = np.array(stands).reshape(-1, 2)
        return Floor(found, found.min(axis=0))


def walk(a: Floats, b: Floats) -> Floats:
    """Metres (…) from places (…, 2) to others along aisles, which run along the room's walls. Shelves between are not
    gone round, so that it is the least that it can be."""
    return np.asarray(np.abs(a - b).sum(axis=-1))


def cart_load(tasks: Sequence[Task], staff: Staff) -> tuple[Task, ...]:
    """The first of the tasks whose units go into one cart; one at least."""
    units = np.cumsum([task.units for task in tasks])
    return tuple(tasks[: max(int(np.searchsorted(units, staff.cart, side="right")), 1)])


def trip(
    load: Sequence[Task], begins: float, staff: Staff, floor: Floor, row: dict[str, int]
) -> tuple[list[Visit], float]:
    """When each task of a load is done, and when who does them is back: always to the nearest next. `row` has the
    number of every position."""
    at, time, left, visits = floor.corner, begins + staff.away / staff.speed, list(load), []
    while left:
        ways = walk(floor.stands[[row[t.position] for t in left]], at)
        task = left.pop(int(np.argmin(ways)))
        time += float(ways.min()) / staff.speed + staff.visit + staff.unit * task.units
        at = floor.stands[row[task.position]]
        visits.append(Visit(time, task))
    return visits, time + (float(walk(at, floor.corner)) + staff.away) / staff.speed


def audit_seconds(layout: Layout, staff: Staff) -> float:
    """How long it takes to walk along all shelves and look."""
    metres = sum(f.width for f in layout.store.fixtures)
    return 2 * staff.away / staff.speed + metres * (staff.look + 1 / staff.speed)
