"""Pack artwork: what is printed on a product's front, sides and top.

A brand fixes palette, typefaces, logo and pattern; a line (a look-alike family, or a product without
one) fixes layout and illustration; a variant fixes one accent colour and one word. So packs of one
brand look related, and packs of one family differ only in a colour and a word.
"""

from __future__ import annotations

import colorsys
import importlib
import math
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from scenarios import Product, rng
from sim.illustrations import draw_illustration

Colour = tuple[int, int, int]

TEXEL_DENSITY = 900.0
"""Texels per metre of pack. Near the pixels per metre of the cameras, since the raster renderer
samples the nearest texel and a much finer texture would flicker."""

FONTS = (
    ("font_lato", "Lato-Black.ttf"), ("font_fredoka_one", "FredokaOne-Regular.ttf"),
    ("font_fjallaone", "FjallaOne-Regular.ttf"), ("font_caladea", "Caladea-BoldItalic.ttf"),
    ("font_rhd", "RedHatDisplay-Black.ttf"), ("font_manrope", "Manrope-ExtraBold.ttf"),
    ("font_source_serif_pro", "SourceSerifPro-Bold.ttf"), ("font_source_sans_pro", "SourceSansPro-Black.ttf"),
    ("font_hanken_grotesk", "HankenGrotesk-Bold.otf"), ("font_amatic_sc", "AmaticSC-Bold.ttf"),
    ("font_caladea", "Caladea-Bold.ttf"), ("font_lato", "Lato-BlackItalic.ttf"),
)  # fmt: skip


@cache
def _font_path(index: int) -> str:
    package, name = FONTS[index % len(FONTS)]
    return str(Path(importlib.import_module(package).__file__ or "").parent / "files" / name)


@lru_cache(maxsize=512)
def _font(index: int, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_font_path(index), max(5, size))


def _hsv(h: float, s: float, v: float) -> Colour:
    r, g, b = colorsys.hsv_to_rgb(h % 1.0, min(1.0, s), min(1.0, v))
    return round(r * 255), round(g * 255), round(b * 255)


def _luminance(colour: Colour) -> float:
    return (0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]) / 255


def _mix(a: Colour, b: Colour, share: float) -> Colour:
    r, g, b_ = (round(x + (y - x) * share) for x, y in zip(a, b))
    return r, g, b_


class Design:
    """Everything about a product's artwork that is drawn by seed, from brand, line and variant."""

    def __init__(self, product: Product) -> None:
        self.product = product
        brand = rng(0, "brand", product.brand)
        line = rng(0, "line", product.brand, product.family or product.sku)
        variant = rng(0, "variant", product.brand, product.family or product.sku, product.variant)
        hue = brand.random()
        style = brand.random()
        if style < 0.26:
            main, second = _hsv(hue, 0.06, 0.96), _hsv(hue + 0.5 * brand.random(), 0.8, 0.7)
        elif style < 0.38:
            main, second = _hsv(hue, 0.5, 0.16), _hsv(hue + 0.1, 0.6, 0.9)
        else:
            main = _hsv(hue, brand.uniform(0.55, 0.95), brand.uniform(0.5, 0.95))
            second = _hsv(hue + brand.choice([0.08, 0.33, 0.5, -0.12]), brand.uniform(0.5, 0.95), brand.uniform(0.5, 1))
        if line.random() < 0.45:  # a line may turn the brand's colours round, or take its own shade
            main, second = second, main
        shade = line.uniform(-0.25, 0.25)
        self.main = _mix(main, (255, 255, 255) if shade > 0 else (0, 0, 0), abs(shade))
        self.second = second
        self.accent = _hsv(variant.random(), variant.uniform(0.6, 1), variant.uniform(0.55, 0.95))
        self.logo_font, self.text_font = int(brand.integers(12)), int(brand.integers(12))
        self.logo_shape = int(brand.integers(5))
        self.logo_colour = _hsv(brand.random(), brand.uniform(0.5, 1), brand.uniform(0.3, 0.8))
        self.pattern = int(line.integers(7))
        self.layout = int(line.integers(4))
        self.illustration = int(line.integers(1_000_000))
        self.picture_hue = float(line.random())
        self.claim = str(line.choice(CLAIMS)) if line.random() < 0.55 else ""
        self.metal = _mix((200, 200, 205), second, 0.15 * float(brand.integers(3)))
        self.liquid = _hsv(
            float(variant.random()) * 0.15 + float(line.random()) * 0.85, 0.7, float(line.uniform(0.25, 0.85))
        )
        self.cap = second if brand.random() < 0.5 else self.accent

    @property
    def ink(self) -> Colour:
        """A text colour that can be read on the main colour."""
        return (250, 250, 245) if _luminance(self.main) < 0.55 else _mix(self.second, (20, 20, 20), 0.7)


CLAIMS = ("NEW!", "ORGANIC", "FAMILY SIZE", "0% FAT", "+20% MORE", "WHOLE GRAIN", "NO SUGAR", "ORIGINAL", "BEST TASTE")


def front_panel(product: Product, width: float, height: float, density: float = TEXEL_DENSITY) -> Image.Image:
    """Draw the front of a pack, `width` × `height` metres, as an RGB picture."""
    design = Design(product)
    w, h = max(12, round(width * density)), max(12, round(height * density))
    canvas = _background(design, w, h)
    draw = ImageDraw.Draw(canvas)
    logo, picture, name, band, foot = _bands(design.layout, w, h)
    draw_illustration(canvas, picture, design.illustration, design.picture_hue, design.second)
    _draw_logo(draw, design, logo)
    fit_text(draw, name, product.name.upper() if design.layout % 2 else product.name, design.text_font, design.ink)
    draw.rectangle(band, fill=design.accent)
    ink = (255, 255, 255) if _luminance(design.accent) < 0.6 else (25, 25, 25)
    fit_text(draw, _inset(band, 0.06), product.variant, design.text_font, ink)
    fit_text(draw, foot, f"NET WT {product.size}".upper(), 7, design.ink, lines=1)
    if design.claim:
        _draw_claim(draw, design, w, h)
    return canvas


def side_panel(product: Product, width: float, height: float, density: float = TEXEL_DENSITY) -> Image.Image:
    """Draw a side or back: the brand's ground, a nutrition table, small print and a barcode."""
    design = Design(product)
    w, h = max(8, round(width * density)), max(8, round(height * density))
    canvas = Image.new("RGB", (w, h), _mix(design.main, (0, 0, 0), 0.06))
    draw = ImageDraw.Draw(canvas)
    fit_text(draw, (w * 0.08, h * 0.03, w * 0.92, h * 0.15), product.brand, design.logo_font, design.ink, lines=1)
    table = (w * 0.12, h * 0.2, w * 0.88, h * 0.58)
    draw.rectangle(table, fill=(248, 248, 244), outline=(20, 20, 20))
    step = max(3.0, h * 0.028)
    for i in range(1, int((table[3] - table[1]) / step)):
        y = table[1] + i * step
        draw.line(
            (table[0] + 2, y, table[0] + (table[2] - table[0]) * (0.5 + 0.4 * ((i * 7) % 5) / 5), y), fill=(40, 40, 40)
        )
    bars = rng(0, "barcode", product.sku).integers(1, 4, 40)
    draw.rectangle((w * 0.14, h * 0.78, w * 0.86, h * 0.94), fill=(255, 255, 255))
    x = w * 0.18
    for i, bar in enumerate(bars):
        if x > w * 0.82:
            break
        if i % 2 == 0:
            draw.rectangle((x, h * 0.8, x + max(0.0, bar * w * 0.008 - 1), h * 0.92), fill=(10, 10, 10))
        x += bar * w * 0.008
    return canvas


def top_panel(product: Product, width: float, depth: float, density: float = TEXEL_DENSITY) -> Image.Image:
    """Draw the top: plain ground with the accent colour and the brand."""
    design = Design(product)
    w, h = max(8, round(width * density)), max(8, round(depth * density))
    canvas = Image.new("RGB", (w, h), _mix(design.main, (255, 255, 255), 0.08))
    draw = ImageDraw.Draw(canvas)
    draw.rectangle((0, h * 0.72, w, h), fill=design.accent)
    fit_text(draw, (w * 0.1, h * 0.1, w * 0.9, h * 0.65), product.brand, design.logo_font, design.ink, lines=1)
    return canvas


Box = tuple[float, float, float, float]


def _bands(layout: int, w: int, h: int) -> tuple[Box, Box, Box, Box, Box]:
    """Boxes of logo, picture, name, variant band and foot for one of four layouts."""
    rows = {
        0: ((0.04, 0.22), (0.44, 0.80), (0.23, 0.37), (0.37, 0.45), (0.91, 0.97)),
        1: ((0.05, 0.20), (0.22, 0.58), (0.60, 0.76), (0.78, 0.88), (0.92, 0.98)),
        2: ((0.66, 0.84), (0.06, 0.46), (0.48, 0.62), (0.86, 0.94), (0.95, 0.99)),
        3: ((0.12, 0.30), (0.50, 0.90), (0.33, 0.47), (0.00, 0.09), (0.92, 0.98)),
    }[layout]
    margin = 0.07 * w
    boxes = [(margin, top * h, w - margin, bottom * h) for top, bottom in rows]
    boxes[3] = (0 if layout != 0 else w * 0.15, boxes[3][1], w if layout != 0 else w * 0.85, boxes[3][3])
    return boxes[0], boxes[1], boxes[2], boxes[3], boxes[4]


def _background(design: Design, w: int, h: int) -> Image.Image:
    low = _mix(design.main, (0, 0, 0), 0.18)
    ramp = Image.linear_gradient("L").resize((w, h))
    canvas = Image.composite(Image.new("RGB", (w, h), low), Image.new("RGB", (w, h), design.main), ramp)
    draw = ImageDraw.Draw(canvas)
    tone = _mix(design.main, design.second, 0.55)
    match design.pattern:
        case 1:
            draw.polygon([(0, h * 0.55), (w, h * 0.4), (w, h), (0, h)], fill=tone)
        case 2:
            for i in range(-1, 8):
                x = i * w / 4
                draw.polygon(
                    [(x, 0), (x + w / 8, 0), (x - w / 8, h), (x - w / 4, h)], fill=_mix(design.main, tone, 0.5)
                )
        case 3:
            draw.ellipse((-w * 0.3, h * 0.35, w * 1.3, h * 1.3), fill=tone)
        case 4:
            draw.rectangle((0, 0, w, h * 0.3), fill=tone)
        case 5:
            radius = max(1.0, w * 0.03)
            for i in range(6):
                for j in range(int(6 * h / w) + 1):
                    x, y = (i + 0.5 * (j % 2)) * w / 5.5, j * w / 5.5
                    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_mix(design.main, tone, 0.6))
        case 6:
            draw.rectangle((w * 0.04, h * 0.025, w * 0.96, h * 0.975), outline=tone, width=max(1, w // 40))
    return canvas


def _draw_logo(draw: ImageDraw.ImageDraw, design: Design, box: Box) -> None:
    x0, y0, x1, y1 = box
    colour = design.logo_colour
    ink = (255, 255, 255) if _luminance(colour) < 0.6 else (25, 25, 25)
    match design.logo_shape:
        case 0:
            draw.ellipse(box, fill=colour, outline=ink, width=max(1, int((y1 - y0) / 18)))
        case 1:
            draw.rounded_rectangle(box, (y1 - y0) / 4, fill=colour)
        case 2:
            tip = (y1 - y0) * 0.3
            middle = (y0 + y1) / 2
            draw.polygon([(x0, y0), (x1, y0), (x1 - tip, middle), (x1, y1), (x0, y1), (x0 + tip, middle)], fill=colour)
        case 3:
            draw.rectangle((x0, y1 - (y1 - y0) * 0.12, x1, y1), fill=colour)
            ink = design.ink
        case _:
            ink = design.ink
    fit_text(draw, _inset(box, 0.16), design.product.brand, design.logo_font, ink, lines=1)


def _draw_claim(draw: ImageDraw.ImageDraw, design: Design, w: int, h: int) -> None:
    radius = w * 0.15
    x, y = w * 0.80, h * (0.52 if design.layout != 2 else 0.14)
    points = []
    for i in range(24):
        r = radius * (1.0 if i % 2 else 0.86)
        points.append((x + r * math.cos(i * math.pi / 12), y + r * math.sin(i * math.pi / 12)))
    draw.polygon(points, fill=(250, 215, 40))
    fit_text(
        draw, (x - radius * 0.75, y - radius * 0.5, x + radius * 0.75, y + radius * 0.5), design.claim, 0, (170, 20, 20)
    )


def _inset(box: Box, share: float) -> Box:
    dx, dy = (box[2] - box[0]) * share, (box[3] - box[1]) * share
    return box[0] + dx, box[1] + dy, box[2] - dx, box[3] - dy


def fit_text(draw: ImageDraw.ImageDraw, box: Box, text: str, font: int, fill: Colour, lines: int = 2) -> None:
    """Write text as large as the box allows, centred, over one line or as many as `lines`."""
    words = text.split()
    best: tuple[int, list[str]] = (0, [])
    for count in range(1, min(lines, len(words)) + 1):
        for cut in range(1, len(words)) if count == 2 else [len(words)]:
            rows = [" ".join(words[:cut]), " ".join(words[cut:])] if count == 2 else [text]
            wide = max(_font(font, 100).getlength(row) for row in rows)
            size = int(min((box[2] - box[0]) / max(wide, 1) * 100, (box[3] - box[1]) / len(rows) / 1.15))
            best = max(best, (size, rows), key=lambda b: b[0])
    size, rows = best
    if size < 4:
        return
    step = (box[3] - box[1]) / len(rows)
    for i, row in enumerate(rows):
        centre = ((box[0] + box[2]) / 2, box[1] + (i + 0.5) * step)
        draw.text(centre, row, font=_font(font, size), fill=fill, anchor="mm")


def weathered(picture: Image.Image, seed: int) -> Image.Image:
    """Give a printed panel the slight unevenness of a real one, so that no area is one flat colour."""
    random = np.random.default_rng(seed)
    w, h = picture.size
    coarse = random.normal(128, 9, (max(2, h // 24), max(2, w // 24))).clip(0, 255).astype(np.uint8)
    noise = Image.fromarray(coarse).resize((w, h), Image.Resampling.BICUBIC)
    soft = ImageChops.overlay(picture, Image.merge("RGB", [noise] * 3))
    return soft.filter(ImageFilter.GaussianBlur(0.4))
