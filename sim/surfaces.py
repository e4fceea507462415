"""What furniture and building are made of, painted: sheet steel, wire, wood, frost, tiles and signs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sim.packaging import fit_text

Colour = tuple[int, int, int]


def picture_of(values: NDArray[np.float64]) -> Image.Image:
    """An (H, W, 3) array of any numbers as a picture."""
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def swatch(colour: Colour) -> Image.Image:
    return Image.new("RGB", (4, 4), colour)


def toned(colour: Colour, factor: float) -> Colour:
    r, g, b = (min(255, int(v * factor)) for v in colour)
    return r, g, b


def choose(random: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    return colours[int(random.integers(len(colours)))]


def faded(colour: Colour, top: float, bottom: float, size: tuple[int, int] = (8, 64)) -> Image.Image:
    """A colour that goes from `top` times itself to `bottom` times, as light falls off into a shelf."""
    rows = np.linspace(top, bottom, size[1])[:, None, None] * np.array(colour, float)
    return picture_of(np.broadcast_to(rows, (size[1], size[0], 3)))


def holed(
    colour: Colour, width: float, shadows: list[tuple[float, float]], height: float, pitch: float, density: float = 260
) -> Image.Image:
    """A perforated sheet, `width` × `height` metres, a hole every `pitch` metres; it darkens towards the upper end
    of every (z0, z1) of `shadows`, where a board is above it."""
    w, h = max(8, round(width * density)), max(8, round(height * density))
    x, z = np.meshgrid((np.arange(w) + 0.5) / density, height - (np.arange(h) + 0.5) / density)
    light = np.ones((h, w))
    for z0, z1 in shadows:
        inside = (z >= z0) & (z < z1)
        light[inside] = 0.96 - 0.34 * np.clip((z[inside] - z0) / max(z1 - z0, 1e-6), 0, 1) ** 2
    hole = (np.mod(x, pitch) < 0.008) & (np.mod(z, pitch) < 0.008)
    light[hole] *= 0.42
    return picture_of(light[..., None] * np.array(colour, float))


def slotted(colour: Colour, height: float, density: float = 260) -> Image.Image:
    """An upright with its double row of slots."""
    h, w = max(16, round(height * density)), 16
    picture = np.broadcast_to(np.array(colour, float), (h, w, 3)).copy()
    slot = np.mod(np.arange(h) / density, 0.05) < 0.026
    for column in (4, 10):
        picture[slot, column : column + 2] *= 0.3
    return picture_of(picture)


def wires(colour: Colour, width: float, depth: float, ground: Colour, pitch: float = 0.03) -> Image.Image:
    """Bars along the depth and a few across, over what is seen between them."""
    density = 300
    w, h = max(8, round(width * density)), max(8, round(depth * density))
    x, y = np.meshgrid((np.arange(w) + 0.5) / density, (np.arange(h) + 0.5) / density)
    picture = np.broadcast_to(np.array(ground, float), (h, w, 3)).copy()
    bar = (np.mod(x, pitch) < 0.008) | (np.mod(y, 0.12) < 0.008)
    picture[bar] = colour
    return picture_of(picture)


def wood(random: np.random.Generator, size: tuple[int, int] = (160, 24)) -> Image.Image:
    """A plank of softwood: grain along its length, a few dark stains."""
    w, h = size
    grain = random.normal(0, 1, (h, 1)) + 0.5 * random.normal(0, 1, (h, w // 8)).repeat(8, axis=1)[:, :w]
    stain = random.normal(0, 5, (1, w // 16 + 1)).repeat(16, axis=1)[:, :w]
    return picture_of(np.array([186, 152, 108.0]) + (grain * 7 + stain)[..., None])


def frost(random: np.random.Generator, size: tuple[int, int] = (160, 96)) -> Image.Image:
    """White enamel with rime that thickens towards the upper edge."""
    w, h = size
    patches = Image.fromarray((255 * random.random((h // 6, w // 6))).astype(np.uint8))
    rime = np.asarray(patches.resize((w, h), Image.Resampling.BICUBIC)) / 255 * np.linspace(1, 0.25, h)[:, None]
    base = np.linspace(0.98, 0.80, h)[:, None, None] * np.array([222, 230, 236.0])
    return picture_of(base + 26 * rime[..., None] + random.normal(0, 3, (h, w, 1)))


def rail(colour: Colour, random: np.random.Generator, width: float) -> Image.Image:
    """A price rail: a lip that catches the light above, a groove below, and a paper strip on some."""
    w, _h = max(16, round(width * 200)), 12
    tone = np.array([1.12, 1.0, 0.97, 0.97, 0.97, 0.97, 0.97, 0.97, 0.97, 0.92, 0.8, 0.6])
    picture = tone[:, None, None] * np.array(colour, float) * np.ones((1, w, 1))
    if random.random() < 0.4:
        picture[2:9] = np.array([238, 236, 228.0])
    return picture_of(picture)


def sign(text: str, ground: Colour, ink: Colour, size: tuple[int, int], face: int = 3) -> Image.Image:
    """A board with a word or two."""
    w, h = size
    picture = Image.new("RGB", size, ground)
    fit_text(ImageDraw.Draw(picture), (w * 0.06, h * 0.12, w * 0.94, h * 0.88), text, face, ink, lines=1)
    return picture
