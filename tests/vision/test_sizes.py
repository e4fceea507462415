"""Sizes: a product is told by how large it is in the picture of a calibrated camera."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scenarios import Camera, Catalog, Layout, Planogram, Position
from tests.layouts import MODEL, front_camera, product, small_layout, small_scenario
from vision.sizes import sizes_of

sim = pytest.importorskip("sim", reason="the simulator is not installed here")
World, capture = sim.World, sim.capture

CAMERAS = (
    front_camera(),
    Camera("oblique", MODEL, (1.3, -1.3, 1.6), (0.5, 0.0, 0.6)),
    Camera("overhead", MODEL, (0.5, -1.0, 2.2), (0.5, 0.0, 0.6)),
)


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda c: c.id)
def test_nothing_is_held_against_the_products_that_stand_there(camera: Camera) -> None:
    scenario = small_scenario()
    with World(scenario.layout) as world:
        _, truth = capture(world, scenario, camera)
    whole = np.flatnonzero(truth.front & (truth.visible_fraction > 0.95))
    assert len(whole) >= 6
    misfit = sizes_of(scenario.layout, camera, truth.sku[whole].astype(str)).misfit(truth.visible_box[whole])
    assert (np.diag(misfit) < 0.1).mean() >= 0.9


def test_what_is_twice_or_half_as_large_is_told_and_what_nobody_knows_is_not() -> None:
    sizes = {"small": 0.05, "own": 0.1, "large": 0.2}
    products = tuple(product(sku, width=w, height=2 * w) for sku, w in sizes.items())
    bay = small_layout().store
    layout = Layout(bay, Catalog(products), Planogram((Position("p", "bay-1", 1, 0.4, "own", 1, 1, 1, 0),)))
    camera = front_camera()
    found = sizes_of(layout, camera, ["own", "small", "large", "stranger"])
    box = camera.project(layout.places.corners[0])[0]
    xyxy = np.array([[*box.min(axis=0), *box.max(axis=0)]], np.float32)
    own, small, large, stranger = found.misfit(xyxy)[0]
    assert own == 0
    assert min(small, large) > 0.4
    assert stranger == 0
    assert found.misfit(np.empty((0, 4), np.float32)).shape == (0, 4)


def test_a_bay_across_the_aisle_is_seen_the_same_way() -> None:
    layout, camera = small_layout(), front_camera()
    turned = dataclasses.replace(layout.store.fixtures[0], x=1.0, y=-3.2, yaw=np.pi)
    across = dataclasses.replace(layout, store=dataclasses.replace(layout.store, fixtures=(turned,)))
    opposite = dataclasses.replace(camera, position=(0.5, -1.6, 1.2), target=(0.5, -3.2, 0.6))
    names = [p.sku for p in layout.catalog]
    np.testing.assert_allclose(
        sizes_of(across, opposite, names).per_metre, sizes_of(layout, camera, names).per_metre, rtol=1e-6
    )
