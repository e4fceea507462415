"""Small things with light on them that pictures on packs are put together from: fruit, leaves, flakes, drops.

A sprite is an RGBA picture of `SIZE` pixels, lit from above left as a food photograph is.
"""

from __future__ import annotations

import colorsys
import zlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float64]
SIZE = 72
NATURAL = (0.99, 0.01, 0.04, 0.08, 0.12, 0.22, 0.28, 0.95, 0.8)
"""Hues of fruit."""
_Y, _X = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j] * 1.04
_R, _A = np.hypot(_X, _Y), np.arctan2(_Y, _X)


@lru_cache(maxsize=512)
def sprite(kind: str, step: int) -> Image.Image:
    """A sprite of one kind; `step` (0 to 23) is its hue where its kind does not fix one, and its shape."""
    random = np.random.default_rng(zlib.crc32(f"{kind}{step}".encode()))
    height, inside, colour, gloss = DRAWN[kind](random, step / 24)
    return _lit(height, inside, colour, gloss)


def _lit(height: Floats, inside: Floats, colour: Floats, gloss: float) -> Image.Image:
    """Light a height field; `inside` > 0 is the thing, with a soft edge of a pixel."""
    dy, dx = np.gradient(height, 2.08 / SIZE)
    scale = 1 / np.sqrt(1 + dx**2 + dy**2)
    lamp = (-0.45, -0.6, 0.66)
    diffuse = np.clip((-dx * lamp[0] - dy * lamp[1] + lamp[2]) * scale, 0, 1)
    shine = np.clip((-dx * -0.27 - dy * -0.36 + 0.89) * scale, 0, 1) ** 40 * gloss
    picture = colour * (0.38 + 0.75 * diffuse)[..., None] + shine[..., None]
    alpha = np.clip(inside * SIZE / 2.5, 0, 1)
    return Image.fromarray((np.dstack([picture, alpha]).clip(0, 1) * 255).astype(np.uint8), "RGBA")


def _hsv(h: float, s: float, v: float) -> Floats:
    return np.array(colorsys.hsv_to_rgb(h % 1, s, v))


def _tint(a: Floats, b: Floats, share: Floats) -> Floats:
    share = np.clip(share, 0, 1)[..., None]
    return a * (1 - share) + b * share


def _noise(random: np.random.Generator, cells: int) -> Floats:
    small = Image.fromarray(random.random((cells, cells)).astype(np.float32))
    return np.asarray(small.resize((SIZE, SIZE), Image.Resampling.BICUBIC), float)


def _dome(radius: Floats) -> Floats:
    return np.sqrt(np.clip(1 - radius**2, 0, None))


Drawn = tuple[Floats, Floats, Floats, float]


def _fruit(random: np.random.Generator, hue: float) -> Drawn:
    """An apple, plum, cherry or tomato: a ball with a dimple, flecked, of two tones."""
    r = _R * (1 + 0.04 * np.cos(5 * _A + random.random() * 6))
    dimple = 0.35 * np.exp(-((_X / 0.22) ** 2 + ((_Y + 0.72) / 0.16) ** 2))
    hue = NATURAL[int(hue * len(NATURAL))]
    base, blush = _hsv(hue, 0.85, 0.85), _hsv(hue + random.uniform(-0.05, 0.05), 0.75, 0.95)
    colour = _tint(base, blush, _noise(random, 5) * 1.2 - 0.2)
    stem = (np.abs(_X - 0.08 * (_Y + 0.7)) < 0.035) & (_Y < -0.62)
    colour[stem] = (0.3, 0.2, 0.1)
    return _dome(r) - dimple, 0.97 - r, colour, 0.75


def _citrus(random: np.random.Generator, hue: float) -> Drawn:
    """A halved citrus fruit: peel, pith and segments."""
    hue = 0.05 + 0.16 * hue
    segments = np.abs(np.sin(_A * 4.5 + random.random()))
    flesh, pith, peel = _hsv(hue, 0.85, 0.95), _hsv(hue, 0.12, 1.0), _hsv(hue, 0.95, 0.9)
    wall = (segments < 0.12 / np.clip(_R, 0.1, 1)) | (_R > 0.82) | (_R < 0.07)
    colour = _tint(flesh, _hsv(hue, 0.6, 1.0), _noise(random, 16))
    colour[wall] = pith
    colour[_R > 0.89] = peel
    return 0.08 * _noise(random, 14) * (_R < 0.8), 0.97 - _R, colour, 0.25


def _berry(random: np.random.Generator, hue: float) -> Drawn:
    """A strawberry with its seeds and leaf."""
    width = 0.78 * np.sqrt(np.clip((1 - _Y) / 1.7, 0, None)) * np.clip((_Y + 1.0) / 0.35, 0, 1) ** 0.5
    r = np.abs(_X) / np.clip(width, 1e-3, None)
    seeds = (np.sin(_X * 19 + np.round(_Y * 5) * 1.6) > 0.86) & (np.sin(_Y * 17) > 0.55)
    colour = _tint(_hsv(0.985, 0.95, 0.85), _hsv(0.0, 0.8, 0.95), _noise(random, 5))
    colour[seeds] = (0.95, 0.85, 0.45)
    leaf = (-0.62 + 0.16 * np.cos(9 * _X) > _Y) & (np.abs(_X) < 0.6)
    colour[leaf] = _hsv(0.3, 0.75, 0.55)
    return 0.7 * _dome(np.clip(r, 0, 1)) - 0.06 * seeds, 0.35 * (1 - r), colour, 0.5


def _leaf(random: np.random.Generator, hue: float) -> Drawn:
    half = 0.42 * (1 - np.abs(_X) ** 1.8)
    vein = np.abs(_Y) < 0.03
    ribs = np.abs(np.sin((_X * 2.2 + np.abs(_Y) * 1.6) * 7)) < 0.12
    colour = _tint(_hsv(0.24 + 0.14 * hue, 0.8, 0.5), _hsv(0.22 + 0.12 * hue, 0.7, 0.72), _noise(random, 6))
    colour[vein | ribs] *= 1.25
    return 0.25 * (half - np.abs(_Y)) + 0.05 * np.sin(_X * 4), half - np.abs(_Y), colour, 0.25


def _seed(random: np.random.Generator, hue: float) -> Drawn:
    """A nut, bean, grain or coffee bean, by its hue."""
    r = np.hypot(_X, _Y / random.uniform(0.52, 0.75))
    groove = np.abs(_Y - 0.08 * np.sin(3 * _X)) < 0.05
    tone = [(0.07, 0.65, 0.7), (0.05, 0.7, 0.33), (0.1, 0.5, 0.85), (0.02, 0.75, 0.45), (0.26, 0.6, 0.6)][
        int(hue * 24) % 5
    ]
    colour = _tint(_hsv(*tone), _hsv(tone[0], tone[1] * 0.8, min(1, tone[2] * 1.25)), _noise(random, 7))
    colour[groove] *= 0.6
    return _dome(r) * 0.75, 0.95 - r, colour, 0.3


def _flake(random: np.random.Generator, hue: float) -> Drawn:
    """A crisp, a corn flake or a chip: thin, curled and browned at the edge."""
    r = _R / (0.82 + 0.12 * np.sin(3 * _A + random.random() * 6) + 0.06 * np.sin(7 * _A + random.random() * 6))
    curl = 0.35 * np.sin(_X * 2.5 + random.random() * 6) + 0.25 * np.sin(_Y * 3.5 + random.random() * 6)
    bubbles = _noise(random, 11) * 0.16
    gold, brown = _hsv(0.12, 0.6, 1.0), _hsv(0.08, 0.7, 0.78)
    colour = _tint(gold, brown, (r - 0.6) * 2 + _noise(random, 6) * 0.8 - 0.35)
    return curl + bubbles, 0.8 * (1 - r), colour, 0.12


def _cookie(random: np.random.Generator, hue: float) -> Drawn:
    r = _R * (1 + 0.03 * np.cos(9 * _A))
    chips = np.zeros_like(r, bool)
    for x, y in random.uniform(-0.65, 0.65, (9, 2)):
        chips |= np.hypot(_X - x, _Y - y) < 0.13
    dough = (0.09, 0.55, 0.85) if hue < 0.6 else (0.06, 0.6, 0.42)
    colour = _tint(_hsv(*dough), _hsv(dough[0] - 0.02, 0.6, dough[2] * 0.75), _noise(random, 12))
    colour[chips] = _hsv(0.06, 0.6, 0.22)
    return 0.5 * _dome(r) ** 0.6 + 0.08 * _noise(random, 14) + 0.12 * chips, 0.96 - r, colour, 0.1


def _ring(random: np.random.Generator, hue: float) -> Drawn:
    """A cereal or pasta ring."""
    r = np.abs(_R - 0.62) / 0.34
    colour = _tint(_hsv(0.105, 0.55, 0.9), _hsv(0.08, 0.6, 0.75), _noise(random, 9))
    return 0.5 * _dome(np.clip(r, 0, 1)) + 0.05 * _noise(random, 15), 0.33 * (1 - r), colour, 0.15


def _noodle(random: np.random.Generator, hue: float) -> Drawn:
    """A piece of penne: a ribbed tube, cut slanting."""
    y = (_Y - 0.12 * np.sin(1.6 * _X)) / 0.34
    ribs = 0.05 * np.cos(y * 13)
    colour = _tint(_hsv(0.125, 0.5, 0.98), _hsv(0.11, 0.6, 0.88), np.abs(y) + ribs)
    end = 0.92 - np.abs(_X + 0.2 * y)
    colour[(end < 0.14) & (_X > 0)] = _hsv(0.1, 0.65, 0.6)
    return 0.34 * _dome(np.clip(np.abs(y), 0, 1)) + 0.1 * ribs, np.minimum(0.34 * (1 - np.abs(y)), end), colour, 0.3


def _drop(random: np.random.Generator, hue: float) -> Drawn:
    """A drop or bubble."""
    colour = _tint(_hsv(hue, 0.25, 1.0), _hsv(hue, 0.75, 0.8), _dome(_R) * 0.4 + (_Y + 1) * 0.3)
    return _dome(_R) * 0.9, 0.95 - _R, colour, 1.0


def _cube(random: np.random.Generator, hue: float) -> Drawn:
    """A diced piece: meat, cheese, vegetable."""
    power = (np.abs(_X) ** 4 + np.abs(_Y) ** 4) ** 0.25
    tone = [(0.05, 0.8, 0.8), (0.1, 0.35, 0.92), (0.04, 0.6, 0.5), (0.3, 0.7, 0.6), (0.13, 0.65, 0.95), (0.0, 0.8, 0.7)]
    base = _hsv(*tone[int(hue * 24) % 6])
    colour = _tint(base * 0.85, np.clip(base * 1.15, 0, 1), _noise(random, 6))
    return 0.5 * np.clip(1 - power**3, 0, None), 0.9 - power, colour, 0.35


DRAWN = {
    "fruit": _fruit, "citrus": _citrus, "berry": _berry, "leaf": _leaf, "seed": _seed, "flake": _flake,
    "cookie": _cookie, "ring": _ring, "noodle": _noodle, "drop": _drop, "cube": _cube,
}  # fmt: skip
