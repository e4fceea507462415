"""What the store's other systems tell (sales, stock, orders, what the web shop offers), and what they are told: tasks
and availability."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from scenarios import InputError, Layout, ShelfState
from vision.alerts import SHELF_KINDS, Alert, in_words
from vision.findings import place_name, product_name
from vision.service.database import Database
from vision.service.problems import Refused

"""Of `TOLD_TYPES`: units that went over the till (sale); that the books have in the store (stock); that are on their
way to it (order); that the web shop offers, 0 for none (offer)."""


@dataclass(frozen=True)
class Line:
    """Some units of one product."""

    sku: str
    units: float


@dataclass(frozen=True)
class Told:
    """What a system told: `time` is when that was so, in seconds since 1970."""

    link: str
    id: str
    type: str
    time: float
    lines: tuple[Line, ...]

    @property
    def digest(self) -> str:
        """Of all that it says."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Task:
    """Something to be done at a shelf. `event`: "open", "done" (the shelf says so) or "cancelled" (a person said that
    there was nothing to do). `units`: how many have room there, of `sku`."""

    id: str
    event: str
    alert: str
    position: str
    place: str
    sku: str
    product: str
    units: float
    value: float
    text: str


@dataclass(frozen=True)
class Availability:
    """Whether a product is on the shelf anywhere in the store."""

    sku: str
    product: str
    available: bool


@dataclass(frozen=True)
class Book:
    """One product in the books and on the shelf. `expected`: units that should be there, by the last stock that was
    told less what was sold since; `phantom`: the books have some and no shelf has."""

    sku: str
    product: str
    stock: float | None
    sold: float
    expected: float | None
    ordered: float
    offered: float | None
    levels: tuple[str, ...]
    phantom: bool


def take(database: Database, layout: Layout, told: Told) -> bool:
    """Keep what was told, once; whether it was new. Raises Refused for a SKU that the catalog has not, of which nothing
    is kept, and for another message under the same id."""
    unknown = sorted({line.sku for line in told.lines if line.sku not in layout.catalog})
    if unknown:
        raise Refused("unknown sku", f"{', '.join(unknown[:20])}; expected SKUs of the catalog")
    with database.transaction() as db:
        kept = db.execute("SELECT digest FROM told WHERE link = ? AND id = ?", (told.link, told.id)).fetchone()
        if kept is not None:
            if kept[0] != told.digest:
                raise Refused("another message", f"{told.id}: another message came under this id before")
            return False
        rows = [
            (told.link, told.id, n, told.digest, told.type, line.sku, line.units, told.time, time.time())
            for n, line in enumerate(told.lines)
        ]
        db.executemany("INSERT INTO told VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    return True


def books(database: Database, layout: Layout, states: Sequence[ShelfState]) -> list[Book]:
    """All products of which something was told, beside what the shelves say."""
    levels: dict[str, list[str]] = {}
    for position, state in zip(layout.planogram.positions, states):
        levels.setdefault(position.sku, []).append(state.last_level)
    rows: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for sku, type, units, at in database.rows("SELECT sku, type, units, time FROM told ORDER BY time"):
        rows.setdefault(sku, {}).setdefault(type, []).append((at, units))
    return [_book(layout, sku, rows[sku], levels.get(sku, [])) for sku in sorted(rows) if sku in layout.catalog]


def _book(layout: Layout, sku: str, told: dict[str, list[tuple[float, float]]], levels: list[str]) -> Book:
    stock = told.get("stock", [])[-1:]
    since = stock[0][0] if stock else float("-inf")
    sold = sum(units for at, units in told.get("sale", []) if at > since)
    expected = max(0.0, stock[0][1] - sold) if stock else None
    offered = told["offer"][-1][1] if "offer" in told else None
    ordered = sum(units for at, units in told.get("order", []) if at > since)
    phantom = bool(expected) and bool(levels) and all(level == "out" for level in levels)
    name = product_name(layout.catalog[sku])
    return Book(sku, name, stock[0][1] if stock else None, sold, expected, ordered, offered, tuple(levels), phantom)


def task_of(layout: Layout, alert: Alert, state: ShelfState | None) -> Task | None:
    """The task of an alert as it stands; None where a person is still to be asked, and where it is no shelf's."""
    position = next((p for p in layout.planogram.positions if p.id == alert.subject), None)
    if alert.kind not in SHELF_KINDS or alert.review or position is None:
        return None
    events = {"raised": "open", "confirmed": "open", "withdrawn": "cancelled", "resolved": "done"}
    there = state.units if state is not None and state.units is not None else 0.0
    room = 0.0 if alert.kind == "misplaced" else max(0.0, position.facings * position.deep - there)
    product = layout.product(position)
    return Task(
        f"task/{alert.id}", events[alert.event], alert.id, position.id, place_name(layout, position), product.sku,
        product_name(product), room, alert.value, in_words(layout, alert),
    )  # fmt: skip


def availability(layout: Layout, states: Sequence[ShelfState]) -> dict[str, bool]:
    """Which products are on some shelf, of those of which it is known: out at every position, or not at one."""
    found: dict[str, list[str]] = {}
    for position, state in zip(layout.planogram.positions, states):
        found.setdefault(position.sku, []).append(state.last_level)
    there = {sku: any(level in ("in_stock", "low") for level in levels) for sku, levels in found.items()}
    return {sku: is_ for sku, is_ in there.items() if is_ or all(level == "out" for level in found[sku])}


def changed_availability(
    layout: Layout, database: Database, changed: Collection[str], states: Sequence[ShelfState]
) -> list[Availability]:
    """What has become available since it was last told, or is so no more, of the products of the positions `changed`;
    what was never told counts as available, which is the plan."""
    skus = {p.sku for p in layout.planogram.positions if p.id in changed}
    return [
        Availability(sku, product_name(layout.catalog[sku]), there)
        for sku, there in availability(layout, states).items()
        if sku in skus and database.last_told("availability", sku).get("available", True) != there
    ]


def parsed(link: str, body: bytes, allowed: Sequence[str]) -> Told:
    """A CloudEvents 1.0 envelope in JSON, of type `store.TYPE` with `data: {time, lines: [{sku, units}]}`. Raises
    Refused for anything else, and for a type that this link may not tell."""
    try:
        envelope: Any = json.loads(body, parse_constant=_no_number)
        kind = str(envelope["type"]).removeprefix("store.")
        lines = tuple(_line(row) for row in envelope["data"]["lines"])
        told = Told(link, str(envelope["id"]), kind, float(envelope["data"]["time"]), lines)
        told.id.encode()  # half a surrogate pair cannot be kept
        right = envelope["specversion"] == "1.0" and 0 < len(told.id) <= 200 and 0 < len(lines) <= 1000
        if not right or not 0 <= told.time <= MOST_TIME:
            raise ValueError("specversion, id, time or the number of lines")
    except RecursionError:
        raise Refused("not an event", "too deep") from None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, InputError) as error:
        raise Refused(
            "not an event", f"{type(error).__name__} {error}; expected a CloudEvent, see /v1/events/schema"
        ) from None
    if kind not in allowed:
        raise Refused("not an event", f"type {kind[:50]!r}; expected {', '.join(allowed)}, as the settings say")
    return told


MOST_TIME = 1e11
"""Seconds since 1970 that a time may be: the year 5138."""
MOST_UNITS = 1e7


def _line(row: Any) -> Line:
    if not (isinstance(row["sku"], str) and 0 < len(row["sku"]) <= 200 and isinstance(row["units"], (int, float))):
        raise ValueError("a line; expected sku and units")
    row["sku"].encode()
    units = float(row["units"])
    if not 0 <= units <= MOST_UNITS:
        raise ValueError(f"units {units}; expected 0 or more")
    return Line(row["sku"], units)


def _no_number(text: str) -> float:
    raise ValueError(f"{text}; expected a number")
