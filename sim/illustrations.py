"""The pictures on packs: fruit, leaves, grains, bowls, splashes and photograph-like areas."""

from __future__ import annotations

import colorsys
import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]


def draw_illustration(canvas: Image.Image, box: Box, seed: int, hue: float, ground: Colour) -> None:
    """Draw one illustration, chosen and shaped by `seed`, into `box` of the canvas (pixels)."""
    random = np.random.default_rng(seed)
    kind = KINDS[int(random.integers(len(KINDS)))]
    x0, y0, x1, y1 = (round(v) for v in box)
    if x1 - x0 < 6 or y1 - y0 < 6:
        return
    kind(canvas, (x0, y0, x1, y1), random, hue, ground)


def _colour(hue: float, saturation: float, value: float) -> Colour:
    r, g, b = colorsys.hsv_to_rgb(hue % 1, min(1, max(0, saturation)), min(1, max(0, value)))
    return round(r * 255), round(g * 255), round(b * 255)


def _shaded_ball(draw: ImageDraw.ImageDraw, x: float, y: float, r: float, hue: float, saturation: float) -> None:
    for i in range(5):
        k = i / 5
        rr = r * (1 - 0.75 * k)
        cx, cy = x - r * 0.25 * k, y - r * 0.25 * k
        draw.ellipse(
            (cx - rr, cy - rr, cx + rr, cy + rr), fill=_colour(hue, saturation * (1 - 0.45 * k), 0.55 + 0.4 * k)
        )


def _fruit(
    canvas: Image.Image, box: tuple[int, int, int, int], random: np.random.Generator, hue: float, ground: Colour
) -> None:
    draw = ImageDraw.Draw(canvas)
    w, h = box[2] - box[0], box[3] - box[1]
    r = min(w, h) * random.uniform(0.2, 0.34)
    for _ in range(int(random.integers(2, 7))):
        x, y = box[0] + random.uniform(0.25, 0.75) * w, box[1] + random.uniform(0.3, 0.7) * h
        _shaded_ball(draw, x, y, r * random.uniform(0.7, 1), hue + random.uniform(-0.03, 0.03), 0.9)
        _leaf(draw, x, y - r * 0.8, r * 0.6, random.uniform(-1, 1), 0.3)


def _leaf(draw: ImageDraw.ImageDraw, x: float, y: float, length: float, angle: float, hue: float) -> None:
    points = []
    for i in range(13):
        t = i / 12 * 2 - 1
        side = 1 if i % 2 else -1
        points.append((t, side * 0.28 * (1 - t * t)))
    outline = [(t, 0.3 * (1 - t * t)) for t in np.linspace(-1, 1, 9)] + [
        (t, -0.3 * (1 - t * t)) for t in np.linspace(1, -1, 9)
    ]
    cos, sin = math.cos(angle) * length, math.sin(angle) * length
    draw.polygon([(x + a * cos - b * sin, y + a * sin + b * cos) for a, b in outline], fill=_colour(hue, 0.75, 0.5))


def _leaves(
    canvas: Image.Image, box: tuple[int, int, int, int], random: np.random.Generator, hue: float, ground: Colour
) -> None:
    draw = ImageDraw.Draw(canvas)
    w, h = box[2] - box[0], box[3] - box[1]
    count = int(random.integers(4, 10))
    turn = random.uniform(0, math.pi)
    for i in range(count):
        angle = turn + i / count * 2 * math.pi
        x, y = (box[0] + box[2]) / 2 + 0.22 * w * math.cos(angle), (box[1] + box[3]) / 2 + 0.22 * h * math.sin(angle)
        _leaf(draw, x, y, min(w, h) * 0.3, angle, hue + 0.04 * (i % 3))


def _grains(
    canvas: Image.Image, box: tuple[int, int, int, int], random: np.random.Generator, hue: float, ground: Colour
) -> None:
    draw = ImageDraw.Draw(canvas)
    w, h = box[2] - box[0], box[3] - box[1]
    size = random.uniform(0.03, 0.08) * min(w, h) + 1
    for _ in range(int(random.integers(40, 110))):
        x, y = random.normal(0.5, 0.2) * w + box[0], random.normal(0.5, 0.2) * h + box[1]
        stretch = random.uniform(1, 1.8)
        draw.ellipse(
            (x - size * stretch, y - size, x + size * stretch, y + size),
            fill=_colour(hue * 0.15 + 0.04, random.uniform(0.4, 0.8), random.uniform(0.5, 0.95)),
        )


def _bowl(
    canvas: Image.Image, box: tuple[int, int, int, int], random: np.random.Generator, hue: float, ground: Colour
) -> None:
    draw = ImageDraw.Draw(canvas)
    w, h = box[2] - box[0], box[3] - box[1]
    x0, x1 = box[0] + w * 0.08, box[2] - w * 0.08
    rim = box[1] + h * 0.4
    draw.chord((x0, rim - h * 0.55, x1, rim + h * 0.55), 0, 180, fill=_colour(hue + 0.5, 0.5, 0.9))
    draw.ellipse((x0, rim - h * 0.18, x1, rim + h * 0.18), fill=_colour(hue + 0.5, 0.2, 0.98))
    draw.ellipse((x0 + w * 0.05, rim - h * 0.14, x1 - w * 0.05, rim + h * 0.14), fill=_colour(hue * 0.2, 0.8, 0.7))
    for _ in range(30):
        angle, radius = random.uniform(0, 2 * math.pi), math.sqrt(random.random())
        x = (x0 + x1) / 2 + radius * math.cos(angle) * w * 0.34
        y = rim + radius * math.sin(angle) * h * 0.1
        _shaded_ball(draw, x, y, max(1.5, w * 0.035), hue + random.uniform(-0.06, 0.06), 0.85)


def _splash(
    canvas: Image.Image, box: tuple[int, int, int, int], random: np.random.Generator, hue: float, ground: Colour
) -> None:
    draw = ImageDraw.Draw(canvas)
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    w, h = (box[2] - box[0]) / 2, (box[3] - box[1]) / 2
    angles = np.linspace(0, 2 * math.pi, 48, endpoint=False)
    for shrink, value in ((1.0, 0.95), (0.72, 0.75), (0.45, 0.55)):
        radius = shrink * (0.7 + 0.3 * random.random(48))
        draw.polygon(
            [(x + w * r * math.cos(a), y + h * r * math.sin(a)) for a, r in zip(angles, radius)],
            fill=_colour(hue, 0.9, value),
        )


def _sunburst(
    canvas: Image.Image, box: tuple[int, int, int, int], random: np.random.Generator, hue: float, ground: Colour
) -> None:
    draw = ImageDraw.Draw(canvas)
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    w, h = (box[2] - box[0]) / 2, (box[3] - box[1]) / 2
    rays = int(random.integers(8, 18))
    for i in range(rays):
        a, b = 2 * math.pi * i / rays, 2 * math.pi * (i + 0.5) / rays
        draw.polygon(
            [(x, y), (x + w * math.cos(a), y + h * math.sin(a)), (x + w * math.cos(b), y + h * math.sin(b))],
            fill=_colour(hue, 0.75, 0.95),
        )
    _shaded_ball(draw, x, y, min(w, h) * 0.5, hue + 0.08, 0.9)


def _photograph(
    canvas: Image.Image, box: tuple[int, int, int, int], random: np.random.Generator, hue: float, ground: Colour
) -> None:
    """A soft, many-coloured area like a food photograph."""
    w, h = box[2] - box[0], box[3] - box[1]
    layers = np.zeros((h, w, 3))
    for cells, weight in ((4, 1.0), (9, 0.7), (20, 0.45)):
        noise = random.random((cells, cells, 1)) * 0.65 + random.random((cells, cells, 3)) * 0.35
        layers += (
            weight
            * np.asarray(Image.fromarray((noise * 255).astype(np.uint8)).resize((w, h), Image.Resampling.BICUBIC))
            / 255
        )
    base = np.array(_colour(hue, 0.65, 0.85)) / 255
    picture = (layers / 2.15) ** 1.2 * 1.6 * base
    patch = Image.fromarray((picture.clip(0, 1) * 255).astype(np.uint8))
    mask = Image.new("L", (w, h), 0)
    ImageDraw.Draw(mask).rounded_rectangle((1, 1, w - 2, h - 2), min(w, h) * random.uniform(0, 0.45), fill=255)
    canvas.paste(patch, (box[0], box[1]), mask.filter(ImageFilter.GaussianBlur(1)))


def _abstract(
    canvas: Image.Image, box: tuple[int, int, int, int], random: np.random.Generator, hue: float, ground: Colour
) -> None:
    draw = ImageDraw.Draw(canvas)
    w, h = box[2] - box[0], box[3] - box[1]
    for i in range(int(random.integers(3, 7))):
        x, y = box[0] + random.random() * w, box[1] + random.random() * h
        r = random.uniform(0.1, 0.4) * min(w, h)
        colour = _colour(hue + 0.13 * i, 0.7, random.uniform(0.5, 1))
        if random.random() < 0.5:
            draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)
        else:
            draw.regular_polygon(
                (x, y, r), int(random.integers(3, 7)), rotation=float(random.uniform(0, 90)), fill=colour
            )


KINDS = (_fruit, _leaves, _grains, _bowl, _splash, _sunburst, _photograph, _photograph, _abstract)
