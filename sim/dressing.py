"""What shops hang on and around shelves, so that a detector learns that it is no product: hanging strips, cards,
header boards, posters, signs, wire backs, wire fences and empty baskets.

It belongs to training pictures alone: stores that are measured have what `sim.fixtures` and `sim.rooms` build.
"""

from __future__ import annotations

import numpy as np

from scenarios import Fixture, Layout, rng
from sim import surfaces
from sim.fixtures import RAIL, SHEET
from sim.joinery import Joinery, Point
from sim.meshes import Mesh
from sim.price_tags import RAILED
from sim.promotions import GROUNDS, Printer
from sim.surfaces import Colour, choose

TEXELS = 500
"""Texels per metre of what hangs on shelves."""
LARGE_TEXELS = 260
"""Of boards and posters, which are larger."""
BACKS: tuple[Colour, ...] = ((30, 30, 32), (70, 52, 40), (150, 112, 74), (236, 236, 234), (180, 30, 40), (40, 80, 140),
                             (90, 96, 100), (214, 206, 188))  # fmt: skip
WIRE: Colour = (168, 172, 176)


def dressing_meshes(layout: Layout, seed: int) -> list[Mesh]:
    """The dressing of a store, drawn by `seed`: how much of each kind there is differs between stores."""
    random = rng(seed, "dressing")
    printer = Printer(random)
    plenty = float(random.choice([0.15, 0.8, 1.8]))
    backed, fenced, papered, headed = random.random(4) < (0.55, 0.25, 0.5, 0.5)
    back = choose(random, BACKS)
    works = []
    for fixture in layout.store.fixtures:
        if fixture.kind not in RAILED:
            continue
        work = Joinery()
        if papered:
            _rail_paper(work, fixture, printer)
        if backed and fixture.kind != "cooler":
            _back(work, fixture, back, random)
        if fenced:
            _fences(work, fixture, random)
        if headed and fixture.kind == "gondola":
            _header(work, layout, fixture, printer)
        _cards(work, fixture, printer, plenty)
        works.append(work.mesh(fixture) if work else None)
    room = Joinery()
    _posters(room, layout, printer, plenty)
    _signs(room, layout, printer)
    _baskets(room, layout, random)
    return [mesh for mesh in (*works, room.mesh() if room else None) if mesh]


def _rail_paper(work: Joinery, f: Fixture, printer: Printer) -> None:
    """Paper in the price rails of most shelves, under the tags."""
    work.material("paper", printer.rail_strip(f.width, TEXELS))
    for shelf in f.shelves:
        if printer.random.random() < 0.85:
            low, high = shelf.z - RAIL + 0.001, shelf.z - 0.001
            work.panel(_upright(0.002, f.width - 0.002, -0.0088, low, high), "paper")


def _cards(work: Joinery, f: Fixture, printer: Printer, plenty: float) -> None:
    """Cards and long strips that hang from the rails, and cards that stand out at their upper edge."""
    random = printer.random
    sizes = {
        f"strip-{n}": (random.uniform(0.05, 0.11), random.uniform(0.12, 0.34)) for n in range(2)
    } | {f"card-{n}": (random.uniform(0.05, 0.14), random.uniform(0.05, 0.11)) for n in range(3)}  # fmt: skip
    for name, (wide, high) in sizes.items():
        work.material(name, printer.card(wide, high, TEXELS))
    for shelf in f.shelves:
        for _ in range(random.poisson(0.55 * plenty * f.width)):
            name = str(random.choice(list(sizes)))
            wide, high = sizes[name]
            x, y = random.uniform(0, f.width - wide), -random.uniform(0.016, 0.06)
            top = shelf.z - random.uniform(0, RAIL)
            if name.startswith("card") and random.random() < 0.3:
                top = shelf.z + high * random.uniform(0.2, 0.9)
            if top - high > 0.03:
                work.panel(_upright(x, x + wide, y, top - high, top), name)


def _back(work: Joinery, f: Fixture, colour: Colour, random: np.random.Generator) -> None:
    """Another back than the perforated sheet: plain, of slats, or of wire over the dark."""
    style = int(random.integers(3))
    width, height = f.width - 0.04, f.height - f.shelves[0].z
    if style == 0:
        picture = surfaces.faded(colour, 0.95, 0.8)
    elif style == 1:
        picture = surfaces.holed(colour, width, [], height, 0.11)
        rows = np.asarray(picture, float)
        rows[np.mod(np.arange(len(rows)), 26) < 3] *= 0.45
        picture = surfaces.picture_of(rows)
    else:
        picture = surfaces.wires(WIRE, width, height, surfaces.toned(colour, 0.4), float(random.uniform(0.025, 0.06)))
    work.material("another back", picture)
    y = f.depth - SHEET - 0.001
    work.panel(_upright(0.02, f.width - 0.02, y, f.shelves[0].z, f.height), "another back")


def _fences(work: Joinery, f: Fixture, random: np.random.Generator) -> None:
    """Low fences of wire or of clear-cut plastic at the front of some shelves."""
    work.material("wire", surfaces.swatch(WIRE))
    pitch, high = float(random.uniform(0.03, 0.06)), float(random.uniform(0.03, 0.07))
    for shelf in f.shelves:
        if random.random() < 0.5:
            continue
        z = shelf.z + 0.004
        for x in np.arange(0.01, f.width - 0.01, pitch):
            work.block((x, 0.001, z), (x + 0.003, 0.004, z + high), "wire", "bottom back")
        for low in (z, z + high - 0.004):
            work.block((0.01, 0.0, low), (f.width - 0.01, 0.003, low + 0.004), "wire", "back")


def _header(work: Joinery, layout: Layout, f: Fixture, printer: Printer) -> None:
    """A board above the bay that names a category or a campaign."""
    random = printer.random
    low, high = f.height + 0.02, f.height + random.uniform(0.18, 0.4)
    if high > layout.store.room.ceiling - 0.05:
        return
    names = sorted({p.category for p in layout.catalog if p.category})
    words = str(random.choice(names)) if names and random.random() < 0.6 else None
    work.material("header board", printer.card(f.width, high - low, LARGE_TEXELS, words))
    work.material("header side", surfaces.swatch((200, 202, 204)))
    y = f.depth * random.uniform(0.02, 0.9)
    work.block((0.0, y, low), (f.width, y + 0.015, high), "header side", front="header board")


def _posters(work: Joinery, layout: Layout, printer: Printer, plenty: float) -> None:
    """Posters on the walls at the aisle's ends and on the wall behind the fixtures."""
    random, room = printer.random, layout.store.room
    (x0, x1), (y0, y1) = room.x, room.y
    for number in range(random.poisson(1.5 * plenty)):
        wide, high = float(random.uniform(0.35, 0.9)), float(random.uniform(0.4, 0.9))
        low = float(random.uniform(0.6, max(0.7, room.ceiling - high - 0.2)))
        name = work.material(f"poster-{number}", printer.card(wide, high, LARGE_TEXELS))
        wall = int(random.integers(4))
        if wall <= 1:
            x = float(random.uniform(x0, x1 - wide))
            work.panel(_upright(x, x + wide, y1 - 0.015, low, low + high), name)
            continue
        y = float(random.uniform(y0, max(y0 + 0.01, -0.1 - wide)))
        x, near, far = (x0 + 0.02, y, y + wide) if wall == 2 else (x1 - 0.02, y + wide, y)
        work.panel(((x, near, low), (x, far, low), (x, far, low + high), (x, near, low + high)), name)


def _signs(work: Joinery, layout: Layout, printer: Printer) -> None:
    """Boards that hang from the ceiling over the aisle, in some stores."""
    random, room = printer.random, layout.store.room
    if random.random() < 0.5 or room.ceiling < 2.6:
        return
    for number in range(int(random.integers(1, 3))):
        wide, high = float(random.uniform(0.5, 1.2)), float(random.uniform(0.2, 0.4))
        x = float(random.uniform(room.x[0] + 0.1, room.x[1] - wide - 0.1))
        y, low = float(random.uniform(-0.5, -0.05)), float(random.uniform(2.3, room.ceiling - high))
        name = work.material(f"sign-{number}", printer.card(wide, high, LARGE_TEXELS))
        work.block((x, y, low), (x + wide, y + 0.01, low + high), name, "bottom top")


def _baskets(work: Joinery, layout: Layout, random: np.random.Generator) -> None:
    """Empty baskets of wire that stand before a shelf, in some stores."""
    if random.random() < 0.7:
        return
    work.material("wire", surfaces.swatch(WIRE))
    work.material("label", surfaces.swatch(choose(random, GROUNDS)))
    fixture = layout.store.fixtures[int(random.integers(len(layout.store.fixtures)))]
    wide, deep, low, high = random.uniform((0.4, 0.25, 0.0, 0.3), (0.7, 0.35, 0.3, 0.6))
    if fixture.kind not in RAILED or fixture.yaw or fixture.width < wide:
        return
    x, y = fixture.x + float(random.uniform(0, fixture.width - wide)), fixture.y - 0.06 - deep
    for z in np.linspace(low, low + high, 5):
        _ring(work, (x, y, float(z)), wide, deep)
    for u in np.arange(0, wide, 0.05):
        for v in (y, y + deep):
            work.block((x + u, v, low), (x + u + 0.004, v + 0.004, low + high), "wire", "top bottom")
    for v in np.arange(0, deep, 0.05):
        for u in (x, x + wide):
            work.block((u, y + v, low), (u + 0.004, y + v + 0.004, low + high), "wire", "top bottom")
    tag = x + 0.3 * wide
    work.panel(_upright(tag, tag + 0.12, y - 0.004, low + high - 0.09, low + high), "label")


def _ring(work: Joinery, corner: Point, wide: float, deep: float) -> None:
    x, y, z = corner
    for v in (y, y + deep):
        work.block((x, v, z), (x + wide, v + 0.005, z + 0.005), "wire")
    for u in (x, x + wide):
        work.block((u, y, z), (u + 0.005, y + deep, z + 0.005), "wire")


def _upright(x0: float, x1: float, y: float, low: float, high: float) -> tuple[Point, ...]:
    """The corners of a panel that faces the aisle."""
    return (x0, y, low), (x1, y, low), (x1, y, high), (x0, y, high)
