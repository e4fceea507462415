"""Inventory: how many units every position holds, from all that cameras, RFID, tills, stock records and scales say.

The belief about a position is the product of few words: what was believed before its shelf was last filled, and the
newest word of each source since, every one carried forward to now by what is known, or likely, to have left. A source
that looks twice at the same shelf makes the same mistake twice, so its newest word takes the place of the one before.
What a silent source would have told is made up for by wider words: nothing is taken for certain because it was not
said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios import Layout
from vision.count import TAIL
from vision.moves import carried_belief, carried_word, filled, leaving_chances
from vision.unit_words import (
    Floats,
    Ints,
    Room,
    Trust,
    before_all,
    from_facings,
    from_masses,
    from_records,
    from_tags,
)  # fmt: skip

SOURCES = ("vision", "rfid", "pos", "records", "scales")
SPEAKING = ("vision", "rfid", "records", "scales")
"""Sources that say how many units there are; the tills say what has left."""


@dataclass(eq=False)
class _Word:
    """A source's newest words: when each position (Q,) was spoken of (NaN for never), the likelihood then (Q, N + 1),
    and what the tills have told of since: units that have left for `sure` (Q,), and others that `may` have (Q,)."""

    time: Floats
    likelihood: Floats
    sure: Ints
    may: Floats

    @staticmethod
    def none(room: Room) -> _Word:
        positions = len(room.capacity)
        flat = room.fits.astype(float)
        return _Word(np.full(positions, np.nan), flat, np.zeros(positions, np.int64), np.zeros(positions))

    def speak(self, time: float, likelihood: Floats, rows: NDArray[np.bool_]) -> None:
        self.time[rows], self.likelihood[rows] = time, likelihood[rows]
        self.sure[rows], self.may[rows] = 0, 0.0


@dataclass(frozen=True, eq=False)
class Belief:
    """What is believed of all positions (Q,) at `time`: the `chances` (Q, N + 1) of every number of units; their
    median, and the ends of the 90 % interval; the `record`, as the books have it now (NaN where they say nothing).
    `words`: each source's own likelihood (Q, N + 1), carried forward, "before" being what was believed of old."""

    time: float
    chances: Floats
    units: Floats
    low: Floats
    high: Floats
    record: Floats
    words: Mapping[str, Floats]


class Inventory:
    """All that is believed of a layout's positions. Times are seconds of one clock; not for several threads at once.

    `rates` (Q,) are the units a second that a position sells on average, `tag_shares` (Q,) the share of its tags that
    a sweep reads on average. `sources` are those that are listened to; others are taken for silent. What makes no sense
    is counted in `ignored`, by what was wrong with it. Of a SKU that stands in several positions, what tills, tags and
    records say is split among them by the units that they hold.
    """

    def __init__(
        self, layout: Layout, rates: Floats, tag_shares: Floats, pack_masses: Floats | None = None,
        trust: Trust | None = None, sources: Collection[str] = SOURCES,
    ) -> None:  # fmt: skip
        unknown = sorted(set(sources) - set(SOURCES))
        if unknown:
            raise ValueError(f"source {unknown[0]!r}; expected some of {', '.join(SOURCES)}")
        self.trust, self.room, self.sources = trust or Trust(), Room.of(layout), frozenset(sources)
        positions = layout.planogram.positions
        self.rates, self.tag_shares = np.asarray(rates, float), np.asarray(tag_shares, float)
        self.masses = np.ones(len(positions)) if pack_masses is None else np.asarray(pack_masses, float)
        self.ignored: Counter[str] = Counter()
        self._rows: dict[str, list[int]] = {}
        for row, position in enumerate(positions):
            self._rows.setdefault(position.sku, []).append(row)
        self._row = {p.id: row for row, p in enumerate(positions)}
        self._share = np.ones(len(positions))
        for rows in self._rows.values():
            self._share[rows] = self.room.capacity[rows] / self.room.capacity[rows].sum()
        self._words = {source: _Word.none(self.room) for source in SPEAKING}
        self._before = _Word.none(self.room)
        self._before.speak(0.0, before_all(self.room, self.trust), np.ones(len(positions), bool))
        self._tills_until = 0.0
        self._books_until = 0.0
        self._last_sweep = -np.inf
        self._record = np.full(len(positions), np.nan)

    def see(self, time: float, own: Ints, seen: Ints) -> None:
        """The cameras: facings of its own SKU that were counted (Q,) at the places that were seen (Q,), as the memory
        of all cameras has them; where none was seen, the last word stands."""
        if "vision" in self.sources:
            word = from_facings(self.room, own, seen, self.trust)
            self._hear("vision", time, word, seen > 0)

    def sweep(self, time: float, epc: NDArray[np.int64], sku: NDArray[np.object_]) -> None:
        """An RFID sweep: tags and the SKUs in them (N,). A tag that is reported twice counts once; a sweep that comes
        twice, or late, is ignored."""
        if "rfid" not in self.sources:
            return
        if time <= self._last_sweep:
            self.ignored["duplicate or late RFID sweep"] += 1
            return
        self._last_sweep = time
        _, first = np.unique(epc, return_index=True)
        counts = Counter(str(s) for s in sku[first])
        self.ignored["unknown SKU"] += sum(n for s, n in counts.items() if s not in self._rows)
        word = from_tags(self.room, self._split(counts, 0), self.tag_shares, self.trust)
        self._hear("rfid", time, word, np.ones(len(self._share), bool))

    def tills(self, time: float, scanned: Iterable[tuple[float, str, int]]) -> None:
        """A batch of the POS feed that arrives at `time`: units of SKUs, and when they were scanned. An empty one says
        that nothing was."""
        if "pos" not in self.sources:
            return
        for when, sku, units in scanned:
            rows = self._rows.get(sku)
            problem = None if rows else "unknown SKU"
            problem = "negative sale" if units < 0 else "sale in the future" if not when <= time else problem
            if problem or rows is None:
                self.ignored[problem or "unknown SKU"] += 1
                continue
            self._record[rows] -= units * self._share[rows]
            for word in (self._before, *self._words.values()):
                since = when - word.time[rows]
                taken = np.clip(np.nan_to_num(since, nan=0.0) / self.trust.walk, 0, 1)
                sure = (taken == 1) & (len(rows) == 1)
                word.sure[rows] += np.where(sure, units, 0)
                word.may[rows] += np.where(sure, 0.0, taken * units * self._share[rows])
        self._tills_until = max(self._tills_until, time)

    def records(self, time: float, units: Mapping[str, int]) -> None:
        """What the stock records say of SKUs when the store opens; a negative one is ignored."""
        if "records" not in self.sources:
            return
        sane = {sku: n for sku, n in units.items() if sku in self._rows and n >= 0}
        self.ignored["unknown SKU"] += sum(sku not in self._rows for sku in units)
        self.ignored["negative stock"] += sum(sku in self._rows and n < 0 for sku, n in units.items())
        record = self._split(sane, -1)
        self._record = np.where(record < 0, np.nan, record)
        self._hear("records", time, from_records(self.room, record, self.trust), record >= 0)

    def books_until(self, time: float) -> None:
        """The books are heard, and all that they know of until `time` was told."""
        if "records" in self.sources:
            self._books_until = max(self._books_until, time)

    def booked(self, time: float, position: str, units: int) -> None:
        """Staff have put `units` into a position at `time`, as the books have it. What was said before then becomes
        what was believed of old, and a new chapter begins."""
        if "records" not in self.sources:
            return
        if position not in self._row or units < 0:
            self.ignored["unknown position" if position not in self._row else "negative booking"] += 1
            return
        row = self._row[position]
        time = max(time, float(self._before.time[row]))
        belief = self._product(time, np.array([row]), before=time)[0]
        self._begin(time, row, filled(belief[0], self.room, units, row, self.trust))
        self._record[row] += units

    def counted(self, time: float, position: str, units: int) -> None:
        """Staff have counted the units of its own SKU in a position at `time`. A new chapter begins, and the books say
        as many."""
        row = self._row.get(position)
        if row is None or not 0 <= units <= self.room.capacity[row]:
            self.ignored["unknown position" if row is None else "count without room"] += 1
            return
        self._begin(max(time, float(self._before.time[row])), row, np.eye(self.room.most + 1)[units])
        if "records" in self.sources:
            self._record[row] = units

    def _begin(self, time: float, row: int, chances: Floats) -> None:
        """A new chapter of one row: what was said before `time` is forgotten for `chances` (N + 1,)."""
        here = np.arange(len(self._share)) == row
        for word in self._words.values():
            if word.time[row] < time:
                word.speak(np.nan, self.room.fits.astype(float), here)
        after = np.zeros_like(self._before.likelihood)
        after[row] = chances
        self._before.speak(time, after, here)

    @property
    def record(self) -> Floats:
        """What the books say of every position (Q,) now: at opening, with what was booked, less what was scanned; NaN
        where they say nothing."""
        return self._record.copy()

    def weighed(self, time: float, mass: Floats) -> None:
        """Scales: kilograms on every position (Q,), NaN where there is no scale."""
        if "scales" in self.sources:
            self._hear("scales", time, from_masses(self.room, mass, self.masses, self.trust), np.isfinite(mass))

    def belief(self, time: float) -> Belief:
        """What is believed at a moment, which is not before any word."""
        chances, words = self._product(time, np.arange(len(self._share)))
        cumulative = np.cumsum(chances, axis=1)
        low, middle, high = (
            np.argmax(cumulative >= share - 1e-9, axis=1).astype(float) for share in (TAIL, 0.5, 1 - TAIL)
        )
        return Belief(time, chances, middle, low, high, self.record, words)

    def _hear(self, source: str, time: float, word: Floats, rows: NDArray[np.bool_]) -> None:
        """Take a word, but where the position was filled, or spoken of by the source, later than that."""
        old = self._words[source].time
        late = (time < old) | (time < self._before.time)
        if (late & rows).all() and rows.any():
            self.ignored["time runs backwards"] += 1
        self._words[source].speak(time, word, rows & ~late)

    def _split(self, counts: Mapping[str, int], missing: int) -> Ints:
        """What is said of SKUs, for their positions (Q,)."""
        found = np.full(len(self._share), missing, np.int64)
        for sku, count in counts.items():
            rows = self._rows.get(sku, [])
            found[rows] = np.round(count * self._share[rows]).astype(np.int64)
        return found

    def _product(self, time: float, rows: Ints, before: float = np.inf) -> tuple[Floats, dict[str, Floats]]:
        """The belief (R, N + 1) about some rows at a moment, from the words that were spoken before then, and each of
        them, carried forward."""
        room = self.room.rows(rows)
        words: dict[str, Floats] = {}
        for source, word in (("before", self._before), *self._words.items()):
            said = (np.isfinite(word.time[rows]) & (word.time[rows] < before)) | (source == "before")
            if not said.any():
                words[source] = np.ones((len(rows), room.most + 1))
                continue
            leaving, refilled = self._moved(time, np.where(said, word.time[rows], time), rows, word.may[rows])
            carry = carried_belief if source == "before" else carried_word
            now = carry(word.likelihood[rows], room, word.sure[rows], leaving, refilled)
            words[source] = np.where(said[:, None], now, 1.0)
        wrong = self.trust.before_wrong
        words["before"] = (1 - wrong) * words["before"] + wrong * room.fits / (room.capacity[:, None] + 1)
        chances = np.prod(list(words.values()), axis=0)
        return chances / chances.sum(axis=1, keepdims=True), words

    def _moved(self, time: float, since: Floats, rows: Ints, may: Floats) -> tuple[Floats, Floats]:
        """What may have left unnoticed since (R,) then, as chances (R, N + 1), and the chance (R,) of a filling that
        nobody has booked yet."""
        trust, rate = self.trust, self.rates[rows]
        # Whose units are in a cart has not been at the till: of the last `walk` seconds the tills know ever less.
        known = np.maximum(since - (self._tills_until - trust.walk), 0)
        carts = np.where(known < trust.walk, (trust.walk**2 - np.minimum(known, trust.walk) ** 2) / (2 * trust.walk), 0)
        carts = np.where(since < self._tills_until, carts, 0.0)
        unheard = np.maximum(time - np.maximum(since, self._tills_until), 0) + carts
        age = np.maximum(time - since, 0)
        losses = 1 - np.exp(-trust.lost / trust.lost_units * rate * age)
        unbooked = np.maximum(time - np.maximum(since, self._books_until - trust.late), 0)
        refilled = 1 - np.exp(-rate / self.room.capacity[rows] * unbooked)
        return leaving_chances(self.room.most, rate * unheard + may, losses, trust), refilled
