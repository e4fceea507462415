"""Compliance: how far the shelves follow the plan, and how they are shared and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios import Layout, Product, ShelfState
from vision.readings import PlaceReadings, PlaceState


@dataclass(frozen=True)
class BayCompliance:
    """One bay against its plan. `positions` of it were seen whole, and `kept` of these hold all planned facings of
    their SKU and nothing else; `facings` places were seen, `right` of them hold their SKU. `edit_error` compares the
    order of the products on each shelf."""

    bay: str
    positions: int
    kept: int
    facings: int
    right: int
    edits: int
    columns: int

    @property
    def edit_error(self) -> float | None:
        """Edits per planned column that was seen: products to put in, take out or swap until the order of each shelf is
        the planned one. Where all stands one facing too far aside, only the ends of the shelf cost edits."""
        return self.edits / self.columns if self.columns else None


@dataclass(frozen=True)
class Share:
    """What a brand or category has of the shelves: facings, and metres of shelf edge, seen and planned (of the places
    that were seen)."""

    name: str
    facings: int
    planned_facings: int
    metres: float
    planned_metres: float


@dataclass(frozen=True)
class Condition:
    """The state of the shelves: empty places in front and the shelf edge that they take, positions whose SKU is out
    and whose hole another product plugs, and places that were not seen."""

    gaps: int
    gap_metres: float
    plugged: tuple[str, ...]
    unseen: int


def availability(states: Sequence[ShelfState]) -> float | None:
    """OSA: positions in stock ÷ positions planned, of those of which that is known; None where nothing is."""
    known = [s for s in states if s.level != "unknown"]
    return sum(s.level != "out" for s in known) / len(known) if known else None


def is_kept(layout: Layout, states: Sequence[ShelfState]) -> list[bool | None]:
    """For every position whether it holds all planned facings and nothing else; None where it was not seen whole."""
    return [
        None if s.facings is None else s.facings == p.facings and s.intruder is None
        for p, s in zip(layout.planogram.positions, states)
    ]


def bay_compliance(layout: Layout, places: PlaceReadings, states: Sequence[ShelfState]) -> tuple[BayCompliance, ...]:
    """Compare every bay with its plan, in the order of the store."""
    positions, owner = layout.planogram.positions, layout.places.position
    kept = is_kept(layout, states)
    seen, own = places.judged, places.state == PlaceState.OWN
    bays = []
    for fixture in layout.store.fixtures:
        inside = [i for i, p in enumerate(positions) if p.fixture == fixture.id]
        if not inside:
            continue
        here = np.isin(owner, inside)
        orders = [_order(layout, places, fixture.id, shelf) for shelf in range(len(fixture.shelves))]
        bays.append(
            BayCompliance(
                fixture.id,
                sum(kept[i] is not None for i in inside),
                sum(bool(kept[i]) for i in inside),
                int((seen & here).sum()),
                int((own & here).sum()),
                sum(edit_distance(planned, found) for planned, found in orders),
                sum(len(planned) for planned, _ in orders),
            )
        )
    return tuple(bays)


def _order(layout: Layout, places: PlaceReadings, fixture: str, shelf: int) -> tuple[list[str], list[str]]:
    """The SKUs of one shelf from left to right on the board, planned and found, of the columns that were seen."""
    positions = layout.planogram.positions
    row = [
        (positions[i].x, place)
        for place, i in enumerate(layout.places.position)
        if positions[i].fixture == fixture and positions[i].shelf == shelf
        if layout.places.level[place] == 0 and places.judged[place]
    ]
    seen = [place for _, place in sorted(row)]
    planned = [positions[layout.places.position[place]].sku for place in seen]
    return planned, [str(places.sku[place]) for place in seen if places.state[place] != PlaceState.EMPTY]


def edit_distance(a: Sequence[str], b: Sequence[str]) -> int:
    """The fewest insertions, deletions and substitutions that make one sequence of the other (Levenshtein 1966)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def share_of_shelf(layout: Layout, places: PlaceReadings, of: Callable[[Product], str]) -> tuple[Share, ...]:
    """How the seen places are shared among brands or categories (`of` a product), the largest first. A pack counts
    its own width of the shelf edge, and none where it stands on another."""
    board = layout.places.level == 0
    seen = np.flatnonzero(places.judged)
    sums: dict[str, NDArray[np.float64]] = {}

    def add(sku: str, place: int, kind: int) -> None:
        if sku in layout.catalog:
            product = layout.catalog[sku]
            sums.setdefault(of(product), np.zeros(4))[[kind, kind + 2]] += (1, product.width * board[place])

    for place in seen.tolist():
        add(layout.planogram.positions[layout.places.position[place]].sku, place, 1)
        if places.state[place] != PlaceState.EMPTY:
            add(str(places.sku[place]), place, 0)
    shares = [Share(name, int(f), int(pf), float(m), float(pm)) for name, (f, pf, m, pm) in sums.items()]
    return tuple(sorted(shares, key=lambda s: (-s.metres, -s.planned_metres, s.name)))


def shelf_condition(layout: Layout, places: PlaceReadings, states: Sequence[ShelfState]) -> Condition:
    """Look for gaps and plugged holes."""
    empty = places.state == PlaceState.EMPTY
    plugged = tuple(s.position for s in states if s.level == "out" and s.intruder is not None)
    edge = float(layout.places.size[empty & (layout.places.level == 0), 0].sum())
    return Condition(int(empty.sum()), edge, plugged, int((places.state == PlaceState.UNSEEN).sum()))
