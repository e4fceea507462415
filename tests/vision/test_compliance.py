"""Compliance against the plan, shares of the shelf, and the findings in words."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scenarios import Layout, Planogram, ShelfState
from tests.layouts import small_layout
from vision import PlaceReadings, PlaceState, audit
from vision.compliance import availability, bay_compliance, edit_distance, share_of_shelf, shelf_condition
from vision.findings import findings, table

WHOLE = small_layout()
# On the lower shelf from the left: box box, can can, bottle bottle. On the upper one: carton × 3, pouch pouch.
FIVE = ("p-box", "p-can", "p-bottle", "p-carton", "p-pouch")
LAYOUT = Layout(WHOLE.store, WHOLE.catalog, Planogram(tuple(p for p in WHOLE.planogram.positions if p.id in FIVE)))
PLANNED = [LAYOUT.planogram.positions[i].sku for i in LAYOUT.places.position]


def places_of(**changed: str | None) -> PlaceReadings:
    """All as planned but for `p3="can"` (another SKU there), `p3=None` (empty) and `p3=""` (not seen)."""
    sku = np.array(PLANNED, object)
    state = np.full(len(sku), PlaceState.OWN, np.int8)
    for name, seen in changed.items():
        place = int(name[1:])
        sku[place] = seen or None
        foreign = PlaceState.OWN if seen == PLANNED[place] else PlaceState.FOREIGN
        state[place] = PlaceState.EMPTY if seen is None else foreign if seen else PlaceState.UNSEEN
    n = len(sku)
    return PlaceReadings(state, sku, np.full(n, 0.9, np.float32), np.full(n, 500, np.float32))


EDITS = [
    ("", "", 0),
    ("abc", "abc", 0),
    ("abc", "", 3),
    ("abc", "axc", 1),
    ("abcdef", "bcdef", 1),  # all stands one place too far to the left
    ("aabbcc", "abbccc", 2),
    ("kitten", "sitting", 3),
]


@pytest.mark.parametrize(("planned", "found", "edits"), EDITS)
def test_edits_are_the_fewest_that_mend_the_order(planned: str, found: str, edits: int) -> None:
    assert edit_distance(planned, found) == edit_distance(found, planned) == edits


def test_a_shelf_as_planned_is_kept() -> None:
    places = places_of()
    bay = bay_compliance(LAYOUT, places, audit(LAYOUT, places))[0]
    assert (bay.positions, bay.kept, bay.facings, bay.right, bay.edit_error) == (5, 5, 11, 11, 0.0)


def test_a_shelf_that_has_shifted_by_a_facing_is_off_by_one_edit_and_not_by_all() -> None:
    places = places_of(p1="can", p3="bottle", p5=None)
    bay = bay_compliance(LAYOUT, places, audit(LAYOUT, places))[0]
    assert bay.right == 8
    assert bay.kept == 2
    assert bay.edits == 1  # one box to put in, and all the rest is in its order
    assert bay.edit_error == pytest.approx(1 / 11)


def test_what_was_not_seen_counts_for_nothing() -> None:
    places = places_of(p0="", p1="", p2="")
    states = audit(LAYOUT, places)
    bay = bay_compliance(LAYOUT, places, states)[0]
    assert (bay.positions, bay.kept, bay.facings, bay.right, bay.edits, bay.columns) == (3, 3, 8, 8, 0, 8)
    assert availability(states) == 1.0
    assert availability([ShelfState("p", "unknown")]) is None
    assert shelf_condition(LAYOUT, places, states).unseen == 3


def test_availability_is_the_share_of_positions_in_stock() -> None:
    assert availability(audit(LAYOUT, places_of(p0=None, p1=None))) == 0.8


def test_shares_go_by_facings_and_by_length() -> None:
    places = places_of(p0="pouch", p1=None)
    shares = {s.name: s for s in share_of_shelf(LAYOUT, places, lambda p: p.brand)}
    assert (shares["Brandbox"].facings, shares["Brandbox"].planned_facings) == (0, 2)
    assert (shares["Brandpouch"].facings, shares["Brandpouch"].planned_facings) == (3, 2)
    assert shares["Brandpouch"].metres == pytest.approx(0.3)
    assert shares["Brandbox"].planned_metres == pytest.approx(0.2)
    assert sum(s.facings for s in shares.values()) == 10


def test_a_pack_on_top_of_another_takes_no_length() -> None:
    stacked = dataclasses.replace(LAYOUT.planogram.positions[0], high=2)
    flat = dataclasses.replace(LAYOUT.catalog["box"], height=0.1)
    layout = Layout(LAYOUT.store, type(LAYOUT.catalog)((flat,)), Planogram((stacked,)))
    n = len(layout.places)
    full = PlaceReadings(
        np.full(n, PlaceState.OWN, np.int8), np.full(n, "box", object), np.ones(n, np.float32), np.ones(n, np.float32)
    )
    share = share_of_shelf(layout, full, lambda p: p.category)[0]
    assert (share.facings, share.metres) == (4, pytest.approx(0.2))


def test_gaps_and_plugged_holes_are_the_condition_of_the_shelves() -> None:
    places = places_of(p0="can", p1="can", p4=None)
    condition = shelf_condition(LAYOUT, places, audit(LAYOUT, places))
    assert condition.plugged == ("p-box",)
    assert (condition.gaps, condition.gap_metres) == (1, pytest.approx(0.1))


def test_findings_come_worst_first_and_say_what_to_do() -> None:
    places = places_of(p0=None, p1=None, p2="box", p3="box", p4="can", p6=None, p9="", p10="")
    found = findings(LAYOUT, audit(LAYOUT, places))
    assert [(f.position, f.kind) for f in found] == [
        ("p-box", "out"), ("p-can", "plugged"), ("p-bottle", "wrong"), ("p-carton", "refill"), ("p-pouch", "unseen"),
    ]  # fmt: skip
    assert [f.todo for f in found] == [
        "bring up to 6",
        "take out Brandbox Tomato Soup Classic 10 oz, bring up to 6",
        "take out Brandcan Tomato Soup Classic 10 oz",
        "1 of 3 facings empty, about 4 left, room for 9",
        "look again",
    ]
    assert found[0].where == "bay-1, shelf 1, no. 1"
    assert found[3].where == "bay-1, shelf 2, no. 1"
    lines = table(found).splitlines()
    assert lines[0] == "out 1 · out, plugged 1 · wrong product 1 · refill 1 · not seen 1"
    assert [line.split("  ")[0] for line in lines[2:10:2]] == ["OUT", "OUT, PLUGGED", "WRONG PRODUCT", "REFILL"]
    assert max(map(len, lines)) <= 100
    assert "and 2 more in audit.csv" in table(found, most=2)


def test_what_sells_for_most_comes_first_among_equals() -> None:
    dear = dataclasses.replace(LAYOUT.catalog["pouch"], price=9.0, daily_units=3.0)
    catalog = type(LAYOUT.catalog)(tuple(dear if p.sku == "pouch" else p for p in LAYOUT.catalog))
    layout = dataclasses.replace(LAYOUT, catalog=catalog)
    places = places_of(p0=None, p1=None, p9=None, p10=None)
    assert [f.position for f in findings(layout, audit(layout, places))][:2] == ["p-pouch", "p-box"]


def test_shelves_in_order_have_nothing_to_do() -> None:
    assert "Nothing to do" in table(findings(LAYOUT, audit(LAYOUT, places_of())))
