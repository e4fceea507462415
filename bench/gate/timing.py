"""How much slower: paired ratios of the times that two versions took for the same picture, one right after the other.

Pairs go A B, B A, so that two of them are one block A B B A, in which a drift of the machine's speed falls on both
alike. What is told is the median of the ratios, which a few pictures that were interrupted do not move: of the pairs
that base began and of those that head began, and of these two the mean, so that what being second costs cancels out.
Its bounds come from a bootstrap over blocks. How far it goes where nothing has changed was measured: evidence.csv.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scenarios import rng

RESAMPLES = 4000
CHANCE = 0.005
"""Of a one-sided bound: far out, since several figures are judged in a run."""
FEWEST_BLOCKS = 8
"""Of a verdict: what a bootstrap of fewer says of so far a bound means little."""


@dataclass(frozen=True)
class Slowdown:
    """By how much head's time is longer than base's, as a share of base's median: 0.05 is 5 % slower. `low` and `high`
    are one-sided bounds of 99.5 % each. NaN without pairs."""

    value: float
    low: float
    high: float
    pairs: int

    def shown(self) -> bool:
        """Whether it is more than chance that head is slower."""
        return self.pairs >= 2 * FEWEST_BLOCKS and self.low > 0


def slowdown(base: Sequence[float], head: Sequence[float]) -> Slowdown:
    """Compare paired times (N,), of which two in a row are a block; an odd last one is left out."""
    pairs = len(base) // 2 * 2
    if pairs < 4:
        return Slowdown(math.nan, math.nan, math.nan, pairs)
    blocks = np.log(np.divide(head[:pairs], base[:pairs])).reshape(-1, 2)
    drawn = rng(0, "gate", len(blocks)).integers(0, len(blocks), (RESAMPLES, len(blocks)))
    low, high = np.quantile(np.median(blocks[drawn], axis=1).mean(axis=1), [CHANCE, 1 - CHANCE])
    value = np.median(blocks, axis=0).mean()
    return Slowdown(math.expm1(value), math.expm1(low), math.expm1(high), pairs)
