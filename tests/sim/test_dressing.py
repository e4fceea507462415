"""What hangs on and around the shelves of training pictures: no product, and never where packs stand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scenarios import Layout
from sim import World, capture
from sim.dressing import dressing_meshes
from sim.fixtures import SHEET
from tests.layouts import front_camera, small_layout, small_scenario

SEEDS = range(12)


def of_kind(kind: str) -> Layout:
    layout = small_layout()
    store = layout.store
    room = replace(store.room, y=(-2.4, 0.55))  # the wall stands behind the bay, as in training stores
    return replace(layout, store=replace(store, room=room, fixtures=(replace(store.fixtures[0], kind=kind),)))


def test_dressing_repeats_with_its_seed_and_differs_between_seeds() -> None:
    first, again, other = (dressing_meshes(small_layout(), seed) for seed in (3, 3, 4))
    assert len(first) == len(again)
    for a, b in zip(first, again):
        np.testing.assert_array_equal(a.vertices, b.vertices)
        assert a.texture.tobytes() == b.texture.tobytes()
    assert [m.texture.tobytes() for m in first] != [m.texture.tobytes() for m in other]


@pytest.mark.parametrize("kind", ["gondola", "cooler", "endcap", "pegwall", "freezer"])
def test_dressing_leaves_the_places_of_packs_free(kind: str) -> None:
    layout = of_kind(kind)
    bay = layout.store.fixtures[0]
    for seed in SEEDS:
        for mesh in dressing_meshes(layout, seed):
            x, y, z = bay.to_local(mesh.vertices).T
            among = (x > 0) & (x < bay.width) & (y > 0.005) & (y < bay.depth - SHEET - 0.002) & (z < bay.height)
            assert not among.any()
            assert z.min() >= 0
            assert z.max() <= layout.store.room.ceiling


def test_nothing_of_the_dressing_is_in_the_truth_but_what_it_hides() -> None:
    scenario, camera = small_scenario(), front_camera()
    with World(scenario.layout, density=100, lookalikes=scenario.conditions.lookalikes) as world:
        _, bare = capture(world, scenario, camera)
        for mesh in dressing_meshes(scenario.layout, 5):
            world.add("fixture", mesh)
        frame, dressed = capture(world, scenario, camera)
    assert set(dressed.sku) == set(bare.sku)
    assert (dressed.visible_fraction <= bare.visible_fraction + 1e-6).all()
    assert len(dressed.price_tag_box) <= len(bare.price_tag_box)
    assert len(dressed.person_box) == 0
    assert frame.image.shape == (480, 640, 3)
