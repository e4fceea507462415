"""Has every package of the device set a wheel for a Jetson? `python -m bench.wheels` asks the package index.

Prints a line for each package that requirements-device.txt pins, for Python 3.10 (JetPack 6) and 3.12 (JetPack 7) on
aarch64, and exits with 1 where one has none, or where a wheel wants a package or version that is not pinned and no
device needs. With --table docs/wheels.md the table is kept; --size also installs them into a temporary folder and says
how large the device set is.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.markers import default_environment
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PINS = ROOT / "requirements-device.txt"
NOT_NEEDED = ("coloredlogs", "flatbuffers", "packaging", "protobuf", "sympy")
"""What onnxruntime asks for, and only its tools for making and changing networks use."""
DEFAULT_WEIGHTS = ("yolo11n", "embed", "centerface")
PYTHONS = {"3.10": "JetPack 6, Ubuntu 22.04", "3.12": "JetPack 7, Ubuntu 24.04"}
PLATFORMS = (*(f"manylinux_2_{n}_aarch64" for n in range(35, 16, -1)), "manylinux2014_aarch64")
"""Of a machine with glibc 2.35, as JetPack 6 has it; JetPack 7's is newer."""
Ask = Callable[[str, str], dict[str, Any] | None]
"""A pin (NAME==VERSION) and a Python -> pip's report of its wheel; None where there is none."""


@dataclass(frozen=True)
class Wheel:
    """What the index has for one pin on one Python; `file` is empty where it has no wheel."""

    python: str
    name: str
    version: str
    file: str
    wants: tuple[str, ...] = ()

    @property
    def found(self) -> bool:
        return bool(self.file)


def pins(text: str, python: str) -> dict[str, str]:
    """The versions by name that constraints pin for a Python on aarch64 Linux."""
    found = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate(environment(python)):
                found[_plain(requirement.name)] = str(requirement.specifier).removeprefix("==")
    return found


def environment(python: str) -> dict[str, str]:
    """What markers of requirements see on a Jetson."""
    here = {k: str(v) for k, v in default_environment().items()}
    other = {"platform_machine": "aarch64", "sys_platform": "linux", "platform_system": "Linux"}
    return here | other | {"python_version": python, "python_full_version": f"{python}.0", "extra": ""}


def check(text: str, ask: Ask) -> tuple[list[Wheel], list[str]]:
    """Every pin on every Python, and what is wrong: pins without a wheel, and requirements that no pin meets."""
    wheels, wrong = [], []
    for python in PYTHONS:
        pinned = pins(text, python)
        for name, version in pinned.items():
            report = ask(f"{name}=={version}", python)
            if report is None:
                wheels.append(Wheel(python, name, version, ""))
                wrong.append(f"{name} {version} has no wheel for Python {python} on aarch64")
                continue
            wants = _wants(report, python)
            file = str(report["download_info"]["url"]).split("/")[-1]
            wheels.append(Wheel(python, name, version, file, tuple(map(str, wants))))
            for want in wants:
                if _plain(want.name) in NOT_NEEDED:
                    continue
                held = pinned.get(_plain(want.name))
                if held is None or not want.specifier.contains(held, prereleases=True):
                    wrong.append(f"{name} {version} on Python {python} wants {want}; pinned is {held or 'nothing'}")
    return wheels, wrong


def _wants(report: dict[str, Any], python: str) -> list[Requirement]:
    given = [Requirement(line) for line in report["metadata"].get("requires_dist", [])]
    return [r for r in given if r.marker is None or r.marker.evaluate(environment(python))]


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def ask_index(pin: str, python: str) -> dict[str, Any] | None:
    """What pip finds for a pin; nothing is installed."""
    command = [*_pip(python), "--dry-run", "--ignore-installed", "--target", "unused", "--report", "-", pin]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    report = json.loads(done.stdout[done.stdout.index("{") :])
    return dict(report["install"][0])


def _pip(python: str) -> list[str]:
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--quiet", "--only-binary", ":all:"]
    return [*command, "--python-version", python, *(w for p in PLATFORMS for w in ("--platform", p))]


def installed_size(python: str) -> int:
    """Bytes of the device set on aarch64: what is pinned, scenarios, and vision with its default weights."""
    with tempfile.TemporaryDirectory() as folder:
        command = [*_pip(python), "--no-compile", "--target", folder]
        subprocess.run([*command, *(f"{n}=={v}" for n, v in pins(PINS.read_text(), python).items())], check=True)
        size = sum(p.stat().st_size for p in Path(folder).rglob("*") if p.is_file())
    for room in ("scenarios", "vision"):
        files = (p for p in (ROOT / room).rglob("*") if p.is_file() and "__pycache__" not in p.parts)
        size += sum(p.stat().st_size for p in files if p.suffix != ".onnx" or p.stem in DEFAULT_WEIGHTS)
    return size


def table(wheels: Sequence[Wheel]) -> str:
    """The table as Markdown."""
    lines = ["| Python | package | version | wheel |", "|---|---|---|---|"]
    lines += [f"| {w.python} | {w.name} | {w.version} | {w.file or '**none**'} |" for w in wheels]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Has every package of the device set a wheel for a Jetson?")
    parser.add_argument("--table", type=Path, help="Markdown file to write")
    parser.add_argument("--size", action="store_true", help="also say how large the device set is")
    given = parser.parse_args()
    wheels, wrong = check(PINS.read_text(), ask_index)
    print(table(wheels))
    sizes = ""
    if given.size:
        said = ", ".join(f"{installed_size(p) / 1e6:.1f} MB on Python {p}" for p in PYTHONS)
        sizes = (
            f"\nInstalled without compiled files, with `scenarios/`, `vision/` and the weights "
            f"{', '.join(DEFAULT_WEIGHTS)}: {said}.\n"
        )
        print(sizes)
    if given.table:
        about = ", ".join(f"Python {python} is that of {system}" for python, system in PYTHONS.items())
        head = f"# Wheels of the device set on aarch64\n\nAs `python -m bench.wheels` found them; {about}.\n\n"
        given.table.write_text(head + table(wheels) + "\n" + sizes, encoding="utf-8")
    for line in wrong:
        print(line, file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
