"""Results of `shelfwatch latency` in the workbench."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.cli import main
from bench.exported import Read, compare
from bench.kit import make_kit
from bench.latency import device_class, log_latencies, metrics, read_latency, table
from bench.studies.study import digest
from bench.studies.tracking import CELL, STUDY
from bench.tracking import EXPERIMENT, connect
from scenarios import InputError
from tests.refusal import refusal

ROW = {"p50": 10.0, "p90": 12.0, "p99": 20.0, "max": 21.0}
RUN = {
    "streams": 1, "frames": 662, "stages_ms": {"decode": ROW, "detect": ROW}, "end_to_end_ms": ROW,
    "stage_medians_over_end_to_end": 1.0, "unaccounted_ms": 0.01, "frames_per_second": 99.0, "seconds": 7.0,
    "power": {"source": "tegrastats", "joules_per_frame": 0.07, "mean_watts": 7.0},
    "degrees_c": {"least": 50, "median": 51, "most": 52}, "cpu_mhz": None, "gpu_mhz": None,
    "device_memory_bytes": None, "throttling": [], "sensor_notes": [],
}  # fmt: skip
RESULT: dict[str, Any] = {
    "form": "shelfwatch latency", "version": 1,
    "device": {
        "board": "NVIDIA Jetson Orin Nano", "processor": "ARMv8, 6 cores", "power_mode": "15W", "jetpack": "R36.4.3",
    },
    "networks": {
        "detector": {"runtime": "tensorrt", "precision": "int8", "version": "TensorRT 10.3.0", "instead_of": ""},
    },
    "frames": {"timed": 662, "pictures": 12, "width": 1280, "height": 960, "sha256": "ab", "every_crop": False},
    "runs": [RUN, RUN | {"streams": 4, "frames_per_second": 120.0}],
    "start": {"cold": None, "warm": {"sessions_ms": 400.0, "process_ms": 1500.0}},
    "resident_bytes": {"before": 1, "loaded": 2, "most": 3}, "void_for_gate": [],
}  # fmt: skip


def write(path: Path, **other: object) -> Path:
    path.write_text(json.dumps(copy.deepcopy(RESULT) | other))
    return path


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no json", "not readable as JSON"),
        ("[]", "not a result of `shelfwatch latency`"),
        (json.dumps({"arms": []}), "not a result of `shelfwatch latency`; expected form: 'shelfwatch latency' in it"),
        (json.dumps(RESULT | {"version": 2}), "version 2 of the form; expected 1: measure again"),
        (json.dumps({k: v for k, v in RESULT.items() if k != "runs"}), "without runs; expected a whole result"),
        (json.dumps(RESULT | {"runs": []}), "without runs; expected a whole result"),
    ],
)
def test_what_is_no_result_of_this_version_is_refused(
    text: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "result.json").write_text(text)
    words = ["latency", str(tmp_path / "result.json"), f"outputs={tmp_path / 'out'}"]
    assert told in refusal(main, words, capsys)
    assert not (tmp_path / "out").exists()


def test_a_device_is_named_by_what_a_baseline_hangs_on(tmp_path: Path) -> None:
    assert device_class(RESULT) == "NVIDIA Jetson Orin Nano, 15W, R36.4.3, tensorrt int8"
    here = RESULT | {"device": {"board": "no", "processor": "EPYC, 2 cores", "power_mode": "none", "jetpack": "no"}}
    assert device_class(here) == "EPYC, 2 cores, tensorrt int8"


def test_numbers_have_a_name_each_and_what_was_not_measured_has_none() -> None:
    found = metrics(RESULT)
    assert found["detect_p99_ms"] == 20.0
    assert found["streams_4/frames_per_second"] == 120.0
    assert found["joules_per_frame"] == 0.07
    assert found["start_warm/sessions_ms"] == 400.0
    unmeasured = RESULT | {"runs": [RUN | {"power": RUN["power"] | {"joules_per_frame": None}, "degrees_c": None}]}
    assert not {"joules_per_frame", "hottest_c", "start_cold/sessions_ms"} & set(metrics(unmeasured))


def test_the_fastest_comes_first_and_what_is_void_is_told() -> None:
    slow = RESULT | {"runs": [RUN | {"end_to_end_ms": ROW | {"p50": 50.0}}], "void_for_gate": ["661 frames"]}
    lines = table([slow, RESULT]).splitlines()
    assert "10.0" in lines[2]
    assert lines[3].endswith("void for a gate: 661 frames")


@pytest.mark.slow
def test_results_are_logged_once_and_a_study_that_is_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    first, second = write(tmp_path / "a.json"), write(tmp_path / "b.json", void_for_gate=["it throttled"])
    assert log_latencies([first, second], tmp_path)[0] == 2
    assert log_latencies([first], tmp_path)[0] == 0
    mlflow, _ = connect(tmp_path)
    runs = mlflow.search_runs(experiment_names=[EXPERIMENT], output_format="list")
    assert sorted(run.data.tags["void_for_gate"] for run in runs) == ["it throttled", "no"]
    run = runs[0]
    assert run.info.status == "FINISHED"
    assert run.data.params["detector.precision"] == "int8"
    assert run.data.metrics["end_to_end_p50_ms"] == 10.0
    with pytest.raises(InputError, match="no study of this MLflow store"):
        log_latencies([first], tmp_path, tmp_path / "study")
    experiment = mlflow.get_experiment_by_name(EXPERIMENT).experiment_id
    tags = {STUDY: digest(str((tmp_path / "study").resolve())), CELL: "parent"}
    parent = mlflow.MlflowClient().create_run(experiment, tags=tags).info.run_id
    assert log_latencies([first], tmp_path, tmp_path / "study")[0] == 1
    assert log_latencies([first], tmp_path, tmp_path / "study")[0] == 0
    runs = mlflow.search_runs(experiment_names=[EXPERIMENT], output_format="list")
    assert sum(run.data.tags.get("mlflow.parentRunId") == parent for run in runs) == 1


def test_a_kit_is_not_written_over_other_files(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty; expected a folder that is made"):
        make_kit(tmp_path, 1)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_a_whole_result_is_read(tmp_path: Path) -> None:
    assert read_latency(write(tmp_path / "a.json")) == RESULT


def test_other_weights_are_compared_with_the_reference_over_stores() -> None:
    """A detector that misses 0, 2, 4 or 6 of the 20 boxes of a store's pictures."""
    random = np.random.default_rng(0)
    truth = [np.concatenate([p := random.integers(0, 500, (20, 2)), p + 40], axis=1).astype(float) for _ in range(12)]
    whole = [np.column_stack([t, np.full(20, 0.9)]) for t in truth]
    stores = np.repeat(np.arange(4), 3)
    part = [boxes[2 * store :] for boxes, store in zip(whole, stores)]
    pictures = [(Path(f"{i}.jpg"), t) for i, t in enumerate(truth)]
    rows = compare(pictures, stores, [Read("a", "x", whole), Read("b", "x", part)])
    assert rows[0]["ap_share"]["value"] == 1.0
    assert rows[0]["count_change"]["value"] == 0.0
    assert rows[1]["count_accuracy"]["value"] == pytest.approx(0.85)
    assert rows[1]["count_change"]["value"] == pytest.approx(0.15)
    assert 0.75 < rows[1]["ap_share"]["value"] < 0.9
    assert rows[1]["ap_share"]["low"] < rows[1]["ap_share"]["value"] < rows[1]["ap_share"]["high"]
