"""The device set installs and imports alone, on every Python that a device may have."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = ("torch", "pybullet", "hydra", "mlflow", "ultralytics", "pandas", "onnxruntime")


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


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.10", "3.12"])
def test_the_wheel_installs_with_its_core_alone(version: str, wheel: Path, tmp_path: Path) -> None:
    python = find_python(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    subprocess.run([python, "-m", "venv", str(tmp_path / "venv")], check=True)
    inside = str(tmp_path / "venv" / "bin" / "python")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    subprocess.run(
        [inside, "-m", "pip", "install", "--quiet", str(wheel)], check=True, capture_output=True, env=environment
    )
    code = (
        "import importlib.util as u, vision, vision.cli; from scenarios import load_scenario;"
        "from vision.pipeline import WEIGHTS;"
        "assert len(load_scenario('quickstart').layout.catalog) >= 120;"
        "assert {p.stem for p in WEIGHTS.glob('*.onnx')} >= {'yolo11n', 'embed'};"
        f"print([m for m in {HEAVY} if u.find_spec(m)])"
    )
    answer = subprocess.run(
        [inside, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == "[]"
    doctor = subprocess.run(
        [str(tmp_path / "venv/bin/shelfwatch"), "doctor"], capture_output=True, text=True, check=False
    )
    assert doctor.returncode == 0, doctor.stderr
