"""The conditions of a result: this machine, the versions, the commit."""

from __future__ import annotations

import platform
import subprocess
from importlib import metadata
from pathlib import Path

import psutil

from vision.cli import findings
from vision.latency.device import processor

PACKAGES = (
    "shelfbench",
    "numpy",
    "pybullet",
    "mitsuba",
    "onnxruntime",
    "opencv-python-headless",
    "mlflow",
    "hydra-core",
)


def conditions() -> dict[str, str]:
    """What a figure measured here has to be labelled with."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "machine": processor(),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": platform.platform(),
        "python": platform.python_version(),
        "commit": commit(),
        **versions,
    }


def commit() -> str:
    """The commit of this checkout, with `+changes` when files differ from it; "unknown" outside one."""
    here = Path(__file__).parent

    def git(*arguments: str) -> str:
        try:
            return subprocess.run(
                ["git", *arguments], cwd=here, capture_output=True, text=True, timeout=10, check=True
            ).stdout.strip()
        except (OSError, subprocess.SubprocessError):
            return ""

    revision = git("rev-parse", "--short=12", "HEAD")
    return (
        revision + ("+changes" if git("status", "--porcelain", "--untracked-files=no") else "")
        if revision
        else "unknown"
    )


def doctor() -> list[tuple[str, str]]:
    """What this machine has for the workbench, a line each."""
    rows = findings()
    for package in ("pybullet", "hydra-core", "mlflow", "faster-coco-eval", "torch", "ultralytics"):
        try:
            rows.append((package, metadata.version(package)))
        except metadata.PackageNotFoundError:
            note = " (needed for training only)" if package in ("torch", "ultralytics") else ""
            rows.append((package, f"not installed{note}"))
    rows.append(("memory", f"{psutil.virtual_memory().total / 2**30:.0f} GiB"))
    rows.append(("renderer raster", "yes (TinyRenderer)" if _has("pybullet") else "no: install shelfbench[sim]"))
    rows.append(("renderer egl", "plugin found, not used yet" if _egl() else "no"))
    rows.append(("renderer pathtrace", _pathtrace()))
    rows.append(("commit", commit()))
    return rows


def _pathtrace() -> str:
    """The variant that path tracing uses here, or what is missing."""
    from scenarios import InputError
    from sim.mitsuba_variant import VARIANTS, choose_variant

    try:
        variant = choose_variant()
    except InputError as error:
        return f"no: {error}"
    faster = ", ".join(VARIANTS[: VARIANTS.index(variant)])
    return f"yes (Mitsuba {metadata.version('mitsuba')}, {variant}{f'; {faster} not here' if faster else ''})"


def _has(package: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(package) is not None


def _egl() -> bool:
    import importlib.util

    return importlib.util.find_spec("eglRenderer") is not None
