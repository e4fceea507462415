"""A second look at crops whose name is in doubt: whose print, of the products most alike, is on them?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vision.confidence import Calibration
from vision.prints import CHANCE, agreement, print_of
from vision.recognize import Gallery, clip_boxes, nearest

DOUBT = 0.9
"""Chance to be named rightly below which a crop is looked at again."""
CANDIDATES = 10
"""Products that it is compared with: those most alike."""
GAIN = 0.15
"""Similarity that a product gains for each natural logarithm of the marks that agree beyond `CHANCE`. Chosen with it on
93 real photographs (Grocery Store Dataset, `train`, others than those enrolled): 0.05 to 0.2 make little difference."""


class SecondLook:
    """Looks again at one camera's crops, by a gallery with prints. A crop that has the embedding of one of the frame
    before, because nothing has changed in it, keeps what was seen then."""

    def __init__(self, gallery: Gallery, calibration: Calibration) -> None:
        self.gallery, self.calibration = gallery, calibration
        self._gains: dict[bytes, NDArray[np.float32]] = {}

    def __call__(
        self,
        image: NDArray[np.uint8],
        xyxy: NDArray[np.float32],
        embeddings: NDArray[np.float32],
        similarities: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """The similarities (N, K) of the boxes (N, 4) of an image (H, W, 3) uint8 RGB to all products, with what is
        gained by those whose print is on crops that are in doubt."""
        sku, _, chance = nearest(self.gallery, similarities, self.calibration)
        doubtful = np.flatnonzero((chance < DOUBT) | (sku == None))  # noqa: E711
        gains = {}
        for i, (x0, y0, x1, y1) in zip(doubtful, clip_boxes(xyxy[doubtful], image)):
            key = embeddings[i].tobytes()
            known = self._gains.get(key)
            gains[key] = self._gain(image[y0:y1, x0:x1], similarities[i]) if known is None else known
        self._gains = gains
        again = similarities.copy()
        for i in doubtful:
            again[i] += gains[embeddings[i].tobytes()]
        return again

    def _gain(self, crop: NDArray[np.uint8], similarities: NDArray[np.float32]) -> NDArray[np.float32]:
        here, gain = print_of(crop), np.zeros(len(similarities), np.float32)
        for k in np.argsort(-similarities, kind="stable")[:CANDIDATES]:
            agree = max((agreement(here, picture) for picture in self.gallery.prints_by_name[k]), default=0)
            gain[k] = GAIN * np.log1p(max(agree - CHANCE, 0))
        return gain
