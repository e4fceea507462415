"""Which device a figure was measured on: what a baseline is only good for."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path("/")


def processor() -> str:
    """The CPU's name and number of cores."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = (line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line)
        name = next(lines, name)
    return f"{name}, {os.cpu_count()} cores"


def gpu_name() -> str:
    """The GPU that nvidia-smi tells; "no" without one."""
    told = _answer("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")
    return "no" if told is None else told.splitlines()[0] if told else "no answer"


def board(root: Path = ROOT) -> str:
    """The board's own name of a Jetson, or another with a device tree; "no" elsewhere."""
    model = root / "proc/device-tree/model"
    return model.read_text().strip("\0\n ") if model.is_file() else "no"


def jetpack(root: Path = ROOT) -> str:
    """The release of Jetson Linux, as R36.4.3; "no" elsewhere. JetPack 6 is R36, JetPack 7 is R38."""
    release = root / "etc/nv_tegra_release"
    if not release.is_file():
        return "no"
    told = re.search(r"# R(\d+) \(release\), REVISION: ([\d.]+)", release.read_text())
    return f"R{told[1]}.{told[2]}" if told else "unknown"


def power_mode() -> str:
    """The mode that nvpmodel tells, as MAXN; "none" where there is no such thing."""
    told = _answer("nvpmodel", "-q")
    found = re.search(r"NV Power Mode:\s*(\S+)", told or "")
    return found[1] if found else "none" if told is None else "unknown"


def device() -> dict[str, str]:
    """All of it, by the names that a result gives them."""
    return {
        "board": board(),
        "processor": processor(),
        "gpu": gpu_name(),
        "architecture": platform.machine(),
        "power_mode": power_mode(),
        "jetpack": jetpack(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def _answer(program: str, *arguments: str) -> str | None:
    """What a program prints; None where it is not there, and nothing where it fails."""
    if shutil.which(program) is None:
        return None
    try:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
