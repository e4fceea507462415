"""Stacks: whether a pack stands on another where nothing was found of it, as the detector often puts one box around
both."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scenarios import Layout
from vision.behind import best_fit
from vision.judge import judge
from vision.readings import PRODUCT, Detections, PlaceState
from vision.view import View

Floats = NDArray[np.float64]

FEATURES = ("nearer", "step", "certainty", "another")
ON_TOP = 0.4
"""How often a pack stands there when nothing is known of it: on 0.41 of 537 such places in training stores, on 0.29 of
82 in others."""
SURE = 0.6
"""What is less likely, to be there or not to be, is not told."""
NOTHING = 0.8
"""How sure it is that nothing stands there where no box speaks for it, times the certainty of what is below."""


def infer_tops(
    layout: Layout,
    view: View,
    detections: Detections,
    match: NDArray[np.int64],
    free: NDArray[np.bool_],
    state: NDArray[np.int8],
    sku: NDArray[np.object_],
    confidence: NDArray[np.float32],
) -> None:
    """Say what is on top of stacks where nothing was found, in `state`, `sku` and `confidence` (P,) of the places.

    Nothing stands on an empty place, seen or not. On a pack that was seen nothing stands, unless a person may be before
    it (`free` (P,) tells where none is), or the box that `match` (P,) found for it may be one around both.
    """
    level, around = layout.places.level, match.copy()
    for height in range(1, int(level.max(initial=0)) + 1):
        place = np.flatnonzero((level == height) & (state == PlaceState.UNSEEN))
        below, bare = place - 1, view.visible[place] & free[place]
        boxed = bare & (state[below] == PlaceState.OWN) & (around[below] >= 0)
        nothing = (state[below] == PlaceState.EMPTY) | (bare & ~boxed & (state[below] != PlaceState.UNSEEN))
        state[place[nothing]] = PlaceState.EMPTY
        confidence[place[nothing]] = confidence[below[nothing]] * NOTHING
        place, below = place[boxed], below[boxed]
        chance = judge("stacked", FEATURES).chance(measure(view, detections, around, place), ON_TOP)
        stands, alone = chance >= SURE, chance <= 1 - SURE
        state[place[stands]], state[place[alone]] = PlaceState.OWN, PlaceState.EMPTY
        sku[place[stands]], around[place[stands]] = sku[below[stands]], around[below[stands]]
        confidence[place] = confidence[below] * np.select([stands, alone], [chance, 1 - chance])


def measure(view: View, detections: Detections, around: NDArray[np.int64], place: NDArray[np.int64]) -> Floats:
    """What tells whether a pack stands at places (N,) that are not on the board, (N, 4), by the box that was found
    `around` (P,) the place below each: how much nearer its upper edge is to where that of this place is expected than
    to that of the place below, how far these are apart, both in heights of the place below, how certain the box is, and
    how well another box, around no place, fits this one."""
    box, certainty, found = detections.xyxy.astype(float), detections.confidence, around[place - 1]
    spare = np.setdiff1d(np.flatnonzero(detections.class_id == PRODUCT), around)
    lower, upper = view.box[place - 1], view.box[place]
    height = np.maximum(lower[:, 3] - lower[:, 1], 1.0)
    step, rise = (lower[:, 1] - upper[:, 1]) / height, (lower[:, 1] - box[found, 1]) / height
    nearer = np.abs(rise) - np.abs(rise - step)
    return np.stack([nearer, step, certainty[found], best_fit(upper, box[spare], certainty[spare])], axis=-1)
