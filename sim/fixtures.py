"""The furniture: gondolas, end caps, coolers, freezer chests, peg walls, pallets and warehouse racks.

Every kind is built in the fixture's own frame (x along its front, y into it, z up) and then turned. What a
pack needs of its place is left free: sides, doors and walls stand around a fixture's area, not in it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np

from scenarios import Fixture, Layout, Position, Store, rng
from scenarios.planogram import SIDE_GAP
from sim import surfaces
from sim.joinery import Joinery
from sim.meshes import Mesh
from sim.surfaces import Colour, toned

BOARD = 0.025
"""Thickness of a shelf board, metres."""
RAIL = 0.038
"""Height of the price rail on a board's front edge, metres."""
SHEET = 0.003
"""How far the back panel stands before a fixture's back edge, metres: packs may take the depth up to it."""
WALL = 0.06
"""Thickness of a freezer chest's insulated wall, metres."""
BEAM = 0.11
"""Height of a warehouse rack's beam, metres."""
HOOK_DROP = 0.012
"""A pack hangs from its hook by a hole this far below its upper edge, metres."""
DOOR = 0.05
"""How far a cooler's doors stand before its shelves, metres."""
WIDEST_DOOR = 0.8
STEEL: tuple[Colour, ...] = ((226, 226, 222), (205, 207, 208), (238, 236, 228), (120, 122, 126))
ACCENT: tuple[Colour, ...] = ((196, 30, 40), (30, 90, 170), (32, 128, 84), (232, 140, 20), (60, 60, 64), (120, 40, 110))


def fixture_mesh(layout: Layout, fixture: Fixture, seed: int) -> Mesh:
    """Everything of a fixture that cannot be seen through; `seed` draws the colours, alike for the whole store."""
    work = Joinery()
    KINDS[fixture.kind](work, layout, fixture, seed)
    if fixture.dividers:
        _dividers(work, layout, fixture)
    return work.mesh(fixture)


def pane_mesh(fixture: Fixture, seed: int) -> Mesh | None:
    """The glass of a cooler's doors, all of it `clear`; None for what has no glass."""
    if fixture.kind != "cooler":
        return None
    work = Joinery(glass=surfaces.swatch((225, 235, 235)))
    for hinge, axis, width in _doors(fixture, seed):
        _leaf(work, hinge, axis, 0.035, width - 0.035, 0.08, fixture.height - 0.02, 0.006, "glass")
    mesh = work.mesh(fixture)
    return Mesh(
        mesh.vertices, mesh.uv, mesh.normals, mesh.triangles, mesh.texture, mesh.pieces,
        "gloss", np.ones(len(mesh.triangles), bool),
    )  # fmt: skip


def open_ends(store: Store, fixture: Fixture) -> tuple[bool, bool]:
    """Whether the left and the right end of a fixture are open: no bay of its kind goes on there."""
    ends = []
    for corner, other_corner in ((0.0, 1.0), (1.0, 0.0)):
        here = fixture.to_world([corner * fixture.width, 0, 0])
        ends.append(
            not any(
                f.kind == fixture.kind
                and math.cos(f.yaw - fixture.yaw) > 0.999
                and np.linalg.norm(f.to_world([other_corner * f.width, 0, 0]) - here) < 0.03
                for f in store.fixtures
            )
        )
    return ends[0], ends[1]


def positions_of(layout: Layout, fixture: Fixture) -> list[Position]:
    return [p for p in layout.planogram.positions if p.fixture == fixture.id]


def hook_height(layout: Layout, position: Position, level: int) -> float:
    """Height of a peg wall's hook above the floor."""
    product = layout.product(position)
    shelf = layout.store.fixture(position.fixture).shelves[position.shelf]
    return shelf.z + (level + 1) * product.height - HOOK_DROP


def _steel(seed: int) -> tuple[Colour, Colour, np.random.Generator]:
    random = rng(seed, "gondola")
    steel = surfaces.choose(random, STEEL)
    rail = surfaces.choose(random, ((232, 232, 230), (245, 245, 240), steel, *ACCENT[:5]))
    return steel, rail, random


def _back(work: Joinery, f: Fixture, colour: Colour, pitch: float) -> None:
    """A perforated back panel and the plain sheet behind it."""
    tops = [s.z for s in f.shelves[1:]] + [f.height]
    shadows = [(s.z, top) for s, top in zip(f.shelves, tops)] if f.kind != "pegwall" else []
    work.material("back", surfaces.holed(colour, f.width, shadows, f.height, pitch))
    work.material("behind", surfaces.swatch(toned(colour, 0.9)))
    y, w, z = f.depth - SHEET, f.width, f.height
    work.panel(((0, y, 0), (w, y, 0), (w, y, z), (0, y, z)), "back")
    work.panel(((w, f.depth, 0), (0, f.depth, 0), (0, f.depth, z), (w, f.depth, z)), "behind")


def _boards(work: Joinery, f: Fixture, steel: Colour, rail: Colour, random: np.random.Generator) -> None:
    """Boards that darken into the shelf, their price rails, and the brackets that carry them."""
    work.material("board", surfaces.faded(toned(steel, 0.97), 0.62, 1.0))
    work.material("under", surfaces.swatch(toned(steel, 0.5)))
    work.material("edge", surfaces.swatch(toned(steel, 0.92)))
    work.material("rail", surfaces.rail(rail, random, f.width))
    work.material("lip", surfaces.swatch(toned(rail, 1.05)))
    for n, shelf in enumerate(f.shelves):
        z = shelf.z
        work.block(
            (0.001, 0, z - BOARD), (f.width - 0.001, f.depth - SHEET, z),
            "edge", without="back front", top="board", bottom="under",
        )  # fmt: skip
        work.block((0.001, -0.008, z - RAIL), (f.width - 0.001, 0, z + 0.002), "lip", without="back", front="rail")
        if n:
            for x in (0.006, f.width - 0.006):
                y0, y1, low = f.depth * 0.35, f.depth - SHEET, z - BOARD - 0.05
                blade = ((x, y0, z - BOARD - 0.015), (x, y1, low), (x, y1, z - BOARD), (x, y0, z - BOARD))
                work.panel(blade, "edge")
                work.panel(tuple(reversed(blade)), "edge")


def _uprights(work: Joinery, f: Fixture, colour: Colour) -> None:
    work.material("upright", surfaces.slotted(colour, f.height))
    work.material("upright side", surfaces.swatch(toned(colour, 0.85)))
    for x in (0.0, f.width):
        work.block(
            (x - 0.016, f.depth - 0.012, 0), (x + 0.016, f.depth + 0.01, f.height + 0.02),
            "upright side", without="bottom", front="upright",
        )  # fmt: skip


def _gondola(work: Joinery, layout: Layout, f: Fixture, seed: int) -> None:
    """Uprights, perforated back, plinth, boards, top cap, and end panels where the run ends."""
    steel, rail, random = _steel(seed)
    _back(work, f, toned(steel, 0.96), 0.05)
    _uprights(work, f, steel)
    _boards(work, f, steel, rail, random)
    work.material("plinth", surfaces.faded(toned(steel, 0.6), 1.0, 0.7))
    work.block(
        (0, 0.025, 0), (f.width, f.depth - SHEET, max(0.01, f.shelves[0].z - BOARD)), "plinth", "top back bottom"
    )
    work.block((0, f.depth - 0.05, f.height), (f.width, f.depth, f.height + 0.02), "edge")
    accent = surfaces.choose(random, (steel, toned(steel, 0.9), *ACCENT))
    side = random.random() < 0.7
    work.material("side", surfaces.faded(accent, 1.0, 0.88))
    for is_open, x in zip(open_ends(layout.store, f), (-0.018, f.width)):
        if is_open and side:
            work.block((x, 0.004, 0), (x + 0.018, f.depth, f.height + 0.02), "side", without="bottom")
        elif is_open:
            work.block((x, f.depth * 0.45, 0), (x + 0.018, f.depth, f.height + 0.02), "side", without="bottom")


def _endcap(work: Joinery, layout: Layout, f: Fixture, seed: int) -> None:
    """A short gondola with whole side panels and a promotion header."""
    steel, _rail, random = _steel(seed)
    accent = surfaces.choose(random, ACCENT)
    _back(work, f, toned(steel, 0.96), 0.05)
    _boards(work, f, steel, accent, random)
    work.material("plinth", surfaces.faded(accent, 0.8, 0.6))
    work.block((0, 0.02, 0), (f.width, f.depth, max(0.01, f.shelves[0].z - BOARD)), "plinth", "top back bottom")
    work.material("side", surfaces.faded(toned(steel, 0.95), 1.0, 0.86))
    for x in (-0.02, f.width):
        work.block((x, -0.004, 0), (x + 0.02, f.depth, f.height), "side", without="bottom")
    words = ("SPECIAL OFFER", "2 FOR 1", "THIS WEEK", "NEW IN STORE", "SAVE 30%")
    header = surfaces.sign(words[int(random.integers(len(words)))], accent, (250, 248, 240), (320, 96))
    work.material("header", header)
    work.block(
        (-0.02, f.depth * 0.3, f.height), (f.width + 0.02, f.depth * 0.3 + 0.03, f.height + 0.28), "side",
        front="header", back="header",
    )  # fmt: skip


def _cooler(work: Joinery, layout: Layout, f: Fixture, seed: int) -> None:
    """A white cabinet with wire shelves, light strips, and doors of which the frames are drawn."""
    random = rng(seed, "cooler")
    dark = surfaces.choose(random, ((38, 40, 44), (60, 62, 66), (190, 192, 194)))
    white: Colour = (236, 240, 242)
    accent = surfaces.choose(random, ACCENT)
    work.material("white", surfaces.faded(white, 0.95, 0.86))
    work.material("frame", surfaces.swatch(dark))
    work.material("handle", surfaces.swatch((176, 178, 180)))
    work.material("lamp", surfaces.swatch((255, 255, 255)))
    work.material("grille", surfaces.faded(dark, 1.0, 0.7))
    work.material("sign", surfaces.sign("CHILLED", accent, (250, 250, 246), (360, 60)))
    work.material("wire", surfaces.wires((208, 212, 214), f.width, f.depth, (96, 102, 106)))
    work.material("rail", surfaces.rail((228, 230, 232), random, f.width))
    y, w, z = f.depth - SHEET, f.width, f.height
    work.panel(((0, y, 0), (w, y, 0), (w, y, z), (0, y, z)), "white")
    work.panel(((0, y, z), (w, y, z), (w, 0, z), (0, 0, z)), "white")
    work.panel(((w, f.depth, 0), (0, f.depth, 0), (0, f.depth, z), (w, f.depth, z)), "frame")
    work.block((0, -DOOR, 0), (w, y, max(0.01, f.shelves[0].z - 0.02)), "grille", without="back bottom")
    work.block((0, -DOOR, z), (w, f.depth, z + 0.22), "frame", without="bottom", front="sign")
    for is_open, x, inner in zip(open_ends(layout.store, f), (-0.03, w), ("right", "left")):
        if is_open:
            work.block((x, -DOOR, 0), (x + 0.03, f.depth, z + 0.22), "frame", without="bottom", **{inner: "white"})
    for x in (0.0, w):  # lamps behind the door posts shine along the shelves
        work.block((x - 0.012, -0.03, f.shelves[0].z), (x + 0.012, -0.015, z), "lamp", without="top bottom")
    for shelf in f.shelves:
        work.block(
            (0.003, 0, shelf.z - 0.008), (w - 0.003, y - 0.01, shelf.z), "handle", without="back",
            top="wire", bottom="wire",
        )  # fmt: skip
        work.block((0.003, -0.008, shelf.z - RAIL), (w - 0.003, 0, shelf.z + 0.002), "handle", "back", front="rail")
    for hinge, axis, width in _doors(f, seed):
        for a, b, low, high in (
            (0.0, 0.035, 0.03, z), (width - 0.035, width, 0.03, z), (0.035, width - 0.035, 0.03, 0.08),
            (0.035, width - 0.035, z - 0.045, z),
        ):  # fmt: skip
            _leaf(work, hinge, axis, a, b, low, high, 0.03, "frame")
        _leaf(work, hinge, axis, width - 0.03, width - 0.012, z * 0.4, z * 0.75, 0.06, "handle")


def _doors(f: Fixture, seed: int) -> list[tuple[tuple[float, float], tuple[float, float], float]]:
    """The doors of a cooler: hinge (x, y), direction from the hinge to the handle, and width. Some stand open."""
    count = math.ceil(f.width / WIDEST_DOOR - 1e-6)
    width = f.width / count
    doors = []
    for n in range(count):
        is_open = rng(seed, "door", f.id, n).random() < 0.12
        angle = math.radians(80) if is_open else 0.0
        if count > 1 and n % 2 == 0:
            hinge, sign = (n * width + 0.004, -DOOR), 1.0
        else:
            hinge, sign = ((n + 1) * width - 0.004, -DOOR), -1.0
        doors.append((hinge, (sign * math.cos(angle), -math.sin(angle)), width - 0.008))
    return doors


def _leaf(
    work: Joinery, hinge: tuple[float, float], axis: tuple[float, float], a: float, b: float,
    low: float, high: float, thick: float, material: str,
) -> None:  # fmt: skip
    """A bar or pane of a door, from `a` to `b` metres off the hinge, `thick` to the outside."""
    ax, ay = axis
    nx, ny = (ay, -ax) if ax >= 0 else (-ay, ax)  # towards who stands before the closed door
    ring = [(a, 0.0), (b, 0.0), (b, thick), (a, thick)]
    foot = [(hinge[0] + ax * s + nx * t, hinge[1] + ay * s + ny * t) for s, t in ring]
    if ax >= 0:
        foot = foot[::-1]
    for (x0, y0), (x1, y1) in zip(foot, foot[1:] + foot[:1]):
        work.panel(((x0, y0, low), (x1, y1, low), (x1, y1, high), (x0, y0, high)), material)
    top = [(x, y, high) for x, y in foot]
    work.panel((top[0], top[1], top[2], top[3]), material)


def _freezer(work: Joinery, layout: Layout, f: Fixture, seed: int) -> None:
    """An open chest: insulated walls around a frosted well, a dark rim, a bumper."""
    random = rng(seed, "freezer")
    rim = surfaces.choose(random, ((70, 74, 80), (150, 154, 158), (40, 60, 110)))
    work.material("outside", surfaces.faded((232, 234, 236), 1.0, 0.8))
    work.material("inside", surfaces.frost(random))
    work.material("floor", surfaces.frost(random, (160, 120)))
    work.material("rim", surfaces.swatch(rim))
    work.material("bumper", surfaces.swatch((48, 50, 54)))
    w, d, floor, top = f.width, f.depth, f.shelves[0].z, f.height
    ends = open_ends(layout.store, f)
    left, right = (-WALL if ends[0] else -0.002), (w + WALL if ends[1] else w + 0.002)
    work.panel(((0, 0, floor), (w, 0, floor), (w, d, floor), (0, d, floor)), "floor")
    for low, high, inner in (
        ((left, -WALL, 0.0), (right, 0.0, top), "back"),
        ((left, d, 0.0), (right, d + WALL, top), "front"),
        ((left, 0.0, 0.0), (0.0, d, top), "right"),
        ((w, 0.0, 0.0), (right, d, top), "left"),
    ):
        work.block(low, high, "outside", without="bottom", top="rim", **{inner: "inside"})
    work.block((left, -WALL - 0.012, top - 0.03), (right, -WALL, top + 0.004), "rim", without="back")
    work.block((left, -WALL - 0.02, 0.10), (right, -WALL, 0.16), "bumper", without="back")


def _pegwall(work: Joinery, layout: Layout, f: Fixture, seed: int) -> None:
    """A peg board with a hook for every column, on a plinth."""
    steel, _, random = _steel(seed)
    colour = surfaces.choose(random, ((224, 216, 200), (236, 236, 234), (92, 94, 98), (206, 190, 160)))
    _back(work, f, colour, 0.025)
    _uprights(work, f, steel)
    work.material("plinth", surfaces.faded(toned(steel, 0.7), 1.0, 0.75))
    base = max(0.05, min(s.z for s in f.shelves) - 0.06)
    work.block((0, 0.02, 0), (f.width, f.depth - SHEET, min(base, 0.3)), "plinth", "back bottom")
    work.material("hook", surfaces.swatch((170, 172, 176)))
    for p in positions_of(layout, f):
        pitch = layout.product(p).width + SIDE_GAP
        for column in range(p.wide):
            x = p.x + (column + 0.5) * pitch
            for level in range(p.high):
                z = hook_height(layout, p, level)
                work.block((x - 0.0025, 0, z - 0.0025), (x + 0.0025, f.depth - SHEET, z + 0.0025), "hook", "back")


def _pallet(work: Joinery, layout: Layout, f: Fixture, seed: int) -> None:
    """A pallet of the EUR pattern (EN 13698-1): five deck boards over three bearers, nine blocks, three skids."""
    random = rng(seed, "pallet", f.id)
    for n in range(4):
        work.material(f"plank{n}", surfaces.wood(random))
    w, d, deck = f.width, f.depth, f.shelves[0].z
    plank = deck * 0.153  # 22 of 144 mm

    def beam(low: tuple[float, float, float], high: tuple[float, float, float]) -> None:
        work.block(low, high, f"plank{int(random.integers(4))}")

    for share, width in ((0.0, 0.145), (0.2269, 0.1), (0.5, 0.145), (0.7731, 0.1), (1.0, 0.145)):
        y = share * (d - width * d / 0.8)
        beam((0, y, deck - plank), (w, y + width * d / 0.8, deck))
    for share in (0.0, 0.5, 1.0):
        x = share * (w - 0.145 * w / 1.2)
        beam((x, 0, deck - 2 * plank), (x + 0.145 * w / 1.2, d, deck - plank))
        y = share * (d - 0.1)
        beam((0, y, 0), (w, y + 0.1, plank))
        for depth_share in (0.0, 0.5, 1.0):
            y = depth_share * (d - 0.1)
            beam((x, y, plank), (x + 0.145 * w / 1.2, y + 0.1, deck - 2 * plank))


def _rack(work: Joinery, layout: Layout, f: Fixture, seed: int) -> None:
    """A pallet rack: blue frames with bracing, orange beams, wire decks. The front posts stand before the load."""
    random = rng(seed, "rack")
    blue = surfaces.choose(random, ((28, 70, 150), (40, 92, 170), (90, 98, 108)))
    orange = surfaces.choose(random, ((232, 104, 22), (240, 128, 30), (226, 88, 30)))
    top = f.height + 0.1
    work.material("post", surfaces.slotted(blue, top))
    work.material("frame", surfaces.swatch(toned(blue, 0.9)))
    work.material("beam", surfaces.faded(orange, 1.05, 0.85, (8, 24)))
    work.material("beam side", surfaces.swatch(toned(orange, 0.75)))
    work.material("deck", surfaces.wires((176, 180, 184), f.width, f.depth, (70, 72, 76), 0.05))
    for x in (0.0, f.width):
        for y in (-0.12, f.depth):
            work.block((x - 0.04, y, 0), (x + 0.04, y + 0.07, top), "frame", without="bottom", front="post")
        rungs = np.linspace(0.15, top - 0.1, max(3, round(top / 0.6)))
        for n, (z0, z1) in enumerate(itertools.pairwise(rungs)):
            a, b = ((-0.06, z0), (f.depth + 0.02, z1)) if n % 2 else ((f.depth + 0.02, z0), (-0.06, z1))
            bar = ((x, a[0], a[1]), (x, b[0], b[1]), (x, b[0], b[1] + 0.04), (x, a[0], a[1] + 0.04))
            work.panel(bar, "frame")
            work.panel(tuple(reversed(bar)), "frame")
    for shelf in f.shelves:
        if shelf.z < BEAM + 0.02:
            continue
        for y in (-0.045, f.depth):
            work.block(
                (0.0, y, shelf.z - BEAM - 0.008), (f.width, y + 0.045, shelf.z - 0.008), "beam side", front="beam"
            )
        work.block((0.0, 0.0, shelf.z - 0.01), (f.width, f.depth, shelf.z), "frame", top="deck", bottom="deck")


def _dividers(work: Joinery, layout: Layout, f: Fixture) -> None:
    """Thin plates between the positions of a shelf, in the free width between two packs."""
    work.material("divider", surfaces.swatch((214, 222, 226)))
    work.material("divider edge", surfaces.swatch((240, 244, 246)))
    for p in positions_of(layout, f):
        product, z = layout.product(p), f.shelves[p.shelf].z
        high = min(0.06, 0.5 * product.height)
        for x in (p.x, p.x + p.wide * (product.width + SIDE_GAP)):
            work.block(
                (x - 0.0005, 0.004, z), (x + 0.0005, f.depth - SHEET, z + high), "divider", "back bottom",
                top="divider edge", front="divider edge",
            )  # fmt: skip


KINDS: dict[str, Callable[[Joinery, Layout, Fixture, int], None]] = {
    "gondola": _gondola, "endcap": _endcap, "cooler": _cooler, "freezer": _freezer,
    "pegwall": _pegwall, "pallet": _pallet, "rack": _rack,
}  # fmt: skip
