"""The other faces of a pack: sides with their tables and small print, tops, bottoms, lids, and wrapped labels."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw

from scenarios import Product
from sim.design import BLACK, WHITE, Look, mix, readable
from sim.lettering import PLAIN, Box, Colour, barcode, fit_text, small_print
from sim.packaging import FINE, draw_logo, print_front


def _canvas(width: float, height: float, density: float, colour: Colour) -> tuple[Image.Image, int, int]:
    w, h = max(4, round(width * density)) * FINE, max(4, round(height * density)) * FINE
    return Image.new("RGB", (w, h), colour), w, h


def facts_panel(product: Product, look: Look, width: float, height: float, density: float) -> Image.Image:
    """A side with the brand, the nutrition table, claims and the variant's colour."""
    canvas, w, h = _canvas(width, height, density, mix(look.main, BLACK, 0.06))
    draw = ImageDraw.Draw(canvas)
    draw.rectangle((0, 0, w, h * 0.05), fill=look.accent)
    draw_logo(draw, product, look, (w * 0.08, h * 0.07, w * 0.92, h * 0.17), mix(look.main, BLACK, 0.06))
    _nutrition(draw, (w * 0.1, h * 0.2, w * 0.9, h * 0.62), look)
    ink = look.ink
    fit_text(draw, (w * 0.1, h * 0.645, w * 0.9, h * 0.69), product.name, look.text_font, ink, 1)
    small_print(draw, (w * 0.1, h * 0.71, w * 0.9, h * 0.86), max(4.0, h * 0.011), ink, look.seed)
    side = min(w * 0.2, h * 0.06)
    for i in range(3) if side >= 8 else ():
        _mark(draw, i, (w * (0.14 + 0.26 * i), h * 0.89, w * (0.14 + 0.26 * i) + side, h * 0.89 + side), ink)
    return canvas.reduce(FINE)


def back_panel(product: Product, look: Look, width: float, height: float, density: float) -> Image.Image:
    """A side with the name, what is in the pack, how to use it, the maker's address and the barcode."""
    canvas, w, h = _canvas(width, height, density, mix(look.main, BLACK, 0.06))
    draw = ImageDraw.Draw(canvas)
    fit_text(draw, (w * 0.08, h * 0.03, w * 0.92, h * 0.12), product.brand, look.logo_font, look.ink, 1)
    field = (w * 0.08, h * 0.14, w * 0.92, h * 0.6)
    draw.rounded_rectangle(field, w * 0.03, fill=look.paper)
    ink = readable(look.paper)
    fit_text(draw, (w * 0.12, h * 0.16, w * 0.6, h * 0.2), "INGREDIENTS", PLAIN, ink, 1, "l")
    small_print(draw, (w * 0.12, h * 0.21, w * 0.88, h * 0.42), max(4.0, h * 0.012), ink, look.seed + 1)
    small_print(draw, (w * 0.12, h * 0.45, w * 0.7, h * 0.58), max(4.0, h * 0.012), ink, look.seed + 2)
    code_w, code_h = min(w * 0.84, h * 0.6), min(h * 0.2, w * 0.6)
    number = 730_000_000_000 + look.seed % 1_000_000_000
    symbol = barcode(number, round(code_w), round(code_h))
    canvas.paste(symbol.convert("RGB"), (round((w - code_w) / 2), round(h * 0.68)))
    small_print(draw, (w * 0.1, h * 0.92, w * 0.9, h * 0.97), max(4.0, h * 0.01), look.ink, look.seed + 3)
    return canvas.reduce(FINE)


def _nutrition(draw: ImageDraw.ImageDraw, box: Box, look: Look) -> None:
    """A table: a heading, a heavy rule, and rows of a name at the left and an amount at the right."""
    x0, y0, x1, y1 = box
    random = np.random.default_rng(look.seed)
    ink = (25, 25, 25)
    draw.rectangle(box, fill=(250, 250, 247), outline=ink, width=2)
    pad, tall = (x1 - x0) * 0.05, y1 - y0
    fit_text(draw, (x0 + pad, y0 + tall * 0.02, x1 - pad, y0 + tall * 0.13), "Nutrition Facts", PLAIN, ink, 1, "l")
    draw.rectangle((x0 + pad, y0 + tall * 0.14, x1 - pad, y0 + tall * 0.165), fill=ink)
    rows = max(3, min(13, int(tall / 14)))
    step = tall * 0.81 / rows
    for i in range(rows):
        y = y0 + tall * 0.17 + (i + 0.5) * step
        bold = max(1, round(step * (0.36 if i % 3 == 0 else 0.24)))
        start = x0 + pad * (1 if i % 3 == 0 else 2)
        draw.line((start, y, start + (x1 - x0) * random.uniform(0.2, 0.5), y), fill=mix(ink, WHITE, 0.2), width=bold)
        draw.line((x1 - pad - (x1 - x0) * random.uniform(0.06, 0.14), y, x1 - pad, y), fill=ink, width=bold)
        draw.line((x0 + pad, y + step / 2, x1 - pad, y + step / 2), fill=mix(ink, WHITE, 0.6))


def _mark(draw: ImageDraw.ImageDraw, kind: int, box: Box, ink: Colour) -> None:
    """A recycling triangle, a tidy-bin square or a forest roundel."""
    x0, y0, x1, y1 = box
    line = max(1, round((x1 - x0) / 8))
    if kind == 0:
        draw.polygon([((x0 + x1) / 2, y0), (x1, y1), (x0, y1)], outline=ink, width=line)
    elif kind == 1:
        draw.rectangle(box, outline=ink, width=line)
        draw.ellipse((x0 + line * 2, y0 + line * 2, x1 - line * 2, y1 - line * 2), fill=ink)
    else:
        draw.ellipse(box, outline=(40, 130, 60), width=line)


def top_panel(product: Product, look: Look, width: float, depth: float, density: float) -> Image.Image:
    """The top of a box or carton: brand and name on the main colour, the flap's edge, the variant's colour."""
    canvas, w, h = _canvas(width, depth, density, mix(look.main, WHITE, 0.08))
    draw = ImageDraw.Draw(canvas)
    draw.rectangle((0, h * 0.74, w, h), fill=look.accent)
    fit_text(draw, (w * 0.08, h * 0.08, w * 0.62, h * 0.66), product.brand, look.logo_font, look.ink, 1, "l")
    fit_text(draw, (w * 0.66, h * 0.14, w * 0.94, h * 0.6), product.name, look.text_font, look.ink)
    draw.line((0, h * 0.5, w, h * 0.5), fill=mix(look.main, BLACK, 0.12), width=2)
    return canvas.reduce(FINE)


def plain_panel(
    width: float, height: float, density: float, colour: Colour, streak: Colour | None = None
) -> Image.Image:
    """A face without print: a bottom, a cap, a seam; with streaks across in another colour if one is given."""
    w, h = max(4, round(width * density)), max(4, round(height * density))
    panel = Image.new("RGB", (w, h), colour)
    if streak is not None:
        draw = ImageDraw.Draw(panel)
        for x in range(0, w, 3):
            draw.line((x, 0, x, h), fill=streak)
    return panel


def board_panel(width: float, depth: float, density: float) -> Image.Image:
    """The bottom of a box: grey-brown board with its glued flap."""
    panel = plain_panel(width, depth, density, (196, 184, 164))
    draw = ImageDraw.Draw(panel)
    draw.line((0, panel.height * 0.46, panel.width, panel.height * 0.46), fill=(150, 138, 120))
    return panel


def creased(panel: Image.Image) -> Image.Image:
    """Mark the folds at a card panel's edges: light where the print is worn, dark beside it."""
    w, h = panel.size
    edge = Image.new("L", (w, h), 0)
    draw = ImageDraw.Draw(edge)
    draw.rectangle((0, 0, w - 1, h - 1), outline=70)
    panel = Image.composite(Image.new("RGB", (w, h), WHITE), panel, edge)
    draw = ImageDraw.Draw(edge)
    draw.rectangle((0, 0, w, h), fill=0)
    draw.rectangle((1, 1, w - 2, h - 2), outline=30)
    return Image.composite(Image.new("RGB", (w, h), BLACK), panel, edge)


def padded(panel: Image.Image, above: int, below: int, colour: Colour) -> Image.Image:
    """Add strips of one colour above and below a panel (rows): a seam, a crimped end."""
    whole = Image.new("RGB", (panel.width, panel.height + above + below), colour)
    whole.paste(panel, (0, above))
    return whole


def lid_panel(product: Product, look: Look, width: float, depth: float, density: float, colour: Colour) -> Image.Image:
    """A printed lid seen from above: rings of the moulding, brand, name and the variant's colour."""
    canvas, w, h = _canvas(width, depth, density, colour)
    draw = ImageDraw.Draw(canvas)
    for inset, tone in ((0.0, mix(colour, BLACK, 0.18)), (0.04, mix(colour, WHITE, 0.3)), (0.07, colour)):
        draw.ellipse((w * inset, h * inset, w * (1 - inset), h * (1 - inset)), fill=tone)
    draw.rectangle((w * 0.2, h * 0.6, w * 0.8, h * 0.72), fill=look.accent)
    ink = readable(colour, look.second)
    fit_text(draw, (w * 0.2, h * 0.28, w * 0.8, h * 0.56), product.brand, look.logo_font, ink, 1)
    fit_text(draw, (w * 0.24, h * 0.61, w * 0.76, h * 0.71), look.word, look.text_font, readable(look.accent), 1)
    return canvas.reduce(FINE)


def metal_panel(width: float, depth: float, density: float, tab: bool) -> Image.Image:
    """The end of a can: beaded rings of bright metal, with a pull tab or without."""
    canvas, w, h = _canvas(width, depth, density, (176, 178, 182))
    draw = ImageDraw.Draw(canvas)
    for inset, tone in ((0.0, 205), (0.05, 120), (0.08, 186), (0.2, 168), (0.22, 196), (0.34, 176)):
        draw.ellipse((w * inset, h * inset, w * (1 - inset), h * (1 - inset)), fill=(tone, tone, tone + 4))
    if tab:
        draw.ellipse((w * 0.38, h * 0.5, w * 0.62, h * 0.8), fill=(150, 150, 154))
        draw.ellipse((w * 0.43, h * 0.3, w * 0.57, h * 0.62), fill=(214, 214, 218), outline=(120, 120, 124), width=2)
    return canvas.reduce(FINE)


def ribbed(panel: Image.Image, ribs: int = 48) -> Image.Image:
    """Shade the upright ribs of a screw cap into its panel."""
    w, h = panel.size
    wave = 1 + 0.13 * np.sin(np.linspace(0, 2 * math.pi * ribs, w))[None, :, None]
    fall = np.linspace(1.06, 0.9, h)[:, None, None]
    return Image.fromarray((np.asarray(panel, float) * wave * fall).clip(0, 255).astype(np.uint8))


def wrap_label(product: Product, look: Look, around: float, width: float, height: float, density: float) -> Image.Image:
    """A label for a round pack `width` wide and `around` in girth: the front in the middle, over the part that
    a camera sees, tables and barcode behind."""
    share = min(0.5, 1.1 * width / around)
    front = print_front(product, look, around * share, height, density)
    rest = around * (1 - share) / 2
    left = facts_panel(product, look, rest, height, density).resize((max(4, round(rest * density)), front.height))
    right = back_panel(product, look, rest, height, density).resize(left.size)
    label = Image.new("RGB", (left.width * 2 + front.width, front.height), look.main)
    for panel, x in ((left, 0), (front, left.width), (right, left.width + front.width)):
        label.paste(panel, (x, 0))
    return label


def contents_panel(
    look: Look, around: float, height: float, density: float, chunky: bool, shine: bool = True
) -> Image.Image:
    """What shows through glass or PET: the liquid or the pieces, bright where light falls through, with the
    highlight of the wall painted on, since the raster renderer knows no glass."""
    w, h = max(8, round(around * density)), max(8, round(height * density))
    random = np.random.default_rng(look.picture + 5)
    across = np.linspace(0, 1, w)[None, :, None]
    picture = np.tile(np.array(look.liquid, float), (h, w, 1)) * (0.86 + 0.2 * np.linspace(0, 1, h))[:, None, None]
    if chunky:
        cells = random.normal(1, 0.22, (max(2, h // 5), max(2, w // 5))).astype(np.float32)
        picture *= np.asarray(Image.fromarray(cells).resize((w, h), Image.Resampling.BICUBIC))[..., None]
    # Seen from the front (the middle) the rims of the round wall are dark and a window is mirrored left of it.
    for at, wide, gain in ((0.5, 0.11, 0.12), (0.385, 0.012, 0.5), (0.625, 0.007, 0.25)) if shine else ():
        picture += (255 - picture) * gain * np.exp(-(((across - at) / wide) ** 2))
    return Image.fromarray(picture.clip(0, 255).astype(np.uint8))


def film_shading(panel: Image.Image, seed: int, crimp: float) -> Image.Image:
    """Light and dark of creased film on a printed bag; `crimp`: share of the height of each sealed end."""
    w, h = panel.size
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:h, 0:w]
    folds = np.zeros((h, w))
    for _ in range(9):
        edge = random.choice([0.0, 1.0])
        cx, lean, wide, reach = (
            random.uniform(0, w),
            random.normal(0, 0.5),
            random.uniform(0.012, 0.03) * w,
            random.uniform(0.1, 0.4),
        )
        away = np.abs(y / h - edge)
        ridge = (x - cx - lean * away * h) / wide
        folds += -ridge * np.exp(-(ridge**2)) * np.exp(-((away / reach) ** 2)) * random.uniform(0.15, 0.5)
    ends = (y < crimp * h) | (y > (1 - crimp) * h)
    folds[ends] = 0.12 * np.sign(np.sin(y[ends] * math.pi / 1.5))
    light = np.clip(folds, 0, 1)[..., None]
    shaded = np.asarray(panel, float) * (1 + 0.7 * folds[..., None]) + 40 * light
    return Image.fromarray(shaded.clip(0, 255).astype(np.uint8))
