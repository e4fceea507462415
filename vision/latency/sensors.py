"""What this machine can tell of itself while frames are timed: power, clocks, temperatures, throttling, memory."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from scenarios import InputError
from vision.latency.rails import total_watts
from vision.latency.tegrastats import parse

EVERY = 0.5
"""Seconds between two looks: a look takes a millisecond or less, in a thread of its own."""


@dataclass
class Seen:
    """What was seen over a time, sample by sample; empty where a machine does not tell. Watts, megahertz, degrees
    Celsius, bytes."""

    watts: list[float] = field(default_factory=list)
    cpu_mhz: list[float] = field(default_factory=list)
    gpu_mhz: list[float] = field(default_factory=list)
    degrees: list[float] = field(default_factory=list)
    device_bytes: list[int] = field(default_factory=list)
    alerts: set[str] = field(default_factory=set)
    """Throttle alarms that were on at some time."""
    joules: float | None = None
    """Of a counter of energy, over the whole time."""
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    """What could not be read, and why."""

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


class Sysfs:
    """The files under /sys and /proc of a machine; `root` is "/" but in tests."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root
        zones = (p.parent for p in self._find("sys/class/thermal/thermal_zone*/temp"))
        self._zones = [z for z in zones if _text(z / "type") not in ("PMIC-Die", "pmic-die")]
        self._clocks = self._find("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq")
        self._gpu_clocks = [
            p for p in self._find("sys/class/devfreq/*/cur_freq") if "gpu" in p.parent.name or "gv11b" in p.parent.name
        ]
        self._alarms = [
            p.parent for p in self._find("sys/class/thermal/cooling_device*/type") if "throttle" in _text(p)
        ]
        self._counters = [
            *self._find("sys/class/hwmon/hwmon*/oc*_event_cnt"),
            *self._find("sys/devices/system/cpu/cpu[0-9]*/thermal_throttle/*_throttle_count"),
        ]
        self._monitors = self._ina3221()
        self._energy = self._find("sys/class/powercap/intel-rapl:[0-9]/energy_uj")

    def _find(self, pattern: str) -> list[Path]:
        return sorted(p for p in self.root.glob(pattern) if _readable(p))

    def _ina3221(self) -> dict[str, tuple[Path, Path]]:
        """For every rail of the board's power monitors its files of millivolts and milliamperes."""
        found: dict[str, tuple[Path, Path]] = {}
        for pattern in ("sys/bus/i2c/drivers/ina3221/*/hwmon/hwmon*", "sys/class/hwmon/hwmon*"):
            for folder in sorted(self.root.glob(pattern)):
                for label in sorted(folder.glob("in[0-9]*_label")):
                    number, name = label.name[2:-6], _text(label)
                    volts, amperes = folder / f"in{number}_input", folder / f"curr{number}_input"
                    # Channels from 4 on are shunt voltages and their sum, which have no current of their own.
                    if name.startswith("V") and _readable(volts) and _readable(amperes):
                        found.setdefault(name, (volts, amperes))
        return found

    @property
    def power_source(self) -> str:
        return "INA3221 by sysfs" if self._monitors else "RAPL (packages)" if self._energy else "none"

    @property
    def tells_throttling(self) -> bool:
        return bool(self._alarms or self._counters)

    def throttle_counts(self) -> dict[str, int]:
        """Events that were counted since the start of the machine, by the counter's name."""
        return {str(p.relative_to(self.root)): int(_text(p) or 0) for p in self._counters}

    def energy(self) -> dict[str, int]:
        """Microjoules by RAPL's counters, which begin again at zero."""
        return {str(p): int(_text(p) or 0) for p in self._energy}

    def joules_between(self, before: dict[str, int], after: dict[str, int]) -> float:
        """What RAPL's counters went up by."""
        total = 0
        for name, start in before.items():
            rise = after[name] - start
            if rise < 0:
                rise += int(_text(Path(name).with_name("max_energy_range_uj")) or 0)
            total += rise
        return total / 1e6

    def sample(self, seen: Seen, with_power: bool) -> None:
        """Add what the files say now."""
        degrees = [v / 1000 for v in map(_number, (z / "temp" for z in self._zones)) if v is not None and v > -100_000]
        if degrees:
            seen.degrees.append(max(degrees))
        clocks = [v / 1000 for v in map(_number, self._clocks) if v is not None]
        if not clocks:
            clocks = self._cpuinfo()
        if clocks:
            seen.cpu_mhz.append(max(clocks))
        gpu = [v / 1e6 for v in map(_number, self._gpu_clocks) if v is not None]
        if gpu:
            seen.gpu_mhz.append(max(gpu))
        seen.alerts |= {_text(d / "type") for d in self._alarms if (_number(d / "cur_state") or 0) > 0}
        if with_power and self._monitors:
            try:
                seen.watts.append(total_watts(self._rails()))
            except InputError as error:
                seen.note(f"power by sysfs: {error}")

    def _rails(self) -> dict[str, float]:
        return {n: (_number(v) or 0) * (_number(a) or 0) / 1e6 for n, (v, a) in self._monitors.items()}

    def _cpuinfo(self) -> list[float]:
        text = _text(self.root / "proc/cpuinfo")
        return [float(line.split(":")[1]) for line in text.splitlines() if line.startswith("cpu MHz")]


class Sensors:
    """Looks at a machine's sensors while something runs, and says from where the power figure is."""

    def __init__(
        self, sysfs: Sysfs | None = None, tegrastats: str | None = None, device_bytes: Callable[[], int] | None = None
    ) -> None:
        """`tegrastats`: the program, found on the path where it is None; "" for none. `device_bytes`: device memory
        in use, where there is a device with memory of its own."""
        self.sysfs = sysfs or Sysfs()
        self._program = shutil.which("tegrastats") or "" if tegrastats is None else tegrastats
        self._device_bytes = device_bytes
        self.power_source = "tegrastats" if self._program else self.sysfs.power_source

    @contextmanager
    def watching(self, every: float = EVERY) -> Iterator[Seen]:
        """Sample until the block ends; what was seen is complete then."""
        seen, ended = Seen(), threading.Event()
        counts, energy, start = self.sysfs.throttle_counts(), self.sysfs.energy(), time.perf_counter()
        process = self._start_tegrastats(seen, every)
        threads = [threading.Thread(target=self._look, args=(seen, ended, every), daemon=True)]
        if process is not None and process.stdout is not None:
            threads.append(threading.Thread(target=replay, args=(process.stdout, seen), daemon=True))
        for thread in threads:
            thread.start()
        try:
            yield seen
        finally:
            ended.set()
            if process is not None:
                process.terminate()
            for thread in threads:
                thread.join(timeout=5)
            seen.seconds = time.perf_counter() - start
            self._finish(seen, counts, energy)

    def _look(self, seen: Seen, ended: threading.Event, every: float) -> None:
        while True:
            self.sysfs.sample(seen, with_power=not self._program)
            if self._device_bytes is not None:
                seen.device_bytes.append(self._device_bytes())
            if ended.wait(every):
                return

    def _start_tegrastats(self, seen: Seen, every: float) -> subprocess.Popen[str] | None:
        if not self._program:
            return None
        command = [self._program, "--interval", str(int(every * 1000))]
        try:
            return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        except OSError as error:
            seen.note(f"{self._program}: {error.strerror}")
            return None

    def _finish(self, seen: Seen, counts: dict[str, int], energy: dict[str, int]) -> None:
        risen = {n: c - counts.get(n, 0) for n, c in self.sysfs.throttle_counts().items() if c > counts.get(n, 0)}
        seen.alerts |= {f"{name} rose by {rise}" for name, rise in risen.items()}
        if seen.watts:
            seen.joules = sum(seen.watts) / len(seen.watts) * seen.seconds
        elif self.power_source.startswith("RAPL"):
            seen.joules = self.sysfs.joules_between(energy, self.sysfs.energy())


def replay(lines: IO[str] | list[str], seen: Seen) -> None:
    """Take in lines of tegrastats. What is unknown in them is noted, and no power is taken from it."""
    for line in lines:
        try:
            told = parse(line)
        except InputError as error:
            seen.note(str(error))
            continue
        if told.zones:
            seen.degrees.append(max(told.zones.values()))
        if told.cpu_mhz is not None:
            seen.cpu_mhz.append(told.cpu_mhz)
        if told.gpu_mhz is not None:
            seen.gpu_mhz.append(told.gpu_mhz)
        try:
            seen.watts.append(total_watts(told.rails))
        except InputError as error:
            seen.note(f"tegrastats: {error}")


def resident_bytes(peak: bool = False) -> int | None:
    """What this process holds in memory, or held at most; None where the system does not tell."""
    word = "VmHWM:" if peak else "VmRSS:"
    for line in _text(Path("/proc/self/status")).splitlines():
        if line.startswith(word):
            return int(line.split()[1]) * 1024
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip("\0\n ")
    except OSError:
        return ""


def _readable(path: Path) -> bool:
    return _text(path) != ""


def _number(path: Path) -> float | None:
    text = _text(path)
    try:
        return float(text)
    except ValueError:
        return None
