"""Stock records: what the books say is on the sales floor.

A record is kept for each SKU: what it said when the store opened, and what staff book when they fill up; sales are the
tills' to tell. Records are wrong before the day begins, by what earlier days did to them.
"""

from __future__ import annotations

from dataclasses import dataclass

from scenarios import rng
from scenarios.events import Restock, WrongReplenishment
from scenarios.timeline import Timeline


@dataclass(frozen=True)
class RecordErrors:
    """How wrong records are. `wrong`: share of the records that differ from what is there, 0.60 in seven European
    retailers, as often above as below (Rekik, Syntetos and Glock, Inventory Inaccuracy in Retailing: Does it Matter?,
    ECR 2019), 0.65 in 37 stores of one (DeHoratius and Raman, Management Science 54, 2008). `units`: by how many on
    average (geometric; assumed). `late`: seconds until a booking is in the books (assumed)."""

    wrong: float = 0.60
    units: float = 3.0
    late: float = 300.0

    def __post_init__(self) -> None:
        if not 0 <= self.wrong <= 1 or not self.units >= 1 or not self.late >= 0:
            raise ValueError(
                f"wrong {self.wrong}, units {self.units}, late {self.late}; expected a share, 1 or more, 0 or more"
            )


@dataclass(frozen=True)
class Booking:
    """Units of a SKU that were put into a position at `time`, as the books have it from `known` on."""

    time: float
    known: float
    position: str
    units: int


def opening_records(timeline: Timeline, errors: RecordErrors, seed: int) -> dict[str, int]:
    """What the record of every planned SKU says when the store opens, 0 or more."""
    stays = timeline.stays
    records = {p.sku: 0 for p in timeline.layout.planogram.positions}
    for sku, own, there in zip(stays.sku, stays.own, stays.there(0.0)):
        records[str(sku)] += int(own and there)
    for sku in records:
        random = rng(seed, "record", sku)
        if random.random() < errors.wrong:
            size = int(random.geometric(1 / errors.units))
            records[sku] = max(0, records[sku] + (size if random.random() < 0.5 else -size))
    return records


def bookings(timeline: Timeline, errors: RecordErrors) -> list[Booking]:
    """What staff book in a day, in the order in which it is known; while the records are silent nothing is."""
    found = []
    for event in timeline.events:
        if isinstance(event, (Restock, WrongReplenishment)):
            known = event.time + errors.late
            ends = [until for since, until in timeline.outages.get("records", ()) if since <= known < until]
            found.append(Booking(event.time, max([known, *ends]), event.position, event.booked))
    return sorted(found, key=lambda b: (b.known, b.time, b.position))
