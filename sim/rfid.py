"""RFID: what a reader over each fixture reads of the tags on the packs.

Whether a tag can be read where it stands hangs on what is in the pack, how its tag is turned and what stands before
it, and stays so until the pack is moved: a second sweep reads the same tags again, and misses a few of them. Distances
are from the reader to the position's front.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios import Layout, rng
from scenarios.timeline import Timeline

DRY, LIQUID, METAL = "dry", "liquid", "metal"
CONTENT = {
    "box": DRY, "pouch": DRY, "bag": DRY, "multipack": METAL, "can": METAL, "bottle": LIQUID, "jar": LIQUID,
    "carton": LIQUID, "tub": LIQUID, "tube": LIQUID,
}  # fmt: skip
"""What waves meet in a pack of each form."""


@dataclass(frozen=True)
class RfidReader:
    """An RFID installation: a reader over every fixture, `height` above the floor and `out` before it (metres).

    `dry`, `liquid`, `metal`: share of the tags that can be read where they stand, by content, within `near` metres.
    Measured were, of tags on cases of a pallet, 0.81 with rice in jars and 0.25 with bottles of water (Clarke, Twede,
    Tazelaar and Boyer, Packaging Technology and Science 19, 2006); of objects as few as 0.66 at Wal-Mart (Bolotnyy,
    Krize and Robins, The Practicality of Multi-Tag RFID Systems, 2007); of garments in shops 0.99 (Hardgrave, RFID
    Journal LIVE! Europe 2009). Those here are assumed between, for single packs with tags made for them. `alike`: how
    alike packs of one position are in this, as the size of a beta distribution (assumed). `far`: metres from which
    nothing is read; between, the share falls in a straight line (assumed). `again`: chance that a readable tag is read
    in a sweep (assumed). `stray`: foreign tags of a SKU read in a sweep, as those in carts and in the back room (mean;
    assumed). `duplicate`: share of the tags that are reported twice in a sweep; `lost`: share of the sweeps that never
    arrive; `repeated`: share that arrive twice (all assumed).
    `every`: seconds between sweeps, `takes`: seconds that one takes (assumed).
    """

    dry: float = 0.95
    liquid: float = 0.80
    metal: float = 0.85
    alike: float = 20.0
    height: float = 2.5
    out: float = 0.8
    near: float = 3.0
    far: float = 6.0
    again: float = 0.97
    stray: float = 0.02
    duplicate: float = 0.05
    lost: float = 0.02
    repeated: float = 0.02
    every: float = 1800.0
    takes: float = 60.0

    def __post_init__(self) -> None:
        for name in (DRY, LIQUID, METAL, "again", "duplicate", "lost", "repeated"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} {getattr(self, name)}; expected a share from 0 to 1")
        if not (0 < self.takes <= self.every and 0 < self.near < self.far and self.alike > 0 and self.stray >= 0):
            raise ValueError(
                f"takes {self.takes}, every {self.every}, near {self.near}, far {self.far}, alike {self.alike}, stray "
                f"{self.stray}; expected 0 < takes <= every, 0 < near < far, above 0, 0 or more"
            )


@dataclass(frozen=True, eq=False)
class Sweep:
    """What one sweep reports when it ends, at `time`: its number and, for every report (N,), the tag's `epc` and the
    `sku` that is written in it. One tag may be reported more than once; no position is."""

    number: int
    time: float
    epc: NDArray[np.int64]
    sku: NDArray[np.object_]


def sweeps(timeline: Timeline, reader: RfidReader, until: float, seed: int) -> list[Sweep]:
    """The sweeps of a day that arrive by `until`, in the order in which they do; one that is lost, or in which the
    source is silent, does not."""
    stays, layout = timeline.stays, timeline.layout
    readable = _readable(timeline, reader, seed)
    shelved = sorted({p.sku for p in layout.planogram.positions})
    found = []
    for number, ends in enumerate(np.arange(reader.takes, until, reader.every).tolist()):
        random = rng(seed, "sweep", number)
        lucky = random.random(len(stays.unit)) < reader.again
        read = np.flatnonzero(stays.there(ends - reader.takes / 2) & readable & lucky)
        strays = random.poisson(reader.stray, len(shelved))
        epc = np.concatenate([stays.unit[read], -1 - np.arange(strays.sum()) - 1_000_000 * number])
        sku = np.concatenate([stays.sku[read], np.repeat(np.array(shelved, object), strays)])
        twice = random.random(len(epc)) < reader.duplicate
        lost, repeated = (random.random(2) < (reader.lost, reader.repeated)).tolist()
        if lost or timeline.silent("rfid", ends):
            continue
        sweep = Sweep(number, ends, np.concatenate([epc, epc[twice]]), np.concatenate([sku, sku[twice]]))
        found += [sweep, sweep] if repeated else [sweep]
    return found


def _readable(timeline: Timeline, reader: RfidReader, seed: int) -> NDArray[np.bool_]:
    """Whether the tag of each stay (N,) can be read where it stands."""
    layout, stays = timeline.layout, timeline.stays
    share = readable_shares(layout, reader)
    own = np.empty(len(share))
    for n, p in enumerate(layout.planogram.positions):
        a, b = share[n] * reader.alike, (1 - share[n]) * reader.alike
        own[n] = rng(seed, "tags", p.id).beta(max(a, 1e-3), max(b, 1e-3))
    number = np.zeros(len(stays.unit), np.int64)  # of the stay among those of its unit: moved, it is turned anew
    seen: dict[int, int] = {}
    for n, unit in enumerate(stays.unit.tolist()):
        number[n] = seen[unit] = seen.get(unit, -1) + 1
    luck = [rng(seed, "tag", u, n).random() for u, n in zip(stays.unit.tolist(), number.tolist())]
    return np.array(luck) < own[stays.position]


def readable_shares(layout: Layout, reader: RfidReader) -> NDArray[np.float64]:
    """The share of the tags of every position (Q,) that can be read, on average."""
    shares = []
    for p in layout.planogram.positions:
        fixture = layout.fixture(p)
        eye = np.array([fixture.width / 2, -reader.out, reader.height])
        distance = float(np.linalg.norm(fixture.to_local(layout.front_row(p).mean(axis=0)) - eye))
        near = np.clip((reader.far - distance) / (reader.far - reader.near), 0, 1)
        shares.append(getattr(reader, CONTENT[layout.product(p).form]) * near)
    return np.array(shares)
