"""What an experiment refuses before anything is rendered, and what it draws."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from bench import experiment as module
from bench.experiment import Experiment, Model, check, frames_folder, same
from scenarios import Camera, CameraModel, InputError, Rig
from tests.bench.synthetic import detections_of, full_stock, places_of, reading_of, truth_of
from tests.layouts import front_camera, small_layout

MODEL = CameraModel("test", 640, 480, 1.0, 100.0)
YOLO = Model("m", "m", "e")


def camera(id: str = "c", at: tuple[float, float, float] = (1.0, -1.2, 2.85)) -> Camera:
    return Camera(id, MODEL, at, (1.0, 0.0, 0.9))


def experiment(*cameras: Camera) -> Experiment:
    return Experiment("test", "quickstart", (Rig("mine", cameras),), (YOLO,))


@pytest.fixture(autouse=True)
def _no_weights_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "weights_path", Path)


@pytest.mark.parametrize(
    ("cameras", "expected"),
    [
        ((camera(at=(1.0, 0.6, 1.5)),), "rig mine: camera c at [1.0, 0.6, 1.5] is inside a wall"),
        ((camera(at=(1.0, -1.2, 3.2)),), "the ceiling"),
        ((camera(at=(1.5, 0.2, 0.5)),), "fixture bay-2"),
        ((), "at least one camera"),
        ((camera(), camera()), "an id of its own"),
        ((camera(),), None),
    ],
    ids=["wall", "ceiling", "fixture", "no camera", "same id", "fine"],
)
def test_check(cameras: tuple[Camera, ...], expected: str | None) -> None:
    if expected is None:
        check(experiment(*cameras))
        return
    with pytest.raises(InputError, match=expected.replace("[", r"\[").replace("]", r"\]")):
        check(experiment(*cameras))


@pytest.mark.parametrize(
    "change", [{"scenarios": 1}, {"workers": 0}, {"rigs": ()}, {"models": ()}, {"models": (YOLO, YOLO)}]
)
def test_an_experiment_without_sense_is_refused(change: dict) -> None:
    with pytest.raises(ValueError, match=r"expected|named twice"):
        dataclasses.replace(experiment(camera()), **change)


def test_every_second_scenario_has_shoppers_and_all_share_one_layout() -> None:
    drawn = experiment(camera()).draw()
    assert len(drawn) == 24
    assert sum(s.conditions.crowd.shoppers > 0 for s in drawn) == 12
    assert len({s.seed for s in drawn}) == len({s.hash for s in drawn}) == 24
    assert all(s.layout is drawn[0].layout for s in drawn)


def test_readings_are_the_same_whatever_time_they_took() -> None:
    layout, seen_by = small_layout(), front_camera()
    truth = truth_of(layout, full_stock(layout), seen_by)
    reading = reading_of(layout, seen_by, detections_of(truth), places_of(layout, truth))
    slower = dataclasses.replace(reading, latency_ms={stage: 9.0 for stage in reading.latency_ms})
    other = dataclasses.replace(reading.detections, confidence=reading.detections.confidence - np.float32(1e-6))
    assert same(reading, slower)
    assert not same(reading, dataclasses.replace(reading, detections=other))


def test_pictures_of_a_killed_run_are_cleared_and_those_of_a_living_one_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    killed, living = (tmp_path / f"shelfbench-frames-{pid}-x" for pid in (dead.pid, os.getpid()))
    killed.mkdir()
    living.mkdir()
    with frames_folder() as folder:
        assert not killed.exists()
        assert living.exists()
        assert Path(folder).is_dir()
    assert not Path(folder).exists()
