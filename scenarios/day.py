"""A day in a store, drawn: which unit leaves which column when, and what goes wrong. Same seed, same day.

Shoppers want what the demand says; who finds nothing goes without. Staff come round at fixed times, fill what they see
is low, and miss some of it. Each trouble has a rate with its source in `Trouble`.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np

from scenarios.demand import HOUR, Demand
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
)  # fmt: skip
from scenarios.planogram import Layout, Position
from scenarios.randomness import rng
from scenarios.stock import Stock
from scenarios.timeline import Shelves, Timeline


@dataclass(frozen=True)
class Trouble:
    """What goes wrong, as shares. Of the units sold: `theft`, `damage`, `misplacement`. Of the units of look-alike
    families sold: `scan_error`. Of the fillings: `missed`, `wrong`, `short`.

    theft: US retailers lost 1.6 % of their sales in 2022, external theft being 36 % of it and employees' 29 % (National
    Retail Federation, National Retail Security Survey 2023): 1.0 %. `theft_units` go together (assumed). damage,
    misplacement: assumed. scan_error: assumed; prices are scanned wrong in 3.5 % of food stores' items (US Federal
    Trade Commission, Price Check, 1996), which need not mean the wrong product. missed, wrong, short: assumed.
    """

    theft: float = 0.010
    theft_units: float = 2.0
    damage: float = 0.003
    misplacement: float = 0.005
    scan_error: float = 0.02
    missed: float = 0.3
    wrong: float = 0.01
    short: float = 0.03

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            low, high = (1.0, math.inf) if field.name == "theft_units" else (0.0, 1.0)
            if not low <= value <= high:
                raise ValueError(f"{field.name} {value}; expected {low:g} to {high:g}")


NO_TROUBLE = Trouble(0, 1, 0, 0, 0, 0, 0, 0)
ROUNDS = tuple(hour * HOUR for hour in (1, 3, 5, 7, 9, 11))
"""When staff come round to fill up, seconds after opening (assumed: every two hours)."""
ROUND_SECONDS = 1800.0
"""How long a round takes; each position has its time in it."""


def draw_day(
    layout: Layout, before: Stock, demand: Demand, trouble: Trouble, seed: int, rounds: Sequence[float] = ROUNDS,
    silences: Sequence[tuple[str, float, float]] = (),
) -> Timeline:  # fmt: skip
    """Draw a day from what stands on the shelves before it.

    `silences` are sources that are silent, from when until when in seconds. Demand for SKUs that the planogram lacks is
    left out, as those shelves are elsewhere.
    """
    day = Day(layout, before, demand, trouble, seed, rounds, silences)
    return Timeline.of(layout, before, day.until(day.end))


class Day:
    """The day as it unfolds. Draws are keyed by what they are for, so that one trouble more leaves the others alone.

    Who wants to act on what has happened goes on from moment to moment (`until`) and lets staff `fill` between.
    """

    def __init__(
        self, layout: Layout, before: Stock, demand: Demand, trouble: Trouble, seed: int,
        rounds: Sequence[float] = ROUNDS, silences: Sequence[tuple[str, float, float]] = (),
    ) -> None:  # fmt: skip
        self.layout, self.trouble, self.seed = layout, trouble, seed
        self.shelves = Shelves(layout, before)
        self.wishes = [w for w in demand.draw(seed) if self.shelves.positions_of(w[2])]
        self.end = demand.open_seconds
        self._families: dict[str, list[str]] = {}
        for p in sorted({q.sku for q in layout.planogram.positions}):
            family = layout.catalog[p].family
            if family:
                self._families.setdefault(family, []).append(p)
        self._fillings: Counter[str] = Counter()
        happens: tuple[tuple[Callable[..., Iterator[Event]], Iterable[tuple]], ...] = (
            (self._on_silence, self._silences(silences)), (self._on_round, self._rounds(rounds)),
            (self._on_trouble, self._troubles()), (self._on_wish, self.wishes),
        )  # fmt: skip
        self._happens = [handler for handler, _ in happens]
        self._due = [
            (time, kind, number, rest)
            for kind, (_, rows) in enumerate(happens)
            for number, (time, *rest) in enumerate(rows)
            if time <= self.end
        ]
        heapq.heapify(self._due)

    def until(self, time: float) -> Iterator[Event]:
        """The events from where the day stands to a moment, that of the moment too; each is worked out from the shelves
        as the ones before have left them."""
        while self._due and self._due[0][0] <= time:
            now, kind, number, rest = heapq.heappop(self._due)
            for event in self._happens[kind](now, number, *rest):
                if self.shelves.happen(event) is None:
                    yield event

    def clear(self, time: float, position: Position) -> list[Event]:
        """Somebody who was sent takes out whatever does not belong into a position, at the moment at which the day
        stands."""
        columns: dict[str, list[int]] = {}
        for column, held in enumerate(self.shelves.columns[position.id]):
            for slot in held:
                if slot.sku != position.sku:
                    columns.setdefault(slot.sku, []).append(column)
        events: list[Event] = [Removal(time, sku, position.id, tuple(from_)) for sku, from_ in columns.items()]
        for event in events:
            self.shelves.happen(event)
        return events

    def fill(self, time: float, position: Position, units: int) -> Event | None:
        """Somebody who was sent puts up to `units` into a position at the moment at which the day stands: wrong ones,
        or too few, as often as in a round. None where there is no room."""
        free = self.shelves.room(position.id)[:units]
        if not free:
            return None
        self._fillings[position.id] += 1
        random = rng(self.seed, "sent", position.id, self._fillings[position.id])
        event = self._filling(time, position, free, random, missed=0.0)
        self.shelves.happen(event)
        return event

    def _silences(self, silences: Sequence[tuple[str, float, float]]) -> Iterator[tuple[float, str, bool]]:
        for source, since, until in silences:
            yield since, source, False
            yield until, source, True

    def _rounds(self, rounds: Sequence[float]) -> Iterator[tuple[float, Position]]:
        positions = self.layout.planogram.positions
        for begins in rounds:
            for n, position in enumerate(positions):
                yield begins + ROUND_SECONDS * n / len(positions), position

    def _troubles(self) -> Iterator[tuple[float, str, str]]:
        """Thefts, damage and misplacement strike in proportion to what is sold."""
        for kind, share in (
            ("theft", self.trouble.theft / self.trouble.theft_units), ("damage", self.trouble.damage),
            ("misplacement", self.trouble.misplacement),
        ):  # fmt: skip
            for n, (time, _, sku) in enumerate(self.wishes):
                random = rng(self.seed, kind, n)
                if random.random() < share:
                    yield min(time + float(random.random()) * HOUR, self.end), kind, sku

    def _on_silence(self, time: float, number: int, source: str, up: bool) -> Iterator[Event]:
        yield SensorEvent(time, source, up)

    def _on_wish(self, time: float, number: int, basket: int, sku: str) -> Iterator[Event]:
        random = rng(self.seed, "wish", number)
        place = self._find(sku, random)
        if place is None:
            yield LostSale(time, basket, sku)
            return
        yield Sale(time, basket, sku, *place)
        flavours = [s for s in self._families.get(self.layout.catalog[sku].family, []) if s != sku]
        if flavours and random.random() < self.trouble.scan_error:
            yield ScanError(time, basket, sku, flavours[int(random.integers(len(flavours)))])

    def _on_trouble(self, time: float, number: int, kind: str, sku: str) -> Iterator[Event]:
        random = rng(self.seed, "strikes", number)
        place = self._find(sku, random)
        if place is None:
            return
        position, column = place
        if kind == "misplacement":
            others = [p for p in self.layout.planogram.positions if p.sku != sku and self._takes(p, sku)]
            if others:
                other = others[int(random.integers(len(others)))]
                free = self.shelves.room(other.id)
                yield Misplacement(time, sku, position, column, other.id, free[0])
            return
        held = sum(slot.sku == sku for slot in self.shelves.columns[position][column])
        wanted = 1 + int(random.poisson(self.trouble.theft_units - 1)) if kind == "theft" else 1
        taken = (column,) * min(wanted, held)
        yield (Theft if kind == "theft" else Damage)(time, sku, position, taken)

    def _on_round(self, time: float, number: int, position: Position) -> Iterator[Event]:
        """Staff fill to the brim what is at `low_at` or below."""
        free = self.shelves.room(position.id)
        if self.shelves.units(position.id) > position.low_at or not free:
            return
        random = rng(self.seed, "filling", position.id, repr(time))
        yield self._filling(time, position, free, random, self.trouble.missed)

    def _filling(
        self, time: float, position: Position, free: list[int], random: np.random.Generator, missed: float
    ) -> Event:
        """What becomes of a filling of columns, one unit for each of `free`."""
        chances = (missed, self.trouble.wrong, self.trouble.short)
        passed, wrong, short = (random.random(3) < chances).tolist()
        came = int(random.integers(0, len(free)))
        fitting = self.layout.intruders[position.id, True]
        if passed:
            return MissedRestock(time, position.id)
        if wrong and fitting:
            other = fitting[int(random.integers(len(fitting)))].sku
            return WrongReplenishment(time, position.id, other, tuple(free), len(free))
        columns = tuple(free[:came]) if short else tuple(free)
        return Restock(time, position.id, position.sku, columns, len(free))

    def _find(self, sku: str, random: np.random.Generator) -> tuple[str, int] | None:
        """A column that holds a unit of a SKU, by lot among all columns that are planned for it and do."""
        places = [(p.id, c) for p in self.shelves.positions_of(sku) for c in self.shelves.open_columns(p.id, sku)]
        return places[int(random.integers(len(places)))] if places else None

    def _takes(self, position: Position, sku: str) -> bool:
        """Whether a pack of a SKU fits into a position and there is room for it."""
        fits = any(q.sku == sku for q in self.layout.intruders[position.id, False])
        return fits and bool(self.shelves.room(position.id))
