"""Sizes: which products are as large as a box in the picture, where the camera's calibration says how large it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, Layout

Floats = NDArray[np.float64]

ROUND = ("can", "bottle", "jar", "tub")
"""Forms whose width in the picture is that of an ellipse; of the others it is that of a box."""
SMALLEST, LARGEST = (-0.45, -0.40), (0.10, 0.15)
"""Width and height of a detector's box ÷ those expected of its product, as logarithms, that nothing is held against: 91
of 100 boxes of 3,465 in 34 pictures of 17 training stores (val and test brands, 1080p, 350 to 800 px/m). They are
smaller where a neighbour or the board above hides a part."""
WEIGHT = 0.5
"""Cosine that a product loses for each logarithm beyond that. On the same boxes it raises top-1 from one picture a
product by 0.02 to 0.03 and from three by 0.00 to 0.02; 1.0 and 2.0 gain less."""
STEP = 0.05


@dataclass(frozen=True, eq=False)
class Sizes:
    """Sizes of K products seen by one camera: `foot` (P, 2) pixels of the places, `per_metre` (P, 2, 3) pixels (across,
    down) that a metre of width, depth and height takes there; `metres` (K, 3), NaN where unknown; `round` (K,)."""

    foot: Floats
    per_metre: Floats
    metres: Floats
    round: NDArray[np.bool_]

    def misfit(self, xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
        """How far beyond what happens each product (K) is from the size of each box (N, 4): (N, K) logarithms, 0 for
        products that fit and for those whose size nobody knows.

        A box is taken to stand at the place next to its foot point, whatever is planned there.
        """
        if not len(xyxy):
            return np.zeros((0, len(self.metres)), np.float32)
        boxes = xyxy.astype(float)
        foot = np.stack([boxes[:, ::2].mean(axis=1), boxes[:, 3]], axis=1)
        place = ((self.foot[None] - foot[:, None]) ** 2).sum(axis=2).argmin(axis=1)
        beyond = np.zeros((len(boxes), len(self.metres)))
        for axis, (low, high) in enumerate(zip(SMALLEST, LARGEST)):
            width, depth, height = (self.per_metre[place, axis, i, None] * self.metres[:, i] for i in range(3))
            expected = np.where(self.round, np.hypot(width, depth), width + depth) + height
            size = np.maximum(boxes[:, axis + 2] - boxes[:, axis], 1.0)[:, None]
            ratio = np.log(size / np.maximum(expected, 1e-3))
            beyond += np.maximum(ratio - high, 0) + np.maximum(low - ratio, 0)
        return np.nan_to_num(beyond, nan=0.0).astype(np.float32)


def sizes_of(layout: Layout, camera: Camera, names: Sequence[str] | NDArray[np.str_]) -> Sizes:
    """The sizes of these SKUs, as far as the layout's catalog knows them, seen by a camera."""
    places = layout.places
    across = np.stack([np.cos(places.yaw), np.sin(places.yaw), np.zeros(len(places))], axis=1)
    inward = np.stack([-across[:, 1], across[:, 0], across[:, 2]], axis=1)
    foot = camera.project(places.base)[0]
    steps = (across, inward, np.broadcast_to((0.0, 0.0, 1.0), across.shape))
    per_metre = np.stack([np.abs(camera.project(places.base + STEP * s)[0] - foot) / STEP for s in steps], axis=2)
    products = {product.sku: product for product in layout.catalog}
    known = [products.get(str(name)) for name in names]
    metres = np.array([(p.width, p.depth, p.height) if p else (np.nan,) * 3 for p in known]).reshape(-1, 3)
    return Sizes(foot, per_metre, metres, np.array([p is not None and p.form in ROUND for p in known], np.bool_))
