"""`shelfwatch latency`: the stopwatch, what is told, and when it is no evidence."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest

from tests.refusal import refusal
from vision.cli import main
from vision.export.parity import FRAMES
from vision.latency.device import board, jetpack
from vision.latency.harness import LEAST_FRAMES, Timed, row, summary, time_frames, time_streams
from vision.latency.result import measured, table, void
from vision.latency.sensors import Seen, Sensors, Sysfs

LAPS = {"decode": 1.0, "detect": 5.0, "recognize": 3.0, "register": 0.5, "count": 0.3, "audit": 0.2}
HERE = {"detector": {"runtime": "onnxruntime-cpu", "precision": "fp32", "version": "x", "instead_of": ""}}


def test_the_stopwatch_costs_less_than_a_fifth_of_a_millisecond_a_frame() -> None:
    timed = time_frames(lambda i: LAPS, 2000)
    assert timed.frames == 2000
    # Medians: another program may take the processor between two frames.
    assert np.median(timed.outside) + np.median(timed.total) <= 0.2


def test_stages_and_what_is_beyond_them_add_up_to_the_whole() -> None:
    timed = Timed([LAPS] * 4, [10.0, 10.2, 10.4, 12.0], [0.1] * 4, seconds=0.05)
    told = summary(timed)
    assert told["end_to_end_ms"] == {"p50": 10.3, "p90": 11.52, "p99": 11.952, "max": 12.0}
    assert told["stages_ms"]["detect"] == {"p50": 5.0, "p90": 5.0, "p99": 5.0, "max": 5.0}
    assert told["stage_medians_over_end_to_end"] == pytest.approx(10 / 10.3, abs=1e-4)
    assert told["unaccounted_ms"] == pytest.approx((42.6 - 40 + 0.4) / 4)
    assert told["frames_per_second"] == 80


def test_streams_share_the_frames_and_run_at_once() -> None:
    together, stream = threading.Barrier(3, timeout=20), threading.local()
    frames: list[int] = []

    def read(i: int) -> dict[str, float]:
        if not hasattr(stream, "begun"):
            stream.begun = together.wait()  # none gets past its first frame before all are there
        frames.append(i)
        return LAPS

    timed = time_streams([read] * 3, 10)
    assert timed.frames == len(frames) == 10
    assert timed.seconds > 0


def test_what_goes_wrong_in_a_stream_is_raised() -> None:
    def broken(i: int) -> dict[str, float]:
        raise ValueError("no picture")

    with pytest.raises(ValueError, match="no picture"):
        time_streams([lambda i: LAPS, broken], 4)


def seen(**other: object) -> Seen:
    told = {"watts": [8.0], "cpu_mhz": [1500.0], "degrees": [50.0], "joules": 80.0, "seconds": 10.0}
    return Seen(**(told | other))  # type: ignore[arg-type]


def timed(frames: int = LEAST_FRAMES, total: float = 10.1) -> Timed:
    return Timed([LAPS] * frames, [total] * frames, [0.05] * frames, seconds=frames * total / 1000)


@pytest.fixture
def sensors(tmp_path: Path) -> Sensors:
    alarm = tmp_path / "sys/class/thermal/cooling_device0"
    alarm.mkdir(parents=True)
    (alarm / "type").write_text("gpu-throttle-alert\n")
    (alarm / "cur_state").write_text("0\n")
    return Sensors(Sysfs(tmp_path), "")


@pytest.mark.parametrize(
    ("run", "look", "networks", "expected"),
    [
        (timed(), seen(), HERE, []),
        (timed(661), seen(), HERE, ["661 frames; a gate needs 662"]),
        (timed(total=11.0), seen(), HERE, ["stages add up to 0.909 of end to end"]),
        (timed(), seen(alerts={"gpu-throttle-alert"}), HERE, ["the device throttled: gpu-throttle-alert"]),
        (timed(), seen(degrees=[]), HERE, ["temperatures could not be read"]),
        (timed(), seen(cpu_mhz=[]), HERE, ["clocks could not be read"]),
        (timed(), seen(joules=None), HERE, ["power could not be read"]),
        (
            timed(), seen(), {"detector": HERE["detector"] | {"instead_of": "tensorrt: no TensorRT"}},
            ["the detector ran on onnxruntime-cpu, instead of tensorrt: no TensorRT"],
        ),
    ],
)  # fmt: skip
def test_a_result_says_why_it_is_void(run, look, networks, expected: list[str], sensors: Sensors) -> None:
    assert void([measured(run, look, 1, "tegrastats")], sensors, networks, list(LAPS)) == expected


def test_a_machine_that_does_not_tell_throttling_and_missing_stages_are_void(tmp_path: Path) -> None:
    run = measured(timed(), seen(), 1, "tegrastats")
    reasons = void([run], Sensors(Sysfs(tmp_path), ""), HERE, ["decode", "detect"])
    assert reasons == ["throttling could not be read", "not timed: recognize, register, count, audit"]


def test_energy_is_told_a_frame_with_its_source() -> None:
    run = measured(timed(), seen(joules=66.2), 1, "tegrastats")
    assert run["power"] == {"source": "tegrastats", "joules_per_frame": 0.1, "mean_watts": 6.62}
    assert measured(timed(), seen(joules=None), 1, "tegrastats")["power"]["source"] == "none"
    assert row([1, 2, 3, 4, 5])["p50"] == 3


def test_a_jetson_is_told_by_its_files(tmp_path: Path) -> None:
    assert (board(tmp_path), jetpack(tmp_path)) == ("no", "no")
    (tmp_path / "proc/device-tree").mkdir(parents=True)
    (tmp_path / "etc").mkdir()
    (tmp_path / "proc/device-tree/model").write_text("NVIDIA Jetson Orin Nano Developer Kit\0")
    (tmp_path / "etc/nv_tegra_release").write_text("# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic\n")
    assert (board(tmp_path), jetpack(tmp_path)) == ("NVIDIA Jetson Orin Nano Developer Kit", "R36.4.3")


@pytest.mark.slow
def test_the_command_writes_the_documented_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra: cpu)")
    out = ["--outputs", str(tmp_path)]
    main(["latency", str(FRAMES), "--frames", "3", "--warm-up", "1", "--streams", "2", "--fallback", "openvino", *out])
    result = json.loads((tmp_path / "latest" / "result.json").read_text())
    assert (result["form"], result["version"]) == ("shelfwatch latency", 1)
    assert [run["streams"] for run in result["runs"]] == [1, 2]
    assert [run["frames"] for run in result["runs"]] == [3, 3]
    assert set(result["runs"][0]["stages_ms"]) == {"decode", "detect"}
    assert result["frames"]["not_timed"] == ["recognize", "register", "count", "audit"]
    assert len(result["end_to_end_frames_ms"]) == 3
    assert result["start"]["cold"]["sessions_ms"] > 0
    assert result["start"]["warm"]["first_frame_ms"] > 0
    assert result["resident_bytes"]["most"] >= result["resident_bytes"]["loaded"] > 0
    assert result["networks"]["detector"]["instead_of"] == ""
    assert "3 frames; a gate needs 662" in result["void_for_gate"]
    assert "void for a gate: 3 frames" in capsys.readouterr().out
    described = (Path(__file__).parents[2] / "docs" / "latency.md").read_text()
    for key in (*result, *result["runs"][0], *result["frames"], *result["device"]):
        assert f"`{key}`" in described, key
    assert table(result).count("frames a second") == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere"], "nowhere: no such file or folder; expected pictures of one camera"),
        ([str(FRAMES), "--planogram", "store"], "--planogram and --camera go together"),
        ([str(FRAMES), "--runtime", "tensorrt"], "TensorRT is not installed"),
    ],
)
def test_wrong_input_gets_one_line_and_leaves_nothing(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told in refusal(main, ["latency", *arguments, "--outputs", str(tmp_path / "out")], capsys)
    assert not (tmp_path / "out").exists()
