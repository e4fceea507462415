"""Readings of places made up, or drawn as often wrong as the shipped rates say that cameras are."""

from __future__ import annotations

import numpy as np

from scenarios import Layout
from vision import Detections, PlaceReadings, PlaceState, Reading
from vision.evidence import EDGES, TRUE_IF, WORDS, Evidence
from vision.readings import Sight

NEVER = [0, 0, 0, 0, 0]
RATES = Evidence(
    1000 * np.array(
        [
            # of empty places, of those with their own pack, and with a foreign one: each called empty, own, foreign,
            # and inferred to be empty, by bins of confidence. Seen poorly:
            [[[.10, .30, .30, .05, 0], [.01, .005, .005, 0, 0], [0, .01, .02, 0, 0], [0, 0, .05, .15, 0]],
             [[.003, .004, .003, 0, 0], [.03, .05, .25, .44, .19], [0, .01, .01, 0, 0], [0, 0, .005, .005, 0]],
             [[0, .005, .005, 0, 0], [.03, .03, .03, 0, 0], [.02, .10, .20, .40, .17], [0, 0, 0, 0, 0]]],
            # clearly:
            [[[.10, .30, .50, .09, 0], [0, .003, .002, 0, 0], [0, .003, .002, 0, 0], NEVER],
             [[.001, .001, 0, 0, 0], [.01, .03, .10, .30, .557], [.0005, .0005, 0, 0, 0], NEVER],
             [NEVER, [0, .02, .02, 0, 0], [.01, .05, .10, .30, .50], NEVER]],
        ]
    ),
    lasts=15.0, ceiling=0.999, sure=0.9, sure_out=0.95,
)  # fmt: skip
"""Rates made up, for what has to follow from them."""
MIDDLES = np.convolve([0, *EDGES, 1], [0.5, 0.5], "valid")
"""A confidence in each bin."""


def words(layout: Layout, state, confidence=0.6, ppm=500.0, other="intruder") -> PlaceReadings:
    """What a camera says of every place: one state for all, or one for each."""
    state = np.broadcast_to(np.asarray(state, np.int8), len(layout.places)).copy()
    own = np.array([layout.planogram.positions[i].sku for i in layout.places.position], object)
    sku = np.where(state == PlaceState.OWN, own, np.where(state == PlaceState.FOREIGN, other, None))
    seen = state != PlaceState.UNSEEN
    return PlaceReadings(state, sku, (seen * confidence).astype(np.float32), (seen * ppm).astype(np.float32))


def reading(time: float, places: PlaceReadings | None, camera: str = "front") -> Reading:
    nothing = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))
    return Reading(camera, time, (640, 480), nothing, places)


def drawn(truth, clear: bool, random: np.random.Generator, unseen=0.0, rates=None) -> PlaceReadings:
    """What a camera says of places that truly hold `truth`, drawn from the shipped rates, or others."""
    counts = (rates or Evidence.load()).counts[int(clear)]
    truth, chosen = np.asarray(truth), np.zeros(len(truth), int)
    for i, t in enumerate(WORDS):
        rate = counts[i].ravel()
        chosen[truth == t] = random.choice(len(rate), (truth == t).sum(), p=rate / rate.sum())
    word, grade = np.divmod(chosen, len(EDGES) + 1)
    state = np.array(WORDS)[TRUE_IF[word]]
    state[random.random(len(state)) < unseen] = PlaceState.UNSEEN
    seen = state != PlaceState.UNSEEN
    sku = np.where(state == PlaceState.OWN, "own", np.where(state == PlaceState.FOREIGN, "intruder", None))
    confidence = (MIDDLES[grade] * seen).astype(np.float32)
    ppm = (seen * 500).astype(np.float32)
    sight = np.where(word == len(WORDS), Sight.INFERRED, Sight.CLEAR if clear else Sight.POOR).astype(np.int8)
    return PlaceReadings(state.astype(np.int8), sku.astype(object), confidence, ppm, sight=sight)
