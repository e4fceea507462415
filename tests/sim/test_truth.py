"""The truth of a picture against renders of one unit alone, which nothing hides."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image

from scenarios import Camera, CameraModel, Layout, Mess, Planogram, Room, Scenario, Stock, Unit
from scenarios.products import FORMS
from sim import Truth, World, capture, position_truths
from sim.meshes import MeshBuilder
from sim.raster import render
from sim.truth import HIDERS, measure
from tests.layouts import front_camera, small_layout, small_scenario

OBLIQUE = Camera("oblique", CameraModel("test", 640, 480, 0.9, 0.0), (1.3, -1.1, 1.7), (0.5, 0.0, 0.5), roll=0.1)
CUT_OFF = Camera("cut", CameraModel("test", 320, 240, 0.5, 0.0), (0.4, -0.8, 0.8), (0.2, 0.0, 0.45))


FAR_RIGHT = Camera("right", CameraModel("test", 640, 480, 1.1, 0.0), (2.5, -1.9, 1.5), (1.2, -0.3, 0.5), roll=-0.2)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World(small_layout()) as world:
        yield world


def turned_layout() -> Layout:
    """The small store with every position twice: in the bay, and in a bay turned by 70° beside it."""
    layout = small_layout()
    bay = layout.store.fixtures[0]
    turned = dataclasses.replace(bay, id="turned", x=1.5, y=-0.9, yaw=1.2)
    positions = layout.planogram.positions
    again = tuple(dataclasses.replace(p, id=f"turned-{p.id}", fixture="turned") for p in positions)
    store = dataclasses.replace(layout.store, room=Room((-1.0, 3.2), (-2.4, 0.6), 3.0), fixtures=(bay, turned))
    return Layout(store, layout.catalog, Planogram(positions + again))


def scattered_stock(layout: Layout) -> Stock:
    """Two rows of every position, each unit turned a little, every third one fallen on its back."""
    units = []
    for p in layout.planogram.positions:
        depth = layout.product(p).depth
        for column, row in itertools.product(range(p.wide), range(2)):
            x, y, z = layout.base(p, column, 0, row)
            yaw = layout.store.fixture(p.fixture).yaw + 0.1 * (column - row)
            fallen = len(units) % 3 == 2
            half = np.sqrt(0.5)
            # On its back, then turned about the vertical: q = q(yaw) * q(x, -90°).
            cos, sin = np.cos(yaw / 2) * half, np.sin(yaw / 2) * half
            pose = (-cos, -sin, sin, cos) if fallen else None
            height = z + depth / 2 if fallen else z
            units.append(Unit(p.sku, p.id, column, 0, row, x, y, height, yaw, "fallen" if fallen else "standing", pose))
    return Stock(tuple(units))


@pytest.mark.parametrize("camera", [front_camera(), OBLIQUE, FAR_RIGHT], ids=lambda c: c.id)
def test_amodal_boxes_and_fractions_agree_with_lone_renders(camera: Camera) -> None:
    layout = turned_layout()
    scenario = Scenario(layout, small_scenario().conditions)
    stock = scattered_stock(layout)
    with World(layout) as world, World(layout) as alone:
        world.place(stock)
        truth = measure(world, camera, render(world, camera, scenario))
        for body in alone.instances:
            alone.park(body)
        visible = np.bincount(truth.mask[truth.mask >= 0], minlength=len(truth.sku))
        x0, y0, x1, y1 = truth.amodal_box.T
        whole = (x0 > 0) & (y0 > 0) & (x1 < camera.model.width) & (y1 < camera.model.height)
        tested = np.flatnonzero(whole & (truth.visible_fraction > 0.05))
        for i in tested:
            alone.place(Stock((stock.units[i],)))
            lone = render(alone, camera, scenario).body == alone.unit_bodies[0]
            rows, columns = np.nonzero(lone)
            box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            np.testing.assert_allclose(truth.amodal_box[i], box, atol=1.0)
            assert truth.visible_fraction[i] == pytest.approx(visible[i] / lone.sum(), abs=0.01)
    assert {layout.catalog[truth.sku[i]].form for i in tested} == set(FORMS)
    assert {stock.units[i].condition for i in tested} == {"standing", "fallen"}


@pytest.mark.parametrize("camera", [front_camera(), OBLIQUE, CUT_OFF], ids=lambda c: c.id)
def test_what_is_seen_and_what_hides_the_rest_add_up(camera: Camera) -> None:
    scenario = small_scenario(seed=3, mess=Mess(), shoppers=2)
    with World(scenario.layout) as world:
        truth = capture(world, scenario, camera)[1]
    np.testing.assert_allclose(truth.hidden.sum(axis=1) + truth.visible_fraction, 1, atol=1e-5)
    assert (truth.hidden >= 0).all()
    assert truth.hidden[:, HIDERS.index("unit")].max() > 0.1  # the rows behind, by the row in front


def _wall(kind: str, height: float, truth_of: Callable[[World], Truth], world: World) -> tuple[Truth, Truth]:
    before = truth_of(world)
    builder = MeshBuilder()
    builder.block((-1.0, -0.6, 0.0), (0.5, -0.59, height), (0.5, 0.5))
    body = world.add(kind, builder.mesh(Image.new("RGB", (8, 8))))
    after = truth_of(world)
    world.remove(body)
    return before, after


@pytest.mark.parametrize(("kind", "hider"), [("person", "person"), ("obstacle", "obstacle"), ("fixture", "shelf")])
def test_what_stands_before_units_is_named_as_what_hides_them(kind: str, hider: str) -> None:
    """A board over the left half takes from every front unit what it hides, and says so."""
    layout = small_layout()
    scenario = Scenario(layout, small_scenario().conditions)
    camera = front_camera()

    def truth_of(world: World) -> Truth:
        return measure(world, camera, render(world, camera, scenario))

    with World(layout) as world:
        world.place(scattered_stock(layout))
        before, after = _wall(kind, 0.9, truth_of, world)
    column = HIDERS.index(hider)
    gained = after.hidden[:, column] - before.hidden[:, column]
    lost = before.visible_fraction - after.visible_fraction
    assert lost.max() > 0.5
    assert (lost <= 0.005).any()
    assert (gained >= lost - 1e-3).all()  # a unit that others hid in part loses less to the board than it covers
    clear = before.visible_fraction > 0.98
    np.testing.assert_allclose(gained[clear], lost[clear], atol=0.02)


def test_a_unit_outside_the_frame_is_hidden_by_the_frame(world: World) -> None:
    scenario = small_scenario()
    scenario = Scenario(world.layout, scenario.conditions, scenario.seed)
    truth = capture(world, scenario, CUT_OFF)[1]
    right = truth.amodal_box[:, 0] > CUT_OFF.model.width
    assert right.any()
    assert (truth.visible_fraction[right] == 0).all()
    assert (truth.hidden[right, HIDERS.index("frame")] == 1).all()


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
