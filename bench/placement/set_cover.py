"""Unicost set cover: the fewest columns that cover every row. Local search for the answer, a Lagrangian for the bound.

The search is RWLS (C. Gao, T. Weise, J. Li, An efficient local search heuristic with row weighting for the unicost set
covering problem, European Journal of Operational Research 246, 2015): take a column away while all is covered, then
swap columns one for one; rows that stay uncovered gain weight, so that no local optimum holds for long.
"""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.placement.problem import compiled
from scenarios import InputError

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]

SLICE = 0.2
"""Seconds between two looks at the clock."""
BOUND_SHARE = 0.1
"""Of the time, for the bound."""
PATIENCE, LEAST_STEP = 15, 1e-4
"""Of the bound: multipliers without a better bound after which the step is halved, and the step that ends it."""


@dataclass(frozen=True, eq=False)
class SetCover:
    """Which columns cover which rows: column c covers `column_rows[column_start[c]:column_start[c + 1]]`, row r is
    covered by `row_columns[row_start[r]:row_start[r + 1]]`; 0-based."""

    row_start: NDArray[np.int64]
    row_columns: Ints
    column_start: NDArray[np.int64]
    column_rows: Ints

    @property
    def rows(self) -> int:
        return len(self.row_start) - 1

    @property
    def columns(self) -> int:
        return len(self.column_start) - 1

    @classmethod
    def of_rows(cls, columns: int, row_start: NDArray[np.int64], row_columns: Ints) -> SetCover:
        """From the columns of each row."""
        rows = len(row_start) - 1
        order = np.argsort(row_columns, kind="stable")
        owner = np.repeat(np.arange(rows, dtype=np.int32), np.diff(row_start))
        start = np.zeros(columns + 1, np.int64)
        np.cumsum(np.bincount(row_columns, minlength=columns), out=start[1:])
        return cls(row_start, row_columns, start, owner[order])

    def covers(self, chosen: Ints) -> bool:
        """Whether columns cover every row."""
        covered = np.zeros(self.rows, bool)
        for c in chosen:
            covered[self.column_rows[self.column_start[c] : self.column_start[c + 1]]] = True
        return bool(covered.all())


@dataclass(frozen=True, eq=False)
class Cover:
    """A cover: its columns (0-based, rising), and how many any cover has at least."""

    columns: Ints
    bound: int


def read_set_cover(path: Path) -> SetCover:
    """Read a text: numbers of rows and columns; the cost of every column, which is not looked at; then of every row
    how many columns cover it, and which (1-based). Raises InputError."""
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or 'not text'}; expected a set cover") from None
    try:
        numbers = np.array(text.split(), np.float64) if "." in text else np.fromstring(text, np.int64, sep=" ")
    except ValueError:
        raise InputError(f"{path}: expected numbers only") from None
    del text
    if len(numbers) < 2 or min(numbers[:2]) < 1 or len(numbers) < 2 + numbers[1]:
        raise InputError(f"{path}: expected numbers of rows and columns, and the cost of every column")
    rows, columns = int(numbers[0]), int(numbers[1])
    body = numbers[2 + columns :].astype(np.int32)
    start, kept, at = np.zeros(rows + 1, np.int64), np.ones(len(body), bool), 0
    for row in range(rows):
        count = int(body[at]) if at < len(body) else 0
        if count < 1 or at + 1 + count > len(body):
            raise InputError(f"{path}: row {row + 1} has no columns, or fewer than it says")
        kept[at] = False
        start[row + 1], at = start[row] + count, at + 1 + count
    if at != len(body):
        raise InputError(f"{path}: {len(body) - at} numbers too many after row {rows}")
    members = body[kept] - 1
    if members.min() < 0 or members.max() >= columns:
        raise InputError(f"{path}: a row names column {members.max() + 1}; expected 1 to {columns}")
    return SetCover.of_rows(columns, start, members)


def solve_set_cover(problem: SetCover, seconds: float, threads: int = 2, seed: int = 0) -> Cover:
    """Search for `seconds`, in as many threads with a seed each. Ends early where the bound proves the cover best."""
    end = time.monotonic() + seconds
    first = Search(problem, seed)
    bound = lower_bound(problem, len(first.best), min(seconds * BOUND_SHARE, end - time.monotonic()))
    searches = [first] + [Search(problem, seed + n) for n in range(1, threads)]
    with ThreadPoolExecutor(threads) as pool:
        for task in [pool.submit(_until, search, searches, bound, end) for search in searches]:
            task.result()
    best = min((s.best for s in searches), key=len)
    return Cover(np.sort(best), bound)


def _until(search: Search, searches: list[Search], bound: int, end: float) -> None:
    steps = 64
    while (left := end - time.monotonic()) > 0 and min(len(s.best) for s in searches) > bound:
        begun = time.monotonic()
        search.run(steps)
        took = max(time.monotonic() - begun, 1e-6)
        steps = max(1, min(int(steps * min(SLICE, left) / took), 4 * steps))


class Search:
    """One row-weighting local search; `best` (K,) is the smallest cover so far."""

    def __init__(self, problem: SetCover, seed: int) -> None:
        rows, columns = problem.rows, problem.columns
        self._problem = (problem.row_start, problem.row_columns, problem.column_start, problem.column_rows)
        gain = np.diff(problem.column_start).astype(np.int32)
        self._state: tuple[Any, ...] = (
            np.ones(rows, np.int32),  # weight
            np.zeros(rows, np.int32),  # hits
            np.zeros(rows, np.int32),  # exclusive or of the columns that cover it: the column where it is one
            np.full(rows, -1, np.int64),  # when a column over it last came or went
            gain,  # weight that adding brings, or that removing loses
            np.full(columns, -1, np.int64),  # when it last came or went
            np.full(columns, -1, np.int32),  # its place in the solution
            np.zeros(rows, np.int32),  # solution; never more columns than rows
            np.arange(rows, dtype=np.int32),  # uncovered rows
            np.arange(rows, dtype=np.int32),  # places of the rows among them
            np.array([0, rows, 0, -1, 0], np.int64),  # sizes of both, time, tabu column, size of the best
            np.zeros(rows, np.int32),  # best
        )
        self._random = np.random.default_rng(seed)
        _greedy(*self._problem, *self._state, self._random)

    @property
    def best(self) -> Ints:
        return self._state[-1][: self._state[-2][4]]

    def run(self, steps: int) -> None:
        """So many swaps."""
        _swaps(*self._problem, *self._state, steps, self._random)


@compiled
def _flip(  # type: ignore[no-untyped-def]
    c, row_start, row_columns, column_start, column_rows, weight, hits, mixed, touched, score, moved, place, solution,
    uncovered, where, numbers,
):  # fmt: skip
    """Add column c, or take it away, and bring all scores up to date."""
    now = numbers[2]
    adding = place[c] < 0
    if adding:
        place[c], solution[numbers[0]] = numbers[0], c
        numbers[0] += 1
    else:
        numbers[0] -= 1
        last = solution[numbers[0]]
        solution[place[c]], place[last] = last, place[c]
        place[c] = -1
    moved[c] = now
    for i in range(column_start[c], column_start[c + 1]):
        r = column_rows[i]
        w = weight[r]
        touched[r] = now
        before = hits[r]
        if adding:
            hits[r] += 1
            if before == 1:
                score[mixed[r]] -= w
            mixed[r] ^= c
        else:
            hits[r] -= 1
            mixed[r] ^= c
            if before == 2:
                score[mixed[r]] += w
        if adding and before == 0:
            numbers[1] -= 1
            other = uncovered[numbers[1]]
            uncovered[where[r]], where[other] = other, where[r]
            for k in range(row_start[r], row_start[r + 1]):
                if row_columns[k] != c:
                    score[row_columns[k]] -= w
        elif not adding and before == 1:
            uncovered[numbers[1]], where[r] = r, numbers[1]
            numbers[1] += 1
            for k in range(row_start[r], row_start[r + 1]):
                if row_columns[k] != c:
                    score[row_columns[k]] += w


@compiled
def _greedy(  # type: ignore[no-untyped-def]
    row_start, row_columns, column_start, column_rows, weight, hits, mixed, touched, score, moved, place, solution,
    uncovered, where, numbers, best, random,
):  # fmt: skip
    """Cover all rows, always by the column that covers most; ties by lot."""
    while numbers[1] > 0:
        top, ties, chosen = 0, 0, -1
        for c in range(len(score)):
            if place[c] < 0 and score[c] >= top and score[c] > 0:
                ties = ties + 1 if score[c] == top else 1
                if score[c] > top or random.integers(0, ties) == 0:
                    chosen = c
                top = score[c]
        _flip(
            chosen, row_start, row_columns, column_start, column_rows, weight, hits, mixed, touched, score, moved,
            place, solution, uncovered, where, numbers,
        )  # fmt: skip
    numbers[4] = numbers[0]
    best[: numbers[0]] = solution[: numbers[0]]


@compiled
def _swaps(  # type: ignore[no-untyped-def]
    row_start, row_columns, column_start, column_rows, weight, hits, mixed, touched, score, moved, place, solution,
    uncovered, where, numbers, best, steps, random,
):  # fmt: skip
    for _ in range(steps):
        while True:
            covered = numbers[1] == 0
            if covered:
                numbers[4] = numbers[0]
                best[: numbers[0]] = solution[: numbers[0]]
            if numbers[0] == 0:
                return
            chosen = -1
            for k in range(numbers[0]):
                c = solution[k]
                if not covered and c == numbers[3]:
                    continue
                if chosen < 0 or score[c] < score[chosen] or (score[c] == score[chosen] and moved[c] < moved[chosen]):
                    chosen = c
            if chosen < 0:
                chosen = solution[0]
            _flip(
                chosen, row_start, row_columns, column_start, column_rows, weight, hits, mixed, touched, score, moved,
                place, solution, uncovered, where, numbers,
            )  # fmt: skip
            numbers[2] += 1
            if not covered:
                break
        row = uncovered[random.integers(0, numbers[1])]
        chosen = -1
        for k in range(row_start[row], row_start[row + 1]):
            c = row_columns[k]
            if chosen >= 0 and (
                score[c] < score[chosen] or (score[c] == score[chosen] and moved[c] >= moved[chosen])
            ):  # fmt: skip
                continue
            # A column may come back only after one beside it has come or gone.
            free = moved[c] < 0
            i = column_start[c]
            while not free and i < column_start[c + 1]:
                free = touched[column_rows[i]] > moved[c]
                i += 1
            if free:
                chosen = c
        if chosen < 0:
            chosen = row_columns[row_start[row] + random.integers(0, row_start[row + 1] - row_start[row])]
        _flip(
            chosen, row_start, row_columns, column_start, column_rows, weight, hits, mixed, touched, score, moved,
            place, solution, uncovered, where, numbers,
        )  # fmt: skip
        numbers[2] += 1
        numbers[3] = chosen
        for k in range(numbers[1]):
            r = uncovered[k]
            weight[r] += 1
            for i in range(row_start[r], row_start[r + 1]):
                score[row_columns[i]] += 1


def lower_bound(problem: SetCover, size: int, seconds: float) -> int:
    """How many columns any cover has at least: the Lagrangian of the rows, its multipliers moved along subgradients
    (M. Held, R. Karp, 1971), given a cover of `size`."""
    end = time.monotonic() + seconds
    start, rows = problem.column_start, problem.column_rows
    share = 1 / np.maximum(np.diff(start), 1)
    u = np.minimum.reduceat(share[problem.row_columns], problem.row_start[:-1])
    best_u, best, step, idle = u, 0.0, 1.0, 0
    while step > LEAST_STEP and math.ceil(best - 1e-6) < size:
        value, slope = _lagrangian(start, rows, u)
        if value > best + 1e-9:
            best_u, best, idle = u, value, 0
        else:
            idle += 1
            if idle == PATIENCE:
                u, step, idle = best_u, step / 2, 0
                value, slope = _lagrangian(start, rows, u)
        slope = np.where((u <= 0) & (slope < 0), 0.0, slope)
        norm = float(slope @ slope)
        if norm == 0 or time.monotonic() > end:
            break
        u = np.maximum(u + step * max(1.02 * size - value, 0.01) / norm * slope, 0)
    return math.ceil(best - 1e-6)


@compiled
def _lagrangian(column_start, column_rows, u):  # type: ignore[no-untyped-def]
    """The value of multipliers u (rows,) >= 0, and its subgradient."""
    value, slope = u.sum(), np.ones(len(u))
    for c in range(len(column_start) - 1):
        cost = 1.0
        for i in range(column_start[c], column_start[c + 1]):
            cost -= u[column_rows[i]]
        if cost < 0:
            value += cost
            for i in range(column_start[c], column_start[c + 1]):
                slope[column_rows[i]] -= 1
    return value, slope
