"""How much any placement can be worth: a bound on the best one, so that a gap is proven.

What a set of cameras T knows of a cell, f(T) = 1 - Π(1 - p) where they fail apart, is at most each of
- a concave function of Σ p: the straight lines through what the cell's strongest 1, 2, 3 ... candidates come to (adding
  to a set whose misses multiply to m brings p (m - κ) more than κ p, so that sets of strongest ones are farthest above
  any line);
- 1 - exp(-Σ l) with l = -log(1 - p), which is tight for every set;
- for any t from 0 to 1: t² + Σ [(1 - t) p + t max(p - t, 0)]. It is tight for one camera of chance t, and for two. With
  any p above t made t, and then any raised to t as long as the others miss by more than 1 - t, or dropped, the
  difference to f only rises, and ends with one or two of chance t.
Where they fail together, max p is at most t + Σ max(p - t, 0) for any t.

The bound is the most that the least of these comes to over fractional placements within the limits, found with linear
programs over tangents (J. Kelley, The cutting-plane method, 1960), for blocks of cells; tangents hold for whole
placements too, so that an integer program with them tightens the bound further.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array, hstack, vstack

from bench.placement.problem import Floats, Problem, compiled

STRONGEST = 6
"""So many of a cell's candidates have straight lines of their own; past them the last line goes on."""
INWARD = 0.3
"""Tangents are taken this far from the linear program's own solution towards the best inner point: it jumps less."""
CLOSE = 5e-4
"""A bound that is as near to what is found, as a share of it, is near enough."""
BLOCKS = 40
LEVELS = 32
"""As many values of t are tried."""
PART = 1e-3
"""A candidate that is chosen for less than this is not taken to be chosen."""
FORGOTTEN = 3
"""Linear programs in a row that have no use for a tangent before it is dropped."""
LEAST = 1e-9


@dataclass(eq=False)
class Relaxation:
    """The concave function that is never less than the value of a set, of one group of worlds, in blocks of cells.

    `worth` is what the best known placement is worth: candidates that no better one can hold are not `alive` (C,).
    `bound` is at least what any placement is worth. What is left without a camera is not worth more than the whole, so
    that it holds for `lost` too, less tightly. `support` are the candidates that a linear program chose, if in part.
    """

    problem: Problem
    group: int
    worth: float = 0.0
    bound: float = 1.0
    constants: Floats = field(default_factory=lambda: np.zeros(0))
    slopes: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    owner: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """Tangents: constants (T,), slopes (T, C) and blocks (T,)."""

    def __post_init__(self) -> None:
        p = self.problem
        self.log_miss = -np.log1p(-np.minimum(p.chance, np.float32(0.999999)))
        leader, self.sums, self.values = _corners(p.start, p.cell, p.chance, p.cells, STRONGEST)
        self.block = np.argsort(np.argsort(leader, kind="stable")) * BLOCKS // max(p.cells, 1)
        self.alive = np.ones(p.candidates, bool)
        self.support: set[int] = set()
        self.unused = np.zeros(0)
        self.inner = np.zeros(p.candidates)
        self.slopes = np.zeros((0, p.candidates))
        self.tangent(self.inner)
        self.rows, self.limits = _limits(p)

    def tangent(self, x: Floats) -> float:
        """Add the tangents at x (C,); returns the value there."""
        p = self.problem
        constants, slopes = np.zeros(BLOCKS), np.zeros((p.candidates, BLOCKS))
        _tangents(
            p.start, p.cell, p.chance, self.log_miss, p.weight[self.group], self.block, self.sums, self.values,
            p.correlation, x, constants, slopes,
        )  # fmt: skip
        self.constants = np.concatenate([self.constants, constants])
        self.slopes = np.concatenate([self.slopes, slopes.T])
        self.owner = np.concatenate([self.owner, np.arange(BLOCKS)])
        return float((constants + x @ slopes).sum())

    @property
    def closed(self) -> bool:
        """Whether the bound is as near to what is known as it need be."""
        return self.bound - self.worth <= CLOSE * self.bound

    def tighten(self, end: float, best: Sequence[int]) -> None:
        """Linear programs over more and more tangents, at least one, until the relaxation is known well or it is time
        `end`; `best` is a good placement to begin from."""
        self.inner = np.zeros(self.problem.candidates)
        self.inner[list(best)] = 1.0
        at_inner = self.tangent(self.inner)
        while self.bound - max(at_inner, self.worth) > CLOSE * self.bound:
            found, x = self._linear()
            self.bound = min(self.bound, max(found, self.worth))
            self.support |= set(np.flatnonzero(x > PART).tolist())
            for point in (x, INWARD * self.inner + (1 - INWARD) * x):
                value = self.tangent(point)
                if value > at_inner:
                    self.inner, at_inner = point, value
            if time.monotonic() > end:
                break

    def prove(self, end: float) -> list[list[int]]:
        """Integer programs over more and more tangents until they bring little, or it is time `end`; returns the
        placements that they chose, which may hang too close."""
        placements: list[list[int]] = []
        before = np.inf
        while not self.closed and self.bound < before * (1 - CLOSE) and (left := end - time.monotonic()) > 0:
            before = self.bound
            found, x = self._integer(left)
            self.bound = min(self.bound, max(found, self.worth))
            if x is None:
                break
            self.tangent(x)
            placements.append(np.flatnonzero(x).tolist())
            self.worth = max(self.worth, self._worth(placements[-1]))
        return placements

    def _worth(self, placement: Sequence[int]) -> float:
        p = self.problem
        return p.value(placement) if len(p.weight) == 1 and p.feasible(placement) else 0.0

    def program(self) -> tuple[Floats, csr_array, Floats]:
        """Costs, rows and their limits, over the candidates that are alive, then the blocks."""
        count, rows = len(self.owner), self.rows.shape[0]
        of_block = csr_array((np.ones(count), (np.arange(count), self.owner)), shape=(count, BLOCKS))
        cuts = hstack([csr_array(-self.slopes[:, self.alive]), of_block])
        matrix = vstack([hstack([self.rows[:, self.alive], csr_array((rows, BLOCKS))]), cuts])
        costs = np.concatenate([np.zeros(int(self.alive.sum())), -np.ones(BLOCKS)])
        return costs, csr_array(matrix), np.concatenate([self.limits, self.constants])

    def _linear(self) -> tuple[float, Floats]:
        """The most that the tangents allow, and where. Candidates of which even one whole would cost too much die."""
        costs, matrix, most = self.program()
        which = np.flatnonzero(self.alive)
        bounds = [(0.0, 1.0)] * len(which) + [(None, 1.0)] * BLOCKS
        found = linprog(costs, matrix, most, bounds=bounds, method="highs")
        if found.status != 0:
            raise RuntimeError(f"the bound's linear program: {found.message}")
        x = np.zeros(self.problem.candidates)
        x[which] = np.clip(found.x[: len(which)], 0, 1)
        bound = -float(found.fun)
        with_one = bound - found.lower.marginals[: len(which)]
        self.alive[which[with_one < self.worth - LEAST]] = False
        self._forget(found.ineqlin.marginals[len(self.limits) :] == 0)
        return bound, x

    def _forget(self, slack: NDArray[np.bool_]) -> None:
        """Drop tangents that have not been needed for some time."""
        self.unused = np.where(slack, np.append(self.unused, np.zeros(len(slack) - len(self.unused))) + 1, 0)
        kept = self.unused < FORGOTTEN
        self.constants, self.slopes, self.owner = self.constants[kept], self.slopes[kept], self.owner[kept]
        self.unused = self.unused[kept]

    def _integer(self, seconds: float) -> tuple[float, Floats | None]:
        """The most that the tangents allow whole cameras, as far as that is proven in time, and where, if it is."""
        costs, matrix, most = self.program()
        which = np.flatnonzero(self.alive)
        whole = np.concatenate([np.ones(len(which)), np.zeros(BLOCKS)])
        found = milp(
            costs, integrality=whole, bounds=Bounds(np.where(whole > 0, 0.0, -np.inf), 1.0),
            constraints=LinearConstraint(matrix, ub=most), options={"time_limit": seconds, "mip_rel_gap": CLOSE},
        )  # fmt: skip
        proven = getattr(found, "mip_dual_bound", None)
        bound = 1.0 if proven is None or not np.isfinite(proven) else -float(proven)
        if found.status != 0:
            return bound, None
        x = np.zeros(self.problem.candidates)
        x[which] = np.rint(found.x[: len(which)])
        return bound, x


def _limits(problem: Problem) -> tuple[csr_array, Floats]:
    """The limits, and of every place that at most one camera hangs within half of `apart` around it."""
    rows, limits = [csr_array(problem.uses)], [problem.limits]
    if problem.apart > 0:
        centres = np.unique(problem.place, axis=0)
        near = np.linalg.norm(problem.place[None] - centres[:, None], axis=2) < problem.apart / 2
        rows.append(csr_array(np.unique(near, axis=0).astype(float)))
        limits.append(np.ones(rows[-1].shape[0]))
    return csr_array(vstack(rows)), np.concatenate(limits)


@compiled
def _corners(start, cell, chance, cells, most):  # type: ignore[no-untyped-def]
    """(K,) the strongest candidate of each cell; (K, most + 1) sums of the chances of its strongest ones, and what
    these are worth together."""
    top, leader = np.zeros((cells, most)), np.zeros(cells, np.int64)
    owner = 0
    for n in range(len(cell)):
        while start[owner + 1] <= n:
            owner += 1
        k, p = cell[n], float(chance[n])
        if p > top[k, 0]:
            leader[k] = owner
        m = most - 1
        if p <= top[k, m]:
            continue
        while m > 0 and top[k, m - 1] < p:
            top[k, m] = top[k, m - 1]
            m -= 1
        top[k, m] = p
    sums, values = np.zeros((cells, most + 1)), np.zeros((cells, most + 1))
    for k in range(cells):
        miss = 1.0
        for m in range(most):
            miss *= 1 - top[k, m]
            sums[k, m + 1] = sums[k, m] + top[k, m]
            values[k, m + 1] = 1 - miss
    return leader, sums, values


@compiled
def _tangents(  # type: ignore[no-untyped-def]
    start, cell, chance, log_miss, weight, block, sums, values, correlation, x, constants, slopes
):
    """Tangents of every block at x: of each cell those of its bounds that are least there."""
    cells, most = len(weight), sums.shape[1] - 1
    loads = np.zeros(cells)
    share, part = np.zeros((cells, LEVELS)), np.zeros((cells, LEVELS))  # of x, and of x p, by p
    for i in range(len(x)):
        if x[i] > 0:
            for n in range(start[i], start[i + 1]):
                level = min(int(chance[n] * LEVELS), LEVELS - 1)
                share[cell[n], level] += x[i]
                part[cell[n], level] += x[i] * chance[n]
                loads[cell[n]] += x[i] * log_miss[n]
    by_chance, by_log = np.zeros(cells), np.zeros(cells)
    over, threshold = np.zeros((cells, 2)), np.zeros((cells, 2))
    for k in range(cells):
        apart, together = weight[k] * (1 - correlation), weight[k] * correlation
        s, far = part[k].sum(), np.exp(-loads[k])
        m = 1
        while m < most and s > sums[k, m]:
            m += 1
        width = sums[k, m] - sums[k, m - 1]
        slope = (values[k, m] - values[k, m - 1]) / width if width > 0 else 0.0
        lines = values[k, m - 1] - slope * sums[k, m - 1]
        least, above, best_level, top_level = min(lines + slope * s, 1 - far), s, -1, 0
        above_share, above_part = 0.0, 0.0
        for level in range(LEVELS - 1, -1, -1):
            t = level / LEVELS
            above_share += share[k, level]
            above_part += part[k, level]
            excess = above_part - t * above_share
            if t * t + (1 - t) * s + t * excess < least:
                least, best_level = t * t + (1 - t) * s + t * excess, level
            if t + excess < above:
                above, top_level = t + excess, level
        if best_level >= 0:
            t = best_level / LEVELS
            constants[block[k]] += apart * t * t
            by_chance[k], over[k, 0], threshold[k, 0] = apart * (1 - t), apart * t, t
        elif lines + slope * s <= 1 - far:
            constants[block[k]] += apart * lines
            by_chance[k] = apart * slope
        else:
            constants[block[k]] += apart * (1 - far - far * loads[k])
            by_log[k] = apart * far
        constants[block[k]] += together * top_level / LEVELS
        over[k, 1], threshold[k, 1] = together, top_level / LEVELS
    for i in range(len(x)):
        for n in range(start[i], start[i + 1]):
            k, p = cell[n], chance[n]
            total = by_chance[k] * p + by_log[k] * log_miss[n]
            total += over[k, 0] * max(p - threshold[k, 0], 0.0) + over[k, 1] * max(p - threshold[k, 1], 0.0)
            slopes[i, block[k]] += total
