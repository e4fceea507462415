"""Days whose cameras are rendered: who stands where, what is rendered and read again, and what alerts make of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.cli import main
from bench.day.alerting import (
    Delay,
    Followed,
    Reviewer,
    Spell,
    counts,
    delay_spreads,
    delays,
    follow,
    misplaced_at,
    misplaced_spells,
    spells,
)
from bench.day.drawn import drawn_looks
from bench.day.rendered import Block, Look, Reader, Rendering, block_key, looks_of, moments, watch_days
from bench.day.takers import APART, Takers
from bench.response.response import load_responses
from scenarios import Catalog
from scenarios.events import Misplacement, MissedRestock, Removal, Restock, Sale, SensorEvent, Theft
from scenarios.products import load_catalog, save_catalog
from scenarios.shoppers import NEAR
from scenarios.timeline import Timeline
from tests.layouts import front_camera, small_scenario
from tests.refusal import refusal
from tests.small_study import LOOK, tiny_store
from vision.readings import PlaceReadings, PlaceState

SCENARIO = small_scenario()
LAYOUT = SCENARIO.layout
IDS = [p.id for p in LAYOUT.planogram.positions]
BOX = IDS.index("p-box")


def day_of(*events) -> Timeline:
    timeline = Timeline.of(LAYOUT, SCENARIO.stock, events)
    assert not timeline.refused
    return timeline


def test_who_takes_something_stands_before_it_and_reaches() -> None:
    takers = Takers(day_of(Sale(1000.0, 1, "box", "p-box", 1)), 1)
    (person,) = takers.at(1000.0)
    x = LAYOUT.base(LAYOUT.planogram.positions[BOX], 1)[0]
    assert person.x == pytest.approx(x)
    assert person.y == pytest.approx(-NEAR)
    assert person.pose == "reach-low"
    assert takers.at(985.0) == takers.at(1015.0) == ()
    assert takers.at(1000.0) == Takers(day_of(Sale(1000.0, 1, "box", "p-box", 1)), 1).at(1000.0)


def test_a_baskets_shopper_is_at_one_place_and_nobody_stands_in_another() -> None:
    two_units = Takers(day_of(Sale(1000.0, 1, "box", "p-box", 0), Sale(1001.0, 1, "bag", "p-bag", 0)), 1)
    assert len(two_units.at(1000.0)) == len(two_units.at(1001.0)) == 1
    assert two_units.at(1000.0) != two_units.at(1001.0)
    side_by_side = Takers(day_of(Sale(1000.0, 1, "box", "p-box", 0), Sale(1000.0, 2, "box", "p-box", 1)), 1)
    assert len(side_by_side.at(1000.0)) == 1
    apart = Takers(day_of(Sale(1000.0, 1, "box", "p-box", 0), Sale(1000.0, 2, "bag", "p-bag", 0)), 1)
    first, second = apart.at(1000.0)
    assert abs(first.x - second.x) >= APART


def test_staff_fill_and_thieves_take_and_nobody_misses_a_restock_in_person() -> None:
    day = day_of(
        Theft(100.0, "box", "p-box", (0,)), MissedRestock(500.0, "p-box"), Restock(900.0, "p-box", "box", (0,), 1)
    )  # fmt: skip
    takers = Takers(day, 1)
    assert takers.at(100.0)[0].body != "woman-staff"
    assert takers.at(500.0) == ()
    assert takers.at(900.0)[0].body == "woman-staff"


def test_a_moment_is_the_same_object_while_nothing_moves() -> None:
    day = day_of(MissedRestock(30.0, "p-box"), Sale(100.0, 1, "box", "p-box", 0))
    first, second, third = moments(SCENARIO, day, [0.0, 60.0, 120.0])
    assert first is second
    assert len(third.stock.units) == len(first.stock.units) - 1
    walked = list(moments(small_scenario(shoppers=2), day, [0.0, 60.0]))
    assert walked[0] is not walked[1]


def sold_out() -> Timeline:
    """The boxes go one by one, the last at 260 s, and come again at 700 s."""
    held = SCENARIO.stock.units_of(LAYOUT.planogram.positions[BOX])
    columns = [u.column for u in SCENARIO.stock.units if u.position == "p-box"]
    sales = [Sale(260.0 - 10 * (held - 1 - n), n, "box", "p-box", c) for n, c in enumerate(sorted(columns))]
    return day_of(*sales, Restock(700.0, "p-box", "box", (0, 1), 2))


def flags(words: str) -> np.ndarray:
    found = np.zeros((len(words), len(IDS)), bool)
    found[:, BOX] = [c == "x" for c in words]
    return found


def followed(told: str, clear: str = "x" * 15) -> Followed:
    none = flags("." * 15)
    return Followed(
        60.0 * np.arange(15), flags(told), none, none, none, flags(clear), np.zeros((15, len(IDS)), np.int8), []
    )


def test_spells_run_from_the_last_unit_to_the_first() -> None:
    day = sold_out()
    assert spells(day) == [Spell(BOX, 260.0, 700.0)]
    empty = Timeline.of(LAYOUT, day.stock_at(300.0), [Restock(700.0, "p-box", "box", (0,), 1)])
    assert spells(empty) == []
    swapped = [*day.events[:-1], Restock(260.0, "p-box", "box", (0,), 1)]
    assert spells(day_of(*swapped)) == []


CASES = [
    # every 60 s:  clear              told              from event, from visible
    ("xxxxxxxxxxxxxxx", "......xxxxxx...", (100.0, 60.0)),
    ("xxxxx..xxxxxxxx", ".......xxxxx...", (160.0, 0.0)),
    ("xxxxxxxxxxxxxxx", "............xxx", (np.inf, np.inf)),
    ("...............", "......xxxxxx...", (100.0, None)),
]


@pytest.mark.parametrize(("clear", "told", "expected"), CASES)
def test_delays_run_from_the_event_and_from_first_visibility(clear: str, told: str, expected: tuple) -> None:
    seen = followed(told, clear)
    assert delays(spells(sold_out()), seen, seen.told) == [Delay(*expected)]


def test_a_spell_that_the_days_end_cuts_short_takes_longer_than_was_seen() -> None:
    """Of a sale 36 s before a day's last frame no alert can tell."""
    out, last = spells(sold_out()), followed("." * 6, "x" * 6)
    last = replace(last, times=last.times[:6], clear=last.clear[:6])
    assert delays(out, last, last.told) == [Delay(40.0, 0.0, open=True)]
    unseen = replace(last, clear=np.zeros_like(last.clear))
    assert delays(out, unseen, last.told) == [Delay(40.0, None, open=True)]


def test_what_was_told_before_it_began_is_not_timed_and_counts_are_of_events() -> None:
    day = sold_out()
    early = followed("....xxxxxxxx...")
    assert delays(spells(day), early, early.told) == []
    found = counts(day, followed("xx....xxxxxx..."))
    assert found["alert_precision"] == (1.0, 2.0)
    assert found["alert_recall"] == (1.0, 1.0)
    assert found["alert_false"] == (1.0, pytest.approx(14 / 60 * len(IDS) / 1000))


def test_what_is_misplaced_is_timed_from_the_first_frame_after_it_and_counted() -> None:
    """A can is put before the boxes between two frames and taken away later; another stood there from the morning."""
    stray = Misplacement(260.0, "can", "p-can", 0, "p-box", 0)
    day = day_of(stray, Removal(700.0, "can", "p-box", (0,)))
    times = 60.0 * np.arange(15)
    there = misplaced_at(day, times.tolist())
    assert np.flatnonzero(there[:, BOX]).tolist() == list(range(5, 12))
    assert not np.delete(there, BOX, axis=1).any()
    assert np.array_equal(follow(LAYOUT, perfect(day, times.tolist()), day, []).astray, there)
    assert misplaced_spells(there, times) == [Spell(BOX, 300.0, 720.0)]
    assert misplaced_spells(there[:9], times[:9]) == [Spell(BOX, 300.0, np.inf)]
    assert misplaced_spells(there[5:], times[5:]) == []
    for said, timed in ((".......xxxx....", [Delay(120.0, 120.0)]), ("." * 15, [Delay(np.inf, np.inf)])):
        seen = replace(followed("." * 15), misplaced=flags(said))
        assert delays(misplaced_spells(there, times), seen, seen.misplaced) == timed
    found = counts(day, replace(followed("." * 15), misplaced=flags("xx.....xxxx...."), astray=there))
    assert (found["misplaced_precision"], found["misplaced_recall"]) == ((1.0, 2.0), (1.0, 1.0))
    assert found["misplaced_false"] == (1.0, pytest.approx(14 / 60 * len(IDS) / 1000))


def test_spreads_count_what_was_never_told_of_as_never() -> None:
    some = [Delay(60.0, 0.0), Delay(90.0, 60.0), Delay(np.inf, np.inf), Delay(30.0, None)]
    found = delay_spreads(some, 60.0)
    assert found["from_event"]["spells"] == 4
    assert found["from_event"]["p50_seconds"] == 60.0
    assert found["from_event"]["p95_seconds"] is None
    assert found["from_first_visibility"]["spells"] == 3
    assert found["from_first_visibility"]["p50_frames"] == 1.0


def test_spreads_leave_open_how_long_it_would_have_taken_after_the_day() -> None:
    """Worked out by hand: of 4 that had not been told of by 60 s one is cut short, then 1 of 3, and 2 of 2 are left."""
    some = [Delay(v, v) for v in (30.0, 90.0, 120.0, 150.0)]
    cut = [Delay(60.0, 60.0, open=True)]
    found = delay_spreads(some + cut, 60.0)["from_event"]
    assert (found["spells"], found["cut_short"], found["told"]) == (5, 1, 1.0)
    assert found["p50_seconds"] == 120.0  # 1 - 0.8 × 2/3 = 0.467 by 90 s, 0.733 by 120 s
    assert found["p95_seconds"] == 150.0
    assert delay_spreads(cut, 60.0)["from_event"]["p50_seconds"] is None


def perfect(day: Timeline, times: list[float]) -> list[Look]:
    """Frames of one camera that reads every place rightly."""
    looks = []
    for at, shelves in zip(times, day.walk(times)):
        own = np.array([
            level < len(column) for p in LAYOUT.planogram.positions for column in shelves.columns[p.id]
            for level in range(p.high)
        ])  # fmt: skip
        planned = np.array([p.sku for p in LAYOUT.planogram.positions], object)[LAYOUT.places.position]
        places = PlaceReadings(
            np.where(own, PlaceState.OWN, PlaceState.EMPTY).astype(np.int8), np.where(own, planned, None),
            np.full(len(own), 0.9, np.float32), np.full(len(own), 500, np.float32),
        )  # fmt: skip
        looks.append(Look("front", at, places, np.ones(len(IDS), bool), True))
    return looks


def test_deployed_alerts_tell_of_a_spell_when_two_frames_have_shown_it_and_it_lasts() -> None:
    day, times = sold_out(), (60.0 * np.arange(15)).tolist()
    found = follow(LAYOUT, perfect(day, times), day, [400.0, 800.0])
    told = found.told[:, BOX]
    # Shown at 300 s, believed at 360 s, and still so at 420 s; filled at 700 s, believed at 780 s and still at 840 s.
    assert np.flatnonzero(told).tolist() == list(range(7, 14))
    assert not np.delete(found.told, BOX, axis=1).any()
    assert [g.own[BOX] for g in found.glances] == [0, 2]
    assert (found.glances[0].seen == [p.facings for p in LAYOUT.planogram.positions]).all()


def test_nobody_is_sent_before_the_reviewer_has_said_yes_and_a_no_withdraws_the_alert() -> None:
    day, times = sold_out(), (60.0 * np.arange(15)).tolist()
    nobody = follow(LAYOUT, perfect(day, times), day, [])
    asked = follow(LAYOUT, perfect(day, times), day, [], Reviewer(after=120.0, right=1.0))
    wrong = follow(LAYOUT, perfect(day, times), day, [], Reviewer(after=120.0, right=0.0))
    assert not nobody.sent.any()
    assert nobody.questions == 0
    # Told of and asked at 420 s, answered at 540 s.
    assert (asked.told == nobody.told).all()
    assert np.flatnonzero(asked.sent[:, BOX]).tolist() == list(range(9, 14))
    assert asked.questions == wrong.questions == 1
    assert np.flatnonzero(wrong.told[:, BOX]).tolist() == [7, 8]
    assert not wrong.sent.any()
    found = counts(day, asked)
    assert found["sent_precision"] == found["sent_recall"] == (1.0, 1.0)
    assert found["questions"] == (1.0, pytest.approx(14 / 60 * len(IDS) / 1000))
    assert delays(spells(day), asked, asked.sent) == [Delay(280.0, 240.0)]


def test_frames_of_silent_cameras_are_left_out() -> None:
    quiet = day_of(SensorEvent(100.0, "vision", False), SensorEvent(500.0, "vision", True))
    times = (60.0 * np.arange(15)).tolist()
    found = follow(LAYOUT, perfect(quiet, times), quiet, [300.0, 600.0])
    assert not ((found.times >= 100) & (found.times < 500)).any()
    assert [g.time for g in found.glances] == [600.0]


def test_drawn_readings_take_the_place_of_rendered_ones_only() -> None:
    day, times = sold_out(), (60.0 * np.arange(15)).tolist()
    looks = perfect(day, times)
    looks[3] = Look("front", 180.0, None, looks[3].clear, False)
    first, again = (drawn_looks(SCENARIO, day, [front_camera()], load_responses(), looks) for _ in range(2))
    assert first[3] is looks[3]
    for one, other, true in zip(first, again, looks):
        if true.places is not None:
            assert (one.places.state == other.places.state).all()
            known = one.places.judged
            assert (one.places.state == true.places.state)[known].mean() > 0.7
    rates = [look.places.judged.mean() for look in first if look.places is not None]
    assert 0.1 < np.mean(rates) <= 1


TIMES = tuple(60.0 * n for n in range(8))


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    pytest.importorskip("pybullet", reason="pybullet is not installed (extra: sim)")
    found = Reader(SCENARIO, Rendering(), tmp_path_factory.mktemp("outputs"))
    yield found
    found.bench.close()


@pytest.fixture(scope="module")
def block() -> Block:
    """A box is taken between the second and the third minute, and somebody reaches at the fifth."""
    events = (Sale(100.0, 1, "box", "p-box", 0), Sale(300.0, 2, "bag", "p-bag", 0))
    return Block(SCENARIO.seed, events, front_camera(), TIMES)


@pytest.mark.slow
def test_only_what_changed_is_rendered_and_read_and_a_block_is_the_same_again(reader: Reader, block: Block) -> None:
    took: Counter[str] = Counter()
    first = reader.read(block, took)
    assert took["frames"] == len(TIMES)
    # The first; after the sale at 100 s; with who takes the bag at 300 s; after they have left.
    assert np.flatnonzero(first["rendered"]).tolist() == [0, 2, 5, 6]
    looks = looks_of(first, block, LAYOUT)
    read = [n for n, look in enumerate(looks) if look.places is not None]
    # What has changed, and whatever looks the same after it for the first time.
    assert set(read) >= {0, 1, 2, 3, 5, 6, 7}
    assert 4 not in read
    again = reader.read(block, Counter())
    assert first.keys() == again.keys()
    assert all(np.array_equal(first[name], again[name]) for name in first)


@pytest.mark.slow
def test_who_was_interrupted_goes_on_with_what_is_missing(reader: Reader, block: Block, tmp_path: Path) -> None:
    day = day_of(*block.events)
    rendering, cameras = Rendering(workers=1), [front_camera()]
    shutil.copytree(reader.bench.cache.folder, tmp_path / "whole" / "pictures")
    shutil.copytree(reader.bench.cache.folder, tmp_path / "again" / "pictures")
    whole, took = watch_days(SCENARIO, [(SCENARIO, day)], cameras, rendering, 1860.0, tmp_path / "whole")
    assert took["blocks_made"] == 2
    kept = sorted((tmp_path / "whole" / "frames").glob("*.npz"))
    (tmp_path / "again" / "frames").mkdir()
    shutil.copy(kept[0], tmp_path / "again" / "frames")
    (tmp_path / "again" / "frames" / kept[1].name).write_bytes(kept[1].read_bytes()[:100])  # damaged
    again, took = watch_days(SCENARIO, [(SCENARIO, day)], cameras, rendering, 1860.0, tmp_path / "again")
    assert (took["blocks_made"], took["blocks_kept"]) == (1, 1)
    for one, other in zip(whole[0], again[0]):
        assert (one.time, one.rendered, one.places is None) == (other.time, other.rendered, other.places is None)
        if one.places is not None:
            assert np.array_equal(one.places.confidence, other.places.confidence)


def test_a_block_has_another_name_if_anything_that_decides_it_is_another() -> None:
    block = Block(1, (), front_camera(), TIMES)
    names = {
        block_key(SCENARIO, block, Rendering()), block_key(SCENARIO, block, Rendering(read_anew=0.0)),
        block_key(SCENARIO, block, Rendering(renderer="raster-egl")), block_key(SCENARIO.draw(2), block, Rendering()),
        block_key(SCENARIO, Block(1, (Sale(1.0, 1, "box", "p-box", 0),), front_camera(), TIMES), Rendering()),
    }  # fmt: skip
    assert len(names) == 5
    assert block_key(SCENARIO, block, Rendering(workers=7)) in names


def day_words(root: Path, outputs: Path) -> list[str]:
    catalog = root / "store" / "catalog.csv"
    if not catalog.exists():
        tiny_store(catalog.parent)
        save_catalog(Catalog(tuple(replace(p, daily_units=20.0) for p in load_catalog(catalog))), catalog)
    return [
        "day", f"scenario={root / 'store'}", f"rig.cameras=[{LOOK}]", "cameras=rendered", "demand=parametric",
        "weekly_units=1400", "days=1", "hours=3", "every=3600", "rendering.every=360", "rendering.workers=1",
        f"outputs={outputs}",
    ]  # fmt: skip


@pytest.mark.slow
def test_a_day_that_was_killed_is_gone_on_with_and_comes_out_the_same(tmp_path: Path, capsys) -> None:
    pytest.importorskip("pybullet", reason="pybullet is not installed (extra: sim)")
    one, other = tmp_path / "one", tmp_path / "other"
    command = [sys.executable, "-m", "bench.cli", *day_words(tmp_path, one)]
    killed = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[2])
    deadline = time.monotonic() + 300
    while not list((one / "frames").glob("*.npz")) and time.monotonic() < deadline and killed.poll() is None:
        time.sleep(0.1)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    kept = len(list((one / "frames").glob("*.npz")))
    assert kept == 1
    assert not (one / "latest").exists()
    main(day_words(tmp_path, one))
    main([*day_words(tmp_path, other), "film=true"])
    told = capsys.readouterr().out
    first, second = (json.loads((o / "latest" / "result.json").read_text()) for o in (one, other))
    for key in ("arms", "alerts", "agreement", "events"):
        assert first[key] == second[key]
    assert first["frames"]["all"] == second["frames"]["all"] == 31
    assert first["frames"]["made_now"]["blocks_kept"] == kept
    assert second["frames"]["made_now"]["blocks_made"] == 2
    assert first["readings"].startswith("rendered")
    assert "from first visibility" in told
    film = cv2.VideoCapture(str(other / "latest" / "day.mp4"))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == 31
    assert film.read()[1].std() > 20


REFUSED = [
    (["cameras=guessed"], "expected drawn or rendered"),
    (["film=true"], "expected cameras=rendered"),
    (["hours=0.1"], "at least `every`"),
    (["rendering.every=0"], "expected 1 s or more"),
    (["cameras=rendered", "rendering.renderer=crayon"], "crayon"),
    (["cameras=rendered", "rendering.detector=yolo99"], "yolo99"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "told"), REFUSED, ids=[" ".join(words) for words, _ in REFUSED])
def test_wrong_input_ends_with_one_line(words, told: str, tmp_path: Path, capsys) -> None:
    assert told in refusal(main, ["day", "demand=parametric", f"outputs={tmp_path / 'out'}", *words], capsys)
    assert not (tmp_path / "out").exists()
