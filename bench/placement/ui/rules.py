"""Which rules cameras break that a person hangs: where they may hang, how near to one another, how many, how dear."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.placement.candidates import Candidates
from bench.placement.mounts import Mount, Mounts, Zone, mount_points
from bench.placement.store_problem import Ceiling, Costs, camera_costs
from scenarios import Store

Floats = NDArray[np.float64]

FINE = 0.25
"""Metres between the places that a rule allows, which a candidate's `spacing` only samples."""
NEAR = 0.2
"""A camera no farther off such a place hangs there, metres."""


@dataclass(frozen=True)
class Broken:
    """A rule that is broken, in words, and the ids of the cameras that break it; none where it is all of them."""

    cameras: tuple[str, ...]
    rule: str


@dataclass(frozen=True)
class Rules:
    """What cameras in a store have to keep to: `spots` are all places where one may hang (`spots_of`)."""

    store: Store
    spots: Mounts
    no_go: tuple[Zone, ...]
    apart: float
    ceiling: Ceiling
    costs: Costs
    budget: float | None


def spots_of(store: Store, mounts: Sequence[Mount], no_go: Sequence[Zone]) -> Mounts:
    """All places where a camera may hang, every `FINE` metres. Raises InputError where there is none."""
    fine = [dataclasses.replace(rule, spacing=min(rule.spacing, FINE)) for rule in mounts]
    return mount_points(store, fine, no_go)


def nearest(spots: Mounts, places: Floats) -> tuple[NDArray[np.int64], Floats]:
    """(C,) index of the spot nearest to each of places (C, 3), and (C,) how far off it is, metres."""
    off = np.linalg.norm(places[:, None] - spots.place, axis=2)
    at = off.argmin(axis=1)
    return at, off[np.arange(len(places)), at]


def hung(found: Candidates, spots: Mounts) -> Candidates:
    """The cameras of `candidates.of_rig` with the kind and the price of the mounts that they hang on, or nearest to."""
    at, _ = nearest(spots, found.mounts.place)
    return dataclasses.replace(found, mounts=Mounts(found.mounts.place, spots.kind[at], spots.cost[at]))


def broken_rules(found: Candidates, ids: Sequence[str], rules: Rules) -> list[Broken]:
    """What cameras of `hung` break, by camera first; `ids` (C,) are theirs."""
    broken = [Broken((name,), rule) for i, name in enumerate(ids) for rule in _of_one(found, i, rules)]
    away = np.linalg.norm(found.place[:, None] - found.place, axis=2)
    for i, j in zip(*(part.tolist() for part in np.nonzero(np.triu(away < rules.apart - 1e-9, 1)))):
        said = f"{away[i, j]:.2f} m apart; expected {rules.apart:g} m or more"
        broken.append(Broken((ids[i], ids[j]), said))
    broken += _overloaded(found, ids, rules.ceiling)
    most, cost = rules.costs.cameras_at_most, float(camera_costs(found, rules.costs).sum())
    if most is not None and len(ids) > most:
        broken.append(Broken((), f"{len(ids)} cameras; expected {most} at most"))
    if rules.budget is not None and cost > rules.budget + 1e-9:
        broken.append(Broken((), f"cameras, mounts and cable cost {cost:,.0f}; the budget is {rules.budget:,.0f}"))
    return broken


def _of_one(found: Candidates, i: int, rules: Rules) -> list[str]:
    place = found.place[i]
    inside = rules.store.obstacle_at((float(place[0]), float(place[1]), float(place[2])))
    if inside is not None:
        return [f"hangs in {inside}"]
    if any(zone.holds(place[None])[0] for zone in rules.no_go):
        return ["hangs in a no-go zone"]
    (at,), (off,) = nearest(rules.spots, place[None])
    if off <= NEAR:
        return []
    kind, spot = str(rules.spots.kind[at]).replace("_", " "), rules.spots.place[at]
    where = ", ".join(f"{v:.2f}" for v in spot)
    return [f"hangs on no mount: the nearest, {kind} at {where}, is {off:.2f} m off"]


def _overloaded(found: Candidates, ids: Sequence[str], ceiling: Ceiling) -> list[Broken]:
    """Squares of the ceiling that carry too much."""
    hangs = np.flatnonzero(found.kind == "ceiling")
    square = np.floor(found.place[hangs, :2] / ceiling.side).astype(int)
    most = math.floor(ceiling.load / ceiling.camera + 1e-9)
    broken = []
    for corner in np.unique(square, axis=0):
        these = hangs[(square == corner).all(axis=1)]
        if len(these) > most:
            said = f"{len(these)} in one square of {ceiling.side:g} m of the ceiling, which carries {most}"
            broken.append(Broken(tuple(ids[i] for i in these), said))
    return broken
