"""Silhouettes in a picture, many at once, as spans of pixels on the grid that the renderer samples.

A convex outline crosses every row of pixel centres at most twice, once on its way down and once on its way
up, so that the spans of any number of outlines come from one pass over all their edges.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import cv2
import numpy as np
from numpy.typing import NDArray

from sim.meshes import Mesh

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bend = Callable[[Floats], Floats]
EDGE_PARTS = 8
"""A lens that bends straight edges is followed in this many steps for each."""


@dataclass(frozen=True, eq=False)
class Spans:
    """Pixels from column `first` up to but not `last` of a `row`, each span of one `owner`; parallel arrays."""

    owner: Ints
    row: Ints
    first: Ints
    last: Ints

    def pixels(self, owners: int) -> Ints:
        """How many pixels each of `owners` has."""
        return np.bincount(self.owner, self.last - self.first, owners).astype(np.int64)

    def boxes(self, owners: int) -> NDArray[np.float32]:
        """The xyxy boxes (owners, 4) around the pixels of each, zeros for those without any."""
        box = np.tile(np.array([1 << 40, 1 << 40, -(1 << 40), -(1 << 40)]), (owners, 1))
        for side, pick, values in zip(range(4), (np.minimum, np.minimum, np.maximum, np.maximum), self._sides):
            pick.at(box[:, side], self.owner, values)
        box[box[:, 0] > box[:, 2]] = 0
        return box.astype(np.float32)

    @property
    def _sides(self) -> tuple[Ints, Ints, Ints, Ints]:
        return self.first, self.row, self.last, self.row + 1

    def inside(self, width: int, height: int) -> Spans:
        """What lies within a frame."""
        first, last = np.maximum(self.first, 0), np.minimum(self.last, width)
        kept = (self.row >= 0) & (self.row < height) & (first < last)
        return Spans(self.owner[kept], self.row[kept], first[kept], last[kept])

    def unfold(self) -> tuple[Ints, Ints, Ints]:
        """Owner, row and column of every pixel."""
        span, offset = _steps(self.last - self.first)
        return self.owner[span], self.row[span], self.first[span] + offset

    def sums(self, weights: NDArray[np.bool_] | Ints, owners: int) -> Ints:
        """The sum of each owner's pixels, all inside the frame, in `weights` (H, W)."""
        before = np.zeros((weights.shape[0], weights.shape[1] + 1), np.int32)
        np.cumsum(weights, axis=1, out=before[:, 1:])
        counts = before[self.row, self.last] - before[self.row, self.first]
        return np.bincount(self.owner, counts, owners).astype(np.int64)


_pieces: WeakKeyDictionary[Mesh, tuple[Floats, Ints]] = WeakKeyDictionary()


def pieces_of(mesh: Mesh) -> tuple[Floats, Ints]:
    """The points (P, 3) of a mesh's convex pieces, piece by piece without doubles, and (K,) how many each has."""
    if mesh not in _pieces:
        points = [np.unique(mesh.vertices[piece].round(6), axis=0) for piece in mesh.pieces]
        _pieces[mesh] = np.concatenate(points), np.array([len(p) for p in points])
    return _pieces[mesh]


def silhouettes(points: Floats, sizes: Ints, owners: Ints, bend: Bend | None = None) -> Spans:
    """Spans of the silhouettes whose convex pieces have `sizes` (K,) of the projected points (P, 2) each and
    belong to `owners` (K,). No pixel is in two spans of one owner.

    With a lens that bends straight edges, the points are those of the pinhole's picture and `bend` takes
    pixels (…, 2) of it to those of the lens's.
    """
    points32 = points.astype(np.float32)
    ends = np.cumsum(sizes)
    hulls = [cv2.convexHull(points32[end - size : end])[:, 0] for end, size in zip(ends.tolist(), sizes.tolist())]
    if not hulls:
        return polygon_spans(np.empty((0, 2)), np.empty(0, np.int64), owners)
    lengths = np.array([len(h) for h in hulls])
    spans = polygon_spans(np.concatenate(hulls).astype(np.float64), lengths, owners, bend)
    several = np.bincount(owners) > 1
    return _united(spans, several[spans.owner])


def polygon_spans(vertices: Floats, lengths: Ints, owners: Ints, bend: Bend | None = None) -> Spans:
    """Spans of convex polygons that have `lengths` (K,) of the vertices (V, 2) each, for `owners` (K,); `bend` as
    of `silhouettes`."""
    if len(vertices) == 0:
        return Spans(*(np.empty(0, np.int64) for _ in range(4)))
    following = _following(lengths)
    if bend is None:
        return _convex_spans(vertices, following, lengths, owners)
    share = np.arange(EDGE_PARTS)[:, None] / EDGE_PARTS
    parts = vertices[:, None] * (1 - share) + vertices[following][:, None] * share
    return _bent_spans(bend(parts.reshape(-1, 2)), lengths * EDGE_PARTS, owners)


def _following(lengths: Ints) -> Ints:
    """Of every vertex the next one of its polygon."""
    following = np.arange(1, lengths.sum() + 1)
    ends = np.cumsum(lengths)
    following[ends - 1] = ends - lengths
    return following


def _crossings(a: Floats, b: Floats) -> tuple[Ints, Ints, Floats]:
    """Where edges from `a` to `b` (V, 2) cross rows of pixel centres: edge, row and x of each crossing.

    An edge crosses the rows whose centres lie from its upper end on, its lower end excluded.
    """
    top = np.ceil(np.minimum(a[:, 1], b[:, 1]) - 0.5).astype(np.int64)
    bottom = np.ceil(np.maximum(a[:, 1], b[:, 1]) - 0.5).astype(np.int64)
    edge, offset = _steps(bottom - top)
    row = top[edge] + offset
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (b[:, 0] - a[:, 0]) / (b[:, 1] - a[:, 1])
    return edge, row, a[edge, 0] + (row + 0.5 - a[edge, 1]) * slope[edge]


def _convex_spans(vertices: Floats, following: Ints, lengths: Ints, owners: Ints) -> Spans:
    """Every row is crossed once downwards and once upwards, or not at all: nothing need be sorted."""
    polygon = np.repeat(np.arange(len(lengths)), lengths)
    a, b = vertices, vertices[following]
    edge, row, x = _crossings(a, b)
    y = np.ceil(vertices[:, 1] - 0.5).astype(np.int64)
    starts = np.cumsum(lengths) - lengths
    highest = np.minimum.reduceat(y, starts)
    heights = np.maximum.reduceat(y, starts) - highest
    base = np.cumsum(heights) - heights
    slot = base[polygon[edge]] + row - highest[polygon[edge]]
    down = (b[:, 1] > a[:, 1])[edge]
    sides = np.zeros((2, int(heights.sum())))
    sides[0, slot[down]], sides[1, slot[~down]] = x[down], x[~down]
    columns = np.ceil(np.sort(sides, axis=0) - 0.5).astype(np.int64)
    which, offset = _steps(heights)
    kept = columns[0] < columns[1]
    which, offset, columns = which[kept], offset[kept], columns[:, kept]
    return Spans(owners[which], highest[which] + offset, columns[0], columns[1])


def _bent_spans(vertices: Floats, lengths: Ints, owners: Ints) -> Spans:
    """A bent outline may cross a row more than twice: its crossings, from left to right, are spans two by two."""
    polygon = np.repeat(np.arange(len(lengths)), lengths)
    edge, row, x = _crossings(vertices, vertices[_following(lengths)])
    order = np.lexsort((x, row, polygon[edge]))
    left, right = order[0::2], order[1::2]
    first, last = (np.ceil(x[side] - 0.5).astype(np.int64) for side in (left, right))
    kept = first < last
    return Spans(owners[polygon[edge[left]]][kept], row[left][kept], first[kept], last[kept])


def _united(spans: Spans, several: NDArray[np.bool_]) -> Spans:
    """Cut from the spans of owners with `several` pieces what an earlier span of the same row has already."""
    if not several.any():
        return spans
    owner, row, first, last = (v[several] for v in (spans.owner, spans.row, spans.first, spans.last))
    order = np.lexsort((first, row, owner))
    owner, row, first, last = owner[order], row[order], first[order], last[order]
    group = np.cumsum((np.diff(owner, prepend=-1) != 0) | (np.diff(row, prepend=row[0] - 1) != 0))
    far = int(max(last.max() - first.min(), 1)) + 1
    reached = np.maximum.accumulate(last - first.min() + group * far)
    before = np.concatenate([[0], reached[:-1]]) - group * far + first.min()
    first = np.maximum(first, before)
    kept = first < last
    single = ~several
    parts = zip((spans.owner, spans.row, spans.first, spans.last), (owner, row, first, last))
    return Spans(*(np.concatenate([whole[single], cut[kept]]) for whole, cut in parts))


def _steps(counts: Ints) -> tuple[Ints, Ints]:
    """For counts (2, 3): the indices 0 0 1 1 1 and the steps 0 1 0 1 2."""
    index = np.repeat(np.arange(len(counts)), counts)
    return index, np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)
