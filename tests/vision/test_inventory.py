"""The inventory: what each source's word does to the belief about units."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scenarios.planogram import Planogram, Position
from tests.layouts import small_layout
from vision.discrepancies import discrepancies
from vision.inventory import Inventory
from vision.moves import carried, leaving_chances
from vision.unit_words import Room, Trust, facing_chances, from_facings, from_records, from_tags

LAYOUT = small_layout()
POSITIONS = LAYOUT.planogram.positions
N = len(POSITIONS)
BOX = 0
FULL = np.array([p.wide * p.high * p.deep for p in POSITIONS])
FACINGS = np.array([p.facings for p in POSITIONS])
HOUR = 3600.0


def inventory(**keys) -> Inventory:
    """Every position sells one unit an hour."""
    return Inventory(LAYOUT, np.full(N, 1 / HOUR), np.full(N, 0.9), **keys)


def tags(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sku = np.repeat(np.array([p.sku for p in POSITIONS], object), counts)
    return np.arange(len(sku)), sku


def spread(i: Inventory, time: float) -> np.ndarray:
    """Standard deviations (Q,) of the beliefs: small shelves' intervals are too coarse to compare."""
    chances, units = i.belief(time).chances, np.arange(i.room.most + 1)
    return np.sqrt(chances @ units**2 - (chances @ units) ** 2)


@pytest.mark.parametrize(("wide", "high", "deep"), [(1, 1, 3), (2, 1, 4), (3, 2, 2)])
def test_facings_are_those_of_units_by_lot(wide: int, high: int, deep: int) -> None:
    table = facing_chances(wide, high, deep)
    np.testing.assert_allclose(table.sum(axis=1), 1)
    assert table[0, 0] == table[1, 1] == table[-1, -1] == 1
    random, units = np.random.default_rng(1), wide * high * deep // 2
    drawn = []
    for _ in range(4000):
        column = random.choice(wide * high * deep, units, replace=False) // (high * deep)
        drawn.append(np.minimum(np.bincount(column, minlength=wide), high).sum())
    np.testing.assert_allclose(np.bincount(drawn, minlength=wide * high + 1) / 4000, table[units], atol=0.04)


def test_words_peak_where_they_should_and_rule_nothing_out() -> None:
    room, trust = Room.of(LAYOUT), Trust()
    seen = from_facings(room, np.zeros(N, int), FACINGS, trust)
    assert (seen.argmax(axis=1) == 0).all()
    unseen = from_facings(room, np.zeros(N, int), np.zeros(N, int), trust)
    assert np.ptp(unseen[BOX, : FULL[BOX] + 1]) < 1e-12
    record = from_records(room, np.full(N, 2), trust)
    assert (record.argmax(axis=1) == 2).all()
    read = from_tags(room, np.full(N, 2), np.full(N, 0.9), trust)
    assert (read[BOX, 2:4] > 3 * read[BOX, 0]).all()
    for word in (seen, record, read):
        assert (word[room.fits] > 0).all()
        assert (word[~room.fits] == 0).all()


def test_what_leaves_is_a_distribution_and_nothing_falls_below_empty() -> None:
    leaving = leaving_chances(40, np.array([0.0, 0.7, 3.0]), np.array([0.0, 0.1, 0.0]), Trust())
    assert leaving[0, 0] == pytest.approx(1)
    np.testing.assert_allclose(leaving.sum(axis=1), 1, atol=1e-3)
    assert leaving[2] @ np.arange(41) == pytest.approx(3, abs=0.05)
    start = np.zeros((3, 41))
    start[:, 2] = 1.0
    moved = carried(start, np.array([1, 1, 3]), leaving)
    assert moved[0, 1] == pytest.approx(1)
    assert moved[1].sum() == pytest.approx(1, abs=1e-3)
    assert moved[2].sum() == 0  # three cannot have been sold of two


def test_nothing_heard_leaves_it_open() -> None:
    belief = inventory().belief(0.0)
    assert (belief.low <= 1).all()
    assert (belief.high >= FULL - 1).all()
    np.testing.assert_allclose(belief.chances.sum(axis=1), 1)
    assert np.isnan(belief.record).all()


def test_sources_that_agree_are_surer_together_than_any_alone() -> None:
    def heard(**keys) -> Inventory:
        i = inventory(**keys)
        i.records(0.0, {p.sku: int(n) - 1 for p, n in zip(POSITIONS, FULL)})
        i.tills(0.0, [])
        i.books_until(0.0)
        i.sweep(0.0, *tags(FULL - 1))
        i.see(0.0, FACINGS, FACINGS)
        return i

    together = spread(heard(), 0.0)
    for source in ("vision", "rfid", "records"):
        assert together.mean() < spread(heard(sources=(source,)), 0.0).mean()
    assert (heard().belief(0.0).units == FULL - 1).mean() >= 0.8


def test_sales_that_the_till_told_of_leave_the_shelf() -> None:
    i = inventory()
    i.records(0.0, {p.sku: 5 for p in POSITIONS})
    i.see(0.0, FACINGS, FACINGS)
    before = i.belief(0.0).chances[BOX] @ np.arange(i.room.most + 1)
    i.tills(2 * HOUR, [(HOUR + 900, "box", 2)])
    i.books_until(2 * HOUR)
    after = i.belief(2 * HOUR).chances[BOX] @ np.arange(i.room.most + 1)
    assert 1.2 < before - after < 3.0
    assert i.belief(2 * HOUR).record[BOX] == 3


def test_a_filling_begins_a_new_chapter() -> None:
    i = inventory()
    i.see(0.0, np.zeros(N, int), FACINGS)
    assert i.belief(0.0).chances[BOX, 0] > 0.9
    i.booked(600.0, "p-box", int(FULL[BOX]))
    i.tills(900.0, [])
    i.books_until(900.0)
    belief = i.belief(900.0)
    assert belief.units[BOX] == FULL[BOX]
    assert belief.chances[1, 0] > 0.7  # the others are as they were


def test_what_staff_have_counted_is_believed_and_sets_the_books_right() -> None:
    i = inventory()
    i.records(0.0, {p.sku: 1 for p in POSITIONS})
    i.see(0.0, np.zeros(N, int), FACINGS)
    i.counted(600.0, "p-box", int(FULL[BOX]))
    i.tills(900.0, [])
    i.books_until(900.0)
    belief = i.belief(900.0)
    assert belief.units[BOX] == belief.record[BOX] == FULL[BOX]
    assert belief.record[1] == 1  # the others are as they were
    i.counted(1000.0, "p-nowhere", 1)
    i.counted(1000.0, "p-box", int(FULL[BOX]) + 1)
    i.counted(1000.0, "p-box", -1)
    assert i.ignored == {"unknown SKU": 0, "negative stock": 0, "unknown position": 1, "count without room": 2}
    assert i.record[BOX] == FULL[BOX]


def test_a_count_is_heard_without_books_too_and_they_stay_silent() -> None:
    i = inventory(sources=("vision",))
    i.counted(600.0, "p-box", 2)
    assert i.belief(600.0).units[BOX] == 2
    assert np.isnan(i.record).all()


@pytest.mark.parametrize("silent", ["vision", "rfid", "pos", "records"])
def test_a_silent_source_makes_intervals_wider_and_nothing_certain(silent: str) -> None:
    def until(end: float, without: str | None) -> Inventory:
        i = inventory()
        i.records(0.0, {p.sku: int(n) - 1 for p, n in zip(POSITIONS, FULL)})
        for time in np.arange(0, end + 1, 1800.0).tolist():
            on = {s: s != without or time < 2 * HOUR for s in ("vision", "rfid", "pos", "records")}
            if on["pos"]:
                i.tills(time, [])
            if on["records"]:
                i.books_until(time)
            if on["rfid"]:
                i.sweep(time, *tags(FULL - 1))
            if on["vision"]:
                i.see(time, FACINGS, FACINGS)
        return i

    whole, gap = spread(until(6 * HOUR, None), 6 * HOUR), spread(until(6 * HOUR, silent), 6 * HOUR)
    assert gap.mean() > whole.mean()
    assert until(6 * HOUR, silent).belief(6 * HOUR).chances.max() < 0.999


def test_phantom_inventory_is_found_and_the_source_named() -> None:
    i = inventory()
    i.records(0.0, {p.sku: int(n) for p, n in zip(POSITIONS, FULL)} | {"box": 4})
    i.tills(0.0, [])
    i.books_until(0.0)
    own = FACINGS.copy()
    own[BOX] = 0
    i.see(0.0, own, FACINGS)
    (alone,) = discrepancies(LAYOUT, i.belief(0.0))
    assert alone.kind == "shrinkage"  # that there is none at all, the cameras alone may be wrong about
    left = FULL.copy()
    left[BOX] = 0
    i.sweep(0.0, *tags(left))
    (found,) = [d for d in discrepancies(LAYOUT, i.belief(0.0)) if d.kind == "phantom inventory"]
    assert (found.position, found.record, found.units) == ("p-box", 4, 0)
    assert found.told_by in ("vision", "rfid")
    assert found.evidence["vision"] > 2
    assert found.evidence["rfid"] > 2 > 0 > found.evidence["records"]


def test_books_that_say_more_than_there_is_room_for_are_told_of_by_the_room() -> None:
    i = inventory()
    i.records(0.0, {"box": int(FULL[BOX]) + 1})
    (found,) = discrepancies(LAYOUT, i.belief(0.0))
    assert (found.kind, found.told_by, found.evidence) == ("shrinkage", "room", {})


def test_without_books_there_is_nothing_to_differ_from() -> None:
    i = inventory(sources=("vision", "rfid"))
    i.see(0.0, np.zeros(N, int), FACINGS)
    assert discrepancies(LAYOUT, i.belief(0.0)) == ()


def test_what_makes_no_sense_is_counted_and_left_out() -> None:
    i = inventory()
    i.records(0.0, {"soap": 3, "box": -2, "can": 4})
    i.tills(60.0, [(30.0, "soap", 1), (90.0, "box", 1), (30.0, "box", -1), (math.nan, "box", 1)])
    i.sweep(100.0, *tags(FULL))
    before = i.belief(200.0).chances
    i.sweep(100.0, *tags(0 * FULL))
    i.booked(150.0, "p-nowhere", 3)
    i.booked(150.0, "p-box", -3)
    np.testing.assert_array_equal(i.belief(200.0).chances, before)
    assert i.ignored == {
        "unknown SKU": 2, "negative stock": 1, "sale in the future": 2, "negative sale": 1,
        "duplicate or late RFID sweep": 1, "unknown position": 1, "negative booking": 1,
    }  # fmt: skip
    i.see(200.0, FACINGS, FACINGS)
    now = i.belief(200.0).chances
    i.see(100.0, 0 * FACINGS, FACINGS)
    np.testing.assert_array_equal(i.belief(200.0).chances, now)
    assert i.ignored["time runs backwards"] == 1


def test_a_tag_that_is_reported_twice_counts_once() -> None:
    once, twice = inventory(), inventory()
    epc, sku = tags(FULL // 2)
    once.sweep(0.0, epc, sku)
    twice.sweep(0.0, np.concatenate([epc, epc]), np.concatenate([sku, sku]))
    np.testing.assert_array_equal(once.belief(0.0).chances, twice.belief(0.0).chances)


def test_what_stands_in_two_positions_is_split_between_them() -> None:
    box = POSITIONS[0]
    more = Position("p-box-2", "bay-1", 1, 0.0, "box", box.wide, 1, box.deep, 1)
    layout = type(LAYOUT)(LAYOUT.store, LAYOUT.catalog, Planogram((box, more)))
    i = Inventory(layout, np.full(2, 1 / HOUR), np.full(2, 0.9))
    i.records(0.0, {"box": 8})
    i.tills(900.0, [(700.0, "box", 2)])
    assert i.belief(900.0).record.tolist() == [3, 3]


def test_unknown_sources_are_refused() -> None:
    with pytest.raises(ValueError, match="'nose'"):
        inventory(sources=("nose",))
