"""Solve placement problems; and set covers from a file: python -m bench.placement.solve INSTANCE.txt --unicost"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from bench.placement.bound import Relaxation
from bench.placement.problem import Problem
from bench.placement.search import begin, greedy, improve, search
from bench.placement.set_cover import read_set_cover, solve_set_cover
from scenarios import InputError

LINEAR, SEARCH, POLISH = 0.25, 0.35, 0.1
"""Of the time: for linear programs; for a search among the candidates that these chose; for swaps among all. The rest
is the integer programs'."""
BUDGETS = 6
"""So many budgets are tried for a target."""
NO_MORE = 1e-5
"""A camera that adds less than this is not worth adding, whatever the target."""


@dataclass(frozen=True)
class Answer:
    """A placement: what it is worth, what any is worth at most, and the gap between as a share of the bound. For a
    target, `cost_bound` is what reaching it costs at least."""

    chosen: list[int]
    value: float
    bound: float
    cost_bound: float | None = None

    @property
    def gap(self) -> float:
        return max(0.0, 1 - self.value / self.bound) if self.bound > 0 else 0.0


def solve(problem: Problem, seconds: float, starts: Sequence[Sequence[int]] = ()) -> Answer:
    """The best placement that is found, and a bound. Linear programs tell which candidates are promising, so that the
    search among these is quick; integer programs choose placements too."""
    end = time.monotonic() + seconds
    chosen = begin(problem, starts)
    relaxations = [Relaxation(problem, group, problem.value(chosen)) for group in range(len(problem.weight))]
    for relaxation in relaxations:
        relaxation.tighten(time.monotonic() + LINEAR * seconds / len(relaxations), chosen)
    which = np.array(sorted(set(chosen).union(*(r.support for r in relaxations))), np.int64)
    found = search(problem.only(which), SEARCH * seconds, np.searchsorted(which, chosen).tolist())
    chosen = improve(problem, which[found].tolist(), time.monotonic() + POLISH * seconds)
    for number, relaxation in enumerate(relaxations):
        relaxation.worth = problem.value(chosen)
        left = end - time.monotonic()
        placements = relaxation.prove(end - left * (len(relaxations) - 1 - number) / len(relaxations))
        chosen = max([chosen, *filter(problem.feasible, placements)], key=problem.value)
    return Answer(chosen, problem.value(chosen), max(problem.value(chosen), min(r.bound for r in relaxations)))


def cheapest(problem: Problem, target: float, seconds: float) -> Answer:
    """The placement of least cost (of the first of `uses`) that is worth the target; where none is found, the best that
    is within reach."""
    best = cheap_enough(problem, target)
    if problem.value(best) < target:
        return Answer(best, problem.value(best), min(1.0, problem.value(range(problem.candidates))))
    cost = problem.uses[0]
    low, high, each = 0.0, float(cost[best].sum()), seconds / BUDGETS
    proven = 0.0
    for _ in range(BUDGETS):
        budget = (low + high) / 2
        if budget < cost.min():
            break
        answer = solve(problem.with_budget(budget), each)
        if answer.value >= target:
            best, high = answer.chosen, float(cost[answer.chosen].sum())
        else:
            low = budget
            if answer.bound < target:
                proven = budget
    return Answer(best, problem.value(best), 1.0, proven)


def cheap_enough(problem: Problem, target: float) -> list[int]:
    """Cameras, always the one that adds most for its cost, until the target is reached or nothing helps any more."""
    order, chosen = greedy(problem, by_cost=True, least=NO_MORE), list[int]()
    for i in order:
        chosen.append(i)
        if problem.value(chosen) >= target:
            break
    return chosen


def main() -> None:
    """Print the number of columns of the cover that was found, the bound, and the columns, 1-based."""
    parser = argparse.ArgumentParser(prog="python -m bench.placement.solve", description="Unicost set cover.")
    parser.add_argument("instance", type=Path)
    parser.add_argument("--unicost", action="store_true", required=True, help="every column costs 1")
    parser.add_argument("--seconds", type=float, default=60.0, help="from the start of the process to its end")
    given = parser.parse_args()
    try:
        problem = read_set_cover(given.instance)
    except InputError as error:
        print(f"solve: {error}", file=sys.stderr)
        sys.exit(2)
    spent = time.time() - psutil.Process().create_time()
    cover = solve_set_cover(problem, given.seconds - spent)
    if not problem.covers(cover.columns):
        raise AssertionError(f"{given.instance}: the {len(cover.columns)} columns do not cover every row")
    print(f"{len(cover.columns)}\n{cover.bound}\n{' '.join(map(str, cover.columns + 1))}")


if __name__ == "__main__":
    main()
