"""What a device tells of itself: lines of tegrastats, files of sysfs, counters of energy."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest

from scenarios import InputError
from vision.latency.rails import board_of, total_watts
from vision.latency.sensors import Seen, Sensors, Sysfs, replay
from vision.latency.tegrastats import parse

LINES = Path(__file__).parent / "tegrastats"
BOARDS = {
    # file: (board, watts, warmest degrees, CPU MHz, GPU MHz, MB of memory)
    "orin_nano": ("Orin Nano", 6.480, 51.375, 1510, 624, 3121),
    "orin_nx": ("Orin NX", 11.234, 58.906, 1984, 918, 5211),
    "xavier_nx": ("Xavier NX", 5.765, 44.0, 1420, 1109, 2840),
    "agx_orin": ("AGX Orin", 5.599 + 1.610 + 4.843, 48.593, 2201, 1300, 8182),
    "agx_orin_r36": ("AGX Orin", 2.412 + 1.607 + 4.707, 52.562, 2201, None, 18207),
    "agx_xavier_r32": ("AGX Xavier", 2.463 + 1.618 + 2.936 + 0.609 + 3.306, 37.5, 1190, 675, 4700),
    "agx_xavier_r35": ("AGX Xavier", 0.467 + 0.467 + 1.245 + 0.311 + 2.768, 38.75, 1191, 114, 5120),
    "agx_thor": ("AGX Thor", 26.686, 39.906, 1890, None, 6905),
}


@pytest.mark.parametrize("name", BOARDS)
def test_lines_of_every_board_are_read(name: str) -> None:
    board, watts, degrees, cpu, gpu, memory = BOARDS[name]
    told = parse((LINES / f"{name}.txt").read_text().splitlines()[0])
    assert board in board_of(told.rails).name
    assert total_watts(told.rails) == pytest.approx(watts)
    assert max(told.zones.values()) == degrees
    assert (told.cpu_mhz, told.gpu_mhz) == (cpu, gpu)
    assert told.memory[0] == memory * 2**20


def test_every_file_of_lines_is_of_a_board_in_the_table() -> None:
    assert {p.stem for p in LINES.glob("*.txt")} == set(BOARDS) | {"unknown_board"}


def test_an_unknown_board_is_named_and_no_power_is_guessed() -> None:
    seen = Seen()
    replay((LINES / "unknown_board.txt").read_text().splitlines(), seen)
    assert seen.watts == []
    assert len(seen.notes) == 1
    assert "VDD_EVERYTHING, VDD_NPU are of no board known here" in seen.notes[0]
    assert seen.degrees == [39.906]  # what is the same on every board is read all the same


def test_another_text_is_no_line_of_tegrastats() -> None:
    with pytest.raises(InputError, match="not a line of tegrastats: 'error: permission denied'"):
        parse("error: permission denied\n")


def test_energy_is_the_mean_of_tegrastats_over_the_time(tmp_path: Path) -> None:
    program = tmp_path / "tegrastats"
    program.write_text(f"#!/bin/sh\ncat {LINES / 'orin_nano.txt'}\nexec sleep 60\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    sensors = Sensors(Sysfs(tmp_path), str(program))
    with sensors.watching(every=0.05) as seen:
        time.sleep(0.3)
    assert sensors.power_source == "tegrastats"
    assert seen.joules == pytest.approx((6.480 + 7.320) / 2 * seen.seconds)
    assert max(seen.gpu_mhz) == 624


def put(path: Path, text: str | int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


def jetson(root: Path) -> Path:
    """The files of an Orin NX that the sensors read."""
    monitor = root / "sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon1"
    for n, (name, volts, amperes) in enumerate(
        (("VDD_IN", 19000, 600), ("VDD_CPU_GPU_CV", 19000, 200), ("VDD_SOC", 19000, 120)), start=1
    ):
        put(monitor / f"in{n}_label", name)
        put(monitor / f"in{n}_input", volts)
        put(monitor / f"curr{n}_input", amperes)
    put(monitor / "in7_label", "sum of shunt voltages")
    put(monitor / "in7_input", 12)
    put(root / "sys/class/thermal/thermal_zone0/type", "cpu-thermal")
    put(root / "sys/class/thermal/thermal_zone0/temp", 51000)
    put(root / "sys/class/thermal/thermal_zone1/type", "cv0-thermal")
    put(root / "sys/class/thermal/thermal_zone1/temp", -256000)
    put(root / "sys/class/thermal/cooling_device3/type", "gpu-throttle-alert")
    put(root / "sys/class/thermal/cooling_device3/cur_state", 0)
    put(root / "sys/class/hwmon/hwmon4/oc3_event_cnt", 2)
    put(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", 1984000)
    put(root / "sys/class/devfreq/17000000.gpu/cur_freq", 918000000)
    return root


def test_sysfs_of_a_jetson_tells_power_clocks_and_temperature(tmp_path: Path) -> None:
    sensors = Sensors(Sysfs(jetson(tmp_path)), "")
    with sensors.watching(every=0.02) as seen:
        time.sleep(0.1)
    assert sensors.power_source == "INA3221 by sysfs"
    assert seen.watts == pytest.approx([11.4] * len(seen.watts))
    assert seen.watts
    assert set(seen.degrees) == {51.0}
    assert set(seen.cpu_mhz) == {1984.0}
    assert set(seen.gpu_mhz) == {918.0}
    assert seen.alerts == set()
    assert seen.notes == []


def test_throttling_is_seen_by_alarms_and_by_counters(tmp_path: Path) -> None:
    sensors = Sensors(Sysfs(jetson(tmp_path)), "")
    with sensors.watching(every=0.02) as seen:
        put(tmp_path / "sys/class/thermal/cooling_device3/cur_state", 1)
        put(tmp_path / "sys/class/hwmon/hwmon4/oc3_event_cnt", 5)
        time.sleep(0.1)
    assert seen.alerts == {"gpu-throttle-alert", "sys/class/hwmon/hwmon4/oc3_event_cnt rose by 3"}


def test_rails_of_an_unknown_board_in_sysfs_are_named(tmp_path: Path) -> None:
    monitor = tmp_path / "sys/class/hwmon/hwmon0"
    for name, value in (("in1_label", "VDD_NEW"), ("in1_input", 5000), ("curr1_input", 100)):
        put(monitor / name, value)
    with Sensors(Sysfs(tmp_path), "").watching(every=0.02) as seen:
        time.sleep(0.05)
    assert seen.joules is None
    assert "VDD_NEW are of no board known here" in seen.notes[0]


def test_rapl_counts_on_when_its_counter_begins_again(tmp_path: Path) -> None:
    package = tmp_path / "sys/class/powercap/intel-rapl:0"
    put(package / "energy_uj", 9_000_000)
    put(package / "max_energy_range_uj", 10_000_000)
    sensors = Sensors(Sysfs(tmp_path), "")
    with sensors.watching(every=0.02) as seen:
        put(package / "energy_uj", 3_000_000)
    assert sensors.power_source == "RAPL (packages)"
    assert seen.joules == pytest.approx(4.0)


def test_a_machine_without_sensors_says_none(tmp_path: Path) -> None:
    sensors = Sensors(Sysfs(tmp_path), "")
    with sensors.watching(every=0.02) as seen:
        pass
    assert (sensors.power_source, seen.joules, seen.degrees, seen.watts) == ("none", None, [], [])
    assert not sensors.sysfs.tells_throttling
