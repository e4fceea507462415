"""What cameras that a person hangs will know, fast: few worlds, each held as triangles, and coarse looks kept by where
cameras hang. Turning a camera, or another model, mostly needs no new look."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.economics import Assumptions, Placed, yearly_money
from bench.placement.candidates import FARTHER, GRAZING, Aims, Candidates, Views, of_rig
from bench.placement.chances import Chances, Change, chances_at, moments_of
from bench.placement.handover import Part, bill_of_materials, bill_total, devices
from bench.placement.mounts import Mounts
from bench.placement.prove import problem_of_cameras
from bench.placement.ui.depth import Triangles, depth_of, triangles_of
from bench.placement.ui.rules import Broken, Rules, broken_rules, hung
from bench.placement.visibility import LEVELS, TEXELS, Visibility
from bench.response.response import Response
from bench.response.samples import faces_of
from bench.statistics import Sample, interval, ratio
from scenarios import Camera, Rig, Scenario
from sim import World
from sim.raster import farthest
from sim.sightlines import DIRECTIONS, MODEL
from sim.truth import seen_shares

Floats = NDArray[np.float64]

LOOKS = 4000
"""So many looks are kept, each of all worlds from one point in one direction; the oldest go."""


@dataclass(frozen=True)
class Predicting:
    """What predictions rest on, beside what is seen: as in `store_problem` and `problem`."""

    aims: Aims
    responses: Mapping[str, Response]
    transfers: Mapping[str, Change]
    correlation: float
    weight: Floats
    """(J,) of the positions, adding up to 1."""


@dataclass(frozen=True, eq=False)
class Rating:
    """What cameras are worth: the share of the positions' value that is `known`, how often each position is, which
    rules are broken, what to buy, and a year's money (`economics.yearly_money`, with what is known for the share that
    is told)."""

    found: Candidates
    known: Sample
    certainty: dict[str, float]
    broken: list[Broken]
    bill: list[Part]
    money: dict[str, Any]


class Rater:
    """Rates rigs in `worlds`, all of one layout; not for two threads at once."""

    def __init__(
        self, worlds: Sequence[Scenario], predicting: Predicting, rules: Rules, assumptions: Assumptions
    ) -> None:
        self.scenarios, self.layout = list(worlds), worlds[0].layout
        self.predicting, self.rules, self.assumptions = predicting, rules, assumptions
        self._middle, self._normal, _, _ = faces_of(self.layout)
        self._looks: OrderedDict[tuple[Any, ...], NDArray[np.uint8]] = OrderedDict()
        self._moments = moments_of(self.scenarios)
        self._far = farthest(self.layout.store.room)
        self._triangles = list[Triangles]()
        with World(self.layout, TEXELS, lookalikes=self.scenarios[0].conditions.lookalikes) as world:
            for scenario in self.scenarios:
                world.set(scenario)
                self._triangles.append(triangles_of(world))

    def rate(self, rig: Rig) -> Rating:
        """What a rig, also one without cameras, is worth."""
        ids, weight = [p.id for p in self.layout.planogram.positions], self.predicting.weight
        found = hung(self._candidates(rig), self.rules.spots)
        problem = problem_of_cameras(
            found, self._chances(found), weight, len(self.scenarios), self.predicting.correlation
        )
        known = problem.known(range(len(found))).reshape(len(self.scenarios), -1)
        share = ratio(known @ weight, np.ones(len(known)))
        bill = bill_of_materials(found, range(len(found)), self.rules.costs)
        recall = interval(share, 0.0, 1.0)
        placed = Placed(bill_total(bill), len(found), devices(len(found), self.rules.costs), recall)
        sure = dict(zip(ids, known.mean(axis=0).round(4).tolist()))
        broken = broken_rules(found, [c.id for c in rig.cameras], self.rules)
        return Rating(found, share, sure, broken, bill, yearly_money(self.assumptions, self.layout, placed))

    def _candidates(self, rig: Rig) -> Candidates:
        if rig.cameras:
            return of_rig(self.layout, rig, self.predicting.aims)
        none, mounts = np.zeros(0), Mounts(np.zeros((0, 3)), np.zeros(0, object), np.zeros(0))
        views = Views(np.zeros(1, int), none.astype(int), *[none.astype(np.float32)] * 4)
        return Candidates(mounts, (), none.astype(int), np.zeros((0, 3)), none.astype(int), views)

    def _chances(self, found: Candidates) -> Chances:
        if not len(found):
            return Chances(np.zeros(1, int), np.zeros(0, np.int32), np.zeros(0, np.float32))
        share = [self._seen(found.place[i], found.views.place[found.views.of(i)]) for i in range(len(found))]
        seen = Visibility(found.views.start, found.views.place.astype(np.int64), np.concatenate(share, axis=1), 0, 0)
        return chances_at(found, seen, self._moments, self.predicting.responses, self.predicting.transfers)

    def _seen(self, point: Floats, places: NDArray[np.integer]) -> NDArray[np.uint8]:
        """(S, W) levels of some places' visible shares from a point."""
        direction = self._directions(point)
        share = np.zeros((len(self.scenarios), len(places)), np.uint8)
        for number in np.unique(direction[places]).tolist():
            these = direction[places] == number
            share[:, these] = self._look(point, number, direction)[:, places[these]]
        return share

    def _directions(self, point: Floats) -> NDArray[np.int64]:
        """(P,) in which of `DIRECTIONS` each place lies from a point."""
        return np.asarray(np.argmax((self._middle - point) @ DIRECTIONS.T, axis=1))

    def _look(self, point: Floats, number: int, direction: NDArray[np.int64]) -> NDArray[np.uint8]:
        """(S, P) levels of what is seen from a point in one direction, as `sim.sightlines` has it; kept."""
        key = (*point.round(3).tolist(), number)
        if key in self._looks:
            self._looks.move_to_end(key)
            return self._looks[key]
        towards = point - self._middle
        distance = np.linalg.norm(towards, axis=1)
        before = (towards * self._normal).sum(axis=1) >= np.cos(GRAZING) * distance
        near = distance <= FARTHER * self.predicting.aims.reach
        places = np.flatnonzero((direction == number) & before & near)
        at, ahead = point.tolist(), (point + DIRECTIONS[number]).tolist()
        camera = Camera("look", MODEL, (at[0], at[1], at[2]), (ahead[0], ahead[1], ahead[2]))
        levels = np.zeros((len(self.scenarios), len(direction)), np.uint8)
        for row, triangles in zip(levels, self._triangles):
            depth = depth_of(triangles, camera, self._far)
            row[places] = np.rint(seen_shares(self.layout.places.faces[places], camera, depth) * LEVELS)
        self._looks[key] = levels
        if len(self._looks) > LOOKS:
            self._looks.popitem(last=False)
        return levels


def as_plain(rating: Rating) -> dict[str, Any]:
    """A rating for result.json."""
    return {
        "known": dataclasses.asdict(interval(rating.known, 0.0, 1.0)), "certainty": rating.certainty,
        "broken": [dataclasses.asdict(b) for b in rating.broken],
        "bill": [dataclasses.asdict(part) for part in rating.bill], "paid": bill_total(rating.bill),
        "money": rating.money,
    }  # fmt: skip
