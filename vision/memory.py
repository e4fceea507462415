"""Memory: what is believed about every place, from all frames of all cameras until now.

Each front-row place holds its own product, nothing, or a foreign one. A belief over the three is kept
for each place, as a hidden Markov filter: it fades towards what shelves are like in general while time
passes, and every frame that shows the place multiplies it by how likely that frame's word is.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import InputError, Layout, Level, ShelfState
from vision.audit import audit
from vision.behind import DEEPEST, columns
from vision.count import UnitChances
from vision.evidence import LEAST_WRONG, PRIOR, WORDS, Evidence, normalised
from vision.fuse import rows_together
from vision.readings import PlaceReadings, PlaceState, Reading

Floats = NDArray[np.float64]

OPEN_SECONDS = 14 * 3600.0
"""Seconds a day in which products are sold; assumed, as for a shop open from 7 to 21 o'clock."""
SLOWEST = 1 / 86400.0
"""A place changes at least once a day: shelves are filled over night."""
STALE = 60.0
"""Seconds after which a camera's last frame says nothing of now. A shopper stands 4 to 14 s at a stop."""
HALF = 0.5
"""The share of its front row that has to be seen for a position to be known, as in the scores."""
LIKELY = 0.5
"""How likely own packs have to stand behind a foreign one for it to be said that it may hide some."""
EMPTY, OWN, FOREIGN = range(len(WORDS))


@dataclass
class _Glance:
    """One camera: the time of its last frame, when it last saw each place (P,), NaN for never, and what it then said
    of the rows behind (columns, DEEPEST), as `PlaceReadings.behind`."""

    time: float
    seen_at: Floats
    behind: Floats

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Which places its last frame saw."""
        return self.seen_at == self.time


@dataclass(eq=False)
class Memory:
    """What is known of a layout's places. Not safe for several threads at once.

    `seen_at` (P,) is when each place was last seen and `known_at` (Q,) when each position last was known (seconds,
    NaN for never; infinity while it still is). `intruder` (P,) is the foreign SKU that most frames named, `votes` (P,)
    by how much. `hides` (P,) is how likely own packs stand behind a foreign one, if one is in front: likely where one
    was put before them, and not where it fills a gap.
    """

    layout: Layout
    evidence: Evidence = field(default_factory=Evidence.load)

    def __post_init__(self) -> None:
        places, positions = len(self.layout.places), self.layout.planogram.positions
        self.time = -np.inf
        self._then: Floats = np.tile(PRIOR, (places, 1))  # what was believed of each place when it was last seen
        self._faded: tuple[float, Floats] | None = None
        self.seen_at: Floats = np.full(places, np.nan)
        self.known_at: Floats = np.full(len(positions), np.nan)
        self.intruder: NDArray[np.object_] = np.full(places, None, object)
        self.votes: Floats = np.zeros(places)
        self.hides: Floats = np.zeros(places)
        self._glances: dict[str, _Glance] = {}
        self._columns = columns(self.layout)
        self._bays = bays_of(self.layout)
        self._chances = UnitChances(self.layout)
        self._own = np.array([p.sku for p in positions], object)[self.layout.places.position]
        self._starts = np.cumsum([0, *(p.facings for p in positions)])
        rate = [max(SLOWEST, self.layout.product(p).daily_units / OPEN_SECONDS / p.facings / p.deep) for p in positions]
        self._rate = np.array(rate)[self.layout.places.position]

    @property
    def belief(self) -> Floats:
        """Probabilities (P, 3) of WORDS as they have faded until now: at a place's rate it is as if it were filled
        anew, as shelves are in general. A place of a position that holds C units and sells s a second runs empty every
        C ÷ s seconds. What was believed when a place was last seen is kept as it was, so that only what a frame shows
        changes."""
        if self._faded is None or self._faded[0] != self.time:
            self._faded = self.time, PRIOR + (self._then - PRIOR) * self._kept()[:, None]
        return self._faded[1]

    def _kept(self) -> Floats:
        """How likely each place (P,) is as it was when it was last seen."""
        since = np.where(np.isfinite(self.seen_at), self.time - self.seen_at, 0.0)
        return np.asarray(np.exp(-self._rate * since))

    def update(self, readings: Sequence[Reading], time: float | None = None) -> tuple[ShelfState, ...]:
        """Take in what one or several cameras read and return the state of every position, in plan order.

        All times are on one clock. A reading without places, or not newer than the camera's last one,
        adds nothing. `time` is now; without it, the newest reading's.

        A position of which less than half the front row is seen is `unknown`; its facings, units, intruder
        and `last_level` are then those last known, `age` seconds ago, and its confidence has faded since.
        """
        for reading in sorted(readings, key=lambda r: r.time):
            if reading.places is not None:
                self._take(str(reading.camera), reading.time, reading.places)
        if time is not None:
            self._pass(time)
        return self._states()

    def _take(self, camera: str, time: float, places: PlaceReadings) -> None:
        if len(places) != len(self.layout.places):
            raise ValueError(f"{len(places)} places read; expected the {len(self.layout.places)} of the layout")
        glance = self._glances.setdefault(camera, self._blank(-np.inf))
        if time <= glance.time:
            return
        self._pass(time)
        seen = places.judged
        said = self.evidence.log_likelihood(places, LEAST_WRONG) * self.evidence.weight(time - glance.seen_at)[:, None]
        found = normalised(np.log(self.belief) + said)
        posterior = self.evidence.bounded(found)
        stayed = self._then[:, FOREIGN] * self._kept()
        hides = _hides(self.hides, stayed, self.belief[:, FOREIGN], self._then)
        self.hides[seen] = _hides(hides, found[:, FOREIGN], posterior[:, FOREIGN], found)[seen]
        self._then[seen] = posterior[seen]
        self.seen_at[seen], self._faded = self.time, None
        glance.seen_at[seen] = glance.time = time
        if places.behind is not None:
            news = seen[self._columns]
            glance.behind[news] = np.round(places.behind[news], 2)
        self._name(places)

    def _blank(self, time: float) -> _Glance:
        return _Glance(time, np.full(len(self.seen_at), np.nan), np.zeros((len(self._columns), DEEPEST)))

    def contradiction(self, places: PlaceReadings) -> float:
        """The share of the places that a frame saw, and that something sure is believed of, of which it says another
        thing; 0 where there are none."""
        believed = self.places().state
        both = (believed != PlaceState.UNSEEN) & places.judged
        return float((believed != places.state)[both].mean()) if both.any() else 0.0

    def _pass(self, time: float) -> None:
        """Let time pass, which never goes back."""
        if time > self.time:
            # What was known until the moment before is so no more, unless it is found to be again.
            self.known_at[np.isinf(self.known_at)] = self.time
            self.time = time

    def _name(self, places: PlaceReadings) -> None:
        """Majority vote on the foreign SKU (Boyer and Moore 1981), weighted by confidence."""
        for p in np.flatnonzero(places.state == PlaceState.FOREIGN):
            vote = float(places.confidence[p])
            if places.sku[p] == self.intruder[p]:
                self.votes[p] += vote
            elif vote > self.votes[p]:
                self.intruder[p], self.votes[p] = str(places.sku[p]), vote - self.votes[p]
            else:
                self.votes[p] -= vote

    def places(self) -> PlaceReadings:
        """The places as they are believed to be; UNSEEN where nothing is sure enough to be said."""
        best = self.belief.argmax(axis=1)
        sure = (self.belief.max(axis=1) >= self.evidence.sure) & np.isfinite(self.seen_at)
        state = np.where(sure, np.array(WORDS)[best], PlaceState.UNSEEN).astype(np.int8)
        sku = np.where(
            state == PlaceState.OWN,
            self._own,
            np.where(state == PlaceState.FOREIGN, self.intruder, np.array(None, object)),
        )
        confidence = np.where(sure, self.belief.max(axis=1), 0).astype(np.float32)
        behind = rows_together([g.behind for g in self._glances.values()])
        hides = (state == PlaceState.FOREIGN) & (self.hides >= LIKELY) & ~self._below(state == PlaceState.EMPTY)
        return PlaceReadings(state, sku, confidence, np.zeros(len(state), np.float32), behind, hides=hides)

    def _below(self, empty: NDArray[Any]) -> NDArray[Any]:
        """Of each place (P,) what `empty` (P,) says of the one that its pack stands on; 0 on the board. What is seen
        over an empty place stands elsewhere."""
        return np.where(self.layout.places.level > 0, np.roll(empty, 1), empty.dtype.type(0))

    def _states(self) -> tuple[ShelfState, ...]:
        fresh = [g.seen for g in self._glances.values() if self.time - g.time <= STALE]
        seen = np.any(fresh, axis=0) if fresh else np.zeros(len(self.seen_at), bool)
        places, starts = self.places(), self._starts[:-1]
        own_seen = np.logical_or.reduceat(seen & (places.state == PlaceState.OWN), starts)
        known = (np.add.reduceat(seen.astype(float), starts) / np.diff(self._starts) >= HALF) | own_seen
        self.known_at[known] = np.inf
        ever = np.isfinite(self.seen_at)
        some_own = self.belief[:, OWN] + self.belief[:, FOREIGN] * self.hides * (1 - self._below(self.belief[:, EMPTY]))
        nothing_own = np.multiply.reduceat(np.where(ever, 1 - some_own, 1), starts)
        all_ever = np.logical_and.reduceat(ever, starts)
        states = []
        for i, state in enumerate(audit(self.layout, places, self._chances)):
            level, confidence = self._level(state.level, float(nothing_own[i]), bool(all_ever[i]))
            age = float(self.time - self.known_at[i]) if not known[i] and np.isfinite(self.known_at[i]) else 0.0
            now: Level = level if known[i] else "unknown"
            states.append(  # `replace` takes five times as long, and there are a thousand of them
                ShelfState(
                    state.position, now, state.facings, state.units, state.intruder, confidence, age, state.units_low,
                    state.units_high, state.intruder_confidence, level,
                )
            )  # fmt: skip
        return tuple(states)

    def _level(self, judged: Level, nothing_own: float, all_ever: bool) -> tuple[Level, float]:
        """The level and how probable it is. Out needs every place, and that none of all holds an own pack, be it behind
        a foreign one."""
        if judged in ("in_stock", "low"):
            return judged, 1 - nothing_own
        if all_ever and nothing_own >= self.evidence.sure_out:
            return "out", nothing_own
        return "unknown", 0.0

    def as_plain(self) -> dict[str, Any]:
        """All that is known, as JSON holds it, by bay: what no frame has shown since last time is the same text
        again."""
        cameras = {camera: glance.time for camera, glance in self._glances.items()}
        time = self.time if np.isfinite(self.time) else None
        return {"time": time, "cameras": cameras, "bays": {bay.name: self._bay(bay) for bay in self._bays}}

    def _bay(self, bay: Bay) -> dict[str, Any]:
        places, columns = bay.places, bay.columns
        named = {str(i): str(self.intruder[p]) for i, p in enumerate(places) if self.intruder[p] is not None}
        seen_by = {c: g for c, g in self._glances.items() if np.isfinite(g.seen_at[places]).any()}
        return {
            "positions": bay.positions, "belief": packed(self._then[places]), "seen_at": packed(self.seen_at[places]),
            "known_at": packed(self.known_at[bay.rows]), "votes": packed(self.votes[places]), "intruder": named,
            "hides": packed(self.hides[places]),
            "seen_by": {c: [packed(g.seen_at[places]), packed(g.behind[columns])] for c, g in seen_by.items()},
        }  # fmt: skip

    @staticmethod
    def from_plain(data: Any, layout: Layout, where: str, evidence: Evidence | None = None) -> Memory:
        """Take up what `as_plain` gave. Positions whose product or number of places the plan has changed since
        begin anew. Raises InputError for what is not such a memory; `where` names it."""
        memory = Memory(layout, evidence or Evidence.load())
        try:
            memory._restore(data)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{where}: {type(error).__name__} {error}; expected a memory of shelves") from None
        return memory

    def _restore(self, data: dict[str, Any]) -> None:
        self.time = -np.inf if data["time"] is None else float(data["time"])
        for camera, time in data["cameras"].items():
            self._glances[camera] = self._blank(float(time))
        home = {p.id: i for i, p in enumerate(self.layout.planogram.positions)}
        for bay in data["bays"].values():
            self._restore_bay(bay, home)

    def _restore_bay(self, bay: dict[str, Any], home: dict[str, int]) -> None:
        planned, column = self.layout.planogram.positions, self._column_starts()
        facings, wide = ([int(row[k]) for row in bay["positions"]] for k in (2, 3))
        starts, columns = (np.cumsum([0, *n]) for n in (facings, wide))
        belief = unpacked(bay["belief"], len(WORDS))
        seen_at, known_at, votes = (unpacked(bay[k], 0) for k in ("seen_at", "known_at", "votes"))
        hides = unpacked(bay["hides"], 0) if "hides" in bay else np.zeros(len(votes))  # states kept before it was there
        intruder = np.full(int(starts[-1]), None, object)
        for place, sku in bay["intruder"].items():
            intruder[int(place)] = str(sku)
        glances = {c: (unpacked(a, 0), unpacked(b, DEEPEST)) for c, (a, b) in bay["seen_by"].items()}
        for k, (id, sku, _, _) in enumerate(bay["positions"]):
            i = home.get(id, -1)
            if i < 0 or (planned[i].sku, planned[i].facings, planned[i].wide) != (sku, facings[k], wide[k]):
                continue
            here, there = slice(self._starts[i], self._starts[i + 1]), slice(starts[k], starts[k + 1])
            self._then[here], self.seen_at[here], self.hides[here] = belief[there], seen_at[there], hides[there]
            self.known_at[i], self.votes[here], self.intruder[here] = known_at[k], votes[there], intruder[there]
            for camera, (by, behind) in glances.items():
                self._glances[camera].seen_at[here] = by[there]
                self._glances[camera].behind[column[i] : column[i + 1]] = behind[columns[k] : columns[k + 1]]

    def _column_starts(self) -> NDArray[np.int64]:
        return np.cumsum([0, *(p.wide for p in self.layout.planogram.positions)])


def _hides(hides: Floats, stayed: Floats, foreign: Floats, before: Floats) -> Floats:
    """How likely a foreign pack hides own ones (P,), where such a pack is now as likely as `foreign` says, and `stayed`
    of that is not new. A new one stands before what there was in the belief (P, 3) `before`."""
    came = np.maximum(foreign - stayed, 0)
    own = before[:, OWN] / (before[:, OWN] + before[:, EMPTY])
    return np.asarray((stayed * hides + came * own) / (stayed + came))


@dataclass(frozen=True, eq=False)
class Bay:
    """What of the arrays belongs to one fixture: rows of positions, places and columns; `positions` has id, SKU,
    facings and columns of each."""

    name: str
    positions: list[list[Any]]
    rows: NDArray[np.int64]
    places: NDArray[np.int64]
    columns: NDArray[np.int64]


def bays_of(layout: Layout) -> list[Bay]:
    """All fixtures that have positions, in the order of the store."""
    positions = layout.planogram.positions
    of_column = layout.places.position[columns(layout)]
    found = []
    for fixture in layout.store.fixtures:
        rows = np.array([i for i, p in enumerate(positions) if p.fixture == fixture.id], np.int64)
        if len(rows):
            said = [[positions[i].id, positions[i].sku, positions[i].facings, positions[i].wide] for i in rows]
            places, in_columns = (np.flatnonzero(np.isin(owner, rows)) for owner in (layout.places.position, of_column))
            found.append(Bay(fixture.id, said, rows, places, in_columns))
    return found


def packed(values: Floats) -> str:
    """Numbers as text, to the last bit, in the time that it takes to copy them."""
    return base64.b64encode(np.ascontiguousarray(values, "<f8").tobytes()).decode()


def unpacked(text: str, width: int) -> Floats:
    """What `packed` gave, (N,) or, with a width, (N, width). Raises ValueError."""
    values = np.frombuffer(base64.b64decode(text, validate=True), "<f8").astype(float)
    return values.reshape(-1, width) if width else values
