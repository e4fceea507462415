"""Units: what follows for certain, what the prior says, and what the tops behind the front row add."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios import Camera, CameraModel, Layout, Planogram, Position
from tests.layouts import small_layout
from vision import Detections, PlaceReadings, PlaceState, audit, fuse
from vision.behind import DEEPEST, columns, features, rows_behind, tops_of
from vision.count import UnitChances, count, units_chances

UNSEEN, EMPTY, OWN, FOREIGN, _ = PlaceState
WHOLE = small_layout()


def layout_of(wide: int, high: int, deep: int, low_at: int = 1) -> Layout:
    """One position of boxes, 0.1 m wide, 0.1 m high and 0.06 m deep."""
    flat = dataclasses.replace(WHOLE.catalog["box"], height=0.1)
    position = Position("p", "bay-1", 1, 0.1, "box", wide, high, deep, low_at)
    return Layout(WHOLE.store, type(WHOLE.catalog)((flat,)), Planogram((position,)))


def places_of(states: list[PlaceState], behind: np.ndarray | None = None) -> PlaceReadings:
    n = len(states)
    sku = np.array([{OWN: "box", FOREIGN: "can"}.get(s) for s in states], object)
    return PlaceReadings(
        np.array(states, np.int8), sku, np.full(n, 0.9, np.float32), np.full(n, 500, np.float32), behind
    )


CERTAIN = [
    # wide, high, deep, the states of the places, units, their interval
    (2, 1, 1, [OWN, OWN], (2, 2, 2)),
    (2, 1, 4, [EMPTY, EMPTY], (0, 0, 0)),
    (1, 3, 4, [OWN, OWN, EMPTY], (2, 2, 2)),  # a stack that is not full is the last one of its column
    (2, 2, 3, [OWN, EMPTY, EMPTY, EMPTY], (1, 1, 1)),
    (1, 1, 4, [FOREIGN], (0, 0, 0)),
]


@pytest.mark.parametrize(("wide", "high", "deep", "states", "units"), CERTAIN)
def test_what_follows_for_certain_is_said_for_certain(wide, high, deep, states, units) -> None:
    counted = count(layout_of(wide, high, deep), places_of(states))[0]
    assert (counted.units, counted.units_low, counted.units_high) == units


@pytest.mark.parametrize(("high", "deep"), [(1, 2), (1, 6), (2, 3), (3, 5)])
def test_behind_a_full_front_any_number_is_equally_likely(high: int, deep: int) -> None:
    chances = units_chances(layout_of(1, high, deep), places_of([OWN] * high))[0]
    possible = high * deep - high + 1
    assert chances[:high] == pytest.approx(0)
    assert chances[high : high * deep + 1] == pytest.approx(np.full(possible, 1 / possible), abs=0.02)


def test_nothing_seen_is_nothing_said() -> None:
    counted = count(layout_of(2, 1, 4), places_of([UNSEEN, UNSEEN]))[0]
    assert (counted.units, counted.units_low, counted.units_high, counted.facings) == (None, None, None, None)


def test_columns_of_one_position_are_taken_to_be_alike() -> None:
    """Four columns together are less certain than four that would be filled each by itself."""
    one, four = (units_chances(layout_of(wide, 1, 6), places_of([OWN] * wide))[0] for wide in (1, 4))
    spread = [
        float(np.sqrt((c * np.arange(len(c)) ** 2).sum() - (c * np.arange(len(c))).sum() ** 2)) for c in (one, four)
    ]
    assert 2 * spread[0] < spread[1] < 4 * spread[0]


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 6), st.data())
@settings(max_examples=60, deadline=None)
def test_counts_stay_within_what_can_be(wide: int, high: int, deep: int, data: st.DataObject) -> None:
    states = data.draw(st.lists(st.sampled_from(PlaceState), min_size=wide * high, max_size=wide * high))
    behind = np.array(
        data.draw(st.lists(st.floats(-6, 6), min_size=wide * DEEPEST, max_size=wide * DEEPEST)), np.float32
    )
    places = places_of(states, behind.reshape(wide, DEEPEST))
    layout = layout_of(wide, high, deep)
    counted = count(layout, places)[0]
    chances = units_chances(layout, places)[0]
    assert chances.sum() == pytest.approx(1)
    assert np.isfinite(chances).all()
    if counted.units is not None:
        own = states.count(OWN)
        assert own <= counted.units_low <= counted.units <= counted.units_high <= wide * high * deep
        assert chances[int(counted.units_low) : int(counted.units_high) + 1].sum() >= 0.9 - 1e-6


def test_rows_seen_behind_are_counted_and_rows_seen_missing_are_not() -> None:
    layout = layout_of(1, 1, 6)
    behind = np.zeros((1, DEEPEST), np.float32)
    behind[0, 1:6] = [8, 8, -8, -8, -8]
    counted = count(layout, places_of([OWN], behind))[0]
    assert (counted.units, counted.units_low, counted.units_high) == (3, 3, 3)


def test_doubtful_rows_move_the_interval_the_way_they_point() -> None:
    layout = layout_of(1, 1, 6)
    plain, more, less = (
        count(layout, places_of([OWN], np.full((1, DEEPEST), ratio, np.float32)))[0].units for ratio in (0, 1, -1)
    )
    assert less < plain < more


def test_two_cameras_say_more_of_the_rows_behind_than_one_but_not_twice_as_much() -> None:
    layout, behind = layout_of(1, 1, 6), np.zeros((1, DEEPEST), np.float32)
    behind[0, 1:] = 0.3
    one, blind = places_of([OWN], behind), places_of([OWN])
    both = fuse([one, one]).behind
    assert both is not None
    np.testing.assert_allclose(both, np.sqrt(2) * behind, rtol=1e-6)
    assert fuse([one, blind]).behind.tolist() == behind.tolist()
    assert fuse([blind, blind]).behind is None
    sure, unsure = (count(layout, p)[0] for p in (fuse([one, one]), one))
    assert sure.units_low > unsure.units_low


def test_low_is_said_with_the_chance_that_it_is_so() -> None:
    layout = layout_of(1, 1, 6, low_at=2)
    behind = np.zeros((1, DEEPEST), np.float32)
    behind[0, 1:3] = [2.5, -2.5]
    state = audit(layout, places_of([OWN], behind))[0]
    assert state.level == "low"
    assert 0.5 * 0.9 < state.confidence < 0.9
    assert (state.units, state.units_low) == (2, 1)
    unsure = audit(layout, places_of([OWN]))[0]
    assert unsure.level == "in_stock"
    assert unsure.confidence < state.confidence


def test_an_intruder_has_a_confidence_of_its_own() -> None:
    state = audit(layout_of(2, 1, 3), places_of([OWN, FOREIGN]))[0]
    assert (state.intruder, round(state.intruder_confidence, 3)) == ("can", 0.9)


CAMERA = Camera("above", CameraModel("test", 1280, 960, 0.9, 100.0), (0.5, -1.0, 2.0), (0.5, 0.2, 0.8))


def painted(layout: Layout, rows: int, seed: int = 0) -> np.ndarray:
    """A grey picture in which the tops of the first rows of every column bear the same pattern."""
    random = np.random.default_rng(seed)
    image = np.full((960, 1280, 3), 90, np.uint8)
    tops = tops_of(layout, CAMERA)
    pattern = random.integers(60, 250, (tops.points.shape[2], 3)).astype(np.uint8)
    for row in reversed(range(rows)):
        for points in tops.points[:, row]:
            for (x, y), colour in zip(points, pattern):
                image[y - 2 : y + 3, x - 2 : x + 3] = colour
    return image


@pytest.mark.parametrize("rows", [1, 2, 4])
def test_tops_that_look_like_the_front_ones_are_rows(rows: int) -> None:
    layout = layout_of(2, 1, 4)
    tops = tops_of(layout, CAMERA)
    assert tops.seen[:, :4].all()
    assert not tops.seen[:, 4:].any()
    nothing = Detections(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64))
    behind = rows_behind(painted(layout, rows), tops, nothing)
    assert (behind[:, 0] == 0).all()
    assert (behind[:, 1:rows] > 0).all()
    assert (behind[:, rows:4] < 0).all()
    counted = count(layout, places_of([OWN, OWN], behind))[0]
    assert abs(counted.units - 2 * rows) <= 1


def test_what_the_board_above_hides_or_a_low_camera_cannot_see_says_nothing() -> None:
    layout = layout_of(2, 2, 4)
    low = dataclasses.replace(CAMERA, position=(0.5, -1.0, 0.85))
    assert not tops_of(layout, low).seen.any()
    # On the lower shelf, at 0.3 m with 0.35 m above it, a camera that looks steeply down sees the front tops only.
    position = dataclasses.replace(layout.planogram.positions[0], shelf=0)
    under = dataclasses.replace(layout, planogram=Planogram((position,)))
    steep = dataclasses.replace(CAMERA, position=(0.5, -0.5, 2.4), target=(0.5, 0.1, 0.4))
    seen = tops_of(under, steep).seen
    assert seen[:, 0].all()
    assert not seen[:, 2:].any()


def test_no_top_that_is_out_of_the_picture_is_judged() -> None:
    away = dataclasses.replace(CAMERA, target=(3.0, 0.2, 0.8))
    tops = tops_of(layout_of(2, 1, 4), away)
    nothing = Detections(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64))
    assert not tops.seen.any()
    assert (features(np.zeros((960, 1280, 3), np.uint8), tops, nothing) == 0).all()


def test_what_was_worked_out_before_is_what_comes_out_anew() -> None:
    """To the last bit, whichever positions changed: a service and a study say the same."""
    random = np.random.default_rng(5)
    chances = UnitChances(WHOLE)
    n, column = len(WHOLE.places), len(columns(WHOLE))
    state = random.choice([UNSEEN, EMPTY, OWN], n, p=[0.2, 0.2, 0.6])
    behind = np.zeros((column, DEEPEST), np.float32)
    for _ in range(60):
        state[random.integers(n)] = random.choice([UNSEEN, EMPTY, OWN])
        behind[random.integers(column), 1:3] = random.normal(0, 2, 2).round(2)
        places = places_of(list(state), behind.copy())
        assert count(WHOLE, places, chances) == count(WHOLE, places)
        all_, some = units_chances(WHOLE, places), units_chances(WHOLE, places, np.array([1, 4, 7]))
        assert np.array_equal(all_[[1, 4, 7]], some)
