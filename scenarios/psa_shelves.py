"""The fixtures of a PSA file as bays with boards, and its positions on them.

Boards that stand above each other, or that one position spans, make one bay. Space Planning lets packs
touch; here facings stand SIDE_GAP apart, so positions move aside as far as they must, and a bay that is
then too full becomes wider. Both are noted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scenarios.files import InputError
from scenarios.planogram import FRONT_MARGIN, ROW_GAP, SIDE_GAP, Position
from scenarios.products import Product
from scenarios.store import Fixture, Room, Shelf, Store

KINDS = {
    "": "gondola", "0": "gondola", "3": "gondola", "12": "gondola",  # shelf, polygonal shelf, gravity feed
    "1": "freezer", "2": "freezer",  # chest, bin
    "4": "pegwall", "5": "pegwall", "6": "pegwall", "7": "pegwall", "8": "pegwall", "9": "pegwall",
}  # fmt: skip
"""Our fixtures for the types 0 to 9 and 12 of a PSA file. The rest hold nothing: 10 obstruction, 11 sign,
13 space for another planogram."""
TOLERANCE = 0.002
"""What two lengths may differ by, metres: files are written in hundredths of an inch."""
MARGIN = 0.02
"""Free height kept above the tallest stack of a top shelf, metres."""


@dataclass(frozen=True)
class PsaPosition:
    """A Position record in metres: its left edge and foot in the planogram, facings, and orientation code."""

    where: str
    sku: str
    x: float
    y: float
    wide: int
    high: int
    deep: int
    orientation: int


@dataclass(frozen=True)
class PsaFixture:
    """A Fixture record in metres: (x, y) is its lower left corner; a board is `height` thick."""

    where: str
    name: str
    type: str
    x: float
    width: float
    y: float
    height: float
    depth: float
    positions: list[PsaPosition]


@dataclass(frozen=True)
class _Row:
    """Positions of one board, in a bay's own x, with the board's top and the depth of its shelf."""

    z: float
    thickness: float
    depth: float
    hangs: bool
    positions: tuple[PsaPosition, ...]


def arrange(
    name: str, fixtures: Sequence[PsaFixture], products: Mapping[str, Product], height: float, path: Path,
    notes: list[str],
) -> tuple[Store, tuple[Position, ...], tuple[str, ...]]:  # fmt: skip
    """Store, positions, and the place of each position in the file. `height` of the planogram in metres.

    Raises InputError for a position that overlaps another or sticks out of its fixture.
    """
    boards = [f for f in _anchored(fixtures) if _holds(f)]
    bays: list[Fixture] = []
    positions: list[Position] = []
    places: list[str] = []
    shift = 0.0
    for number, group in enumerate(_bays(boards, products), start=1):
        left, right = min(f.x for f in group), max(f.x + f.width for f in group)
        rows = _rows(group)
        width = right - left
        placed = [_spread(row, left, right - left, products) for row in rows]
        need = max(over for _, over in placed)
        if need > TOLERANCE:
            notes.append(f"bay {number} is {width + need:.3f} m wide, not {width:.3f}: facings stand 6 mm apart here")
        width += need
        depth = max([r.depth for r in rows] + [_depth(p, products) for r in rows for p in r.positions])
        kind = KINDS[group[0].type]
        shelves = _shelves(rows, height, products)
        bays.append(
            Fixture(f"bay-{number}", round(left + shift, 4), 0.0, round(width, 4), round(depth, 4), shelves, kind)
        )
        for shelf, (moved, _) in enumerate(placed):
            for p in moved:
                row_id = f"p{len(positions) + 1:03d}"
                low_at = max(1, round(p.wide * p.high * p.deep / 4))
                positions.append(
                    Position(row_id, f"bay-{number}", shelf, round(p.x, 4), p.sku, p.wide, p.high, p.deep, low_at)
                )
                places.append(p.where.rpartition(", ")[2])
        shift += need
    if not bays:
        raise InputError(f"{path}: no Fixture holds a Position; expected shelves with products")
    end = max(b.x + b.width for b in bays)
    room = Room(
        (round(min(b.x for b in bays) - 1, 4), round(end + 1, 4)),
        (-2.4, max(b.depth for b in bays)),
        max(3.0, height + 0.6),
    )
    return Store(name, room, tuple(bays)), tuple(positions), tuple(places)


def _holds(fixture: PsaFixture) -> bool:
    if fixture.type in KINDS:
        if min(fixture.width, fixture.depth) <= 0:
            raise InputError(
                f"{fixture.where}: width {fixture.width:g} m, depth {fixture.depth:g} m of fixture {fixture.name!r}; "
                "expected both > 0"
            )
        return True
    if fixture.positions:
        raise InputError(
            f"{fixture.positions[0].where}: a position on a fixture of type {fixture.type!r}, which holds none"
        )
    return False


def _anchored(fixtures: Sequence[PsaFixture]) -> list[PsaFixture]:
    """Positions in the planogram's x. Files have it so, but some exporters write x from the fixture's left edge:
    those where every position lies on its own fixture only when read that way."""

    def inside(offset: float) -> bool:
        return all(-TOLERANCE <= p.x + offset * f.x - f.x <= f.width + TOLERANCE for f in fixtures for p in f.positions)

    if inside(0) or not inside(1):
        return list(fixtures)
    return [replace(f, positions=[replace(p, x=p.x + f.x) for p in f.positions]) for f in fixtures]


def _bays(boards: Sequence[PsaFixture], products: Mapping[str, Product]) -> list[list[PsaFixture]]:
    """Fixtures whose spans, with those of their positions, overlap, from the left; one kind each."""
    spans = []
    for f in boards:
        ends = [p.x + p.wide * products[p.sku].width for p in f.positions]
        spans.append((f.x, max([f.x + f.width, *ends]), f))
    groups: list[list[PsaFixture]] = []
    reach = float("-inf")
    for left, right, f in sorted(spans, key=lambda s: (s[0], s[2].y)):
        if left >= reach - TOLERANCE:
            groups.append([])
            reach = float("-inf")
        groups[-1].append(f)
        reach = max(reach, right)
    for group in groups:
        other = next((f for f in group if KINDS[f.type] != KINDS[group[0].type]), None)
        if other:
            raise InputError(
                f"{other.where}: fixture {other.name!r} ({KINDS[other.type]}) stands in the place of "
                f"{group[0].name!r} ({KINDS[group[0].type]})"
            )
    return groups


def _rows(group: Sequence[PsaFixture]) -> list[_Row]:
    """The boards of a bay from the bottom. On a peg wall, a row is what hangs down to one height."""
    rows: dict[float, _Row] = {}
    for f in sorted(group, key=lambda f: f.y + f.height):
        hangs, chest = KINDS[f.type] == "pegwall", KINDS[f.type] == "freezer"
        held: list[PsaPosition | None] = [*f.positions] or [None]
        for p in held:
            z = p.y if hangs and p else f.y if chest or hangs else f.y + f.height
            if z < -TOLERANCE:
                raise InputError(f"{f.where}: fixture {f.name!r} lies {-z:.3f} m below the floor")
            z = max(z, 0.0)
            z = next((known for known in rows if abs(known - z) < TOLERANCE), round(z, 4))
            row = rows.setdefault(z, _Row(z, 0.0 if hangs or chest else f.height, f.depth, hangs, ()))
            rows[z] = replace(row, depth=max(row.depth, f.depth), positions=row.positions + ((p,) if p else ()))
    return [rows[z] for z in sorted(rows)]


def _spread(row: _Row, left: float, width: float, products: Mapping[str, Product]) -> tuple[list[PsaPosition], float]:
    """Positions of a board in the bay's x, moved aside for the gaps between facings, and what the board lacks."""
    positions = sorted((replace(p, x=p.x - left) for p in row.positions), key=lambda p: p.x)
    end = 0.0
    previous = ""
    for p in positions:
        if p.x < end - TOLERANCE:
            over = f"overlaps the position of {previous!r}" if previous else "starts left of its fixture"
            raise InputError(f"{p.where}: {p.sku!r} at {p.x:.3f} m {over}, by {end - p.x:.3f} m")
        end, previous = p.x + p.wide * products[p.sku].width, p.sku
        if end > width + TOLERANCE:
            raise InputError(f"{p.where}: {p.sku!r} needs {end:.3f} m (wide {p.wide}); its fixture has {width:.3f} m")
        deep = p.deep * products[p.sku].depth
        if deep > row.depth + TOLERANCE:
            raise InputError(
                f"{p.where}: {p.sku!r} needs {deep:.3f} m (deep {p.deep}); its fixture has {row.depth:.3f} m"
            )
    spans = [p.wide * (products[p.sku].width + SIDE_GAP) for p in positions]
    lack = max(0.0, sum(spans) - width)
    starts: list[float] = []
    free = 0.0
    for p, span in zip(positions, spans):
        starts.append(max(p.x, free))
        free = starts[-1] + span
    limit = width + lack
    for i in reversed(range(len(starts))):
        starts[i] = min(starts[i], limit - spans[i])
        limit = starts[i]
    return [replace(p, x=max(0.0, x)) for p, x in zip(positions, starts)], lack


def _shelves(rows: Sequence[_Row], height: float, products: Mapping[str, Product]) -> tuple[Shelf, ...]:
    shelves = []
    for i, row in enumerate(rows):
        tallest = max([p.high * products[p.sku].height for p in row.positions], default=0.0)
        top = max(height, row.z + tallest + MARGIN) if i + 1 == len(rows) else rows[i + 1].z - rows[i + 1].thickness
        if row.hangs:
            top = max(top, row.z + tallest)
        if top - row.z <= 0:
            raise InputError(f"{row.positions[0].where}: no free height above the board at {row.z:.3f} m")
        shelves.append(Shelf(row.z, round(top - row.z, 4)))
    return tuple(shelves)


def _depth(position: PsaPosition, products: Mapping[str, Product]) -> float:
    """What a position takes with the free depth that we keep before, between and behind its rows."""
    return FRONT_MARGIN + position.deep * (products[position.sku].depth + ROW_GAP) - ROW_GAP
