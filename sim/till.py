"""The tills: what the POS feed says was sold, and when it says so."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from scenarios import rng
from scenarios.events import Sale, ScanError
from scenarios.timeline import Timeline


@dataclass(frozen=True)
class Till:
    """A POS feed. A basket is paid up to `walk` seconds after its last unit was taken (uniform; assumed: ten minutes),
    and batches leave every `every` seconds (assumed: two minutes). In an outage nothing comes; what was scanned in it
    comes with the first batch afterwards, but for the share `lost` (assumed: none, tills keep it)."""

    walk: float = 600.0
    every: float = 120.0
    lost: float = 0.0

    def __post_init__(self) -> None:
        if not (self.walk >= 0 and self.every > 0 and 0 <= self.lost <= 1):
            raise ValueError(
                f"walk {self.walk}, every {self.every}, lost {self.lost}; expected 0 or more, above 0, a share"
            )


@dataclass(frozen=True)
class Batch:
    """What arrives at `time`: units of a SKU as they were scanned, (seconds, SKU, units), rising. An empty batch says
    that nothing was sold."""

    time: float
    scanned: tuple[tuple[float, str, int], ...]


def batches(timeline: Timeline, till: Till, until: float, seed: int) -> list[Batch]:
    """The batches of a day that arrive by `until`."""
    scanned = _scanned(timeline, till, seed)
    found: list[Batch] = []
    waiting = list(reversed(scanned))
    number = 0
    while (number + 1) * till.every <= until:
        number += 1
        time = number * till.every
        if timeline.silent("pos", time):
            continue
        new = []
        while waiting and waiting[-1][0] <= time:
            new.append(waiting.pop())
        found.append(Batch(time, tuple(new)))
    return found


def _scanned(timeline: Timeline, till: Till, seed: int) -> list[tuple[float, str, int]]:
    """What the tills scan (seconds, SKU, units), rising in time."""
    baskets: dict[int, Counter[str]] = {}
    last: dict[int, float] = {}
    for event in timeline.events:
        if isinstance(event, Sale):
            baskets.setdefault(event.basket, Counter())[event.sku] += 1
            last[event.basket] = event.time
        elif isinstance(event, ScanError) and baskets.get(event.basket, Counter())[event.sku]:
            baskets[event.basket][event.sku] -= 1
            baskets[event.basket][event.scanned_as] += 1
    found = []
    for basket, units in baskets.items():
        random = rng(seed, "till", basket)
        time = last[basket] + till.walk * float(random.random())
        lost = timeline.silent("pos", time) and random.random() < till.lost
        found += [] if lost else [(time, sku, n) for sku, n in sorted(units.items()) if n]
    return sorted(found)
