"""A day played to inventories that listen to different sources: what each believes at every moment, beside the truth.

What cameras read is drawn from responses, not from pictures (`bench.day.glances`), or comes from rendered ones
(`bench.day.rendered`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.day.glances import Glance, Views, glances
from scenarios import Layout, Scenario
from scenarios.day import Trouble, draw_day
from scenarios.demand import Demand
from scenarios.timeline import Timeline
from sim.records import RecordErrors, bookings, opening_records
from sim.rfid import RfidReader, readable_shares, sweeps
from sim.till import Till, batches
from vision.discrepancies import SURE, Discrepancy, discrepancies
from vision.inventory import Belief, Inventory
from vision.unit_words import Trust

Floats = NDArray[np.float64]

ARMS: dict[str, tuple[str, ...]] = {
    "fused": ("vision", "rfid", "pos", "records"), "vision": ("vision",), "rfid": ("rfid",), "pos": ("pos",),
    "records": ("records",), "books": ("pos", "records"),
}  # fmt: skip
"""Who listens to what; "books" are what a stock system has without any sensor, and count as a single source."""


@dataclass(frozen=True)
class Sensors:
    """The sensors beside the cameras, and what is thought of their worth."""

    reader: RfidReader = field(default_factory=RfidReader)
    till: Till = field(default_factory=Till)
    errors: RecordErrors = field(default_factory=RecordErrors)
    trust: Trust = field(default_factory=Trust)


@dataclass(frozen=True, eq=False)
class Said:
    """What an arm said, all (M, Q): units (median), the ends of their 90 % interval, the chance that there are none,
    and whether phantom inventory was told of. `found` are the discrepancies of each moment."""

    units: Floats
    low: Floats
    high: Floats
    none: Floats
    phantom: NDArray[np.bool_]
    found: tuple[tuple[Discrepancy, ...], ...]


@dataclass(frozen=True, eq=False)
class Course:
    """A day's moments (M,), true units and what the books said (M, Q), and what each arm made of it."""

    timeline: Timeline
    times: Floats
    units: NDArray[np.int64]
    record: Floats
    said: Mapping[str, Said]

    @property
    def phantom(self) -> NDArray[np.bool_]:
        """(M, Q) where the books said some and the shelf held none."""
        return (self.units == 0) & (np.round(self.record) > 0)


def drawn_day(
    scenario: Scenario, demand: Demand, trouble: Trouble, silences: Sequence[tuple[str, float, float]] = ()
) -> Timeline:
    """The day of a scenario and its seed, from the stock that its mess leaves at opening."""
    return draw_day(scenario.layout, scenario.stock, demand, trouble, scenario.seed, silences=silences)


def sales_rates(layout: Layout, demand: Demand) -> Floats:
    """Units a second (Q,) that positions sell on average; what stands in several is shared by the room in them."""
    positions = layout.planogram.positions
    capacity = np.array([p.wide * p.high * p.deep for p in positions], float)
    total: dict[str, float] = {}
    for p, c in zip(positions, capacity):
        total[p.sku] = total.get(p.sku, 0.0) + c
    share = np.array([c / total[p.sku] for p, c in zip(positions, capacity)])
    daily = np.array([demand.daily_units.get(p.sku, 0.0) for p in positions])
    return np.asarray(share * daily / demand.open_seconds)


def play(
    scenario: Scenario, timeline: Timeline, demand: Demand, views: Views, times: Sequence[float], sensors: Sensors,
    arms: Mapping[str, Sequence[str]] = ARMS,
) -> Course:  # fmt: skip
    """Play a day to every arm and ask each what it believes at moments (M,), which rise. Cameras tell what is drawn of
    their views."""
    drawn = glances(timeline, views, times, scenario.seed)
    return play_glances(scenario, timeline, demand, drawn, times, sensors, arms)


def play_glances(
    scenario: Scenario, timeline: Timeline, demand: Demand, seen: Sequence[Glance], times: Sequence[float],
    sensors: Sensors, arms: Mapping[str, Sequence[str]] = ARMS,
) -> Course:  # fmt: skip
    """The same with what cameras have seen, whichever way that came about."""
    layout, seed = scenario.layout, scenario.seed
    rates, shares = sales_rates(layout, demand), readable_shares(layout, sensors.reader) * sensors.reader.again
    listening = {
        name: Inventory(layout, rates, shares, trust=sensors.trust, sources=sources) for name, sources in arms.items()
    }
    books = listening.get("books") or Inventory(layout, rates, shares, trust=sensors.trust, sources=ARMS["books"])
    heard = _heard(timeline, seen, times, sensors, seed)
    every = {*listening.values(), books}
    said: dict[str, list[tuple[Belief, tuple[Discrepancy, ...]]]] = {name: [] for name in arms}
    record, n = [], 0
    for time in times:
        while n < len(heard) and heard[n][0] <= time:
            for inventory in every:
                getattr(inventory, heard[n][2])(*heard[n][3])
            n += 1
        if not timeline.silent("records", time):
            for inventory in every:
                inventory.books_until(time)
        record.append(books.record)
        for name, inventory in listening.items():
            belief = inventory.belief(time)
            said[name].append((belief, discrepancies(layout, belief)))
    return Course(
        timeline, np.array(times, float), timeline.units_at(times), np.array(record),
        {name: _said(layout, rows) for name, rows in said.items()},
    )  # fmt: skip


def _heard(
    timeline: Timeline, seen: Sequence[Glance], times: Sequence[float], sensors: Sensors, seed: int
) -> list[tuple[float, int, str, tuple[Any, ...]]]:
    """All that sources say of a day, in the order in which it arrives: when, the source's turn, and the inventory's
    method that takes it with what it is given."""
    end = max(times)
    heard: list[tuple[float, int, str, tuple[Any, ...]]] = []
    if not timeline.silent("records", 0.0):
        heard.append((0.0, 0, "records", (0.0, opening_records(timeline, sensors.errors, seed))))
    heard += [(b.time, 1, "tills", (b.time, b.scanned)) for b in batches(timeline, sensors.till, end, seed)]
    heard += [(b.known, 2, "booked", (b.time, b.position, b.units)) for b in bookings(timeline, sensors.errors)]
    heard += [(s.time, 3, "sweep", (s.time, s.epc, s.sku)) for s in sweeps(timeline, sensors.reader, end, seed)]
    heard += [(g.time, 4, "see", (g.time, g.own, g.seen)) for g in seen]
    return sorted(heard, key=lambda row: row[:2])


def _said(layout: Layout, rows: Sequence[tuple[Belief, tuple[Discrepancy, ...]]]) -> Said:
    ids = [p.id for p in layout.planogram.positions]
    phantom = np.zeros((len(rows), len(ids)), bool)
    for n, (_, found) in enumerate(rows):
        named = {d.position for d in found if d.kind == "phantom inventory"}
        phantom[n] = [id in named for id in ids]
    units, low, high = (np.array([getattr(belief, key) for belief, _ in rows]) for key in ("units", "low", "high"))
    none = np.array([belief.chances[:, 0] for belief, _ in rows])
    return Said(units, low, high, none, phantom, tuple(found for _, found in rows))


def said_out(said: Said) -> NDArray[np.bool_]:
    """(M, Q) where an arm was sure that a position was empty."""
    return said.none >= SURE
