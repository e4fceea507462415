"""Placement problems: what a set is worth, the search, the bound, limits, targets, and failing together."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from bench.placement.bound import Relaxation
from bench.placement.correlation import Pairs, fit_correlation
from bench.placement.problem import Problem
from bench.placement.search import begin, greedy, search
from bench.placement.solve import cheapest, solve


def drawn(
    seed: int = 0, candidates: int = 14, cells: int = 60, budget: float = 3.0, correlation: float = 0.3
) -> Problem:
    """A random problem: cameras on a line that know the cells near them, for costs around 1."""
    random = np.random.default_rng(seed)
    at, spot = np.linspace(0, 1, candidates), np.linspace(0, 1, cells)
    chance = 0.95 * np.exp(-(((at[:, None] - spot) / 0.12) ** 2)) * random.uniform(0.5, 1, (candidates, cells))
    kept = chance > 0.05
    start = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    weight = random.uniform(0.5, 1.5, cells)
    return Problem(
        start, np.nonzero(kept)[1].astype(np.int32), chance[kept].astype(np.float32), (weight / weight.sum())[None],
        correlation, random.uniform(0.7, 1.3, (1, candidates)), np.array([budget]),
        np.stack([at, np.zeros(candidates), np.zeros(candidates)], axis=1),
    )  # fmt: skip


def sets(problem: Problem, most: int = 5) -> list[tuple[int, ...]]:
    """All sets that are allowed."""
    every = (c for k in range(most + 1) for c in itertools.combinations(range(problem.candidates), k))
    return [c for c in every if problem.feasible(c)]


def test_a_set_is_worth_what_cameras_that_fail_apart_and_together_leave() -> None:
    problem = Problem(
        np.array([0, 2, 3]), np.array([0, 1, 0], np.int32), np.array([0.5, 0.8, 0.6], np.float32),
        np.array([[0.75, 0.25]]), 0.4, np.ones((1, 2)), np.array([2.0]), np.zeros((2, 3)),
    )  # fmt: skip
    assert problem.value([0]) == pytest.approx(0.75 * 0.5 + 0.25 * 0.8)
    both = 0.6 * (1 - 0.5 * 0.4) + 0.4 * 0.6
    assert problem.value([0, 1]) == pytest.approx(0.75 * both + 0.25 * 0.8)
    assert problem.gains([0])[1] == pytest.approx(problem.value([0, 1]) - problem.value([0]))
    assert replace(problem, lost=True).value([0, 1]) == pytest.approx(0.75 * 0.6)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("lost", [False, True])
def test_the_search_finds_the_best_of_small_problems_and_the_bound_holds(seed: int, lost: bool) -> None:
    problem = replace(drawn(seed), lost=lost)
    best = max(problem.value(c) for c in sets(problem))
    answer = solve(problem, 60.0)
    assert problem.feasible(answer.chosen)
    assert answer.value == pytest.approx(problem.value(answer.chosen))
    assert answer.value == pytest.approx(best, abs=0.005)
    assert answer.bound >= best - 1e-6
    if not lost:
        assert answer.gap < 0.06


@pytest.mark.parametrize("correlation", [0.0, 0.4])
def test_no_set_is_worth_more_than_a_tangent_says_wherever_it_was_taken(correlation: float) -> None:
    random = np.random.default_rng(1)
    chance = random.uniform(0, 1, (8, 40)) * (random.random((8, 40)) < 0.8)
    chance[:, :10] = np.round(chance[:, :10], 1)  # cameras of equal chance, for which bounds are tight
    kept = chance > 0
    problem = Problem(
        np.concatenate([[0], np.cumsum(kept.sum(axis=1))]), np.nonzero(kept)[1].astype(np.int32),
        chance[kept].astype(np.float32), np.full((1, 40), 1 / 40), correlation, np.ones((1, 8)), np.array([8.0]),
        np.zeros((8, 3)),
    )  # fmt: skip
    every = [c for k in range(9) for c in itertools.combinations(range(8), k)]
    members = np.array([[i in c for i in range(8)] for c in every], float)
    worth = np.array([problem.value(c) for c in every])
    relaxation = Relaxation(problem, 0)
    for scale in (0.1, 0.3, 0.5, 1.0):
        for _ in range(20):
            before = len(relaxation.owner)
            at = relaxation.tangent(random.uniform(0, scale, 8))
            said = relaxation.constants[before:].sum() + members @ relaxation.slopes[before:].sum(axis=0)
            assert (said >= worth - 1e-6).all()
            assert at <= 1 + 1e-9


def test_the_bound_holds_without_an_integer_program_too() -> None:
    problem = drawn(7, correlation=0.0)
    best = max(sets(problem), key=problem.value)
    relaxation = Relaxation(problem, 0)
    relaxation.tighten(np.inf, [])
    assert problem.value(best) <= relaxation.bound <= problem.value(best) * 1.1


def test_of_several_groups_of_worlds_the_worst_counts() -> None:
    problem = drawn(3)
    left, right = (problem.weight[0] * side for side in (np.arange(60) < 30, np.arange(60) >= 30))
    problem = replace(problem, weight=np.stack([left / left.sum(), right / right.sum()]))
    best = max(problem.value(c) for c in sets(problem))
    answer = solve(problem, 60.0)
    assert answer.value == pytest.approx(best, abs=0.005)
    assert answer.bound >= best - 1e-6


def test_limits_and_distances_are_honoured() -> None:
    problem = drawn(1, budget=4.0)
    free = solve(problem, 60.0)
    apart = solve(replace(problem, apart=0.3), 60.0)
    where = np.sort(problem.place[apart.chosen, 0])
    assert np.diff(where).min() >= 0.3 - 1e-9
    assert apart.value <= free.value + 1e-9
    assert apart.bound >= apart.value
    ceiling = np.where(np.arange(14) < 7, 1.0, 0.0)
    few = replace(problem, uses=np.stack([problem.uses[0], ceiling]), limits=np.array([4.0, 1.0]))
    assert (np.array(search(few, 60.0, begin(few))) < 7).sum() <= 1


def test_lazy_greedy_is_greedy() -> None:
    problem = drawn(2, budget=6.0)
    plain: list[int] = []
    while (free := problem.free(plain)).any():
        plain.append(int(np.argmax(np.where(free, problem.gains(plain), -1))))
    assert greedy(problem) == plain


def test_a_target_is_reached_for_the_least_money() -> None:
    problem = drawn(4, budget=1e9)
    target = 0.5
    answer = cheapest(problem, target, 300.0)
    least = min(problem.uses[0][list(c)].sum() for c in sets(problem, 4) if problem.value(c) >= target)
    assert answer.value >= target
    assert problem.uses[0][answer.chosen].sum() <= least * 1.05
    assert answer.cost_bound is not None
    assert 0.6 * least <= answer.cost_bound <= least


def test_a_target_that_nothing_reaches_is_answered_with_the_best() -> None:
    problem = drawn(5, budget=1e9)
    answer = cheapest(problem, 0.999, 60.0)
    assert answer.value == pytest.approx(problem.value(range(14)), abs=0.002)
    assert answer.cost_bound is None


@pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
def test_the_correlation_of_two_cameras_is_found_again(share: float) -> None:
    random = np.random.default_rng(0)
    p, q = random.uniform(0.5, 0.95, (2, 6000))
    one = random.random((2, 6000))
    one[1] = np.where(random.random(6000) < share, one[0], one[1])
    found = fit_correlation(Pairs(p, q, one[0] < p, one[1] < q, np.arange(6000) // 250))
    assert found.value == pytest.approx(share, abs=0.06)
    assert found.low - 0.02 <= share <= found.high + 0.02


def test_pairs_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="expected one"):
        Pairs(np.ones(2), np.ones(3), np.ones(2, bool), np.ones(2, bool), np.zeros(2, int))
