"""Other shelving, far enough away to be painted: what one sees across the aisle and beyond its ends.

The packs on it are nobody's: they carry invented brands, stand in no catalog and are in no truth.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from scenarios import Product
from sim.packaging import front_panel
from sim.surfaces import Colour, choose, faded, picture_of

DENSITY = 240
"""Texels per metre: such shelving is seen from two metres or more."""
MOST_PACKS = 40
"""Different packs on one run, however long it is."""
SYLLABLES = ("ba", "ve", "lo", "mi", "ka", "ru", "so", "ne", "ta", "fi", "do", "gre")
SIZES = {
    "box": (0.11, 0.19),
    "carton": (0.09, 0.22),
    "can": (0.08, 0.11),
    "bottle": (0.085, 0.27),
    "pouch": (0.14, 0.2),
}
"""Typical width and height of the painted packs, metres."""


def facade(width: float, height: float, random: np.random.Generator) -> Image.Image:
    """The front of a stocked run of shelving, `width` × `height` metres."""
    w, h = round(width * DENSITY), round(height * DENSITY)
    picture = Image.new("RGB", (w, h), (70, 70, 72))
    steel = choose(random, ((206, 206, 202), (186, 188, 190), (110, 112, 116)))
    rail = choose(random, ((214, 214, 210), (176, 34, 44), (40, 90, 160), (60, 60, 64)))
    shelves = int(np.clip(round(height / 0.36), 3, 6))
    pitch = h / (shelves + 0.25)
    count = int(np.clip(width * shelves, 8, MOST_PACKS))
    packs = [invented_pack(random, (pitch / DENSITY) - 0.075) for _ in range(count)]
    for n in range(shelves):
        top, bottom = round(n * pitch), round((n + 1) * pitch)
        back = faded(steel, 0.34, 0.62, (8, bottom - top)).resize((w, bottom - top))
        picture.paste(back, (0, top))
        _stock(picture, packs, top, bottom - round(0.035 * DENSITY), random)
        _edge(picture, bottom, rail, random)
    picture.paste(
        faded(steel, 0.55, 0.35, (8, 16)).resize((w, h - round(shelves * pitch))), (0, round(shelves * pitch))
    )
    for x in range(0, w, DENSITY):  # uprights between bays of a metre
        picture.paste(tuple(int(v * 0.8) for v in steel), (x, 0, x + 3, h))
    return picture.filter(ImageFilter.GaussianBlur(0.8))


def invented_pack(random: np.random.Generator, clearance: float) -> Image.Image:
    """The front of a pack of some invented product."""
    form = str(random.choice(list(SIZES)))
    wide, high = (float(s * random.uniform(0.75, 1.25)) for s in SIZES[form])
    high = min(high, clearance)
    brand = "".join(str(s) for s in random.choice(SYLLABLES, 3)).title()
    product = Product(
        f"backdrop-{int(random.integers(1 << 30))}", brand, "Day Fresh", "Classic", "", "", form, wide, high, wide
    )
    front = front_panel(product, wide, high, DENSITY).convert("RGB")
    pixels = np.asarray(front, float)
    if form in ("can", "bottle"):
        across = np.cos(np.linspace(-1.25, 1.25, pixels.shape[1]))[None, :, None]
        pixels = pixels * (0.45 + 0.6 * across)
    return picture_of(pixels * np.linspace(0.86, 1.0, pixels.shape[0])[:, None, None])


def _stock(picture: Image.Image, packs: list[Image.Image], top: int, floor: int, random: np.random.Generator) -> None:
    """Fill one shelf with runs of packs; some places are empty, and what stands behind looks over the front row."""
    x = int(random.integers(2, 8))
    while x < picture.width:
        pack = packs[int(random.integers(len(packs)))]
        behind, *fronts = (ImageEnhance.Brightness(pack).enhance(light) for light in (0.55, 0.88, 0.94, 1.0))
        for _ in range(int(random.integers(1, 5))):
            if random.random() < 0.1:
                x += pack.width + 2
                continue
            picture.paste(behind, (x + 2, max(top, floor - pack.height - 4)))
            picture.paste(fronts[int(random.integers(3))], (x, max(top, floor - pack.height)))
            x += pack.width + int(random.integers(1, 4))
        x += int(random.integers(1, 6))


def _edge(picture: Image.Image, bottom: int, rail: Colour, random: np.random.Generator) -> None:
    """A board's edge with its price rail, and the shadow below it."""
    high = round(0.035 * DENSITY)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, bottom - high, picture.width, bottom), fill=rail)
    draw.line((0, bottom - high, picture.width, bottom - high), fill=tuple(min(255, v + 25) for v in rail))
    x = 4
    while x < picture.width:
        draw.rectangle((x, bottom - high + 2, x + 12, bottom - 2), fill=(240, 240, 236))
        x += int(random.integers(24, 70))
