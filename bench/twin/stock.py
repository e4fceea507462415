"""The stock of a store as time goes by: shoppers buy at the catalog's rates, and staff fill up what is out."""

from __future__ import annotations

import dataclasses
import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from scenarios import Mess, Position, Scenario, Stock, Unit, rng
from scenarios.stock import draw_stock

OPEN_SECONDS = 14 * 3600.0
"""Seconds a day in which products are sold: a shop that is open from 7 to 21 o'clock (assumed)."""
ARRIVAL = Mess(out=0.0, plugged=0.0, misplaced=0.0, empty_column=0.0)
"""What the staff leave behind: the planned product and nothing else."""


@dataclass(frozen=True)
class Moment(Scenario):
    """A scenario at a moment, with what stands on its shelves then."""

    units: tuple[Unit, ...] = ()

    @property
    def stock(self) -> Stock:
        return Stock(self.units)


@dataclass(frozen=True)
class Change:
    """What happened to a position at a time: a unit was sold, the last one was, or it was filled up."""

    time: float
    kind: Literal["sale", "out", "restock"]
    position: str


class Shelves:
    """The shelves of a scenario from time 0 on. What is sold when hangs on the scenario's seed alone.

    `sales` is times the catalog's `daily_units`; what is out is filled up `restock_after` seconds later.
    """

    def __init__(self, scenario: Scenario, sales: float = 1.0, restock_after: float = 900.0) -> None:
        if not (sales >= 0 and restock_after > 0):
            raise ValueError(f"sales {sales}, restock_after {restock_after}; expected 0 or more, and seconds above 0")
        self.scenario, self.restock_after = scenario, restock_after
        self._units: dict[str, list[Unit]] = {p.id: [] for p in scenario.layout.planogram.positions}
        for unit in scenario.stock.units:
            self._units[unit.position].append(unit)
        self._arrivals: dict[int, dict[str, list[Unit]]] = {}
        self._filled: dict[str, int] = {}
        self._buyers = {p.id: self._buying(p, sales) for p in scenario.layout.planogram.positions}
        self._due: list[tuple[float, int, str, Position]] = []
        for n, position in enumerate(scenario.layout.planogram.positions):
            self._push(next(self._buyers[position.id], None), n, "sale", position)
            if not self._own(position):
                self._push(restock_after, n, "restock", position)
        self.changes: list[Change] = []
        self._now: Moment | None = None

    def at(self, time: float) -> Moment:
        """The scenario at a time, which is not before any that was asked for. The same object while nothing moves."""
        changed = False
        while self._due and self._due[0][0] <= time:
            changed |= self._happen(*heapq.heappop(self._due))
        walks = bool(self.scenario.conditions.crowd.shoppers or self.scenario.conditions.crowd.density)
        if self._now is None or changed or (walks and time != self._now.time):
            units = tuple(u for some in self._units.values() for u in some)
            fields = {f.name: getattr(self.scenario, f.name) for f in dataclasses.fields(Scenario)}
            self._now = Moment(**fields | {"time": time}, units=units)
        return self._now

    def _happen(self, time: float, n: int, kind: str, position: Position) -> bool:
        """Let something happen that is due; whether it changed anything."""
        if kind == "restock":
            self._units[position.id] = self._fresh(position)
            self.changes.append(Change(time, "restock", position.id))
            return True
        self._push(next(self._buyers[position.id], None), n, "sale", position)
        own = self._own(position)
        if not own:
            return False
        # A column is pulled forward: what stands last in its order is what is missing afterwards.
        columns = sorted({u.column for u in own})
        column = columns[int(rng(self.scenario.seed, "bought", position.id, repr(time)).integers(len(columns)))]
        taken = [u for u in own if u.column == column][-1]
        self._units[position.id].remove(taken)
        self.changes.append(Change(time, "sale", position.id))
        if len(own) == 1:
            self.changes.append(Change(time, "out", position.id))
            self._push(time + self.restock_after, n, "restock", position)
        return True

    def _own(self, position: Position) -> list[Unit]:
        return [u for u in self._units[position.id] if u.sku == position.sku]

    def _fresh(self, position: Position) -> list[Unit]:
        """What staff put there: each time drawn anew, as tidy shelves are."""
        times = self._filled[position.id] = self._filled.get(position.id, 0) + 1
        if times not in self._arrivals:
            seed = self.scenario.seed + 1_000_000 * times
            found: dict[str, list[Unit]] = {}
            for unit in draw_stock(self.scenario.layout, ARRIVAL, seed).units:
                found.setdefault(unit.position, []).append(unit)
            self._arrivals[times] = found
        return list(self._arrivals[times][position.id])

    def _buying(self, position: Position, sales: float) -> Iterator[float]:
        """The times at which somebody wants a unit of a position: a Poisson process."""
        rate = sales * self.scenario.layout.product(position).daily_units / OPEN_SECONDS
        random, time = rng(self.scenario.seed, "sales", position.id), 0.0
        while rate > 0:
            time += float(random.exponential(1 / rate))
            yield time

    def _push(self, time: float | None, n: int, kind: str, position: Position) -> None:
        if time is not None:
            heapq.heappush(self._due, (time, n, kind, position))
