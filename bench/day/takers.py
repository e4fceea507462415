"""Takers: who stands before a shelf because something is taken from it, or put into it, at that very time.

The crowd of `scenarios.shoppers` walks about whatever is sold; these stand where the timeline says that something
happens, for as long as a shopper's stop lasts there, and reach while it does.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from scenarios import rng
from scenarios.events import Damage, Event, Misplacement, Restock, Sale, Theft, WrongReplenishment
from scenarios.shoppers import BODIES, NEAR, OUTFITS, PersonAt
from scenarios.timeline import Timeline
from sim import World
from sim.people import person_mesh

STOP = (4.0, 14.0)
"""Seconds of a stop (`scenarios.shoppers`)."""
REACH = (0.35, 0.75)
"""The share of a stop in which the hand is at the shelf (`scenarios.shoppers`); what happens, happens in its middle."""
STAFF = "woman-staff"
SHOPPERS = tuple(body for body in BODIES if body != STAFF)
LOW, HIGH = 0.6, 1.2
"""Metres of a board's height below which one bends down to it, and from which on one reaches up (assumed)."""
APART = 0.45
"""Metres between two who stand there: who comes later to a place that is taken is left out (a body's width)."""
KEPT = 24
"""Bodies that may wait out of the scene: the renderer goes through their triangles in every picture."""
FIRST = 10_000
"""Order of drawing, after the crowd's."""


@dataclass(frozen=True)
class Stop:
    """Somebody before a column from `since` until `until`, who reaches into it at `time`, all seconds."""

    who: tuple[str, str]
    time: float
    since: float
    until: float
    person: PersonAt
    reach: str

    def at(self, time: float) -> PersonAt:
        """The person at a moment of the stop."""
        share = (time - self.since) / (self.until - self.since)
        return replace(self.person, pose=self.reach) if REACH[0] < share < REACH[1] else self.person


class Takers:
    """All stops of a day. Draws are keyed by the basket, or by the time of what happens."""

    def __init__(self, timeline: Timeline, seed: int) -> None:
        self._stops = [stop for event in timeline.events if (stop := _stop(timeline, event, seed)) is not None]
        self._since, self._until = (np.array([getattr(s, name) for s in self._stops]) for name in ("since", "until"))

    def at(self, time: float) -> tuple[PersonAt, ...]:
        """Who stands there at a moment. A basket's shopper is at one place, that of the unit nearest in time."""
        here = [self._stops[n] for n in np.flatnonzero((self._since <= time) & (time < self._until))]
        nearest: dict[tuple[str, str], Stop] = {}
        for stop in here:
            other = nearest.setdefault(stop.who, stop)
            if abs(stop.time - time) < abs(other.time - time):
                nearest[stop.who] = stop
        there: list[PersonAt] = []
        for stop in sorted(nearest.values(), key=lambda s: s.since):
            person = stop.at(time)
            if all(math.hypot(person.x - p.x, person.y - p.y) >= APART for p in there):
                there.append(person)
        return tuple(there)


def _stop(timeline: Timeline, event: Event, seed: int) -> Stop | None:
    """The stop at which an event happens; None for one that nobody stands before a shelf for."""
    if isinstance(event, (Sale, Misplacement)):
        column = event.column
    elif isinstance(event, (Theft, Damage, Restock, WrongReplenishment)):
        column = event.columns[0] if event.columns else 0
    else:
        return None
    when, staff = repr(event.time), isinstance(event, (Damage, Restock, WrongReplenishment))
    who = ("staff", "") if staff else ("basket", str(event.basket)) if isinstance(event, Sale) else ("other", when)
    body = STAFF if staff else SHOPPERS[int(rng(seed, "taker", *who).integers(len(SHOPPERS)))]
    layout = timeline.layout
    position = next(p for p in layout.planogram.positions if p.id == event.position)
    fixture = layout.fixture(position)
    u = float(fixture.to_local(layout.base(position, column))[0])
    x, y, _ = fixture.to_world([u, -NEAR, 0.0]).tolist()
    # Every store has its regulars, as in `scenarios.shoppers`.
    outfit = int(rng(0, "outfit", layout.store.name, body).integers(OUTFITS))
    z = fixture.shelves[position.shelf].z
    seconds = float(rng(seed, "stop", when, event.position).uniform(*STOP))
    since = event.time - sum(REACH) / 2 * seconds
    person = PersonAt(body, outfit, "stand", x, y, fixture.yaw)
    return Stop(who, event.time, since, since + seconds, person,
                "reach-low" if z < LOW else "reach-high" if z >= HIGH else "reach-middle")  # fmt: skip


class TakerBodies:
    """The bodies of takers in a world, each look one body that is moved and used again."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._bodies: dict[tuple[str, str, int, int], int] = {}

    def set(self, persons: Sequence[PersonAt]) -> None:
        """Put everybody where they stand, and take all others out of the scene."""
        used: Counter[tuple[str, str, int]] = Counter()
        there = set()
        for p in persons:
            look = (p.body, p.pose, p.outfit)
            key = (*look, used[look])
            used[look] += 1
            there.add(key)
            if key not in self._bodies:
                self._bodies[key] = self._world.add("person", person_mesh(*look), order=(FIRST + _rank(p), key[-1]))
            turn = (0.0, 0.0, math.sin(p.yaw / 2), math.cos(p.yaw / 2))
            self._world.move(self._bodies[key], (p.x, p.y, 0.0), turn)
        waiting = [key for key in self._bodies if key not in there]
        for key in waiting:
            if len(waiting) > KEPT:
                self._world.remove(self._bodies.pop(key))
            else:
                self._world.park(self._bodies[key])


def _rank(p: PersonAt) -> int:
    """Where in the order of drawing a look comes, whoever came first."""
    poses = ("stand", "reach-low", "reach-middle", "reach-high")
    return (BODIES.index(p.body) * len(poses) + poses.index(p.pose)) * OUTFITS + p.outfit
