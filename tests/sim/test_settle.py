"""Disturbed units at rest: on their board, in their fixture, in nobody else's place, the same every time."""

import dataclasses
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios import Catalog, Fixture, Layout, Mess, Planogram, Position, Room, Shelf, Stock, Store
from scenarios.stock import draw_stock
from sim import World
from sim.engine import pybullet
from sim.packs import pack_mesh
from sim.settle import Settler, posed_points
from tests.layouts import product, small_scenario

FORMS = ("box", "can", "bottle", "carton", "pouch")
MESSY = Mess(out=0, misplaced=0, empty_column=0.3, receded=0.5, turned=0.2, leaning=0.4, fallen=0.3)


def wide_layout(yaw: float = 0.0, kind: str = "gondola") -> Layout:
    """Four columns of every form on two boards, so that units have room to lean and to fall."""
    shelves = (Shelf(0.2, 0.35), Shelf(0.6, 0.35))
    bay = Fixture("bay", 0.4, 0.1, 1.5, 0.5, shelves, kind, yaw)
    products = tuple(product(form, form) for form in FORMS)
    positions = tuple(
        Position(f"p-{form}", "bay", i // 3, 0.02 + 0.48 * (i % 3), form, 4, 1, 4, 1) for i, form in enumerate(FORMS)
    )
    room = Room((0.0, 2.4), (-1.2, 0.6), 2.6)
    return Layout(Store("wide", room, (bay,)), Catalog(products), Planogram(positions))


@cache
def packs() -> dict:
    return {form: pack_mesh(product(form, form), 60) for form in FORMS}


@pytest.fixture(scope="module")
def settler() -> Iterator[Settler]:
    settler = Settler(wide_layout(), packs())
    yield settler
    settler.close()


def deepest_overlap(stock: Stock) -> float:
    """How deep two units of a stock are in each other, in metres, by the hulls of their meshes."""
    client = pybullet.connect(pybullet.DIRECT)
    bodies = []
    for unit in stock.units:
        points = posed_points(packs()[unit.sku].vertices, unit)
        middle = points.mean(axis=0)
        hull = (points - middle).tolist()
        shape = pybullet.createCollisionShape(pybullet.GEOM_MESH, vertices=hull, physicsClientId=client)
        bodies.append(pybullet.createMultiBody(0, shape, -1, middle.tolist(), physicsClientId=client))
    boxes = [pybullet.getAABB(body, -1, client) for body in bodies]
    deepest = 0.0
    for i, a in enumerate(bodies):
        for j in range(i):
            if (np.array(boxes[i][0]) < boxes[j][1]).all() and (np.array(boxes[j][0]) < boxes[i][1]).all():
                near = pybullet.getClosestPoints(a, bodies[j], 0.0, physicsClientId=client)
                deepest = max(deepest, *(-point[8] for point in near), 0.0)
    pybullet.disconnect(client)
    return deepest


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), leaning=st.floats(0, 1), fallen=st.floats(0, 1), receded=st.floats(0, 1))
def test_settled_units_rest_in_their_fixture_and_in_nobody_elses_place(
    settler: Settler, seed: int, leaning: float, fallen: float, receded: float
) -> None:
    layout = settler.layout
    mess = dataclasses.replace(MESSY, leaning=leaning, fallen=fallen, receded=receded)
    stock = settler.settle(draw_stock(layout, mess, seed))
    (fixture,) = layout.store.fixtures
    shelf_of = {p.id: p.shelf for p in layout.planogram.positions}
    for unit in stock.units:
        points = fixture.to_local(posed_points(packs()[unit.sku].vertices, unit))
        board = fixture.shelves[shelf_of[unit.position]].z
        assert abs(points[:, 2].min() - board) < 0.003
        assert points[:, 2].max() <= board + fixture.shelves[shelf_of[unit.position]].clearance
        assert points[:, 0].min() > -0.002
        assert points[:, 0].max() < fixture.width + 0.002
        assert points[:, 1].min() > -0.031
        assert points[:, 1].max() < fixture.depth + 0.001
    assert deepest_overlap(stock) < 0.006


def test_units_lean_and_lie(settler: Settler) -> None:
    stocks = [settler.settle(draw_stock(settler.layout, MESSY, seed)) for seed in range(8)]
    units = [u for stock in stocks for u in stock.units]
    for condition in ("leaning", "fallen"):
        posed = [u for u in units if u.condition == condition]
        assert len(posed) > 10
        tilt = [1 - 2 * (u.quaternion[0] ** 2 + u.quaternion[1] ** 2) for u in posed]
        assert max(tilt) < 0.998 if condition == "leaning" else max(tilt) < 0.5
    assert len({u.rotation for u in units if u.condition == "fallen"}) > 10  # not all in one fallback pose


def test_a_pose_depends_on_the_stock_and_not_on_what_was_settled_before(settler: Settler) -> None:
    first, other = (draw_stock(settler.layout, MESSY, seed) for seed in (1, 2))
    settler.settle(other)
    fresh = Settler(settler.layout, packs())
    assert settler.settle(first) == fresh.settle(first)
    assert fresh.settle(first) == fresh.settle(first)
    fresh.close()


def test_tidy_stock_is_left_alone(settler: Settler) -> None:
    stock = draw_stock(settler.layout, Mess(), 3)
    assert settler.settle(stock) is stock


@pytest.mark.parametrize("yaw", [0.7, np.pi / 2, np.pi])
def test_turned_fixtures_settle_alike(yaw: float) -> None:
    turned = wide_layout(yaw)
    settler = Settler(turned, packs())
    stock = settler.settle(draw_stock(turned, MESSY, 4))
    settler.close()
    (fixture,) = turned.store.fixtures
    for unit in stock.units:
        points = fixture.to_local(posed_points(packs()[unit.sku].vertices, unit))
        assert points[:, :2].min() > -0.031
        assert (points[:, :2].max(axis=0) < (fixture.width + 0.002, fixture.depth + 0.002)).all()
    assert any(u.condition != "standing" for u in stock.units)


def test_a_world_shows_units_as_they_have_settled() -> None:
    layout = wide_layout()
    base = small_scenario(seed=6, mess=MESSY)
    scenario = dataclasses.replace(base, layout=layout)
    with World(layout, density=60) as world:
        world.set(scenario)
        shown = {instance.body: instance for instance in world.scene()}
        lying = [i for i, u in enumerate(world.stock.units) if u.condition == "fallen"]
        assert lying
        for i in lying:
            unit, instance = world.stock.units[i], shown[int(world.unit_bodies[i])]
            assert tuple(instance.orientation) == unit.rotation
            assert tuple(instance.position) == (unit.x, unit.y, unit.z)
