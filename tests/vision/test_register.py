"""Registration with perfect detections, and with each thing that can go wrong."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from scenarios import Camera, Catalog, Fixture, Layout, Planogram, Position, Shelf, Store
from tests.layouts import MODEL, front_camera, product, small_layout
from vision import Detections, PlaceReadings, PlaceState, audit, fuse
from vision.readings import GAP, PERSON, PRODUCT, Sight
from vision.register import assign, register
from vision.view import box_around, view_of

OBLIQUE = Camera("oblique", MODEL, (1.5, -1.3, 1.6), (0.5, 0.0, 0.6))
OVERHEAD = Camera("overhead", MODEL, (0.5, -1.0, 2.2), (0.5, 0.0, 0.6))
LAYOUT = small_layout()
SKUS = np.array(sorted(p.sku for p in LAYOUT.catalog))
PLANNED = [LAYOUT.planogram.positions[i].sku for i in LAYOUT.places.position]


def boxes_at(camera: Camera, layout=LAYOUT) -> np.ndarray:
    return view_of(layout, camera).box.astype(np.float32)


def detections(boxes, classes=None, scores=None) -> Detections:
    n = len(boxes)
    classes = np.full(n, PRODUCT) if classes is None else np.asarray(classes)
    scores = np.full(n, 0.9) if scores is None else np.asarray(scores)
    return Detections(np.asarray(boxes, np.float32).reshape(-1, 4), scores.astype(np.float32), classes.astype(np.int64))


def similar_to(skus) -> np.ndarray:
    return np.array([[0.9 if name == sku else 0.1 for name in SKUS] for sku in skus], np.float32)


def registered(layout, view, found, similarities, names) -> PlaceReadings:
    return register(layout, view, found, assign(view, found), similarities, names)


@pytest.mark.parametrize("camera", [front_camera(), OBLIQUE, OVERHEAD], ids=lambda c: c.id)
@pytest.mark.parametrize("shift", [0, 3])
def test_perfect_boxes_fill_every_place_even_a_little_shifted(camera: Camera, shift: float) -> None:
    boxes = boxes_at(camera) + np.float32(shift)
    places = registered(LAYOUT, view_of(LAYOUT, camera), detections(boxes), similar_to(PLANNED), SKUS)
    assert (places.state == PlaceState.OWN).all()
    states = audit(LAYOUT, places)
    assert [s.facings for s in states] == [p.facings for p in LAYOUT.planogram.positions]
    assert all(s.level == "in_stock" and s.intruder is None for s in states)


def test_not_seen_is_not_empty() -> None:
    boxes = np.delete(boxes_at(front_camera()), 0, axis=0)
    places = registered(LAYOUT, view_of(LAYOUT, front_camera()), detections(boxes), similar_to(PLANNED[1:]), SKUS)
    assert places.state[0] == PlaceState.UNSEEN
    first = audit(LAYOUT, places)[0]
    assert first.level == "in_stock"  # its other facing is there
    assert first.facings is None


def test_a_gap_over_all_places_of_a_position_is_out() -> None:
    boxes = boxes_at(front_camera())
    hole = np.concatenate([boxes[:2, :2].min(axis=0), boxes[:2, 2:].max(axis=0)])
    found = detections([*boxes[2:], hole], [*[PRODUCT] * (len(boxes) - 2), GAP])
    places = registered(LAYOUT, view_of(LAYOUT, front_camera()), found, similar_to([*PLANNED[2:], "box"]), SKUS)
    assert places.state[:2].tolist() == [PlaceState.EMPTY] * 2
    assert audit(LAYOUT, places)[0].level == "out"


def test_a_gap_found_in_pieces_is_a_gap() -> None:
    """Gaps are labelled over all empty places side by side, so that pieces end anywhere."""
    boxes = boxes_at(front_camera())
    (x0, y0), (x1, y1) = boxes[:2, :2].min(axis=0), boxes[:2, 2:].max(axis=0)
    cuts = x0 + (x1 - x0) * np.array([0, 0.3, 0.7, 1])
    pieces = [[left, y0, right, y1] for left, right in itertools.pairwise(cuts)]
    found = detections([*boxes[2:], *pieces], [*[PRODUCT] * (len(boxes) - 2), *[GAP] * 3])
    places = registered(LAYOUT, view_of(LAYOUT, front_camera()), found, similar_to([*PLANNED[2:], *["box"] * 3]), SKUS)
    assert places.state[:2].tolist() == [PlaceState.EMPTY] * 2


def test_a_person_in_front_makes_a_position_unknown() -> None:
    boxes = boxes_at(front_camera())
    body = np.concatenate([boxes[:2, :2].min(axis=0) - 20, boxes[:2, 2:].max(axis=0) + 20])
    found = detections([*boxes[2:], body], [*[PRODUCT] * (len(boxes) - 2), PERSON])
    places = registered(LAYOUT, view_of(LAYOUT, front_camera()), found, similar_to([*PLANNED[2:], "box"]), SKUS)
    assert audit(LAYOUT, places)[0].level == "unknown"
    # Also when the person is half taken for a gap.
    scores = np.array([0.9] * (len(boxes) - 1) + [0.2])
    unsure = detections([*boxes[2:], body, body], [*[PRODUCT] * (len(boxes) - 2), PERSON, GAP], scores)
    names = similar_to([*PLANNED[2:], "box", "box"])
    places = registered(LAYOUT, view_of(LAYOUT, front_camera()), unsure, names, SKUS)
    assert audit(LAYOUT, places)[0].level == "unknown"


def test_a_foreign_pack_is_an_intruder_and_the_position_out() -> None:
    boxes = boxes_at(front_camera())
    seen = ["can", "can", *PLANNED[2:]]
    places = registered(LAYOUT, view_of(LAYOUT, front_camera()), detections(boxes), similar_to(seen), SKUS)
    first = audit(LAYOUT, places)[0]
    assert first.level == "out"
    assert first.intruder == "can"
    assert first.facings == 0


def test_a_rival_that_is_hardly_nearer_does_not_unseat_the_plan() -> None:
    similarity = similar_to(PLANNED)
    similarity[0] = 0.70
    similarity[0, SKUS.tolist().index("can")] = 0.75
    places = registered(LAYOUT, view_of(LAYOUT, front_camera()), detections(boxes_at(front_camera())), similarity, SKUS)
    assert places.state[0] == PlaceState.OWN


def test_without_a_gallery_what_stands_there_is_taken_for_the_planned() -> None:
    places = registered(LAYOUT, view_of(LAYOUT, front_camera()), detections(boxes_at(front_camera())), None, None)
    assert (places.state == PlaceState.OWN).all()


def test_places_outside_the_frame_are_unseen() -> None:
    away = Camera("away", MODEL, (5.0, -1.0, 1.0), (6.0, 0.0, 1.0))
    places = registered(LAYOUT, view_of(LAYOUT, away), detections([]), None, None)
    assert (places.state == PlaceState.UNSEEN).all()
    assert all(s.level == "unknown" and s.facings is None for s in audit(LAYOUT, places))


def test_the_top_of_a_stack_that_is_not_found_is_empty() -> None:
    flat = dataclasses.replace(product("flat"), height=0.1)
    position = Position("p", "bay-1", 0, 0.1, "flat", 2, 2, 2, 1)
    layout = dataclasses.replace(LAYOUT, catalog=type(LAYOUT.catalog)((flat,)), planogram=Planogram((position,)))
    boxes = boxes_at(front_camera(), layout)
    found = detections(boxes[[0, 1, 2]])  # the second column lacks its upper pack
    places = registered(layout, view_of(layout, front_camera()), found, None, None)
    assert places.state.tolist() == [PlaceState.OWN, PlaceState.OWN, PlaceState.OWN, PlaceState.EMPTY]
    assert audit(layout, places)[0].facings == 3
    # Nothing stands on an empty place, so that a top beyond the frame leaves no doubt.
    view = view_of(layout, front_camera())
    view = dataclasses.replace(view, visible=np.array([True, False, True, False]))
    places = registered(layout, view, detections(boxes[[0, 2]], [GAP, GAP]), None, None)
    assert audit(layout, places)[0].level == "out"


BESIDE = [
    # where the camera hangs, what was read in the upper places of a stack of two columns, what is said of them
    pytest.param(2.0, "left", PlaceState.EMPTY, id="the neighbour whom the camera sees past the stack"),
    pytest.param(-1.6, "right", PlaceState.EMPTY, id="the one on the other side"),
    pytest.param(2.0, "right", PlaceState.FOREIGN, id="a neighbour whom it cannot see there"),
    pytest.param(2.0, "far", PlaceState.FOREIGN, id="what stands nowhere near"),
]


@pytest.mark.parametrize(("x", "seen", "state"), BESIDE)
def test_a_neighbour_seen_over_a_stack_that_is_not_full_stands_where_it_should(x: float, seen: str, state) -> None:
    """Overhead cameras told of them as misplaced: 0.897 of what they told of was right, 0.938 since."""
    goods = tuple(dataclasses.replace(product(sku), height=0.1) for sku in ("left", "flat", "right", "far"))
    places = {"left": 0.05, "flat": 0.35, "right": 0.65}
    positions = [Position(f"p-{sku}", "bay-1", 0, at, sku, 2, 2, 2, 1) for sku, at in places.items()]
    positions.append(Position("p-far", "bay-1", 1, 0.35, "far", 2, 2, 2, 1))
    layout = dataclasses.replace(LAYOUT, catalog=type(LAYOUT.catalog)(goods), planogram=Planogram(tuple(positions)))
    view = view_of(layout, Camera("aside", MODEL, (x, -1.0, 0.9), (0.45, 0.0, 0.4)))
    names = np.array(["flat", "far", "left", "right"])
    stack = layout.places.position == 1
    tops = stack & (layout.places.level == 1)
    said = np.where(tops, seen, [positions[i].sku for i in layout.places.position])
    similar = np.where(names == said[:, None], 0.9, 0.1).astype(np.float32)
    found = registered(layout, view, detections(view.box), similar, names)
    assert (found.state[tops] == state).all()
    assert (found.state[~tops & view.visible] == PlaceState.OWN).all()
    assert (found.sku[tops] == (seen if state == PlaceState.FOREIGN else None)).all()
    lower = np.array(["far" if top else sku for top, sku in zip(stack & ~tops, said)])
    similar = np.where(names == lower[:, None], 0.9, 0.1).astype(np.float32)
    assert (
        registered(layout, view, detections(view.box), similar, names).state[stack & ~tops] == PlaceState.FOREIGN
    ).all()


def test_nothing_foreign_hangs_over_an_empty_place() -> None:
    flat = dataclasses.replace(product("flat"), height=0.1)
    catalog = type(LAYOUT.catalog)((flat, product("other")))
    planogram = Planogram((Position("p", "bay-1", 0, 0.1, "flat", 2, 2, 2, 1),))
    layout = dataclasses.replace(LAYOUT, catalog=catalog, planogram=planogram)
    view = view_of(layout, front_camera())
    found = detections(view.box, [GAP, PRODUCT, PRODUCT, PRODUCT])
    similar = np.array([[0.1, 0.9], [0.1, 0.9], [0.9, 0.1], [0.1, 0.9]], np.float32)
    places = registered(layout, view, found, similar, np.array(["flat", "other"]))
    assert places.state.tolist() == [PlaceState.EMPTY, PlaceState.EMPTY, PlaceState.OWN, PlaceState.FOREIGN]
    assert places.confidence[1] == pytest.approx(0.8 * places.confidence[0])


def readings(state, confidence, ppm, sku=None) -> PlaceReadings:
    n = len(state)
    skus = np.array(sku or [None] * n, object)
    sight = np.where(np.array(ppm) >= 450, Sight.CLEAR, Sight.POOR).astype(np.int8)
    seen = np.array(confidence, np.float32), np.array(ppm, np.float32)
    return PlaceReadings(np.array(state, np.int8), skus, *seen, sight=sight)


FUSION = [
    # one camera's (state, confidence, px/m), the other's, and what they say together
    ((0, 0.0, 0), (2, 0.5, 300), 2),
    ((1, 0.9, 500), (0, 0.0, 0), 1),
    ((1, 0.3, 300), (2, 0.9, 500), 2),
    ((0, 0.0, 0), (0, 0.0, 0), 0),
]


@pytest.mark.parametrize(("a", "b", "together"), FUSION)
def test_fusion_weighs_what_each_camera_could_see(a, b, together) -> None:
    one, other = (readings([s], [c], [p]) for s, c, p in (a, b))
    assert fuse([one, other]).state.tolist() == [together]
    assert fuse([other, one]).state.tolist() == [together]


def test_a_camera_fused_with_itself_says_the_same() -> None:
    places = registered(
        LAYOUT, view_of(LAYOUT, front_camera()), detections(boxes_at(front_camera())), similar_to(PLANNED), SKUS
    )
    twice = fuse([places, places])
    assert audit(LAYOUT, twice) == audit(LAYOUT, places)


def test_fusing_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one camera"):
        fuse([])


def named(found: Detections, skus) -> Detections:
    """The detections after a recognizer, which knows no name where there is None."""
    return dataclasses.replace(found, sku=np.array(skus, object), sku_confidence=np.full(len(skus), 0.7, np.float32))


def test_a_pack_that_cannot_be_named_is_neither_an_intruder_nor_a_gap() -> None:
    view = view_of(LAYOUT, front_camera())
    other = next(sku for sku in SKUS if sku != PLANNED[0])
    seen = [other, *PLANNED[1:]]
    found = detections(boxes_at(front_camera()))
    readings = {
        name: registered(LAYOUT, view, named(found, [said, *PLANNED[1:]]), similar_to(seen), SKUS)
        for name, said in (("certain", other), ("doubtful", None))
    }
    assert readings["certain"].state[0] == PlaceState.FOREIGN
    doubtful = readings["doubtful"]
    assert doubtful.state[0] == PlaceState.UNNAMED
    assert doubtful.sku[0] is None
    state = audit(LAYOUT, doubtful)[LAYOUT.places.position[0]]
    assert state.intruder is None
    assert state.level != "out"
    assert state.facings is None
    # Who can name it, however small it is to him, is believed.
    far = dataclasses.replace(readings["certain"], pixels_per_metre=doubtful.pixels_per_metre / 4)
    assert fuse([doubtful, far]).sku[0] == other
    assert fuse([doubtful]).state[0] == PlaceState.UNNAMED


def test_a_position_of_packs_that_cannot_be_named_is_unknown() -> None:
    view, first = view_of(LAYOUT, front_camera()), LAYOUT.places.position == 0
    other = next(sku for sku in SKUS if sku != PLANNED[0])
    seen = np.where(first, other, PLANNED)
    said = [None if f else sku for f, sku in zip(first, PLANNED)]
    places = registered(LAYOUT, view, named(detections(boxes_at(front_camera())), said), similar_to(seen), SKUS)
    assert audit(LAYOUT, places)[0].level == "unknown"


def stack_of(high: int, clearance: float = 0.5) -> Layout:
    """One can two facings wide and `high` high, below another board."""
    can = product("can", form="can", width=0.08, height=0.1, depth=0.08)
    bay = Fixture("bay", 0.0, 0.0, 1.0, 0.4, (Shelf(0.3, clearance), Shelf(0.3 + clearance + 0.03, 0.3)))
    planogram = Planogram((Position("p", "bay", 0, 0.3, "can", 2, high, 3, 4),))
    return Layout(Store("s", LAYOUT.store.room, (bay,)), Catalog((can,)), planogram)


@pytest.mark.parametrize(
    ("around", "state"),
    [(2, PlaceState.OWN), (1, PlaceState.EMPTY)],
    ids=["one box around both packs", "a box around the lower one"],
)
def test_a_box_around_two_packs_of_a_stack_is_no_gap_on_the_lower_one(around: int, state: PlaceState) -> None:
    """Cans on one another were counted as one: the detector often finds them so."""
    layout, camera = stack_of(2), front_camera()
    view = view_of(layout, camera)
    low, high = view.box[0::2], view.box[1::2]
    boxes = np.concatenate([np.minimum(low[:, :2], high[:, :2] if around == 2 else low[:, :2]), low[:, 2:]], axis=1)
    names = np.array(["can"])
    places = registered(layout, view, detections(boxes), np.full((2, 1), 0.9, np.float32), names)
    assert (places.state[0::2] == PlaceState.OWN).all()
    assert (places.state[1::2] == state).all()
    if around == 2:
        assert places.sku[1] == "can"
        assert places.sight is not None
        assert (places.sight[1::2] == Sight.POOR).all()


def test_a_box_around_a_whole_stack_is_all_of_its_packs() -> None:
    layout = stack_of(3)
    view = view_of(layout, front_camera())
    box = view.box.reshape(2, 3, 4)
    boxes = np.concatenate([box[..., :2].min(axis=1), box[..., 2:].max(axis=1)], axis=1)
    found, similarities = detections(boxes), np.full((2, 1), 0.9, np.float32)
    match = np.array([0, -1, -1, 1, -1, -1])
    places = register(layout, view, found, match, similarities, np.array(["can"]))
    assert (places.state == PlaceState.OWN).all()


@pytest.mark.parametrize(("height", "hidden"), [(0.5, False), (2.6, True)])
def test_what_the_board_above_hides_is_not_expected(height: float, hidden: bool) -> None:
    layout, edge = stack_of(2, clearance=0.25), [0.4, 0.0, 0.55]
    camera = Camera("c", MODEL, (0.4, -0.9, height), (0.4, 0.1, 0.4))
    whole = box_around(camera.project(layout.places.corners)[0])
    box, upper = view_of(layout, camera).box, layout.places.level == 1
    assert box[:, 3] == pytest.approx(whole[:, 3])
    assert (box[upper][:, 1] > whole[upper][:, 1] + 2).all() == hidden
    if hidden:  # what is seen begins below the board's edge, where its price rail ends
        below, _ = camera.project(np.array([edge]))
        assert (box[upper][:, 1] > below[0, 1]).all()
        assert (box[upper][:, 1] < below[0, 1] + 0.1 * (whole[upper][:, 3] - whole[upper][:, 1]) + 10).all()


def test_a_place_that_the_board_above_hides_is_not_visible() -> None:
    layout = stack_of(2, clearance=0.22)
    camera = Camera("c", MODEL, (0.4, -0.25, 2.6), (0.4, 0.1, 0.4))
    assert not view_of(layout, camera).visible[1::2].any()
