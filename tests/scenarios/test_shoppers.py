"""Who is in the aisle: a pure function of seed, index and time, never inside a fixture."""

import itertools
import math

import numpy as np
import pytest

from scenarios import Crowd, Fixture, Room, Shelf, Store
from scenarios.aisles import aisle_area, fronts
from scenarios.shoppers import BODIES, CART_AHEAD, crowd_at, pallets, people_count

SHELF = (Shelf(0.3, 0.35), Shelf(0.7, 0.35))


def bay(name: str, x: float, y: float, yaw: float = 0.0, width: float = 1.0) -> Fixture:
    return Fixture(name, x, y, width, 0.45, SHELF, yaw=yaw)


STRAIGHT = Store("straight", Room((-1, 5), (-2.4, 0.45), 3.0), tuple(bay(str(i), i, 0.0) for i in range(4)))
FACING = Store(
    "facing",
    Room((-2, 6), (-3.5, 1.0), 3.0),
    tuple(bay(f"a{i}", i, 0.0) for i in range(4)) + tuple(bay(f"b{i}", i + 1.0, -2.2, math.pi) for i in range(4)),
)
TURNED = Store(
    "turned", Room((-3.0, 0.45), (-3, 5), 3.0), tuple(bay(str(i), 0.0, i + 1.0, -math.pi / 2) for i in range(3))
)
STORES = pytest.mark.parametrize("store", [STRAIGHT, FACING, TURNED], ids=lambda s: s.name)
BUSY = Crowd(shoppers=4, carts=0.3, baskets=0.3, pallets=2)


def in_fixture(store: Store, x: float, y: float) -> bool:
    return store.obstacle_at((x, y, 0.05)) is not None


@STORES
def test_a_later_moment_does_not_depend_on_what_was_asked_before(store: Store) -> None:
    late = crowd_at(store, BUSY, 5, 5000.0)
    assert crowd_at(store, BUSY, 5, 3.0) != late
    assert crowd_at(store, BUSY, 5, 5000.0) == late
    assert crowd_at(store, BUSY, 6, 5000.0) != late


@STORES
@pytest.mark.parametrize("seed", range(4))
def test_people_and_things_stand_on_free_floor(store: Store, seed: int) -> None:
    for time in np.linspace(0, 90, 46):
        persons, things = crowd_at(store, BUSY, seed, float(time))
        assert len(persons) == BUSY.shoppers
        for thing in (*persons, *things):
            assert not in_fixture(store, thing.x, thing.y), (time, thing)


@STORES
def test_at_time_zero_shoppers_stand_before_the_shelves_and_apart(store: Store) -> None:
    close = 0
    for seed in range(20):
        persons, things = crowd_at(store, Crowd(shoppers=2), seed, 0.0)
        for p in persons:
            depths = [f.to_local([p.x, p.y, 0.0]) for f in store.fixtures]
            assert any(0 <= x <= f.width and 0.3 < -y < 1.3 for f, (x, y, _) in zip(store.fixtures, depths))
        a, b = persons
        close += math.hypot(a.x - b.x, a.y - b.y) < 0.55
        assert not things
    assert close == 0


def test_shoppers_walk_at_a_walking_pace_and_pause_before_the_shelf() -> None:
    track = [crowd_at(STRAIGHT, Crowd(shoppers=1), 2, t / 10)[0][0] for t in range(1200)]
    steps = np.array([math.hypot(b.x - a.x, b.y - a.y) / 0.1 for a, b in itertools.pairwise(track)])
    same = np.array([a.body == b.body for a, b in itertools.pairwise(track)])
    moving = steps[(steps > 0.05) & (steps < 3) & same]
    assert 0.3 < np.median(moving) < 1.3
    assert (steps == 0).mean() > 0.1
    poses = {p.pose.rstrip("012345") for p in track}
    assert {"stand", "walk"} <= poses
    assert any(pose.startswith("reach") for pose in poses)
    assert len({p.body for p in track}) > 1  # who has left is followed by another


def test_one_shopper_more_leaves_the_others_where_they_are() -> None:
    two, three = (crowd_at(STRAIGHT, Crowd(shoppers=n), 8, 4.0)[0] for n in (2, 3))
    assert three[:2] == two


def test_a_cart_goes_ahead_of_who_pushes_it() -> None:
    seen = 0
    for seed in range(6):
        for t in range(0, 60, 2):
            (person,), carts = crowd_at(STRAIGHT, Crowd(shoppers=1, carts=1.0), seed, float(t))
            if person.pose.startswith("push"):
                (cart,) = carts
                ahead = (person.x - CART_AHEAD * math.sin(person.yaw), person.y + CART_AHEAD * math.cos(person.yaw))
                assert (cart.kind, cart.x, cart.y) == ("cart", pytest.approx(ahead[0]), pytest.approx(ahead[1]))
                seen += 1
    assert seen > 20


def test_density_adds_shoppers_by_the_area_of_the_aisle() -> None:
    assert aisle_area(STRAIGHT) == pytest.approx(4 * 2.4, rel=0.1)
    counts = [people_count(STRAIGHT, Crowd(shoppers=1, density=0.5), seed) for seed in range(30)]
    assert np.mean(counts) == pytest.approx(1 + 0.5 * aisle_area(STRAIGHT), abs=0.5)


def test_pallets_stand_still_and_leave_a_way_along_the_shelves() -> None:
    crowd = Crowd(shoppers=1, pallets=3)
    for seed in range(5):
        placed = pallets(STRAIGHT, crowd, seed)
        assert placed
        assert set(placed) <= set(crowd_at(STRAIGHT, crowd, seed, 77.0)[1])
        assert all(-o.y - 0.4 > 0.8 for o in placed)


def test_fronts_are_found_whichever_way_fixtures_are_turned() -> None:
    assert [round(f.length, 6) for f in fronts(STRAIGHT)] == [4.0]
    assert sorted(round(f.length, 6) for f in fronts(FACING)) == [4.0, 4.0]
    assert [round(f.length, 6) for f in fronts(TURNED)] == [3.0]
    assert fronts(FACING)[0].free == pytest.approx(2.1, abs=0.11)


def test_a_store_without_an_aisle_has_nobody() -> None:
    walled = Store("walled", Room((-1, 5), (-0.3, 0.45), 3.0), (bay("1", 0.0, 0.0),))
    assert crowd_at(walled, Crowd(shoppers=3, pallets=1), 1, 0.0) == ((), ())


def test_neighbours_are_different_people() -> None:
    for t in range(0, 300, 7):
        persons, _ = crowd_at(STRAIGHT, Crowd(shoppers=3), 1, float(t))
        assert len({p.body for p in persons}) == 3


def test_every_body_has_a_name_of_its_own() -> None:
    assert len(set(BODIES)) == len(BODIES)
