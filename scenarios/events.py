"""Events: what happens in a store, each with its truth. Times are seconds since the store opened.

Units are named by where they stand: a position and a column in it. What an event means for the shelf is worked out in
`timeline`; what tills, stock records and sensors make of it is theirs to say.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sale:
    """A shopper takes one unit from a column, and pays for it later. Units of one `basket` are paid together."""

    time: float
    basket: int
    sku: str
    position: str
    column: int


@dataclass(frozen=True)
class ScanError:
    """A unit of `sku` in a basket is scanned as another SKU: two flavours as one."""

    time: float
    basket: int
    sku: str
    scanned_as: str


@dataclass(frozen=True)
class LostSale:
    """A shopper wants a unit and finds none on any shelf."""

    time: float
    basket: int
    sku: str


@dataclass(frozen=True)
class Restock:
    """Staff put units of the planned SKU into a position, one into each of `columns`, and book `booked` of them.

    Where more are booked than came, the delivery was short.
    """

    time: float
    position: str
    sku: str
    columns: tuple[int, ...]
    booked: int


@dataclass(frozen=True)
class WrongReplenishment:
    """Staff put units of another SKU into a position, and book as many of the planned one."""

    time: float
    position: str
    sku: str
    columns: tuple[int, ...]
    booked: int


@dataclass(frozen=True)
class MissedRestock:
    """A round of restocking passes a position that it should have filled."""

    time: float
    position: str


@dataclass(frozen=True)
class Misplacement:
    """A shopper takes a unit from a column and leaves it in front of another position's column."""

    time: float
    sku: str
    position: str
    column: int
    to_position: str
    to_column: int


@dataclass(frozen=True)
class Theft:
    """Units leave the shelf and are never scanned, one from each of `columns`."""

    time: float
    sku: str
    position: str
    columns: tuple[int, ...]


@dataclass(frozen=True)
class Damage:
    """Units are thrown away, one from each of `columns`, and nobody books it."""

    time: float
    sku: str
    position: str
    columns: tuple[int, ...]


@dataclass(frozen=True)
class Removal:
    """Staff take units that do not belong there out of a position, one from each of `columns`."""

    time: float
    sku: str
    position: str
    columns: tuple[int, ...]


@dataclass(frozen=True)
class SensorEvent:
    """A source ("vision", "rfid", "pos", "records", "scales") falls silent, or is back."""

    time: float
    source: str
    up: bool


Event = (
    Sale | ScanError | LostSale | Restock | WrongReplenishment | MissedRestock | Misplacement | Theft | Damage
    | Removal | SensorEvent
)  # fmt: skip


def kind_of(event: Event) -> str:
    """The kind of an event in words: "sale", "short delivery", "wrong replenishment", …"""
    if isinstance(event, Restock) and event.booked > len(event.columns):
        return "short delivery"
    return KINDS[type(event)]


KINDS: dict[type, str] = {
    Sale: "sale", ScanError: "scan error", LostSale: "lost sale", Restock: "restock",
    WrongReplenishment: "wrong replenishment", MissedRestock: "missed restock", Misplacement: "misplacement",
    Theft: "theft", Damage: "damage", Removal: "removal", SensorEvent: "sensor",
}  # fmt: skip
