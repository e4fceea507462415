"""Intervals over scenarios, and the pull of each scenario that they rest on."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.coverage import METRICS, coverage
from bench.statistics import (
    Floats,
    Sample,
    estimate,
    interval,
    jackknife,
    leave_one_out,
    paired_difference,
    ratio,
    resample_weights,
    share_interval,
)

COUNTS = st.integers(2, 30).flatmap(lambda n: st.tuples(arrays(float, n, elements=st.integers(0, 9)), _positive(n)))


def _positive(n: int) -> st.SearchStrategy[Floats]:
    return arrays(float, n, elements=st.integers(1, 9))


def _share(counts: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Part of each denominator."""
    return np.minimum(*counts), counts[1]


@given(COUNTS)
def test_an_interval_holds_its_value(counts: tuple[Floats, Floats]) -> None:
    share, of = _share(counts)
    for value, got in (
        (counts[0].sum() / of.sum(), interval(ratio(*counts))),
        (share.sum() / of.sum(), share_interval(ratio(share, of), of)),
    ):
        assert got.low - 1e-9 <= got.value <= got.high + 1e-9
        assert got.value == pytest.approx(value)
    assert got.low >= 0
    assert got.high <= 1


@given(COUNTS)
def test_a_ratio_is_its_own_jackknife(counts: tuple[Floats, Floats]) -> None:
    numerator, denominator = counts
    weights = leave_one_out(len(numerator))
    slow = jackknife(numerator.sum() / denominator.sum(), (weights @ numerator) / (weights @ denominator))
    fast = ratio(numerator, denominator)
    assert fast.value == slow.value
    np.testing.assert_allclose(fast.pull, slow.pull, atol=1e-9)


@given(COUNTS)
def test_an_arm_differs_from_itself_by_nothing(counts: tuple[Floats, Floats]) -> None:
    arm = ratio(*counts)
    got = paired_difference(arm, arm)
    assert (got.value, got.low, got.high) == (0, 0, 0)


@given(COUNTS, st.randoms(use_true_random=False))
def test_the_order_of_scenarios_means_nothing(counts: tuple[Floats, Floats], random: object) -> None:
    share, of = _share(counts)
    order = np.array(random.sample(range(len(of)), len(of)))  # type: ignore[attr-defined]
    for of_counts in (lambda n, d: interval(ratio(n, d)), lambda n, d: share_interval(ratio(n, d), d)):
        there, again = of_counts(share, of), of_counts(share[order], of[order])
        assert [there.value, there.low, there.high] == pytest.approx([again.value, again.low, again.high])


def test_weights_draw_as_many_scenarios_as_there_are_and_repeat() -> None:
    weights = resample_weights(26, 500, seed=7)
    assert weights.shape == (500, 26)
    assert (weights.sum(axis=1) == 26).all()
    assert np.array_equal(weights, resample_weights(26, 500, seed=7))
    assert not np.array_equal(weights, resample_weights(26, 500, seed=8))


def test_pairing_removes_what_both_arms_share() -> None:
    """Scenarios differ a lot and the arms by one count in each: the difference is sure, the values are not."""
    random = np.random.default_rng(3)
    base, of = random.integers(20, 80, 24).astype(float), np.full(24, 100.0)
    a, b = ratio(base + 1, of), ratio(base, of)
    assert interval(b).high - interval(b).low > 0.05
    got = paired_difference(a, b)
    assert [got.low, got.value, got.high] == pytest.approx([0.01] * 3)


@pytest.mark.parametrize("scenarios", [10, 40])
def test_intervals_cover_as_often_as_they_say(scenarios: int) -> None:
    """Shares that vary from scenario to scenario, and the paired difference of two that vary together."""
    random, of, runs = np.random.default_rng(5), np.full(scenarios, 50.0), 400
    value, gap = np.zeros(runs), np.zeros(runs)
    for i in range(runs):
        ease = random.beta(8, 2, scenarios)
        a, b = (ratio(random.binomial(50, p).astype(float), of) for p in (ease, ease - 0.1 * ease**2))
        e, d = share_interval(a, of), paired_difference(a, b)
        value[i] = e.low <= 0.8 <= e.high
        gap[i] = d.low <= 0.1 * 0.72 / 1.1 <= d.high  # E ease² = 8 · 9 / (10 · 11)
    assert 0.93 <= value.mean() <= 0.99
    assert 0.93 <= gap.mean() <= 0.97


def test_where_events_are_rare_intervals_hold_more_than_percentiles() -> None:
    rare = next(metric for metric in METRICS if metric.name == "OOS precision")
    old_value, value, old_gap, gap = coverage(rare, 10, 100)
    assert value > 0.93
    assert value > old_value + 0.1
    assert gap > old_gap + 0.05


def test_resampling_a_sample_is_resampling_its_scenarios() -> None:
    random = np.random.default_rng(2)
    numerator, denominator = random.binomial(80, 0.7, 30).astype(float), np.full(30, 80.0)
    weights = resample_weights(30)
    exact = (weights @ numerator) / (weights @ denominator)
    np.testing.assert_allclose(ratio(numerator, denominator).resampled(weights), exact, atol=1e-12)
    assert estimate(0.7, exact).low < 0.7 < estimate(0.7, exact).high


@pytest.mark.parametrize("numerator", [np.zeros(5), np.array([])])
def test_nothing_to_measure_is_no_value(numerator: Floats) -> None:
    nothing = np.zeros_like(numerator)
    for got in (interval(ratio(numerator, nothing)), share_interval(ratio(numerator, nothing), nothing)):
        assert math.isnan(got.value)
        assert math.isnan(got.low)
        assert str(got) == "–"


@pytest.mark.parametrize(("found", "low", "high"), [(60, 0.94, 1.0), (0, 0.0, 0.06)])
def test_no_error_seen_is_not_no_error(found: float, low: float, high: float) -> None:
    """60 events without an error bound the error by 6 % (Clopper and Pearson), not by nothing."""
    got = share_interval(ratio(np.full(20, found / 20), np.full(20, 3.0)), np.full(20, 3.0))
    assert (got.low, got.high) == pytest.approx((low, high), abs=0.01)


def test_events_of_one_scenario_say_little_of_others() -> None:
    """One scenario of twelve holds all 40 events, or each holds its part."""
    one, all_of = np.zeros(12), np.full(12, 40 / 12)
    one[4] = 40
    alone, spread = (share_interval(ratio(0.5 * d, d), d) for d in (one, all_of))
    assert alone.value == spread.value == 0.5
    assert alone.high - alone.low > 2 * (spread.high - spread.low)


def test_one_scenario_leaves_everything_open() -> None:
    got = interval(Sample(0.4, np.zeros(1)), 0.0, 1.0)
    assert (got.low, got.value, got.high) == (0.0, 0.4, 1.0)
