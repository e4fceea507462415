"""What the pipeline gets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.cameras import Camera


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture: `image` (H, W, 3) uint8 RGB, the calibrated camera if it is known, time in seconds."""

    image: NDArray[np.uint8]
    camera: Camera | None = None
    time: float = 0.0

    def __post_init__(self) -> None:
        if self.image.ndim != 3 or self.image.shape[2] != 3 or self.image.dtype != np.uint8:
            raise ValueError(f"image {self.image.shape} {self.image.dtype}; expected (H, W, 3) uint8 RGB")
