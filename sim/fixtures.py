"""Everything that stands still: gondolas with boards, price rails and tags, and the room around them."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from scenarios import Fixture, Layout, rng
from scenarios.planogram import SIDE_GAP
from sim.meshes import Floats, Mesh, MeshBuilder
from sim.packaging import fit_text

BOARD = 0.025
"""Thickness of a shelf board, metres."""
RAIL = 0.038
"""Height of the price rail on a board's front edge, metres."""
TAG_WIDTH, TAG_HEIGHT = 0.062, 0.034


def gondola_mesh(fixture: Fixture, seed: int) -> Mesh:
    """A bay: back panel, uprights, base and boards with their price rails."""
    random = rng(seed, "gondola")
    steel = tuple(int(v) for v in random.choice([(226, 226, 222), (205, 207, 208), (238, 236, 228), (120, 122, 126)]))
    rail = tuple(
        int(v) for v in random.choice([(232, 232, 230), (196, 30, 40), (30, 90, 170), (245, 245, 240), (60, 60, 64)])
    )
    b = MeshBuilder()
    swatches = {"steel": 0.125, "rail": 0.375, "back": 0.625, "base": 0.875}
    back = tuple(int(v * 0.93) for v in steel)
    texture = Image.new("RGB", (64, 16))
    draw = ImageDraw.Draw(texture)
    for i, colour in enumerate((steel, rail, back, tuple(int(v * 0.55) for v in steel))):
        draw.rectangle((i * 16, 0, i * 16 + 15, 15), fill=colour)

    def block(x0: float, x1: float, y0: float, y1: float, z0: float, z1: float, swatch: str) -> None:
        b.block((x0, y0, z0), (x1, y1, z1), (swatches[swatch], 0.5))

    f, x1 = fixture, fixture.x + fixture.width
    block(f.x, x1, f.y + f.depth - 0.02, f.y + f.depth, 0, f.height, "back")
    for x in (f.x, x1):
        block(x - 0.012, x + 0.012, f.y + f.depth - 0.07, f.y + f.depth - 0.02, 0, f.height, "steel")
    block(f.x, x1, f.y + 0.02, f.y + f.depth - 0.02, 0, max(0.01, f.shelves[0].z - BOARD), "base")
    for shelf in f.shelves:
        block(f.x + 0.001, x1 - 0.001, f.y, f.y + f.depth - 0.02, shelf.z - BOARD, shelf.z, "steel")
        block(f.x + 0.001, x1 - 0.001, f.y - 0.008, f.y, shelf.z - RAIL, shelf.z + 0.002, "rail")
    return b.mesh(texture)


def price_tag_corners(layout: Layout) -> Floats:
    """Return the (P, 4, 3) corners of every position's price tag: lower left, lower right, upper right, upper left."""
    corners = []
    for p in layout.planogram.positions:
        fixture, product = layout.store.fixture(p.fixture), layout.product(p)
        slot = p.wide * (product.width + SIDE_GAP)
        x = fixture.x + p.x + min(0.02, max(0.0, (slot - TAG_WIDTH) / 2))
        y, z = fixture.y - 0.0095, fixture.shelves[p.shelf].z - RAIL + 0.002
        corners.append([(x, y, z), (x + TAG_WIDTH, y, z), (x + TAG_WIDTH, y, z + TAG_HEIGHT), (x, y, z + TAG_HEIGHT)])
    return np.array(corners)


def price_tags_mesh(layout: Layout, seed: int, density: float) -> Mesh:
    """All price tags of the store as one mesh over one texture."""
    corners = price_tag_corners(layout)
    w, h = max(20, round(TAG_WIDTH * density)), max(11, round(TAG_HEIGHT * density))
    columns = 16
    rows = -(-len(corners) // columns)
    texture = Image.new("RGB", (w * columns, h * rows), (255, 255, 255))
    b = MeshBuilder()
    for i, p in enumerate(layout.planogram.positions):
        random = rng(seed, "tag", p.id)
        ground = (250, 220, 60) if random.random() < 0.15 else (250, 250, 246)
        tag = Image.new("RGB", (w, h), ground)
        draw = ImageDraw.Draw(tag)
        product = layout.product(p)
        fit_text(draw, (w * 0.04, h * 0.04, w * 0.96, h * 0.34), product.name, 7, (20, 20, 20), lines=1)
        fit_text(draw, (w * 0.40, h * 0.36, w * 0.97, h * 0.96), f"{product.price:.2f}", 0, (15, 15, 15), lines=1)
        for bar in range(2, int(w * 0.32), 3):
            draw.line((bar, h * 0.45, bar, h * 0.9), fill=(30, 30, 30))
        column, row = i % columns, i // columns
        texture.paste(tag, (column * w, row * h))
        u0, u1 = (column + 0.5 / w) / columns, (column + 1 - 0.5 / w) / columns
        v0, v1 = 1 - (row + 1 - 0.5 / h) / rows, 1 - (row + 0.5 / h) / rows
        b.polygon([tuple(c) for c in corners[i]], [(u0, v0), (u1, v0), (u1, v1), (u0, v1)])
    return b.mesh(texture)


def room_meshes(layout: Layout, seed: int) -> list[Mesh]:
    """Tiled floor, walls and ceiling, seen from inside."""
    room = layout.store.room
    (x0, x1), (y0, y1), z1 = room.x, room.y, room.ceiling
    random = rng(seed, "room")
    base = random.choice([(206, 203, 196), (188, 186, 182), (216, 210, 198), (170, 172, 176)])
    floor = _tiles(x1 - x0, y1 - y0, tuple(int(v) for v in base), seed)
    wall = _wall(tuple(int(v) for v in random.choice([(228, 226, 220), (214, 220, 222), (232, 224, 208)])), seed)
    ceiling = Image.new("RGB", (32, 32), (214, 215, 214))
    unit = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
    sides: list[tuple[Image.Image, list[tuple[float, ...]]]] = [
        (floor, [(x0, y0, 0), (x1, y0, 0), (x1, y1, 0), (x0, y1, 0)]),
        (ceiling, [(x0, y1, z1), (x1, y1, z1), (x1, y0, z1), (x0, y0, z1)]),
        (wall, [(x0, y1, 0), (x1, y1, 0), (x1, y1, z1), (x0, y1, z1)]),
        (wall, [(x1, y0, 0), (x0, y0, 0), (x0, y0, z1), (x1, y0, z1)]),
        (wall, [(x0, y0, 0), (x0, y1, 0), (x0, y1, z1), (x0, y0, z1)]),
        (wall, [(x1, y1, 0), (x1, y0, 0), (x1, y0, z1), (x1, y1, z1)]),
    ]
    meshes = []
    for texture, corners in sides:
        b = MeshBuilder()
        b.polygon(corners, unit)
        meshes.append(b.mesh(texture))
    return meshes


def _tiles(width: float, depth: float, base: tuple[int, ...], seed: int) -> Image.Image:
    random = rng(seed, "tiles")
    scale, tile = 160, 0.45
    w, h = round(width * scale), round(depth * scale)
    shades = random.normal(0, 4, (int(depth / tile) + 2, int(width / tile) + 2))
    y, x = np.mgrid[0:h, 0:w] / scale
    picture = np.array(base) + shades[(y / tile).astype(int), (x / tile).astype(int)][..., None]
    joint = (np.mod(x, tile) < 0.012) | (np.mod(y, tile) < 0.012)
    picture[joint] *= 0.82
    picture += random.normal(0, 3, (h, w, 1))
    return Image.fromarray(picture.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.7))


def _wall(base: tuple[int, ...], seed: int) -> Image.Image:
    random = rng(seed, "wall")
    picture = Image.new("RGB", (256, 128), base)
    draw = ImageDraw.Draw(picture)
    stripe = tuple(int(v) for v in random.integers(60, 200, 3))
    draw.rectangle((0, 30, 255, 40), fill=stripe)
    return picture
