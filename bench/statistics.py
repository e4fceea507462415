"""Values with 95 % intervals over scenarios, which are the units that are drawn: never pictures or positions.

Every metric becomes a `Sample`: its value, and how far each scenario pulls it (the jackknife). The difference of two
arms that saw the same scenarios is a sample again, so that all that arms share cancels scenario by scenario.

Which interval is used was measured (`python -m bench.coverage`, docs/statistics.md): percentiles of a paired bootstrap
hold the truth in 58 to 94 of 100 experiments of 6 to 40 scenarios where they say 95.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, stdtrit

from scenarios import rng

Floats = NDArray[np.float64]
RESAMPLES = 1000
TAIL = 0.025
"""Of either side of a 95 % interval."""


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval; all three are NaN where nothing was there to measure."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return "–" if math.isnan(self.value) else f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


NOTHING = Estimate(math.nan, math.nan, math.nan)


@dataclass(frozen=True, eq=False)
class Sample:
    """A value, NaN where nothing was there to measure, and by how much each scenario pulls it up (S,): S - 1 times
    what the value loses without that scenario."""

    value: float
    pull: Floats

    def __sub__(self, other: Sample) -> Sample:
        """The difference of two arms over the same scenarios."""
        return Sample(self.value - other.value, self.pull - other.pull)

    @property
    def spread(self) -> float:
        """The standard deviation from scenario to scenario."""
        return float(np.std(self.pull, ddof=1)) if len(self.pull) > 1 else math.nan

    @property
    def error(self) -> float:
        """The standard error of the value (Tukey's jackknife)."""
        return self.spread / math.sqrt(len(self.pull))

    def resampled(self, weights: Floats) -> Floats:
        """The value on every resample (R,), to first order."""
        return self.value + weights @ self.pull / len(self.pull)


def ratio(numerator: Floats, denominator: Floats) -> Sample:
    """Σ numerator ÷ Σ denominator over scenarios (S,)."""
    total = float(np.sum(denominator))
    if not total:
        return Sample(math.nan, np.zeros(len(denominator)))
    value = float(np.sum(numerator)) / total
    rest, loss = total - denominator, numerator - value * denominator
    # Where one scenario holds all there is, nothing is known of how others would pull.
    pull = np.divide(loss, rest, out=np.zeros(len(loss)), where=rest > 0)
    return Sample(value, (len(loss) - 1) * pull)


def leave_one_out(scenarios: int) -> Floats:
    """Weights (S, S) of which each row leaves one scenario out: what `jackknife` wants values of."""
    return 1.0 - np.eye(scenarios)


def jackknife(value: float, left_out: Floats) -> Sample:
    """A sample of any metric, from its value without each scenario (S,), NaN where that has none."""
    return Sample(value, (len(left_out) - 1) * np.nan_to_num(value - left_out))


def interval(sample: Sample, least: float = -math.inf, most: float = math.inf) -> Estimate:
    """The 95 % interval by Student's t over scenarios, cut at the least and the most that the metric can be."""
    if math.isnan(sample.value):
        return NOTHING
    scenarios = len(sample.pull)
    half = -float(stdtrit(scenarios - 1, TAIL)) * sample.error if scenarios > 1 else math.inf
    return Estimate(sample.value, max(sample.value - half, least), min(sample.value + half, most))


def share_interval(sample: Sample, denominator: Floats) -> Estimate:
    """The 95 % interval of a share, of which scenarios (S,) hold `denominator` each; also where it is 0 or 1.

    Clopper and Pearson's for as many independent events as the clustered ones are worth (Korn & Graubard, Confidence
    intervals for proportions with small expected number of positive counts, Survey Methodology 24, 1998; as the US
    National Center for Health Statistics reports shares, Series 2 No. 175, 2017). Without any variance between
    scenarios, as where the share is 1, events count as independent.
    """
    events, clusters = float(np.sum(denominator)), int(np.count_nonzero(denominator))
    if math.isnan(sample.value):
        return NOTHING
    p, error = sample.value, sample.error
    worth = min(events, p * (1 - p) / error**2) if error > 0 and 0 < p < 1 else events
    worth *= (stdtrit(max(events - 1, 1), TAIL) / stdtrit(max(clusters - 1, 1), TAIL)) ** 2
    worth = min(worth, events)
    found = p * worth
    low = float(betaincinv(found, worth - found + 1, TAIL)) if p > 0 else 0.0
    high = float(betaincinv(found + 1, worth - found, 1 - TAIL)) if p < 1 else 1.0
    return Estimate(p, low, high)


def paired_difference(a: Sample, b: Sample) -> Estimate:
    """The difference a − b of two arms over the same scenarios."""
    return interval(a - b)


def resample_weights(scenarios: int, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """How often each scenario is drawn in each bootstrap resample: (resamples, scenarios)."""
    return (
        rng(seed, "bootstrap", scenarios)
        .multinomial(scenarios, np.full(scenarios, 1 / scenarios), resamples)
        .astype(float)
    )


def estimate(value: float, resampled: Floats) -> Estimate:
    """The 95 % percentile interval of resampled values (R,), for what no jackknife follows, such as a rank
    correlation; resamples without a value are left out."""
    finite = resampled[np.isfinite(resampled)]
    if math.isnan(value) or len(finite) == 0:
        return NOTHING
    low, high = np.quantile(finite, [TAIL, 1 - TAIL])
    # With few scenarios the value itself can fall out of the percentiles by rounding.
    return Estimate(value, min(float(low), value), max(float(high), value))
