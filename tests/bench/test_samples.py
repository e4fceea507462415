"""Samples of pictures: what was seen is known by arithmetic, and what was read by construction."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.response.samples import COLUMNS, UNRELATED, place_lux, samples_of, sight
from scenarios import (
    Camera,
    Conditions,
    Crowd,
    Fixture,
    Layout,
    Lighting,
    Lookalikes,
    Luminaire,
    Planogram,
    Position,
    Scenario,
    Shelf,
)
from sim import World, capture
from tests.bench.synthetic import detections_of, full_stock, hide, places_of, reading_of, truth_of
from tests.layouts import MODEL, TIDY, front_camera, small_layout, small_scenario
from vision import PlaceState, Reading

LAYOUT = small_layout()
SCENARIO = Scenario(LAYOUT, Conditions("small", crowd=Crowd(0), mess=TIDY, lookalikes=Lookalikes(0.3)), 7)
CAMERA = front_camera()


def looking_at(point: np.ndarray, distance: float, degrees: float) -> Camera:
    """A camera level with a point of a front, off its normal to the right by so many degrees."""
    angle = math.radians(degrees)
    x, y, z = point.tolist()
    at = (x + distance * math.sin(angle), y - distance * math.cos(angle), z)
    return Camera("aimed", MODEL, at, (x, y, z))


@pytest.mark.parametrize(("distance", "degrees"), [(1.0, 0), (2.0, 0), (2.0, 45), (1.5, -60)])
def test_pixels_and_angles_are_those_of_the_drawing_board(distance: float, degrees: float) -> None:
    place = 3
    seen = sight(LAYOUT, looking_at(LAYOUT.places.front[place], distance, degrees))
    scale = MODEL.focal_length / distance
    assert seen.px_per_m[place] == pytest.approx(scale * math.sqrt(math.cos(math.radians(degrees))), rel=1e-3)
    assert math.degrees(seen.angle[place]) == pytest.approx(abs(degrees), abs=1e-4)
    assert math.degrees(seen.horizontal[place]) == pytest.approx(degrees, abs=1e-6)
    assert seen.vertical[place] == pytest.approx(0, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(x=st.floats(-1, 2), y=st.floats(-2, -0.5), z=st.floats(0.3, 2.5))
def test_pixels_per_metre_are_those_of_cameras(x: float, y: float, z: float) -> None:
    camera = Camera("any", MODEL, (x, y, z), (0.5, 0.0, 0.6))
    theirs = camera.pixels_per_metre(LAYOUT.places.front, LAYOUT.places.yaw)
    np.testing.assert_allclose(sight(LAYOUT, camera).px_per_m, theirs, rtol=1e-6)


def test_a_chest_is_looked_at_from_above() -> None:
    chest = Fixture("chest", 0.0, 0.0, 1.0, 0.7, (Shelf(0.4, 0.3),), "freezer")
    store = dataclasses.replace(LAYOUT.store, fixtures=(chest,))
    layout = Layout(store, LAYOUT.catalog, Planogram((Position("p", "chest", 0, 0.3, "box", 1, 1, 1, 0),)))
    top = layout.places.faces[0].mean(axis=0)
    x, y, z = top.tolist()
    seen = sight(layout, Camera("above", MODEL, (x, y, z + 1.25), (x, y, z)))
    assert seen.px_per_m[0] == pytest.approx(MODEL.focal_length / 1.25, rel=1e-3)
    assert seen.angle[0] == pytest.approx(0, abs=1e-6)


def test_lux_falls_as_the_lamps_light_does() -> None:
    at, lumens = np.array([0.2, -1.0, 2.5]), 3000.0
    lamp = Luminaire("one", "spot", tuple(at.tolist()), lumens, length=0.01, width=0.01)
    store = dataclasses.replace(LAYOUT.store, luminaires=(lamp,))
    lighting = Lighting(lux=None, kelvin=None)
    scenario = Scenario(dataclasses.replace(LAYOUT, store=store), Conditions("lit", lighting), 1)
    away = at - LAYOUT.places.front
    square = (away**2).sum(axis=1)
    # E = I cos / r², I = Φ / π times the cosine at the lamp, which shines down; the front looks to -y.
    direct = lumens / math.pi * (away[:, 2] * -away[:, 1]) / square**2
    lux = place_lux(scenario)
    np.testing.assert_allclose(lux - lux[0], direct - direct[0], atol=0.05)
    assert (lux > direct).all()  # the room gives some light back


def test_a_faultless_reading_is_right_of_everything() -> None:
    stock = full_stock(LAYOUT, leave_out=(0, 4))
    truth = truth_of(LAYOUT, stock, CAMERA)
    table = samples_of(
        SCENARIO, CAMERA, truth, reading_of(LAYOUT, CAMERA, detections_of(truth), places_of(LAYOUT, truth))
    )
    assert list(table.columns) == list(COLUMNS)
    counts = {"unit": len(stock.units), "gap": 2, "position": len(LAYOUT.planogram.positions)}
    assert table["kind"].value_counts().to_dict() == counts
    assert table["right"].all()
    units = table[table["kind"] == "unit"]
    assert units[["found", "sku_right", "own"]].all(axis=None)
    assert not table["confused"].any()
    assert (table["lookalike_distance"] == UNRELATED).all()  # the store has no families
    np.testing.assert_allclose(units["px_per_m"], sight(LAYOUT, CAMERA).px_per_m[units["place"]])


def test_what_was_missed_hidden_or_misnamed_is_told() -> None:
    twins = ("can", "bottle")
    catalog = dataclasses.replace(
        LAYOUT.catalog,
        products=tuple(dataclasses.replace(p, family="twins" if p.sku in twins else "") for p in LAYOUT.catalog),
    )
    scenario = dataclasses.replace(SCENARIO, layout=dataclasses.replace(LAYOUT, catalog=catalog))
    stock = full_stock(LAYOUT)
    truth = hide(truth_of(LAYOUT, stock, CAMERA), 1, 0.3)
    can = int(np.flatnonzero(truth.sku == "can")[0])
    found = detections_of(truth, leave_out=(0,))
    nearest = found.nearest.copy()
    box = int(np.flatnonzero((found.xyxy == truth.visible_box[can]).all(axis=1))[0])
    nearest[box] = "bottle"
    places = places_of(LAYOUT, truth, place_0=PlaceState.EMPTY)
    reading = reading_of(LAYOUT, CAMERA, dataclasses.replace(found, nearest=nearest), places)
    table = samples_of(scenario, CAMERA, truth, reading).query("kind == 'unit'").set_index("place")
    assert not table.loc[0, ["found", "sku_right", "right"]].any()
    assert table.loc[0, "confidence"] == 0
    assert table.loc[1, "visible_fraction"] == pytest.approx(0.3)
    assert table.loc[1, "found"]  # by the box that the units that are half visible have left
    mistaken = table.loc[int(truth.place[can])]
    assert mistaken["found"]
    assert mistaken["confused"]
    assert not mistaken["sku_right"]
    assert mistaken["lookalike_distance"] == 0.3
    assert table["confused"].sum() == 1


def test_a_rendered_picture_gives_its_own_truth() -> None:
    scenario = small_scenario()
    with World(scenario.layout) as world:
        frame, truth = capture(world, scenario, CAMERA)
    facings = dataclasses.replace(truth, place=truth.place[truth.front], sku=truth.sku[truth.front])
    reading = reading_of(LAYOUT, CAMERA, detections_of(truth), places_of(LAYOUT, facings))
    assert frame.camera == CAMERA
    table = samples_of(scenario, CAMERA, truth, reading)
    units = table[table["kind"] == "unit"]
    front = truth.front & (truth.visible_fraction > 0)
    assert sorted(units["place"]) == sorted(truth.place[front])
    np.testing.assert_allclose(units["visible_fraction"], truth.visible_fraction[front])
    assert units[units["visible_fraction"] >= 0.5]["found"].all()
    assert table["lux"].between(50, 2000).all()


def test_a_reading_without_places_is_refused() -> None:
    truth = truth_of(LAYOUT, full_stock(LAYOUT), CAMERA)
    with pytest.raises(ValueError, match="no places"):
        samples_of(SCENARIO, CAMERA, truth, Reading("front", 0.0, (640, 480), detections_of(truth)))
