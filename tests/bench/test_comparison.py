"""Is a difference real? Arms that are alike are not told apart, arms that differ are found with the scenarios named,
and many comparisons are corrected for. On counts that are drawn, and on those of a real run: quickstart_counts.csv, six
arms over the 24 scenarios of a quickstart of 24 November 2026 (commit 5c2a51d10531)."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.comparison import LEVEL, Comparison, compare, detectable, holm, p_values, scenarios_needed
from bench.statistics import Floats, Sample, ratio

POSITIONS = 135
Counts = tuple[Floats, Floats]


def drawn(random: np.random.Generator, scenarios: int, gap: float = 0.0) -> tuple[Counts, Counts]:
    """Facings read exactly by two arms: some scenarios are hard for both, shoppers spoil every second one now and then,
    and each arm has its own luck. The second arm reads `gap` less of them."""
    shoppers = np.arange(scenarios) % 2 * random.gamma(1.0, 0.05, scenarios)
    ease = np.clip(random.normal(0.93, 0.02, scenarios) - shoppers, 0.1, 0.99)
    own = [np.clip(ease + random.normal(0, 0.03, scenarios) - g, 0, 1) for g in (0.0, gap)]
    return tuple((random.binomial(POSITIONS, p).astype(float), np.full(scenarios, float(POSITIONS))) for p in own)  # type: ignore[return-value]


def events(random: np.random.Generator, scenarios: int, gap: float = 0.0) -> tuple[Counts, Counts]:
    """Alarms of two arms and how many were right: few, not as many in each arm, and hardly ever wrong."""
    ease = np.clip(random.normal(0.95, 0.05, scenarios), 0.5, 1)
    made = []
    for g in (0.0, gap):
        alarms = random.poisson(8, scenarios)
        made.append((random.binomial(alarms, ease - g).astype(float), alarms.astype(float)))
    return made[0], made[1]


Draw = Callable[..., tuple[Counts, Counts]]


def one(a: Counts, b: Counts) -> Comparison:
    return compare([ratio(*a)], ratio(*b))[0]


def swapped(random: np.random.Generator, a: Counts, b: Counts) -> tuple[Counts, Counts]:
    """The labels of two arms swapped at random in each scenario."""
    swap = random.random(len(a[0])) < 0.5
    return tuple(tuple(np.where(swap, y, x) for x, y in zip(*pair)) for pair in ((a, b), (b, a)))  # type: ignore[return-value]


def quickstart(arm: str, found: str, of: str) -> Counts:
    with (Path(__file__).parent / "quickstart_counts.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["arm"] == arm]
    return np.array([float(row[found]) for row in rows]), np.array([float(row[of]) for row in rows])


REAL = {
    "facings": ("exact", "positions"),
    "OOS recall": ("out_found", "out"),
    "misplaced precision": ("misplaced_found", "misplaced_said"),
}


@pytest.mark.parametrize("scenarios", [10, 24])
@pytest.mark.parametrize("draw", [drawn, events])
def test_arms_whose_labels_are_swapped_are_not_told_apart(draw: Draw, scenarios: int) -> None:
    """A/A: the arms differ, but which is which is drawn for every scenario. 15 of 200 is the 95th percentile of 5 %."""
    random = np.random.default_rng(11)
    false = sum(one(*swapped(random, *draw(random, scenarios, 0.05))).p < LEVEL for _ in range(200))
    assert false <= 15


@pytest.mark.parametrize("metric", REAL)
def test_arms_of_a_real_run_are_not_told_apart_with_labels_swapped(metric: str) -> None:
    a, b = (quickstart(arm, *REAL[metric]) for arm in ("both + yolo11n", "overhead + yolo26n"))
    random = np.random.default_rng(12)
    assert sum(one(*swapped(random, a, b)).p < LEVEL for _ in range(200)) <= 15


def test_a_planted_difference_is_found_with_the_scenarios_named() -> None:
    """3 points: every trial asks its own pilot of 24 scenarios how many it takes, and runs as many anew."""
    random, trials, named, found = np.random.default_rng(13), 150, [], 0
    for _ in range(trials):
        a, b = (ratio(*counts) for counts in drawn(random, 24, 0.03))
        needed = scenarios_needed(0.03, (a - b).spread, 24)
        assert needed is not None
        named.append(needed)
        comparison = one(*drawn(random, needed, 0.03))
        found += comparison.real and comparison.difference > 0
    assert found / trials >= 0.80
    assert np.mean(named) < 50  # and not by asking for far too many


def test_what_is_named_grows_with_the_noise_and_shrinks_with_the_difference() -> None:
    noise = [scenarios_needed(0.03, spread, 24) for spread in (0.02, 0.05, 0.1)]
    gap = [scenarios_needed(gap, 0.05, 24) for gap in (0.02, -0.03, 0.1)]
    strict = [scenarios_needed(0.03, 0.05, 24, level) for level in (0.05, 0.01)]
    assert noise == sorted(noise)
    assert gap == sorted(gap, reverse=True)
    assert strict == sorted(strict)
    assert noise[1] == gap[1] == strict[0]  # the same question
    assert scenarios_needed(1e-5, 0.05, 24) is None
    assert scenarios_needed(0.0, 0.05, 24) is None
    assert scenarios_needed(5.0, 0.0, 24) == 6  # 2 of 2 ** 6 ways are below 5 %


def test_what_is_detectable_is_what_is_needed_for_it() -> None:
    gap = detectable(0.05, 30)
    assert scenarios_needed(gap * 1.001, 0.05, 30) == 30
    assert scenarios_needed(gap * 0.97, 0.05, 30) > 30  # type: ignore[operator]
    assert math.isnan(detectable(0.05, 5))


def test_five_scenarios_are_never_evidence() -> None:
    a, b = (np.full(5, 90.0), np.full(5, 100.0)), (np.full(5, 10.0), np.full(5, 100.0))
    got = one(a, b)
    assert got.difference == pytest.approx(0.8)
    assert not got.real
    assert got.words() == "not enough evidence: 1 more scenario would do"
    assert one(*((np.append(n, n[0]), np.append(d, d[0])) for n, d in (a, b))).real


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm(p: list[float]) -> None:
    got = holm(np.array(p))
    assert (got >= p).all()
    assert (got <= np.minimum(np.array(p) * len(p), 1) + 1e-12).all()
    # The definition: step down from the least, and stop at the first that does not pass.
    real = np.zeros(len(p), bool)
    for k, i in enumerate(np.argsort(p, kind="stable")):
        if not p[i] * (len(p) - k) < LEVEL:
            break
        real[i] = True
    assert (got < LEVEL).tolist() == real.tolist()


def test_many_arms_that_are_alike_seldom_hold_one_that_is_called_better() -> None:
    """20 arms against one, 100 times: without correction some arm is called real in most of them."""
    random, alone, corrected = np.random.default_rng(14), 0, 0
    for _ in range(100):
        base = random.normal(0.9, 0.03, 16)
        arms = [Sample(float(x.mean()), x - x.mean()) for x in base + random.normal(0, 0.02, (21, 16))]
        p = p_values([arm - arms[0] for arm in arms[1:]])
        alone += bool((p < LEVEL).any())
        corrected += bool((holm(p) < LEVEL).any())
    assert alone > 40
    assert corrected <= 10  # the 97th percentile of 5 %


def test_p_is_that_of_all_ways_to_swap_where_t_says_less() -> None:
    """Ten scenarios in which the second arm is never ahead: 2 of 1,024 ways are as far from 0."""
    gain = np.array([1, 2, 1, 1, 3, 1, 2, 1, 1, 2.0])
    sample = Sample(float(gain.mean()), gain - gain.mean())
    assert p_values([sample])[0] == pytest.approx(2 / 1024)
    assert p_values([Sample(-sample.value, -sample.pull)])[0] == pytest.approx(2 / 1024)


@given(st.integers(6, 20).flatmap(lambda n: st.lists(st.integers(-5, 9), min_size=n, max_size=n)))
def test_p_is_never_surer_than_the_interval(gains: list[int]) -> None:
    gain = np.array(gains, float)
    a, b = (50 + gain, np.full(len(gain), 100.0)), (np.full(len(gain), 50.0), np.full(len(gain), 100.0))
    got, other = one(a, b), one(b, a)
    assert got.p == pytest.approx(other.p)
    assert got.difference == pytest.approx(-other.difference)
    if got.low < -1e-9 and got.high > 1e-9:
        assert got.p > LEVEL - 1e-9
    if got.real:
        assert got.more_scenarios == 0


def test_an_arm_without_a_value_is_no_comparison() -> None:
    base, nothing = (np.full(12, 9.0), np.full(12, 10.0)), (np.zeros(12), np.zeros(12))
    got = compare([ratio(*nothing), ratio(*base)], ratio(*base))
    assert got[0].words() == "nothing to compare"
    assert got[1].words() == "no difference was seen"
    assert [c.comparisons for c in got] == [1, 1]
    assert compare([], ratio(*base)) == []


def test_a_real_run_of_six_arms_is_compared_within_a_second() -> None:
    arms = ["both + yolo26n", "angled + yolo11n", "angled + yolo26n", "overhead + yolo11n", "overhead + yolo26n"]
    start = time.perf_counter()
    got = {}
    for name, counts in REAL.items():
        got[name] = compare(
            [ratio(*quickstart(a, *counts)) for a in arms], ratio(*quickstart("both + yolo11n", *counts))
        )
        assert {c.comparisons for c in got[name]} == {5}
    assert time.perf_counter() - start < 1
    assert all(c.difference < 0 for c in got["facings"])
    assert got["facings"][-1].real
