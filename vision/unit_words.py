"""Words: what a source says of how many units a position holds, as the likelihood of every number of units.

All arrays are (Q, N + 1): a row for each position, a column for every number of units from 0 to the most that any
position holds; numbers that a position has no room for are 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from scenarios import Layout

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Trust:
    """How far each source is to be trusted; a store that has measured its own puts them here."""

    facing_missed: float = 0.02
    """Share of the own packs in front that are not counted: 17 of 2,653 words of the shipped networks on training
    stores (`weights/evidence.json`), raised to `LEAST_WRONG` of `vision.evidence`."""
    facing_invented: float = 0.04
    """Share of the places without an own pack that are counted as one: 25 of 754 empty ones, from the same file."""
    vision_wrong: float = 0.02
    """Chance that all that the cameras say of a position is worth nothing; so for tags and scales. It keeps a single
    source from being certain. All assumed, as `LEAST_WRONG` is."""
    tags_wrong: float = 0.02
    scales_wrong: float = 0.02
    before_wrong: float = 0.01
    """The same of what was believed before a filling (assumed)."""
    tags_alike: float = 20.0
    """How alike the tags of one position are, as the size of a beta distribution (assumed)."""
    stray: float = 0.02
    """Foreign tags of a SKU in a sweep, on average (assumed)."""
    record_wrong: float = 0.60
    """Share of the records that are wrong before the day begins (Rekik, Syntetos and Glock, Inventory Inaccuracy in
    Retailing: Does it Matter?, ECR 2019)."""
    record_units: float = 3.0
    """By how many units, on average (assumed)."""
    walk: float = 600.0
    """The most seconds from the shelf to the till (assumed)."""
    late: float = 300.0
    """Seconds until a filling is booked (assumed)."""
    lost: float = 0.013
    """Units that leave without being scanned for every unit sold: 1.0 % stolen (National Retail Federation, National
    Retail Security Survey 2023), the rest damaged (assumed)."""
    lost_units: float = 2.0
    """How many leave together, on average (assumed)."""
    short: float = 0.05
    """Share of the fillings that are not what is booked (assumed)."""
    pack: float = 0.01
    """Spread of a pack's mass, as a share of it (assumed)."""
    zero: float = 0.02
    """Spread of a scale's zero, kg (assumed)."""
    out: float = 0.083
    """Share of the positions that are empty when nothing is known (Gruen, Corsten and Bharadwaj, Retail Out-of-Stocks,
    2002)."""


@dataclass(frozen=True, eq=False)
class Room:
    """What positions (Q,) hold at most: `capacity` in units, and columns `wide`, packs `high` and `deep`. `most` is the
    N of all arrays."""

    capacity: Ints
    wide: Ints
    high: Ints
    deep: Ints
    most: int

    @staticmethod
    def of(layout: Layout) -> Room:
        size = np.array([[p.wide, p.high, p.deep] for p in layout.planogram.positions], np.int64).reshape(-1, 3)
        capacity = size.prod(axis=1)
        return Room(capacity, size[:, 0], size[:, 1], size[:, 2], int(capacity.max(initial=0)))

    def rows(self, rows: Ints) -> Room:
        """The room of some positions only."""
        return Room(self.capacity[rows], self.wide[rows], self.high[rows], self.deep[rows], self.most)

    @property
    def fits(self) -> NDArray[np.bool_]:
        """(Q, N + 1) which numbers of units a position has room for."""
        return np.arange(self.most + 1) <= self.capacity[:, None]


def before_all(room: Room, trust: Trust) -> Floats:
    """What is believed when nothing is known: empty as often as shelves are, and else any number alike."""
    chances = room.fits * ((1 - trust.out) / room.capacity)[:, None]
    chances[:, 0] = trust.out
    return chances


def from_facings(room: Room, own: Ints, seen: Ints, trust: Trust) -> Floats:
    """From the facings of its own SKU (Q,) that were counted at the places (Q,) that were seen of each position.

    Units stand in the columns as if they had fallen by lot into the position's places and been pulled forward.
    """
    word = np.zeros((len(own), room.most + 1))
    hit, invented = 1 - trust.facing_missed, trust.facing_invented
    for q, size in enumerate(zip(room.wide.tolist(), room.high.tolist(), room.deep.tolist())):
        n = min(int(seen[q]), size[0] * size[1])
        column = _counted(*size, n, hit, invented)[:, min(int(own[q]), n)]
        word[q, : len(column)] = column
    return _blunt(word, room, trust.vision_wrong)


@lru_cache(maxsize=4096)
def _counted(wide: int, high: int, deep: int, seen: int, hit: float, invented: float) -> Floats:
    """The chance (units + 1, seen + 1) of every number of own facings counted among the places seen."""
    return np.asarray(facing_chances(wide, high, deep) @ _seen_chances(wide * high, seen, hit, invented))


@lru_cache(maxsize=512)
def facing_chances(wide: int, high: int, deep: int) -> Floats:
    """The chance (wide × high × deep + 1, wide × high + 1) of every number of facings, for every number of units that
    fell by lot into the places of `wide` columns and were pulled forward, stacks from below."""
    size = high * deep
    ways = _choose(size)
    table = np.zeros((wide * size + 1, wide * high + 1))
    table[0, 0] = 1.0
    for _ in range(wide):
        before, table = table, np.zeros_like(table)
        for k in range(size + 1):
            shown = min(k, high)
            table[k:, shown:] += ways[k] * before[: len(before) - k, : before.shape[1] - shown]
        table /= table.max()
    return np.asarray(table / table.sum(axis=1, keepdims=True))


def _seen_chances(places: int, seen: int, hit: float, invented: float) -> Floats:
    """The chance (places + 1, seen + 1) of every number counted, for every number of true facings: which of the places
    are seen is by lot."""
    table = np.zeros((places + 1, seen + 1))
    inside, outside, total = _choose(seen), _choose(places - seen), _choose(places)
    for facings in range(places + 1):
        for there in range(max(0, facings - (places - seen)), min(facings, seen) + 1):
            chance = inside[there] * outside[facings - there] / total[facings]
            table[facings] += chance * np.convolve(_binomial(there, hit), _binomial(seen - there, invented))
    return table


def from_tags(room: Room, tags: Ints, share: Floats, trust: Trust) -> Floats:
    """From the tags of its SKU (Q,) that were read, where a `share` (Q,) of the tags is on average; negative: none
    were looked for."""
    word = np.ones((len(tags), room.most + 1))
    for q in np.flatnonzero(tags >= 0):
        table = _tag_chances(room.most, round(float(share[q]), 2), trust.tags_alike, trust.stray)
        word[q] = table[:, min(int(tags[q]), room.most)]
    return _blunt(word, room, trust.tags_wrong)


@lru_cache(maxsize=512)
def _tag_chances(most: int, share: float, alike: float, stray: float) -> Floats:
    """The chance (most + 1, most + 1) of every number of tags read, for every number of units: beta-binomial, as tags
    of one product are alike, and Poisson strays."""
    share = min(max(share, 0.01), 0.99)
    grid = (np.arange(64) + 0.5) / 64
    weight = grid ** (share * alike - 1) * (1 - grid) ** ((1 - share) * alike - 1)
    weight /= weight.sum()
    strays = np.exp(-stray) * np.cumprod(np.concatenate([[1.0], stray / np.arange(1, most + 1)]))
    table = np.zeros((most + 1, most + 1))
    for units in range(most + 1):
        ways = _choose(units)
        k = np.arange(units + 1)
        read = (ways * grid[:, None] ** k * (1 - grid[:, None]) ** (units - k) * weight[:, None]).sum(axis=0)
        table[units] = np.convolve(read, strays)[: most + 1]
    return table


def from_records(room: Room, record: Ints, trust: Trust) -> Floats:
    """From what the stock record said (Q,) before anything of the day had happened; negative: nothing.

    A wrong record is above or below alike, by a geometric number of units, and never below 0.
    """
    units = np.arange(room.most + 1)
    off = np.abs(units - record[:, None])
    chance = 1 / trust.record_units
    wrong = 0.5 * chance * (1 - chance) ** np.maximum(off - 1, 0) * (off > 0)
    none = 0.5 * (1 - chance) ** np.maximum(units - 1, 0)
    wrong = np.where(record[:, None] == 0, none, wrong)
    word = (1 - trust.record_wrong) * (off == 0) + trust.record_wrong * wrong
    return np.where(room.fits, np.where(record[:, None] < 0, 1.0, word), 0.0)


def from_masses(room: Room, mass: Floats, pack: Floats, trust: Trust) -> Floats:
    """From what a scale shows (Q,) in kg, NaN for nothing, of packs of so many kg (Q,)."""
    units = np.arange(room.most + 1)
    spread = np.sqrt(trust.zero**2 + (trust.pack * pack[:, None]) ** 2 * units)
    with np.errstate(invalid="ignore"):
        word = np.exp(-(((mass[:, None] - units * pack[:, None]) / spread) ** 2) / 2) / spread
    return _blunt(np.where(np.isfinite(mass)[:, None], word, 1.0), room, trust.scales_wrong)


def _blunt(word: Floats, room: Room, wrong: float) -> Floats:
    """A word that with chance `wrong` is worth nothing: no number of units is quite ruled out by it."""
    word = np.where(room.fits, word, 0.0)
    total = word.sum(axis=1, keepdims=True)
    sharp = np.divide(word, total, out=np.zeros_like(word), where=total > 0)
    return np.asarray(np.where(room.fits, (1 - wrong) * sharp + wrong / (room.capacity[:, None] + 1), 0.0))


def _binomial(n: int, chance: float) -> Floats:
    k = np.arange(n + 1)
    return np.asarray(_choose(n) * chance**k * (1 - chance) ** (n - k))


@lru_cache(maxsize=256)
def _choose(n: int) -> Floats:
    """(n + 1,) in how many ways 0 to n of n things are chosen."""
    ways = np.ones(n + 1)
    for k in range(1, n + 1):
        ways[k] = ways[k - 1] * (n - k + 1) / k
    return ways
