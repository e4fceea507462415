"""The pictures on packs: food and other scenes of lit sprites in bowls, glasses and heaps, before soft grounds."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from scenarios import Product
from sim.design import WHITE, Look, hsv, luminance, mix
from sim.lettering import Box, Colour
from sim.sprites import sprite

SUBJECTS = (
    ("Cereal", "bowl", ("flake", "ring", "berry")),
    ("Oat", "bowl", ("seed", "berry")),
    ("Soup Chili Meal Pasta Rings", "bowl", ("cube", "leaf", "noodle")),
    ("Coffee Cafe Cocoa Chocolate", "cup", ("seed",)),
    ("Tea", "cup", ("leaf", "citrus")),
    ("Juice Drink Punch Blend Water Soda Iced", "glass", ("citrus", "fruit", "berry")),
    ("Chips Puffs Crisps Pretzel Snack Corn", "heap", ("flake",)),
    ("Nut Peanut Bean", "heap", ("seed",)),
    ("Cookie Biscuit Wafer Cracker Saltines Pastries Bars Brownie Cake", "heap", ("cookie",)),
    ("Pasta Spaghetti Macaroni Noodle Mac", "bowl", ("noodle", "leaf", "fruit")),
    ("Rice", "bowl", ("seed", "cube", "leaf")),
    ("Sauce Marinara Tomato Ketchup Salsa", "heap", ("fruit", "leaf")),
    ("Pickle Olive Pepper Relish", "heap", ("seed", "leaf")),
    ("Preserves Jelly Fruit Peach Pear Pineapple Chews", "heap", ("berry", "fruit", "citrus")),
    ("Peas Beans Spinach Vegetable Corn", "heap", ("leaf", "seed", "cube")),
    ("Honey Syrup Butter Margarine", "splash", ("cookie", "leaf")),
    ("Yogurt Dip Cream Mayonnaise Dressing", "splash", ("leaf", "berry", "fruit")),
    ("Dish Clean Laundry Softener Soap Wash Shampoo "
     "Condition Lotion Tooth Mouth Rinse Bath Bowl", "swirl", ("drop", "leaf")),
)  # fmt: skip
"""What a product's picture may show, by words in its name: the scene and the sprites in it."""


def draw_illustration(canvas: Image.Image, box: Box, product: Product, look: Look) -> None:
    """Draw a product's picture into a box of the canvas (pixels): a photograph with a ground of its own, or cut
    out and laid on the pack's ground with its shadow."""
    x0, y0, x1, y1 = (round(v) for v in box)
    w, h = x1 - x0, y1 - y0
    if w < 10 or h < 10:
        return
    random = np.random.default_rng(look.picture)
    scene, kinds = _subject(product, random)
    layer = Image.new("RGBA", (w, h), (0, 0, 0, 0))
    SCENES[scene](layer, kinds, random, look)
    if look.photo:
        photo = _ground(w, h, random, look)
        photo.paste(_shadow(layer), (0, 0), _shadow(layer))
        photo.paste(layer, (0, 0), layer)
        canvas.paste(photo, (x0, y0), _frame(w, h, random))
    else:
        shadow = _shadow(layer)
        canvas.paste(shadow, (x0, y0), shadow)
        canvas.paste(layer, (x0, y0), layer)


def _subject(product: Product, random: np.random.Generator) -> tuple[str, tuple[str, ...]]:
    found = [(scene, kinds) for words, scene, kinds in SUBJECTS if any(w in product.name for w in words.split())]
    scene, kinds = found[int(random.integers(len(found)))] if found else ("heap", ("fruit", "leaf"))
    if random.random() < 0.25 and scene in ("bowl", "glass", "cup"):
        scene = "heap"
    return scene, kinds


def _shadow(layer: Image.Image) -> Image.Image:
    """The soft shadow that a layer throws down to the right."""
    w, h = layer.size
    small = layer.getchannel("A").resize((max(1, w // 4), max(1, h // 4)))
    alpha = small.filter(ImageFilter.GaussianBlur(max(1.0, w / 160))).resize((w, h)).point(lambda v: v * 0.45)
    alpha = ImageChops.offset(alpha, max(1, w // 60), max(1, h // 50))
    shadow = Image.new("RGBA", (w, h), (20, 12, 8, 0))
    shadow.putalpha(alpha)
    return shadow


def _ground(w: int, h: int, random: np.random.Generator, look: Look) -> Image.Image:
    """A blurred table and wall, or a glow of colour."""
    hue = look.picture_hue
    if random.random() < 0.5:
        wall, table = (
            hsv(hue, 0.25, random.uniform(0.6, 0.95)),
            hsv(0.08, random.uniform(0.2, 0.6), random.uniform(0.35, 0.9)),
        )
        patch = Image.new("RGB", (16, 16), wall)
        ImageDraw.Draw(patch).rectangle((0, int(random.uniform(7, 12)), 16, 16), fill=table)
        spots = random.normal(0, 14, (16, 16, 1))
        patch = Image.fromarray((np.asarray(patch, float) + spots).clip(0, 255).astype(np.uint8))
    else:
        y, x = np.mgrid[0:16, 0:16] / 15.0
        glow = np.exp(-((x - 0.5) ** 2 + (y - random.uniform(0.3, 0.7)) ** 2) * 5)[..., None]
        low, high = np.array(hsv(hue, 0.85, 0.35)), np.array(hsv(hue + 0.05, 0.5, 1.0))
        patch = Image.fromarray((low + (high - low) * glow).astype(np.uint8))
    return patch.resize((w, h), Image.Resampling.BICUBIC)


def _frame(w: int, h: int, random: np.random.Generator) -> Image.Image:
    """The outline of a photograph: square, rounded, an arch, an oval or a wave."""
    mask = Image.new("L", (w, h), 0)
    draw = ImageDraw.Draw(mask)
    match int(random.integers(5)):
        case 0:
            draw.rectangle((0, 0, w, h), fill=255)
        case 1:
            draw.rounded_rectangle((0, 0, w - 1, h - 1), min(w, h) * 0.15, fill=255)
        case 2:
            draw.rectangle((0, h * 0.3, w, h), fill=255)
            draw.ellipse((0, 0, w - 1, h * 0.6), fill=255)
        case 3:
            draw.ellipse((0, 0, w - 1, h - 1), fill=255)
        case _:
            x = np.linspace(0, w, 24)
            top = h * (0.09 + 0.07 * np.sin(x / w * 6 + random.random() * 6))
            draw.polygon([*zip(x.tolist(), top.tolist()), (w, h), (0, h)], fill=255)
    return mask


def _scatter(
    layer: Image.Image,
    kinds: tuple[str, ...],
    random: np.random.Generator,
    look: Look,
    spots: list[tuple[float, float]],
    size: float,
    turned: float = 360.0,
) -> None:
    """Lay sprites on spots (pixels, their middle), one after the other, each with a dark edge to part it."""
    step = round(look.picture_hue * 24) % 24
    for x, y in spots:
        kind = kinds[0] if random.random() < 0.6 else kinds[int(random.integers(len(kinds)))]
        side = max(4, round(size * random.uniform(0.8, 1.2) * (0.8 if kind == "leaf" else 1.0)))
        piece = sprite(kind, (step + int(random.integers(-1, 2))) % 24).resize((side, side), Image.Resampling.BILINEAR)
        if turned:
            piece = piece.rotate(random.uniform(-turned, turned) / 2, Image.Resampling.BILINEAR)
        at = (round(x - side / 2), round(y - side / 2))
        edge = Image.new("RGBA", piece.size, (30, 15, 5, 0))
        edge.putalpha(piece.getchannel("A").point(lambda v: v // 3))
        shift = max(1, side // 16)
        layer.alpha_composite(edge, _held(at[0] + shift, at[1] + shift), _cut(at[0] + shift, at[1] + shift))
        layer.alpha_composite(piece, _held(*at), _cut(*at))


def _held(x: int, y: int) -> tuple[int, int]:
    return max(0, x), max(0, y)


def _cut(x: int, y: int) -> tuple[int, int]:
    return max(0, -x), max(0, -y)


def _heap(layer: Image.Image, kinds: tuple[str, ...], random: np.random.Generator, look: Look) -> None:
    w, h = layer.size
    count = int(random.choice([1, 3, 5, 9, 14, 22]))
    size = min(min(w, h) * 0.86, 1.15 * math.sqrt(w * h / count))
    if count == 1:
        spots = [(w / 2, h / 2)]
    else:
        x, y = random.uniform(0, 1, (2, count))
        wide = (w - size * 0.9) * (0.55 + 0.45 * y)
        spots = sorted(zip(w / 2 + (x - 0.5) * wide, size * 0.45 + y * (h - size * 0.9)), key=lambda s: s[1])
    _scatter(layer, kinds, random, look, spots, size, 60 if count < 4 else 360)


def _rounded(w: int, h: int, colour: Colour, dark: float = 0.55) -> Image.Image:
    """A band of colour shaded as the side of something round: bright left of the middle, dark at the rims."""
    x = np.linspace(-1, 1, max(2, w))
    shade = dark + (1 - dark) * np.exp(-(((x + 0.35) / 0.75) ** 2))
    shine = 0.5 * np.exp(-(((x + 0.5) / 0.09) ** 2))
    row = np.array(colour) * shade[:, None] + 255 * shine[:, None]
    return Image.fromarray(row.clip(0, 255).astype(np.uint8)[None]).resize((max(2, w), max(1, h)))


def _bowl(layer: Image.Image, kinds: tuple[str, ...], random: np.random.Generator, look: Look) -> None:
    w, h = layer.size
    side = min(w * 0.94, h * 1.5)
    x0, rim, tall = (w - side) / 2, h / 2 - side * 0.12, side * 0.42
    ware = [WHITE, look.second, hsv(look.picture_hue + 0.5, 0.55, 0.75), (235, 225, 205)][int(random.integers(4))]
    body = Image.new("L", layer.size, 0)
    ImageDraw.Draw(body).chord((x0, rim - tall, x0 + side, rim + tall), 0, 180, fill=255)
    layer.paste(_rounded(round(side), h, ware), (round(x0), 0), body.crop((round(x0), 0, round(x0) + round(side), h)))
    draw = ImageDraw.Draw(layer)
    lip = side * 0.15
    draw.ellipse((x0, rim - lip, x0 + side, rim + lip), fill=(*mix(ware, WHITE, 0.55), 255))
    inner = (x0 + side * 0.04, rim - lip * 0.82, x0 + side * 0.96, rim + lip * 0.86)
    draw.ellipse(inner, fill=(*mix(look.liquid, hsv(look.picture_hue, 0.4, 0.85), 0.4), 255))
    angle, far = random.uniform(0, 2 * math.pi, 34), np.sqrt(random.uniform(0, 1, 34))
    x, y = x0 + side * (0.5 + 0.38 * far * np.cos(angle)), rim + lip * (0.68 * far * np.sin(angle) - 0.25 * (1 - far))
    _scatter(layer, kinds, random, look, sorted(zip(x, y), key=lambda s: s[1]), side * 0.17)


def _cup(layer: Image.Image, kinds: tuple[str, ...], random: np.random.Generator, look: Look) -> None:
    w, h = layer.size
    side = min(w * 0.6, h * 0.8)
    x0, y0 = w / 2 - side * 0.55, h / 2 - side * 0.4
    ware = WHITE if random.random() < 0.6 else look.second
    draw = ImageDraw.Draw(layer)
    draw.ellipse(
        (w / 2 - side * 0.8, y0 + side * 0.66, w / 2 + side * 0.8, y0 + side * 0.98),
        fill=(*mix(ware, (90, 90, 90), 0.2), 255),
    )
    draw.ellipse(
        (x0 + side * 0.8, y0 + side * 0.1, x0 + side * 1.2, y0 + side * 0.55),
        outline=(*mix(ware, (60, 60, 60), 0.2), 255),
        width=max(2, round(side * 0.07)),
    )
    mask = Image.new("L", layer.size, 0)
    ImageDraw.Draw(mask).chord((x0, y0 - side * 0.7, x0 + side, y0 + side * 0.85), 0, 180, fill=255)
    layer.paste(_rounded(round(side), h, ware), (round(x0), 0), mask.crop((round(x0), 0, round(x0) + round(side), h)))
    lip = side * 0.13
    draw.ellipse((x0, y0 + side * 0.075 - lip, x0 + side, y0 + side * 0.075 + lip), fill=(*mix(ware, WHITE, 0.6), 255))
    drink = hsv(0.06, 0.75, 0.28) if "seed" in kinds else hsv(0.08, 0.85, 0.6)
    draw.ellipse(
        (x0 + side * 0.05, y0 + side * 0.08 - lip * 0.75, x0 + side * 0.95, y0 + side * 0.08 + lip * 0.8),
        fill=(*drink, 255),
    )
    x, y = random.uniform(0.05, 0.95, 14) * w, random.uniform(0.78, 0.96, 14) * h
    _scatter(layer, kinds, random, look, sorted(zip(x, y), key=lambda s: s[1]), side * 0.17)


def _glass(layer: Image.Image, kinds: tuple[str, ...], random: np.random.Generator, look: Look) -> None:
    w, h = layer.size
    tall = h * 0.94
    wide = min(w * 0.42, tall * 0.52)
    x0, y0 = w * random.uniform(0.2, 0.55), h * 0.03
    x0 = min(x0, w - wide - 1)
    fill = look.liquid if luminance(look.liquid) > 0.15 else hsv(look.picture_hue, 0.8, 0.85)
    mask = Image.new("L", layer.size, 0)
    inset = wide * 0.12
    ImageDraw.Draw(mask).polygon(
        [(x0, y0), (x0 + wide, y0), (x0 + wide - inset, y0 + tall), (x0 + inset, y0 + tall)], fill=255
    )
    band = _rounded(round(wide), h, fill, 0.7)
    band.paste(_rounded(round(wide), max(1, round(tall * 0.16)), (232, 240, 244), 0.85), (0, 0))
    layer.paste(band, (round(x0), 0), mask.crop((round(x0), 0, round(x0) + round(wide), h)))
    draw = ImageDraw.Draw(layer)
    draw.ellipse((x0, y0 + tall * 0.13, x0 + wide, y0 + tall * 0.2), fill=(*mix(fill, WHITE, 0.4), 255))
    x, y = random.uniform(0.1, 0.9, 5) * w, random.uniform(0.68, 0.84, 5) * h
    _scatter(layer, kinds, random, look, sorted(zip(x, y), key=lambda s: s[1]), min(w * 0.42, h * 0.4), 80)


def _splash(layer: Image.Image, kinds: tuple[str, ...], random: np.random.Generator, look: Look) -> None:
    w, h = layer.size
    draw = ImageDraw.Draw(layer)
    angle = np.linspace(0, 2 * math.pi, 60, endpoint=False)
    wave = sum(random.uniform(0, 0.12) * np.sin(k * angle + random.uniform(0, 6)) for k in (3, 5, 7, 11))
    for shrink, share in ((1.0, 0.0), (0.9, 0.35), (0.72, 0.6), (0.45, 0.8)):
        r = shrink * (0.76 + wave)
        x, y = w / 2 + (w / 2) * r * np.cos(angle), h * (0.5 + 0.03 * (1 - shrink)) + (h / 2) * r * np.sin(angle)
        draw.polygon(
            list(zip(x.tolist(), y.tolist())), fill=(*mix(mix(look.liquid, (40, 20, 0), 0.15), WHITE, share), 255)
        )
    x, y = random.uniform(0.2, 0.8, 6) * w, random.uniform(0.35, 0.75, 6) * h
    _scatter(layer, kinds, random, look, list(zip(x, y)), min(w, h) * 0.32, 120)


def _swirl(layer: Image.Image, kinds: tuple[str, ...], random: np.random.Generator, look: Look) -> None:
    """Ribbons of colour with drops and bubbles: what cleans and cares shows no food."""
    w, h = layer.size
    draw = ImageDraw.Draw(layer)
    t = np.linspace(0, 1, 24)
    bend, turn = random.uniform(0.1, 0.3), random.uniform(0, 6)
    for i in range(5):
        colour = mix(look.second, WHITE, 0.2 * i) if i % 2 else mix(hsv(look.picture_hue, 0.7, 0.9), WHITE, 0.15 * i)
        middle = 0.25 + 0.1 * i + bend * np.sin(t * 4 + turn + i * 0.3)
        wide = 0.16 * np.sin(t * math.pi) + 0.02
        up, down = (middle - wide) * h, (middle + wide) * h
        draw.polygon(
            [*zip((t * w).tolist(), up.tolist()), *zip((t[::-1] * w).tolist(), down[::-1].tolist())],
            fill=(*colour, 255),
        )
    x, y = random.uniform(0.08, 0.92, 12) * w, random.uniform(0.1, 0.9, 12) * h
    _scatter(layer, kinds, random, look, list(zip(x, y)), min(w, h) * 0.2, 90)


SCENES = {"heap": _heap, "bowl": _bowl, "cup": _cup, "glass": _glass, "splash": _splash, "swirl": _swirl}
