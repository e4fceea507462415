"""Crops that have not changed since they were embedded are not embedded again."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.recognize import Recognizer, clip_boxes

SAME_BOX = 0.7
"""Least overlap (IoU) of a box with the one of the frame before: a detector's boxes tremble."""
GRID = (8, 6)
"""Rows and columns of the mean colours that two crops are compared by."""
CELLS = 8
"""The cells that changed most, in any colour, whose mean change counts: a colour band or a word covers as many."""
LARGEST_CHANGE = 3.6
"""Of 255, after `exposure`. Rendered with the sensor's noise at 560 to 590 px/m: nothing but noise makes 3.0 at most
(406 crops, 2 frames each); a look-alike in another's place 4.5 at least at distance 0.12 (82 crops), 11.7 at 0.35."""
EXPOSURE_RANGE = 0.1
"""What automatic exposure and white balance may do between frames; more is a change of light, and all is read anew."""


class UnchangedCrops:
    """One camera's crops of the frame before: where they were, how they looked, and their embeddings.

    A crop keeps the box and the look that it was embedded with for as long as it is reused, so that
    slow drift adds up until it is seen.
    """

    def __init__(self, recognizer: Recognizer) -> None:
        self.recognizer = recognizer
        self._xyxy = np.empty((0, 4), np.float32)
        self._looks = np.empty((0, *GRID, 3), np.float32)
        self._embeddings = np.empty((0, 1), np.float32)

    def embed(self, image: NDArray[np.uint8], xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
        """As `Recognizer.embed`, but boxes (N, 4) in which nothing has changed are given their last embedding."""
        old = self._same_place(xyxy)
        again = np.flatnonzero(old >= 0)
        # What stands at the old box now: the detector's trembling is not taken for a change.
        before, now = self._looks[old[again]], looks(image, self._xyxy[old[again]])
        gain = exposure(before, now)
        again = again[change(before, now / gain) <= LARGEST_CHANGE]
        fresh = np.setdiff1d(np.arange(len(xyxy)), again)
        made = self.recognizer.embed(image, xyxy[fresh])
        kept, source = xyxy.copy(), old[again]
        embeddings = np.empty((len(xyxy), max(made.shape[1], self._embeddings.shape[1])), np.float32)
        embeddings[fresh] = made if len(fresh) else 0
        embeddings[again], kept[again] = self._embeddings[source], self._xyxy[source]
        seen = np.empty((len(xyxy), *GRID, 3), np.float32)
        seen[again], seen[fresh] = self._looks[source], looks(image, xyxy[fresh]) / gain
        self._xyxy, self._looks, self._embeddings = kept, seen, embeddings
        return embeddings

    def _same_place(self, xyxy: NDArray[np.float32]) -> NDArray[np.int64]:
        """For every box (N,) the one of the frame before that it overlaps most, -1 where that is too little."""
        if not len(xyxy) or not len(self._xyxy):
            return np.full(len(xyxy), -1, np.int64)
        a, b = xyxy[:, None], self._xyxy[None]
        size = np.maximum(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0)
        shared = size[..., 0] * size[..., 1]
        overlap = shared / np.maximum(_area(xyxy)[:, None] + _area(self._xyxy)[None] - shared, 1e-6)
        best = overlap.argmax(axis=1)
        return np.where(overlap[np.arange(len(xyxy)), best] >= SAME_BOX, best, -1)


def looks(image: NDArray[np.uint8], xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean colours (N, rows, columns, 3) of boxes (N, 4) of an image (H, W, 3) uint8."""
    rows, columns = GRID
    found = np.empty((len(xyxy), rows, columns, 3), np.float32)
    for out, (x0, y0, x1, y1) in zip(found, clip_boxes(xyxy, image)):
        out[:] = cv2.resize(image[y0:y1, x0:x1], (columns, rows), interpolation=cv2.INTER_AREA)
    return found


def exposure(before: NDArray[np.float32], now: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much brighter each colour (3,) of the picture has become, by the median crop of looks (N, …, 3); 1 where
    that is more than a camera's own doing."""
    if not len(now):
        return np.ones(3, np.float32)
    gain = np.median((now.mean(axis=(1, 2)) + 1) / (before.mean(axis=(1, 2)) + 1), axis=0)
    return np.where(np.abs(gain - 1).max() <= EXPOSURE_RANGE, gain, 1).astype(np.float32)


def change(before: NDArray[np.float32], now: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much each crop's look (N, rows, columns, 3) has changed: the mean of its `CELLS` largest differences."""
    return np.sort(np.abs(now - before).reshape(len(now), GRID[0] * GRID[1] * 3), axis=1)[:, -CELLS:].mean(axis=1)


def _area(xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
    return (xyxy[:, 2] - xyxy[:, 0]) * (xyxy[:, 3] - xyxy[:, 1])
