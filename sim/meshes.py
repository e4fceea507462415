"""Pack shapes: textured triangle meshes with their convex pieces, written as OBJ + MTL + PNG.

A mesh stands on z = 0, centred on x and y, its front facing -y, in metres. Each comes with its own
texture file, because the engine loses textures that share one.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scenarios import Product
from sim.packaging import TEXEL_DENSITY, Design, front_panel, side_panel, top_panel, weathered

Floats = NDArray[np.float64]
SEGMENTS = 24
"""Sides of a round pack: its silhouette is off by at most 0.9 % of the radius."""


@dataclass(frozen=True, eq=False)
class Mesh:
    """`vertices` (V, 3), `uv` (V, 2), `normals` (V, 3), `triangles` (T, 3) and the texture.

    `pieces` are vertex index arrays whose convex hulls together are the body, so that its silhouette
    is the union of the hulls of the projected pieces. `finish` is "matt", "gloss" or "metal"; `clear`
    (T,) marks triangles of see-through material, None if there are none.
    """

    vertices: Floats
    uv: Floats
    normals: Floats
    triangles: NDArray[np.int64]
    texture: Image.Image
    pieces: tuple[NDArray[np.int64], ...]
    finish: str = "matt"
    clear: NDArray[np.bool_] | None = None

    def write(self, folder: Path, name: str) -> Path:
        """Write NAME.obj, NAME.mtl and NAME.png into `folder` and return the OBJ's path."""
        self.texture.save(folder / f"{name}.png", compress_level=1)
        (folder / f"{name}.mtl").write_text(f"newmtl m\nKd 1 1 1\nmap_Kd {name}.png\n")
        lines = [f"mtllib {name}.mtl"]
        lines += [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in self.vertices]
        lines += [f"vt {u:.6f} {v:.6f}" for u, v in self.uv]
        lines += [f"vn {x:.4f} {y:.4f} {z:.4f}" for x, y, z in self.normals]
        lines.append("usemtl m")
        lines += ["f " + " ".join(f"{i}/{i}/{i}" for i in triangle) for triangle in self.triangles + 1]
        path = folder / f"{name}.obj"
        path.write_text("\n".join(lines) + "\n")
        return path


def pack_mesh(product: Product, density: float = TEXEL_DENSITY) -> Mesh:
    """Build the mesh and artwork of a product's pack; `density` in texels per metre."""
    if product.pictures or product.mesh:
        from sim.own_packs import own_pack

        return own_pack(product, density)
    return FORM_BUILDERS[product.form](product, density)


class MeshBuilder:
    """Collects quads and fans over one texture atlas."""

    def __init__(self) -> None:
        self.vertices: list[tuple[float, ...]] = []
        self.uv: list[tuple[float, float]] = []
        self.normals: list[tuple[float, ...]] = []
        self.triangles: list[tuple[int, int, int]] = []

    def polygon(self, points: list[tuple[float, ...]], uv: list[tuple[float, float]]) -> None:
        """Add a flat convex polygon, counter-clockwise seen from outside."""
        a, b, c = (np.array(p) for p in points[:3])
        normal = np.cross(b - a, c - a)
        normal /= max(float(np.linalg.norm(normal)), 1e-12)
        start = len(self.vertices)
        self.vertices += points
        self.uv += uv
        self.normals += [tuple(normal)] * len(points)
        self.triangles += [(start, start + i, start + i + 1) for i in range(1, len(points) - 1)]

    def block(self, low: tuple[float, float, float], high: tuple[float, float, float], uv: tuple[float, float]) -> None:
        """Add a cuboid between two corners, all of it in the one texel at `uv`."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        for quad in (
            [(x0, y0, z0), (x1, y0, z0), (x1, y0, z1), (x0, y0, z1)],
            [(x1, y0, z0), (x1, y1, z0), (x1, y1, z1), (x1, y0, z1)],
            [(x1, y1, z0), (x0, y1, z0), (x0, y1, z1), (x1, y1, z1)],
            [(x0, y1, z0), (x0, y0, z0), (x0, y0, z1), (x0, y1, z1)],
            [(x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1)],
            [(x0, y1, z0), (x1, y1, z0), (x1, y0, z0), (x0, y0, z0)],
        ):
            self.polygon(list(quad), [uv] * 4)

    def mesh(self, texture: Image.Image, pieces: tuple[NDArray[np.int64], ...] | None = None) -> Mesh:
        pieces = pieces or (np.arange(len(self.vertices)),)
        arrays = (np.array(self.vertices), np.array(self.uv), np.array(self.normals), np.array(self.triangles))
        return Mesh(*arrays, texture, pieces)


class _Atlas:
    """Panels side by side in one texture; remembers the uv rectangle of each."""

    def __init__(self, panels: list[Image.Image], seed: int) -> None:
        width, height = sum(p.width for p in panels), max(p.height for p in panels)
        self.texture = Image.new("RGB", (width, height), (128, 128, 128))
        self.rects = []
        x = 0
        for panel in panels:
            self.texture.paste(weathered(panel, seed), (x, 0))
            # Half a texel inside, so that nearest sampling never reads the neighbouring panel.
            self.rects.append(
                (
                    (x + 0.5) / width,
                    1 - (panel.height - 0.5) / height,
                    (x + panel.width - 0.5) / width,
                    1 - 0.5 / height,
                )
            )
            x += panel.width

    def quad(self, panel: int, top: float = 1.0) -> list[tuple[float, float]]:
        """uv of lower left, lower right, upper right, upper left; `top` < 1 leaves the upper part out."""
        u0, v0, u1, v1 = self.rects[panel]
        v1 = v0 + (v1 - v0) * top
        return [(u0, v0), (u1, v0), (u1, v1), (u0, v1)]


def _seed(product: Product) -> int:
    return zlib.crc32(product.sku.encode())


def _walls(b: MeshBuilder, atlas: _Atlas, w: float, d: float, z0: float, z1: float, top: float = 1.0) -> None:
    x, y = w / 2, d / 2
    front, side = atlas.quad(0, top), atlas.quad(1, top)
    b.polygon([(-x, -y, z0), (x, -y, z0), (x, -y, z1), (-x, -y, z1)], front)
    b.polygon([(x, -y, z0), (x, y, z0), (x, y, z1), (x, -y, z1)], side)
    b.polygon([(x, y, z0), (-x, y, z0), (-x, y, z1), (x, y, z1)], front)
    b.polygon([(-x, y, z0), (-x, -y, z0), (-x, -y, z1), (-x, y, z1)], side)


def _box(product: Product, density: float) -> Mesh:
    w, h, d = product.width, product.height, product.depth
    atlas = _Atlas(
        [front_panel(product, w, h, density), side_panel(product, d, h, density), top_panel(product, w, d, density)],
        _seed(product),
    )
    b = MeshBuilder()
    _walls(b, atlas, w, d, 0, h)
    x, y = w / 2, d / 2
    b.polygon([(-x, -y, h), (x, -y, h), (x, y, h), (-x, y, h)], atlas.quad(2))
    return b.mesh(atlas.texture)


def _carton(product: Product, density: float) -> Mesh:
    """A gable-top carton: square walls, a sloped roof and an upright fin."""
    w, h, d = product.width, product.height, product.depth
    shoulder, ridge = h * 0.80, h * 0.95
    atlas = _Atlas(
        [front_panel(product, w, h, density), side_panel(product, d, h, density), top_panel(product, w, d, density)],
        _seed(product),
    )
    b = MeshBuilder()
    x, y, fin = w / 2, d / 2, d * 0.03
    _walls(b, atlas, w, d, 0, shoulder, 0.80)
    (u0, v0), (u1, _), (_, v1), _ = atlas.quad(0)
    roof = [
        (u0, v0 + (v1 - v0) * 0.80),
        (u1, v0 + (v1 - v0) * 0.80),
        (u1, v0 + (v1 - v0) * 0.95),
        (u0, v0 + (v1 - v0) * 0.95),
    ]
    strip = [(u0, v0 + (v1 - v0) * 0.95), (u1, v0 + (v1 - v0) * 0.95), (u1, v1), (u0, v1)]
    gable = [atlas.quad(1)[i] for i in (0, 1, 2)]
    b.polygon([(-x, -y, shoulder), (x, -y, shoulder), (x, -fin, ridge), (-x, -fin, ridge)], roof)
    b.polygon([(x, y, shoulder), (-x, y, shoulder), (-x, fin, ridge), (x, fin, ridge)], roof)
    b.polygon([(x, -y, shoulder), (x, y, shoulder), (x, 0, ridge)], gable)
    b.polygon([(-x, y, shoulder), (-x, -y, shoulder), (-x, 0, ridge)], gable)
    body = len(b.vertices)
    b.polygon([(-x, -fin, ridge), (x, -fin, ridge), (x, -fin, h), (-x, -fin, h)], strip)
    b.polygon([(x, fin, ridge), (-x, fin, ridge), (-x, fin, h), (x, fin, h)], strip)
    b.polygon([(-x, -fin, h), (x, -fin, h), (x, fin, h), (-x, fin, h)], atlas.quad(2))
    return b.mesh(atlas.texture, (np.arange(body), np.arange(body, len(b.vertices))))


def _pouch(product: Product, density: float) -> Mesh:
    """A standing pouch: full at the foot, closed to a seam at the top. Convex by construction, since
    its half thickness is a geometric mean of two concave functions."""
    w, h, d = product.width, product.height, product.depth
    panel = front_panel(product, w, h, density)
    seam = panel.crop((0, 0, panel.width, max(2, panel.height // 24))).point(lambda v: int(v * 0.8))
    panel.paste(seam, (0, 0))
    atlas = _Atlas([panel], _seed(product))
    columns, rows = 9, 7
    s, t = np.meshgrid(np.linspace(-1, 1, columns), np.linspace(0, 1, rows))
    thickness = d / 2 * (0.06 + 0.94 * np.sqrt((1 - s**2) * (1 - t)))
    u0, v0, u1, v1 = atlas.rects[0]
    vertices: list[Floats] = []
    uv, normals, triangles = [], [], []
    for side in (-1, 1):
        start = len(vertices) * columns * rows
        vertices.append(np.stack([s * w / 2, side * thickness, t * h], -1).reshape(-1, 3))
        u = (s if side < 0 else -s) / 2 + 0.5
        uv.append(np.stack([u0 + u * (u1 - u0), v0 + t * (v1 - v0)], -1).reshape(-1, 2))
        # The gradient of the thickness, softened, is the surface normal.
        slope = np.stack([s * d / w * 0.8, np.full_like(s, side * 1.0), np.full_like(s, 0.5 * d / h)], -1)
        normals.append((slope / np.linalg.norm(slope, axis=-1, keepdims=True)).reshape(-1, 3))
        for j in range(rows - 1):
            for i in range(columns - 1):
                a = start + j * columns + i
                quad = (a, a + 1, a + columns + 1, a + columns)
                quad = quad if side < 0 else quad[::-1]
                triangles += [(quad[0], quad[1], quad[2]), (quad[0], quad[2], quad[3])]
    # Close the narrow strips between the two faces: left, right and top.
    back = columns * rows
    rim = [(back + j * columns, j * columns, (j + 1) * columns, back + (j + 1) * columns) for j in range(rows - 1)]
    rim += [(a + columns - 1, b + columns - 1, c + columns - 1, e + columns - 1) for b, a, e, c in rim]
    top = (rows - 1) * columns
    rim += [(top + i, top + i + 1, back + top + i + 1, back + top + i) for i in range(columns - 1)]
    for a, b, c, e in rim:
        triangles += [(a, b, c), (a, c, e)]
    points = np.concatenate(vertices)
    arrays = (points, np.concatenate(uv), np.concatenate(normals), np.array(triangles))
    return Mesh(*arrays, atlas.texture, (np.arange(len(points)),))


def _can(product: Product, density: float) -> Mesh:
    r, h = product.width / 2, product.height
    design = Design(product)
    label = _wrap(product, r, h * 0.92, density)
    texture = Image.new("RGB", (label.width, round(label.height / 0.92)), design.metal)
    texture.paste(label, (0, round(label.height * 0.04 / 0.92)))
    profile = [(r * 0.96, 0.0), (r, h * 0.02), (r, h * 0.98), (r * 0.96, h)]
    return _lathe(product, profile, texture, [len(profile)])


def _bottle(product: Product, density: float) -> Mesh:
    """A bottle: body with a wrapped label, shoulder, neck and cap; liquid shows where no label is."""
    r, h = product.width / 2, product.height
    design = Design(product)
    wide_mouth = h < 2.2 * product.width
    shoulder, neck = (0.80, 0.86) if wide_mouth else (0.60, 0.80)
    neck_radius = r * (0.80 if wide_mouth else 0.34)
    texture = Image.new("RGB", (round(2 * math.pi * r * density), round(h * density)), design.liquid)
    label = _wrap(product, r, h * (shoulder - 0.10), density)
    texture.paste(label, (0, round(texture.height * (1 - shoulder + 0.02))))
    cap = Image.new("RGB", (texture.width, max(2, round(texture.height * (1 - neck - 0.02)))), design.cap)
    texture.paste(cap, (0, 0))
    curve = (r * 0.8 + neck_radius * 0.2, h * (shoulder * 0.6 + neck * 0.4))
    profile = [(r * 0.94, 0.0), (r, h * 0.03), (r, h * shoulder), curve, (neck_radius, h * neck)]
    profile += [(neck_radius * k, h * z) for k, z in ((1.0, neck + 0.02), (1.12, neck + 0.02), (1.12, 1.0))]
    return _lathe(product, profile, texture, [5, 6, 8])


def _wrap(product: Product, radius: float, height: float, density: float) -> Image.Image:
    """A label for a round pack: the front in the middle, over the part that a camera sees, small print behind."""
    around = 2 * math.pi * radius
    front = front_panel(product, around * 0.36, height, density)
    side = side_panel(product, around * 0.32, height, density)
    label = Image.new("RGB", (round(around * density), front.height), (200, 200, 200))
    left = (label.width - front.width) // 2
    label.paste(side, (left - side.width, 0))
    label.paste(side.resize((label.width - left - front.width, front.height)), (left + front.width, 0))
    label.paste(side.resize((max(1, left - side.width), front.height)), (0, 0))
    label.paste(front, (left, 0))
    return label


def _lathe(product: Product, profile: list[tuple[float, float]], texture: Image.Image, ends: list[int]) -> Mesh:
    """Turn (radius, z) rings about the z axis. `ends` cut the rings into convex pieces."""
    texture = weathered(texture, _seed(product))
    n, height = SEGMENTS, profile[-1][1]
    angles = np.linspace(0, 2 * math.pi, n + 1)
    # Angle 0 is the back, so that the texture's middle faces the front.
    circle = np.stack([-np.sin(angles), np.cos(angles)], -1)
    vertices, uv, normals, triangles = [], [], [], []
    for i, (radius, z) in enumerate(profile):
        below, above = profile[max(0, i - 1)], profile[min(len(profile) - 1, i + 1)]
        rise = math.atan2(below[0] - above[0], max(above[1] - below[1], 1e-9))
        vertices.append(np.column_stack([circle * radius, np.full(n + 1, z)]))
        uv.append(np.column_stack([angles / (2 * math.pi), np.full(n + 1, 0.002 + 0.996 * z / height)]))
        normals.append(np.column_stack([circle * math.cos(rise), np.full(n + 1, math.sin(rise))]))
        if i:
            for k in range(n):
                a, b = (i - 1) * (n + 1) + k, i * (n + 1) + k
                triangles += [(a, a + 1, b + 1), (a, b + 1, b)]
    rings = len(profile) * (n + 1)
    # The lid: a fan over the last ring, with its own upward normals.
    radius, z = profile[-1]
    vertices.append(np.column_stack([circle * radius, np.full(n + 1, z)]))
    uv.append(np.column_stack([angles / (2 * math.pi), np.full(n + 1, 0.998)]))
    normals.append(np.tile([0.0, 0.0, 1.0], (n + 1, 1)))
    triangles += [(rings, rings + k, rings + k + 1) for k in range(1, n - 1)]
    starts = [0, *(end - 1 for end in ends[:-1])]
    pieces = tuple(np.arange(a * (n + 1), b * (n + 1)) for a, b in zip(starts, ends))
    arrays = (np.concatenate(vertices), np.concatenate(uv), np.concatenate(normals), np.array(triangles))
    return Mesh(*arrays, texture, pieces)


FORM_BUILDERS: dict[str, Callable[[Product, float], Mesh]] = {
    "box": _box, "can": _can, "bottle": _bottle, "carton": _carton, "pouch": _pouch, "multipack": _box,
}  # fmt: skip
