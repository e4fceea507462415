"""The slight unevenness of print, card and film."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageChops, ImageFilter


def weathered(picture: Image.Image, seed: int) -> Image.Image:
    """Give a printed panel the unevenness of a real one, so that no area is one flat colour."""
    random = np.random.default_rng(seed)
    w, h = picture.size
    coarse = random.normal(128, 7, (max(2, h // 24), max(2, w // 24))).clip(0, 255).astype(np.uint8)
    noise = Image.fromarray(coarse).resize((w, h), Image.Resampling.BICUBIC)
    soft = ImageChops.overlay(picture, Image.merge("RGB", [noise] * 3))
    return soft.filter(ImageFilter.GaussianBlur(0.35))
