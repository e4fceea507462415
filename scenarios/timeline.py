"""The timeline: what stands where at any moment of a day, from what stood there at its beginning and what happened.

Every unit has a number, from 0 in the order in which units come into the store's shelves. A unit's *stay* is the time
that it stands in one position; whoever knows all stays knows the shelves at every moment.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scenarios.events import (
    Damage,
    Event,
    LostSale,
    Misplacement,
    MissedRestock,
    Removal,
    Restock,
    Sale,
    ScanError,
    SensorEvent,
    Theft,
    WrongReplenishment,
    kind_of,
)  # fmt: skip
from scenarios.planogram import Layout, Position
from scenarios.stock import Stock, Unit, tidy_unit

BACKWARDS = "time runs backwards"
NEGATIVE = "negative stock"
NO_ROOM = "no room"
UNKNOWN_SKU = "unknown SKU"
UNKNOWN_POSITION = "unknown position"
UNKNOWN_SOURCE = "unknown source"
SOURCES = ("vision", "rfid", "pos", "records", "scales")


@dataclass(frozen=True)
class Refused:
    """An event that cannot have happened, by its number among those given, and why. Nothing of it came to pass."""

    number: int
    event: Event
    reason: str
    detail: str


@dataclass(frozen=True)
class Slot:
    """A unit in a column: its number and SKU."""

    unit: int
    sku: str


class Shelves:
    """What stands in every column, the front first, as events happen one after the other.

    Columns are pulled forward: a unit that is taken leaves its place to the ones behind it.
    """

    def __init__(self, layout: Layout, stock: Stock) -> None:
        self.layout = layout
        self.positions: dict[str, Position] = {p.id: p for p in layout.planogram.positions}
        self.columns: dict[str, list[list[Slot]]] = {p: [[] for _ in range(q.wide)] for p, q in self.positions.items()}
        self.stays: list[list] = []
        self._of_unit: dict[int, int] = {}
        self._next = 0
        self._where: dict[str, list[Position]] = {}
        for p in layout.planogram.positions:
            self._where.setdefault(p.sku, []).append(p)
        for unit in sorted(stock.units, key=lambda u: (u.position, u.column, u.row, u.level)):
            self._come(unit.sku, unit.position, unit.column, -math.inf)

    def positions_of(self, sku: str) -> list[Position]:
        """The positions that are planned for a SKU."""
        return self._where.get(sku, [])

    def units(self, position: str) -> int:
        """Units of the position's own SKU in it."""
        own = self.positions[position].sku
        return sum(slot.sku == own for column in self.columns[position] for slot in column)

    def came(self, slot: Slot) -> float:
        """When a unit came to where it stands; minus infinity for what stood there from the beginning."""
        return float(self.stays[self._of_unit[slot.unit]][3])

    def open_columns(self, position: str, sku: str) -> list[int]:
        """The columns that hold a unit of a SKU."""
        return [c for c, column in enumerate(self.columns[position]) if any(slot.sku == sku for slot in column)]

    def room(self, position: str) -> list[int]:
        """The columns that a refill would take, one for each free place, the emptiest column first."""
        p = self.positions[position]
        counts = [len(column) for column in self.columns[position]]
        free = []
        while min(counts) < p.high * p.deep:
            emptiest = counts.index(min(counts))
            free.append(emptiest)
            counts[emptiest] += 1
        return free

    def happen(self, event: Event) -> tuple[str, str] | None:
        """Let an event happen; or, if it cannot, say why (a reason and what was wrong) and leave all as it was."""
        problem = self._problem(event)
        if problem is None:
            self._do(event)
        return problem

    def _problem(self, event: Event) -> tuple[str, str] | None:
        if isinstance(event, SensorEvent):
            known = event.source in SOURCES
            return None if known else (UNKNOWN_SOURCE, f"{event.source!r}; expected one of {', '.join(SOURCES)}")
        for sku in (getattr(event, name) for name in ("sku", "scanned_as") if hasattr(event, name)):
            if sku not in self.layout.catalog:
                return UNKNOWN_SKU, f"{sku!r} is not in the catalog"
        for name in ("position", "to_position"):
            position = getattr(event, name, None)
            if position is not None and position not in self.positions:
                return UNKNOWN_POSITION, f"{position!r} is not in the planogram"
        if isinstance(event, (ScanError, LostSale, MissedRestock)):
            return None
        if isinstance(event, (Restock, WrongReplenishment)):
            return self._lacks_room(event.position, event.columns)
        columns = event.columns if isinstance(event, (Theft, Damage, Removal)) else (event.column,)
        missing = self._lacks_units(event.position, event.sku, columns)
        if missing is None and isinstance(event, Misplacement):
            return self._lacks_room(event.to_position, (event.to_column,))
        return missing

    def _lacks_units(self, position: str, sku: str, columns: Sequence[int]) -> tuple[str, str] | None:
        for column, wanted in Counter(columns).items():
            held = self.columns[position][column] if 0 <= column < self.positions[position].wide else []
            there = sum(slot.sku == sku for slot in held)
            if there < wanted:
                return NEGATIVE, f"{wanted} of {sku!r} taken from column {column} of {position}, which holds {there}"
        return None

    def _lacks_room(self, position: str, columns: Sequence[int]) -> tuple[str, str] | None:
        p = self.positions[position]
        for column, wanted in Counter(columns).items():
            free = p.high * p.deep - len(self.columns[position][column]) if 0 <= column < p.wide else 0
            if free < wanted:
                return NO_ROOM, f"{wanted} put into column {column} of {position}, which has room for {free}"
        return None

    def _do(self, event: Event) -> None:
        if isinstance(event, Sale):
            self._leave(event.sku, event.position, event.column, event.time)
        elif isinstance(event, (Theft, Damage, Removal)):
            for column in event.columns:
                self._leave(event.sku, event.position, column, event.time)
        elif isinstance(event, (Restock, WrongReplenishment)):
            for column in event.columns:
                self._come(event.sku, event.position, column, event.time)
        elif isinstance(event, Misplacement):
            slot = self._leave(event.sku, event.position, event.column, event.time)
            self.columns[event.to_position][event.to_column].insert(0, slot)
            self._stay(slot, event.to_position, event.time)

    def _come(self, sku: str, position: str, column: int, time: float) -> None:
        slot = Slot(self._next, sku)
        self._next += 1
        self.columns[position][column].append(slot)
        self._stay(slot, position, time)

    def _leave(self, sku: str, position: str, column: int, time: float) -> Slot:
        """The foremost unit of a SKU goes; the others are pulled forward."""
        held = self.columns[position][column]
        slot = held.pop(next(i for i, s in enumerate(held) if s.sku == sku))
        self.stays[self._of_unit[slot.unit]][4] = time
        return slot

    def _stay(self, slot: Slot, position: str, time: float) -> None:
        self._of_unit[slot.unit] = len(self.stays)
        self.stays.append([slot.unit, slot.sku, position, time, math.inf])

    def stock(self) -> Stock:
        """What stands there now, every pack upright in its place."""
        units: list[Unit] = []
        for id, columns in self.columns.items():
            p = self.positions[id]
            for c, column in enumerate(columns):
                for n, slot in enumerate(column):
                    row, level = divmod(n, p.high)
                    units.append(tidy_unit(self.layout, p, self.layout.catalog[slot.sku], (c, level, row)))
        return Stock(tuple(units))


@dataclass(frozen=True, eq=False)
class Stays:
    """Who stood where, as parallel arrays (N,): `unit` number, `sku`, `position` (index into the planogram), `own`
    (whether the position is planned for its SKU), `since` and `until` in seconds (−∞ from the beginning, ∞ to the
    end)."""

    unit: NDArray[np.int64]
    sku: NDArray[np.object_]
    position: NDArray[np.int64]
    own: NDArray[np.bool_]
    since: NDArray[np.float64]
    until: NDArray[np.float64]

    def there(self, time: float) -> NDArray[np.bool_]:
        """(N,) which of them stand at a moment; what comes at that very moment does, what leaves does not."""
        return (self.since <= time) & (time < self.until)


@dataclass(frozen=True, eq=False)
class Timeline:
    """A day: what stood on the shelves before it, what happened, in order, and what cannot have happened."""

    layout: Layout
    before: Stock
    events: tuple[Event, ...]
    refused: tuple[Refused, ...]
    stays: Stays

    @staticmethod
    def of(layout: Layout, before: Stock, events: Iterable[Event]) -> Timeline:
        """Let events happen in the order given. What cannot have happened (time that runs backwards, units that are
        not there, unknown SKUs or positions, columns that are full) is refused by name, and the day goes on."""
        shelves, kept, refused, time = Shelves(layout, before), [], [], -math.inf
        for number, event in enumerate(events):
            problem: tuple[str, str] | None
            if not math.isfinite(event.time) or event.time < time:
                problem = BACKWARDS, f"{event.time} s after {time} s"
            else:
                problem = shelves.happen(event)
            if problem:
                refused.append(Refused(number, event, *problem))
            else:
                kept.append(event)
                time = event.time
        return Timeline(layout, before, tuple(kept), tuple(refused), stays_of(shelves))

    @property
    def refusals(self) -> Counter[str]:
        """How many events were refused for each reason."""
        return Counter(r.reason for r in self.refused)

    @property
    def kinds(self) -> Counter[str]:
        """How many events of each kind came to pass."""
        return Counter(kind_of(event) for event in self.events)

    def stock_at(self, time: float) -> Stock:
        """What stands on the shelves at a moment, upright and pulled forward; events of that moment have happened."""
        return next(self.walk((time,))).stock()

    def walk(self, times: Iterable[float]) -> Iterator[Shelves]:
        """The shelves at each of some moments, which must not go back: one object, that moves on when the next moment
        is asked for."""
        shelves, n = Shelves(self.layout, self.before), 0
        for time in times:
            while n < len(self.events) and self.events[n].time <= time:
                shelves.happen(self.events[n])
                n += 1
            yield shelves

    def units_at(self, times: Sequence[float]) -> NDArray[np.int64]:
        """Units of its own SKU in every position (M, Q) at moments (M,)."""
        own = self.stays.position[self.stays.own]
        there = np.array([self.stays.there(t)[self.stays.own] for t in times]).reshape(len(times), -1)
        positions = len(self.layout.planogram.positions)
        return np.array([np.bincount(own[row], minlength=positions) for row in there], np.int64).reshape(-1, positions)

    @cached_property
    def outages(self) -> dict[str, tuple[tuple[float, float], ...]]:
        """From when until when (seconds; ∞ for to the end) each source was silent."""
        found: dict[str, list[tuple[float, float]]] = {}
        down: dict[str, float] = {}
        for event in self.events:
            if isinstance(event, SensorEvent):
                if event.up and event.source in down:
                    found.setdefault(event.source, []).append((down.pop(event.source), event.time))
                elif not event.up:
                    down.setdefault(event.source, event.time)
        for source, since in down.items():
            found.setdefault(source, []).append((since, math.inf))
        return {source: tuple(spans) for source, spans in found.items()}

    def silent(self, source: str, time: float) -> bool:
        """Whether a source is silent at a moment."""
        return any(since <= time < until for since, until in self.outages.get(source, ()))


def stays_of(shelves: Shelves) -> Stays:
    """All stays until now as arrays."""
    index = {p.id: n for n, p in enumerate(shelves.layout.planogram.positions)}
    unit, sku, position, since, until = (list(column) for column in zip(*shelves.stays)) if shelves.stays else [[]] * 5
    own = [shelves.positions[p].sku == s for p, s in zip(position, sku)]
    return Stays(
        np.array(unit, np.int64), np.array(sku, object), np.array([index[p] for p in position], np.int64),
        np.array(own, bool), np.array(since, float), np.array(until, float),
    )  # fmt: skip
