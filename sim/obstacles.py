"""Things in the aisle: a shopping cart, a hand basket, a loaded pallet and a roll cage, in real sizes.

Each stands on z = 0 around the origin and faces +y, as people do. The renderers have no see-through
wire, so that wires are thin bars, as few as still look like a mesh.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from scenarios import rng
from sim.meshes import Mesh, MeshBuilder

HANDLE = 1.02
"""Height of a cart's handle, metres (EN 1929-1 carts: about 0.95 to 1.05)."""
BASKET_DROP = 0.40
"""From a basket's handle down to its floor, metres."""
OBSTACLES = ("cart", "basket", "pallet", "cage")
VARIANTS = 3
"""Looks of each kind of obstacle."""

Point = tuple[float, float, float]
COLOURS = {
    "wire": (168, 172, 176), "dark": (44, 46, 50), "wood": (186, 148, 100), "film": (206, 212, 214),
    "accent": (190, 30, 40), "board": (178, 136, 90), "tape": (214, 190, 140), "goods": (70, 110, 160),
}  # fmt: skip
ACCENTS = ((190, 30, 40), (20, 104, 62), (24, 66, 150))


@cache
def obstacle_mesh(kind: str, variant: int) -> Mesh:
    """The mesh of one of OBSTACLES; KeyError for another kind."""
    b = _Bars(variant)
    {"cart": _cart, "basket": _basket, "pallet": _pallet, "cage": _cage}[kind](b, variant)
    return b.mesh(b.texture)


class _Bars(MeshBuilder):
    """Bars and panels in plain colours, and carton faces, over one small texture."""

    def __init__(self, variant: int) -> None:
        super().__init__()
        colours = {**COLOURS, "accent": ACCENTS[variant % len(ACCENTS)]}
        self.texture = Image.new("RGB", (256, 128), (120, 120, 120))
        draw = ImageDraw.Draw(self.texture)
        self.swatch = {}
        for i, (name, colour) in enumerate(colours.items()):
            draw.rectangle((i * 32, 0, i * 32 + 31, 31), fill=colour)
            self.swatch[name] = ((i * 32 + 16) / 256, 1 - 16 / 128)
        self.texture.paste(_carton_face(variant), (0, 32))

    def panel(self, low: Point, high: Point, colour: str) -> None:
        self.block(low, high, self.swatch[colour])

    def bar(self, a: Point, b: Point, thick: float, colour: str) -> None:
        """A square bar from a to b, without its ends."""
        start, end = np.array(a), np.array(b)
        axis = (end - start) / np.linalg.norm(end - start)
        side = np.cross(axis, (0.0, 0.0, 1.0) if abs(axis[2]) < 0.9 else (1.0, 0.0, 0.0))
        side *= thick / 2 / np.linalg.norm(side)
        up = np.cross(axis, side)
        ring = [side + up, up - side, -side - up, side - up]
        for p, q in zip(ring, ring[1:] + ring[:1]):
            corners = [tuple(map(float, v)) for v in (start + p, start + q, end + q, end + p)]
            self.polygon(corners, [self.swatch[colour]] * 4)  # type: ignore[arg-type]

    def grid(self, corners: tuple[Point, Point, Point, Point], columns: int, rows: int, thick: float) -> None:
        """Wires over a quad: lower left, lower right, upper right, upper left."""
        ll, lr, ur, ul = (np.array(c) for c in corners)
        for t in np.linspace(0, 1, columns + 1):
            self.bar(tuple(ll + t * (lr - ll)), tuple(ul + t * (ur - ul)), thick, "wire")
        for t in np.linspace(0, 1, rows + 1):
            self.bar(tuple(ll + t * (ul - ll)), tuple(lr + t * (ur - lr)), thick * (2 if t == 1 else 1), "wire")

    def carton(self, low: Point, high: Point) -> None:
        """A shipping carton with print and tape on its faces."""
        first = len(self.uv)
        self.panel(low, high, "board")
        face = [(0.005, 0.01), (0.37, 0.01), (0.37, 0.74), (0.005, 0.74)]
        for quad in range(6):
            self.uv[first + 4 * quad : first + 4 * quad + 4] = face


def _carton_face(variant: int) -> Image.Image:
    random = rng(7, "carton", variant)
    face = Image.new("RGB", (96, 96), COLOURS["board"])
    draw = ImageDraw.Draw(face)
    draw.rectangle((0, 42, 95, 52), fill=COLOURS["tape"])
    draw.rectangle((6, 8, 52, 32), fill=tuple(int(v) for v in random.integers(30, 200, 3)))
    for y in (60, 66, 72):
        draw.line((8, y, int(random.integers(40, 70)), y), fill=(70, 54, 40), width=2)
    for x in range(62, 90, 3):
        draw.line((x, 66, x, 86), fill=(40, 32, 26), width=int(random.integers(1, 3)))
    draw.rectangle((0, 0, 95, 95), outline=(140, 104, 66), width=2)
    return face


def _cart(b: _Bars, variant: int) -> None:
    """A 100 litre cart: 0.58 m wide, 0.96 m long, its handle at 1.02 m (a common size in supermarket
    catalogues); the one who pushes stands behind, at smaller y; the origin is under its middle."""
    w, rear, front = 0.27, -0.34, 0.48
    low, high = 0.52, 0.92
    bottom = [(-w + 0.05, rear + 0.04, low), (w - 0.05, rear + 0.04, low), (w - 0.08, front - 0.06, low + 0.05),
              (-w + 0.08, front - 0.06, low + 0.05)]  # fmt: skip
    top = [(-w, rear, high), (w, rear, high), (w - 0.05, front, high - 0.04), (-w + 0.05, front, high - 0.04)]
    for i, (columns, rows) in enumerate(((6, 4), (10, 4), (6, 4), (10, 4))):
        j = (i + 1) % 4
        b.grid((bottom[i], bottom[j], top[j], top[i]), columns, rows, 0.006)
    b.grid((bottom[0], bottom[1], bottom[2], bottom[3]), 6, 8, 0.006)
    for side in (-1, 1):
        x = side * 0.25
        b.bar((x, rear, high), (x, rear - 0.10, HANDLE), 0.022, "wire")
        b.bar((x, rear + 0.02, high), (x, rear + 0.10, 0.16), 0.024, "wire")
        b.bar((x, rear + 0.10, 0.16), (side * 0.17, front - 0.04, 0.14), 0.024, "wire")
        b.bar((x, rear + 0.06, low), (side * 0.17, front - 0.20, low), 0.02, "wire")
        for y, wide in ((rear + 0.10, 0.25), (front - 0.04, 0.17)):
            b.panel((side * wide - 0.016, y - 0.06, 0.0), (side * wide + 0.016, y + 0.06, 0.125), "dark")
    b.bar((-0.27, rear - 0.10, HANDLE), (0.27, rear - 0.10, HANDLE), 0.034, "accent")
    b.bar((-0.2, rear + 0.25, 0.15), (0.2, rear + 0.25, 0.15), 0.02, "wire")
    if variant:
        b.carton((-0.15, -0.05, low + 0.03), (0.10, 0.20, low + 0.28))
        b.panel((-0.02, -0.26, low + 0.01), (0.14, -0.12, low + 0.22), "goods")
        b.panel((-0.10, 0.24, low + 0.05), (0.08, 0.36, low + 0.20), "film")


def _basket(b: _Bars, variant: int) -> None:
    """A 28 litre hand basket, 0.48 × 0.33 × 0.25 m, hanging from a left hand: the origin is its handle, the
    basket hangs a little to the left, clear of the leg."""
    x0, x1, y, top, low = -0.26, 0.07, 0.235, -0.16, -BASKET_DROP
    for x in (x0, x1):
        b.panel((x - 0.004, -y, low), (x + 0.004, y, top), "accent")
        b.bar((x, 0.0, top), (min(0.05, max(-0.05, x)), 0.0, 0.0), 0.012, "dark")
    for side in (-1, 1):
        b.panel((x0, side * y - 0.004, low), (x1, side * y + 0.004, top), "accent")
        b.panel((x0 - 0.012, side * y - 0.012, top - 0.02), (x1 + 0.012, side * y + 0.012, top), "accent")
    for x in (x0, x1):
        b.panel((x - 0.012, -y, top - 0.02), (x + 0.012, y, top), "accent")
    b.panel((x0, -y, low), (x1, y, low + 0.008), "dark")
    b.bar((-0.05, 0.0, 0.0), (0.05, 0.0, 0.0), 0.022, "dark")
    if variant:
        b.carton((-0.22, -0.18, low + 0.01), (-0.10, 0.02, top + 0.05))
        b.panel((-0.08, 0.05, low + 0.01), (0.02, 0.16, top + 0.03), "goods")


def _pallet(b: _Bars, variant: int) -> None:
    """A EUR pallet (EN 13698-1: 1.200 × 0.800 × 0.144 m) with layers of 0.4 × 0.3 m cartons."""
    for i in range(5):  # deck boards, 22 mm, along the length
        y = -0.4 + i * (0.8 - 0.145) / 4
        b.panel((-0.6, y, 0.122), (0.6, y + 0.145, 0.144), "wood")
    for x in (-0.6, -0.0725, 0.455):
        b.panel((x, -0.4, 0.100), (x + 0.145, 0.4, 0.122), "wood")
        for y in (-0.4, -0.0725, 0.30):
            b.panel((x, y, 0.022), (x + 0.145, y + 0.1, 0.100), "wood")
    for y in (-0.4, -0.05, 0.3):
        b.panel((-0.6, y, 0.0), (0.6, y + 0.1, 0.022), "wood")
    random = rng(7, "load", variant)
    layers = 2 + variant
    for layer in range(layers):
        z = 0.144 + 0.28 * layer
        for i in range(3):
            for j in range(2):
                if layer == layers - 1 and random.random() < 0.4:
                    continue
                dx, dy = random.uniform(0.0, 0.012, 2)
                b.carton((-0.6 + 0.4 * i + dx, -0.4 + 0.4 * j + dy, z), (-0.212 + 0.4 * i, -0.012 + 0.4 * j, z + 0.275))


def _cage(b: _Bars, variant: int) -> None:
    """A roll cage, 0.80 × 0.72 × 1.70 m (the common two-sided one), half loaded."""
    x, y, low, high = 0.36, 0.40, 0.20, 1.70
    b.panel((-x, -y, low - 0.03), (x, y, low), "dark")
    for side in (-1, 1):
        b.grid(((-x, side * y, low), (x, side * y, low), (x, side * y, high), (-x, side * y, high)), 6, 5, 0.008)
        for corner in (-1, 1):
            b.bar((corner * x, side * y, low), (corner * x, side * y, high), 0.026, "wire")
            x0, y0 = corner * 0.30, side * 0.33
            b.panel((x0 - 0.015, y0 - 0.055, 0.0), (x0 + 0.015, y0 + 0.055, 0.12), "dark")
            b.bar((x0, y0, 0.10), (x0, y0, low), 0.03, "wire")
    b.bar((-x, -y, 1.0), (-x, y, 1.0), 0.02, "wire")
    for layer in range(1 + variant):
        z = low + 0.30 * layer
        b.carton((-0.32, -0.37, z), (0.05, -0.01, z + 0.29))
        b.carton((-0.31, 0.01, z), (0.07, 0.37, z + 0.29))
        if layer < variant:
            b.carton((0.07, -0.36, z), (0.33, 0.34, z + 0.29))
