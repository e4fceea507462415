"""Watching: what is said over time, and that no crash, full disk or bumped camera loses or makes up any of it."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scenarios import InputError
from tests.layouts import front_camera
from tests.vision.watched import FIRST, FULL, HIDDEN, OUT, frame, story, watcher
from vision import watch as module
from vision.calibrate import turned_camera
from vision.drift import Drift
from vision.durable import read_lines
from vision.review import ReviewQueue

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _cameras_hang_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_drift", lambda f, layout, zero: Drift("fits", f.camera))


def play(watch, whats, start: float = 0.0, step: float = 5.0) -> list[tuple[str, str]]:
    """Watch frames some seconds apart; the kinds and events that came of them."""
    said = []
    for i, what in enumerate(whats):
        said += [(a.kind, a.event) for a in watch.see(frame(start + i * step, what))]
        watch.keep()
    return said


def lines(folder: Path) -> list[tuple[str, str, float]]:
    rows, _ = read_lines(folder / "alerts.jsonl")
    return [(row["id"], row["event"], row["time"]) for row in rows]


def test_what_sells_out_is_raised_once_and_resolved_when_it_is_back(tmp_path: Path) -> None:
    said = play(watcher(tmp_path), [FULL] * 4 + [OUT] * 8 + [HIDDEN] * 3 + [FULL] * 8)
    assert said == [("out", "raised"), ("out", "resolved")]
    rows, _ = read_lines(tmp_path / "alerts.jsonl")
    assert [(r["subject"], r["event"]) for r in rows] == [(FIRST.id, "raised"), (FIRST.id, "resolved")]


def test_one_wrong_frame_raises_nothing(tmp_path: Path) -> None:
    assert play(watcher(tmp_path), [FULL] * 4 + [OUT] + [FULL] * 4 + [HIDDEN, OUT, FULL, FULL]) == []


def test_no_picture_is_kept(tmp_path: Path) -> None:
    play(watcher(tmp_path), [FULL] * 2 + [OUT] * 8)
    assert {p.name for p in tmp_path.iterdir()} == {"state.json", "alerts.jsonl", "review.jsonl"}


FRAMES = 60


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> list[tuple[str, str, float]]:
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "find_drift", lambda f, layout, zero: Drift("fits", f.camera))
        play(watcher(folder), story(FRAMES))
    assert len(lines(folder)) == 5
    return lines(folder)


def test_killed_at_any_moment_it_goes_on_as_if_nothing_had_been(tmp_path: Path, undisturbed) -> None:
    command = [sys.executable, "-m", "tests.vision.watched", str(tmp_path), str(FRAMES)]
    for after in (3, 13):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            for _ in range(after):
                child.stdout.readline()
            child.kill()
    assert subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True).returncode == 0
    assert lines(tmp_path) == undisturbed


@pytest.mark.parametrize("step", ["append_lines", "flush", "write_whole"])
def test_a_crash_between_what_is_written_says_nothing_twice(tmp_path, monkeypatch, undisturbed, step: str) -> None:
    class Crash(Exception):
        pass

    def crash(*_) -> None:
        raise Crash

    whats = story(FRAMES)
    watch = watcher(tmp_path)
    for i, what in enumerate(whats):
        news = watch.see(frame(5.0 * i, what))
        if news:
            with monkeypatch.context() as patch:
                patch.setattr(*((ReviewQueue, step) if step == "flush" else (module, step)), crash)
                with pytest.raises(Crash):
                    watch.keep()
            watch = watcher(tmp_path)  # a new process, with what the disk has
            watch.see(frame(5.0 * i, what))
        watch.keep()
    assert lines(tmp_path) == undisturbed
    asked = [q.id for q in ReviewQueue(tmp_path / "review.jsonl").pending]
    assert asked == [id for id, event, _ in undisturbed if event == "raised"]


def on_disk(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.stat().st_size}


def test_a_full_disk_leaves_the_earlier_state_and_loses_nothing(tmp_path, monkeypatch, undisturbed) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    watch = watcher(tmp_path)
    for i, what in enumerate(story(FRAMES)):
        watch.see(frame(5.0 * i, what))
        if 12 <= i < 40:
            before = on_disk(tmp_path)
            with monkeypatch.context() as patch:
                patch.setattr("os.fsync", full)
                with pytest.raises(OSError, match="No space left"):
                    watch.keep()
            assert on_disk(tmp_path) == before
        else:
            watch.keep()
    assert lines(tmp_path) == undisturbed


def test_an_answer_given_meanwhile_withdraws_an_alert(tmp_path: Path) -> None:
    watch = watcher(tmp_path)
    play(watch, [FULL] * 4 + [OUT] * 8)
    other = ReviewQueue(tmp_path / "review.jsonl")
    (question,) = other.pending
    other.answer(question.id, False)
    assert play(watch, [OUT] * 2, start=60) == [("out", "withdrawn")]


TURN = (0.0, 0.02, 0.0)


def drifts(monkeypatch, *said: str):
    """Let the camera's place be found so, one after the other, and then as the last."""
    left = list(said)

    def find(f, layout, zero) -> Drift:
        status = left.pop(0) if len(left) > 1 else left[0]
        camera = f.camera
        if status == "corrected":
            rotation = np.array([[np.cos(0.02), 0, -np.sin(0.02)], [0, 1, 0], [np.sin(0.02), 0, np.cos(0.02)]])
            camera = turned_camera(camera, rotation @ camera.rotation, np.array(camera.position), 1.0)
        return Drift(status, camera, TURN if status == "corrected" else (0.0, 0.0, 0.0), 0.02)

    monkeypatch.setattr(module, "find_drift", find)


def test_a_moved_camera_is_told_and_makes_up_no_empty_shelves(tmp_path, monkeypatch) -> None:
    """What it shows is not where the plan expects it, so that shelves seem empty."""
    watch = watcher(tmp_path)
    play(watch, [FULL] * 4)
    drifts(monkeypatch, "moved")
    said = play(watch, [OUT] * 30, start=60)
    assert said == [("camera moved", "raised")]
    drifts(monkeypatch, "fits")
    assert play(watch, [FULL] * 30, start=300) == [("camera moved", "resolved")]


def test_a_small_turn_is_corrected_once_two_frames_agree_and_kept_over_a_restart(tmp_path, monkeypatch) -> None:
    seen = []
    watch = watcher(tmp_path)
    see = watch.pipeline.__class__.__call__
    monkeypatch.setattr(watch.pipeline.__class__, "__call__", lambda s, f: seen.append(f.camera) or see(s, f))
    drifts(monkeypatch, "fits", "corrected")
    assert play(watch, [FULL] * 3, start=0, step=70) == []
    calibrated, corrected = front_camera(), seen[-1]
    assert seen[:3] == [calibrated] * 3
    assert corrected != calibrated
    play(watcher(tmp_path), [FULL], start=300)
    assert seen[-1] == corrected
    # A calibration made anew counts from then on.
    again = dataclasses.replace(calibrated, target=(0.5, 0.0, 0.65))
    drifts(monkeypatch, "fits")
    watcher(tmp_path, [again]).see(frame(400, FULL, again))
    assert seen[-1] == again


def test_a_turn_that_one_frame_alone_finds_changes_nothing(tmp_path, monkeypatch) -> None:
    watch = watcher(tmp_path)
    drifts(monkeypatch, "fits", "moved", "fits", "corrected", "fits")
    assert play(watch, [FULL] * 9, step=35) == []


def test_a_cameras_place_is_looked_after_while_its_frame_is_read_so_that_no_other_waits(tmp_path, monkeypatch) -> None:
    """Frames of several cameras are read at once, and taken in one after the other."""
    watch, looked = watcher(tmp_path), []
    monkeypatch.setattr(module, "find_drift", lambda f, layout, zero: looked.append(f.time) or Drift("fits", f.camera))
    for time, looks in ((0.0, [0.0]), (30.0, [0.0]), (70.0, [0.0, 70.0])):
        seen = watch.read(frame(time, FULL))
        assert looked == looks
        watch.take(frame(time, FULL), seen)
        assert looked == looks


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "not readable as JSON"),
        ('{"form": "other"}', "form 'other'; expected 'shelfwatch watch 2'"),
        ('{"form": "shelfwatch watch 2"}', "TypeError"),
    ],
)
def test_a_state_that_is_none_is_named(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(InputError, match=expected) as error:
        watcher(tmp_path)
    assert "state.json" in str(error.value)
    assert "\n" not in str(error.value)


def test_cameras_of_a_state_that_are_none_are_named(tmp_path: Path) -> None:
    play(watcher(tmp_path), [FULL])
    path = tmp_path / "state.json"
    data = json.loads(path.read_text())
    data["cameras"]["front"].pop("zero")
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match=r"state[.]json: KeyError 'zero'; expected cameras of a watch"):
        watcher(tmp_path)
