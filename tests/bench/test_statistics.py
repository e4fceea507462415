"""Intervals and paired differences by bootstrap over scenarios."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.statistics import Floats, estimate, paired_difference, ratio, resample_weights

COUNTS = st.integers(2, 30).flatmap(lambda n: st.tuples(arrays(float, n, elements=st.integers(0, 9)), _positive(n)))


def _positive(n: int) -> st.SearchStrategy[Floats]:
    return arrays(float, n, elements=st.integers(1, 9))


@given(COUNTS)
def test_an_interval_holds_its_value(counts: tuple[Floats, Floats]) -> None:
    numerator, denominator = counts
    got = estimate(*ratio(numerator, denominator, resample_weights(len(numerator), 100)))
    assert got.low <= got.value <= got.high
    assert got.value == pytest.approx(numerator.sum() / denominator.sum())


@given(COUNTS)
def test_an_arm_differs_from_itself_by_nothing(counts: tuple[Floats, Floats]) -> None:
    arm = ratio(*counts, resample_weights(len(counts[0]), 100))
    got = paired_difference(arm, arm)
    assert (got.value, got.low, got.high) == (0, 0, 0)


@given(COUNTS, st.randoms(use_true_random=False))
def test_the_order_of_scenarios_means_nothing(counts: tuple[Floats, Floats], random: object) -> None:
    numerator, denominator = counts
    order = np.array(random.sample(range(len(numerator)), len(numerator)))  # type: ignore[attr-defined]
    weights = resample_weights(len(numerator), 100)
    there = estimate(*ratio(numerator, denominator, weights))
    again = estimate(*ratio(numerator[order], denominator[order], weights[:, order]))
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
    weights = resample_weights(24)
    a, b = ratio(base + 1, of, weights), ratio(base, of, weights)
    assert estimate(*b).high - estimate(*b).low > 0.05
    got = paired_difference(a, b)
    assert [got.low, got.value, got.high] == pytest.approx([0.01] * 3)


def test_an_interval_covers_as_often_as_it_says() -> None:
    random = np.random.default_rng(5)
    weights, of = resample_weights(30, 400), np.full(30, 50.0)
    covered = 0
    for _ in range(200):
        got = estimate(*ratio(random.binomial(50, random.beta(8, 2, 30)).astype(float), of, weights))
        covered += got.low <= 0.8 <= got.high
    assert 0.88 <= covered / 200 <= 0.99


@pytest.mark.parametrize("numerator", [np.zeros(5), np.array([])])
def test_nothing_to_measure_is_no_value(numerator: Floats) -> None:
    with np.errstate(all="ignore"):
        got = estimate(*ratio(numerator, np.zeros_like(numerator), np.ones((10, len(numerator)))))
    assert math.isnan(got.value)
    assert math.isnan(got.low)
    assert str(got) == "–"


def test_resamples_without_events_are_left_out() -> None:
    """One scenario of many holds all events: resamples that miss it have no ratio."""
    numerator, denominator = np.zeros(12), np.zeros(12)
    numerator[4], denominator[4] = 1, 2
    got = estimate(*ratio(numerator, denominator, resample_weights(12)))
    assert (got.value, got.low, got.high) == (0.5, 0.5, 0.5)
