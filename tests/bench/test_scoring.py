"""Each metric on hand-made moments where its value is known, and the split of the counting error."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.scoring import (
    CAUSES,
    Moment,
    constant_interval,
    interval_scores,
    score_moment,
    score_picture,
    split_errors,
    summarise,
)  # fmt: skip
from scenarios import Camera, Layout, Planogram, ShelfState, Stock
from sim import Truth, position_truths
from tests.bench.synthetic import detections_of, full_stock, hide, places_of, reading_of, truth_of
from tests.layouts import front_camera, small_layout
from vision import Detections, PlaceReadings, PlaceState, audit
from vision.readings import PERSON

WHOLE = small_layout()
FIVE = ("p-box", "p-can", "p-bottle", "p-carton", "p-pouch")
LAYOUT = Layout(WHOLE.store, WHOLE.catalog, Planogram(tuple(p for p in WHOLE.planogram.positions if p.id in FIVE)))
CAMERA = front_camera()
PLACES = len(LAYOUT.places)
PPM = np.full(PLACES, 500.0)
# Places 0 and 1 are p-box, 2 and 3 p-can, 4 and 5 p-bottle, 6 to 8 p-carton, 9 and 10 p-pouch.
BOX, CAN, CARTON = (0, 1), (2, 3), (6, 7, 8)


def moment(
    stock: Stock, truth: Truth, places: PlaceReadings, detections: Detections | None = None, layout: Layout = LAYOUT
) -> Moment:
    found = detections_of(truth) if detections is None else detections
    score = score_picture(layout, truth, reading_of(layout, CAMERA, found, places), PPM)
    return score_moment(layout, [truth], [score], position_truths(layout, stock), places, audit(layout, places))


def values(*moments: Moment) -> dict[str, float]:
    scores = summarise(moments)
    return {name: estimate.value for name, estimate in scores.metrics.items()}


def scene(leave_out: tuple[int, ...] = (), foreign: dict[int, str] | None = None) -> tuple[Stock, Truth]:
    stock = full_stock(LAYOUT, leave_out, foreign)
    return stock, truth_of(LAYOUT, stock, CAMERA)


def test_a_faultless_reading_scores_full_marks() -> None:
    stock, truth = scene(leave_out=BOX)
    got = values(moment(stock, truth, places_of(LAYOUT, truth)))
    ones = ("detection_ap50", "detection_ap", "sku_top1", "facings_exact", "facings_exact_visible", "oos_precision")
    assert {name: got[name] for name in (*ones, "oos_recall", "oos_recall_visible")} == dict.fromkeys(
        (*ones, "oos_recall", "oos_recall_visible"), 1.0
    )
    assert got["unseen_by_camera"] == 0


def test_a_rig_that_sees_nothing_scores_nothing_over_all_positions() -> None:
    stock, truth = scene(leave_out=BOX)
    for place in range(PLACES):
        truth = hide(truth, place)
    blind = places_of(LAYOUT, truth, **{f"place_{p}": PlaceState.UNSEEN for p in range(PLACES)})
    got = values(moment(stock, truth, blind, detections_of(truth, leave_out=tuple(range(PLACES)))))
    assert (got["facings_exact"], got["oos_recall"], got["units_error"], got["unseen_by_camera"]) == (0, 0, 1, 1)
    assert np.isnan([got["facings_exact_visible"], got["oos_recall_visible"], got["oos_precision"]]).all()


def test_a_unit_less_than_half_visible_is_neither_missed_nor_false() -> None:
    stock, truth = scene()
    truth = hide(truth, 0, 0.49)
    for found in (detections_of(truth), detections_of(truth, leave_out=(0,))):
        assert values(moment(stock, truth, places_of(LAYOUT, truth), found))["detection_ap50"] == 1.0
    whole = hide(truth, 0, 0.5)
    found = detections_of(whole, leave_out=(0,))
    assert values(moment(stock, whole, places_of(LAYOUT, whole), found))["detection_ap50"] < 1


def test_top1_counts_matched_products_only_and_knows_families() -> None:
    family = {"can": "soups", "bottle": "soups"}
    products = tuple(_with_family(p, family.get(p.sku, "")) for p in LAYOUT.catalog)
    layout = Layout(LAYOUT.store, type(LAYOUT.catalog)(products), LAYOUT.planogram)
    stock, truth = scene()
    found = detections_of(truth, leave_out=(10,))
    found.nearest[[0, 2]] = ["carton", "bottle"]  # one of the six others that are found, one of four look-alikes
    got = values(moment(stock, truth, places_of(layout, truth), found, layout))
    assert got["sku_top1"] == pytest.approx(5 / 6)
    assert got["sku_top1_lookalike"] == pytest.approx(3 / 4)


def _with_family(product: Any, family: str) -> Any:
    return type(product)(**{**{f: getattr(product, f) for f in product.__dataclass_fields__}, "family": family})


def test_unknown_is_neither_exact_nor_a_false_alarm_but_a_miss() -> None:
    stock, truth = scene(leave_out=(*BOX, *CAN))
    half_seen = places_of(LAYOUT, truth, place_0=PlaceState.UNSEEN, place_4=PlaceState.UNSEEN)
    got = values(moment(stock, truth, half_seen))
    assert got["facings_exact"] == pytest.approx(3 / 5)  # p-box and p-bottle are not wholly read
    assert got["oos_recall"] == pytest.approx(1 / 2)
    assert got["oos_precision"] == 1.0


def test_a_position_plugged_by_another_product_is_out() -> None:
    stock, truth = scene(foreign={2: "box", 3: "box"})
    got = values(moment(stock, truth, places_of(LAYOUT, truth)))
    assert (got["oos_recall"], got["oos_precision"]) == (1.0, 1.0)
    believed = places_of(LAYOUT, truth, place_2=PlaceState.OWN, place_3=PlaceState.OWN)
    assert values(moment(stock, truth, believed))["oos_recall"] == 0.0


def test_visible_variants_leave_out_what_no_camera_sees_half_of() -> None:
    stock, truth = scene(leave_out=(*BOX, *CAN))
    hidden = hide(hide(hide(truth, 0), 1), 2)  # all of p-box, half of p-can
    unseen = {f"place_{p}": PlaceState.UNSEEN for p in (0, 1, 2)}
    got = values(moment(stock, hidden, places_of(LAYOUT, hidden, **unseen)))
    assert got["facings_exact"] == pytest.approx(3 / 5)
    assert got["facings_exact_visible"] == pytest.approx(3 / 4)
    assert (got["oos_recall"], got["oos_recall_visible"]) == (0.0, 0.0)


def test_cameras_of_a_rig_see_together() -> None:
    stock, truth = scene()
    left, right = truth, truth
    for place in range(PLACES):
        left, right = (hide(left, place), right) if place < 6 else (left, hide(right, place))
    reading = reading_of(LAYOUT, CAMERA, detections_of(truth), places_of(LAYOUT, truth))
    scores = [score_picture(LAYOUT, t, reading, PPM) for t in (left, right)]
    states = audit(LAYOUT, places_of(LAYOUT, truth))
    positions = position_truths(LAYOUT, stock)
    both = score_moment(LAYOUT, [left, right], scores, positions, places_of(LAYOUT, truth), states)
    one = score_moment(LAYOUT, [left], scores[:1], positions, places_of(LAYOUT, truth), states)
    assert both.counts["unseen_by_camera"] == (0, 11)
    assert one.counts["unseen_by_camera"] == (6, 11)
    assert both.counts["facings_exact_visible"] == (5, 5)
    assert one.counts["facings_exact_visible"] == (2, 2)


FALSE_BOX = truth_of(LAYOUT, full_stock(LAYOUT, leave_out=(0,)), CAMERA).gap_box


@pytest.mark.parametrize(
    ("prepare", "expected"),
    [
        (lambda: _read(scene()), {}),
        (lambda: _read(scene(), hidden=(0,), place_0=PlaceState.UNSEEN), {"camera": -1}),
        (lambda: _read(scene(), missed=(0,), place_0=PlaceState.EMPTY), {"detector": -1}),
        (lambda: _read(scene(), place_0=PlaceState.FOREIGN), {"recognizer": -1}),
        (lambda: _read(scene(), place_0=PlaceState.UNSEEN), {"registration": -1}),
        (lambda: _read(scene(leave_out=(0,)), false=FALSE_BOX, place_0=PlaceState.OWN), {"detector": 1}),
        (lambda: _read(scene(leave_out=(0,)), place_0=PlaceState.OWN), {"registration": 1}),
        (lambda: _read(scene(foreign={0: "can"}), place_0=PlaceState.OWN), {"recognizer": 1}),
        (lambda: _read(scene(foreign={0: "can"}), place_0=PlaceState.EMPTY), {}),
        (lambda: _read(scene(), hidden=(0, 1), place_0=PlaceState.UNSEEN, place_1=PlaceState.EMPTY), {"camera": -2}),
    ],
    ids=["none", "hidden", "missed", "taken for another", "not placed", "false box", "neighbour's box", "foreign",
         "foreign missed", "two hidden"],
)  # fmt: skip
def test_causes_of_errors(prepare: Callable[[], dict[str, int]], expected: dict[str, int]) -> None:
    assert prepare() == dict.fromkeys(CAUSES, 0) | expected


def _read(
    stock_and_truth: tuple[Stock, Truth],
    hidden: tuple[int, ...] = (),
    missed: tuple[int, ...] = (),
    false: np.ndarray = FALSE_BOX[:0],
    **states: Any,
) -> dict[str, int]:
    _, truth = stock_and_truth
    for place in hidden:
        truth = hide(truth, place)
    places = places_of(LAYOUT, truth, **states)
    found = detections_of(truth, (*hidden, *missed), false)
    score = score_picture(LAYOUT, truth, reading_of(LAYOUT, CAMERA, found, places), PPM)
    return dict(split_errors(LAYOUT, [truth], [score], places))


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_causes_add_up_to_the_error(data: st.DataObject) -> None:
    """Whatever stands there, is seen, is found and is said: the parts with their signs are the whole."""
    some = st.sets(st.integers(0, PLACES - 1)).map(tuple)
    out, hidden, missed = data.draw(some), data.draw(some), data.draw(some)
    foreign = {p: "can" for p in data.draw(some) if p not in CAN}
    stock, truth = scene(out, foreign)
    for place in hidden:
        truth = hide(truth, place)
    states = data.draw(st.lists(st.sampled_from(list(PlaceState)), min_size=PLACES, max_size=PLACES))
    places = places_of(LAYOUT, truth, **{f"place_{p}": s for p, s in enumerate(states)})
    found = detections_of(truth, missed)
    score = score_picture(LAYOUT, truth, reading_of(LAYOUT, CAMERA, found, places), PPM)
    read = sum(s == PlaceState.OWN for s in states)
    there = sum(p.facings for p in position_truths(LAYOUT, stock))
    assert sum(split_errors(LAYOUT, [truth], [score], places).values()) == read - there


def test_a_value_is_pooled_over_scenarios_and_lies_in_its_interval() -> None:
    good = scene()
    bad = scene(leave_out=BOX)
    wrong = places_of(LAYOUT, bad[1], place_0=PlaceState.OWN)
    moments = [moment(*good, places_of(LAYOUT, good[1])), moment(*bad, wrong)] * 6
    scores = summarise(moments)
    exact = scores.metrics["facings_exact"]
    assert exact.value == pytest.approx(9 / 10)
    assert 0.75 <= exact.low < exact.value < exact.high <= 1.0
    assert scores.causes["registration"] == 6


@pytest.mark.parametrize("camera", [CAMERA, Camera("far", CAMERA.model, (0.5, -2.2, 1.2), (0.5, 0.0, 0.6))])
def test_top1_is_sorted_by_pixels_per_metre(camera: Camera) -> None:
    _, truth = scene()
    ppm = camera.pixels_per_metre(LAYOUT.places.base)
    found = detections_of(truth)
    score = score_picture(LAYOUT, truth, reading_of(LAYOUT, camera, found, places_of(LAYOUT, truth)), ppm)
    assert score.pixels_per_metre.tolist() == ppm[truth.place[score.unit]].tolist()


def _states(positions: Any, **changed: Any) -> list[ShelfState]:
    """The truth as states whose interval is its number of units, but for `p_can={"units_low": 0}`."""
    return [
        ShelfState(p.position, p.level, p.facings, **{"units": p.units, "units_low": p.units, "units_high": p.units}
                   | {"intruder": p.intruder} | changed.get(p.position.replace("-", "_"), {}))
        for p in positions
    ]  # fmt: skip


def said(stock: Stock, truth: Truth, **changed: Any) -> Moment:
    """A faultless reading of which other states are said."""
    places, positions = places_of(LAYOUT, truth), position_truths(LAYOUT, stock)
    score = score_picture(LAYOUT, truth, reading_of(LAYOUT, CAMERA, detections_of(truth), places), PPM)
    return score_moment(LAYOUT, [truth], [score], positions, places, _states(positions, **changed))


@pytest.mark.parametrize(
    ("low", "high", "truth", "score"),
    [(2, 5, 3, 3), (2, 5, 2, 3), (3, 3, 3, 0), (2, 5, 1, 3 + 20), (2, 5, 7, 3 + 40), (4, 4, 3, 20)],
)
def test_an_interval_scores_its_width_and_twenty_for_each_unit_outside(low, high, truth, score) -> None:
    assert interval_scores(*(np.array([v], float) for v in (low, high, truth))).tolist() == [score]


def test_intervals_are_scored_over_the_positions_that_have_one() -> None:
    stock, truth = scene()  # two units in each position but p-carton, which has three
    wide, wrong = {"units_low": 1, "units_high": 4}, {"units": 3, "units_low": 3, "units_high": 5}
    unknown = {"units": None, "units_low": None, "units_high": None}
    got = values(said(stock, truth, p_box=wide, p_can=wrong, p_bottle=unknown))
    assert got["units_coverage"] == pytest.approx(3 / 4)
    assert got["units_width"] == pytest.approx((3 + 2) / 4)
    assert got["units_interval_score"] == pytest.approx((3 + 2 + 20) / 4)
    # One width for all: 0 costs 20 for p-can's error of one unit, 2 costs 2 everywhere.
    assert got["units_interval_constant"] == pytest.approx(2.0)


def test_the_best_constant_width_is_found_by_trying_all() -> None:
    random = np.random.default_rng(0)
    rows = [{"units": float(u), "true_units": float(t)} for u, t in random.integers(0, 9, (60, 2))]
    made = said(*scene())
    moments = [Moment(made.counts, made.pictures, made.causes, rows[i : i + 20]) for i in (0, 20, 40)]
    error = np.array([abs(row["units"] - row["true_units"]) for row in rows])
    tried = [interval_scores(-half, half, error).mean() for half in np.linspace(0, 9, 1801)]
    sample = constant_interval(moments)
    assert sample.value == pytest.approx(min(tried))
    without_first = constant_interval(moments[1:]).value
    assert sample.pull[0] == pytest.approx(2 * (sample.value - without_first))


def test_misplaced_counts_the_positions_with_an_intruder() -> None:
    stock, truth = scene(foreign={2: "box", 6: "pouch"})  # in p-can and p-carton
    got = values(said(stock, truth, p_can={"intruder": None}, p_box={"intruder": "can"}, p_pouch={"intruder": "box"}))
    assert got["misplaced_precision"] == pytest.approx(1 / 3)
    assert got["misplaced_recall"] == pytest.approx(1 / 2)
    assert np.isnan(values(said(*scene()))["misplaced_recall"])


@pytest.mark.parametrize(
    ("fractions", "boxes", "confidence", "recall"),
    [
        ((1.0, 0.5), (0, 1), 0.9, 1.0),
        ((1.0, 0.5), (0,), 0.9, 0.5),
        ((1.0, 0.4), (0,), 0.9, 1.0),  # a person who is less than half visible need not be found
        ((1.0, 0.5), (0, 1), 0.04, 0.0),  # nothing is hidden for so weak a box
    ],
)
def test_persons_are_found_if_half_of_them_is_visible(fractions, boxes, confidence, recall) -> None:
    stock, truth = scene()
    persons = np.array([[10, 20, 60, 200], [200, 20, 260, 200]], np.float32)
    truth = dataclasses.replace(truth, person_box=persons, person_visible_fraction=np.array(fractions, np.float32))
    shifted = persons[list(boxes)] + np.float32(5)
    n = len(shifted)
    found = Detections(shifted, np.full(n, confidence, np.float32), np.full(n, PERSON, np.int64))
    assert values(moment(stock, truth, places_of(LAYOUT, truth), found))["person_recall"] == recall
