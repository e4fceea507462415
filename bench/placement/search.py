"""Search for a placement: lazy greedy, then swaps, then again and again after taking some cameras away."""

from __future__ import annotations

import heapq
import time
from collections.abc import Sequence

import numpy as np

from bench.placement.problem import Bools, Floats, Problem

TRIED = 8
"""Of the cameras that promise most, as many are tried in full where the worst case may change."""
TAKEN = (1, 3)
"""So many cameras are taken away before greedy goes on from the rest."""
ROUGH = 0.25
"""Gains are rated by lot at as much less before greedy goes on: else it would go back to where it was."""
PATIENCE = 150
"""Times that nothing better is found after which the search ends."""
EVEN = 1e-9


def begin(problem: Problem, starts: Sequence[Sequence[int]] = ()) -> list[int]:
    """The best of what greedy makes, by gain and by gain for its cost, of nothing and of each of `starts`."""
    begun = [greedy(problem), greedy(problem, by_cost=True)]
    begun += [greedy(problem, start) for start in starts if problem.feasible(start)]
    return max(begun, key=problem.value)


def search(problem: Problem, seconds: float, start: Sequence[int], seed: int = 0) -> list[int]:
    """The best placement that was found from `start` within `seconds`, or until nothing better is found."""
    end, random = time.monotonic() + seconds, np.random.default_rng(seed)
    best = improve(problem, start, end)
    current, idle = best, 0
    while time.monotonic() < end and best and idle < PATIENCE:
        count = min(int(random.integers(TAKEN[0], TAKEN[1] + 1)), len(current))
        left = [current[k] for k in sorted(random.permutation(len(current))[count:])]
        rating = 1 - ROUGH * random.random(problem.candidates)
        found = improve(problem, greedy(problem, left, rating, by_cost=bool(random.random() < 0.5)), end)
        if problem.value(found) >= problem.value(current) - EVEN or random.random() < 0.02:
            current = found
        idle += 1
        if problem.value(current) > problem.value(best) + EVEN:
            best, idle = current, 0
    return best


def greedy(
    problem: Problem, chosen: Sequence[int] = (), rating: Floats | None = None, by_cost: bool = False,
    least: float = 0.0,
) -> list[int]:  # fmt: skip
    """Add candidates while some may be added that add more than `least`, always the one that adds most, or most for its
    first use. `rating` (C,) is what gains are multiplied with first; candidates of 0 are left out.

    Lazy (M. Minoux, Accelerated greedy algorithms for maximizing submodular set functions, 1978): what a candidate adds
    only falls, so that what it added before is enough to leave it for later. Of worst cases that is not so, and all are
    looked at anew.
    """
    chosen = list(chosen)
    rate = np.ones(problem.candidates) if rating is None else rating
    if by_cost:
        rate = rate / np.maximum(problem.uses[0], 1e-12)
    exact = not problem.lost and len(problem.weight) == 1
    heap: list[tuple[float, int, int]] = []
    free = problem.free(chosen)
    while free.any():
        if not exact or not heap:
            gains = problem.gains(chosen) * rate
            heap = [(-gains[i], int(i), len(chosen)) for i in np.flatnonzero(free) if gains[i] > 0]
            heapq.heapify(heap)
        taken = _next(problem, chosen, heap, free, rate)
        if taken is None or (least > 0 and problem.value([*chosen, taken]) - problem.value(chosen) < least):
            break
        chosen.append(taken)
        free = problem.free(chosen)
    return chosen


def _next(
    problem: Problem, chosen: list[int], heap: list[tuple[float, int, int]], free: Bools, rate: Floats
) -> int | None:
    standing = problem.standing(chosen)
    while heap:
        gain, i, known_at = heapq.heappop(heap)
        if not free[i]:
            continue
        if known_at == len(chosen):
            return i if gain < 0 else None
        fresh = float(problem.rate(standing, np.array([i]))[0]) * rate[i]
        heapq.heappush(heap, (-fresh, i, len(chosen)))
    return None


def improve(problem: Problem, chosen: Sequence[int], end: float) -> list[int]:
    """Swap one camera for another while that helps, and add what then fits."""
    chosen, value = list(chosen), problem.value(chosen)
    order, idle = list(chosen), 0
    while order and idle < len(order) and time.monotonic() < end:
        out = order.pop(0)
        rest = [i for i in chosen if i != out]
        found = _best_addition(problem, rest)
        if found is not None and found[1] > value + EVEN:
            chosen = greedy(problem, [*rest, found[0]])
            value, order, idle = problem.value(chosen), list(chosen), 0
        else:
            order.append(out)
            idle += 1
    return chosen


def _best_addition(problem: Problem, rest: list[int]) -> tuple[int, float] | None:
    """The candidate that makes most of a set, and what it makes."""
    gains = np.where(problem.free(rest), problem.gains(rest), -1.0)
    if gains.max(initial=-1.0) < 0:
        return None
    exact = not problem.lost and len(problem.weight) == 1
    tried = np.argsort(-gains)[: 1 if exact else TRIED]
    values = [(int(i), problem.value([*rest, int(i)])) for i in tried if gains[i] >= 0]
    return max(values, key=lambda pair: pair[1])
