"""The front of a pack: ground, picture, brand mark, name, variant, claims and net weight, laid out by its look."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw

from scenarios import Product
from sim.design import BLACK, WHITE, Look, contrast, hsv, look_of, luminance, mix, readable
from sim.illustrations import draw_illustration
from sim.lettering import PLAIN, Box, Colour, fit_text, small_print

__all__ = ["TEXEL_DENSITY", "draw_logo", "fit_text", "front_panel", "print_front"]

TEXEL_DENSITY = 900.0
"""Texels per metre of pack. Near the pixels per metre of the cameras, since the raster renderer
samples the nearest texel and a much finer texture would flicker."""
FINE = 2
"""Panels are drawn this many times larger and averaged down, so that edges and small print are smooth."""

PORTRAIT = (
    # logo, name, band, picture, middle of the claim
    ((0.1, 0.04, 0.9, 0.2), (0.08, 0.21, 0.92, 0.36), (0.14, 0.37, 0.86, 0.45), (0.04, 0.47, 0.96, 0.9), (0.82, 0.83)),
    ((0.12, 0.03, 0.88, 0.17), (0.06, 0.6, 0.94, 0.76), (0.0, 0.78, 1.0, 0.87), (0.05, 0.19, 0.95, 0.58), (0.84, 0.26)),
    ((0.18, 0.53, 0.82, 0.66), (0.07, 0.66, 0.93, 0.79), (0.0, 0.81, 1.0, 0.9), (0.0, 0.0, 1.0, 0.52), (0.83, 0.1)),
    ((0.14, 0.11, 0.86, 0.26), (0.08, 0.28, 0.92, 0.43), (0.0, 0.0, 1.0, 0.085), (0.06, 0.45, 0.94, 0.9), (0.18, 0.84)),
    ((0.06, 0.04, 0.7, 0.16), (0.06, 0.17, 0.8, 0.38), (0.06, 0.39, 0.6, 0.47), (0.1, 0.46, 1.0, 0.92), (0.84, 0.12)),
    ((0.2, 0.05, 0.8, 0.18), (0.13, 0.4, 0.87, 0.56), (0.2, 0.57, 0.8, 0.65), (0.0, 0.62, 1.0, 1.0), (0.5, 0.29)),
    ((0.08, 0.06, 0.92, 0.3), (0.08, 0.31, 0.92, 0.42), (0.0, 0.84, 1.0, 0.93), (0.12, 0.43, 0.88, 0.82), (0.83, 0.76)),
)  # fmt: skip
LANDSCAPE = (
    ((0.04, 0.06, 0.48, 0.38), (0.04, 0.38, 0.5, 0.68), (0.04, 0.7, 0.48, 0.86), (0.5, 0.04, 0.98, 0.96), (0.9, 0.18)),
    ((0.52, 0.06, 0.96, 0.36), (0.5, 0.37, 0.96, 0.68), (0.5, 0.7, 1.0, 0.86), (0.02, 0.04, 0.48, 0.96), (0.1, 0.18)),
    ((0.28, 0.04, 0.72, 0.36), (0.24, 0.38, 0.76, 0.64), (0.0, 0.66, 1.0, 0.82), (0.0, 0.05, 0.26, 0.66), (0.88, 0.34)),
)  # fmt: skip
"""Boxes as shares of the front."""


def front_panel(
    product: Product, width: float, height: float, density: float = TEXEL_DENSITY, lookalike_distance: float = 0.35
) -> Image.Image:
    """Draw the front of a pack, `width` × `height` metres, as an RGB picture."""
    return print_front(product, look_of(product, lookalike_distance), width, height, density)


def print_front(product: Product, look: Look, width: float, height: float, density: float) -> Image.Image:
    """Draw the front of a product in a given look."""
    w, h = max(12, round(width * density)) * FINE, max(12, round(height * density)) * FINE
    canvas = _ground(look, w, h)
    draw = ImageDraw.Draw(canvas)
    table = PORTRAIT if h > 0.85 * w else LANDSCAPE
    boxes = table[look.layout % len(table)]
    logo, name, band, picture = ((b[0] * w, b[1] * h, b[2] * w, b[3] * h) for b in boxes[:4])
    claim = (boxes[4][0] * w, boxes[4][1] * h)
    draw_illustration(canvas, picture, product, look)
    draw_logo(draw, product, look, logo, _colour_at(canvas, logo))
    _draw_name(draw, product, look, canvas, name)
    _draw_band(draw, look, band, w)
    _draw_foot(draw, product, look, canvas, w, h)
    if look.claim:
        _draw_badge(draw, look, claim, 0.15 * min(w, h * 0.8))
    return canvas.reduce(FINE)


def _draw_name(draw: ImageDraw.ImageDraw, product: Product, look: Look, canvas: Image.Image, box: Box) -> None:
    text = product.name.upper() if look.upper else product.name
    ground = _colour_at(canvas, box)
    outline = None
    if look.badge == 1:  # on a label of its own
        ground = look.paper
        draw.rounded_rectangle(box, (box[3] - box[1]) * 0.12, fill=ground)
    elif look.badge == 2:
        outline = mix(ground, BLACK if luminance(ground) < 0.55 else WHITE, 0.6)
    fit_text(draw, _inset(box, 0.04), text, look.text_font, readable(ground, look.second), outline=outline)


def _draw_band(draw: ImageDraw.ImageDraw, look: Look, box: Box, w: int) -> None:
    """The variant's word on a field of its accent: a bar from edge to edge, or a ribbon."""
    if box[2] - box[0] < 0.98 * w:
        draw.rounded_rectangle(box, (box[3] - box[1]) * (0.5 if look.badge % 2 else 0.1), fill=look.accent)
    else:
        draw.rectangle(box, fill=look.accent)
        line = max(1.0, (box[3] - box[1]) * 0.06)
        draw.rectangle((box[0], box[1], box[2], box[1] + line), fill=mix(look.accent, WHITE, 0.45))
    inset = (1 - look.word_size) / 2
    inner = (box[0], box[1] + (box[3] - box[1]) * inset, box[2], box[3] - (box[3] - box[1]) * inset)
    fit_text(draw, _inset(inner, 0.07), look.word, look.text_font, readable(look.accent), lines=1)


def _draw_foot(draw: ImageDraw.ImageDraw, product: Product, look: Look, canvas: Image.Image, w: int, h: int) -> None:
    row = (0.06 * w, 0.925 * h, 0.94 * w, 0.975 * h)
    ink = readable(_colour_at(canvas, row))
    fit_text(draw, (row[0], row[1], 0.52 * w, row[3]), f"NET WT {product.size}".upper(), PLAIN, ink, 1, "l")
    small_print(draw, (0.64 * w, row[1], row[2], row[3]), max(3.0, 0.012 * h), ink, look.picture)


def _colour_at(canvas: Image.Image, box: Box) -> Colour:
    """Mean colour of what is already printed in a box."""
    x0, y0, x1, y1 = (max(0, round(v)) for v in box)
    part = np.asarray(canvas.crop((x0, y0, max(x0 + 1, x1), max(y0 + 1, y1))).resize((1, 1), Image.Resampling.BOX))
    r, g, b = (int(v) for v in part[0, 0])
    return r, g, b


def _ground(look: Look, w: int, h: int) -> Image.Image:
    """The front's ground: a gradient of the main colour with the line's pattern in the second."""
    low = mix(look.main, BLACK, 0.05 if look.scheme in ("white", "pastel") else 0.2)
    ramp = Image.linear_gradient("L").resize((w, h))
    canvas = Image.composite(Image.new("RGB", (w, h), low), Image.new("RGB", (w, h), look.main), ramp)
    draw = ImageDraw.Draw(canvas)
    field, tone = look.second, mix(look.main, look.second, 0.22)
    x = np.linspace(0, w, 40)
    match look.pattern:
        case 1:  # hills
            for lift, colour in ((0.0, mix(field, look.main, 0.45)), (0.07, field)):
                y = h * (0.70 + lift + 0.05 * np.sin(x / w * 5 + look.picture % 6 + 20 * lift))
                draw.polygon([*zip(x.tolist(), y.tolist()), (w, h), (0, h)], fill=colour)
        case 2:
            draw.polygon([(0, h * 0.72), (w, h * 0.52), (w, h), (0, h)], fill=field)
            draw.polygon([(0, h * 0.70), (w, h * 0.50), (w, h * 0.52), (0, h * 0.72)], fill=look.paper)
        case 3:
            draw.ellipse((-w * 0.35, h * 0.44, w * 1.35, h * 1.5), fill=look.paper)
            draw.ellipse((-w * 0.35, h * 0.46, w * 1.35, h * 1.5), fill=field)
        case 4:
            draw.rectangle((0, 0, w, h * 0.2), fill=field)
            draw.rectangle((0, h * 0.2, w, h * 0.207), fill=look.paper)
        case 5:
            step = w / 9
            for i in range(10):
                for j in range(int(h / step) + 2):
                    cx, cy = (i + 0.5 * (j % 2)) * step, j * step
                    draw.ellipse((cx - step / 7, cy - step / 7, cx + step / 7, cy + step / 7), fill=tone)
        case 6:
            edge = w * 0.03
            draw.rectangle((edge, edge, w - edge, h - edge), outline=field, width=max(2, w // 60))
        case 7:
            far = max(w, h)
            for i in range(0, 32, 2):
                a, b = i * math.pi / 16, (i + 1) * math.pi / 16
                draw.polygon(
                    [(w / 2, h * 0.45), (w / 2 + far * math.cos(a), h * 0.45 + far * math.sin(a)),
                     (w / 2 + far * math.cos(b), h * 0.45 + far * math.sin(b))], fill=tone,
                )  # fmt: skip
    return canvas


def draw_logo(draw: ImageDraw.ImageDraw, product: Product, look: Look, box: Box, ground: Colour) -> None:
    """The brand mark, printed on a ground: the brand's name in its typeface, on its own shape."""
    x0, y0, x1, y1 = box
    # A mark is wider than high, whatever room the layout leaves.
    if (y1 - y0) > (x1 - x0) * 0.55:
        y0, y1 = (y0 + y1) / 2 - (x1 - x0) * 0.275, (y0 + y1) / 2 + (x1 - x0) * 0.275
    h, colour = y1 - y0, look.logo_colour
    if h < 6:
        return
    if contrast(colour, ground) < 0.25:  # a mark never drowns in its ground
        colour = look.paper if contrast(look.paper, ground) > 0.25 else look.second
    ink = readable(colour, WHITE if luminance(colour) < 0.6 else look.second)
    edge = max(1, int(h / 16))
    outline = None
    match look.logo_shape:
        case 0:
            draw.ellipse((x0, y0, x1, y1), fill=colour, outline=ink, width=edge)
            draw.arc((x0 - edge, y0 - edge, x1 + edge, y1 + edge), 0, 360, fill=colour, width=edge)
        case 1:
            draw.rounded_rectangle((x0, y0, x1, y1), h / 4, fill=colour)
            draw.rounded_rectangle(
                (x0 + edge, y0 + edge, x1 - edge, y1 - edge), h / 5, outline=ink, width=max(1, edge // 2)
            )
        case 2:
            tip, middle = h * 0.22, (y0 + y1) / 2
            draw.polygon([(x0, y0), (x1, y0), (x1 - tip, middle), (x1, y1), (x0, y1), (x0 + tip, middle)], fill=colour)
        case 3:
            ink = readable(ground, colour)
            draw.rounded_rectangle(
                (x0 + (x1 - x0) * 0.1, y1 - h * 0.1, x1 - (x1 - x0) * 0.1, y1 - h * 0.03), h * 0.04, fill=ink
            )
            y1 -= h * 0.08
        case 4:
            draw.polygon([(x0, y0 + h * 0.12), (x1, y0), (x1, y1 - h * 0.12), (x0, y1)], fill=colour)
        case _:
            ink, outline = readable(ground, colour), mix(ground, WHITE, 0.85)
    fit_text(draw, _inset((x0, y0, x1, y1), 0.13), product.brand, look.logo_font, ink, lines=1, outline=outline)


def _draw_badge(draw: ImageDraw.ImageDraw, look: Look, middle: tuple[float, float], radius: float) -> None:
    """A claim: a star, a roundel, a flag or a stamp."""
    x, y = middle
    colours = ((252, 214, 38), look.accent, (200, 24, 32), hsv(0.36, 0.7, 0.5))
    colour = colours[(look.badge + look.pattern) % 4]
    box = (x - radius, y - radius, x + radius, y + radius)
    match look.badge:
        case 0:
            points = []
            for i in range(36):
                r = radius * (1.0 if i % 2 else 0.88)
                points.append((x + r * math.cos(i * math.pi / 18), y + r * math.sin(i * math.pi / 18)))
            draw.polygon(points, fill=colour)
        case 1:
            draw.ellipse(box, fill=colour, outline=WHITE, width=max(1, int(radius / 10)))
        case 2:
            flag = (x - radius * 1.1, y - radius * 0.5, x + radius * 1.1, y + radius * 0.5)
            draw.rounded_rectangle(flag, radius * 0.12, fill=colour)
        case _:
            draw.ellipse(box, fill=WHITE, outline=colour, width=max(2, int(radius / 8)))
            colour = WHITE
    ink = readable(colour, mix(look.second, BLACK, 0.3) if luminance(colour) > 0.5 else WHITE)
    fit_text(draw, (x - radius * 0.76, y - radius * 0.45, x + radius * 0.76, y + radius * 0.45), look.claim, 0, ink)


def _inset(box: Box, share: float) -> Box:
    dx, dy = (box[2] - box[0]) * share, (box[3] - box[1]) * share
    return box[0] + dx, box[1] + dy, box[2] - dx, box[3] - dy
