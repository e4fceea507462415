"""The timeline: what stands where at any moment, and what is refused."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios import Mess
from scenarios.day import NO_TROUBLE, Day, Trouble, draw_day
from scenarios.demand import Demand, parametric_demand
from scenarios.events import (
    Damage,
    LostSale,
    Misplacement,
    MissedRestock,
    Removal,
    Restock,
    Sale,
    ScanError,
    SensorEvent,
    Theft,
    WrongReplenishment,
    kind_of,
)
from scenarios.files import InputError
from scenarios.stock import draw_stock
from scenarios.timeline import Timeline
from tests.layouts import TIDY, small_layout

LAYOUT = small_layout()
FULL = draw_stock(LAYOUT, dataclasses.replace(TIDY), 3)
ROW = {p.id: n for n, p in enumerate(LAYOUT.planogram.positions)}


def demand(weekly: float = 1400.0) -> Demand:
    return parametric_demand({p.sku: 1.0 + n for n, p in enumerate(LAYOUT.planogram.positions)}, weekly)


def units(timeline: Timeline, position: str, time: float) -> int:
    return int(timeline.units_at([time])[0, ROW[position]])


def test_what_is_taken_is_missing_from_that_moment_on() -> None:
    before = FULL.units_of(LAYOUT.planogram.positions[0])
    day = Timeline.of(LAYOUT, FULL, [Sale(10.0, 1, "box", "p-box", 0)])
    assert [units(day, "p-box", t) for t in (0.0, 9.9, 10.0, 99.0)] == [before, before, before - 1, before - 1]
    assert day.stock_at(99.0).units_of(LAYOUT.planogram.positions[0]) == before - 1
    assert not day.refused


def test_a_misplaced_unit_stands_in_front_of_another_position() -> None:
    sold = [Sale(1.0, 1, "jar", "p-jar", 0)]  # room for it
    day = Timeline.of(LAYOUT, FULL, [*sold, Misplacement(5.0, "tube", "p-tube", 0, "p-jar", 0)])
    assert not day.refused
    jar = next(p for p in LAYOUT.planogram.positions if p.id == "p-jar")
    assert day.stock_at(4.0).intruder_of(jar) is None
    assert day.stock_at(5.0).intruder_of(jar) == "tube"
    front = next(u for u in day.stock_at(5.0).units if u.position == "p-jar" and u.row == 0)
    assert front.sku == "tube"


REFUSED = [
    (Sale(5.0, 1, "box", "p-box", 0), "time runs backwards"),
    (Sale(math.nan, 1, "box", "p-box", 0), "time runs backwards"),
    (Sale(20.0, 1, "soap", "p-box", 0), "unknown SKU"),
    (ScanError(20.0, 1, "box", "soap"), "unknown SKU"),
    (LostSale(20.0, 1, "soap"), "unknown SKU"),
    (Sale(20.0, 1, "box", "p-nowhere", 0), "unknown position"),
    (MissedRestock(20.0, "p-nowhere"), "unknown position"),
    (Misplacement(20.0, "can", "p-can", 0, "p-nowhere", 0), "unknown position"),
    (Sale(20.0, 1, "box", "p-box", 7), "negative stock"),
    (Sale(20.0, 1, "can", "p-box", 0), "negative stock"),
    (Theft(20.0, "box", "p-box", (0,) * 99), "negative stock"),
    (Damage(20.0, "box", "p-box", (0,) * 99), "negative stock"),
    (Removal(20.0, "can", "p-box", (0,)), "negative stock"),
    (Restock(20.0, "p-box", "box", (0,) * 99, 99), "no room"),
    (WrongReplenishment(20.0, "p-box", "can", (5,), 1), "no room"),
    (SensorEvent(20.0, "nose", False), "unknown source"),
]  # fmt: skip


@pytest.mark.parametrize(("event", "reason"), REFUSED, ids=[f"{kind_of(e)}: {r}" for e, r in REFUSED])
def test_what_cannot_have_happened_is_named_and_the_day_goes_on(event, reason: str) -> None:
    first, last = Sale(10.0, 1, "box", "p-box", 0), Sale(30.0, 2, "can", "p-can", 0)
    day = Timeline.of(LAYOUT, FULL, [first, event, last])
    assert day.events == (first, last)
    assert [(r.number, r.event is event, r.reason) for r in day.refused] == [(1, True, reason)]
    assert day.refusals == {reason: 1}
    assert day.refused[0].detail


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_a_day_is_its_seeds_and_nothing_of_it_is_impossible(seed: int) -> None:
    stock = draw_stock(LAYOUT, Mess(out=0.1), seed)
    busy = Trouble(0.1, 2, 0.05, 0.1, 0.1, 0.2, 0.2, 0.2)
    day, again = (draw_day(LAYOUT, stock, demand(), busy, seed) for _ in range(2))
    assert day.events == again.events
    assert not day.refused
    times = sorted(e.time for e in day.events)
    assert [e.time for e in day.events] == times
    for p, row in zip(LAYOUT.planogram.positions, day.units_at([0.0, 2e4, 6e4]).T):
        assert row.min() >= 0
        assert row.max() <= p.wide * p.high * p.deep


def test_stays_and_replay_agree_at_every_moment() -> None:
    day = draw_day(LAYOUT, FULL, demand(), Trouble(0.1, 2, 0.05, 0.1, 0.1, 0.2, 0.2, 0.2), 5)
    moments = np.linspace(0, 50400, 9).tolist()
    by_stays = day.units_at(moments)
    for m, shelves in enumerate(day.walk(moments)):
        stock = shelves.stock()
        assert [stock.units_of(p) for p in LAYOUT.planogram.positions] == by_stays[m].tolist()


def test_one_trouble_more_leaves_the_shoppers_wishes_as_they_were() -> None:
    def wishes(day: Timeline) -> list:
        return [(e.time, e.basket, e.sku) for e in day.events if isinstance(e, (Sale, LostSale))]

    calm = draw_day(LAYOUT, FULL, demand(), NO_TROUBLE, 5)
    robbed = draw_day(LAYOUT, FULL, demand(), dataclasses.replace(NO_TROUBLE, theft=0.2, theft_units=2), 5)
    silent = draw_day(LAYOUT, FULL, demand(), NO_TROUBLE, 5, silences=[("pos", 3600.0, 7200.0)])
    assert wishes(calm) == wishes(robbed) == wishes(silent)
    assert any(isinstance(e, Theft) for e in robbed.events)
    assert [e for e in silent.events if not isinstance(e, SensorEvent)] == list(calm.events)


def test_troubles_come_as_often_as_asked() -> None:
    days = [draw_day(LAYOUT, FULL, demand(7000.0), Trouble(theft=0.05, theft_units=1.0), seed) for seed in range(20)]
    sold = sum(isinstance(e, (Sale, LostSale)) for d in days for e in d.events)
    stolen = sum(len(e.columns) for d in days for e in d.events if isinstance(e, Theft))
    assert stolen / sold <= 0.055
    assert stolen > 0
    assert {kind_of(e) for d in days for e in d.events} >= {"sale", "lost sale", "restock", "theft", "missed restock"}


def test_a_source_is_silent_from_when_it_fails_until_it_is_back() -> None:
    events = [SensorEvent(10.0, "rfid", False), SensorEvent(20.0, "rfid", True), SensorEvent(30.0, "pos", False)]
    day = Timeline.of(LAYOUT, FULL, events)
    assert [day.silent("rfid", t) for t in (9.0, 10.0, 19.0, 20.0)] == [False, True, True, False]
    assert day.silent("pos", 1e6)
    assert not day.silent("vision", 15.0)


def test_a_day_without_sales_stays_as_it_began() -> None:
    day = draw_day(LAYOUT, FULL, demand(0.0), NO_TROUBLE, 1)
    assert not [e for e in day.events if isinstance(e, (Sale, LostSale))]
    assert (np.diff(day.units_at([0.0, 50_000.0]), axis=0) >= 0).all()


def test_a_day_that_goes_on_in_steps_is_the_same_day() -> None:
    busy = Trouble(0.1, 2, 0.05, 0.1, 0.1, 0.2, 0.2, 0.2)
    day = Day(LAYOUT, FULL, demand(), busy, 5)
    steps = [list(day.until(time)) for time in (1000.0, 20_000.0, 20_000.0, day.end)]
    assert not steps[2]
    assert tuple(e for step in steps for e in step) == draw_day(LAYOUT, FULL, demand(), busy, 5).events


def test_who_is_sent_fills_what_there_is_room_for_and_takes_out_what_does_not_belong_there() -> None:
    before = [Sale(1.0, 1, "jar", "p-jar", 0), Misplacement(2.0, "tube", "p-tube", 0, "p-jar", 0)]
    day = Day(LAYOUT, Timeline.of(LAYOUT, FULL, before).stock_at(3.0), demand(0.0), NO_TROUBLE, 1, rounds=())
    jar = next(p for p in LAYOUT.planogram.positions if p.id == "p-jar")
    assert not list(day.until(100.0))
    assert day.fill(100.0, jar, 0) is None
    assert day.clear(100.0, jar) == [Removal(100.0, "tube", "p-jar", (0,))]
    assert day.clear(101.0, jar) == []
    event = day.fill(101.0, jar, 99)
    assert isinstance(event, Restock)
    assert day.shelves.units("p-jar") == jar.wide * jar.high * jar.deep
    assert day.fill(102.0, jar, 1) is None


def test_what_is_put_in_when_sent_is_wrong_or_short_as_often_as_in_rounds() -> None:
    empty = Timeline.of(LAYOUT, FULL, []).before
    kinds = set()
    for seed in range(12):
        day = Day(LAYOUT, dataclasses.replace(empty, units=()), demand(0.0), Trouble(wrong=0.3, short=0.3), seed, ())
        kinds |= {kind_of(e) for p in LAYOUT.planogram.positions if (e := day.fill(1.0, p, 99))}
    assert kinds == {"restock", "wrong replenishment", "short delivery"}


def test_demand_draws_its_volume_and_keeps_baskets_together() -> None:
    wanted = demand(7000.0)
    days = [wanted.draw(seed) for seed in range(30)]
    assert abs(np.mean([len(d) for d in days]) - 1000) < 40
    assert sum(wanted.daily_units.values()) == pytest.approx(1000)
    for day in days[:3]:
        assert day == sorted(day)
        spans: dict[int, list[float]] = {}
        for time, basket, _ in day:
            spans.setdefault(basket, []).append(time)
        assert max(max(s) - min(s) for s in spans.values()) <= 600
        assert 0 <= day[0][0] <= day[-1][0] <= wanted.open_seconds


@pytest.mark.parametrize("rates", [{}, {"box": 0.0}])
def test_demand_without_anything_that_sells_is_refused(rates) -> None:
    with pytest.raises(InputError, match="daily units above 0"):
        parametric_demand(rates)


@pytest.mark.parametrize("dials", [{"theft": 1.5}, {"missed": -0.1}, {"theft_units": 0.5}])
def test_shares_of_trouble_are_shares(dials) -> None:
    with pytest.raises(ValueError, match="expected"):
        Trouble(**dials)
