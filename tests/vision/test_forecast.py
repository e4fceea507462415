"""Forecasts: what is learned of sales, and how sure of it one may be on days that were not seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision.forecast import HOUR, SalesTrend, chance_out, enough, lost_units, time_to_stock_out

OPEN = 14
CLOSES = OPEN * HOUR
ALL_DAY = np.ones(2)


def selling(*daily: float, days: int = 60) -> SalesTrend:
    """What is known of positions that have sold so many a day for a while."""
    trend = SalesTrend.unknown(len(daily), OPEN)
    for _ in range(days):
        trend = trend.learned(np.array(daily), np.ones(len(daily)), [(HOUR * h + 1, 1) for h in range(OPEN)])
    return trend


def test_before_any_sale_all_are_alike_and_no_hour_is_busier() -> None:
    trend = SalesTrend.unknown(2, OPEN, 4.0)
    assert trend.expected(0.0, CLOSES) == pytest.approx([4.0, 4.0])
    assert trend.expected(3 * HOUR, 4 * HOUR) == pytest.approx([4.0 / OPEN] * 2)
    assert trend.share(CLOSES / 2, 3 * CLOSES) == pytest.approx(2.5)


def test_a_trend_is_followed_and_the_mean_of_all_never_forgotten() -> None:
    trend = selling(1.0, 9.0)
    slow, fast = trend.expected(0.0, CLOSES)
    assert 1.0 < slow < 1.4 < 8.5 < fast < 9.0
    for _ in range(60):
        trend = trend.learned(np.array([9.0, 9.0]), ALL_DAY, [])
    assert trend.expected(0.0, CLOSES)[0] > 6


def test_what_was_out_half_the_day_sells_twice_as_much_as_it_did() -> None:
    trend = SalesTrend.unknown(2, OPEN)
    for _ in range(200):
        trend = trend.learned(np.array([2.0, 4.0]), np.array([0.5, 1.0]), [])
    assert trend.expected(0.0, CLOSES) == pytest.approx([4.0, 4.0], abs=0.1)


def test_busy_hours_are_learned() -> None:
    trend = SalesTrend.unknown(2, OPEN).learned(np.zeros(2), ALL_DAY, [(5.5 * HOUR, 1)] * 500)
    assert trend.share(5 * HOUR, 6 * HOUR) > 0.8
    assert trend.share(0.0, CLOSES) == pytest.approx(1.0)


def test_shoppers_who_take_several_make_sales_vary_more() -> None:
    ones = SalesTrend.unknown(1, OPEN).learned(np.array([40.0]), np.ones(1), [(0.0, 1)] * 400)
    dozens = SalesTrend.unknown(1, OPEN).learned(np.array([40.0]), np.ones(1), [(0.0, 12)] * 40)
    most = [float(enough(t, 0.0, CLOSES, 0.95, 400)[0]) for t in (ones, dozens)]
    assert most[1] > most[0] + 10


@given(
    st.lists(st.floats(0, 30), min_size=1, max_size=4), st.floats(0, 3 * CLOSES), st.floats(0, CLOSES),
    st.integers(0, 40),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_chances_are_chances(daily: list[float], since: float, lasts: float, units: int) -> None:
    trend = selling(*daily, days=3)
    wanted = trend.wanted(since, since + lasts, 2000)
    assert (wanted >= 0).all()
    assert wanted.sum(axis=1) == pytest.approx(np.ones(len(daily)), abs=1e-3)
    assert wanted @ np.arange(2001) == pytest.approx(trend.expected(since, since + lasts), abs=0.05)
    held = np.eye(2001)[[units] * len(daily)]
    out = [chance_out(trend, held, since, since + s) for s in (lasts / 2, lasts)]
    assert (out[0] <= out[1] + 1e-9).all()
    fewer = chance_out(trend, np.eye(2001)[[max(units - 1, 0)] * len(daily)], since, since + lasts)
    assert (fewer >= out[1] - 1e-9).all()
    by_hand = wanted @ np.maximum(np.arange(2001) - units, 0)
    assert lost_units(trend, held, since, since + lasts) == pytest.approx(by_hand, abs=0.05)


def test_enough_is_the_fewest_that_suffice() -> None:
    trend = selling(6.0)
    n = int(enough(trend, 0.0, CLOSES, 0.9, 50)[0])
    cumulative = np.cumsum(trend.wanted(0.0, CLOSES, 50)[0])
    assert cumulative[n] >= 0.9 > cumulative[n - 1]
    assert enough(trend, 0.0, CLOSES, 0.9, 2)[0] == 2


def test_what_is_empty_is_out_now_and_what_lasts_for_weeks_is_not_out_within_days() -> None:
    trend = selling(6.0, 6.0, 6.0)
    says = time_to_stock_out(trend, np.eye(101)[[0, 6, 100]], 0.0)
    assert says.low[0] == says.middle[0] == says.high[0] == 0
    assert 0 < says.low[1] < says.middle[1] < says.high[1] < np.inf
    assert says.middle[1] == pytest.approx(CLOSES, rel=0.15)
    assert np.isinf([says.low[2], says.high[2]]).all()


def test_intervals_hold_what_is_sold_on_days_that_were_not_seen() -> None:
    """Shoppers come as Poisson says, at rates from 0.3 to 12 a day, and take 1 unit or more (geometric)."""
    random = np.random.default_rng(0)
    rates = random.gamma(1.2, 2.5, 150) + 0.3

    def sold() -> tuple[np.ndarray, list[tuple[float, float]]]:
        lots = [random.geometric(0.7, random.poisson(r / (1 / 0.7))) for r in rates]
        purchases = [(float(random.uniform(0, CLOSES)), float(n)) for lot in lots for n in lot]
        return np.array([lot.sum() for lot in lots], float), purchases

    trend = SalesTrend.unknown(len(rates), OPEN)
    for _ in range(28):
        units, purchases = sold()
        trend = trend.learned(units, np.ones(len(rates)), purchases)
    cumulative = np.cumsum(trend.wanted(0.0, CLOSES, 200), axis=1)
    low, high = ((cumulative >= q).argmax(axis=1) for q in (0.05, 0.95))
    days = np.array([sold()[0] for _ in range(30)])
    # Of whole units an interval holds 90 % or more; neither end may be passed more often than it says, by much.
    assert 0.90 <= ((low <= days) & (days <= high)).mean() <= 0.97
    assert (days < low).mean() <= 0.055
    assert (days > high).mean() <= 0.055


@pytest.mark.parametrize(
    ("sold", "on_shelf"), [([-1.0, 0.0], [1.0, 1.0]), ([1.0, 0.0], [1.2, 1.0]), ([1.0, 0.0], [-0.1, 1.0])]
)
def test_sales_below_nothing_and_shares_that_are_none_are_refused(sold: list[float], on_shelf: list[float]) -> None:
    with pytest.raises(ValueError, match="expected 0 or more, shares"):
        SalesTrend.unknown(2, OPEN).learned(np.array(sold), np.array(on_shelf), [])


def test_a_day_without_sales_is_learned_from() -> None:
    trend = SalesTrend.unknown(2, OPEN)
    after = trend.learned(np.zeros(2), ALL_DAY, [])
    assert (after.expected(0.0, CLOSES) < trend.expected(0.0, CLOSES)).all()
    assert np.isfinite(after.wanted(0.0, CLOSES, 10)).all()


def test_nothing_to_sell_in_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 0 or more, 1 or more, above 0"):
        SalesTrend.unknown(2, 0)
