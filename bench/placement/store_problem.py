"""From a store, camera models and rules to a placement problem over sampled worlds."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

from bench.placement.candidates import Candidates
from bench.placement.chances import Chances, Change, chances
from bench.placement.problem import Problem
from bench.placement.visibility import Visibility, visibility
from bench.response.response import Response
from scenarios import InputError, Scenario
from scenarios.aisles import aisle_area
from scenarios.files import read_csv

Floats = NDArray[np.float64]

GROUPS = ("usual", "crowd", "lights")
"""Of worlds: as the scenario has them; with the 95th percentile of its people; with lights failing."""
CROWDED = 0.95


@dataclass(frozen=True)
class PositionWeight:
    """A row of a file of weights: what it is worth to know a position."""

    position: str
    weight: float


@dataclass(frozen=True)
class Costs:
    """In money: of cable per metre beyond `included` metres from the cabinet (metres), which the price of a camera has
    in it; of a `device`, which takes so many `streams`."""

    cabinet: tuple[float, float, float]
    cable_per_metre: float
    included: float
    cameras_at_most: int | None = None
    device: str = "device"
    device_price: float = 0.0
    streams: int = 8

    def __post_init__(self) -> None:
        if min(self.cable_per_metre, self.included, self.device_price) < 0 or (self.cameras_at_most or 1) < 1:
            raise ValueError(f"{self}; expected values >= 0, and cameras_at_most >= 1 or null")
        if self.streams < 1:
            raise ValueError(f"streams {self.streams}; expected 1 or more")


@dataclass(frozen=True)
class Ceiling:
    """A ceiling carries `load` kg in each square of `side` metres; a camera with its mount weighs `camera` kg."""

    load: float
    side: float
    camera: float

    def __post_init__(self) -> None:
        if min(self.load, self.side, self.camera) <= 0:
            raise ValueError(f"{self}; expected values > 0")


@dataclass(frozen=True, eq=False)
class StoreProblem:
    """What a placement is chosen by: `worlds` of each of `GROUPS`, what every candidate sees, and knows, in them."""

    found: Candidates
    seen: Visibility
    worlds: tuple[Scenario, ...]
    group: NDArray[np.int64]
    """(S,) index of each world's group."""
    chances: Chances
    cost: Floats
    weight: Floats
    """(J,) of the positions, adding up to 1."""

    @property
    def positions(self) -> int:
        return len(self.weight)


def draw_worlds(base: Scenario, first_seed: int, count: int, crowded: int, shoppers: int, failed: float
                ) -> tuple[list[Scenario], NDArray[np.int64]]:  # fmt: skip
    """The worlds and the groups that they belong to. Seeds count from `first_seed`; every second usual world has
    `shoppers` where the scenario has nobody, as in `shelfbench run`; lights fail in the usual worlds."""
    crowd = base.conditions.crowd
    nobody = crowd.shoppers == 0 and crowd.density == 0
    usual = [base.draw(first_seed + i, (shoppers if i % 2 else 0) if nobody else None) for i in range(count)]
    mean = shoppers if nobody else crowd.shoppers + crowd.density * aisle_area(base.layout.store)
    most = int(min(poisson.ppf(CROWDED, mean), 50))
    full = dataclasses.replace(base.conditions, crowd=dataclasses.replace(crowd, shoppers=most, density=0.0))
    rush = [dataclasses.replace(base, conditions=full).draw(first_seed + i) for i in range(crowded)]
    dim = []
    for world in usual:
        lighting = dataclasses.replace(world.conditions.lighting, failed=failed)
        dim.append(dataclasses.replace(world, conditions=dataclasses.replace(world.conditions, lighting=lighting)))
    return usual + rush + dim, np.repeat(np.arange(3), [len(usual), len(rush), len(dim)])


def store_problem(
    found: Candidates, worlds: Sequence[Scenario], group: NDArray[np.int64], responses: dict[str, Response],
    transfers: Mapping[str, Change], costs: Costs, weight: Floats, folder: Path, limit: int, workers: int,
) -> StoreProblem:  # fmt: skip
    """Look at every world from every mount, and rate what is seen; `weight` (J,) is of `position_weights`.

    Failing lights hide nothing: those worlds are looked at by the usual ones' renders.
    """
    rendered = np.flatnonzero(group != GROUPS.index("lights"))
    seen = visibility(found, [worlds[int(s)] for s in rendered], folder, limit, workers)
    usual = np.flatnonzero(group == GROUPS.index("usual"))
    seen = dataclasses.replace(seen, share=np.concatenate([seen.share, seen.share[: len(usual)]]))
    rated = chances(found, seen, worlds, responses, transfers)
    return StoreProblem(found, seen, tuple(worlds), group, rated, camera_costs(found, costs), weight)


def position_weights(base: Scenario, path: Path | None) -> Floats:
    """(J,) weights that add up to 1; all alike without a file. Raises InputError."""
    ids = [p.id for p in base.layout.planogram.positions]
    if path is None:
        return np.full(len(ids), 1 / len(ids))
    rows = {row.position: row.weight for row in read_csv(path, PositionWeight)}
    unknown = sorted(set(rows) - set(ids))
    if unknown:
        raise InputError(f"{path}: position {unknown[0]!r} is not in the planogram of {base.layout.store.name}")
    weight = np.array([rows.get(i, 0.0) for i in ids])
    if weight.min() < 0 or weight.sum() <= 0:
        raise InputError(f"{path}: expected weights >= 0, of which one is more than 0")
    return weight / weight.sum()


def camera_costs(found: Candidates, costs: Costs) -> Floats:
    """(C,) price, mount and cable of each."""
    price = np.array([model.price for model in found.models])[found.model]
    cable = costs.cable_per_metre * np.maximum(cable_metres(found, costs) - costs.included, 0)
    return np.round(price + found.mounts.cost[found.mount] + cable, 2)


def cable_metres(found: Candidates, costs: Costs) -> Floats:
    """(C,) metres from the cabinet to each; cables run along the room's axes."""
    return np.abs(found.place - costs.cabinet).sum(axis=1)


def problem_of(
    store: StoreProblem, groups: Sequence[str], budget: float, correlation: float, apart: float, lost: bool = False,
    ceiling: Ceiling | None = None, cameras_at_most: int | None = None,
) -> Problem:  # fmt: skip
    """The problem over the worlds of some groups, of which the worst counts. The budget is the first limit."""
    which = [GROUPS.index(name) for name in groups]
    kept_worlds = np.isin(store.group, which)
    number = np.cumsum(kept_worlds) - 1
    world, position = np.divmod(store.chances.cell, store.positions)
    kept = kept_worlds[world]
    cell = number[world[kept]] * store.positions + position[kept]
    start = np.concatenate([[0], np.cumsum(kept)])[store.chances.start]
    weight = np.zeros((len(which), int(kept_worlds.sum()), store.positions))
    for row, g in enumerate(which):
        weight[row, store.group[kept_worlds] == g] = store.weight / (store.group == g).sum()
    uses, limits = [store.cost], [budget]
    if cameras_at_most is not None:
        uses.append(np.ones(len(store.found)))
        limits.append(float(cameras_at_most))
    if ceiling is not None:
        hangs = store.found.kind == "ceiling"
        square = np.floor(store.found.place[:, :2] / ceiling.side).astype(int)
        for corner in np.unique(square[hangs], axis=0):
            uses.append(np.where(hangs & (square == corner).all(axis=1), ceiling.camera, 0.0))
            limits.append(ceiling.load)
    return Problem(
        start, cell.astype(np.int32), store.chances.chance[kept], weight.reshape(len(which), -1), correlation,
        np.array(uses), np.array(limits), store.found.place, apart, lost,
    )  # fmt: skip
