"""Baselines by device class: what is compared, what is not, and what is said then."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from bench.gate.verdict import NO_VERDICT, PASS, REGRESSION, overall
from bench.regression.__main__ import main
from bench.regression.judge import judge
from bench.regression.measurement import (
    DeviceClass,
    Figure,
    Measurement,
    baseline_of,
    load_baseline,
    read_measurement,
    save,
)
from scenarios import InputError

NANO = DeviceClass("NVIDIA Jetson Orin Nano Developer Kit", "15W", "R36.4.3", "tensorrt", "fp16")
BASE = Measurement(
    NANO, "a1b2", "2026-11-28T09:00:00", "abc", {"detect": Figure(20.0, 0.002), "end to end": Figure(40.0, 0.002)},
    {"products found": 0.95},
)  # fmt: skip


def changed(**parts: Any) -> Measurement:
    return dataclasses.replace(BASE, **parts)


def times(detect: float, error: float = 0.002) -> dict[str, Figure]:
    return {"detect": Figure(detect, error), "end to end": Figure(40.0, 0.002)}


@pytest.mark.parametrize(
    ("new", "baseline", "status", "said"),
    [
        (BASE, BASE, PASS, "+0.0%"),
        (BASE, None, NO_VERDICT, "there is none of the class nvidia-jetson-orin-nano-developer-kit_15w_r36.4.3"),
        (changed(frames="c3d4"), BASE, NO_VERDICT, "it is of other frames: a1b2; these are c3d4"),
        (changed(void=("the device throttled: thermal",)), BASE, NO_VERDICT, "void: the device throttled"),
        (changed(figures=times(21.5)), BASE, REGRESSION, "+7.5%"),
        (changed(figures=times(20.5)), BASE, PASS, "+2.5%"),
        (changed(figures=times(21.5, 0.05)), BASE, NO_VERDICT, "+7.5%"),
        (changed(figures=times(14.0)), BASE, PASS, "-30.0%"),
        (changed(figures={"end to end": Figure(40.0)}), BASE, NO_VERDICT, "the measurement has not"),
        (changed(figures=times(20.0) | {"audit": Figure(1.0)}), BASE, NO_VERDICT, "no such figure"),
        (changed(accuracy={"products found": 0.935}), BASE, REGRESSION, "0.950 to 0.935"),
        (changed(accuracy={"products found": 0.945}), BASE, PASS, "0.950 to 0.945"),
        (changed(accuracy={}), BASE, NO_VERDICT, "only one of the two"),
    ],
)
def test_what_is_judged_and_how(new: Measurement, baseline: Measurement | None, status: int, said: str) -> None:
    findings = judge(new, baseline, slower=0.10, loss=0.02)
    assert overall(findings) == status
    assert said in " ".join(f.reason for f in findings)


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(DeviceClass)])
def test_another_class_has_no_baseline(field: str, tmp_path: Path) -> None:
    save(BASE, tmp_path)
    assert load_baseline(NANO, tmp_path) == BASE
    assert load_baseline(dataclasses.replace(NANO, **{field: "another"}), tmp_path) is None


def latency(**parts: Any) -> dict[str, Any]:
    """A result of `shelfwatch latency`, as far as it is read here."""
    row = {"p50": 20.0, "p90": 21.0, "p99": 25.0, "max": 30.0}
    network = {"runtime": "tensorrt", "precision": "fp16", "sha256": "0" * 64, "instead_of": ""}
    return {
        "form": "shelfwatch latency", "version": 1, "made_at": "2026-11-28T09:00:00+0000",
        "device": {"board": "NVIDIA Jetson Orin Nano", "processor": "ARM", "power_mode": "15W", "jetpack": "R36.4.3"},
        "networks": {"detector": network, "recognizer": network | {"precision": "fp32"}},
        "frames": {"sha256": "f" * 64, "threads": None, "every_crop": True, "not_timed": []},
        "runs": [{
            "streams": 1, "frames": 662, "stages_ms": {"detect": row}, "end_to_end_ms": row,
            "power": {"joules_per_frame": 0.31}, "throttling": [],
        }],
        "start": None, "resident_bytes": {}, "void_for_gate": [],
    } | parts  # fmt: skip


def benchmark() -> dict[str, Any]:
    extra = {"device": dataclasses.asdict(NANO), "frames": "a1b2", "accuracy": {"products found": 0.95}}
    stats = {"median": 0.02, "iqr": 0.001, "rounds": 30}
    return {
        "datetime": "2026-11-28T09:00:00", "commit_info": {"id": "abcdef0123456789"},
        "benchmarks": [
            {"name": "test_detector[yolo11n]", "extra_info": extra, "stats": stats},
            {"name": "test_without_a_class", "extra_info": {}, "stats": stats},
        ],
    }  # fmt: skip


def test_both_kinds_of_result_are_read(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(latency()))
    found = read_measurement(path)
    assert found.device == DeviceClass("NVIDIA Jetson Orin Nano", "15W", "R36.4.3", "tensorrt", "fp16+fp32")
    assert {n: f.median for n, f in found.figures.items()} == {"detect": 20, "end to end": 20, "joules a frame": 0.31}
    assert 0 < found.figures["detect"].error < 0.01
    path.write_text(json.dumps(benchmark()))
    found = read_measurement(path)
    assert {n: f.median for n, f in found.figures.items()} == {"test_detector[yolo11n]": 20}
    assert found.accuracy == {"test_detector[yolo11n]: products found": 0.95}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "no such file"),
        ("{", "not JSON"),
        ("[]", "expected an object"),
        ("{}", "neither a result of `shelfwatch latency`"),
        (json.dumps(latency(version=2)), "version 2 of the form; expected 1: measure again"),
        (json.dumps(latency(runs=[])), "without runs"),
        (json.dumps(latency(runs=[{}])), "not as it was written"),
        (json.dumps(benchmark() | {"benchmarks": []}), "no benchmark"),
    ],
)
def test_a_result_that_cannot_be_read_gets_one_line(
    text: str | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "result.json"
    if text is not None:
        path.write_text(text)
    assert main(["judge", str(path), "--baselines", str(tmp_path / "none")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert said in lines[0]
    assert str(path) in lines[0]


def test_from_no_verdict_to_a_baseline_and_its_history(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(verb: str, *words: str) -> int:
        where = ["--baselines", str(tmp_path / "baselines"), "--history", str(tmp_path / "history")]
        return main([verb, *words, *where])

    path, slower = tmp_path / "result.json", tmp_path / "slower.json"
    path.write_text(json.dumps(latency()))
    row = {"p50": 23.0, "p90": 24.0, "p99": 28.0, "max": 30.0}
    single = latency()["runs"][0] | {"stages_ms": {"detect": row}}
    slower.write_text(json.dumps(latency(runs=[single], made_at="2026-11-29T09:00:00+0000")))
    assert run("judge", str(path)) == NO_VERDICT
    assert run("accept", str(path)) == 2
    assert "1 results; expected 3 or more" in capsys.readouterr().err
    again = [tmp_path / f"again-{i}.json" for i in range(2)]
    for i, file in enumerate(again):
        file.write_text(json.dumps(latency(made_at=f"2026-11-28T10:0{i}:00+0000")))
    assert run("accept", str(path), *map(str, again)) == 0
    assert run("judge", str(path)) == PASS
    assert run("judge", str(slower)) == REGRESSION
    assert "+15.0%" in capsys.readouterr().out
    for file in (path, slower, slower):
        assert run("record", str(file)) == 0
    history = next((tmp_path / "history").glob("*.csv"))
    assert len(history.read_text().splitlines()) == 1 + 2 * 3  # the same run a second time adds nothing
    assert run("plot", str(history), str(tmp_path / "plot.svg")) == 0
    assert "detect" in (tmp_path / "plot.svg").read_text()
    assert run("plot", str(tmp_path / "nothing.csv"), str(tmp_path / "plot.png")) == 2
    void = tmp_path / "void.json"
    void.write_text(json.dumps(latency(void_for_gate=["12 frames; a gate needs 662"])))
    assert run("judge", str(void)) == NO_VERDICT
    assert run("accept", str(void)) == 2
    assert "12 frames" in capsys.readouterr().err


def test_a_damaged_baseline_is_named(tmp_path: Path) -> None:
    path = save(BASE, tmp_path)
    path.write_text("{}")
    with pytest.raises(InputError, match=f"{path.name}: not a baseline"):
        load_baseline(NANO, tmp_path)


def runs_of(*detect: float) -> list[Measurement]:
    return [changed(figures=times(ms), made_at=f"day {i}") for i, ms in enumerate(detect)]


def test_how_runs_scatter_widens_the_bound() -> None:
    """Runs of the same code that differ by a tenth tell nothing of a tenth; quiet ones do."""
    slower = changed(figures=times(22.0))
    quiet, busy = baseline_of(runs_of(20.0, 20.1, 19.9)), baseline_of(runs_of(18.0, 20.0, 22.0))
    assert judge(slower, quiet, 0.10, 0.02)[0].status == REGRESSION
    assert judge(slower, busy, 0.10, 0.02)[0].status == NO_VERDICT
    assert busy.between == pytest.approx(0.1 / 2**0.5, rel=0.01)  # one of two figures scatters


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ({"device": dataclasses.replace(NANO, precision="int8")}, "results differ in device"),
        ({"frames": "c3d4"}, "results differ in frames"),
        ({"accuracy": {"products found": 0.9}}, "results differ in accuracy"),
        ({"figures": {"detect": Figure(20.0)}}, "other figures: end to end"),
        ({"void": ("it throttled",)}, "void: it throttled"),
        ({"made_at": "day 0"}, "given twice"),
    ],
)
def test_a_baseline_is_made_of_runs_of_the_same_thing(last: dict[str, Any], said: str) -> None:
    runs = runs_of(20.0, 20.1, 19.9)
    with pytest.raises(InputError, match=said):
        baseline_of([*runs[:2], dataclasses.replace(runs[2], **last)])
