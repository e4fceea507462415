"""The closed loop: what somebody knows becomes tasks, tasks are done in the day, and the next sales find the shelf so.

Every arm has a store of its own that begins with the same stock, and the same shoppers with the same wishes come to
all; what stands on the shelves in the evening stands there in the morning. Nobody fills shelves but by an arm's tasks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.day.audits import AUDIT, WEEK
from bench.day.glances import Views, glances
from bench.day.play import Sensors, sales_rates
from bench.day.staff import Floor, Staff, Visit, audit_seconds, cart_load, trip
from scenarios import Scenario, rng
from scenarios.day import Day, Trouble
from scenarios.demand import HOUR, Demand
from scenarios.events import Event, Sale
from scenarios.stock import Stock
from scenarios.timeline import Timeline, stays_of
from sim.records import bookings, opening_records
from sim.rfid import readable_shares, sweeps
from sim.till import batches
from vision.discrepancies import SURE
from vision.forecast import SalesTrend
from vision.inventory import Belief, Inventory
from vision.restock import Policy, Task, forecast_tasks, reorder_tasks

Floats = NDArray[np.float64]
DAYS = 100
"""Of one start that have a seed of their own: those of the loop from the first, those of the history from the last."""
SETTLED = HOUR
"""Seconds after a visit in which nobody is sent to the same position again (assumed)."""


@dataclass(frozen=True)
class Arm:
    """Who finds out what is to be filled: people who walk along the shelves every so many days (`audit`), what the
    books say (`books`), or an inventory that listens to `sources`, by its reorder points or a forecast."""

    audit: int = 0
    books: bool = False
    sources: tuple[str, ...] = ()
    forecast: bool = False


BASE = "audit daily"
ARMS: dict[str, Arm] = {
    BASE: Arm(audit=1), "audit weekly": Arm(audit=WEEK), "pos": Arm(books=True), "rfid": Arm(sources=("rfid",)),
    "cameras": Arm(sources=("vision",)), "fused": Arm(sources=("vision", "rfid", "pos", "records"), forecast=True),
}  # fmt: skip


@dataclass(frozen=True)
class Loop:
    """`days_each`: days in a row that follow each opening stock. `history`: days of sales that the forecast has learned
    from before. `absent`: share of the SKUs whose goods are not in the store on a day: 8.3 % of the shelves are empty
    and a quarter of these for reasons outside the store (Gruen and Corsten, 2002; Corsten and Gruen, 2004), 0.02.
    `overstock`: units beyond the mean sales of so many days are too many (assumed). `night`: whether all shelves are
    filled up before opening, by every arm's staff."""

    days_each: int = 7
    history: int = 28
    absent: float = 0.02
    overstock: float = 7.0
    night: bool = False
    staff: Staff = field(default_factory=Staff)
    policy: Policy = field(default_factory=Policy)

    def __post_init__(self) -> None:
        if not (self.days_each >= 1 and self.history >= 0 and self.days_each + self.history <= DAYS):
            raise ValueError(
                f"days_each {self.days_each}, history {self.history}; expected 1 or more, 0 or more, {DAYS} at most "
                "together"
            )
        if not 0 <= self.absent <= 1 or not self.overstock > 0:
            raise ValueError(f"absent {self.absent}, overstock {self.overstock}; expected a share, above 0")


@dataclass(frozen=True)
class Done:
    """A task that was done at `time`: units that stood there before, and units that were put in."""

    time: float
    task: Task
    found: int
    put: int


@dataclass(frozen=True, eq=False)
class LoopDay:
    """A day of an arm: true units (M, Q) at moments (M,), all events, what was done, the seconds that staff worked,
    where the arm said that there are fewer than in the books, and where there were (M, Q). `wishes` are the shoppers';
    `trend` is the forecast that the day began with, of an arm that has one; `ignored` counts by its name what its
    inventory could make no sense of, from the first day on."""

    times: Floats
    units: NDArray[np.int64]
    events: tuple[Event, ...]
    done: tuple[Done, ...]
    seconds: float
    fewer: NDArray[np.bool_]
    truly_fewer: NDArray[np.bool_]
    wishes: tuple[tuple[float, int, str], ...]
    trend: SalesTrend | None
    ignored: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class World:
    """What is the same for all arms: demand, troubles, what cameras make of the places, sensors and staff."""

    demand: Demand
    trouble: Trouble
    views: Views
    sensors: Sensors
    loop: Loop
    silences: tuple[tuple[str, float, float], ...] = ()


def day_seed(start: int, day: int) -> int:
    """The seed of the wishes and troubles of a day that follows a start's opening stock."""
    return start * DAYS + day


def sales_history(scenario: Scenario, demand: Demand, days: int) -> SalesTrend:
    """What a forecast has learned from the tills in days before; all was on the shelf then."""
    positions = scenario.layout.planogram.positions
    trend = SalesTrend.unknown(len(positions), round(demand.open_seconds / HOUR))
    for day in range(days):
        wishes = demand.draw(day_seed(scenario.seed, DAYS - 1 - day))
        when = {(basket, sku): time for time, basket, sku in wishes}
        bought = Counter((basket, sku) for _, basket, sku in wishes)
        scanned = [(when[key], key[1], n) for key, n in bought.items()]
        sold = _sold(scenario, scanned)
        trend = trend.learned(sold, np.ones(len(sold)), [(t, n) for t, _, n in scanned])
    return trend


def _sold(scenario: Scenario, scanned: Sequence[tuple[float, str, int]]) -> Floats:
    """Units sold of every position (Q,), a SKU's split by the room for it."""
    positions = scenario.layout.planogram.positions
    room = np.array([p.wide * p.high * p.deep for p in positions], float)
    of_sku: dict[str, float] = {}
    for p, n in zip(positions, room.tolist()):
        of_sku[p.sku] = of_sku.get(p.sku, 0.0) + n
    units: Counter[str] = Counter()
    for _, sku, n in scanned:
        units[sku] += n
    return np.array([units[p.sku] * n / of_sku[p.sku] for p, n in zip(positions, room)])


class Shop:
    """One arm's store from day to day."""

    def __init__(self, scenario: Scenario, world: World, arm: Arm) -> None:
        self.scenario, self.world, self.arm = scenario, world, arm
        layout = scenario.layout
        self.layout, self.stock = layout, scenario.stock
        self.row = {p.id: n for n, p in enumerate(layout.planogram.positions)}
        self.position = {p.id: p for p in layout.planogram.positions}
        self.floor = Floor.of(layout)
        self.days = 0
        self.trend = sales_history(scenario, world.demand, world.loop.history) if arm.forecast else None
        rates = sales_rates(layout, world.demand)
        shares = readable_shares(layout, world.sensors.reader) * world.sensors.reader.again
        listens = [("pos", "records"), arm.sources] if arm.sources else [("pos", "records")] if arm.books else []
        self.inventories = [Inventory(layout, rates, shares, trust=world.sensors.trust, sources=s) for s in listens]

    def day(self, times: Sequence[float]) -> LoopDay:
        """Play the next day and ask at moments (M,), of which the last is that of closing."""
        return _LoopDay(self, times).play()


class _LoopDay:
    """A day of one arm as it unfolds."""

    def __init__(self, shop: Shop, times: Sequence[float]) -> None:
        self.shop, self.times, self.world = shop, list(times), shop.world
        self.seed = day_seed(shop.scenario.seed, shop.days)
        self.before: Stock = shop.stock
        world = shop.world
        self.day = Day(shop.layout, self.before, world.demand, world.trouble, self.seed, (), world.silences)
        self.offset = shop.days * world.demand.open_seconds  # inventories know opening hours only
        self.events: list[Event] = []
        self.todo: list[Task] = []
        self.visits: list[Visit] = []
        self.done: list[Done] = []
        self.last_visit: dict[str, float] = {}
        self.closed: set[str] = set()
        self.free = [0.0] * world.loop.staff.people
        self.seconds = 0.0
        self.scanned: Counter[tuple[float, str, int]] = Counter()
        self.last_wish = {basket: time for time, basket, _ in self.day.wishes}

    def play(self) -> LoopDay:
        shop, units, fewer, record, there, since = self.shop, [], [], [], [], 0.0
        if self.world.loop.night:
            self._fill_at_night()
        for n, time in enumerate(self.times):
            counted = self._visits_until(time)
            last = n + 1 == len(self.times)
            if shop.inventories:
                self._hear(since, time, counted, last)
            belief = shop.inventories[-1].belief(self.offset + time) if shop.arm.sources else None
            record.append(self._record())
            fewer.append(self._fewer(belief, record[-1]))
            if belief is not None:
                there.append(1 - belief.chances[:, 0])
            units.append([self.day.shelves.units(p) for p in shop.position])
            if not last:
                self._decide(n, time, belief)
                self._send(time, self.times[n + 1])
            since = time
        trend = shop.trend
        if trend is not None:
            rows = [row for row, copies in self.scanned.items() for _ in range(copies)]
            shop.trend = trend.learned(_sold(shop.scenario, rows), np.mean(there, axis=0), [(t, n) for t, _, n in rows])
        shop.stock, shop.days = self.day.shelves.stock(), shop.days + 1
        return LoopDay(
            np.array(self.times), np.array(units, np.int64), tuple(self.events), tuple(self.done), self.seconds,
            np.array(fewer), np.array(units) < np.array(record), tuple(self.day.wishes), trend,
            dict(+shop.inventories[-1].ignored) if shop.inventories else {},
        )  # fmt: skip

    def _fill_at_night(self) -> None:
        """Fill up all that is not full, but for what staff pass over, as often as in rounds, and for goods that are not
        in the store, and take out what does not belong there. Nobody counts."""
        staff = self.world.loop.staff
        for position in self.shop.position.values():
            passed = rng(self.seed, "night", position.id).random() < self.world.trouble.missed
            if passed or self._not_in_store(position.sku):
                continue
            self.events += self.day.clear(0.0, position)
            event = self.day.fill(0.0, position, position.wide * position.high * position.deep)
            if event is not None:
                self.events.append(event)
                self.seconds += staff.visit + staff.unit * len(getattr(event, "columns", ()))

    def _not_in_store(self, sku: str) -> bool:
        return bool(rng(self.seed, "goods", sku).random() < self.world.loop.absent)

    def _visits_until(self, time: float) -> list[tuple[float, str, int]]:
        """Let the day go on to a moment, visits and all; what was counted: where nothing can be put in, or something
        else stands, staff count what is there before they put anything in."""
        counted = []
        while self.visits and self.visits[0].time <= time:
            visit = self.visits.pop(0)
            self.events += self.day.until(visit.time)
            position = self.shop.position[visit.task.position]
            found = self.day.shelves.units(position.id)
            missing = self._not_in_store(position.sku)
            removed = self.day.clear(visit.time, position)
            event: Any = None if missing else self.day.fill(visit.time, position, visit.task.units)
            self.events += [*removed, *([event] if event else [])]
            if event is None:
                self.closed.add(position.id)
            if event is None or removed:
                counted.append((visit.time, position.id, found))
            self.last_visit[position.id] = visit.time
            self.done.append(Done(visit.time, visit.task, found, len(event.columns) if event else 0))
        self.events += self.day.until(time)
        return counted

    def _hear(self, since: float, time: float, counted: Sequence[tuple[float, str, int]], last: bool) -> None:
        """Tell the inventories all that arrives until a moment, in the order in which it does; what is under way at
        closing arrives then."""
        sensors, seed, offset = self.world.sensors, self.shop.scenario.seed, self.offset
        stays = stays_of(self.day.shelves)
        now = Timeline(self.shop.layout, self.before, tuple(self.events), (), stays)
        heard: list[tuple[float, int, str, tuple[Any, ...]]] = []
        if not self.shop.days and not since and not now.silent("records", 0.0):
            heard.append((0.0, 0, "records", (0.0, opening_records(now, sensors.errors, seed))))
        heard += self._tills(now, since, time, last)
        for b in bookings(now, sensors.errors):
            if since < b.known <= time or (last and b.known > time):
                heard.append((min(b.known, time), 2, "booked", (offset + b.time, b.position, b.units)))
        heard += [(t, 2, "counted", (offset + t, position, n)) for t, position, n in counted]
        if "rfid" in self.shop.arm.sources:
            for s in sweeps(now, sensors.reader, time, seed):
                if since <= s.time < time:
                    heard.append((s.time, 3, "sweep", (offset + s.time, s.epc, s.sku)))
        if "vision" in self.shop.arm.sources:
            for g in glances(now, self.world.views, [time], seed):
                heard.append((g.time, 4, "see", (offset + g.time, g.own, g.seen)))
        for _, _, name, words in sorted(heard, key=lambda row: row[:2]):
            for inventory in self.shop.inventories:
                getattr(inventory, name)(*words)
        if not now.silent("records", time):
            for inventory in self.shop.inventories:
                inventory.books_until(offset + time)

    def _tills(
        self, now: Timeline, since: float, time: float, last: bool
    ) -> list[tuple[float, int, str, tuple[Any, ...]]]:
        """What the tills tell of until a moment, from another on, and what they had not told of before. Baskets whose
        shopper still walks about are not paid; after closing the last ones are."""
        till = self.world.sensors.till
        paid = tuple(e for e in now.events if not isinstance(e, Sale) or self.last_wish[e.basket] <= time)
        until = time + till.walk + till.every if last else time
        found: list[tuple[float, int, str, tuple[Any, ...]]] = []
        for batch in batches(replace(now, events=paid), till, until, self.seed):
            new = Counter(batch.scanned) - self.scanned
            rows = tuple(
                (self.offset + min(t, time), sku, n) for (t, sku, n), copies in new.items() for _ in range(copies)
            )
            self.scanned |= Counter(batch.scanned)
            arrives = min(batch.time, time)
            if rows or arrives > since:
                found.append((arrives, 1, "tills", (self.offset + arrives, rows)))
        return found

    def _record(self) -> Floats:
        """What the books say (Q,), in whole units; 0 where nobody keeps any."""
        books = self.shop.inventories[0].record if self.shop.inventories else np.zeros(len(self.shop.row))
        return np.asarray(np.round(np.nan_to_num(books)), float)

    def _fewer(self, belief: Belief | None, record: Floats) -> NDArray[np.bool_]:
        """(Q,) where an inventory is sure that there is less than the books say; only those with sensors are."""
        if belief is None:
            return np.zeros(len(record), bool)
        below = np.arange(belief.chances.shape[1]) < record[:, None]
        return np.asarray((belief.chances * below).sum(axis=1) >= SURE)

    def _decide(self, moment: int, time: float, belief: Belief | None) -> None:
        """What is to be done now, the dearest first. What an audit has found stays to be done; others think again."""
        shop, arm = self.shop, self.shop.arm
        if arm.audit:
            if moment == int(np.searchsorted(self.times, AUDIT)) and (shop.days + shop.scenario.seed) % arm.audit == 0:
                took = audit_seconds(shop.layout, self.world.loop.staff)
                self.free[0] = time + took
                self.seconds += took
                self.todo = list(reorder_tasks(shop.layout, self._looked()))
        elif belief is None:
            self.todo = list(reorder_tasks(shop.layout, np.round(shop.inventories[0].record)))
        elif shop.trend is not None:
            self.todo = list(forecast_tasks(shop.layout, shop.trend, belief.chances, time, self.world.loop.policy))
        else:
            self.todo = list(reorder_tasks(shop.layout, belief.units))
        under_way = {visit.task.position for visit in self.visits} | self.closed
        self.todo = [
            t for t in self.todo
            if t.position not in under_way and time - self.last_visit.get(t.position, -np.inf) >= SETTLED
        ]  # fmt: skip

    def _looked(self) -> Floats:
        """What who walks along the shelves sees (Q,); NaN where they pass a gap, as often as rounds do."""
        shop = self.shop
        seen = np.array([self.day.shelves.units(p) for p in shop.position], float)
        passed = [rng(self.seed, "audit", p).random() < self.world.trouble.missed for p in shop.position]
        return np.where(passed, np.nan, seen)

    def _send(self, time: float, until: float) -> None:
        """Send whoever is free before the next moment, with as much as a cart holds."""
        staff = self.world.loop.staff
        for n, free in enumerate(self.free):
            begins = max(free, time)
            while self.todo and begins < until:
                load = cart_load(self.todo, staff)
                self.todo = self.todo[len(load) :]
                visits, back = trip(load, begins, staff, self.shop.floor, self.shop.row)
                self.visits += [v for v in visits if v.time <= self.day.end]
                self.seconds += min(back, self.day.end) - begins
                begins = back
            self.free[n] = begins
        self.visits.sort(key=lambda v: v.time)


def play_loop(
    scenario: Scenario, world: World, every: float, arms: Mapping[str, Arm] = ARMS
) -> dict[str, list[LoopDay]]:
    """The days that follow a scenario's opening stock, in every arm's store, asked every so many seconds."""
    times = np.arange(every, world.demand.open_seconds + 1, every).tolist()
    if not times or times[-1] < world.demand.open_seconds:
        times.append(world.demand.open_seconds)
    found: dict[str, list[LoopDay]] = {}
    for name, arm in arms.items():
        shop = Shop(scenario, world, arm)
        found[name] = [shop.day(times) for _ in range(world.loop.days_each)]
    return found
