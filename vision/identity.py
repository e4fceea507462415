"""Identity: whether the pack at a place is the planned product or another one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vision.judge import judge

Floats = NDArray[np.float64]

FEATURES = ("own", "rival", "certainty")
FOREIGN = 0.02
"""How often a pack stands in another's place when nothing is known of it: assumed, as in scenarios' `Mess`."""
LEAST_CHANCE = 0.2
"""What is likelier foreign than this is said to be: to look in vain four times is worth one pack that is found. In
tidy pictures of six training stores, judged by what was fitted to the other five, and with as few foreign packs as
there are, precision and recall from an angle are 1.00 and 0.84 at 0.5, 1.00 and 0.93 at 0.2; from overhead 1.00 and
0.74, 0.86 and 0.87."""


def features(own: Floats, rival: Floats, certainty: NDArray[np.floating]) -> Floats:
    """What tells a foreign pack from the planned one, (N, 3): the cosine of its crop to the planned SKU and to the
    most similar other one, and how certain its box is.

    Both cosines, not their difference: a crop that resembles nothing (a pack that is turned, or half hidden) is
    hardly nearer to a product that it is than to one that it is not; a foreign pack resembles its own pictures.
    """
    return np.stack([own, rival, certainty], axis=-1).astype(float)


def chance_foreign(own: Floats, rival: Floats, certainty: NDArray[np.floating]) -> Floats:
    """The probability (N,) that a pack is not the planned product."""
    return judge("foreign", FEATURES).chance(features(own, rival, certainty), FOREIGN)


def rivals(similarities: NDArray[np.float32], planned: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Of cosines (N, K) to all SKUs: that to the `planned` one (N,), the most similar other SKU, and the cosine to it.

    A planned SKU of which the gallery has no picture, -1, is taken to be as similar as the best other one.
    """
    row, known = np.arange(len(planned)), planned >= 0
    others = similarities.astype(float)
    own = others[row, planned]
    others[row[known], planned[known]] = -1.0
    rival = others.argmax(axis=1)
    likeness = others[row, rival]
    return np.where(known, own, likeness), rival, likeness
