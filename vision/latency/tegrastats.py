"""Lines of NVIDIA's tegrastats: what they say of power, temperatures, clocks and memory.

    RAM 4127/7620MB (lfb 2x4MB) SWAP 0/3810MB (cached 0MB) CPU [12%@1510,off,…] EMC_FREQ 3%@2133 GR3D_FREQ 61%@[624]
    cpu@52.8C … tj@52.8C VDD_IN 6012mW/5876mW VDD_CPU_GPU_CV 1893mW/1790mW VDD_SOC 1512mW/1500mW

Fields differ by board and release: a date may stand before, watts may lack their unit (before JetPack 5), a third
number may follow, and zones that are off are at -256 degrees.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from scenarios import InputError

RAM = re.compile(r"\bRAM (\d+)/(\d+)MB")
CORES = re.compile(r"\bCPU \[([^\]]*)\]")
CORE = re.compile(r"\d+%@(\d+)")
GPU = re.compile(r"\bGR3D_FREQ (\d+)%(?:@\[?(\d+))?")
ZONE = re.compile(r"\b([A-Za-z][\w-]*)@(-?\d+(?:\.\d+)?)C\b")
RAIL = re.compile(r"\b([A-Z][A-Z0-9_]*) (\d+)(?:mW)?/(\d+)(?:mW)?(?:/\d+(?:mW)?)?(?=\s|$)")
COLDEST = -100.0
"""Degrees below which a zone is off."""
NO_ZONES = ("PMIC",)
"""Zones that always show the same: 50 or 100 degrees."""


@dataclass(frozen=True)
class Tegrastats:
    """One line. `rails` in watts, now (not the average since the start that follows it); `zones` in degrees Celsius;
    `cpu_mhz` the fastest core's clock; `memory` used and total in bytes, which CPU and GPU share."""

    rails: dict[str, float]
    zones: dict[str, float]
    cpu_mhz: float | None
    gpu_mhz: float | None
    gpu_load: float | None
    memory: tuple[int, int]


def parse(line: str) -> Tegrastats:
    """Read a line. Raises InputError for one that is not of tegrastats."""
    ram = RAM.search(line)
    if ram is None:
        raise InputError(f"not a line of tegrastats: {line.strip()[:60]!r}; expected RAM x/yMB … in it")
    zones = {name: float(value) for name, value in ZONE.findall(line)}
    cores = CORES.search(line)
    clocks = [float(mhz) for mhz in CORE.findall(cores[1])] if cores else []
    gpu = GPU.search(line)
    # Loads stand in brackets, which rails do not.
    after = line[cores.end() :] if cores else line
    rails = {name: int(now) / 1000 for name, now, _ in RAIL.findall(after)}
    return Tegrastats(
        rails,
        {name: value for name, value in zones.items() if value > COLDEST and name not in NO_ZONES},
        max(clocks, default=None),
        float(gpu[2]) if gpu and gpu[2] else None,
        float(gpu[1]) if gpu else None,
        (int(ram[1]) * 2**20, int(ram[2]) * 2**20),
    )
