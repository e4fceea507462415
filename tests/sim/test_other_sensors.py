"""RFID, tills, stock records and scales: what they say of a day, and what they leave out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scenarios.day import NO_TROUBLE, draw_day
from scenarios.demand import parametric_demand
from scenarios.events import Restock, Sale, ScanError, SensorEvent, WrongReplenishment
from scenarios.stock import draw_stock
from scenarios.timeline import Timeline
from sim.records import RecordErrors, bookings, opening_records
from sim.rfid import RfidReader, readable_shares, sweeps
from sim.scales import Scale, pack_masses, weigh
from sim.till import Till, batches
from tests.layouts import TIDY, small_layout

LAYOUT = small_layout()
STOCK = draw_stock(LAYOUT, TIDY, 3)
PERFECT = RfidReader(
    dry=1.0, liquid=1.0, metal=1.0, alike=1e9, again=1.0, stray=0.0, duplicate=0.0, lost=0.0, repeated=0.0,
)  # fmt: skip
END = 50_400.0


def a_day(seed: int = 4, silences=()) -> Timeline:
    demand = parametric_demand({p.sku: 5.0 for p in LAYOUT.planogram.positions}, 700)
    return draw_day(LAYOUT, STOCK, demand, NO_TROUBLE, seed, silences=silences)


def test_a_perfect_reader_counts_what_stands_there() -> None:
    day = a_day()
    found = sweeps(day, PERFECT, END, 1)
    assert [s.number for s in found] == list(range(28))
    for sweep in found[::9]:
        truth = day.units_at([sweep.time - PERFECT.takes / 2])[0]
        counts = [int((sweep.sku == p.sku).sum()) for p in LAYOUT.planogram.positions]
        assert counts == truth.tolist()
        assert len(np.unique(sweep.epc)) == len(sweep.epc)


def test_tags_that_cannot_be_read_stay_so_and_content_decides_how_many() -> None:
    reader = dataclasses.replace(PERFECT, liquid=0.5, alike=20.0)
    still = Timeline.of(LAYOUT, STOCK, [])
    first, last = (sweeps(still, reader, END, 1)[n] for n in (0, -1))
    assert sorted(first.epc.tolist()) == sorted(last.epc.tolist())
    bottles = [np.mean(sweeps(still, reader, 100.0, seed)[0].sku == "bottle") for seed in range(40)]
    all_of_them = np.mean(sweeps(still, PERFECT, 100.0, 1)[0].sku == "bottle")
    assert 0.3 < np.mean(bottles) / all_of_them < 0.9


def test_far_shelves_are_read_less() -> None:
    shares = dict(zip((p.id for p in LAYOUT.planogram.positions), readable_shares(LAYOUT, RfidReader(near=1.5, far=3))))
    assert shares["p-box"] < shares["p-pouch"]  # the lower board
    assert max(readable_shares(LAYOUT, RfidReader(near=0.1, far=0.2))) == 0


def test_sweeps_get_lost_come_twice_and_report_tags_twice() -> None:
    reader = RfidReader(lost=0.3, repeated=0.3, duplicate=0.3, every=300.0)
    found = sweeps(a_day(), reader, END, 1)
    numbers = [s.number for s in found]
    assert len(set(numbers)) < 168 * 0.8
    assert len(numbers) > len(set(numbers))
    assert len(found[0].epc) > len(np.unique(found[0].epc))
    assert sweeps(a_day(), reader, END, 1)[5].epc.tolist() == found[5].epc.tolist()


def test_the_till_tells_of_every_sale_and_not_before_it_is_paid() -> None:
    day = a_day()
    sold = [e for e in day.events if isinstance(e, Sale)]
    found = batches(day, Till(), END + 3600, 1)
    told = [row for batch in found for row in batch.scanned]
    assert sum(units for _, _, units in told) == len(sold)
    assert all(time <= batch.time for batch in found for time, _, _ in batch.scanned)
    assert [b.time for b in found] == sorted(b.time for b in found)
    taken = {}
    for e in sold:
        taken.setdefault(e.sku, []).append(e.time)
    scanned = sorted(t for t, sku, _ in told if sku == "box")
    assert min(scanned) >= min(taken["box"])


def test_a_silent_till_says_it_all_when_it_is_back_but_for_what_is_lost() -> None:
    day = a_day(silences=[("pos", 10_000.0, 20_000.0)])
    found = batches(day, Till(), END, 1)
    assert not [b for b in found if 10_000 <= b.time < 20_000]
    back = next(b for b in found if b.time >= 20_000)
    assert {True} == {10_000 - 120 <= t <= back.time for t, _, _ in back.scanned}
    assert len(back.scanned) > 5
    total = [sum(u for b in batches(day, Till(lost=share), END, 1) for _, _, u in b.scanned) for share in (0.0, 1.0)]
    assert total[1] < total[0]


def test_two_flavours_are_scanned_as_one() -> None:
    events = [Sale(1.0, 7, "box", "p-box", 0), ScanError(1.0, 7, "box", "can")]
    (batch, *_) = [b for b in batches(Timeline.of(LAYOUT, STOCK, events), Till(walk=0.0), 600.0, 1) if b.scanned]
    assert [(sku, units) for _, sku, units in batch.scanned] == [("can", 1)]


def test_records_are_wrong_as_often_as_asked_both_ways_and_never_negative() -> None:
    day = a_day()
    truth = dict(zip((p.sku for p in LAYOUT.planogram.positions), day.units_at([0.0])[0].tolist()))
    assert opening_records(day, RecordErrors(wrong=0.0), 1) == truth
    off = np.array([[opening_records(day, RecordErrors(), s)[k] - n for k, n in truth.items()] for s in range(200)])
    assert 0.5 < (off != 0).mean() < 0.65
    assert abs((off > 0).mean() - (off < 0).mean()) < 0.06
    assert min(min(opening_records(day, RecordErrors(units=30), s).values()) for s in range(20)) == 0


def test_bookings_say_what_was_booked_and_wait_for_the_books() -> None:
    sold = [Sale(1.0, n, "box", "p-box", 0) for n in range(2)]
    events = [
        *sold, SensorEvent(50.0, "records", False), Restock(100.0, "p-box", "box", (0,), 2),
        WrongReplenishment(200.0, "p-can", "tube", (0,), 1), SensorEvent(5000.0, "records", True),
    ]  # fmt: skip
    day = Timeline.of(LAYOUT, draw_stock(LAYOUT, TIDY, 11), events)
    found = bookings(day, RecordErrors(late=300.0))
    assert [(b.time, b.known, b.position, b.units) for b in found if b.position == "p-box"] == [
        (100.0, 5000.0, "p-box", 2)
    ]


def test_scales_weigh_what_stands_on_them() -> None:
    day = a_day(silences=[("scales", 100.0, 200.0)])
    exact = Scale(pack=0.0, noise=0.0, drift=0.0)
    shown = weigh(day, exact, [0.0, 150.0], 1)
    np.testing.assert_allclose(shown[0], day.units_at([0.0])[0] * pack_masses(LAYOUT))
    assert np.isnan(shown[1]).all()
    assert 0 < np.std(weigh(day, Scale(), [0.0], 1)[0] - shown[0]) < 0.2


@pytest.mark.parametrize("dials", [{"wrong": 2.0}, {"units": 0.0}, {"late": -1.0}])
def test_record_errors_are_checked(dials) -> None:
    with pytest.raises(ValueError, match="expected"):
        RecordErrors(**dials)
