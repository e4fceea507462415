"""The truth of a picture against renders of one unit alone, which nothing hides."""

from collections.abc import Iterator

import numpy as np
import pytest

from scenarios import Camera, CameraModel, Mess, Stock
from scenarios.products import FORMS
from sim import World, capture, position_truths
from sim.raster import render
from sim.truth import measure
from tests.layouts import front_camera, small_layout, small_scenario

OBLIQUE = Camera("oblique", CameraModel("test", 640, 480, 0.9, 0.0), (1.3, -1.1, 1.7), (0.5, 0.0, 0.5), roll=0.1)
CUT_OFF = Camera("cut", CameraModel("test", 320, 240, 0.5, 0.0), (0.4, -0.8, 0.8), (0.2, 0.0, 0.45))


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World(small_layout()) as world:
        yield world


@pytest.fixture(scope="module")
def empty_world() -> Iterator[World]:
    """A world whose furniture is out of sight, so that a unit placed in it stands alone."""
    with World(small_layout()) as world:
        for body in world.instances:
            world.park(body)
        yield world


@pytest.mark.parametrize("camera", [front_camera(), OBLIQUE], ids=lambda c: c.id)
def test_amodal_boxes_and_fractions_agree_with_lone_renders(world: World, empty_world: World, camera: Camera) -> None:
    scenario = small_scenario(seed=4, mess=Mess(0, 0, 0, 0, shift=0.002, turn=0.1))
    scenario = type(scenario)(world.layout, scenario.conditions, scenario.seed)
    truth = capture(world, scenario, camera)[1]
    stock, visible = world.stock, np.bincount(truth.mask[truth.mask >= 0], minlength=len(truth.sku))
    forms = set()
    x0, y0, x1, y1 = truth.amodal_box.T
    whole = (x0 > 0) & (y0 > 0) & (x1 < camera.model.width) & (y1 < camera.model.height)
    for i in np.flatnonzero(whole & (truth.visible_fraction > 0.05)):
        empty_world.place(Stock((stock.units[i],)))
        alone = render(empty_world, camera, scenario).body == empty_world.unit_bodies[0]
        rows, columns = np.nonzero(alone)
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(truth.amodal_box[i], box, atol=1.0)
        assert truth.visible_fraction[i] == pytest.approx(visible[i] / alone.sum(), abs=0.01)
        forms.add(world.layout.catalog[truth.sku[i]].form)
    assert forms == set(FORMS)


def test_depth_is_metric(world: World) -> None:
    scenario = small_scenario()
    scenario = type(scenario)(world.layout, scenario.conditions, scenario.seed)
    camera = front_camera()
    truth = capture(world, scenario, camera)[1]
    i = int(np.flatnonzero((truth.sku == "box") & truth.front)[0])
    rows, columns = np.nonzero(truth.mask == i)
    middle = np.argsort((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2)[:20]
    points = camera.unproject(
        np.stack([columns[middle] + 0.5, rows[middle] + 0.5], -1), truth.depth[rows[middle], columns[middle]]
    )
    np.testing.assert_allclose(points[:, 1], 0.015, atol=0.004)  # the front margin of the shelf


def test_a_gap_is_where_the_missing_unit_would_be(world: World) -> None:
    scenario = small_scenario()
    scenario = type(scenario)(world.layout, scenario.conditions, scenario.seed)
    camera = front_camera()
    full = capture(world, scenario, camera)[1]
    assert len(full.gap_box) == 0
    removed = next(u for u in world.stock.units if u.position == "p-carton" and u.row == 0 and u.column == 1)
    kept = tuple(u for u in world.stock.units if (u.position, u.column) != (removed.position, removed.column))
    amodal = full.amodal_box[world.stock.units.index(removed)]
    world.place(Stock(kept))
    truth = measure(world, camera, render(world, camera, scenario))
    assert len(truth.gap_box) == 1
    np.testing.assert_allclose(truth.gap_box[0], amodal, atol=3.0)  # a carton is narrower at its top than the place is
    assert truth.gap_visible_fraction[0] > 0.95


def test_a_unit_cut_by_the_frame_is_not_wholly_visible(world: World) -> None:
    scenario = small_scenario()
    scenario = type(scenario)(world.layout, scenario.conditions, scenario.seed)
    truth = capture(world, scenario, CUT_OFF)[1]
    x0, _, x1, _ = truth.amodal_box.T
    cut = ((x0 < -5) | (x1 > CUT_OFF.model.width + 5)) & (truth.visible_fraction > 0)
    assert cut.any()
    assert (truth.visible_fraction[cut] < 0.98).all()


def test_a_shopper_hides_and_is_boxed() -> None:
    calm, busy = small_scenario(seed=3), small_scenario(seed=3, shoppers=3)
    camera = front_camera()
    with World(calm.layout) as world:
        before = capture(world, calm, camera)[1]
    with World(busy.layout) as world:
        after = capture(world, busy, camera)[1]
    assert len(before.person_box) == 0
    assert len(after.person_box) >= 1
    front = before.front
    assert after.visible_fraction[front].sum() < before.visible_fraction[front].sum()
    assert (after.visible_fraction <= before.visible_fraction + 1e-6).all()


def test_position_truth_counts_units_facings_and_intruders() -> None:
    scenario = small_scenario(mess=Mess(out=0.4, plugged=1.0, misplaced=0.3, empty_column=0.3), seed=11)
    truths = position_truths(scenario.layout, scenario.stock)
    units = scenario.stock.units
    for truth, p in zip(truths, scenario.layout.planogram.positions):
        own = [u for u in units if u.position == p.id and u.sku == p.sku]
        assert truth.units == len(own)
        assert truth.facings == sum(u.row == 0 for u in own)
        assert (truth.level == "out") == (len(own) == 0)
    assert any(t.level == "out" for t in truths)
    assert any(t.intruder for t in truths)
