"""What a pack's artwork is made of: a look, drawn by seed, and how the members of a family part with the dial.

A brand fixes colours, typefaces, logo and habits; a line (a look-alike family, or a product without one)
fixes layout and picture; a variant fixes one accent colour and one word.

A family has one look. Each member has a look of its own, unrelated to it, and `look_of` goes from the one to the
other with the look-alike distance: first the accent and the word, then the word's size, picture, pattern, layout,
logo and typefaces switch one by one while the colours move over. The family's look hangs on the family's name
alone, so that a product looks the same in every store that carries it, whichever of the others that store carries.
"""

from __future__ import annotations

import colorsys
import zlib
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from scenarios import Product, rng
from sim.lettering import FONTS, Colour

WHITE, BLACK = (255, 255, 255), (0, 0, 0)
HUES = (0.0, 0.02, 0.06, 0.09, 0.12, 0.14, 0.25, 0.33, 0.38, 0.47, 0.54, 0.58, 0.61, 0.64, 0.75, 0.92, 0.97)
"""Hues that packs wear: reds, oranges, yellows and blues more than greens, little violet and pink."""
SCHEMES = ("white",) * 6 + ("solid",) * 7 + ("deep",) * 3 + ("pastel",) * 3 + ("dark",) * 2 + ("kraft",)
LAYOUTS, PATTERNS, LOGOS, BADGES = 7, 8, 6, 4
CLAIMS = (
    "NEW!", "ORGANIC", "FAMILY SIZE", "0% FAT", "+20% MORE", "WHOLE GRAIN", "NO SUGAR", "ORIGINAL", "BEST TASTE",
    "GLUTEN FREE", "VEGAN", "SINCE 1908", "100% NATURAL", "LOW SODIUM", "2 FOR 1",
)  # fmt: skip
FLAVOURS = {
    "Honey": 0.12, "Vanilla": 0.13, "Cinnamon": 0.04, "Chocolate": 0.05, "Caramel": 0.09, "Strawberry": 0.98,
    "Banana": 0.15, "Apple": 0.27, "Cherry": 0.96, "Orange": 0.07, "Lemon": 0.15, "Peach": 0.06, "Mango": 0.10,
    "Raspberry": 0.93, "Grape": 0.77, "Lime": 0.25, "Mint": 0.42, "Ginger": 0.09, "Tomato": 0.01, "Mushroom": 0.08,
    "Chicken": 0.13, "Garlic": 0.72, "Basil": 0.34, "Cheese": 0.12, "Onion": 0.22, "Beef": 0.0, "Paprika": 0.02,
    "Barbecue": 0.03, "Lavender": 0.74, "Ocean": 0.58, "Rose": 0.94, "Pine": 0.39, "Aloe": 0.31, "Fresh": 0.52,
    "Light": 0.55, "Decaf": 0.36, "Dark Roast": 0.02, "Mild": 0.14, "Espresso": 0.99, "Salted": 0.6, "Ranch": 0.62,
    "Organic": 0.3, "Low Salt": 0.56, "In Water": 0.55, "In Oil": 0.13, "Classic": 0.61, "Original": 0.0,
}  # fmt: skip
"""Hue that shoppers know a variant by."""


@dataclass(frozen=True)
class Look:
    """Everything about a product's artwork that is drawn by seed. `key` names it: what hangs on the SKU in print,
    as the number of its barcode, is drawn from it."""

    key: str
    word: str
    word_size: float
    main: Colour
    second: Colour
    paper: Colour
    accent: Colour
    logo_colour: Colour
    cap: Colour
    liquid: Colour
    scheme: str
    logo_font: int
    text_font: int
    logo_shape: int
    pattern: int
    layout: int
    picture: int
    picture_hue: float
    photo: bool
    claim: str
    badge: int
    upper: bool

    @property
    def seed(self) -> int:
        return zlib.crc32(self.key.encode())

    @property
    def ink(self) -> Colour:
        """A text colour that can be read on the main colour."""
        return readable(self.main, self.second)


def look_of(product: Product, distance: float) -> Look:
    """The look of a product whose family's members are `distance` (0 to 1) apart."""
    if not product.family:
        return _look(product.brand, product.sku, product.variant, product.name)
    family = _look(product.brand, product.family, "", product.name)
    if distance == 0:
        return family
    key = f"{product.family}/{product.variant}"
    accent = _look(product.brand, product.family, product.variant, product.name)
    own = _look(key, key, product.variant, product.name)
    look = replace(family, key=product.sku, word=product.variant)
    near, far = min(1.0, distance / NEAR), max(0.0, (distance - NEAR) / (1 - NEAR))
    colours: dict[str, Any] = {
        name: mix(getattr(family, name), getattr(accent, name), near) for name in ("accent", "cap", "liquid")
    }
    look = replace(look, **colours)
    colours = {name: mix(getattr(look, name), getattr(own, name), far) for name in COLOURS}
    switched = {name: getattr(own, name) for at, names in SWITCHES for name in names if distance >= at}
    return replace(look, **colours, **switched)


NEAR = 0.35
"""Distance at which the accents have parted; beyond it the other colours do."""
COLOURS = ("main", "second", "paper", "accent", "logo_colour", "cap", "liquid")
SWITCHES = (
    (0.4, ("word_size", "claim", "badge")), (0.5, ("picture", "picture_hue", "photo")), (0.6, ("pattern",)),
    (0.7, ("layout", "upper")), (0.8, ("logo_shape", "logo_font")), (0.9, ("text_font", "scheme")),
)  # fmt: skip
"""Distance from which a member has these of its own."""


@lru_cache(maxsize=4096)
def _look(brand_name: str, line_name: str, variant_name: str, name: str) -> Look:
    brand = rng(0, "brand", brand_name)
    line = rng(0, "line", brand_name, line_name)
    variant = rng(0, "variant", brand_name, line_name, variant_name)
    hue = float(brand.choice(HUES)) + float(brand.normal(0, 0.012))
    scheme = str(brand.choice(SCHEMES))
    main, second, paper = _palette(brand, line, scheme, hue)
    flavour = FLAVOURS.get(variant_name)
    tint = float(variant.random()) if flavour is None else flavour + float(variant.normal(0, 0.012))
    accent = hsv(tint, float(variant.uniform(0.65, 0.98)), _value(tint, float(variant.random())))
    logo_hue = hue if brand.random() < 0.55 else float(brand.choice(HUES))
    cap = [second, accent, WHITE, main, (30, 30, 32)][int(brand.choice(5, p=[0.25, 0.3, 0.25, 0.1, 0.1]))]
    return Look(
        key=line_name,
        word=variant_name or "Original",
        word_size=float(line.uniform(0.7, 1.0)),
        main=main,
        second=second,
        paper=paper,
        accent=accent,
        logo_colour=hsv(logo_hue, float(brand.uniform(0.8, 1)), _value(logo_hue, float(brand.random()))),
        cap=mix(cap, BLACK, 0.05),
        liquid=_liquid(name, line, tint if flavour is not None else None),
        scheme=scheme,
        logo_font=int(brand.integers(len(FONTS))),
        text_font=int(brand.integers(len(FONTS))),
        logo_shape=int(brand.integers(LOGOS)),
        pattern=int(line.integers(PATTERNS)),
        layout=int(line.integers(LAYOUTS)),
        picture=int(line.integers(1_000_000)),
        picture_hue=float(line.choice(HUES)) + float(line.normal(0, 0.02)),
        photo=bool(line.random() < 0.45),
        claim=str(line.choice(CLAIMS)) if line.random() < 0.6 else "",
        badge=int(line.integers(BADGES)),
        upper=bool(brand.random() < 0.5),
    )


def _palette(
    brand: np.random.Generator, line: np.random.Generator, scheme: str, hue: float
) -> tuple[Colour, Colour, Colour]:
    """Main, second and paper colour of a line: the brand's scheme, its hues kept in harmony."""
    other = hue + float(brand.choice([0.0, 0.08, -0.08, 0.42, 0.5, 0.58]))
    shade = float(line.uniform(-1, 1))
    strong = hsv(hue, brand.uniform(0.75, 0.98), _value(hue, brand.uniform(0, 1)) + 0.04 * shade)
    mate = hsv(other, brand.uniform(0.7, 0.95), _value(other, brand.uniform(0, 1)))
    match scheme:
        case "white":
            colours = hsv(hue, 0.03, 0.96 + 0.02 * shade), strong, WHITE
        case "deep":
            colours = hsv(hue, 0.85, 0.38 + 0.08 * shade), mate, hsv(hue, 0.1, 0.97)
        case "pastel":
            colours = hsv(hue, 0.28 + 0.06 * shade, 0.95), hsv(hue, 0.8, 0.5), WHITE
        case "dark":
            colours = hsv(hue, 0.3, 0.12 + 0.04 * shade), hsv(0.12, 0.55, 0.82), hsv(hue, 0.2, 0.25)
        case "kraft":
            colours = hsv(0.09, 0.33, 0.76 + 0.06 * shade), hsv(hue, 0.75, 0.4), hsv(0.11, 0.12, 0.96)
        case _:
            colours = strong, mate, hsv(hue, 0.04, 0.98)
    # A line may turn the brand's colours round.
    return (colours[1], colours[0], colours[2]) if scheme in ("solid", "white") and line.random() < 0.25 else colours


def _value(hue: float, share: float) -> float:
    """Brightness of a strong printed colour: yellows are bright or they are mud, greens are never neon."""
    hue %= 1.0
    low, high = (0.9, 1.0) if 0.07 < hue < 0.18 else (0.4, 0.66) if 0.2 < hue < 0.5 else (0.5, 0.88)
    return low + (high - low) * share


def _liquid(name: str, line: np.random.Generator, tint: float | None) -> Colour:
    """Colour of what shows through a bottle or jar."""
    for words, hue, saturation, value in LIQUIDS:
        if any(word in name for word in words.split()):
            return hsv(hue + float(line.normal(0, 0.012)), saturation, value + float(line.uniform(-0.08, 0.08)))
    return hsv(float(line.choice(HUES)) if tint is None else tint, float(line.uniform(0.45, 0.85)), 0.75)


LIQUIDS = (
    ("Water", 0.55, 0.12, 0.85), ("Beer", 0.1, 0.8, 0.45),
    ("Tomato Marinara Sauce Ketchup Salsa", 0.01, 0.88, 0.62), ("Oil", 0.14, 0.75, 0.85),
    ("Mustard", 0.13, 0.85, 0.85), ("Mayonnaise Ranch", 0.13, 0.12, 0.95), ("Vinegar", 0.1, 0.3, 0.8),
    ("Pickle Olive Relish Pepper", 0.2, 0.65, 0.5), ("Coffee Syrup Cola", 0.05, 0.75, 0.24), ("Honey", 0.11, 0.9, 0.7),
    ("Peanut Butter Nut", 0.08, 0.6, 0.68), ("Barbecue Steak Marinade", 0.03, 0.8, 0.28), ("Apple", 0.12, 0.7, 0.85),
    ("Cranberry Grape Jelly", 0.95, 0.8, 0.4),
)  # fmt: skip


def hsv(h: float, s: float, v: float) -> Colour:
    r, g, b = colorsys.hsv_to_rgb(h % 1.0, min(1.0, max(0.0, s)), min(1.0, max(0.0, v)))
    return round(r * 255), round(g * 255), round(b * 255)


def luminance(colour: Colour) -> float:
    return (0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]) / 255


def contrast(a: Colour, b: Colour) -> float:
    """How far apart two colours are, 0 to 1: the most different channel."""
    return max(abs(x - y) for x, y in zip(a, b)) / 255


def mix(a: Colour, b: Colour, share: float) -> Colour:
    r, g, b_ = (round(x + (y - x) * share) for x, y in zip(a, b))
    return r, g, b_


def readable(ground: Colour, wish: Colour = (20, 20, 20)) -> Colour:
    """The wished text colour, darkened or lightened until it can be read on the ground."""
    if luminance(ground) < 0.55:
        return wish if luminance(wish) - luminance(ground) > 0.45 else (250, 250, 245)
    return wish if luminance(ground) - luminance(wish) > 0.4 else mix(wish, (20, 20, 20), 0.75)
