"""Memory: what is believed about every place, from all frames of all cameras until now.

Each front-row place holds its own product, nothing, or a foreign one. A belief over the three is kept
for each place, as a hidden Markov filter: it fades towards what shelves are like in general while time
passes, and every frame that shows the place multiplies it by how likely that frame's word is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import InputError, Layout, Level, ShelfState
from vision.audit import audit
from vision.behind import DEEPEST, columns
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

    `belief` (P, 3) are probabilities of WORDS, `seen_at` (P,) when each place was last seen and
    `known_at` (Q,) when each position last was (seconds, NaN for never). `intruder` (P,) is the foreign
    SKU that most frames named, `votes` (P,) by how much.
    """

    layout: Layout
    evidence: Evidence = field(default_factory=Evidence.load)

    def __post_init__(self) -> None:
        places, positions = len(self.layout.places), self.layout.planogram.positions
        self.time = -np.inf
        self.belief: Floats = np.tile(PRIOR, (places, 1))
        self.seen_at: Floats = np.full(places, np.nan)
        self.known_at: Floats = np.full(len(positions), np.nan)
        self.intruder: NDArray[np.object_] = np.full(places, None, object)
        self.votes: Floats = np.zeros(places)
        self._glances: dict[str, _Glance] = {}
        self._columns = columns(self.layout)
        self._starts = np.cumsum([0, *(p.facings for p in positions)])
        rate = [max(SLOWEST, self.layout.product(p).daily_units / OPEN_SECONDS / p.facings / p.deep) for p in positions]
        self._rate = np.array(rate)[self.layout.places.position]

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
        posterior = self.evidence.bounded(normalised(np.log(self.belief) + said))
        self.belief = np.where(seen[:, None], posterior, self.belief)
        self.seen_at[seen] = glance.seen_at[seen] = glance.time = time
        if places.behind is not None:
            news = seen[self._columns]
            glance.behind[news] = np.round(places.behind[news], 2)
        self._name(places)

    def _blank(self, time: float) -> _Glance:
        return _Glance(time, np.full(len(self.belief), np.nan), np.zeros((len(self._columns), DEEPEST)))

    def contradiction(self, places: PlaceReadings) -> float:
        """The share of the places that a frame saw, and that something sure is believed of, of which it says another
        thing; 0 where there are none."""
        believed = self.places().state
        both = (believed != PlaceState.UNSEEN) & places.judged
        return float((believed != places.state)[both].mean()) if both.any() else 0.0

    def _pass(self, time: float) -> None:
        """Let time pass: at a place's rate it is as if it were filled anew, as shelves are in general.

        A place of a position that holds C units and sells s a second runs empty every C ÷ s seconds."""
        if time > self.time:
            if np.isfinite(self.time):
                kept = np.exp(-self._rate * (time - self.time))[:, None]
                self.belief = PRIOR + (self.belief - PRIOR) * kept
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
        own = np.array([p.sku for p in self.layout.planogram.positions], object)[self.layout.places.position]
        sku = np.where(
            state == PlaceState.OWN, own, np.where(state == PlaceState.FOREIGN, self.intruder, np.array(None, object))
        )
        confidence = np.where(sure, self.belief.max(axis=1), 0).astype(np.float32)
        behind = rows_together([g.behind for g in self._glances.values()])
        return PlaceReadings(state, sku, confidence, np.zeros(len(state), np.float32), behind)

    def _states(self) -> tuple[ShelfState, ...]:
        fresh = [g.seen for g in self._glances.values() if self.time - g.time <= STALE]
        seen = np.any(fresh, axis=0) if fresh else np.zeros(len(self.belief), bool)
        places, starts = self.places(), self._starts[:-1]
        own_seen = np.logical_or.reduceat(seen & (places.state == PlaceState.OWN), starts)
        known = (np.add.reduceat(seen.astype(float), starts) / np.diff(self._starts) >= HALF) | own_seen
        self.known_at[known] = self.time
        ever = np.isfinite(self.seen_at)
        nothing_own = np.multiply.reduceat(np.where(ever, 1 - self.belief[:, WORDS.index(PlaceState.OWN)], 1), starts)
        all_ever = np.logical_and.reduceat(ever, starts)
        states = []
        for i, state in enumerate(audit(self.layout, places)):
            level, confidence = self._level(state.level, float(nothing_own[i]), bool(all_ever[i]))
            age = 0.0 if known[i] or np.isnan(self.known_at[i]) else float(self.time - self.known_at[i])
            now: Level = level if known[i] else "unknown"
            states.append(replace(state, level=now, last_level=level, confidence=confidence, age=age))
        return tuple(states)

    def _level(self, judged: Level, nothing_own: float, all_ever: bool) -> tuple[Level, float]:
        """The level and how probable it is. Out needs every place, and that none of all holds an own pack."""
        if judged in ("in_stock", "low"):
            return judged, 1 - nothing_own
        if all_ever and nothing_own >= self.evidence.sure_out:
            return "out", nothing_own
        return "unknown", 0.0

    def as_plain(self) -> dict[str, Any]:
        """All that is known, as JSON holds it."""
        positions, column = {}, self._column_starts()
        for i, p in enumerate(self.layout.planogram.positions):
            here, cells = slice(self._starts[i], self._starts[i + 1]), slice(column[i], column[i + 1])
            positions[p.id] = {
                "sku": p.sku, "belief": self.belief[here].tolist(), "seen_at": _plain(self.seen_at[here]),
                "known_at": _plain(self.known_at[i : i + 1])[0], "intruder": self.intruder[here].tolist(),
                "votes": self.votes[here].tolist(),
                "seen_by": {c: _plain(g.seen_at[here]) for c, g in self._glances.items()},
                "behind": {c: g.behind[cells].tolist() for c, g in self._glances.items()},
            }  # fmt: skip
        cameras = {camera: glance.time for camera, glance in self._glances.items()}
        time = self.time if np.isfinite(self.time) else None
        return {"time": time, "cameras": cameras, "positions": positions}

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
        column = self._column_starts()
        for i, p in enumerate(self.layout.planogram.positions):
            row, here = data["positions"].get(p.id), slice(self._starts[i], self._starts[i + 1])
            if row is None or row["sku"] != p.sku or len(row["belief"]) != p.facings:
                continue
            self.belief[here] = np.array(row["belief"], float).reshape(-1, len(WORDS))
            self.seen_at[here] = np.array(row["seen_at"], float)
            self.known_at[i] = np.nan if row["known_at"] is None else row["known_at"]
            self.intruder[here], self.votes[here] = row["intruder"], row["votes"]
            for camera, seen_at in row["seen_by"].items():
                self._glances[camera].seen_at[here] = np.array(seen_at, float)
                self._glances[camera].behind[column[i] : column[i + 1]] = row["behind"][camera]

    def _column_starts(self) -> NDArray[np.int64]:
        return np.cumsum([0, *(p.wide for p in self.layout.planogram.positions)])


def _plain(times: Floats) -> list[float | None]:
    return [None if t != t else t for t in times.tolist()]  # a NaN is not equal to itself
