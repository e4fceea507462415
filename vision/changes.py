"""What of a camera's pictures has changed, beyond what its sensor's noise and its automatic exposure do.

Means of small blocks are compared, each difference in multiples of that block's own noise, and their squares are
averaged over a window (Aach, Kaup and Mester, Statistical model-based change detection in moving video, Signal
Processing 31, 1993): many small differences side by side say as much as a large one.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

BLOCK = 4
"""Pixels of a block's side: a pack's label is several blocks wide from where it can be read at all."""
WINDOW = 3
"""Blocks of a window's side."""
LARGEST_CHANGE = 8.0
"""Mean square of a window's differences, in multiples of the noise, up to which nothing is taken to have changed.
Rendered at 240 px/m with four sensors and codecs: noise alone makes 6 at most (18 pictures each), a pack that is taken
from the front 120 at least, a look-alike at distance 0.35 in its place 15 at least, at 0.12 only 3 to 5."""
PLAIN_CHANGE = 5 * LARGEST_CHANGE
"""From here on it is no noise that was taken too low, and the noise is not learned from it."""
LEAST_NOISE, MOST_NOISE = np.array([1.5, 2.0, 2.0], np.float32), 8.0
"""Of 255: the standard deviation of a block's difference between two pictures is taken to lie between these. The least,
of brightness and of both colours, is about half a step of JPEG at quality 30."""
COLOURS = np.array([[0.299, 0.587, 0.114], [-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]], np.float32)
"""Red, green and blue to brightness and two colours (ITU-R BT.601), as codecs keep them, the latter more coarsely."""
UNEVEN = 4.0
"""A block's noise is at most so many times the picture's: what always moves is not to hide a change for good."""
GROWS, SHRINKS = 0.075, 0.025
"""The shares by which a block's noise grows after a difference that only a quarter exceed, and shrinks after others."""
QUARTER, HALF = 1.1503, 0.6745
"""A quarter of normal values are more standard deviations from their mean than this, and half of them."""
GRADES = 8
"""Of contrast: until a block's own noise is known it is taken to be that of its like. Compression and demosaicing make
more of it at edges."""
PEDESTAL = 0.055 * 255
"""Added to sRGB values they are proportional to a power of the light (IEC 61966-2-1), so that a longer exposure
multiplies them all alike."""
EXPOSURE_RANGE = 0.15
"""What automatic exposure and white balance may do between pictures; more is a change of light, and all has changed."""
WHITE = 240.0
"""What is lighter may be cut off, and is then not as much brighter as the rest."""


class Changes:
    """Compares one camera's pictures with what was last read of each of their blocks."""

    def __init__(self) -> None:
        self.changed: NDArray[np.bool_] = np.ones((1, 1), bool)
        """The blocks (rows, columns) of the last picture that have changed."""
        self._size = (1, 1)
        self._read: Floats | None = None
        self._now: Floats | None = None
        self._noise: Floats | None = None

    def look(self, image: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Compare a picture (H, W, 3) uint8; the blocks (rows, columns) that have changed since they were read."""
        before, self._now, self._size = self._now, blocks_of(image), image.shape[:2]
        if self._read is None or self._read.shape != self._now.shape:
            self._read = self._noise = before = None
        gain = exposure(self._read, self._now) if self._read is not None else None
        if self._read is None or gain is None or before is None:
            self.changed = np.ones(self._now.shape[:2], bool)
            return self.changed
        white = self._now >= WHITE
        self._now = (self._now + PEDESTAL) / gain - PEDESTAL
        step = np.abs(cv2.transform(self._now - before, COLOURS))
        if self._noise is None:
            self._noise = noise_of(step, before)
        away = self._now - self._read
        away[(white & (away < 0)) | ((self._read >= WHITE) & (away > 0))] = 0
        square = np.square(cv2.transform(away, COLOURS) / self._noise).mean(axis=2)
        change = cv2.boxFilter(square, -1, (WINDOW, WINDOW))
        self.changed = change > LARGEST_CHANGE
        self._learn(step, change < PLAIN_CHANGE)
        return self.changed

    def read(self, but: NDArray[np.float32]) -> None:
        """Take note that the last picture was read, all but boxes (N, 4) of pixels, of which something older holds."""
        assert self._now is not None
        kept = np.zeros(self._now.shape[:2], bool)
        for x0, y0, x1, y1 in self._inside(but).tolist():
            kept[y0:y1, x0:x1] = True
        self._read = self._now.copy() if self._read is None else np.where(kept[..., None], self._read, self._now)

    def touched(self, xyxy: NDArray[np.float32]) -> NDArray[np.bool_]:
        """In which boxes (N, 4) of pixels something has changed: of the windows that lie within, so that what is beside
        a box does not count."""
        sums = cv2.integral(self.changed.astype(np.uint8))
        inside = self._inside(xyxy)
        narrow = np.minimum(WINDOW // 2, (inside[:, 2:] - inside[:, :2] - 1) // 2)
        x0, y0, x1, y1 = np.concatenate([inside[:, :2] + narrow, inside[:, 2:] - narrow], axis=1).T
        return sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0] > 0

    def _learn(self, step: Floats, where: NDArray[np.bool_]) -> None:
        """Follow a quantile of each block's differences between one picture and the next, a small step at a time (as
        sigma-delta background subtraction does: Manzanera and Richefeu, 2007): a large one counts no more than a
        small one."""
        assert self._noise is not None
        grown = np.where(step > QUARTER * self._noise, np.float32(1 + GROWS), np.float32(1 - SHRINKS))
        noise = np.where(where[..., None], self._noise * grown, self._noise)
        most = np.clip(UNEVEN * np.median(noise[::4, ::4], axis=(0, 1)), LEAST_NOISE, MOST_NOISE)
        self._noise = np.clip(noise, LEAST_NOISE, most.astype(np.float32))

    def _inside(self, xyxy: NDArray[np.float32]) -> NDArray[np.int64]:
        """The blocks x0, y0, x1, y1 (N, 4) whose middles lie in boxes of pixels, at least one a box."""
        rows, columns = self.changed.shape
        height, width = self._size
        inside = np.round(xyxy * np.array([columns / width, rows / height] * 2, np.float32)).astype(np.int64)
        low = np.clip(inside[:, :2], 0, (columns - 1, rows - 1))
        high = np.clip(inside[:, 2:], low + 1, (columns, rows))
        return np.concatenate([low, high], axis=1)


def blocks_of(image: NDArray[np.uint8]) -> Floats:
    """The mean colours (rows, columns, 3) of an image's (H, W, 3) blocks, 0 to 255."""
    height, width = image.shape[:2]
    size = (-(-width // BLOCK), -(-height // BLOCK))
    return np.asarray(cv2.resize(image.astype(np.float32), size, interpolation=cv2.INTER_AREA))


def exposure(before: Floats, now: Floats) -> Floats | None:
    """How much brighter each colour (3,) of a picture's blocks (rows, columns, 3) has become, by their median; None
    where that is more than a camera's own doing."""
    some = np.s_[::2, ::2]
    gain = np.median((now[some] + PEDESTAL) / (before[some] + PEDESTAL), axis=(0, 1))
    return gain.astype(np.float32) if np.abs(gain - 1).max() <= EXPOSURE_RANGE else None


def noise_of(step: Floats, blocks: Floats) -> Floats:
    """The noise (rows, columns, 3) of the first two pictures, of differences `step`: the median of blocks (rows,
    columns, 3) of like contrast, of which most have not changed."""
    around = np.ones((WINDOW, WINDOW), np.uint8)
    contrast = (cv2.dilate(blocks, around) - cv2.erode(blocks, around)).max(axis=2)
    grade = np.searchsorted(np.quantile(contrast, np.arange(1, GRADES) / GRADES), contrast)
    some = [step[grade == g] for g in range(GRADES)]
    levels = np.array([np.median(s, axis=0) if len(s) else np.zeros(3) for s in some])
    return np.clip(levels[grade] / HALF, LEAST_NOISE, MOST_NOISE).astype(np.float32)
