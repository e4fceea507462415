"""What the best placement is compared with: what geometry alone would choose, a uniform ceiling grid, and chance; and
the strategies of the field, from which the search begins too."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from bench.placement.candidates import Candidates
from bench.placement.problem import Problem
from bench.placement.search import begin, greedy, search
from scenarios import rng

Bools = NDArray[np.bool_]

GEOMETRY_PX_PER_M = 250.0
"""What EN 62676-4 asks for to identify a person: what planners go by who know no response."""
STEEP, CLOSE = np.radians(40), 1.2
"""Overhead cameras look down by as much or more; high ones in traffic hang as close to what they look at, metres."""


def strategies(found: Candidates) -> dict[str, Bools]:
    """Which candidates (C,) belong to each strategy of the field."""
    away = found.aim - found.place
    level = np.linalg.norm(away[:, :2], axis=1)
    down = np.arctan2(-away[:, 2], level)
    ceiling = found.kind == "ceiling"
    return {
        "overhead": ceiling & (down >= STEEP),
        "angled": np.isin(found.kind, ("shelf_edge", "wall")) | (ceiling & (down < STEEP)),
        "aisle_ends": np.isin(found.kind, ("pole", "endcap")),
        "high_traffic": ceiling & (level <= CLOSE),
        "multiple": np.ones(len(found), bool),
    }


def strategy_placements(problem: Problem, found: Candidates) -> dict[str, list[int]]:
    """What greedy makes of each strategy alone; strategies without an allowed candidate are left out."""
    made = {name: greedy(problem, rating=kept.astype(float)) for name, kept in strategies(found).items()}
    return {name: chosen for name, chosen in made.items() if chosen}


def geometry_only(problem: Problem, found: Candidates, positions: NDArray[np.int64], seconds: float) -> list[int]:
    """The best placement where a position counts as known when all of its places are in the picture with enough px/m,
    whatever hides them. `positions` (P,) has the position of every place."""
    facings = np.bincount(positions)
    start, cells = [0], []
    for i in range(len(found)):
        part = found.views.of(i)
        enough = (found.views.px_per_m[part] >= GEOMETRY_PX_PER_M) & (found.views.inside[part] > 0.5)
        count = np.bincount(positions[found.views.place[part][enough]], minlength=len(facings))
        cells.append(np.flatnonzero(count == facings).astype(np.int32))
        start.append(start[-1] + len(cells[-1]))
    cell = np.concatenate(cells)
    share = problem.weight[0].reshape(-1, len(facings)).sum(axis=0)
    plain = dataclasses.replace(
        problem, start=np.array(start), cell=cell, chance=np.full(len(cell), 0.99, np.float32),
        weight=share[None] / share.sum(), correlation=0.0, lost=False,
    )  # fmt: skip
    return search(plain, seconds, begin(plain))


def ceiling_grid(problem: Problem, found: Candidates, cameras: int) -> list[int]:
    """As many ceiling cameras, spread evenly over the shelves' length, each aimed at what is nearest; fewer where the
    limits allow no more. Empty where no camera may hang from the ceiling."""
    hangs = np.flatnonzero(found.kind == "ceiling")
    while cameras > 0 and len(hangs):
        low, high = found.aim[:, 0].min(), found.aim[:, 0].max()
        chosen: list[int] = []
        for x in low + (np.arange(cameras) + 0.5) * (high - low) / cameras:
            free = hangs[problem.free(chosen)[hangs]]
            if not len(free):
                break
            off = np.abs(found.place[free, 0] - x) + np.abs(found.aim[free, 0] - x)
            length = np.linalg.norm(found.aim[free] - found.place[free], axis=1)
            chosen.append(int(free[np.lexsort((problem.uses[0][free], length, off.round(1)))[0]]))
        if len(chosen) == cameras:
            return chosen
        cameras -= 1
    return []


def random_placement(problem: Problem, seed: int) -> list[int]:
    """Candidates by lot for as long as one fits."""
    random, chosen = rng(seed, "random placement"), list[int]()
    while len(free := np.flatnonzero(problem.free(chosen))):
        chosen.append(int(random.choice(free)))
    return chosen
