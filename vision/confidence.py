"""Confidence: from cosines to the chance that a product is one of the gallery's, and that it is the nearest one."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scenarios import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """Two logistic curves over (1, cosine to the nearest SKU, its lead over the next, ln of the gallery's SKUs).

    `known` gives the chance that the product is in the gallery at all, `right` that the nearest SKU is its own if it
    is. Below `least_known` a product is unknown. `network` is the checksum of the weights that they were fitted for
    (Platt scaling; `vision.training.calibration` makes them).
    """

    known: tuple[float, float, float, float]
    right: tuple[float, float, float, float]
    least_known: float
    network: str

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @staticmethod
    def of(weights: Path, network: str) -> Calibration:
        """The one that lies beside weights as NAME.json, or `UNCALIBRATED` where there is none.

        Raises InputError where it is not readable or was fitted for other weights than `network`.
        """
        path = weights.with_suffix(".json")
        if not path.is_file():
            return UNCALIBRATED
        try:
            read = json.loads(path.read_text())
            known, right = (tuple(float(v) for v in read[name]) for name in ("known", "right"))
            (a, b, c, d), (e, f, g, h) = known, right  # four each
            found = Calibration((a, b, c, d), (e, f, g, h), float(read["least_known"]), str(read["network"]))
        except (ValueError, TypeError, KeyError):
            raise InputError(f"{path}: not a calibration; expected known, right, least_known and network") from None
        if found.network != network:
            raise InputError(
                f"{path}: fitted for weights {found.network[:12]}, {weights.name} is {network[:12]}; "
                "make it again with `python -m bench.tuning.calibration`"
            )
        return found


UNCALIBRATED = Calibration((-14.0, 40.0, 0.0, 0.0), (0.0, 0.0, 20.0, 0.0), 0.5, "")
"""For a network without a calibration: known from a cosine of 0.35, and steps instead of true chances."""


def features(similarities: NDArray[np.float32]) -> Floats:
    """What the curves are over, (N, 4), of cosines (N, K) to the K SKUs of a gallery."""
    count, skus = similarities.shape
    top = np.partition(similarities, -2, axis=1)[:, -2:] if skus > 1 else np.pad(similarities, ((0, 0), (1, 0)))
    return np.stack([np.ones(count), top[:, 1], top[:, 1] - top[:, 0], np.full(count, np.log(skus))], axis=1)


def logistic(weights: tuple[float, ...], values: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(values @ np.asarray(weights), -40, 40)))
