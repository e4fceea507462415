"""Restocking: who is sent where, with how much."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.layouts import small_layout
from vision.forecast import SalesTrend
from vision.restock import Policy, forecast_tasks, reorder_tasks
from vision.unit_words import Room


def selling(**daily: float):
    """The small store, with units a day of some SKUs."""
    layout = small_layout()
    products = tuple(replace(p, daily_units=daily.get(p.sku, 1.0)) for p in layout.catalog)
    return replace(layout, catalog=replace(layout.catalog, products=products))


LAYOUT = selling(jar=9.0)
ROOM = Room.of(LAYOUT)
Q = len(ROOM.capacity)
ROW = {p.id: n for n, p in enumerate(LAYOUT.planogram.positions)}


def test_what_is_low_is_filled_to_the_brim_the_dearest_first() -> None:
    units = ROOM.capacity.astype(float)
    units[ROW["p-box"]], units[ROW["p-jar"]], units[ROW["p-can"]] = 1, 0, np.nan
    tasks = reorder_tasks(LAYOUT, units)
    assert [(t.position, t.units, t.priority) for t in tasks] == [("p-jar", 3, 22.5), ("p-box", 5, 0.0)]


def test_books_that_say_less_than_nothing_send_no_more_than_there_is_room_for() -> None:
    task = reorder_tasks(LAYOUT, np.where(np.arange(Q) == 0, -3.0, 99.0))
    assert [(t.position, t.units) for t in task] == [("p-box", 6)]


def test_what_sells_fast_is_filled_before_it_is_low_and_what_does_not_sell_is_left() -> None:
    trend = SalesTrend.unknown(Q, 14)
    sold = np.full(Q, 0.05)
    sold[ROW["p-jar"]] = 9.0
    for _ in range(30):
        trend = trend.learned(sold, np.ones(Q), [])
    held = np.full(Q, 2)
    tasks = forecast_tasks(LAYOUT, trend, np.eye(ROOM.most + 1)[held], 0.0)
    assert [(t.position, t.units) for t in tasks] == [("p-jar", 1)]
    assert tasks[0].priority > 10


@given(st.lists(st.integers(0, 9), min_size=Q, max_size=Q), st.floats(0, 14 * 3600), st.floats(0.01, 0.99))
@settings(max_examples=40, deadline=None)
def test_nobody_carries_what_there_is_no_room_for(held: list[int], now: float, risk: float) -> None:
    units = np.minimum(held, ROOM.capacity)
    tasks = forecast_tasks(LAYOUT, SalesTrend.unknown(Q, 14), np.eye(ROOM.most + 1)[units], now, Policy(risk=risk))
    for task in tasks:
        assert 1 <= task.units <= ROOM.capacity[ROW[task.position]] - units[ROW[task.position]]
    assert [t.priority for t in tasks] == sorted((t.priority for t in tasks), reverse=True)
    empty = {p for p, row in ROW.items() if units[row] == 0}
    assert empty <= {t.position for t in tasks}


@pytest.mark.parametrize("words", [{"ahead": 0.0}, {"ahead": 5.0, "cover": 4.0}, {"risk": 1.0}, {"service": 0.0}])
def test_policies_that_make_no_sense_are_refused(words: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected 0 < ahead <= cover"):
        Policy(**words)
