"""Lettering on packs and tags: typefaces, words fitted into a box, and small print."""

from __future__ import annotations

import importlib
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]

FONTS = (
    ("font_lato", "Lato-Black.ttf"), ("font_fredoka_one", "FredokaOne-Regular.ttf"),
    ("font_fjallaone", "FjallaOne-Regular.ttf"), ("font_caladea", "Caladea-BoldItalic.ttf"),
    ("font_rhd", "RedHatDisplay-Black.ttf"), ("font_manrope", "Manrope-ExtraBold.ttf"),
    ("font_source_serif_pro", "SourceSerifPro-Bold.ttf"), ("font_source_sans_pro", "SourceSansPro-Black.ttf"),
    ("font_hanken_grotesk", "HankenGrotesk-Bold.otf"), ("font_amatic_sc", "AmaticSC-Bold.ttf"),
    ("font_caladea", "Caladea-Bold.ttf"), ("font_lato", "Lato-BlackItalic.ttf"),
    ("font_source_serif_pro", "SourceSerifPro-BlackIt.ttf"), ("font_rhd", "RedHatDisplay-BlackItalic.ttf"),
)  # fmt: skip
PLAIN = 7
"""The typeface of weights, tables and tags."""


@cache
def _font_path(index: int) -> str:
    package, name = FONTS[index % len(FONTS)]
    return str(Path(importlib.import_module(package).__file__ or "").parent / "files" / name)


@lru_cache(maxsize=512)
def _font(index: int, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_font_path(index), max(5, size))


@lru_cache(maxsize=8192)
def _width(index: int, text: str) -> float:
    """Width of a line in a size of 100."""
    return _font(index, 100).getlength(text)


def fit_text(
    draw: ImageDraw.ImageDraw,
    box: Box,
    text: str,
    font: int,
    fill: Colour,
    lines: int = 2,
    align: str = "m",
    outline: Colour | None = None,
) -> None:
    """Write text as large as the box allows over one line or as many as `lines`; `align` "l" or "m". Nothing is
    written where it would be smaller than 4 pixels."""
    words = text.split()
    best: tuple[int, list[str]] = (0, [])
    for count in range(1, min(lines, len(words)) + 1):
        for cut in range(1, len(words)) if count == 2 else [len(words)]:
            rows = [" ".join(words[:cut]), " ".join(words[cut:])] if count == 2 else [text]
            wide = max(_width(font, row) for row in rows)
            size = int(min((box[2] - box[0]) / max(wide, 1) * 100, (box[3] - box[1]) / len(rows) / 1.1))
            best = max(best, (size, rows), key=lambda b: b[0])
    size, rows = best
    if size < 4:
        return
    # Rows stand close together about the middle of the box, however high it is.
    step = min((box[3] - box[1]) / len(rows), size * 1.05)
    top = (box[1] + box[3]) / 2 - step * len(rows) / 2
    x = box[0] if align == "l" else (box[0] + box[2]) / 2
    stroke = 0 if outline is None else max(1, size // 14)
    for i, row in enumerate(rows):
        draw.text(
            (x, top + (i + 0.5) * step), row, font=_font(font, size), fill=fill, anchor=f"{align}m",
            stroke_width=stroke, stroke_fill=outline,
        )  # fmt: skip


def small_print(draw: ImageDraw.ImageDraw, box: Box, size: float, fill: Colour, seed: int) -> None:
    """Fill a box with rows of words too small to be read: a dash for each word, `size` pixels high."""
    random = np.random.default_rng(seed)
    y, width = box[1] + size / 2, max(1, round(size * 0.45))
    while y < box[3]:
        x = box[0]
        end = box[2] if y + size * 1.7 < box[3] else box[0] + (box[2] - box[0]) * random.uniform(0.3, 0.8)
        for word in random.uniform(1.2, 4.5, int((box[2] - box[0]) / size / 2) + 1) * size:
            if x + word > end:
                break
            draw.line((x, y, x + word, y), fill=fill, width=width)
            x += word + size * 0.6
        y += size * 1.7


def barcode(number: int, width: int, height: int) -> Image.Image:
    """An EAN-13 symbol of a number of 12 digits (its check digit is added), with the quiet zones, as an L picture.

    Codes: GS1 General Specifications 5.2.1.
    """
    digits = [int(d) for d in f"{number:012d}"]
    digits.append(-sum(d * (3 if i % 2 else 1) for i, d in enumerate(digits)) % 10)
    left = [
        "0001101", "0011001", "0010011", "0111101", "0100011", "0110001", "0101111", "0111011", "0110111", "0001011",
    ]  # fmt: skip
    parity = [
        "LLLLLL", "LLGLGG", "LLGGLG", "LLGGGL", "LGLLGG", "LGGLLG", "LGGGLL", "LGLGLG", "LGLGGL", "LGGLGL",
    ][digits[0]]  # fmt: skip
    code = "101"
    for digit, kind in zip(digits[1:7], parity):
        inverted = left[digit].translate({48: 49, 49: 48})
        code += left[digit] if kind == "L" else inverted[::-1]
    code += "01010" + "".join(left[d].translate({48: 49, 49: 48}) for d in digits[7:]) + "101"
    modules = np.array([0] * 9 + [int(m) for m in code] + [0] * 9)
    bars = Image.fromarray(np.tile((1 - modules) * 255, (1, 1)).astype(np.uint8))
    symbol = Image.new("L", (max(1, width), max(1, height)), 255)
    symbol.paste(bars.resize((symbol.width, max(1, round(height * 0.82))), Image.Resampling.BOX), (0, 0))
    return symbol
