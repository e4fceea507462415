"""Demand: the baskets that shoppers want, hour by hour. Plain data; `bench.demand` makes it of real sales.

Baskets are drawn as wholes, so that what is bought together stays together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scenarios.files import InputError
from scenarios.randomness import rng

HOUR = 3600.0
OPEN_HOURS = (7, 21)
"""A shop open from 7 to 21 o'clock (assumed)."""
TWO_PEAKS = {7: 0.4, 8: 0.6, 9: 0.8, 10: 1.0, 11: 1.2, 12: 1.2, 13: 1.0, 14: 1.0, 15: 1.1, 16: 1.4, 17: 1.6, 18: 1.4,
             19: 0.9, 20: 0.5}  # fmt: skip
"""How busy each hour is against the others where no data says so (assumed: noon, and after work)."""
PARAMETRIC_BASKETS = 4000
"""Baskets that a parametric demand is made of."""


@dataclass(frozen=True, eq=False)
class Demand:
    """Baskets to draw from: `sku` (N,) of every unit and `basket` (N,) which of them it is in, from 0, rising; `hour`
    (B,) of the day at which each basket is bought. `weekly_units`: what the store sells a week of these SKUs.
    `source` says where it is from.
    """

    sku: NDArray[np.object_]
    basket: NDArray[np.int64]
    hour: NDArray[np.int64]
    weekly_units: float
    source: str
    open_hours: tuple[int, int] = OPEN_HOURS

    def __post_init__(self) -> None:
        opens, closes = self.open_hours
        if not 0 <= opens < closes <= 24:
            raise ValueError(f"open_hours {self.open_hours}; expected 0 <= opens < closes <= 24")
        if not self.weekly_units >= 0:
            raise ValueError(f"weekly_units {self.weekly_units}; expected 0 or more")
        if len(self.sku) != len(self.basket) or (np.diff(self.basket) < 0).any():
            raise ValueError(f"{len(self.sku)} SKUs of {len(self.basket)} baskets; expected as many, baskets rising")
        if len(self.basket) and not 0 <= self.basket[0] <= self.basket[-1] < len(self.hour):
            raise ValueError(f"baskets {self.basket[0]} to {self.basket[-1]}; expected 0 to {len(self.hour) - 1}")

    @property
    def open_seconds(self) -> float:
        return (self.open_hours[1] - self.open_hours[0]) * HOUR

    @cached_property
    def daily_units(self) -> dict[str, float]:
        """Units a day that are wanted of each SKU on average."""
        skus, counts = np.unique(self.sku.astype(str), return_counts=True)
        share = self.weekly_units / 7 / max(len(self.sku), 1)
        return {str(s): float(n * share) for s, n in zip(skus, counts)}

    def draw(self, seed: int, factor: float = 1.0) -> list[tuple[float, int, str]]:
        """A day's wishes as (seconds since opening, basket, SKU), rising in time; `factor` is times the volume.

        How many baskets come is a Poisson draw; which, by lot, each in its hour. A basket's units are taken within
        its shopper's ten minutes.
        """
        random = rng(seed, "demand")
        filled = len(np.unique(self.basket))
        if not filled or self.weekly_units * factor == 0:
            return []
        baskets = int(random.poisson(factor * self.weekly_units / 7 * len(self.hour) / len(self.sku)))
        chosen = random.integers(len(self.hour), size=baskets)
        within = random.random(baskets)
        first, last = np.searchsorted(self.basket, [chosen, chosen + 1])
        opens, closes = self.open_hours
        wishes = []
        for n, (b, share) in enumerate(zip(chosen.tolist(), within.tolist())):
            hour = min(max(int(self.hour[b]), opens), closes - 1)
            begins = (hour - opens + share) * HOUR
            walk = np.sort(rng(seed, "walk", n).random(last[n] - first[n])) * 600.0
            for unit, later in zip(self.sku[first[n] : last[n]].tolist(), walk.tolist()):
                wishes.append((min(begins + later, self.open_seconds), n, str(unit)))
        return sorted(wishes)


def parametric_demand(
    daily_units: Mapping[str, float], weekly_units: float | None = None, basket_units: float = 2.0,
    hours: Mapping[int, float] = TWO_PEAKS, seed: int = 0,
) -> Demand:  # fmt: skip
    """Demand for what-if studies: SKUs in proportion to their daily units, baskets of 1 + Poisson units whose mean is
    `basket_units`, hours by weight. `weekly_units` defaults to seven days of them all. Raises InputError.
    """
    rates = {sku: float(rate) for sku, rate in daily_units.items() if rate > 0}
    if not rates or not basket_units >= 1 or not hours or min(hours.values()) < 0 or sum(hours.values()) <= 0:
        raise InputError(
            f"demand: {len(rates)} SKUs that sell, baskets of {basket_units} units, {len(hours)} hours; "
            "expected a SKU with daily units above 0, 1 unit or more, and an hour that weighs more than 0"
        )
    random = rng(seed, "parametric demand")
    sizes = 1 + random.poisson(basket_units - 1, PARAMETRIC_BASKETS)
    weight = np.array(list(rates.values()))
    sku = random.choice(np.array(list(rates), object), int(sizes.sum()), p=weight / weight.sum())
    shares = np.array(list(hours.values()), float)
    hour = random.choice(np.array(list(hours)), PARAMETRIC_BASKETS, p=shares / shares.sum())
    week = 7 * float(weight.sum()) if weekly_units is None else float(weekly_units)
    opens = (min(hours), max(hours) + 1)
    return Demand(
        sku, np.repeat(np.arange(PARAMETRIC_BASKETS), sizes), hour.astype(np.int64), week, "parametric", opens
    )
