"""How long choosing a placement takes, and beside it what the chosen cameras are worth; both without a look at the
clock, so that the same work is done on every machine."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.gate.scenes import Scenes
from bench.placement.problem import Problem
from bench.placement.search import begin, improve
from bench.regression.conftest import NO_NETWORK, Told
from scenarios import load_scenario
from sim import World
from sim.sightlines import seen_from

CANDIDATES, CELLS, AFFORDED = 2000, 1000, 8.0


@pytest.fixture(scope="module")
def problem() -> Problem:
    """Cameras along an aisle, as many as a supermarket's, that know the cells near them, for costs around 1."""
    random = np.random.default_rng(0)
    at, spot = np.linspace(0, 1, CANDIDATES), np.linspace(0, 1, CELLS)
    near = np.exp(-(((at[:, None] - spot) / 0.06) ** 2))
    chance = 0.95 * near * random.uniform(0.5, 1, (CANDIDATES, CELLS))
    kept = chance > 0.05
    start = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    weight = random.uniform(0.5, 1.5, CELLS)
    return Problem(
        start, np.nonzero(kept)[1].astype(np.int32), chance[kept].astype(np.float32), (weight / weight.sum())[None],
        0.3, random.uniform(0.7, 1.3, (1, CANDIDATES)), np.array([AFFORDED]), np.stack([at, 0 * at, 0 * at], axis=1),
    )  # fmt: skip


def test_greedy_of_two_thousand_candidates(benchmark: BenchmarkFixture, problem: Problem, told: Told) -> None:
    chosen = benchmark.pedantic(begin, (problem,), rounds=15, warmup_rounds=1)
    told(NO_NETWORK, {"worth": round(problem.value(chosen), 4)})
    assert problem.feasible(chosen)


def test_swaps_of_two_thousand_candidates(benchmark: BenchmarkFixture, problem: Problem, told: Told) -> None:
    begun = begin(problem)
    chosen = benchmark.pedantic(improve, (problem, begun, math.inf), rounds=15, warmup_rounds=1)
    told(NO_NETWORK, {"worth": round(problem.value(chosen), 4)})
    assert problem.value(chosen) >= problem.value(begun)


def test_sightlines_from_a_point(benchmark: BenchmarkFixture, scenes: Scenes, told: Told) -> None:
    """What any camera at one mount sees of the quickstart store."""
    scenario = load_scenario("quickstart", 1)
    wanted = np.arange(len(scenario.layout.places))
    with World(scenario.layout) as world:
        work = (world, scenario, [(2.0, -1.5, 2.4)], [wanted])
        shares = benchmark.pedantic(seen_from, work, rounds=7, warmup_rounds=1)[0]
    told(NO_NETWORK, {"seen": round(float((shares >= 0.5).mean()), 4)})
    assert 0.2 < (shares >= 0.5).mean() <= 1
