"""Glances: what cameras would count in front, drawn from responses (`bench.response`) instead of pictures.

A place that is read wrong, or not at all, stays so until something else stands there: a camera that looks again sees
the same. Whether a place is read is the response's to say; how often what is read is wrong was counted on training
stores (`vision.evidence`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.response.response import Response
from bench.response.samples import place_lux, sight
from scenarios import Camera, Position, Scenario, rng
from scenarios.events import Sale
from scenarios.timeline import Shelves, Timeline
from vision.evidence import TRUE_IF, WORDS, Evidence
from vision.readings import PlaceState

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STAND = 14.0
"""Seconds that a shopper stands where something is taken, the half of them before (`scenarios.shoppers`: 4 to 14)."""
BODY = 0.35
"""Metres to either side of what is taken that the shopper hides (assumed)."""
EMPTY, OWN, FOREIGN = range(3)


@dataclass(frozen=True, eq=False)
class Views:
    """What cameras make of a layout's places (P,): the chances that the content of each is `read` rightly, (3, P) for
    an empty place, an own pack and a foreign one; and of what is read, the share (3,) that is `mistaken`: taken for an
    own pack, or, where it is one, for none."""

    read: Floats
    mistaken: Floats


def views(scenario: Scenario, cameras: Sequence[Camera], responses: Mapping[str, Response]) -> Views:
    """The views of a rig: at each place that of the camera that reads it best, nothing standing between."""
    layout, lux = scenario.layout, place_lux(scenario)
    best = np.zeros((3, len(layout.places)))
    for camera in cameras:
        seen = sight(layout, camera)
        pixels, _ = camera.project(layout.places.faces.mean(axis=1))
        inside = camera.in_frame(pixels) & (seen.px_per_m > 0)
        side = max(camera.model.width, camera.model.height)
        for content, outcome in ((EMPTY, "gap"), (OWN, "count"), (FOREIGN, "count")):
            chance = responses[outcome].for_pictures(side).predict(seen.px_per_m, seen.angle, lux)
            best[content] = np.maximum(best[content], np.where(inside, chance, 0.0))
    return Views(best, mistakes(Evidence.load()))


def mistakes(evidence: Evidence) -> Floats:
    """Of the words that cameras say of empty places, own packs and foreign ones (3,), the share that takes them for an
    own pack, or an own pack for none."""
    said = evidence.counts.sum(axis=(0, 3))
    own = np.array([WORDS[k] == PlaceState.OWN for k in TRUE_IF])
    as_own = said[:, own].sum(axis=1) / said.sum(axis=1)
    return np.asarray(np.where(np.arange(3) == OWN, 1 - as_own, as_own))


@dataclass(frozen=True)
class Glance:
    """At `time`: the facings of its own SKU counted (Q,) at the places that were read (Q,) of every position."""

    time: float
    own: Ints
    seen: Ints


def glances(timeline: Timeline, views: Views, times: Sequence[float], seed: int) -> list[Glance]:
    """A glance at each moment at which the cameras are not silent."""
    layout = timeline.layout
    found, luck = [], Luck(seed, "glance")
    for time, shelves in zip(times, timeline.walk(times)):
        if timeline.silent("vision", time):
            continue
        hidden = hidden_at(timeline, time)
        own, seen = [], []
        first = 0
        for position in layout.planogram.positions:
            fronts = fronts_of(shelves, position.id)
            words = [
                _word(views, first + n, sku, position.sku, luck(first + n, unit))
                for n, (unit, sku) in enumerate(fronts)
                if position.id not in hidden
            ]
            if any(sku not in ("", position.sku) for _, sku in fronts):
                hides = _hides(shelves, position)
                words = [None if behind and word is False else word for behind, word in zip(hides, words)]
            own.append(sum(w is True for w in words))
            seen.append(sum(w is not None for w in words))
            first += len(fronts)
        found.append(Glance(time, np.array(own, np.int64), np.array(seen, np.int64)))
    return found


class Luck:
    """Two draws for each content of a place, the same whenever it is looked at; `axis` says who looks."""

    def __init__(self, seed: int, axis: str) -> None:
        self._seed, self._axis = seed, axis
        self._drawn: dict[tuple[int, int], tuple[float, float]] = {}

    def __call__(self, place: int, unit: int) -> tuple[float, float]:
        if (place, unit) not in self._drawn:
            first, second = rng(self._seed, self._axis, place, unit + 1).random(2).tolist()
            self._drawn[place, unit] = first, second
        return self._drawn[place, unit]


def fronts_of(shelves: Shelves, position: str) -> list[tuple[int, str]]:
    """Unit and SKU at each front place of a position, column by column from below; (-1, "") where none stands."""
    high = shelves.positions[position].high
    return [
        (column[level].unit, column[level].sku) if level < len(column) else (-1, "")
        for column in shelves.columns[position]
        for level in range(high)
    ]


def _hides(shelves: Shelves, position: Position) -> list[bool]:
    """Of each front place, as `fronts_of`, whether a foreign pack was put there in the course of the day before own
    ones: then it is not known what stands behind, as the memory has it (`vision.memory`)."""
    found = []
    for column in shelves.columns[position.id]:
        front, behind = column[: position.high], column[position.high :]
        own = any(slot.sku == position.sku for slot in behind)
        came = [own and slot.sku != position.sku and np.isfinite(shelves.came(slot)) for slot in front]
        found += came + [False] * (position.high - len(front))
    return found


def _word(views: Views, place: int, sku: str, planned: str, luck: tuple[float, float]) -> bool | None:
    """Whether a place is said to hold an own pack; None where nothing is said of it."""
    content = EMPTY if not sku else OWN if sku == planned else FOREIGN
    mistaken = float(views.mistaken[content])
    said = min(1.0, float(views.read[content, place]) / max(1 - mistaken, 1e-9))
    if luck[0] >= said:
        return None
    return (content == OWN) != (luck[1] < mistaken)


def hidden_at(timeline: Timeline, time: float) -> set[str]:
    """The positions before which somebody stands at a moment who takes something there."""
    near = (e for e in timeline.events if isinstance(e, Sale) and abs(e.time - time) <= STAND / 2)
    taken_from, layout = {e.position for e in near}, timeline.layout
    middle = {p.id: (p.fixture, p.x + p.wide * layout.product(p).width / 2) for p in layout.planogram.positions}
    return {
        id
        for id, (fixture, x) in middle.items()
        for other in taken_from
        if middle[other][0] == fixture and abs(middle[other][1] - x) <= BODY
    }
