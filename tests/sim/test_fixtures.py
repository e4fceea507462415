"""Furniture and room: every kind is built where it stands, keeps out of its packs' places, and costs little."""

import dataclasses

import numpy as np
import pytest

from scenarios import (
    Camera,
    CameraModel,
    Catalog,
    Conditions,
    Fixture,
    Layout,
    Luminaire,
    Mess,
    Planogram,
    Position,
    Room,
    Scenario,
    Shelf,
    Stock,
    Store,
    Window,
)
from scenarios.store import FIXTURE_KINDS
from sim import World
from sim.fixtures import fixture_mesh, open_ends, pane_mesh
from sim.lighting import hung
from sim.price_tags import TAG_HEIGHT, TAG_WIDTH, price_tag_corners
from sim.raster import render
from sim.rooms import backdrop_meshes, room_meshes
from sim.truth import measure
from tests.layouts import MODEL, TIDY, product, small_layout


def layout_of(kind: str, yaw: float = 0.0, **changes: object) -> Layout:
    """One fixture of a kind with three positions on its upper board and one on the lower."""
    shelves = (Shelf(0.15, 0.30), Shelf(0.55, 0.35)) if kind != "freezer" else (Shelf(0.4, 0.4),)
    fixture = Fixture("f", 0.2, 0.1, 1.0, 0.45, shelves, kind, yaw, **changes)  # type: ignore[arg-type]
    top = len(shelves) - 1
    positions = tuple(
        Position(f"p-{form}", "f", min(shelf, top), x, form, 2, 1, 3, 1)
        for form, shelf, x in (("box", 1, 0.02), ("can", 1, 0.3), ("pouch", 1, 0.62))
    )
    room = Room((-0.4, 1.8), (-1.6, 1.6), 2.6)
    catalog = Catalog(tuple(product(f, f) for f in ("box", "can", "pouch")))
    return Layout(Store(kind, room, (fixture,)), catalog, Planogram(positions))


@pytest.mark.parametrize("kind", FIXTURE_KINDS)
def test_every_kind_is_cheap_and_leaves_the_places_of_its_packs_free(kind: str) -> None:
    layout = layout_of(kind, dividers=kind == "gondola")
    (fixture,) = layout.store.fixtures
    mesh = fixture_mesh(layout, fixture, seed=3)
    assert 50 < len(mesh.triangles) <= 1500
    corners = fixture.to_local(mesh.vertices)[mesh.triangles]
    low, high = corners.min(axis=1), corners.max(axis=1)
    packs = fixture.to_local(layout.places.corners)
    # A hook goes through the packs that hang on it.
    shrunk = 0.004 if kind != "pegwall" else 0.03
    for pack in packs:
        inside = (low < pack.max(axis=0) - shrunk).all(axis=1) & (high > pack.min(axis=0) + shrunk).all(axis=1)
        assert not inside.any()


@pytest.mark.parametrize("kind", FIXTURE_KINDS)
def test_fixtures_and_price_tags_turn_together(kind: str) -> None:
    straight, turned = layout_of(kind), layout_of(kind, 2.2)
    here, there = straight.store.fixtures[0], turned.store.fixtures[0]
    a, b = fixture_mesh(straight, here, 3), fixture_mesh(turned, there, 3)
    np.testing.assert_allclose(here.to_local(a.vertices), there.to_local(b.vertices), atol=1e-9)
    tags = here.to_local(price_tag_corners(straight))
    np.testing.assert_allclose(tags, there.to_local(price_tag_corners(turned)), atol=1e-9)
    sizes = tags.max(axis=1) - tags.min(axis=1)
    np.testing.assert_allclose(sizes[:, [0, 2]], np.broadcast_to((TAG_WIDTH, TAG_HEIGHT), (len(tags), 2)), atol=1e-9)
    assert (tags[..., 1] < 0).all()  # before the front


@pytest.mark.parametrize("kind", FIXTURE_KINDS)
def test_price_tags_are_seen_from_the_front(kind: str) -> None:
    """Nothing of the fixture stands before a tag, or in it."""
    layout = layout_of(kind)
    camera = Camera("front", MODEL, (0.7, -1.3, 1.1), (0.7, 0.1, 0.5))
    scenario = Scenario(layout, Conditions("front", mess=TIDY), 1)
    with World(layout, density=100, look=1) as world:
        world.set(scenario)
        body = render(world, camera, scenario).body
        tag = next(i.body for i in world.instances.values() if i.kind == "tag")
        pixels, _ = camera.project(price_tag_corners(layout))
    for quad in pixels:
        x, y = (quad.min(axis=0) + quad.max(axis=0)).astype(int) // 2
        assert body[y, x] == tag


def test_only_the_ends_of_a_run_are_closed() -> None:
    shelves = (Shelf(0.2, 0.4),)
    run = tuple(Fixture(f"b{n}", 1.0 * n, 0.0, 1.0, 0.4, shelves) for n in range(3))
    store = Store("run", Room((-1, 4), (-2, 0.4), 3), run)
    assert [open_ends(store, f) for f in run] == [(True, False), (False, False), (False, True)]
    back = tuple(Fixture(f"b{n}", 3.0 - n, 0.0, 1.0, 0.4, shelves, yaw=np.pi) for n in range(3))
    assert [open_ends(dataclasses.replace(store, fixtures=back), f) for f in back] == [
        (True, False), (False, False), (False, True),
    ]  # fmt: skip


def test_glass_is_for_renderers_that_know_it() -> None:
    layout = layout_of("cooler")
    pane = pane_mesh(layout.store.fixtures[0], 3)
    assert pane is not None
    assert pane.clear is not None
    assert pane.clear.all()
    with World(layout, density=60) as world:
        assert [i.body for i in world.scene() if i.kind == "pane"] == [-1]
        assert not any(i.kind == "pane" for i in world.instances.values())
    assert pane_mesh(layout_of("gondola").store.fixtures[0], 3) is None


def test_no_camera_in_the_room_sees_a_void() -> None:
    layout = small_layout()
    scenario = Scenario(layout, Conditions("room", mess=Mess()), 2)
    wide = CameraModel("wide", 160, 120, 1.7, 0.0)
    with World(layout, density=60) as world:
        world.set(scenario)
        for position in ((-0.7, -2.1, 2.7), (1.7, -2.1, 0.3), (0.5, -0.5, 1.5)):
            for target in ((0.5, 0.4, 1.0), (-0.9, -1.0, 1.5), (1.9, -0.5, 1.2), (0.5, -2.3, 0.4)):
                body = render(world, Camera("c", wide, position, target), scenario).body
                assert (body >= 0).all()


def test_painted_shelving_is_known_and_never_behind_a_fixture() -> None:
    layout = small_layout()
    with World(layout, density=60) as world:
        kinds = {world.instances[body].kind for body in world.backdrop_bodies}
        assert kinds == {"room"}
        meshes = [world.instances[body].mesh for body in world.backdrop_bodies]
    room = layout.store.room
    assert len(meshes) == 3  # across the aisle and at both ends
    for mesh in meshes:
        assert not (np.abs(mesh.vertices[:, 1] - room.y[1]) < 0.05).all()
    window = Window("front", (0.5, room.y[0], 1.5), 1.0, 1.0)
    lit = dataclasses.replace(layout, store=dataclasses.replace(layout.store, windows=(window,)))
    assert len(backdrop_meshes(lit, 0)) == 2


@pytest.mark.parametrize("kind", ["pallet", "rack", "freezer"])
def test_what_is_seen_behind_an_open_fixture_is_no_painted_pack(kind: str) -> None:
    behind = [m for m in backdrop_meshes(layout_of(kind), 0) if (np.abs(m.vertices[:, 1] - 1.6) < 0.05).all()]
    assert not behind
    assert [m for m in backdrop_meshes(layout_of("gondola"), 0) if (np.abs(m.vertices[:, 1] - 1.6) < 0.05).all()]


def test_lamps_hang_where_the_store_has_them() -> None:
    layout = small_layout()
    lamp = Luminaire("l", "panel", (0.4, -1.0, 2.9), 3000.0, length=0.6, width=0.6, yaw=0.4)
    store = dataclasses.replace(layout.store, luminaires=(lamp,))
    assert hung(store) == (lamp,)
    housing = room_meshes(dataclasses.replace(layout, store=store), 0)[-1]
    np.testing.assert_allclose(housing.vertices.mean(axis=0)[:2], lamp.position[:2], atol=1e-6)
    rows = hung(layout.store)
    assert len({round(tube.position[1], 3) for tube in rows if not tube.emergency}) == 2
    assert all(layout.store.room.contains(tube.position) for tube in rows)


def test_the_path_tracer_looks_through_the_glass_of_a_cooler() -> None:
    """Panes were bodies without an id: the packs behind closed doors had no truth, and looked milky."""
    pytest.importorskip("mitsuba")
    from sim.pathtrace import render as trace

    layout = layout_of("cooler")
    scenario = Scenario(layout, Conditions("cooler", mess=TIDY), 1)
    camera = Camera("front", CameraModel("small", 80, 60, 0.9, 0.0), (0.7, -1.3, 0.9), (0.7, 0.1, 0.6))
    with World(layout, density=60, look=1) as world:
        world.set(scenario)
        units = set(world.unit_bodies.tolist())
        traced, raster = (set(np.unique(draw(world, camera, scenario).body)) & units for draw in (trace, render))
    assert len(raster) >= 6
    assert traced == raster


def test_a_gap_in_a_freezer_chest_is_seen_from_above() -> None:
    """Its front face is behind the chest's rim: a gap that lay open before the camera counted as hidden."""
    layout = layout_of("freezer")
    scenario = Scenario(layout, Conditions("freezer", mess=TIDY), 1)
    camera = Camera("above", CameraModel("small", 320, 240, 0.9, 0.0), (0.7, 0.35, 2.2), (0.7, 0.36, 0.6))
    with World(layout, density=60) as world:
        world.place(Stock(tuple(u for u in scenario.stock.units if (u.position, u.column) != ("p-box", 1))))
        truth = measure(world, camera, render(world, camera, scenario))
    assert len(truth.gap_place) == 1
    assert truth.gap_visible_fraction[0] > 0.95


def test_a_pusher_s_plate_stands_behind_the_last_pack_of_its_column() -> None:
    layout = layout_of("gondola", yaw=0.4, pushers=True)
    (fixture,) = layout.store.fixtures
    full = Scenario(layout, Conditions("pushed", mess=TIDY), 1).stock.units
    with World(layout, density=60) as world:
        plain = {o.body for o in world.scene() if o.kind == "fixture"}
        world.place(Stock(tuple(u for u in full if u.position != "p-box" or u.row == 0)))
        plates = {o.position: o for o in world.scene() if o.kind == "fixture" and o.body in plain and any(o.position)}
        assert len(plates) == sum(p.wide for p in layout.planogram.positions)
        for position in layout.planogram.positions:
            rows = 1 if position.id == "p-box" else 1 + max(u.row for u in full if u.position == position.id)
            for column in range(position.wide):
                last = fixture.to_local(layout.base(position, column, 0, rows - 1))
                back = float(last[1]) + layout.product(position).depth / 2
                local = [fixture.to_local(p) for p in plates]
                gaps = [v[1] - back for v in local if abs(v[0] - last[0]) < 1e-6 and abs(v[2] - last[2]) < 1e-6]
                assert len(gaps) == 1
                assert -1e-6 < gaps[0] < 0.01
        world.place(Stock(()))
        assert all(fixture.to_local(o.position)[1] < 0.03 for o in world.scene() if o.body in plain and any(o.position))
