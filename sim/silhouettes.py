"""Silhouettes of packs in a picture, counted on the pixel grid that the renderer samples."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def silhouette_pixels(pieces: list[Floats]) -> int:
    """Count the pixels whose centre lies in the union of convex hulls of (K, 2) point sets.

    Pixels outside the frame count too, so that a cut-off unit is not wholly visible.
    """
    points = np.concatenate(pieces)
    left, top = np.floor(points.min(axis=0)).astype(int)
    right, bottom = np.ceil(points.max(axis=0)).astype(int)
    rows = np.arange(top, bottom) + 0.5
    spans = [row_spans(hull(piece), rows) for piece in pieces]
    if len(spans) == 1:
        first, last = spans[0]
        return int(np.maximum(last - first, 0).sum())
    columns = np.arange(left, right + 1)
    covered = np.zeros((len(rows), len(columns)), bool)
    for first, last in spans:
        covered |= (columns >= first[:, None]) & (columns < last[:, None])
    return int(covered.sum())


def polygon_pixels(polygon: Floats, width: int, height: int) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Rows and columns of the pixel centres inside a convex polygon (K, 2) and inside the frame, and
    the number of pixels that the whole polygon has."""
    top, bottom = math.floor(polygon[:, 1].min()), math.ceil(polygon[:, 1].max())
    rows = np.arange(top, bottom)
    first, last = row_spans(polygon, rows + 0.5)
    total = int(np.maximum(last - first, 0).sum())
    inside = (rows >= 0) & (rows < height)
    rows, first, last = rows[inside], np.clip(first[inside], 0, width), np.clip(last[inside], 0, width)
    counts = np.maximum(last - first, 0)
    y = np.repeat(rows, counts)
    x = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
    return y, x, total


def hull(points: Floats) -> Floats:
    """Return the convex hull (K, 2) of points (N, 2)."""
    return cv2.convexHull(points.astype(np.float32))[:, 0].astype(np.float64)


def row_spans(polygon: Floats, rows: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each row (centre y) the first column inside a convex polygon and the one after the last."""
    a, b = polygon, np.roll(polygon, -1, axis=0)
    rise = b[:, 1] - a[:, 1]
    crosses = (np.minimum(a[:, 1], b[:, 1]) <= rows[:, None]) & (rows[:, None] < np.maximum(a[:, 1], b[:, 1]))
    with np.errstate(divide="ignore", invalid="ignore"):
        x = a[:, 0] + (rows[:, None] - a[:, 1]) * ((b[:, 0] - a[:, 0]) / rise)
    low = np.where(crosses, x, np.inf).min(axis=1)
    high = np.where(crosses, x, -np.inf).max(axis=1)
    empty = ~np.isfinite(low)
    first = np.ceil(np.where(empty, 0, low) - 0.5).astype(np.int64)
    last = np.ceil(np.where(empty, 0, high) - 0.5).astype(np.int64)
    return first, last
