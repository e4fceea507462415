"""Memory: what is said of positions over time, behind shoppers, through flickers and over restarts."""

from __future__ import annotations

import dataclasses
import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios import InputError, Planogram
from tests.layouts import small_layout
from tests.vision.placewords import drawn, reading, words
from vision import PlaceState
from vision.behind import DEEPEST, columns
from vision.evidence import PRIOR, WORDS, Evidence
from vision.memory import Memory

UNSEEN, EMPTY, OWN, FOREIGN, UNNAMED = PlaceState
LAYOUT = small_layout()
FIRST = LAYOUT.planogram.positions[0]  # two places
BUSY = dataclasses.replace(
    LAYOUT, catalog=type(LAYOUT.catalog)(tuple(dataclasses.replace(p, daily_units=200.0) for p in LAYOUT.catalog))
)


def saying(first, rest=OWN) -> np.ndarray:
    """The states of all places: those of the first position, and of the rest."""
    state = np.full(len(LAYOUT.places), rest)
    state[: FIRST.facings] = first
    return state


def watch(memory: Memory, states, start: float = 0.0, step: float = 5.0):
    """Read frames some seconds apart and return every state of the first position."""
    return [
        memory.update([reading(start + i * step, words(memory.layout, saying(s)))])[0] for i, s in enumerate(states)
    ]


def test_a_shopper_makes_a_position_unknown_that_keeps_its_last_state_and_its_age() -> None:
    for before, level, facings in ((OWN, "in_stock", 2), (EMPTY, "out", 0)):
        said = watch(Memory(LAYOUT), [before, before, UNSEEN, UNSEEN, before])
        assert [s.level for s in said] == [level, level, "unknown", "unknown", level]
        assert [s.last_level for s in said] == [level] * 5
        assert [s.age for s in said] == [0, 0, 5, 10, 0]
        assert [s.facings for s in said] == [facings] * 5
        assert said[1].confidence > said[2].confidence > said[3].confidence > 0.9


def test_packs_that_nobody_can_name_leave_what_is_known() -> None:
    said = watch(Memory(LAYOUT), [OWN, OWN, UNNAMED])
    assert (said[-1].level, said[-1].last_level, said[-1].age) == ("unknown", "in_stock", 5)


def test_half_of_a_position_behind_a_shopper_is_what_the_other_half_says() -> None:
    said = watch(Memory(LAYOUT), [OWN, OWN, [OWN, UNSEEN]])
    assert (said[-1].level, said[-1].facings, said[-1].age) == ("in_stock", 2, 0)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(1, 20000), min_size=2, max_size=6))
def test_confidence_only_falls_while_nothing_is_seen(waits: list[float]) -> None:
    memory = Memory(BUSY)
    watch(memory, [OWN] * 3)
    confidences = [memory.update([], time=10 + t)[0].confidence for t in np.cumsum(waits)]
    assert all(a >= b for a, b in itertools.pairwise(confidences))


def test_what_sells_fast_is_doubted_sooner_and_in_the_end_nothing_is_known() -> None:
    def after(layout, seconds: float):
        memory = Memory(layout)
        watch(memory, [EMPTY] * 4)
        return memory.update([], time=15 + seconds)[0]

    assert after(BUSY, 600).confidence < after(LAYOUT, 600).confidence
    late = after(BUSY, 7 * 86400)
    assert (late.level, late.last_level, late.facings) == ("unknown", "unknown", None)


@pytest.mark.parametrize("wrong", [EMPTY, FOREIGN])
@pytest.mark.parametrize("hidden", [0, 3])
def test_one_wrong_frame_changes_nothing(wrong, hidden: int) -> None:
    """Neither between right ones nor as the first one after a shopper has left."""
    said = watch(Memory(LAYOUT), [OWN] * 4 + [UNSEEN] * hidden + [wrong, OWN, OWN, OWN, OWN])
    assert all(s.last_level in ("in_stock", "unknown") and s.intruder is None for s in said)
    assert (said[-1].level, said[-1].facings) == ("in_stock", 2)


def test_a_second_of_the_same_wrong_picture_is_one_witness_not_thirty() -> None:
    memory = Memory(LAYOUT)
    watch(memory, [OWN] * 4)
    for state in watch(memory, [EMPTY] * 30, start=20, step=1 / 30):
        assert state.last_level != "out"


@pytest.mark.parametrize("confidence", [0.05, 0.2, 0.4])
def test_a_pack_that_hardly_resembles_itself_is_never_out_however_often_it_is_seen(confidence: float) -> None:
    """On a rendered day eight full positions became "out" in minutes: a weak "own" speaks against itself, if once."""
    memory = Memory(LAYOUT)
    for minute in range(60):
        states = memory.update([reading(60.0 * minute, words(LAYOUT, OWN, confidence))])
        assert all(state.last_level != "out" for state in states)


@pytest.mark.parametrize(("now", "level"), [(EMPTY, "out"), (FOREIGN, "unknown")])
def test_what_lasts_is_believed_within_half_a_minute(now, level: str) -> None:
    said = watch(Memory(LAYOUT), [OWN] * 6 + [now] * 6)
    assert said[5].level == "in_stock"
    assert said[-1].level == level
    assert said[-1].intruder == ("intruder" if now == FOREIGN else None)


STORIES = [
    pytest.param([OWN] * 4 + [FOREIGN] * 8, "unknown", id="put before own packs"),
    pytest.param([OWN] * 3 + [FOREIGN, OWN] * 2 + [FOREIGN] * 8, "unknown", id="or seen past in some frames"),
    pytest.param([OWN] * 4 + [EMPTY] * 6 + [FOREIGN] * 6, "out", id="in a gap that was seen"),
    pytest.param([FOREIGN] * 6, "out", id="there from the first frame on"),
    pytest.param([OWN] * 4 + [FOREIGN] * 6 + [EMPTY] * 6, "out", id="taken away, with nothing behind it"),
    pytest.param([OWN] * 4 + [FOREIGN] * 6 + [OWN] * 6, "in_stock", id="taken away"),
]  # fmt: skip


@pytest.mark.parametrize(("frames", "level"), STORIES)
def test_a_foreign_pack_hides_what_stood_there_and_makes_nothing_out(frames, level: str) -> None:
    """On two rendered days three false alerts of four were of look-alikes in front of full columns."""
    for step in (5.0, 60.0):
        memory = Memory(LAYOUT)
        said = watch(memory, frames, step=step)
        assert said[-1].level == level
        if level == "unknown":
            assert not {"out"} & {s.level for s in said}
            assert (said[-1].facings, said[-1].intruder) == (0, "intruder")
            assert said[-1].units_low == 0 < said[-1].units_high
            assert not memory.places().counted[: FIRST.facings].any()


def test_a_foreign_pack_over_an_empty_place_stands_elsewhere_and_hides_nothing() -> None:
    """A stack of two sold out, and the top of the neighbour's was taken for a pack that hung in the air."""
    stack = dataclasses.replace(FIRST, wide=1, high=2)
    layout = dataclasses.replace(LAYOUT, planogram=Planogram((stack, *LAYOUT.planogram.positions[1:])))
    for lower, level in ((EMPTY, "out"), (FOREIGN, "unknown")):
        said = watch(Memory(layout), [OWN] * 4 + [[lower, FOREIGN]] * 8)
        assert (said[-1].level, said[-1].facings) == (level, 0)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(list(PlaceState)), st.floats(0.01, 1), st.floats(0.1, 1e5)), max_size=40))
def test_whatever_is_seen_beliefs_are_shares(frames) -> None:
    memory, time = Memory(BUSY), 0.0
    for state, confidence, wait in frames:
        time += wait
        memory.update([reading(time, words(BUSY, saying(state), confidence))])
        assert ((memory.hides >= 0) & (memory.hides <= 1 + 1e-12)).all()
        assert np.allclose(memory.belief.sum(axis=1), 1)


def test_what_no_camera_ever_saw_is_unknown_and_never_out() -> None:
    said = watch(Memory(LAYOUT), [UNSEEN, [EMPTY, UNSEEN], [EMPTY, UNSEEN], [EMPTY, UNSEEN]])
    assert {s.level for s in said} == {"unknown"}


def test_a_second_camera_sees_past_the_shopper() -> None:
    memory = Memory(LAYOUT)
    for t in range(3):
        hidden, seen = words(LAYOUT, saying(UNSEEN)), words(LAYOUT, saying(EMPTY))
        states = memory.update([reading(5.0 * t, hidden, "one"), reading(5.0 * t + 1, seen, "other")])
    assert states[0].level == "out"
    # The other's last word stands while the first one goes on, until it is too old to say anything of now.
    assert memory.update([reading(30.0, hidden, "one")])[0].level == "out"
    assert memory.update([reading(90.0, hidden, "one")])[0].level == "unknown"


def test_late_and_empty_readings_add_nothing() -> None:
    memory = Memory(LAYOUT)
    watch(memory, [OWN] * 3)
    before = memory.belief.copy()
    memory.update([reading(5.0, words(LAYOUT, EMPTY)), reading(10.0, words(LAYOUT, EMPTY)), reading(11.0, None)])
    assert np.array_equal(memory.belief, before)
    with pytest.raises(ValueError, match="1 places read; expected the"):
        memory.update([reading(20.0, dataclasses.replace(words(LAYOUT, OWN), **_first_place()))])


def _first_place() -> dict:
    whole = words(LAYOUT, OWN)
    return {name: getattr(whole, name)[:1] for name in ("state", "sku", "confidence", "pixels_per_metre")}


def test_the_intruder_is_who_most_frames_name() -> None:
    memory = Memory(LAYOUT)
    for t, name in enumerate(["can", "can", "jar", "can", "can"]):
        state = memory.update([reading(5.0 * t, words(LAYOUT, saying(FOREIGN), 0.8, other=name))])[0]
    assert state.intruder == "can"
    assert state.intruder_confidence > 0.9


def test_false_outs_stay_under_one_in_a_thousand_with_shoppers_in_half_of_the_frames() -> None:
    """With errors drawn at their measured rates, a coarse camera alone, and no error that lasts."""
    random = np.random.default_rng(3)
    false = moments = found = gone = 0
    for _ in range(25):
        truth = random.choice(np.array(WORDS), len(LAYOUT.places), p=PRIOR)
        out = np.logical_and.reduceat(
            truth != OWN, np.cumsum([0, *(p.facings for p in LAYOUT.planogram.positions)])[:-1]
        )
        memory = Memory(LAYOUT)
        for t in range(12):
            seen = drawn(truth, False, random, unseen=0.5 if t % 4 > 1 else 0.0)
            states = memory.update([reading(5.0 * t, seen)])
            said = np.array([s.last_level == "out" for s in states])
            false, moments = false + (said & ~out).sum(), moments + len(out)
        found, gone = found + (said & out).sum(), gone + out.sum()
    assert false / moments <= 0.001
    assert found / gone >= 0.9


def through_json(memory: Memory, layout) -> Memory:
    return Memory.from_plain(json.loads(json.dumps(memory.as_plain())), layout, "state.json")


def test_a_restart_loses_nothing() -> None:
    memory = Memory(BUSY)
    watch(memory, [OWN, FOREIGN, FOREIGN, EMPTY, UNSEEN])
    again = through_json(memory, BUSY)
    assert again.update([], time=21) == memory.update([], time=21)
    for start, states in ((25, [OWN, OWN]), (35, [UNSEEN, FOREIGN])):
        assert watch(again, states, start) == watch(memory, states, start)


def test_a_state_from_before_foreign_packs_hid_others_is_taken_up() -> None:
    """A service that was updated refused its own state: KeyError 'hides'."""
    memory = Memory(LAYOUT)
    watch(memory, [OWN, OWN, FOREIGN, FOREIGN])
    plain = memory.as_plain()
    for bay in plain["bays"].values():
        del bay["hides"]
    again = through_json(memory, LAYOUT)
    older = Memory.from_plain(plain, LAYOUT, "state.json")
    assert np.array_equal(older.belief, again.belief)
    assert not older.hides.any()


BROKEN = [
    (lambda d: None, "TypeError"),
    (lambda d: {k: v for k, v in d.items() if k != "cameras"}, "KeyError 'cameras'"),
    (lambda d: {**d, "time": "noon"}, "ValueError"),
]


@pytest.mark.parametrize(("change", "expected"), BROKEN)
def test_what_is_no_memory_is_named(change, expected) -> None:
    with pytest.raises(InputError, match=expected) as error:
        Memory.from_plain(change(Memory(LAYOUT).as_plain()), LAYOUT, "state.json")
    assert str(error.value).startswith("state.json: ")
    assert "\n" not in str(error.value)


def test_rows_behind_are_remembered_while_a_shopper_hides_them() -> None:
    """Units behind the front row stay what the last frame of each camera that saw the front said of them."""
    deep = np.zeros((len(columns(LAYOUT)), DEEPEST), np.float32)
    deep[:, 1:3] = 3.0
    full, bare = (dataclasses.replace(words(LAYOUT, OWN), behind=sign * deep) for sign in (1, -1))
    hidden = dataclasses.replace(words(LAYOUT, UNSEEN), behind=-deep)
    memory = Memory(LAYOUT)
    units = [memory.update([reading(5.0 * t, p)])[0].units for t, p in enumerate([full, full, hidden])]
    assert units == [6, 6, 6]
    again = through_json(memory, LAYOUT)
    assert [m.update([reading(15.0, bare)])[0].units for m in (memory, again)] == [2, 2]


def test_a_changed_plan_begins_anew_where_it_changed_and_only_there() -> None:
    memory = Memory(LAYOUT)
    watch(memory, [OWN] * 3)
    other = dataclasses.replace(FIRST, sku="can", wide=2)
    layout = dataclasses.replace(LAYOUT, planogram=Planogram((other, *LAYOUT.planogram.positions[1:])))
    states = through_json(memory, layout).update([], time=10)
    assert states[0].last_level == "unknown"
    assert all(s.last_level == "in_stock" or s.last_level == "low" for s in states[1:])


@pytest.mark.parametrize("key", ["counts", "lasts"])
def test_rates_that_are_none_are_named(tmp_path, key) -> None:
    rates = {"counts": Evidence.load().counts.tolist(), "lasts": 15, "ceiling": 0.99, "sure": 0.9, "sure_out": 0.9}
    path = tmp_path / "evidence.json"
    path.write_text(json.dumps({**rates, key: [1]}))
    with pytest.raises(InputError, match=r"evidence[.]json: "):
        Evidence.load(path)


def test_what_no_frame_shows_is_kept_as_the_same_text() -> None:
    """A service writes only what has changed: a bay out of view is none of it, though belief in it fades."""
    memory = Memory(BUSY)
    watch(memory, [OWN, OWN, OWN])
    seen, sure = memory.as_plain(), memory.belief[:, 1].min()
    memory.update([], time=3600.0)
    later = memory.as_plain()
    assert memory.belief[:, 1].min() < sure
    assert later["time"] != seen["time"]
    changed = {k for bay in seen["bays"] for k, v in seen["bays"][bay].items() if later["bays"][bay][k] != v}
    assert changed == {"known_at"}  # until when it was known
    memory.update([], time=7200.0)
    assert memory.as_plain()["bays"] == later["bays"]


def test_a_position_that_was_moved_to_another_bay_is_known_there() -> None:
    memory = Memory(BUSY)
    watch(memory, [OWN, FOREIGN, FOREIGN])
    plain = memory.as_plain()
    plain["bays"] = {f"old-{name}": bay for name, bay in plain["bays"].items()}
    again = Memory.from_plain(json.loads(json.dumps(plain)), BUSY, "state.json")
    assert again.update([], time=30.0) == memory.update([], time=30.0)


def test_belief_fades_in_one_step_as_in_many() -> None:
    one, many = Memory(BUSY), Memory(BUSY)
    for memory in (one, many):
        watch(memory, [OWN, EMPTY, OWN])
    for second in range(20, 5000, 10):
        many.update([], time=float(second))
    one.update([], time=4990.0)
    assert np.array_equal(one.belief, many.belief)
