"""Alerts: once each, only for what lasts, the dearest first, and with a person's word where it is needed."""

from __future__ import annotations

import dataclasses
import json
from itertools import chain

import numpy as np
import pytest

from scenarios import Frame, InputError, Planogram, ShelfState
from tests.layouts import front_camera, small_layout
from tests.vision.placewords import reading, words
from vision import PlaceState
from vision.alerts import HOLD, SPOT_CHECK, Alerts, in_words
from vision.health import CameraLook, faults, look_at
from vision.review import Answer, Question, ReviewQueue

PRICES = {"box": (2.0, 10.0), "can": (5.0, 30.0)}  # price, units a day
LAYOUT = small_layout()
LAYOUT = dataclasses.replace(
    LAYOUT,
    catalog=type(LAYOUT.catalog)(
        tuple(
            dataclasses.replace(p, price=PRICES.get(p.sku, (1, 1))[0], daily_units=PRICES.get(p.sku, (1, 1))[1])
            for p in LAYOUT.catalog
        )
    ),
)
BOX, CAN = LAYOUT.planogram.positions[:2]
LOOK = CameraLook("front", 0.0, 110.0, 55.0, 20, 18, (BOX.id, CAN.id))


def states(confidence: float = 0.999, **levels) -> tuple[ShelfState, ...]:
    """Every position in stock but those named by their SKU: "out", "low", "unknown", or a SKU as intruder."""
    made = []
    for p in LAYOUT.planogram.positions:
        word = levels.get(p.sku, "in_stock")
        intruder = word if word not in ("in_stock", "low", "out", "unknown") else None
        level = "in_stock" if intruder else word
        units = {"out": 0.0, "low": 4.0, "in_stock": 6.0}.get(level)
        made.append(ShelfState(p.id, level, None, units, intruder, confidence, intruder_confidence=confidence))
    return tuple(made)


def hidden_by(intruder: str, age: float = 0.0) -> tuple[ShelfState, ...]:
    """Every position in stock but the box's, before which a foreign pack stands."""
    box = ShelfState(BOX.id, "unknown", 0, 3.0, intruder, age=age, intruder_confidence=0.999)
    return (box, *states()[1:])


@pytest.fixture
def queue(tmp_path) -> ReviewQueue:
    return ReviewQueue(tmp_path / "review.jsonl")


@pytest.fixture
def trusted(queue) -> ReviewQueue:
    """A queue whose answers let every kind go without review."""
    for kind in ("out", "low", "misplaced"):
        for n in range(40):
            queue.ask(Question(f"{kind}-{n}", kind, "old", 0.999, 0.0))
            queue.answer(f"{kind}-{n}", True)
    return queue


def play(alerts: Alerts, moments, start: float = 0.0, step: float = 5.0) -> list[list[tuple[str, str, str]]]:
    """Feed moments some seconds apart and return what each brought: kind, subject and event."""
    return [[(a.kind, a.subject, a.event) for a in alerts.update(start + i * step, s)] for i, s in enumerate(moments)]


FULL, OUT, HIDDEN = states(), states(box="out"), states(box="unknown")
RAISED, RESOLVED = [("out", BOX.id, "raised")], [("out", BOX.id, "resolved")]
STORIES = [
    pytest.param([FULL, OUT, OUT, OUT, OUT], [[], [], [], RAISED, []], id="what lasts is raised once"),
    pytest.param([OUT, FULL, OUT, FULL, OUT, FULL], [[]] * 6, id="flicker raises nothing"),
    pytest.param([OUT] * 3 + [FULL, OUT, FULL, OUT, OUT], [[], [], RAISED] + [[]] * 5, id="nor does it resolve"),
    pytest.param([OUT] * 3 + [FULL] * 3 + [OUT] * 3, [[], [], RAISED, [], [], RESOLVED, [], [], RAISED], id="anew"),
    pytest.param([OUT] * 3 + [HIDDEN] * 9 + [OUT] * 3, [[], [], RAISED] + [[]] * 12, id="a shopper ends nothing"),
    pytest.param([OUT, HIDDEN, HIDDEN, HIDDEN, FULL], [[]] * 5, id="and what was seen once before him is no alert"),
    pytest.param(
        [states(box="low")] * 3 + [OUT] * 3,
        [[], [], [("low", BOX.id, "raised")], [], [], [*RAISED, ("low", BOX.id, "resolved")]],
        id="out takes the place of low",
    ),
    pytest.param([states(box="can")] * 5, [[]] * 4 + [[("misplaced", BOX.id, "raised")]], id="misplaced takes longer"),
    pytest.param(
        [hidden_by("can")] * 5 + [FULL] * 5, [[]] * 4 + [[("misplaced", BOX.id, "raised")]] + [[]] * 4 + [
            [("misplaced", BOX.id, "resolved")]], id="what hides all else is misplaced and nothing is out",
    ),
    pytest.param([hidden_by("can", age) for age in range(5, 50, 5)], [[]] * 9, id="what was misplaced once is not"),
]  # fmt: skip


@pytest.mark.parametrize(("moments", "expected"), STORIES)
def test_an_alert_is_raised_once_and_ends_once(trusted, moments, expected) -> None:
    assert play(Alerts(LAYOUT, trusted), moments) == expected


def test_the_dearest_comes_first(trusted) -> None:
    alerts = Alerts(LAYOUT, trusted)
    for t in (0, 10, 20):
        new = alerts.update(t, states(box="out", can="out", jar="low"))
        assert t != 10 or [(a.subject, a.value) for a in new] == [(CAN.id, 150.0), (BOX.id, 20.0), ("p-jar", 0.0)]
    assert [a.subject for a in alerts.standing] == [CAN.id, BOX.id, "p-jar"]


LOOKS = [
    ({}, set()),
    ({"silent": True, "level": 0.0, "moved": True}, {"camera silent"}),
    ({"level": 4.0, "spread": 2.0, "seen": 0, "moved": True}, {"camera dark"}),
    ({"spread": 2.0, "seen": 0, "moved": True}, {"camera blocked"}),
    ({"seen": 3}, {"camera blocked"}),
    ({"seen": 5}, set()),
    ({"expected": 3, "seen": 0}, set()),
    ({"moved": True}, {"camera moved"}),
]


@pytest.mark.parametrize(("change", "expected"), LOOKS)
def test_what_is_wrong_with_a_camera(change: dict, expected: set) -> None:
    assert faults(dataclasses.replace(LOOK, **change)) == expected


@pytest.mark.parametrize("kind", ["camera dark", "camera blocked", "camera moved"])
def test_camera_faults_are_alerts_without_review_once_they_last(queue, kind: str) -> None:
    wrong = {"camera dark": {"level": 3.0}, "camera blocked": {"seen": 0}, "camera moved": {"moved": True}}[kind]
    bad = dataclasses.replace(LOOK, **wrong)
    alerts = Alerts(LAYOUT, queue)
    hold = HOLD[kind]
    assert alerts.update(0, looks=[bad]) == alerts.update(hold - 1, looks=[bad]) == ()
    (raised,) = alerts.update(hold, looks=[bad])
    assert (raised.kind, raised.subject, raised.event, raised.review) == (kind, "front", "raised", False)
    assert raised.value == pytest.approx(0.083 * (20 + 150))
    assert alerts.update(hold + 1, looks=[LOOK]) == ()
    assert [a.event for a in alerts.update(2 * hold + 1, looks=[LOOK])] == ["resolved"]


def test_a_moved_camera_that_goes_dark_is_still_moved(queue) -> None:
    alerts, moved = Alerts(LAYOUT, queue), dataclasses.replace(LOOK, moved=True)
    dark = dataclasses.replace(LOOK, level=2.0)
    events = [
        [(a.kind, a.event) for a in alerts.update(t, looks=[moved if t < 20 else dark])] for t in range(0, 60, 10)
    ]
    assert list(chain(*events)) == [("camera moved", "raised"), ("camera dark", "raised")]


PICTURES = [
    (np.full((480, 640, 3), 3, np.uint8), PlaceState.UNSEEN, {"camera dark"}),
    (np.full((480, 640, 3), 120, np.uint8), PlaceState.UNSEEN, {"camera blocked"}),
    (np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8), PlaceState.UNSEEN, {"camera blocked"}),
    (np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8), PlaceState.EMPTY, set()),
]


@pytest.mark.parametrize(("image", "state", "expected"), PICTURES)
def test_a_picture_tells_dark_from_blocked(image, state, expected: set) -> None:
    look = look_at(Frame(image, front_camera(), 5.0), reading(5.0, words(LAYOUT, state)), LAYOUT)
    assert faults(look) == expected
    assert BOX.id in look.watches
    with pytest.raises(ValueError, match="expected a calibrated one"):
        look_at(Frame(image), reading(5.0, None), LAYOUT)


def test_an_unsure_alert_asks_a_person_who_confirms_or_withdraws_it(queue) -> None:
    alerts = Alerts(LAYOUT, queue)
    both = states(0.97, box="out", can="out")
    raised = [a for t in (0, 10) for a in alerts.update(t, both)]
    assert [a.review for a in raised] == [True, True]
    assert [q.subject for q in queue.pending] == [CAN.id, BOX.id]
    queue.answer(raised[0].id, True)
    queue.answer(raised[1].id, False)
    assert play(alerts, [both] * 3, start=20) == [
        [("out", CAN.id, "confirmed"), ("out", BOX.id, "withdrawn")], [], []
    ]  # fmt: skip
    # The withdrawn one says nothing until its state has ended, and is then a new one.
    assert [a.subject for a in alerts.standing] == [CAN.id]
    again = list(chain(*play(alerts, [FULL] * 3 + [states(0.97, box="out")] * 3, start=40)))
    assert again == [("out", CAN.id, "resolved"), ("out", BOX.id, "raised")]


@pytest.mark.parametrize(
    ("level", "text"),
    [
        ("jar", "misplaced: Brandtub Tomato Soup Classic 10 oz among Brandbox Tomato Soup Classic 10 oz at bay-1"),
        (
            "out",
            "out: Brandbox Tomato Soup Classic 10 oz at bay-1, shelf 1, no. 1, Brandtub Tomato Soup Classic 10 oz in",
        ),
    ],
)
def test_a_person_says_which_product_stands_there(queue, level: str, text: str) -> None:
    alerts = Alerts(LAYOUT, queue)
    now = states(0.97, box=level)
    (raised,) = [a for t in range(0, 25, 5) for a in alerts.update(t, now)]
    queue.flush()
    before = json.loads(json.dumps(alerts.as_plain()))
    queue.answer(raised.id, True, product="tub")
    for again in (alerts, Alerts(LAYOUT, ReviewQueue(queue.log))):
        again.take(before, "state.json")
        (confirmed,) = again.update(30, now)
        assert (confirmed.event, confirmed.detail, confirmed.review) == ("confirmed", "tub", False)
        assert in_words(LAYOUT, confirmed).startswith(text)
        assert again.update(35, now) == ()
    assert queue.answers == (Answer(raised.kind, raised.confidence, True),)


def test_sure_alerts_go_without_review_but_for_a_spot_check(trusted) -> None:
    alerts = Alerts(LAYOUT, trusted)
    reviewed = 0
    for n in range(2 * SPOT_CHECK):
        for t, now in ((0, OUT), (10, OUT), (20, FULL), (30, FULL)):
            reviewed += sum(a.review for a in alerts.update(100 * n + t, now))
    assert reviewed == 0
    assert len(trusted.pending) == 2


def test_a_restart_raises_nothing_twice(trusted) -> None:
    alerts = Alerts(LAYOUT, trusted)
    play(alerts, [OUT, OUT, states(box="out", can="out")])
    trusted.flush()
    again = Alerts(LAYOUT, ReviewQueue(trusted.log))
    again.take(json.loads(json.dumps(alerts.as_plain())), "state.json")
    assert again.standing == alerts.standing
    rest = [states(box="out", can="out")] * 2 + [FULL] * 3
    assert play(again, rest, start=15) == play(alerts, rest, start=15)


MISSPELT = {"kind": "out", "subject": BOX.id, "track": {"sinse": 1}}


@pytest.mark.parametrize("change", [{"tracks": [{}]}, {"sent": "x"}, {"tracks": [MISSPELT]}, {"tracks": 3}])
def test_what_holds_no_alerts_is_named(queue, change: dict) -> None:
    alerts = Alerts(LAYOUT, queue)
    with pytest.raises(InputError, match=r"^state[.]json: "):
        alerts.take({**alerts.as_plain(), **change}, "state.json")


def test_alerts_of_what_is_planned_no_more_are_let_go(trusted) -> None:
    alerts = Alerts(LAYOUT, trusted)
    play(alerts, [OUT, OUT, OUT])
    fewer = dataclasses.replace(LAYOUT, planogram=Planogram(LAYOUT.planogram.positions[1:]))
    again = Alerts(fewer, trusted)
    again.take(alerts.as_plain(), "state.json")
    assert again.standing == ()


def test_an_alert_says_what_and_where(queue) -> None:
    alerts = Alerts(LAYOUT, queue)
    said = [in_words(LAYOUT, a) for t in (0, 10, 20) for a in alerts.update(t, states(box="out", can="jar"))]
    assert said == [
        "out: Brandbox Tomato Soup Classic 10 oz at bay-1, shelf 1, no. 1",
        "misplaced: Brandjar Tomato Soup Classic 10 oz among Brandcan Tomato Soup Classic 10 oz "
        "at bay-1, shelf 1, no. 3",
    ]
