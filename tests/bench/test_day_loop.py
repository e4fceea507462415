"""The closed loop: tasks are done in the day, and what is done is seen in the sales that follow."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.cli import main
from bench.day.glances import Views
from bench.day.loop import ARMS, BASE, Arm, Loop, LoopDay, Shop, World, day_seed, play_loop
from bench.day.loop_measures import forecast_counts, loop_counts, loop_summary
from bench.day.play import Sensors
from bench.day.staff import Floor, Staff, audit_seconds, cart_load, trip
from scenarios.conditions import Mess
from scenarios.day import NO_TROUBLE, Trouble
from scenarios.demand import HOUR, parametric_demand
from scenarios.events import LostSale, Sale
from sim.records import RecordErrors
from sim.rfid import RfidReader
from tests.layouts import small_layout, small_scenario
from tests.refusal import refusal
from vision.restock import Task

LAYOUT = small_layout()
SCENARIO = small_scenario(5, Mess(out=0.4))
PLACES = len(LAYOUT.places)
ROW = {p.id: n for n, p in enumerate(LAYOUT.planogram.positions)}
DEMAND = parametric_demand({p.sku: 1.0 for p in LAYOUT.planogram.positions}, 350.0)
EVERY = 2 * HOUR
RIGHT = Sensors(errors=RecordErrors(wrong=0.0))


def world(loop: Loop | None = None, trouble: Trouble = NO_TROUBLE, demand=DEMAND, sensors: Sensors = RIGHT) -> World:
    """A world in which cameras see all."""
    seen = Views(np.ones((3, PLACES)), np.zeros(3))
    return World(demand, trouble, seen, sensors, loop or Loop(days_each=2, history=7, absent=0.0))


def lost(days: list[LoopDay]) -> int:
    return sum(isinstance(e, LostSale) for day in days for e in day.events)


def test_a_trip_takes_the_nearest_next_and_longer_the_farther_it_is() -> None:
    tasks = [Task("p-jar", 2, 1.0), Task("p-box", 3, 1.0)]
    staff = Staff(visit=10.0, unit=2.0, speed=1.0, away=5.0)
    visits, back = trip(tasks, 100.0, staff, Floor.of(LAYOUT), ROW)
    assert [v.task.position for v in visits] == ["p-box", "p-jar"]
    assert visits[0].time == pytest.approx(100.0 + 5.0 + 10.0 + 6.0)  # the box stands at the corner
    metres = visits[1].time - visits[0].time - 10.0 - 4.0
    assert metres == pytest.approx(0.83 + 0.05 - 0.02 - 0.1, abs=1e-6)
    assert back == pytest.approx(visits[1].time + metres + 5.0)
    slower = trip(tasks, 100.0, replace(staff, speed=0.5), Floor.of(LAYOUT), ROW)
    assert slower[1] - back == pytest.approx(2 * (metres + 5.0))


def test_a_cart_takes_the_dearest_that_go_into_it_and_one_at_least() -> None:
    tasks = [Task(str(n), units, 0.0) for n, units in enumerate((15, 20, 10, 1))]
    assert len(cart_load(tasks, Staff(cart=40))) == 2
    assert len(cart_load(tasks, Staff(cart=5))) == 1


def test_an_audit_takes_longer_where_there_is_more_shelf() -> None:
    one, two = (audit_seconds(LAYOUT, Staff(look=look, away=0.0)) for look in (30.0, 60.0))
    assert (one, two) == (31.0, 61.0)


def test_all_arms_have_the_same_opening_stock_and_shoppers_with_the_same_wishes() -> None:
    found = play_loop(SCENARIO, world(trouble=Trouble()), EVERY)
    assert set(found) == set(ARMS)
    for days in found.values():
        assert [d.wishes for d in days] == [d.wishes for d in found[BASE]]
        for day in days:
            met = sorted((e.time, e.basket, e.sku) for e in day.events if isinstance(e, (Sale, LostSale)))
            assert met == sorted(day.wishes)
    assert found[BASE][0].wishes != found[BASE][1].wishes


def test_the_same_seed_gives_the_same_days() -> None:
    arms = {"fused": ARMS["fused"]}
    first, second = (play_loop(SCENARIO, world(trouble=Trouble()), EVERY, arms)["fused"] for _ in range(2))
    assert [d.events for d in first] == [d.events for d in second]
    assert [d.done for d in first] == [d.done for d in second]


def test_what_is_filled_is_not_lost_afterwards() -> None:
    arms = {"filled": Arm(audit=1), "left": Arm(audit=10**9)}
    found = play_loop(SCENARIO, world(Loop(days_each=3, absent=0.0)), EVERY, arms)
    assert lost(found["filled"]) < lost(found["left"])
    assert not any(d.done for d in found["left"])
    last = found["filled"][0].done[-1].time
    assert last < 8 * HOUR
    by_then = found["filled"][0].units[np.searchsorted(found["filled"][0].times, last)]
    assert (by_then > 0).mean() > (found["left"][0].units[-1] > 0).mean()


def test_what_stands_there_in_the_evening_stands_there_in_the_morning() -> None:
    shop = Shop(SCENARIO, world(demand=parametric_demand({"box": 1.0}, 0.0)), Arm(audit=1))
    times = [7 * HOUR, DEMAND.open_seconds]
    evening = shop.day(times).units[-1]
    assert (shop.day(times).units[0] == evening).all()
    assert evening.sum() > SCENARIO.stock.units_of(LAYOUT.planogram.positions[0])


@pytest.mark.parametrize("name", ["pos", "fused"])
def test_without_troubles_and_errors_the_books_are_right_every_evening(name: str) -> None:
    shop = Shop(SCENARIO, world(demand=parametric_demand({p.sku: 1.0 for p in LAYOUT.catalog}, 350.0, 3.0)), ARMS[name])
    for _ in range(3):
        day = shop.day(np.arange(1, 15) * HOUR)
        assert day.done
        for inventory in shop.inventories:
            assert inventory.record.tolist() == day.units[-1].tolist()
            assert set(+inventory.ignored) <= {"duplicate or late RFID sweep"}


def test_goods_that_are_not_in_the_store_cost_a_walk_a_day_and_fill_nothing() -> None:
    found = play_loop(SCENARIO, world(Loop(days_each=1, absent=1.0)), EVERY, {"pos": ARMS["pos"]})["pos"]
    assert found[0].done
    assert all(d.put == 0 for d in found[0].done)
    assert len({d.task.position for d in found[0].done}) == len(found[0].done)
    assert found[0].seconds > 0


def test_books_that_say_too_little_are_set_right_by_who_finds_the_shelf_full() -> None:
    full = small_scenario(5)
    shop = Shop(full, world(demand=parametric_demand({"box": 1.0}, 0.0)), ARMS["pos"])
    brim = {p.id: p.wide * p.high * p.deep for p in LAYOUT.planogram.positions}
    first = shop.day([EVERY, DEMAND.open_seconds])
    shop.inventories[0].records(shop.world.demand.open_seconds, dict.fromkeys((p.sku for p in LAYOUT.catalog), 0))
    second = shop.day([EVERY, DEMAND.open_seconds])
    held = dict(zip(brim, second.units[-1].tolist()))
    assert {d.task.position for d in second.done} == set(brim)
    record = dict(zip(brim, shop.inventories[0].record.tolist()))
    fruitless = {d.task.position for d in second.done if not d.put}
    assert fruitless
    assert all(record[p] == held[p] for p in fruitless)
    assert (first.units <= second.units).all()


def test_a_wrong_product_is_taken_out_by_who_comes_next() -> None:
    wrong = replace(NO_TROUBLE, wrong=1.0)
    found = play_loop(SCENARIO, world(Loop(days_each=2, absent=0.0), wrong), EVERY, {"a": Arm(audit=1)})["a"]
    kinds = [type(e).__name__ for e in found[1].events]
    assert "Removal" in kinds
    assert [e.time for e in found[1].events] == sorted(e.time for e in found[1].events)


def test_a_day_without_sales_goes_on() -> None:
    nothing = parametric_demand({p.sku: 1.0 for p in LAYOUT.planogram.positions}, 0.0)
    found = play_loop(SCENARIO, world(trouble=Trouble(), demand=nothing), EVERY)
    counts = {arm: [loop_counts(days, LAYOUT, nothing, 7.0)] * 3 for arm, days in found.items()}
    arms = loop_summary(counts)["arms"]
    assert all(row["lost_units"]["value"] == 0 for row in arms.values())
    assert arms["audit daily"]["lost_share"]["value"] is None
    assert arms["fused"]["osa"]["value"] > 0


def test_sweeps_that_come_twice_are_ignored_and_counted() -> None:
    twice = replace(RIGHT, reader=RfidReader(repeated=1.0, lost=0.0, every=HOUR))
    found = play_loop(SCENARIO, world(Loop(days_each=1), sensors=twice), EVERY, {"rfid": ARMS["rfid"]})["rfid"]
    assert found[-1].ignored == {"duplicate or late RFID sweep": 14}
    assert found[-1].done


def test_a_silent_source_is_survived() -> None:
    silent = replace(world(), silences=(("vision", 0.0, 14 * HOUR), ("pos", 2 * HOUR, 9 * HOUR)))
    found = play_loop(SCENARIO, silent, EVERY, {"cameras": ARMS["cameras"], "fused": ARMS["fused"]})
    assert lost(found["fused"]) <= lost(found["cameras"])


def test_differences_are_taken_in_pairs_and_the_forecast_is_judged_by_days_that_it_had_not_seen() -> None:
    loop = Loop(days_each=1, history=7)
    counts: dict[str, list] = {arm: [] for arm in ARMS}
    seen = []
    for seed in range(3):
        found = play_loop(replace(SCENARIO, seed=seed), world(loop, Trouble()), 2 * EVERY)
        for arm, days in found.items():
            counts[arm].append(loop_counts(days, LAYOUT, DEMAND, loop.overstock))
        seen.append(forecast_counts(found["fused"], LAYOUT, DEMAND))
    told = loop_summary(counts)
    difference = told["against_audit_daily"]["fused"]["lost_units"]
    values = [told["arms"][arm]["lost_units"]["value"] for arm in ("fused", BASE)]
    assert difference["value"] == pytest.approx(values[0] - values[1])
    assert difference["low"] < difference["value"] < difference["high"]
    assert BASE not in told["against_audit_daily"]
    inside, of = np.array([s["sales_inside"] for s in seen]).sum(axis=0)
    assert of == 3 * len(LAYOUT.planogram.positions)
    assert inside / of > 0.8


def test_days_of_a_start_have_seeds_of_their_own() -> None:
    assert len({day_seed(start, day) for start in (7, 8) for day in range(100)}) == 200


@pytest.mark.parametrize(
    "words", [{"days_each": 0}, {"days_each": 90, "history": 20}, {"history": -1}, {"absent": 2.0}, {"overstock": 0.0}]
)
def test_loops_that_make_no_sense_are_refused(words: dict) -> None:
    with pytest.raises(ValueError, match="expected"):
        Loop(**words)


@pytest.mark.parametrize("words", [{"people": 0}, {"cart": 0}, {"speed": 0.0}, {"visit": -1.0}, {"away": -1.0}])
def test_staff_who_cannot_work_are_refused(words: dict) -> None:
    with pytest.raises(ValueError, match="expected"):
        Staff(**words)


REFUSED = [
    (["restocking=maybe"], "expected rounds or loop"),
    (["loop.staff.people=0"], "people 0"),
    (["restocking=loop", "economics=nowhere.yaml"], "nowhere.yaml: No such file"),
]


@pytest.mark.parametrize(("words", "told"), REFUSED, ids=[words[-1] for words, _ in REFUSED])
def test_wrong_input_ends_with_one_line(words: list[str], told: str, tmp_path: Path, capsys) -> None:
    words = ["day", "demand=parametric", f"outputs={tmp_path / 'out'}", *words]
    assert told in refusal(main, words, capsys)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_command_writes_every_arms_figures_money_and_tornado(tmp_path: Path, capsys) -> None:
    words = ["restocking=loop", "days=2", "loop.days_each=1", "demand=parametric", "every=14400"]
    main(["day", *words, f"outputs={tmp_path}"])
    told = capsys.readouterr().out
    result = json.loads((tmp_path / "latest" / "result.json").read_text())
    assert set(result["arms"]) == set(ARMS)
    assert set(result["against_audit_daily"]) == set(result["money"]["arms"]) == set(ARMS) - {BASE}
    assert result["readings"].startswith("drawn from responses")
    assert (result["starts"], result["days"]) == (2, 2)
    assert (tmp_path / "latest" / "tornado.png").stat().st_size > 10_000
    assert "audit weekly" in told
    assert "pays in" in told


def test_at_night_every_arms_shelves_are_filled_and_the_work_is_counted() -> None:
    trouble = replace(NO_TROUBLE, missed=0.0)
    nobody = replace(DEMAND, weekly_units=0.0)
    full = np.array([p.wide * p.high * p.deep for p in LAYOUT.planogram.positions])
    for night in (False, True):
        played = world(Loop(days_each=1, history=7, absent=0.0, night=night), trouble, nobody)
        days = play_loop(SCENARIO, played, EVERY)
        for arm in (BASE, "pos", "cameras"):
            first = days[arm][0]
            assert (first.units[0] == full).all() == night, arm
            assert (first.seconds > 60) or not night
    absent = world(Loop(days_each=1, history=7, absent=1.0, night=True), trouble, nobody)
    assert not (play_loop(SCENARIO, absent, EVERY)[BASE][0].units[0] == full).all()
