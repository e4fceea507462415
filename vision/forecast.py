"""Forecast: how many units of every position will be wanted, and when it will have run out.

Each position sells at a rate that is believed to be gamma-distributed; what is sold in a day makes it surer, and what
was learned long ago fades, so that a trend is followed (Smith and Miller, A Non-Gaussian State Space Model and
Application to Prediction of Records, Journal of the Royal Statistical Society B 48, 1986). Days have busy hours, the
same for all positions. Units go in clumps, as one shopper takes several, which makes sales vary more than Poisson's.
Units wanted in a time are thus negative binomial. It needs numpy alone: libraries for intermittent demand (Croston,
TSB) give a mean without a distribution, and weigh more than what a device may hold.

Times are seconds of opening hours since today's opening; tomorrow begins when today's hours end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from vision.count import TAIL
from vision.unit_words import Floats, Ints

HOUR = 3600.0
MEMORY = 0.98
"""What a day's sales still weigh a day later (assumed: seven weeks count half as much as all before them)."""
PRIOR_HOUR = 5.0
"""Purchases in each hour that are taken for seen before any was, alike in all (assumed)."""
PRIOR_CLUMP = (20.0, 20.0)
"""Units squared and units of purchases of one unit that are taken for seen before any was (assumed)."""
STEPS = 8
"""Moments in an hour at which a position may run out."""


@dataclass(frozen=True, eq=False)
class SalesTrend:
    """What is known of how fast positions (Q,) sell. Their units a day are gamma-distributed of `shape` (Q,) and rate
    `days` (Q,); `hours` (H,) are the purchases counted in each opening hour; `clump` are the units squared and the
    units of all purchases."""

    shape: Floats
    days: Floats
    hours: Floats
    clump: tuple[float, float] = PRIOR_CLUMP

    @staticmethod
    def unknown(positions: int, open_hours: int, daily_units: float = 3.0) -> SalesTrend:
        """What is known of positions before any sale: all alike, as if one day of `daily_units` had been seen."""
        if positions < 0 or open_hours < 1 or not daily_units > 0:
            raise ValueError(
                f"positions {positions}, open_hours {open_hours}, daily_units {daily_units}; expected 0 or more, 1 or "
                "more, above 0"
            )
        return SalesTrend(np.full(positions, float(daily_units)), np.ones(positions), np.full(open_hours, PRIOR_HOUR))

    def learned(self, sold: Floats, on_shelf: Floats, purchases: Iterable[tuple[float, float]]) -> SalesTrend:
        """After a day: units `sold` (Q,) while positions were on the shelf for a share of it (Q,), as what is out
        cannot be sold; `purchases` are the moments and units of what shoppers took of one SKU together.

        Raises ValueError for units below 0 and shares that are none.
        """
        if (sold < 0).any() or ((on_shelf < 0) | (on_shelf > 1)).any():
            raise ValueError(f"sold from {sold.min()}, on_shelf to {on_shelf.max()}; expected 0 or more, shares")
        hours, clump = self.hours.copy(), np.array(self.clump)
        for time, units in purchases:
            hours[min(max(int(time / HOUR), 0), len(hours) - 1)] += 1
            clump += (units**2, units)
        # What has faded goes back to the mean of all, so that a position that is never seen to sell is not taken for
        # one that never will.
        mean = self.shape.sum() / self.days.sum() if len(self.shape) else 0.0
        shape = MEMORY * self.shape + (1 - MEMORY) * mean + sold
        return replace(
            self, shape=shape, days=MEMORY * self.days + (1 - MEMORY) + on_shelf, hours=hours,
            clump=(float(clump[0]), float(clump[1])),
        )  # fmt: skip

    def share(self, since: float, until: float) -> float:
        """How many days' sales fall between two moments."""
        return self._until(until) - self._until(since)

    def _until(self, time: float) -> float:
        days, hour = divmod(time / HOUR, len(self.hours))
        part = np.interp(hour, np.arange(len(self.hours) + 1), np.concatenate([[0.0], np.cumsum(self.hours)]))
        return float(days + part / self.hours.sum())

    def expected(self, since: float, until: float) -> Floats:
        """Units (Q,) that will be wanted between two moments, on average."""
        return np.asarray(self.shape / self.days * self.share(since, until))

    def wanted(self, since: float, until: float, most: int) -> Floats:
        """The chance (Q, most + 1) of every number of units wanted between two moments; more than `most` is what is
        left to 1."""
        mean = np.maximum(self.expected(since, until), 1e-9)[:, None]
        # Variance of clumps at an uncertain rate: mean × clump + mean² ÷ shape.
        size = mean / (max(self.clump[0] / self.clump[1] - 1, 1e-6) + mean / self.shape[:, None])
        k = np.arange(most)
        ratios = (k + size) / (k + 1) * (mean / (size + mean))
        first = np.exp(-size * np.log1p(mean / size))
        return np.asarray(np.cumprod(np.concatenate([first, ratios], axis=1), axis=1))


def chance_out(trend: SalesTrend, chances: Floats, since: float, until: float) -> Floats:
    """The chance (Q,) that what stands there, so many units with `chances` (Q, N + 1), is gone by a moment."""
    wanted = trend.wanted(since, until, chances.shape[1] - 1)
    fewer = np.cumsum(wanted, axis=1) - wanted  # than so many units are wanted
    return np.asarray(np.clip(1 - (chances * fewer).sum(axis=1), 0, 1))


def lost_units(trend: SalesTrend, chances: Floats, since: float, until: float) -> Floats:
    """Units (Q,) that will be wanted until a moment and not be there, on average, if nobody fills."""
    wanted = trend.wanted(since, until, chances.shape[1] - 1)
    more = np.clip(1 - np.cumsum(wanted, axis=1), 0, None)  # than so many units are wanted
    served = np.concatenate([np.zeros((len(more), 1)), np.cumsum(more, axis=1)[:, :-1]], axis=1)
    return np.maximum(trend.expected(since, until) - (chances * served).sum(axis=1), 0.0)


def enough(trend: SalesTrend, since: float, until: float, service: float, most: int) -> Ints:
    """The fewest units (Q,), `most` at most, that are as many as will be wanted with chance `service` at least."""
    reached = np.cumsum(trend.wanted(since, until, most), axis=1) >= service
    return np.where(reached.any(axis=1), reached.argmax(axis=1), most)


@dataclass(frozen=True, eq=False)
class StockOut:
    """Seconds (Q,) from now until positions have run out: median, and the ends of the 90 % interval; infinite where
    that is beyond the days looked at."""

    middle: Floats
    low: Floats
    high: Floats


def time_to_stock_out(trend: SalesTrend, chances: Floats, now: float, days: float = 3.0) -> StockOut:
    """When positions that hold so many units with `chances` (Q, N + 1) at a moment will have run out, if nobody fills,
    to a quarter of an hour or so."""
    steps = np.arange(1, int(days * len(trend.hours) * STEPS) + 1) * HOUR / STEPS
    out = np.stack([chances[:, 0], *(chance_out(trend, chances, now, now + s) for s in steps)], axis=1)
    moments = np.concatenate([[0.0], steps])
    low, middle, high = (
        np.where((out >= q).any(axis=1), moments[(out >= q).argmax(axis=1)], np.inf) for q in (TAIL, 0.5, 1 - TAIL)
    )
    return StockOut(middle, low, high)
