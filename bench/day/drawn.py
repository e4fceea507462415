"""Drawn readings in the place of rendered ones: the same frames of the same cameras, of which what is read is drawn.

Whether a place is read is the response's to say (`bench.response`); what is then said of it, how surely, and whether it
was seen clearly are drawn together as they were counted on training stores (`vision.evidence`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.day.glances import EMPTY, FOREIGN, OWN, Luck, Views, fronts_of, hidden_at, views
from bench.day.rendered import Look
from bench.response.response import Response
from bench.response.samples import sight
from scenarios import Camera, Scenario
from scenarios.timeline import Shelves, Timeline
from vision.evidence import EDGES, TRUE_IF, WORDS, Evidence
from vision.readings import PlaceReadings, PlaceState, Sight

Floats = NDArray[np.float64]

MIDDLES = np.convolve([0.0, *EDGES, 1.0], [0.5, 0.5], "valid")
"""Of the bins of confidence."""
UNKNOWN = "unknown"
"""The name that is given to a foreign pack where there is none."""


def drawn_looks(
    scenario: Scenario, timeline: Timeline, cameras: Sequence[Camera], responses: Mapping[str, Response],
    looks: Sequence[Look],
) -> list[Look]:  # fmt: skip
    """A day's frames with drawn readings where there were rendered ones. What is read wrong of a place, or not at all,
    stays so for a camera until something else stands there."""
    eyes = {camera.id: _Eye(scenario, camera, responses) for camera in cameras}
    found = []
    for look, shelves in zip(looks, timeline.walk([look.time for look in looks])):
        if look.places is not None:
            places = eyes[look.camera].read(shelves, hidden_at(timeline, look.time))
            look = replace(look, places=places)
        found.append(look)
    return found


class _Eye:
    """One camera that sees as its responses have it."""

    def __init__(self, scenario: Scenario, camera: Camera, responses: Mapping[str, Response]) -> None:
        layout, evidence = scenario.layout, Evidence.load()
        self.views: Views = views(scenario, [camera], responses)
        self.luck = Luck(scenario.seed, f"look/{camera.id}")
        self.px_per_m = sight(layout, camera).px_per_m.astype(np.float32)
        self.owner = layout.places.position
        self.ids = np.array([p.id for p in layout.planogram.positions], object)
        self.planned = np.array([p.sku for p in layout.planogram.positions], object)[self.owner]
        self.shape = (evidence.counts.shape[0], *evidence.counts.shape[2:])
        said = evidence.counts.swapaxes(0, 1).reshape(len(WORDS), -1)
        self.said: Floats = np.cumsum(said / said.sum(axis=1, keepdims=True), axis=1)
        """(3, …) of what a place holds, the chances of whether it is seen clearly, which word is said, how surely."""

    def read(self, shelves: Shelves, hidden: set[str]) -> PlaceReadings:
        """What is read of the shelves as they stand, but for positions that somebody stands before."""
        fronts = [front for id in self.ids for front in fronts_of(shelves, id)]
        sku = np.array([name or None for _, name in fronts], object)
        content = np.where(sku == np.array(None), EMPTY, np.where(sku == self.planned, OWN, FOREIGN)).astype(np.int64)
        place = np.arange(len(fronts))
        luck = np.array([self.luck(n, unit) for n, (unit, _) in enumerate(fronts)])
        said = self.views.read[content, place] / np.maximum(1 - self.views.mistaken[content], 1e-9)
        seen = (luck[:, 0] < said) & ~np.isin(self.ids[self.owner], list(hidden))
        drawn = (luck[:, 1, None] >= self.said[content]).sum(axis=1)
        clear, word, grade = np.unravel_index(np.minimum(drawn, self.said.shape[1] - 1), self.shape)
        state = np.where(seen, np.array(WORDS)[TRUE_IF[word]], PlaceState.UNSEEN).astype(np.int8)
        foreign = np.where(content == FOREIGN, sku, np.array(UNKNOWN, object))
        named = np.where(state == PlaceState.FOREIGN, foreign, np.array(None, object))
        named = np.where(state == PlaceState.OWN, self.planned, named)
        sharpness = np.where(word == len(WORDS), Sight.INFERRED, np.where(clear == 1, Sight.CLEAR, Sight.POOR))
        return PlaceReadings(
            state, named, np.where(seen, MIDDLES[grade], 0).astype(np.float32),
            np.where(seen, self.px_per_m, 0).astype(np.float32), None, sharpness.astype(np.int8),
        )  # fmt: skip
