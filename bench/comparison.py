"""Is a difference between arms real? Intervals, p-values, Holm's correction, effect sizes and how many more scenarios
would tell. Every arm is compared with one baseline, in pairs by scenario."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import chdtri, nctdtrinc, stdtr, stdtrit

from bench.statistics import Floats, Sample, interval
from scenarios import rng

LEVEL, POWER = 0.05, 0.8
"""The chance to call a difference real that is none, and to find one that is there: Cohen's convention (1988)."""
FLIPS = 10_000
MOST = 10_000
"""Scenarios: more are not a study that anybody would run."""


@dataclass(frozen=True)
class Comparison:
    """Arm − baseline on one metric, NaN where either has no value; `low` to `high` is its own 95 % interval.

    `p` stands alone and `p_holm` is corrected for all `comparisons` made with it on this metric. `effect` is
    the difference in standard deviations of the paired differences (Cohen's d for pairs). `detectable` is the
    difference that these scenarios would have found with a chance of 80 %. `more_scenarios` would find this one: 0
    where it is found, None where more than 10,000 would not do.
    """

    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    comparisons: int
    effect: float
    detectable: float
    more_scenarios: int | None

    @property
    def real(self) -> bool:
        return self.p_holm < LEVEL

    def words(self) -> str:
        """Whether the difference is real, in plain words."""
        if math.isnan(self.difference):
            return "nothing to compare"
        if self.real:
            return "real"
        if self.difference == 0:
            return "no difference was seen"
        if self.more_scenarios is None:
            return f"not enough evidence: more than {MOST:,} scenarios would be needed"
        plural = "s" if self.more_scenarios > 1 else ""
        return f"not enough evidence: {self.more_scenarios} more scenario{plural} would do"


def compare(arms: Sequence[Sample], baseline: Sample) -> list[Comparison]:
    """Compare arms with a baseline over the same scenarios; Holm's family is the arms that have a value."""
    return compared([arm - baseline for arm in arms])


def compared(differences: Sequence[Sample]) -> list[Comparison]:
    """The comparisons of one family, of any pairs over as many scenarios."""
    told = [d for d in differences if not math.isnan(d.value)]
    p = p_values(told)
    corrected = holm(p)
    rows = iter([_comparison(*three, len(told)) for three in zip(told, p.tolist(), corrected.tolist())])
    return [_nothing(len(told)) if math.isnan(d.value) else next(rows) for d in differences]


def _nothing(comparisons: int) -> Comparison:
    nan = math.nan
    return Comparison(nan, nan, nan, nan, nan, comparisons, nan, nan, None)


def _comparison(d: Sample, p: float, p_holm: float, comparisons: int) -> Comparison:
    e, scenarios = interval(d), len(d.pull)
    spread = 0.0 if d.spread < 1e-12 else d.spread
    level = LEVEL / comparisons  # the strictest that Holm's rule can ask for
    needed = scenarios_needed(d.value, spread, scenarios, level)
    more = 0 if p_holm < LEVEL else None if needed is None else max(1, needed - scenarios)
    effect = d.value / spread if spread else math.nan
    return Comparison(
        d.value, e.low, e.high, p, p_holm, comparisons, effect, detectable(spread, scenarios, level), more
    )


def p_values(differences: Sequence[Sample]) -> Floats:
    """Two-sided p-values (K,) of paired differences over the same scenarios: the larger of Student's t, which its
    intervals go with, and of the sign-flip test, which is exact whatever the distribution when arms are alike.

    Which arm is which is swapped at random in every scenario; all ways are tried where there are at most 10,000. With
    five scenarios or fewer no p-value is below 0.05.
    """
    if not differences:
        return np.empty(0)
    scenarios = len(differences[0].pull)
    value = np.array([d.value for d in differences])
    pull = np.array([d.pull for d in differences])
    each = value[:, None] + pull - pull.mean(axis=1, keepdims=True)
    signs = _signs(scenarios)
    as_far = np.abs(signs @ each.T / scenarios) >= np.abs(value) * (1 - 1e-9) - 1e-12
    flipped = as_far.mean(axis=0)
    error = np.array([d.error for d in differences])
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(value == 0, 0.0, np.abs(value) / error)
    return np.maximum(flipped, 2 * stdtr(scenarios - 1, -t))


@lru_cache(maxsize=4)
def _signs(scenarios: int) -> Floats:
    """All ways to swap arms (W, S) but for the swap of all, or as many drawn ones, the first of which swaps none."""
    if 2 ** (scenarios - 1) <= FLIPS:
        ways = np.arange(2 ** (scenarios - 1))[:, None] >> np.arange(scenarios) & 1
    else:
        ways = rng(0, "flips", scenarios).integers(0, 2, (FLIPS, scenarios))
        ways[0] = 0
    return np.where(ways == 1, -1.0, 1.0)


def holm(p: Floats) -> Floats:
    """Corrected p-values (K,) of which each below 0.05 is real with all of them kept to 5 % (Holm, A simple
    sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6, 1979)."""
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(steps, 1.0)
    return corrected


def scenarios_needed(difference: float, spread: float, seen: int, level: float = LEVEL) -> int | None:
    """The scenarios that find a difference with a chance of 80 %, given the spread of the paired differences of `seen`
    scenarios; None where more than 10,000 would not do.

    How badly `seen` scenarios know the spread is paid for by taking its upper 80 % confidence limit (Browne, On the use
    of a pilot sample for sample size determination, Statistics in Medicine 14, 1995). A planted difference of 3 points
    is then found in 84 to 86 of 100 trials that each saw 24 scenarios (tests/bench/test_comparison.py draws them).
    """
    if not difference or seen < 2:
        return None
    sizes = range(_fewest(level), MOST + 1)
    size = bisect_left(
        sizes, True, key=lambda n: _errors_away(n, seen, level) * spread <= abs(difference) * math.sqrt(n)
    )
    return sizes[size] if size < len(sizes) else None


def detectable(spread: float, scenarios: int, level: float = LEVEL) -> float:
    """The difference that so many scenarios find with a chance of 80 %; NaN where they cannot find any."""
    if scenarios < _fewest(level):
        return math.nan
    return _errors_away(scenarios, scenarios, level) * spread / math.sqrt(scenarios)


def _fewest(level: float) -> int:
    """The scenarios from which on the sign-flip test's least p-value, 2 ** (1 - scenarios), is below a level."""
    return math.floor(1 - math.log2(level)) + 1


def _errors_away(size: int, seen: int, level: float) -> float:
    """How many standard errors a difference has to be away from 0, for a test over `size` scenarios."""
    critical = -stdtrit(size - 1, level / 2)
    unsure = math.sqrt((seen - 1) / chdtri(seen - 1, POWER))
    return float(nctdtrinc(size - 1, 1 - POWER, critical)) * unsure
