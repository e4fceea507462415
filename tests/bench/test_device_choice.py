"""Which device carries how many cameras: what is put beside what, and what is never mixed up."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from bench.cli import main
from bench.configs import compose
from bench.device_choice import Devices, Option, as_devices, carried, cited, front, options, plot, read_results, table
from scenarios import InputError
from tests.bench.test_regression import latency
from tests.refusal import refusal
from vision.pipeline import weights_path


def option(name: str, cameras: int, exact: float | None, cited: bool = False) -> Option:
    accuracy = None if exact is None else (exact, exact - 0.02, exact + 0.02)
    return Option("a board", name, 10.0, cameras, None, accuracy, "", cited)


def run() -> dict[str, Any]:
    """A run's result, as far as it is read here: the best arm of a model comes first."""
    arms = [("yolo11n", 0.95), ("yolo26n", 0.93), ("yolo11n", 0.80)]
    stages = {"total": {"p50": 400.0, "p95": 500.0}}
    return {
        "arms": [{"model": m, "metrics": {"facings_exact": {"value": v, "low": 0.75, "high": 0.96}}} for m, v in arms],
        "latency_ms": {"yolo11n": stages, "yolo26n": stages},
        "conditions": {"machine": "a PC", "runtime": "onnxruntime-cpu", "precision": "FP32"},
        "config": {"models": [{"name": n, "detector": n, "recognizer": "embed"} for n in ("yolo11n", "yolo26n")]},
    }


def result(tmp_path: Path, name: str, sha256: str, frames_per_second: float, **parts: Any) -> str:
    data = latency(**parts)
    for network in data["networks"].values():
        network |= {"sha256": sha256, "weights": "yolo11n.fp16.onnx"}
    data["runs"][0]["frames_per_second"] = frames_per_second
    data["runs"].append(data["runs"][0] | {"streams": 4, "frames_per_second": 2 * frames_per_second})
    (tmp_path / name).write_text(json.dumps(data))
    return str(tmp_path / name)


def test_accuracy_goes_with_the_very_weights_and_cameras_with_the_most_streams(tmp_path: Path) -> None:
    own = hashlib.sha256(weights_path("yolo11n").read_bytes()).hexdigest()
    devices = Devices(
        (
            result(tmp_path, "own.json", own, 10.0),
            result(tmp_path, "other.json", "1" * 64, 12.0, void_for_gate=["power could not be read"]),
        ),
        every=2.0,
    )
    found = options(devices, read_results(devices), run())
    here, _, own_weights, others, *published = found
    assert (here.cameras, here.accuracy, here.joules) == (5, (0.95, 0.75, 0.96), None)
    assert own_weights.accuracy == (0.95, 0.75, 0.96)
    assert (own_weights.cameras, own_weights.joules, own_weights.ms) == (40, 0.31, 20.0)
    assert own_weights.device.startswith("NVIDIA Jetson Orin Nano, 15W, R36.4.3")
    assert others.accuracy is None
    assert "no accuracy" in " ".join(others.remarks)
    assert "void for a gate: power could not be read" in others.remarks
    assert [o.source for o in published] == [c.source for c in cited()]
    assert all(o.cited and o.accuracy is None and o.source.startswith("https://") for o in published)
    told = table(found)
    assert all(source in told for source in {o.source for o in published})
    plot(found, 2.0, tmp_path / "devices.svg")
    assert (tmp_path / "devices.svg").read_text().count("(cited)") == len(published)


def test_the_front_holds_what_nothing_beats() -> None:
    fast, good, equal, worse = (
        option("fast", 40, 0.90),
        option("good", 4, 0.95),
        option("eq", 4, 0.95),
        option("w", 4, 0.9),
    )
    published = option("published", 900, 0.99, cited=True)
    unknown = option("unknown", 500, None)
    assert front([worse, good, fast, published, unknown]) == [good, fast]
    assert front([good, equal]) == [good, equal]
    assert front([unknown]) == []
    part = dataclasses.replace(option("part", 90, 0.97), whole=False)
    assert front([part, good]) == [good]


@pytest.mark.parametrize("what", ["a stage that was not timed", "throttling", "a fallback"])
def test_the_time_of_something_else_is_not_on_the_front(what: str, tmp_path: Path) -> None:
    parts: dict[str, Any] = {}
    if what.startswith("a stage"):
        parts["frames"] = latency()["frames"] | {"not_timed": ["recognize"]}
    elif what == "throttling":
        parts["runs"] = [latency()["runs"][0] | {"throttling": ["thermal"]}]
    else:
        networks = latency()["networks"]
        parts["networks"] = networks | {"detector": networks["detector"] | {"instead_of": "tensorrt: not here"}}
    own = hashlib.sha256(weights_path("yolo11n").read_bytes()).hexdigest()
    devices = Devices((result(tmp_path, "a.json", own, 500.0, **parts),), cited=False)
    found = options(devices, read_results(devices), run())
    assert found[-1].accuracy is not None
    assert found[-1] not in front(found)


@pytest.mark.parametrize(("fps", "every", "cameras"), [(2.0, 5.0, 10), (0.19, 5.0, 0), (0.2, 5.0, 1), (30.0, 0.1, 3)])
def test_cameras_are_whole_and_kept_up_with(fps: float, every: float, cameras: int) -> None:
    assert carried(fps, every) == cameras


def test_wrong_input_is_named_before_anything_is_rendered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    old = tmp_path / "old.json"
    old.write_text(json.dumps(latency(version=0)))
    for words, said in (
        ([f"devices.results=[{old}]"], "version 0 of the form; expected 1"),
        (["devices.results=[nowhere.json]"], "nowhere.json: not readable"),
        (["devices.every=0"], "every 0.0; expected more than 0 seconds"),
        (["+devices.rate=2"], "devices: unknown key 'rate'"),
    ):
        assert said in refusal(main, ["run", "experiment=device_choice", *words], capsys)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["old.json"]


def test_only_an_experiment_that_asks_for_devices_has_them() -> None:
    assert as_devices(compose("run", ["experiment=quickstart"])) is None
    assert as_devices(compose("run", ["experiment=device_choice"])) == Devices()
    with pytest.raises(InputError, match="with axes"):
        as_devices(compose("run", ["experiment=lighting", "+devices.every=2"]))
