"""Price tags, and the talkers that hang from some rails."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from scenarios import Fixture, Layout, Position, rng
from scenarios.planogram import SIDE_GAP
from sim import surfaces
from sim.fixtures import BEAM, RAIL, WALL, hook_height
from sim.joinery import Joinery
from sim.meshes import Floats, Mesh, MeshBuilder
from sim.packaging import fit_text

TAG_WIDTH, TAG_HEIGHT = 0.062, 0.034
RAILED = ("gondola", "endcap", "cooler")
TALKERS = (("SALE", (214, 26, 34)), ("NEW", (30, 120, 60)), ("-30%", (236, 190, 20)), ("2 FOR 1", (214, 26, 34)),
           ("BIO", (60, 140, 50)), ("PRICE DROP", (240, 120, 20)))  # fmt: skip
TALKER_SHARE = 0.07
"""Share of the positions on a rail that have a talker."""


def price_tag_corners(layout: Layout) -> Floats:
    """Return the (P, 4, 3) corners of every position's price tag: lower left, lower right, upper right, upper left."""
    return np.array([_corners(layout, p) for p in layout.planogram.positions]).reshape(-1, 4, 3)


def price_tags_mesh(layout: Layout, seed: int, density: float) -> Mesh:
    """All price tags of the store as one mesh over one texture."""
    corners = price_tag_corners(layout)
    w, h = max(20, round(TAG_WIDTH * density)), max(11, round(TAG_HEIGHT * density))
    columns = 16
    rows = -(-len(corners) // columns)
    texture = Image.new("RGB", (w * columns, h * rows), (255, 255, 255))
    b = MeshBuilder()
    for i, p in enumerate(layout.planogram.positions):
        column, row = i % columns, i // columns
        texture.paste(_tag(layout, p, seed, (w, h)), (column * w, row * h))
        u0, u1 = (column + 0.5 / w) / columns, (column + 1 - 0.5 / w) / columns
        v0, v1 = 1 - (row + 1 - 0.5 / h) / rows, 1 - (row + 0.5 / h) / rows
        b.polygon([tuple(c) for c in corners[i]], [(u0, v0), (u1, v0), (u1, v1), (u0, v1)])
    return b.mesh(texture)


def talkers_mesh(layout: Layout, seed: int) -> Mesh | None:
    """Promotion cards that hang below the rail beside some price tags; None where no position has one."""
    work = Joinery()
    for n, (text, ground) in enumerate(TALKERS):
        ink = (20, 20, 20) if sum(ground) > 430 else (255, 255, 255)
        work.material(str(n), surfaces.sign(text, ground, ink, (96, 80)))
    for p in layout.planogram.positions:
        random = rng(seed, "talker", p.id)
        fixture = layout.store.fixture(p.fixture)
        slot = p.wide * (layout.product(p).width + SIDE_GAP)
        left = 0.02 + TAG_WIDTH + 0.006
        if random.random() >= TALKER_SHARE or fixture.kind not in RAILED or slot < left + 0.05:
            continue
        wide = min(0.09, slot - left)
        x, y, top = p.x + left, -0.0105, fixture.shelves[p.shelf].z
        low = max(top - wide * 0.85, 0.02)
        quad = [(x, y, low), (x + wide, y, low), (x + wide, y, top), (x, y, top)]
        (a, b, c, d) = (tuple(v) for v in fixture.to_world(quad))
        work.panel((a, b, c, d), str(int(random.integers(len(TALKERS)))))
    return work.mesh() if work else None


def _corners(layout: Layout, p: Position) -> Floats:
    fixture, product = layout.store.fixture(p.fixture), layout.product(p)
    slot = p.wide * (product.width + SIDE_GAP)
    x = p.x + min(0.02, max(0.0, (slot - TAG_WIDTH) / 2))
    if fixture.kind == "pegwall":
        x = p.x + (product.width + SIDE_GAP - TAG_WIDTH) / 2
    y, z = _edge(layout, fixture, p)
    corners = [(x, y, z), (x + TAG_WIDTH, y, z), (x + TAG_WIDTH, y, z + TAG_HEIGHT), (x, y, z + TAG_HEIGHT)]
    return fixture.to_world(corners)


def _edge(layout: Layout, fixture: Fixture, p: Position) -> tuple[float, float]:
    """How far into the fixture (metres, negative before its front) and how high the lower edge of a tag is."""
    board = fixture.shelves[p.shelf].z
    if fixture.kind == "rack" and board > BEAM + 0.02:
        return -0.0465, board - 0.012 - TAG_HEIGHT
    if fixture.kind == "rack":  # it stands on the floor: its labels are on the beam above
        above = [s.z for s in fixture.shelves if s.z > board]
        return -0.0465, min(above) - BEAM if above else board + 0.01
    if fixture.kind == "freezer":
        return -WALL - 0.0135, fixture.height - 0.032
    if fixture.kind == "pegwall":
        return -0.0015, hook_height(layout, p, 0) + 0.001
    if fixture.kind == "pallet":
        return -0.0015, board - TAG_HEIGHT - 0.001
    return -0.0095, board - RAIL + 0.002


def _tag(layout: Layout, p: Position, seed: int, size: tuple[int, int]) -> Image.Image:
    w, h = size
    ground = (250, 220, 60) if rng(seed, "tag", p.id).random() < 0.15 else (250, 250, 246)
    tag = Image.new("RGB", size, ground)
    draw = ImageDraw.Draw(tag)
    product = layout.product(p)
    fit_text(draw, (w * 0.04, h * 0.04, w * 0.96, h * 0.34), product.name, 7, (20, 20, 20), lines=1)
    fit_text(draw, (w * 0.40, h * 0.36, w * 0.97, h * 0.96), f"{product.price:.2f}", 0, (15, 15, 15), lines=1)
    for bar in range(2, int(w * 0.32), 3):
        draw.line((bar, h * 0.45, bar, h * 0.9), fill=(30, 30, 30))
    return tag
