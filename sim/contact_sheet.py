"""Contact sheets: pictures in rows with captions that a person can read, and labels drawn over a picture."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

CLASS_COLOURS = ((0, 158, 115), (230, 159, 0), (86, 180, 233), (204, 121, 167))
"""RGB of product, gap, price_tag, person: colours that the colour-blind tell apart (Okabe and Ito 2008)."""
PAPER, INK, FAINT = (250, 250, 248), (24, 24, 28), (110, 110, 116)
MARGIN = 14
CAPTION = 30
"""Height of a tile's caption in pixels."""

Picture = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Tile:
    """A picture (H, W, 3) uint8 RGB and what it shows."""

    picture: Picture
    caption: str


@dataclass(frozen=True, eq=False)
class Row:
    """Tiles side by side under a heading."""

    heading: str
    tiles: Sequence[Tile]


def contact_sheet(title: str, rows: Sequence[Row], tile_width: int) -> Image.Image:
    """Lay out rows of tiles, each `tile_width` pixels wide and as high as its picture asks."""
    columns = max(len(row.tiles) for row in rows)
    width = columns * (tile_width + MARGIN) + MARGIN
    heights = [_row_height(row, tile_width) for row in rows]
    sheet = Image.new("RGB", (width, 64 + sum(heights) + MARGIN), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, 14), title, INK, font(30, bold=True))
    top = 64
    for row, height in zip(rows, heights):
        draw.text((MARGIN, top + 6), row.heading, INK, font(24, bold=True))
        for column, tile in enumerate(row.tiles):
            picture = _scaled(tile.picture, tile_width)
            left = MARGIN + column * (tile_width + MARGIN)
            sheet.paste(picture, (left, top + 44))
            draw.text((left, top + 44 + picture.height + 3), tile.caption, FAINT, font(19))
        top += height
    return sheet


def draw_boxes(picture: Picture, boxes: Iterable[tuple[int, Sequence[float], str]], width: int = 2) -> Picture:
    """Draw labels (class, xywh box in pixels, text or "") over a copy of a picture, coloured by class."""
    image = picture.copy()
    texts = []
    for category, (x, y, w, h), text in boxes:
        a, b = (round(x), round(y)), (round(x + w) - 1, round(y + h) - 1)
        cv2.rectangle(image, a, b, CLASS_COLOURS[category], width, cv2.LINE_AA)
        if text:
            texts.append((a, text))
    if not texts:
        return image
    canvas = Image.fromarray(image)
    draw = ImageDraw.Draw(canvas)
    for (x, y), text in texts:
        place = draw.textbbox((x + 3, y + 2), text, font(12))
        draw.rectangle((place[0] - 2, place[1] - 1, place[2] + 2, place[3] + 1), (0, 0, 0))
        draw.text((x + 3, y + 2), text, (255, 255, 255), font(12))
    return np.asarray(canvas)


@cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Source Sans Pro at a size in pixels."""
    package = importlib.import_module("font_source_sans_pro")
    name = "SourceSansPro-Semibold.ttf" if bold else "SourceSansPro-Regular.ttf"
    return ImageFont.truetype(str(Path(package.__file__ or "").parent / "files" / name), size)


def _row_height(row: Row, tile_width: int) -> int:
    return 44 + max(round(t.picture.shape[0] * tile_width / t.picture.shape[1]) for t in row.tiles) + CAPTION


def _scaled(picture: Picture, width: int) -> Image.Image:
    image = Image.fromarray(picture)
    if image.width == width:
        return image
    return image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
