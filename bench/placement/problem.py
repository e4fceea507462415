"""The placement problem: what every candidate camera would know, what it uses up, and what a set of them is worth.

A cell is one position in one sampled world. All cameras share the world's stock, crowd and light; what is left of their
failures is taken to be together for a share `correlation` of the time, and apart for the rest (`correlation.py`). The
value of a set is therefore the weighted mean over cells of (1 - r) (1 - Π(1 - p)) + r max p, which is submodular.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Indices = NDArray[np.int64]

SLACK = 1e-9
"""By so much of a limit sums may go over it: they are of floats."""

compiled: Any = njit(nogil=True, cache=True)
"""Compiles a function when it is first called, and keeps it beside its file."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Candidate i knows the cells `cell[start[i]:start[i + 1]]` with `chance` (N,) in 0 to 1.

    `weight` (G, K): what a cell is worth, for each of G groups of worlds; each row adds up to 1, and a set is worth
    what it is in the worst group. With `lost`, it is worth what is left of it without any one of its cameras.
    `uses` (R, C) of every candidate may add up to `limits` (R,); two cameras hang at least `apart` metres from one
    another, by `place` (C, 3).
    """

    start: Indices
    cell: NDArray[np.int32]
    chance: NDArray[np.float32]
    weight: Floats
    correlation: float
    uses: Floats
    limits: Floats
    place: Floats
    apart: float = 0.0
    lost: bool = False

    def __post_init__(self) -> None:
        if len(self.cell) != len(self.chance) or self.start[-1] != len(self.cell):
            raise ValueError(f"{len(self.cell)} cells, {len(self.chance)} chances, start ends at {self.start[-1]}")
        if self.uses.shape != (len(self.limits), self.candidates) or self.place.shape != (self.candidates, 3):
            raise ValueError(f"uses {self.uses.shape} and place {self.place.shape} of {self.candidates} candidates")
        if (self.uses < 0).any() or not 0 <= self.correlation <= 1:
            raise ValueError("expected uses >= 0 and a correlation from 0 to 1")

    @property
    def candidates(self) -> int:
        return len(self.start) - 1

    @property
    def cells(self) -> int:
        return self.weight.shape[1]

    def with_budget(self, budget: float) -> Problem:
        """The same with another first limit."""
        return replace(self, limits=np.concatenate([[budget], self.limits[1:]]))

    def only(self, which: Indices) -> Problem:
        """The same with some of the candidates."""
        lengths = np.diff(self.start)[which]
        start = np.concatenate([[0], np.cumsum(lengths)])
        entries = np.repeat(self.start[which] - start[:-1], lengths) + np.arange(start[-1])
        return replace(
            self, start=start, cell=self.cell[entries], chance=self.chance[entries], uses=self.uses[:, which],
            place=self.place[which],
        )  # fmt: skip

    def feasible(self, chosen: Sequence[int]) -> bool:
        """Whether all limits and distances hold."""
        free = self.free(())
        for n, i in enumerate(chosen):
            if not free[i]:
                return False
            free = self.free(chosen[: n + 1])
        return True

    def free(self, chosen: Sequence[int]) -> Bools:
        """(C,) which candidates may be added to some that are allowed together."""
        kept = list(chosen)
        used = self.uses[:, kept].sum(axis=1)
        may = (self.uses <= (self.limits - used + SLACK * (1 + self.limits))[:, None]).all(axis=0)
        may[kept] = False
        for i in kept:
            may &= np.linalg.norm(self.place - self.place[i], axis=1) >= self.apart - SLACK
        return may

    def value(self, chosen: Sequence[int]) -> float:
        """What a set is worth, 0 to 1."""
        return min((self.worth(part) for part in self.parts(chosen)), default=0.0)

    def parts(self, chosen: Sequence[int]) -> list[list[int]]:
        """The sets that a set has to make do with: itself, or itself without each of its cameras."""
        whole = list(chosen)
        return [whole[:k] + whole[k + 1 :] for k in range(len(whole))] if self.lost else [whole]

    def worth(self, chosen: Sequence[int]) -> float:
        """What a set is worth in the worst group of worlds."""
        return float((self.weight @ self.known(chosen)).min())

    def known(self, chosen: Sequence[int]) -> Floats:
        """(K,) the chance that a set knows each cell."""
        miss, top = self.state(chosen)
        return (1 - self.correlation) * (1 - miss) + self.correlation * top

    def state(self, chosen: Sequence[int]) -> tuple[Floats, Floats]:
        """Of every cell (K,) the product of the chances to miss it, and the best chance to know it."""
        miss, top = np.ones(self.cells), np.zeros(self.cells)
        _join(self.start, self.cell, self.chance, np.asarray(chosen, np.int64), miss, top)
        return miss, top

    def gains(self, chosen: Sequence[int], among: Indices | None = None) -> Floats:
        """What each candidate (C,), or each of some, would add: see `rate`."""
        which = np.arange(self.candidates) if among is None else among
        return self.rate(self.standing(chosen), which)

    def standing(self, chosen: Sequence[int]) -> tuple[Floats, Floats, Floats]:
        """What of every cell (K,) another camera would bring: for its chance where it fails apart; for what its chance
        is more than the best so far; and the best so far. Of the group that is the worst as it is, and the part."""
        part = min(self.parts(chosen), key=self.worth, default=list(chosen))
        miss, top = self.state(part)
        known = (1 - self.correlation) * (1 - miss) + self.correlation * top
        weight = self.weight[int(np.argmin(self.weight @ known))]
        return (1 - self.correlation) * weight * miss, self.correlation * weight, top

    def rate(self, standing: tuple[Floats, Floats, Floats], which: Indices) -> Floats:
        """What each of some candidates would add to a set of this `standing`. Where the worst group or part may change,
        more is not promised."""
        return _gains(self.start, self.cell, self.chance, *standing, which)


@compiled
def _join(start, cell, chance, chosen, miss, top):  # type: ignore[no-untyped-def]
    for i in chosen:
        for n in range(start[i], start[i + 1]):
            miss[cell[n]] *= 1 - chance[n]
            top[cell[n]] = max(top[cell[n]], chance[n])


@compiled
def _gains(start, cell, chance, apart, together, top, which):  # type: ignore[no-untyped-def]
    gains = np.zeros(len(which))
    for j in range(len(which)):
        total = 0.0
        for n in range(start[which[j]], start[which[j] + 1]):
            k, p = cell[n], chance[n]
            total += apart[k] * p
            if p > top[k]:
                total += together[k] * (p - top[k])
        gains[j] = total
    return gains
