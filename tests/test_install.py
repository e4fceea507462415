"""The device set installs, imports and passes its tests alone, on every Python that a device may have."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = (
    "torch", "pybullet", "hydra", "mlflow", "ultralytics", "pandas", "onnxruntime", "onnx", "openvino", "tensorrt",
    "fastapi", "authlib",
)  # fmt: skip
TOO_NEW = {"3.10": ("numpy", "onnxruntime", "hypothesis"), "3.12": ()}
"""Pythons of JetPack 6 and 7, and what constraints.txt pins to a version that they cannot have: pip takes the newest
that they can."""
PLAIN = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
SUITE = ("__init__.py", "layouts.py", "refusal.py", "scenarios", "vision")
"""Of tests/: what a device can run."""


def test_importing_vision_pulls_in_nothing_heavy() -> None:
    code = f"import sys, vision, vision.cli; print([m for m in {HEAVY} if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.strip() == "[]"


def find_python(version: str) -> str | None:
    candidates = [
        shutil.which(f"python{version}"),
        *map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python")),
    ]
    for path in candidates:
        if path and subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0:
            return path
    return None


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Built from a copy: setuptools leaves a build folder that a later build would take files from.
    copy = tmp_path_factory.mktemp("source") / "shelfbench"
    skip = shutil.ignore_patterns(".venv*", ".git", "outputs", "data", "build", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, copy, ignore=skip)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(copy / "dist"),
        str(copy),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return next((copy / "dist").glob("*.whl"))


@pytest.fixture(scope="module", params=TOO_NEW)
def install(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """Installs the wheel with an extra, and other packages, into an environment that all tests of one Python share;
    answers with its bin folder. So the test of the core alone comes first."""
    python = find_python(request.param)
    if python is None:
        pytest.skip(f"no Python {request.param} on this machine")
    folder = tmp_path_factory.mktemp(f"python{request.param}")
    subprocess.run([python, "-m", "venv", str(folder / "venv")], check=True)
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    kept = [pin for pin in pins if pin.split("==")[0] not in TOO_NEW[request.param]]
    (folder / "constraints.txt").write_text("\n".join(kept))

    def install(extra: str = "", *packages: str) -> Path:
        inside = folder / "venv" / "bin"
        pip = [str(inside / "python"), "-m", "pip", "install", "--quiet", "-c", str(folder / "constraints.txt")]
        subprocess.run([*pip, f"{wheel}{extra}", *packages], check=True, capture_output=True, env=PLAIN)
        return inside

    return install


@pytest.mark.slow
def test_the_wheel_installs_with_its_core_alone(install: Callable[..., Path], tmp_path: Path) -> None:
    inside = install()
    code = (
        "import importlib.util as u, vision, vision.cli; from scenarios import load_scenario;"
        "from vision.pipeline import WEIGHTS;"
        "assert len(load_scenario('quickstart').layout.catalog) >= 120;"
        "assert {p.stem for p in WEIGHTS.glob('*.onnx')} >= {'yolo11n', 'embed'};"
        f"print([m for m in {HEAVY} if u.find_spec(m)])"
    )
    answer = subprocess.run(
        [inside / "python", "-c", code], capture_output=True, text=True, cwd=tmp_path, env=PLAIN, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == "[]"
    doctor = subprocess.run([inside / "shelfwatch", "doctor"], capture_output=True, text=True, env=PLAIN, check=False)
    assert doctor.returncode == 0, doctor.stderr


@pytest.mark.slow
def test_the_device_set_passes_its_tests_with_its_own_dependencies(
    install: Callable[..., Path], tmp_path: Path
) -> None:
    """On a copy of the tests, away from this checkout's other rooms; without those marked slow."""
    inside = install("[cpu]", "pytest", "hypothesis")
    (tmp_path / "tests").mkdir()
    without_service = shutil.ignore_patterns("service")  # it has an extra of its own
    for name in SUITE:
        source, target = ROOT / "tests" / name, tmp_path / "tests" / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=without_service)
        else:
            shutil.copy(source, target)
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    command = [inside / "python", "-m", "pytest", "-q", "-rs", "-m", "not slow", "-p", "no:cacheprovider"]
    answer = subprocess.run(
        [*command, "tests/scenarios", "tests/vision"],
        capture_output=True, text=True, cwd=tmp_path, env=PLAIN, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout[-5000:] + answer.stderr
    said = answer.stdout.splitlines()
    print("\n".join(line for line in said if line.startswith("SKIPPED")), said[-1], sep="\n")
    unexplained = [
        line for line in said if line.startswith("SKIPPED") and not re.search("not installed|not (here|on)", line)
    ]
    assert not unexplained
    assert int(re.findall(r"(\d+) passed", said[-1])[0]) >= 400, said[-1]
