"""People and obstacles in the picture: real sizes, truth, and a shelf that reappears behind a shopper."""

import dataclasses

import numpy as np
import pytest

from scenarios import Conditions, Crowd, Scenario
from scenarios.shoppers import BODIES, CART_AHEAD, OUTFITS, PHASES, REACHES
from sim import World, capture
from sim.motion import motions, smear
from sim.obstacles import HANDLE, obstacle_mesh
from sim.people import hand_of, people, person_mesh
from tests.layouts import TIDY, front_camera, small_layout

POSES = ("stand", *(f"{kind}{i}" for kind in ("walk", "push") for i in range(PHASES)), *REACHES)


def scenario(crowd: Crowd, seed: int = 3) -> Scenario:
    return Scenario(small_layout(), Conditions("small", crowd=crowd, mess=TIDY), seed)


def test_every_body_and_pose_that_a_shopper_can_have_is_baked() -> None:
    assert people().bodies == BODIES
    assert set(people().poses) == set(POSES)
    assert people().textures.shape == (len(BODIES), OUTFITS)


@pytest.mark.parametrize("body", BODIES)
def test_people_have_the_size_of_people(body: str) -> None:
    for pose in ("stand", "walk0", "reach-high", "push3"):
        mesh = person_mesh(body, pose, 0)
        low, high = mesh.vertices.min(0), mesh.vertices.max(0)
        assert low[2] == pytest.approx(0, abs=0.002)
        assert 1.0 < high[2] < 2.4
        assert np.linalg.norm(mesh.normals, axis=1) == pytest.approx(np.ones(len(mesh.normals)), abs=1e-3)
        assert len(mesh.triangles) < 5000
    tall = np.ptp(person_mesh(body, "stand", 0).vertices[:, 2])
    assert (1.2 < tall < 1.45) if body == "boy" else (1.5 < tall < 1.95)


def test_hands_reach_where_the_pose_says_and_lie_on_a_cart_s_handle() -> None:
    for body in BODIES:
        low, middle, high = (hand_of(body, pose)[2] for pose in REACHES)
        assert low < middle < high
        if body != "boy":
            _, y, z = hand_of(body, "push0")
            assert y == pytest.approx(CART_AHEAD - 0.44, abs=0.12)
            assert z == pytest.approx(HANDLE, abs=0.16)


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("cart", (0.55, 0.96, 1.04)),
        ("basket", (0.34, 0.49, 0.41)),
        ("pallet", (1.2, 0.8, 0.98)),
        ("cage", (0.75, 0.83, 1.71)),
    ],
)
def test_obstacles_have_real_sizes(kind: str, size: tuple[float, float, float]) -> None:
    np.testing.assert_allclose(np.ptp(obstacle_mesh(kind, 1).vertices, axis=0), size, atol=0.03)


def test_persons_are_boxed_and_obstacles_only_hide() -> None:
    busy = scenario(Crowd(shoppers=2, carts=0.0, baskets=1.0, pallets=1), seed=2)
    with World(busy.layout) as world:
        truth = capture(world, busy, front_camera())[1]
        kinds = [i.kind for i in world.scene()]
        assert kinds.count("person") == len(world.shopper_bodies) == 2
        assert kinds.count("obstacle") == 2 + 1
    assert len(truth.person_box) <= 2


@pytest.mark.parametrize(
    ("back", "least", "most"), [(2.4, 0.98, 1.0), (0.9, 0.1, 0.85)], ids=["whole", "cut off by the frame"]
)
def test_how_much_of_a_person_is_visible(back: float, least: float, most: float) -> None:
    alone = scenario(Crowd(shoppers=1), seed=3)
    with World(alone.layout) as world:
        world.set(alone)
        x, y, _ = world.instances[world.shopper_bodies[0]].position
        camera = dataclasses.replace(front_camera(), position=(x, y - back, 0.9), target=(x, y, 0.9))
        truth = capture(world, alone, camera)[1]
    assert len(truth.person_box) == 1
    assert least <= truth.person_visible_fraction[0] <= most


def test_a_shopper_walks_past_and_the_shelf_reappears() -> None:
    crowd, camera = Crowd(shoppers=1), front_camera()
    start = scenario(crowd)
    with World(start.layout) as world:
        calm = dataclasses.replace(start, conditions=dataclasses.replace(start.conditions, crowd=Crowd()))
        full = capture(world, calm, camera)[1].visible_fraction
        truths = [capture(world, start.at(t), camera)[1] for t in np.arange(0.0, 36.0, 3.0)]
        # Asked in another order, the same moment is the same.
        again = capture(world, start.at(6.0), camera)[1]
    seen = np.array([t.visible_fraction[t.front].sum() for t in truths]) / full[truths[0].front].sum()
    hidden = seen < 0.97
    assert hidden.any()
    assert (seen[int(hidden.argmax()) :] > 0.999).any()
    np.testing.assert_array_equal(again.mask, truths[2].mask)
    for t in truths:
        assert (t.visible_fraction <= full + 1e-6).all()


def test_another_camera_meets_the_same_people() -> None:
    busy = scenario(Crowd(shoppers=3, carts=0.5))
    other = dataclasses.replace(front_camera(), position=(1.2, -1.2, 1.8))
    with World(busy.layout) as world:
        capture(world, busy, front_camera())
        before = [(i.position, i.orientation, i.mesh) for i in world.scene() if i.kind in ("person", "obstacle")]
        capture(world, busy, other)
        after = [(i.position, i.orientation, i.mesh) for i in world.scene() if i.kind in ("person", "obstacle")]
    assert before == after


def test_bodies_of_people_are_used_again() -> None:
    """A long run must not grow with every seed that it shows."""
    crowd = Crowd(shoppers=3, carts=0.3, baskets=0.3, pallets=1)
    with World(small_layout()) as world:
        for seed in range(60):
            world.set(Scenario(world.layout, Conditions("small", crowd=crowd, mess=TIDY), seed))
        bodies = [i for i in world.instances.values() if i.kind in ("person", "obstacle")]
        assert len({id(i.mesh) for i in bodies}) <= len(BODIES) * len(POSES) + 12
        assert len(bodies) < 1.3 * len({id(i.mesh) for i in bodies}) + 8


def test_who_comes_first_does_not_change_a_picture() -> None:
    """People were drawn in the order of their first use, which decides where two surfaces are equally far."""
    crowd = Crowd(shoppers=4, carts=0.3, baskets=0.5, pallets=1)
    first, second = (scenario(crowd, seed) for seed in (1, 2))
    second = dataclasses.replace(second, layout=first.layout)
    pictures = []
    for order in ((first, second), (second, first)):
        with World(first.layout) as world:
            seen = {s.seed: capture(world, s, front_camera()) for s in order}
            pictures.append(seen)
            drawn = [o.mesh for o in world.scene() if o.kind in ("person", "obstacle")]
            assert len(drawn) >= 5
    for seed in (1, 2):
        (a, truth), (b, other) = (seen[seed] for seen in pictures)
        np.testing.assert_array_equal(a.image, b.image)
        np.testing.assert_array_equal(truth.person_box, other.person_box)


def test_people_who_were_let_go_come_back_as_they_were() -> None:
    crowd = Crowd(shoppers=5, carts=0.3, baskets=0.5)
    with World(small_layout()) as world:
        seeds = [Scenario(world.layout, Conditions("small", crowd=crowd, mess=TIDY), seed) for seed in range(30)]
        before = capture(world, seeds[0], front_camera())[0]
        for s in seeds:
            world.set(s)
        after = capture(world, seeds[0], front_camera())[0]
    np.testing.assert_array_equal(before.image, after.image)


def test_who_walks_is_smeared_along_the_way_and_who_stands_is_not() -> None:
    walker = scenario(Crowd(shoppers=1, carts=0.0, baskets=0.0))
    camera = front_camera()
    moving, standing = 0, 0
    with World(walker.layout) as world:
        for time in np.arange(0.0, 40.0, 2.0):
            world.set(walker.at(float(time)))
            found = motions(world, camera)
            moving += bool(found)
            standing += not found
            for velocity in found.values():
                assert 0 < np.hypot(*velocity) < 3.0 * 4000
                assert abs(velocity[0]) > abs(velocity[1])  # along the aisle
    assert moving
    assert standing


def test_a_streak_is_as_long_as_the_way_and_keeps_its_light() -> None:
    light, body = np.full((60, 200, 3), 0.1, np.float32), np.full((60, 200), -1, np.int32)
    light[20:40, 90:110], body[20:40, 90:110] = 1.0, 7
    moved = smear(light, body, {7: np.array([1000.0, 0.0])}, 0.02)
    np.testing.assert_array_equal(moved[:, :75], light[:, :75])
    np.testing.assert_array_equal(moved[:15], light[:15])
    assert moved[30, 78, 0] == pytest.approx(0.1, abs=0.01)
    assert moved[30, 90, 0] > 0.5  # half covered, over what it uncovers
    assert 0.15 < moved[30, 84, 0] < 0.6
    np.testing.assert_allclose(moved[30, 101, 0], 1.0, atol=1e-3)
    np.testing.assert_array_equal(smear(light, body, {7: np.array([1000.0, 0.0])}, 0.0005), light)
