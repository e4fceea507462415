"""shelfbench as a user types it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.cli import CONF, compose, load_experiment, main
from bench.experiment import TIMED_FRAMES, check
from bench.training.train import training_of
from scenarios import load_scenario
from tests.refusal import refusal

QUICKSTART = Path(__file__).parents[2] / "scenarios" / "quickstart"


EXPECTED_COMMANDS = (
    "run", "day", "twin", "render", "dataset", "train", "renderers", "transfer", "place", "gate", "response", "targets",
    "latency", "import", "ui", "doctor",
)  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["fly"], f"unknown command 'fly'; expected one of {', '.join(EXPECTED_COMMANDS)}"),
        (["run"], "experiment=NAME is missing; expected one of camera_strategies"),
        (["run", "experiment=nothing"], "nothing"),
        (["run", "experiment=quickstart", "scenarois=4"], "scenarois"),
        (["run", "experiment=quickstart", "scenarios=1"], "scenarios"),
        (["run", "experiment=quickstart", "scenarios=many"], "scenarios"),
        (["run", "experiment=quickstart", "scenario=nowhere"], "nowhere"),
        (["run", "experiment=quickstart", "models.yolo11n.detector=yolo99"], "yolo99: no such weights"),
        (["run", "experiment=quickstart", "rigs.overhead.cameras.0.position=[1,0.2,0.5]"], "overhead-1"),
        (["train"], "training=NAME is missing; expected one of"),
        (["train", "training=yolo11n", "training.start=", "data=nowhere"], "nowhere: no such file or folder"),
        (["train", "training=yolo11n", "training.start=", "data=[]"], "data is empty"),
        (["train", "training=yolo11n", "training.detector.size=100"], "size 100"),
        (["train", "training=yolo11n", "names=product"], "names is 'product'"),
        (["train", "training=embed", "training.start=", "data=[a,b]"], "data names 2 data sets"),
        (["gate"], "base has no value; give it as base=VALUE"),
        (["gate", "base=no-such-branch"], "base=no-such-branch: no such revision; expected a commit, branch or tag"),
        (["gate", "base=HEAD", "limits.slowdown=0"], "slowdown 0.0; expected more than 0"),
        (["gate", "base=HEAD", "limits.recall=2"], "recall"),
        (["gate", "base=HEAD", "scenarios=1"], "expected scenarios >= 4"),
        (["ui", "outputs=nowhere"], "no such store"),
        (["dataset", "scenario=nowhere"], "nowhere: no such scenario or folder"),
        (["dataset", "renderer=crayon"], "crayon"),
        (["dataset", "splits.val.first_seed=3"], "splits train and val share store seeds"),
        (["dataset", "+splits.more={first_seed: 5000, stores: 1}"], "split 'more'"),
        (["dataset", "splits.train.stores=0"], "must be 1 or more"),
        (["dataset", "splits.train.seeds=3"], "seeds"),
    ],
)
def test_wrong_input_gets_one_line_and_leaves_nothing(
    arguments: list[str],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert expected in refusal(main, arguments, capsys)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("planogram.csv", None, "b1-s0-p01,bay-1,0,0.1,nothing,1,1,1,1", "planogram.csv"),
        ("catalog.csv", "width", "breadth", "catalog.csv"),
        ("store.yaml", "name: quickstart", "nom: quickstart", "store.yaml"),
    ],
)
def test_bad_files_of_a_store_are_named(
    file: str,
    old: str | None,
    new: str,
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = shutil.copytree(QUICKSTART, tmp_path / "store")
    text = (folder / file).read_text()
    (folder / file).write_text(text.replace(old, new, 1) if old else text + new + "\n")
    monkeypatch.chdir(tmp_path)
    assert expected in refusal(main, ["run", "experiment=quickstart", f"scenario={folder}"], capsys)
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize("path", sorted((CONF / "experiment").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_experiment_composes_and_can_be_run(path: Path) -> None:
    experiment = load_experiment([f"experiment={path.stem}"])[0]
    check(experiment)
    ceiling = load_scenario(experiment.scenario).layout.store.room.ceiling
    assert all(camera.position[2] < ceiling for rig in experiment.rigs for camera in rig.cameras)


@pytest.mark.parametrize("path", sorted((CONF / "training").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_training_composes(path: Path) -> None:
    config = compose("train", [f"training={path.stem}"])
    assert training_of(config).name == path.stem


def test_the_quickstart_is_fair_and_large_enough() -> None:
    config = compose("run", ["experiment=quickstart"])
    assert len(config["rigs"]) >= 3
    assert len(config["models"]) >= 2
    assert config["scenarios"] >= 24
    assert config["first_seed"] >= 500_000
    assert config["scenarios"] % 2 == 0  # half with shoppers
    pictures = config["scenarios"] * len({camera["id"] for rig in config["rigs"].values() for camera in rig["cameras"]})
    assert 3 * pictures >= TIMED_FRAMES >= 200


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("run", "render", "dataset", "train", "ui", "doctor"))


def test_doctor_says_what_is_here(capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor"])
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("python", "pybullet", "renderer raster", "onnxruntime", "commit"))
