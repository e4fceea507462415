"""Printed matter that sells: cards, strips, header boards and posters, many with pictures of packs on them.

No pack on them is in any catalog or truth: a detector has to learn that a picture of a pack is no pack.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from sim.backdrop import invented_pack
from sim.lettering import FONTS, fit_text
from sim.surfaces import Colour, choose, toned

GROUNDS: tuple[Colour, ...] = (
    (214, 26, 34), (240, 200, 20), (30, 120, 60), (20, 80, 160), (240, 120, 20), (250, 250, 246), (250, 250, 246),
    (24, 24, 28), (220, 226, 230), (120, 40, 110), (250, 236, 170), (160, 208, 130),
)  # fmt: skip
WORDS = (
    "SALE", "NEW", "2 FOR 1", "-30%", "BIO", "PRICE DROP", "ONLY TODAY", "CLUB PRICE", "TOP DEAL", "LOCAL", "VEGAN",
    "BUY 3 PAY 2", "SAVE 20%", "BEST PRICE", "FRESH", "TRY ME", "NOW BACK", "LOW PRICE",
)  # fmt: skip


class Printer:
    """Prints promotions over and over with the same few packs, as one campaign does."""

    def __init__(self, random: np.random.Generator, packs: int = 4) -> None:
        self.random = random
        self.packs = [invented_pack(random, 0.3) for _ in range(packs)]

    def card(self, width: float, height: float, density: float, words: str | None = None) -> Image.Image:
        """A promotion of `width` × `height` metres: words, often a price, often a pack or more."""
        random = self.random
        w, h = max(16, round(width * density)), max(12, round(height * density))
        ground = choose(random, GROUNDS)
        ink = (250, 250, 246) if sum(ground) < 430 else choose(random, ((20, 20, 24), (200, 20, 30), (20, 60, 130)))
        picture = Image.new("RGB", (w, h), ground)
        draw = ImageDraw.Draw(picture)
        if random.random() < 0.4:
            edge = max(1, round(0.03 * min(w, h)))
            draw.rectangle((0, 0, w - 1, h - 1), outline=toned(ink, 0.9), width=edge)
        words = words or str(random.choice(WORDS))
        price = f"{random.integers(0, 20)}.{random.integers(0, 10)}9"
        font = int(random.integers(len(FONTS)))
        pictured = random.random() < 0.65
        if h >= w:
            fit_text(draw, (0.06 * w, 0.03 * h, 0.94 * w, (0.28 if pictured else 0.5) * h), words, font, ink)
            fit_text(draw, (0.1 * w, 0.78 * h, 0.9 * w, 0.97 * h), price, font, ink, lines=1)
            if pictured:
                self._packs(picture, (0.06 * w, 0.3 * h, 0.94 * w, 0.76 * h))
        else:
            fit_text(draw, (0.03 * w, 0.1 * h, (0.55 if pictured else 0.97) * w, 0.9 * h), words, font, ink)
            if pictured:
                self._packs(picture, (0.58 * w, 0.06 * h, 0.97 * w, 0.94 * h))
        return picture

    def rail_strip(self, width: float, density: float) -> Image.Image:
        """A paper strip for a price rail: one word again and again, or stripes, or plain."""
        random = self.random
        w, h = max(16, round(width * density)), 14
        ground = choose(random, GROUNDS)
        picture = Image.new("RGB", (w, h), ground)
        draw = ImageDraw.Draw(picture)
        ink = (250, 250, 246) if sum(ground) < 430 else (40, 40, 44)
        if random.random() < 0.6:
            text, step = str(random.choice(WORDS)), int(random.integers(60, 160))
            for x in range(4, w - 30, step):
                fit_text(draw, (x, 2, min(w, x + 0.7 * step), h - 2), text, 3, ink, lines=1)
        return picture

    def _packs(self, picture: Image.Image, box: tuple[float, float, float, float]) -> None:
        """One to three packs side by side, as large as the box allows."""
        x0, y0, x1, y1 = box
        count = int(self.random.integers(1, 4)) if x1 - x0 > 1.2 * (y1 - y0) else 1
        wide = (x1 - x0) / count
        for n in range(count):
            pack = self.packs[int(self.random.integers(len(self.packs)))]
            scale = min(0.94 * wide / pack.width, (y1 - y0) / pack.height)
            size = max(2, round(pack.width * scale)), max(2, round(pack.height * scale))
            middle = x0 + (n + 0.5) * wide
            picture.paste(pack.resize(size), (round(middle - size[0] / 2), round(y1 - size[1])))
