"""How often 95 % intervals hold the truth: python -m bench.coverage

Draws experiments of which the truth is known, as many scenarios as a study has, and counts. Shoppers spoil every second
scenario now and then, arms share what is hard in a scenario, and some events are rare: as in a store. Beside the
intervals that `bench.statistics` gives stand percentiles of a paired bootstrap. Ten minutes of one core.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench.statistics import (
    Estimate,
    Floats,
    estimate,
    interval,
    paired_difference,
    ratio,
    resample_weights,
    share_interval,
)
from scenarios import rng

SIZES = (6, 10, 24, 40)
EXPERIMENTS = 1000
MANY = 1_000_000
"""Scenarios that the truth is taken from."""


@dataclass(frozen=True)
class Metric:
    """What is drawn: the odds of either arm before a scenario's ease, and how many events an arm has in a scenario."""

    name: str
    odds: tuple[float, float]
    events: Callable[[np.random.Generator, int], Floats]
    share: bool = True


METRICS = (
    Metric("facings exact", (3.2, 2.8), lambda _, s: np.full(s, 135.0)),
    Metric("OOS recall", (2.2, 1.8), lambda r, s: r.poisson(8, s).astype(float)),
    Metric("OOS precision", (4.5, 4.0), lambda r, s: r.poisson(8, s).astype(float)),
    Metric("units error", (0.0, 0.1), lambda r, s: r.poisson(1500, s).astype(float), share=False),
)


def draw(random: np.random.Generator, metric: Metric, scenarios: int) -> list[tuple[Floats, Floats]]:
    """Numerators and denominators (S,) of two arms."""
    shoppers = np.arange(scenarios) % 2 * random.gamma(1.0, 0.6, scenarios)
    ease = random.normal(0, 0.5, scenarios) - shoppers
    made = []
    for odds in metric.odds:
        own, of = odds + ease + random.normal(0, 0.25, scenarios), metric.events(random, scenarios)
        found = (
            random.binomial(of.astype(int), 1 / (1 + np.exp(-own))) if metric.share else 0.2 * of * np.exp(-0.15 * own)
        )
        made.append((found.astype(float), of))
    return made


def bootstrap(arms: list[tuple[Floats, Floats]]) -> tuple[Estimate, Estimate]:
    """Percentile intervals of the first arm, and of the difference of both."""
    weights = resample_weights(len(arms[0][0]))
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = ((weights @ n) / (weights @ d) for n, d in arms)
    values = [ratio(*arm).value for arm in arms]
    return estimate(values[0], a), estimate(values[0] - values[1], a - b)


def ours(metric: Metric, arms: list[tuple[Floats, Floats]]) -> tuple[Estimate, Estimate]:
    """The same by `bench.statistics`."""
    a, b = (ratio(*arm) for arm in arms)
    return share_interval(a, arms[0][1]) if metric.share else interval(a), paired_difference(a, b)


def coverage(metric: Metric, scenarios: int, experiments: int = EXPERIMENTS) -> Floats:
    """Shares of experiments whose interval holds the truth (4,): of a value by bootstrap and ours, then of a gap."""
    a, b = (n.sum() / d.sum() for n, d in draw(rng(0, "truth", metric.name), metric, MANY))
    random, truth = rng(0, "coverage", metric.name, scenarios), (a, a - b)
    held: list[list[bool]] = []
    while len(held) < experiments:
        arms = draw(random, metric, scenarios)
        if all(d.sum() for _, d in arms):
            pairs = zip(bootstrap(arms), ours(metric, arms))
            held.append([e.low <= t <= e.high for t, pair in zip(truth, pairs) for e in pair])
    return np.mean(held, axis=0)


def main(experiments: int = EXPERIMENTS) -> None:
    """Print the table of docs/statistics.md."""
    print("| metric | scenarios | value, percentiles | value, ours | difference, percentiles | difference, ours |")
    print("|---|---|---|---|---|---|")
    for metric in METRICS:
        for scenarios in SIZES:
            cells = " | ".join(f"{share:.3f}" for share in coverage(metric, scenarios, experiments))
            print(f"| {metric.name} | {scenarios} | {cells} |", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
