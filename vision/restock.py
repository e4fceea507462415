"""Restocking: which positions staff should fill next, with how many units, the dearest first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scenarios import Layout
from vision.forecast import SalesTrend, chance_out, enough, lost_units
from vision.unit_words import Floats, Room


@dataclass(frozen=True)
class Task:
    """Put `units` into a position. `priority` is the money of the sales that are at stake if nobody does."""

    position: str
    units: int
    priority: float


@dataclass(frozen=True)
class Policy:
    """When a forecast sends somebody, and with how much.

    `ahead`: hours for which what is on the shelf has to last; `risk`: the chance of running out before that at which
    somebody is sent. A task fills up to what is enough for `cover` hours with chance `service`, and to one unit in
    front of every facing at least. All assumed: about what staff need to come round, and two days.
    """

    ahead: float = 4.0
    risk: float = 0.25
    cover: float = 28.0
    service: float = 0.95

    def __post_init__(self) -> None:
        if not (0 < self.ahead <= self.cover and 0 < self.risk < 1 and 0 < self.service < 1):
            raise ValueError(
                f"ahead {self.ahead}, cover {self.cover}, risk {self.risk}, service {self.service}; expected 0 < ahead "
                "<= cover, shares between 0 and 1"
            )


def reorder_tasks(layout: Layout, units: Floats) -> tuple[Task, ...]:
    """Reorder points: whatever holds `low_at` units (Q,) or fewer is filled to the brim; NaN where nothing is known.
    At stake are the sales of a day, by the catalog, that those units do not cover."""
    tasks = []
    for position, held, room in zip(layout.planogram.positions, units.tolist(), Room.of(layout).capacity.tolist()):
        if held <= position.low_at and held < room:
            product = layout.product(position)
            short = max(product.daily_units - max(held, 0.0), 0.0)
            tasks.append(Task(position.id, room - max(int(held), 0), short * product.price))
    return _dearest_first(tasks)


def forecast_tasks(
    layout: Layout, trend: SalesTrend, chances: Floats, now: float, policy: Policy | None = None
) -> tuple[Task, ...]:
    """Whatever may run out too soon, by what is believed of its units, `chances` (Q, N + 1), and by its trend. At stake
    are the sales that would be lost until `cover` hours have passed. `now` is as in `vision.forecast`."""
    policy = policy or Policy()
    room = Room.of(layout)
    soon, later = now + policy.ahead * 3600, now + policy.cover * 3600
    risk = chance_out(trend, chances, now, soon)
    lost = lost_units(trend, chances, now, later)
    wanted = enough(trend, now, later, policy.service, room.most)
    target = np.minimum(np.maximum(wanted, room.wide * room.high), room.capacity)
    middle = (np.cumsum(chances, axis=1) >= 0.5 - 1e-9).argmax(axis=1)
    tasks = [
        Task(p.id, int(target[q] - middle[q]), float(lost[q] * layout.product(p).price))
        for q, p in enumerate(layout.planogram.positions)
        if risk[q] >= policy.risk and target[q] > middle[q]
    ]
    return _dearest_first(tasks)


def _dearest_first(tasks: list[Task]) -> tuple[Task, ...]:
    return tuple(sorted(tasks, key=lambda t: (-t.priority, t.position)))
