"""The same bits: a scenario and its seed give one picture, in any order and whatever the camera."""

import numpy as np

from scenarios import Mess
from sim import World, capture, studio_pictures
from sim.packaging import front_panel
from tests.layouts import front_camera, product, small_layout, small_scenario
from tests.sim.test_truth import CUT_OFF, OBLIQUE


def test_pictures_and_truth_do_not_depend_on_order_or_world() -> None:
    layout = small_layout()
    a, b = (type(s)(layout, s.conditions, s.seed) for s in (small_scenario(1, Mess(), 1), small_scenario(2, Mess(), 2)))
    camera = front_camera()
    with World(layout) as world:
        first, truth = capture(world, a, camera)
        capture(world, b, OBLIQUE)
        again, truth_again = capture(world, a, camera)
    with World(layout) as world:
        fresh, _ = capture(world, a, camera)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.image, fresh.image)
    np.testing.assert_array_equal(truth.visible_fraction, truth_again.visible_fraction)


def test_moving_a_camera_leaves_the_world_alone() -> None:
    layout = small_layout()
    scenario = small_scenario(5, Mess())
    scenario = type(scenario)(layout, scenario.conditions, scenario.seed)
    with World(layout) as world:
        one, other = capture(world, scenario, OBLIQUE)[1], capture(world, scenario, CUT_OFF)[1]
    np.testing.assert_array_equal(one.sku, other.sku)
    np.testing.assert_array_equal(one.place, other.place)
    np.testing.assert_array_equal(one.gap_place, other.gap_place)


def test_pictures_are_neither_black_nor_burnt_out() -> None:
    layout = small_layout()
    scenario = small_scenario(6)
    scenario = type(scenario)(layout, scenario.conditions, scenario.seed)
    with World(layout) as world:
        image = capture(world, scenario, front_camera())[0].image
    assert 70 < image.mean() < 190
    assert (image.min(axis=2) >= 254).mean() < 0.05


def test_artwork_differs_between_brands_and_little_within_a_family() -> None:
    def art(**changes):
        import dataclasses

        p = dataclasses.replace(product("a"), brand="Velora", family="velora-soup", **changes)
        return np.asarray(front_panel(p, 0.1, 0.2), float)

    classic, tomato = art(sku="1", variant="Classic"), art(sku="2", variant="Tomato")
    stranger = np.asarray(front_panel(product("b"), 0.1, 0.2), float)
    assert 0 < np.abs(classic - tomato).mean() < 0.5 * np.abs(classic - stranger).mean()


def test_studio_pictures_show_the_pack_from_three_sides() -> None:
    pictures = studio_pictures([product("box"), product("can", "can")])
    assert {sku: len(p) for sku, p in pictures.items()} == {"box": 3, "can": 3}
    front = pictures["box"][0]
    assert front.shape[0] / front.shape[1] == np.float64(2.0).round() or abs(front.shape[0] / front.shape[1] - 2) < 0.15
