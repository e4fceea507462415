"""The room around the fixtures: floor, walls, ceiling, lamps, windows, and shelving that is only painted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from scenarios import Layout, Luminaire, Store, rng
from sim import surfaces
from sim.backdrop import facade
from sim.joinery import Joinery, Point
from sim.lighting import hung
from sim.meshes import Mesh
from sim.packaging import fit_text
from sim.surfaces import Colour, choose, picture_of, toned

FACADE_HEIGHT = 2.0
"""Height of painted shelving, metres."""
STOOD_AGAINST, SEEN_BEHIND = 0.35, 3.0
"""A wall with a fixture closer than the first, in metres, bears no painted shelving, nor one that is seen behind
an open fixture from nearer than the second: what is painted must not be taken for what stands before it."""
OPEN = ("freezer", "pallet", "rack")
WALL_TEXELS = 90
"""Texels per metre of walls and ceiling."""


@dataclass(frozen=True)
class _Wall:
    """A wall seen from inside: lower left and lower right corner (x, y), and its name as in `Window.wall`."""

    name: str
    left: tuple[float, float]
    right: tuple[float, float]

    @property
    def length(self) -> float:
        return float(np.hypot(self.right[0] - self.left[0], self.right[1] - self.left[1]))

    def quad(self, a: float, b: float, low: float, high: float, off: float) -> tuple[Point, ...]:
        """The part from `a` to `b` metres off its left corner, `off` metres before it."""
        along = np.subtract(self.right, self.left) / self.length
        inward = np.array([-along[1], along[0]]) * -1.0
        p, q = (np.array(self.left) + along * s + inward * off for s in (a, b))
        return (*p, low), (*q, low), (*q, high), (*p, high)


def room_meshes(layout: Layout, seed: int) -> list[Mesh]:
    """Floor, ceiling with lamps, and the four walls with their signs and windows, seen from inside."""
    room, store = layout.store.room, layout.store
    (x0, x1), (y0, y1), top = room.x, room.y, room.ceiling
    lamps = hung(store)
    floor = Joinery(floor=_floor(store, seed))
    floor.panel(((x0, y0, 0), (x1, y0, 0), (x1, y1, 0), (x0, y1, 0)), "floor")
    ceiling = Joinery(ceiling=_ceiling(x1 - x0, y1 - y0))
    ceiling.panel(((x0, y1, top), (x1, y1, top), (x1, y0, top), (x0, y0, top)), "ceiling")
    walls = Joinery()
    random = rng(seed, "room")
    base = choose(random, ((228, 226, 220), (214, 220, 222), (232, 224, 208), (238, 238, 234)))
    accent = choose(random, ((176, 40, 44), (32, 92, 150), (40, 122, 80), (220, 140, 40), (84, 84, 90)))
    for wall in _walls(layout):
        names = _categories(layout, seed, wall.name)
        walls.material(wall.name, _wall_picture(wall.length, top, base, accent, names))
        walls.panel(wall.quad(0, wall.length, 0, top, 0), wall.name)
    _windows(walls, layout)
    meshes = [floor.mesh(), ceiling.mesh(), walls.mesh()]
    return [*meshes, _lamps(lamps, top)]


def backdrop_meshes(layout: Layout, seed: int) -> list[Mesh]:
    """Painted shelving before every wall that no fixture stands against and that has no window."""
    meshes = []
    for wall in _walls(layout):
        windowed = any(window.wall == wall.name for window in layout.store.windows)
        if windowed or wall.length < 0.6 or _stood_against(wall, layout.store):
            continue
        height = min(FACADE_HEIGHT, layout.store.room.ceiling - 0.3)
        work = Joinery(facade=_facade(wall.length, height, seed, wall.name))
        work.panel(wall.quad(0, wall.length, 0, height, 0.01), "facade")
        meshes.append(work.mesh())
    return meshes


@lru_cache(maxsize=8)
def _facade(width: float, height: float, seed: int, wall: str) -> Image.Image:
    """Kept, since studios are built again and again and look alike."""
    return facade(width, height, rng(seed, "backdrop", wall))


def _walls(layout: Layout) -> list[_Wall]:
    (x0, x1), (y0, y1) = layout.store.room.x, layout.store.room.y
    return [
        _Wall("back", (x0, y1), (x1, y1)), _Wall("front", (x1, y0), (x0, y0)),
        _Wall("left", (x0, y0), (x0, y1)), _Wall("right", (x1, y1), (x1, y0)),
    ]  # fmt: skip


def _stood_against(wall: _Wall, store: Store) -> bool:
    along = np.subtract(wall.right, wall.left) / wall.length
    inward = np.array([along[1], -along[0]])
    for fixture in store.fixtures:
        distance = float(((fixture.footprint - wall.left) @ inward).min())
        looked_at = float(inward @ (-np.sin(fixture.yaw), np.cos(fixture.yaw))) < -0.7
        if distance < (SEEN_BEHIND if fixture.kind in OPEN and looked_at else STOOD_AGAINST):
            return True
    return False


def _categories(layout: Layout, seed: int, wall: str) -> list[str]:
    names = sorted({p.category for p in layout.catalog if p.category})
    return [str(n) for n in rng(seed, "signs", wall).permutation(names)]


def _wall_picture(length: float, height: float, base: Colour, accent: Colour, names: list[str]) -> Image.Image:
    """Plaster with a skirting, a sign band at two to two and a half metres, and a shadow under the ceiling."""
    k = WALL_TEXELS
    w, h = round(length * k), round(height * k)
    rows = np.linspace(0.9, 1.0, h) * (1 - 0.12 * np.exp(-np.arange(h) / 12))
    picture = picture_of(rows[:, None, None] * np.array(base, float) * np.ones((1, w, 1)))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, h - round(0.1 * k), w, h), fill=toned(base, 0.5))
    low, high = min(2.12, height - 0.65), min(2.5, height - 0.25)
    y0, y1 = h - round(high * k), h - round(low * k)
    draw.rectangle((0, y0, w, y1), fill=accent)
    draw.rectangle((0, y1, w, y1 + 3), fill=toned(accent, 0.6))
    for n in range(max(1, round(length / 1.7)) if names else 0):
        x = (n + 0.5) * w / max(1, round(length / 1.7))
        box = (x - 0.6 * k, y0 + 0.08 * k, x + 0.6 * k, y1 - 0.08 * k)
        fit_text(draw, box, names[n % len(names)], 3, (248, 246, 240), lines=1)
    return picture


def _ceiling(width: float, depth: float) -> Image.Image:
    """Mineral-fibre tiles of 0.6 m in a grid of white rails."""
    k, tile = WALL_TEXELS, 0.6
    w, h = round(width * k), round(depth * k)
    x, y = np.meshgrid(np.arange(w) / k, np.arange(h) / k)
    speckle = rng(0, "ceiling").normal(0, 3, (h, w))
    tone = 224 + speckle
    rail = (np.mod(x, tile) < 0.03) | (np.mod(y, tile) < 0.03)
    tone[rail] = 238
    tone[(np.mod(x - 0.03, tile) < 0.012) | (np.mod(y - 0.03, tile) < 0.012)] = 186
    return picture_of(np.repeat(tone[..., None], 3, axis=2))


@lru_cache(maxsize=8)
def _floor(store: Store, seed: int) -> Image.Image:
    """Tiles or vinyl, with the sheen of the lamps above and the shade along the fixtures. Kept, as facades are."""
    random = rng(seed, "tiles")
    room = store.room
    base = choose(random, ((206, 203, 196), (188, 186, 182), (216, 210, 198), (170, 172, 176), (196, 184, 164)))
    k, tile = 150, float(random.choice([0.33, 0.45, 0.6]))
    w, h = round((room.x[1] - room.x[0]) * k), round((room.y[1] - room.y[0]) * k)
    x, y = np.meshgrid(room.x[0] + np.arange(w) / k, room.y[1] - np.arange(h) / k)
    shades = random.normal(0, 3.5, (int(h / k / tile) + 3, int(w / k / tile) + 3))
    column, row = ((x - room.x[0]) / tile).astype(int), ((room.y[1] - y) / tile).astype(int)
    picture = np.array(base, float) + shades[row, column][..., None] + random.normal(0, 2.5, (h, w, 1))
    joint = (np.mod(x - room.x[0], tile) < 0.010) | (np.mod(room.y[1] - y, tile) < 0.010)
    picture[joint] *= 0.84
    sheen = np.zeros((h, w))
    for lamp in hung(store):
        away = ((x - lamp.position[0]) / 1.1) ** 2 + ((y - lamp.position[1]) / 0.28) ** 2
        sheen = np.maximum(sheen, np.exp(-away))
    picture = picture * (0.94 + 0.12 * sheen[..., None]) + 8 * sheen[..., None]
    shade = np.ones((h, w))
    for fixture in store.fixtures:
        local = fixture.to_local(np.stack([x, y, np.zeros_like(x)], axis=-1))
        out = np.maximum(np.abs(local[..., :2] - (fixture.width / 2, fixture.depth / 2)) -
                         (fixture.width / 2, fixture.depth / 2), 0)  # fmt: skip
        shade = np.minimum(shade, 1 - 0.35 * np.exp(-np.hypot(out[..., 0], out[..., 1]) / 0.12))
    return picture_of(picture * shade[..., None]).filter(ImageFilter.GaussianBlur(0.6))


def _windows(work: Joinery, layout: Layout) -> None:
    """Panes in their frames, as bright as the sky; what light they let in is the lighting's."""
    work.material("sky", surfaces.faded((214, 230, 250), 1.1, 0.95))
    work.material("frame", surfaces.swatch((236, 236, 232)))
    for window in layout.store.windows:
        wall = next(w for w in _walls(layout) if w.name == window.wall)
        along = np.subtract(wall.right, wall.left) / wall.length
        middle = float(np.subtract(window.centre[:2], wall.left) @ along)
        a, b = middle - window.width / 2, middle + window.width / 2
        low, high = window.centre[2] - window.height / 2, window.centre[2] + window.height / 2
        work.panel(wall.quad(a - 0.06, b + 0.06, low - 0.06, high + 0.06, 0.004), "frame")
        work.panel(wall.quad(a, b, low, high, 0.008), "sky")


def _lamps(lamps: tuple[Luminaire, ...], ceiling: float) -> Mesh:
    """The housings. Their lit faces have normals that point up, to the light of the raster renderers, which
    would else draw them in shade."""
    work = Joinery(lit=surfaces.swatch((255, 255, 255)), housing=surfaces.swatch((214, 216, 216)))
    glow = []
    for lamp in lamps:
        long, wide = lamp.length / 2 + 0.03, lamp.width / 2 + 0.02
        cos, sin = np.cos(lamp.yaw), np.sin(lamp.yaw)
        x, y, z = lamp.position

        def at(u: float, v: float, height: float, x=x, y=y, cos=cos, sin=sin) -> Point:  # type: ignore[no-untyped-def]
            return float(x + cos * u - sin * v), float(y + sin * u + cos * v), height

        high = min(z + 0.06, ceiling - 0.001) if lamp.kind != "panel" else min(z + 0.02, ceiling - 0.001)
        ring = ((-long, -wide), (long, -wide), (long, wide), (-long, wide))
        for (u0, v0), (u1, v1) in zip(ring, ring[1:] + ring[:1]):
            work.panel((at(u0, v0, z + 0.004), at(u1, v1, z + 0.004), at(u1, v1, high), at(u0, v0, high)), "housing")
        work.panel(tuple(at(u, v, high) for u, v in ring), "housing")
        glow.append(tuple(at(u, v, z + 0.004) for u, v in reversed(ring)))
    for face in glow:
        work.panel(face, "lit")
    mesh = work.mesh()
    mesh.normals[-4 * len(glow) :] = (0.0, 0.0, 1.0)
    return mesh
