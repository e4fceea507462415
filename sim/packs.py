"""Pack forms: what a product's pack looks like in the round, from its form, its size and its look."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from scenarios import Product
from sim.design import BLACK, WHITE, Look, look_of, mix, readable
from sim.lettering import fit_text
from sim.meshes import Mesh
from sim.packaging import TEXEL_DENSITY, print_front
from sim.panels import (
    back_panel,
    board_panel,
    creased,
    facts_panel,
    film_shading,
    padded,
    plain_panel,
    ribbed,
    top_panel,
)
from sim.solids import Atlas, Solid
from sim.vessels import bottle, can, jar, multipack, tub, tube


def pack_mesh(product: Product, density: float = TEXEL_DENSITY, lookalike_distance: float = 0.35) -> Mesh:
    """Build the mesh and artwork of a product's pack.

    `density` in texels per metre; `lookalike_distance` (0 to 1) is how far apart the members of a family are.
    """
    if product.pictures or product.mesh:
        from sim.own_packs import own_pack

        return own_pack(product, density)
    return FORM_BUILDERS[product.form](product, look_of(product, lookalike_distance), density)


def _card(product: Product, look: Look, w: float, h: float, d: float, density: float) -> dict[str, Image.Image]:
    """Panels of what is folded from card."""
    panels = {
        "front": print_front(product, look, w, h, density),
        "right": facts_panel(product, look, d, h, density),
        "left": back_panel(product, look, d, h, density),
        "top": top_panel(product, look, w, d, density),
        "bottom": board_panel(w, d, density),
    }
    return {name: creased(panel) for name, panel in panels.items()}


CARD = ("front", "right", "front", "left", "top", "bottom")


def _box(product: Product, look: Look, density: float) -> Mesh:
    w, h, d = product.width, product.height, product.depth
    solid = Solid(Atlas(_card(product, look, w, h, d, density), look.seed))
    solid.cuboid((-w / 2, -d / 2, 0), (w / 2, d / 2, h), CARD)
    return solid.mesh()


def _carton(product: Product, look: Look, density: float) -> Mesh:
    """A drink carton: small ones and a third of the others are bricks, the rest have a gable top; large ones a cap."""
    brick = product.height < 0.15 or zlib.crc32(f"{product.brand}{product.name}".encode()) % 3 == 0
    return (_brick if brick else _gable)(product, look, density)


def _brick(product: Product, look: Look, density: float) -> Mesh:
    w, h, d = product.width, product.height, product.depth
    panels = _card(product, look, w, h, d, density)
    cap = min(0.015, w * 0.2, d * 0.3)
    tall = min(0.012, h * 0.1)
    panels |= _cap_panels(look, cap, tall, density)
    solid = Solid(Atlas(panels, look.seed))
    body = h - tall
    solid.cuboid((-w / 2, -d / 2, 0), (w / 2, d / 2, body), CARD)
    _cap(solid, (0.0, -d / 2 + cap * 1.35), body, cap, tall)
    return solid.mesh("gloss")


def _gable(product: Product, look: Look, density: float) -> Mesh:
    """Square walls, a sloped roof with a screw cap, and an upright fin."""
    w, h, d = product.width, product.height, product.depth
    eave, ridge = h * 0.82, h * 0.95
    panels = _card(product, look, w, eave, d, density)
    panels["roof"] = creased(_roof(product, look, w, h - eave, density))
    radius, tall = min(0.017, d * 0.2, w * 0.22), min(0.014, d * 0.16)
    solid = Solid(Atlas(panels | _cap_panels(look, radius, tall, density), look.seed))
    x, y, fin = w / 2, d / 2, d * 0.03
    walls, atlas = solid.polygon, solid.atlas
    share = (ridge - eave) / (h - eave)
    front, right, left = (atlas.corners(name) for name in ("front", "right", "left"))
    walls([(-x, -y, 0), (x, -y, 0), (x, -y, eave), (-x, -y, eave)], front)
    walls([(x, -y, 0), (x, y, 0), (x, y, eave), (x, -y, eave)], right)
    walls([(x, y, 0), (-x, y, 0), (-x, y, eave), (x, y, eave)], front)
    walls([(-x, y, 0), (-x, -y, 0), (-x, -y, eave), (-x, y, eave)], left)
    walls([(-x, y, 0), (x, y, 0), (x, -y, 0), (-x, -y, 0)], atlas.corners("bottom"))
    roof, gable = atlas.corners("roof", 0, share), atlas.corners("top")
    walls([(-x, -y, eave), (x, -y, eave), (x, -fin, ridge), (-x, -fin, ridge)], roof)
    walls([(x, y, eave), (-x, y, eave), (-x, fin, ridge), (x, fin, ridge)], roof)
    # The gable ends stand in a little from the roof's edge in life; here they close it flush.
    walls([(x, -y, eave), (x, y, eave), (x, fin, ridge), (x, -fin, ridge)], gable)
    walls([(-x, y, eave), (-x, -y, eave), (-x, -fin, ridge), (-x, fin, ridge)], gable)
    solid.piece(0)
    start, strip = solid.count, atlas.corners("roof", share, 1)
    walls([(-x, -fin, ridge), (x, -fin, ridge), (x, -fin, h), (-x, -fin, h)], strip)
    walls([(x, fin, ridge), (-x, fin, ridge), (-x, fin, h), (x, fin, h)], strip)
    walls([(x, -fin, ridge), (x, fin, ridge), (x, fin, h), (x, -fin, h)], strip)
    walls([(-x, fin, ridge), (-x, -fin, ridge), (-x, -fin, h), (-x, fin, h)], strip)
    walls([(-x, -fin, h), (x, -fin, h), (x, fin, h), (-x, fin, h)], atlas.corners("top"))
    solid.piece(start)
    slope = math.atan2(ridge - eave, y - fin)
    along = 0.56 * math.hypot(ridge - eave, y - fin)
    at = (-y + along * math.cos(slope), eave + along * math.sin(slope))
    # The cap leans with the roof; it stays behind the front wall's plane and under the fin's top.
    lean = min(slope, math.asin(min(1.0, max(0.0, (y + at[0] - radius) / (tall + radius)))))
    start = solid.count
    _cap(solid, (0.0, at[0]), at[1] - tall * 0.3, radius, tall)
    solid.tilt(start, lean, at)
    return solid.mesh()


def _roof(product: Product, look: Look, width: float, height: float, density: float) -> Image.Image:
    """The roof and fin of a carton: the second colour, the brand where the cap leaves room, the pressed seam."""
    colour = look.second if look.badge % 2 else look.main
    panel = plain_panel(width, height, density, colour)
    w, h = panel.size
    draw = ImageDraw.Draw(panel)
    fit_text(draw, (w * 0.04, h * 0.3, w * 0.3, h * 0.9), product.brand, look.logo_font, readable(colour), 1)
    draw.rectangle((0, 0, w, h * 0.28), fill=mix(colour, WHITE, 0.25))
    return panel


def _cap_panels(look: Look, radius: float, tall: float, density: float) -> dict[str, Image.Image]:
    side = plain_panel(2 * math.pi * radius, tall, density, look.cap)
    top = plain_panel(2 * radius, 2 * radius, density, mix(look.cap, WHITE, 0.12))
    return {"cap": ribbed(side, 20), "captop": top}


def _cap(solid: Solid, centre: tuple[float, float], z: float, radius: float, tall: float) -> None:
    rings = [(z, radius, radius), (z + tall, radius, radius)]
    solid.loft(rings, "cap", (z, z + tall), segments=12, centre=centre)
    solid.disc(rings[-1], "captop", segments=12, centre=centre)


def _pouch(product: Product, look: Look, density: float) -> Mesh:
    """A standing pouch: full at the foot, closed to a seam at the top."""
    w, h, d = product.width, product.height, product.depth
    faces = []
    for maker in (print_front, back_panel):
        seam = max(2, round(h * density / 22))
        panel = padded(maker(product, look, w, h * 0.92, density), seam, 0, look.main)
        panel = film_shading(panel, look.seed, 0.0)
        draw = ImageDraw.Draw(panel)
        draw.rectangle((0, 0, panel.width, seam), fill=mix(look.main, BLACK, 0.12))
        draw.line((0, seam, panel.width, seam), fill=mix(look.main, WHITE, 0.5))
        faces.append(panel)
    panels = {"front": faces[0], "back": faces[1], "bottom": plain_panel(w, d, density, mix(look.main, BLACK, 0.3))}
    solid = Solid(Atlas(panels, look.seed))
    _pillow(solid, (w, h, d), 0.0, h, lambda t: 1 - t)
    return solid.mesh("gloss")


def _bag(product: Product, look: Look, density: float) -> Mesh:
    """A pillow bag: two faces of film, blown up between crimped ends."""
    w, h, d = product.width, product.height, product.depth
    crimp = min(0.014, 0.06 * h)
    panels = {"bottom": plain_panel(w, 0.004, density, look.main)}
    for name, maker in (("front", print_front), ("back", back_panel)):
        end = round(crimp * density)
        panel = padded(maker(product, look, w, h - 2 * crimp, density), end, end, look.main)
        panels[name] = film_shading(panel, look.seed, crimp / h)
    solid = Solid(Atlas(panels, look.seed))
    _pillow(solid, (w * 0.97, h, d), crimp, h - crimp, lambda t: 1 - np.abs(2 * t - 1) ** 2.6)
    for low, high in ((0.0, crimp), (h - crimp, h)):
        start = solid.count
        x, y = w / 2, 0.0015
        front, back = (solid.atlas.corners(name, low / h, high / h) for name in ("front", "back"))
        solid.polygon([(-x, -y, low), (x, -y, low), (x, -y, high), (-x, -y, high)], front)
        solid.polygon([(x, y, low), (-x, y, low), (-x, y, high), (x, y, high)], back)
        for z, order in ((high, 1), (low, -1)):
            edge = [(-x, -y, z), (x, -y, z), (x, y, z), (-x, y, z)][::order]
            solid.polygon(edge, solid.atlas.corners("bottom"))
        for side in (1, -1):
            edge = [
                (side * x, -side * y, low),
                (side * x, side * y, low),
                (side * x, side * y, high),
                (side * x, -side * y, high),
            ]
            solid.polygon(edge, solid.atlas.corners("bottom"))
        solid.piece(start)
    return solid.mesh("gloss")


Profile = Callable[[np.ndarray], np.ndarray]


def _pillow(solid: Solid, size: tuple[float, float, float], z0: float, z1: float, profile: Profile) -> None:
    """Add two bulging faces between two heights. Convex, since the half thickness is a geometric mean of two
    concave functions: of the place across, and `profile` of the place up (0 to 1)."""
    w, h, d = size
    columns, rows = 8, 7
    s, t = np.meshgrid(np.sin(np.linspace(-1, 1, columns) * math.pi / 2), np.linspace(0, 1, rows))
    swell = lambda s, t: d / 2 * (0.05 + 0.95 * np.sqrt(np.clip((1 - s**2) * profile(t), 0, None)))  # noqa: E731
    thickness, z = swell(s, t), z0 + t * (z1 - z0)
    start = solid.count
    nudge = 0.02
    across = (swell(np.clip(s + nudge, -1, 1), t) - swell(np.clip(s - nudge, -1, 1), t)) / (nudge * w)
    upward = (swell(s, np.clip(t + nudge, 0, 1)) - swell(s, np.clip(t - nudge, 0, 1))) / (2 * nudge * (z1 - z0))
    for side, name in ((-1, "front"), (1, "back")):
        u0, v0, u1, v1 = solid.atlas.rects[name]
        points = np.stack([s * w / 2, side * thickness, z], -1).reshape(-1, 3)
        uv = np.stack([u0 + (0.5 - side * s / 2) * (u1 - u0), v0 + z / h * (v1 - v0)], -1).reshape(-1, 2)
        slope = np.stack([-np.clip(across, -2, 2), np.full_like(s, side), -np.clip(upward, -2, 2)], -1).reshape(-1, 3)
        normals = slope / np.linalg.norm(slope, axis=1, keepdims=True)
        a = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
        quads = np.column_stack([a, a + 1, a + columns + 1, a + columns])[:, ::-side]
        solid.add(points, uv, normals, np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]))
    solid.piece(start)
    # Close the narrow strips between the two faces at the left and right, and the ends.
    back, top = columns * rows, (rows - 1) * columns
    rim = [(back + j * columns, j * columns, (j + 1) * columns, back + (j + 1) * columns) for j in range(rows - 1)]
    rim += [(q + columns - 1, p + columns - 1, s_ + columns - 1, r + columns - 1) for p, q, r, s_ in rim]
    rim += [(top + i, top + i + 1, back + top + i + 1, back + top + i) for i in range(columns - 1)]
    solid.triangles.append(np.array([f for a, b, c, e in rim for f in ((a, b, c), (a, c, e))]) + start)
    solid.clear += [False] * (2 * len(rim))
    foot = np.concatenate([p for p, _, _ in solid.parts])[start:]
    ring = np.concatenate([foot[:columns][::-1], foot[back : back + columns]])
    u0, v0, u1, v1 = solid.atlas.rects["bottom"]
    uv = np.column_stack([u0 + (ring[:, 0] / w + 0.5) * (u1 - u0), v0 + (ring[:, 1] / d + 0.5) * (v1 - v0)])
    fan = [(0, i, i + 1) for i in range(1, len(ring) - 1)]
    solid.add(ring, uv, np.tile([0.0, 0.0, -1.0], (len(ring), 1)), fan)


FORM_BUILDERS: dict[str, Callable[[Product, Look, float], Mesh]] = {
    "box": _box, "can": can, "bottle": bottle, "jar": jar, "carton": _carton, "pouch": _pouch, "tub": tub,
    "tube": tube, "bag": _bag, "multipack": multipack,
}  # fmt: skip
