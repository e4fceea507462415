"""Round packs: cans, bottles, jars, tubs and tubes, and clusters of them under printed film."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
from PIL import Image

from scenarios import Product
from sim.design import BLACK, WHITE, Look, mix
from sim.meshes import Mesh
from sim.panels import contents_panel, lid_panel, metal_panel, plain_panel, ribbed, wrap_label
from sim.solids import Atlas, Ring, Solid, perimeter

CARE = ("Cleaning", "Laundry", "Personal Care")
"""Categories whose bottles are of coloured, opaque plastic."""
LIDDED = ("Coffee", "Oats", "Nuts", "Crisps", "Wipes", "Mix", "Creamer", "Frosting")
"""Words in the names of what comes in canisters with a plastic lid."""
DRINKS = ("Soda", "Energy", "Beer", "Water", "Juice")


def _scaled(product: Product, rings: list[tuple[float, float]]) -> list[Ring]:
    """Rings from shares of the height and of the half width and depth."""
    return [(z * product.height, r * product.width / 2, r * product.depth / 2) for z, r in rings]


def _girth(product: Product, power: float = 2.0) -> float:
    return perimeter(product.width / 2, product.depth / 2, power)


def _skin(
    panel: Image.Image, around: float, height: float, density: float, at: float, base: Image.Image
) -> Image.Image:
    """A label pasted on a base panel (around × height metres), its upper edge `at` metres below the top."""
    skin = base.resize((max(4, round(around * density)), max(4, round(height * density))))
    skin.paste(panel.resize((skin.width, panel.height)), (0, round(at * density)))
    return skin


def _steel(around: float, height: float, density: float, look: Look) -> Image.Image:
    """Bright metal with the painted reflections of a round wall."""
    panel = np.asarray(plain_panel(around, height, density, mix((192, 194, 198), look.second, 0.12)), float)
    across = np.linspace(0, 1, panel.shape[1])
    gain = np.ones_like(across)
    for at, more in ((0.43, 0.25), (0.6, -0.25), (0.34, -0.2)):
        gain += more * np.exp(-(((across - at) / 0.03) ** 2))
    return Image.fromarray((panel * gain[None, :, None]).clip(0, 255).astype(np.uint8))


def can(product: Product, look: Look, density: float) -> Mesh:
    """A food can with a paper label, a drinks can, an aerosol, or a canister with a plastic lid."""
    if any(word in product.name for word in LIDDED) or (
        product.height > 3 * product.width and "Spray" not in product.name
    ):
        return _canister(product, look, density)
    if "Spray" in product.name:
        return _aerosol(product, look, density)
    drinks = any(word in product.name for word in DRINKS)
    w, h, d, around = product.width, product.height, product.depth, _girth(product)
    end = 0.0 if drinks else min(0.004 / h, 0.06)
    label = wrap_label(product, look, around, w, h * (1 - 2 * end), density)
    panels = {
        "body": _skin(label, around, h, density, end * h, _steel(around, h, density, look)),
        "rim": _steel(around, 0.006, density, look),
        "top": metal_panel(w, d, density, drinks or look.picture % 2 == 0),
        "bottom": metal_panel(w, d, density, tab=False),
    }
    solid = Solid(Atlas(panels, look.seed))
    shape = (
        [(0.0, 0.80), (0.05, 1.0), (0.90, 1.0), (0.975, 0.84)] if drinks else [(0.0, 0.97), (0.015, 1.0), (0.985, 1.0)]
    )
    rings = _scaled(product, shape)
    solid.loft(rings, "body", (0, h))
    rim = _scaled(product, [(shape[-1][0], 0.86 if drinks else 1.0), (1.0, 0.85 if drinks else 0.985)])
    solid.loft(rim, "rim", (rim[0][0], h))
    solid.disc(rim[-1], "top")
    solid.disc(rings[0], "bottom", up=False)
    return solid.mesh("metal" if drinks else "matt")


def _canister(product: Product, look: Look, density: float) -> Mesh:
    w, h, d, around = product.width, product.height, product.depth, _girth(product)
    lid = min(0.014, 0.14 * h)
    white = look.cap if look.badge % 2 else (236, 236, 232)
    panels = {
        "body": wrap_label(product, look, around, w, h - lid, density),
        "lid": ribbed(plain_panel(around, lid, density, white), 60),
        "top": lid_panel(product, look, w, d, density, white),
        "bottom": metal_panel(w, d, density, tab=False),
    }
    solid = Solid(Atlas(panels, look.seed))
    rings = [(0.0, w * 0.485, d * 0.485), (h - lid, w * 0.485, d * 0.485)]
    solid.loft(rings, "body", (0, h - lid))
    # A lid begins at the wall that it stands out from: its rim has an underside, which shows when the pack has fallen.
    lids = [rings[-1], (h - lid, w / 2, d / 2), (h - lid * 0.15, w / 2, d / 2), (h, w * 0.48, d * 0.5)]
    solid.loft(lids, "lid", (h - lid, h))
    solid.disc(lids[-1], "top")
    solid.disc(rings[0], "bottom", up=False)
    return solid.mesh("matt")


def _aerosol(product: Product, look: Look, density: float) -> Mesh:
    w, h, d, around = product.width, product.height, product.depth, _girth(product)
    panels = {
        "body": wrap_label(product, look, around, w, h * 0.74, density),
        "dome": _steel(around, h * 0.06, density, look),
        "cap": contents_panel(_coloured(look, look.cap), around, h * 0.2, density, False),
        "bottom": metal_panel(w, d, density, tab=False),
    }
    solid = Solid(Atlas(panels, look.seed))
    body = _scaled(product, [(0.0, 0.96), (0.01, 1.0), (0.74, 1.0)])
    dome = _scaled(product, [(0.74, 1.0), (0.785, 0.88), (0.80, 0.7)])
    cap = _scaled(product, [(0.78, 0.86), (0.97, 0.84), (1.0, 0.72)])
    solid.loft(body, "body", (0, h * 0.74))
    solid.loft(dome, "dome", (dome[0][0], dome[-1][0]))
    solid.loft(cap, "cap", (cap[0][0], h))
    solid.disc(cap[-1], "cap")
    solid.disc(body[0], "bottom", up=False)
    return solid.mesh("metal")


def _coloured(look: Look, colour: tuple[int, int, int]) -> Look:
    """The same look with another liquid, for what is shaded like one: coloured plastic."""
    return replace(look, liquid=colour)


def bottle(product: Product, look: Look, density: float) -> Mesh:
    """A bottle: foot, body with a wrapped label, shoulder, neck and screw cap. Drinks, sauces and oils show through
    it; cleaners and care come in coloured plastic, flat ones with rounded corners."""
    w, h, d = product.width, product.height, product.depth
    opaque = product.category in CARE or "Creamer" in product.name
    fizzy = any(word in product.name for word in ("Soda", "Water", "Tea"))
    squat = h < 2.3 * w
    power = 2.8 if opaque and d < 0.9 * w else 2.0
    around = _girth(product, power)
    shoulder, neck = (0.74, 0.86) if squat else (0.66, 0.86) if fizzy else (0.62, 0.83) if not opaque else (0.76, 0.87)
    radius = min((0.021 if opaque or squat else 0.015 if fizzy else 0.017), 0.42 * w, 0.42 * d)
    foot = 0.30 if fizzy else 0.06
    label = wrap_label(product, look, around, w, h * (shoulder - foot), density)
    filling = _coloured(look, look.second if look.scheme == "white" else look.main) if opaque else look
    base = contents_panel(filling, around, h * neck, density, chunky=False)
    cap_z = h * (neck + 0.015)
    panels = {
        "body": _skin(label, around, h * neck, density, h * (neck - shoulder), base),
        "cap": ribbed(plain_panel(2 * math.pi * radius * 1.15, h - cap_z, density, look.cap), 24),
        "neck": plain_panel(0.02, 0.01, density, filling.liquid),
        "captop": plain_panel(2.3 * radius, 2.3 * radius, density, mix(look.cap, WHITE, 0.1)),
        "bottom": plain_panel(w, d, density, mix(filling.liquid, BLACK, 0.3)),
    }
    solid = Solid(Atlas(panels, look.seed))
    rings = _scaled(product, [(0.0, 0.9), (0.025, 1.0), (foot, 1.0), (shoulder, 1.0)])
    for turn in (35, 65, 90):
        share = 1 - math.cos(math.radians(turn))
        rise = shoulder + (neck - shoulder) * math.sin(math.radians(turn))
        rings.append((rise * h, w / 2 + (radius - w / 2) * share, d / 2 + (radius - d / 2) * share))
    # From an oval to a round neck the shoulder is not one convex piece.
    clear = () if opaque else (0, 1, 3, 4, 5)
    solid.loft(rings, "body", (0, h * neck), segments=16, power=power, clear=clear, convex=power == 2.0 and w == d)
    solid.loft([(rings[-1][0], radius, radius), (cap_z, radius, radius)], "neck", (rings[-1][0], cap_z), segments=12)
    cap = [(cap_z, radius, radius), (cap_z, radius * 1.15, radius * 1.15), (h, radius * 1.1, radius * 1.1)]
    solid.loft(cap, "cap", (cap_z, h), segments=12)
    solid.disc(cap[-1], "captop", segments=12)
    solid.disc(rings[0], "bottom", up=False, segments=16, power=power)
    return solid.mesh("gloss")


def jar(product: Product, look: Look, density: float) -> Mesh:
    """A glass jar: what is in it shows above and below the label; a ribbed metal lid."""
    w, h, d, around = product.width, product.height, product.depth, _girth(product)
    lid = min(0.018, 0.18 * h)
    foot, top = 0.10, 0.70
    chunky = not any(word in product.name for word in ("Jelly", "Honey", "Mayonnaise", "Butter", "Syrup"))
    label = wrap_label(product, look, around, w, h * (top - foot), density)
    panels = {
        "body": _skin(
            label, around, h - lid, density, h * (1 - top) - lid, contents_panel(look, around, h - lid, density, chunky)
        ),
        "lid": ribbed(plain_panel(around * 0.92, lid, density, look.cap)),
        "top": lid_panel(product, look, w * 0.92, d * 0.92, density, look.cap),
        "bottom": plain_panel(w, d, density, mix(look.liquid, BLACK, 0.35)),
    }
    solid = Solid(Atlas(panels, look.seed))
    rings = _scaled(
        product, [(0.0, 0.92), (0.03, 1.0), (foot, 1.0), (top, 1.0), (top + (0.98 - lid / h - top) * 0.6, 0.96)]
    )
    rings.append((h - lid, w * 0.42, d * 0.42))
    solid.loft(rings, "body", (0, h - lid), clear=(0, 1, 3, 4))
    lids = [rings[-1], (h - lid, w * 0.46, d * 0.46), (h, w * 0.455, d * 0.455)]
    solid.loft(lids, "lid", (h - lid, h))
    solid.disc(lids[-1], "top")
    solid.disc(rings[0], "bottom", up=False)
    return solid.mesh("gloss")


def tub(product: Product, look: Look, density: float) -> Mesh:
    """A plastic tub, wider at the top, with a printed lid whose rim stands out."""
    w, h, d = product.width, product.height, product.depth
    power = 2.0 if w == d else 3.5
    around = _girth(product, power)
    rim = min(0.016, 0.25 * h)
    lid = look.main if look.scheme != "white" else (240, 240, 236)
    panels = {
        "body": wrap_label(product, look, around * 0.9, w * 0.9, h - rim, density),
        "lid": ribbed(plain_panel(around, rim, density, mix(lid, look.accent, 0.3)), 8),
        "top": lid_panel(product, look, w, d, density, lid),
        "bottom": plain_panel(w, d, density, (225, 225, 220)),
    }
    solid = Solid(Atlas(panels, look.seed))
    rings = _scaled(product, [(0.0, 0.78), (0.03, 0.82), (1 - rim / h, 0.95)])
    solid.loft(rings, "body", (0, h - rim), power=power)
    lids = [rings[-1], *_scaled(product, [(1 - rim / h, 1.0), (1 - 0.2 * rim / h, 1.0), (1.0, 0.96)])]
    solid.loft(lids, "lid", (h - rim, h), power=power)
    solid.disc(lids[-1], "top", power=power)
    solid.disc(rings[0], "bottom", up=False, power=power)
    return solid.mesh("gloss")


def tube(product: Product, look: Look, density: float) -> Mesh:
    """A tube that stands on its cap: round at the shoulder, pressed flat to a crimped end at the top."""
    w, h, d = product.width, product.height, product.depth
    around = _girth(product)
    radius, foot = min(w, d) * 0.44, 0.15 * h
    label = wrap_label(product, look, around, w, h - foot, density)
    seam = max(2, label.height // 20)
    label.paste(
        plain_panel(around, 0.01, density, mix(look.main, WHITE, 0.3), look.main).resize((label.width, seam)), (0, 0)
    )
    panels = {
        "body": label,
        "cap": ribbed(plain_panel(2 * math.pi * radius, foot, density, look.cap), 30),
        "bottom": plain_panel(2 * radius, 2 * radius, density, mix(look.cap, BLACK, 0.1)),
    }
    solid = Solid(Atlas(panels, look.seed))
    cap = [(0.0, radius, radius), (foot, radius * 0.94, radius * 0.94), (foot, radius * 0.9, radius * 0.9)]
    solid.loft(cap, "cap", (0, foot), segments=14)
    rings = [(foot, radius * 0.9, radius * 0.9), (h * 0.19, w * 0.42, d * 0.5)]
    for z in (0.45, 0.7, 0.94):
        share = (z - 0.19) / 0.75
        rings.append((h * z, w * (0.42 + 0.08 * share), d * (0.5 - 0.48 * share)))
    rings.append((h, w * 0.5, d * 0.02))
    # Narrow bands are nearly convex even where their ends are ellipses of other proportions.
    solid.loft(rings, "body", (foot, h), segments=16, convex=False)
    solid.disc(rings[-1], "body", segments=16)
    solid.disc(cap[0], "bottom", up=False, segments=14)
    return solid.mesh("gloss")


def multipack(product: Product, look: Look, density: float) -> Mesh:
    """A cluster of cans or bottles in printed film: the film's body, and the tops that stand out of it."""
    w, h, d = product.width, product.height, product.depth
    columns, rows = grid(product)
    bottles = h > 2.4 * w / columns
    sleeve = 0.66 if bottles else 0.93
    around = _girth(product, 5.0)
    sides = 8 if columns * rows <= 6 else 6
    rx, ry = w / columns / 2, d / rows / 2
    panels = {
        "body": wrap_label(product, look, around, w, h * sleeve, density),
        "film": plain_panel(w, d, density, mix(look.liquid if bottles else look.main, (205, 210, 214), 0.55)),
        "glass": contents_panel(look, math.pi * 2 * rx, h * 0.3, density, False),
        "cap": plain_panel(2 * rx, 2 * ry, density, look.cap)
        if bottles
        else metal_panel(2 * rx, 2 * ry, density, tab=True),
    }
    solid = Solid(Atlas(panels, look.seed))
    body = [(0.0, w / 2, d / 2), (h * sleeve, w / 2, d / 2)]
    solid.loft(body, "body", (0, h * sleeve), power=5.0)
    solid.disc(body[1], "film", power=5.0)
    solid.disc(body[0], "film", up=False, power=5.0)
    for i in range(columns):
        for j in range(rows):
            centre = ((i + 0.5) * 2 * rx - w / 2, (j + 0.5) * 2 * ry - d / 2)
            top = h * sleeve
            shares = (
                ((0.94, 0.0), (0.66, 0.42), (0.3, 0.72), (0.34, 1.0))
                if bottles
                else ((0.96, 0.0), (0.84, 1.0), (0.84, 1.0))
            )
            rings = [(top + (h - top) * z, rx * r, ry * r) for r, z in shares]
            solid.loft(rings[:-1], "glass", (top, h), segments=sides, centre=centre)
            if bottles:
                solid.loft(rings[-2:], "cap", (top, h), segments=sides, centre=centre)
            solid.disc(rings[-1], "cap", segments=sides, centre=centre)
    return solid.mesh("gloss")


def grid(product: Product) -> tuple[int, int]:
    """Columns and rows of the units in a multipack, from the count that begins its size ("12 x 12 oz"); 3 x 2 if
    it has none."""
    found = re.match(r"(\d+) x ", product.size)
    count = int(found.group(1)) if found else 6
    shapes = [(c, count // c) for c in range(1, count + 1) if count % c == 0]
    ratio = product.width / product.depth
    return min(shapes, key=lambda shape: abs(math.log(shape[0] / shape[1] / ratio)))
