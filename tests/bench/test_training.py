"""`shelfbench train`: what it refuses without training anything, and one tiny training of each kind."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from bench.training import DetectorRecipe, RecognizerRecipe, Training, run_training
from scenarios import InputError, Layout
from sim.dataset import DatasetPlan, make_dataset
from tests.layouts import small_layout
from vision import Detector, Recognizer
from vision.runtimes import open_session

DETECTOR = DetectorRecipe("yolo11n.yaml", epochs=1, size=128, batch=4, seed=0)
COMMAND = "shelfbench train training=tiny"
RECOGNIZER = RecognizerRecipe(epochs=1, batch=8, crops_per_sku=20, smallest=4, dimensions=16, seed=0)


def layout_of(_: int) -> Layout:
    return small_layout()


def training(tmp_path: Path, name: str = "tiny", **change: object) -> Training:
    return Training(name, tmp_path / "data", tmp_path / "runs", tmp_path / "weights", **change)  # type: ignore[arg-type]


@pytest.mark.parametrize("recipes", [{}, {"detector": DETECTOR, "recognizer": RECOGNIZER}])
def test_a_training_makes_one_kind_of_model(recipes: dict, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="either detector or recognizer"):
        run_training(training(tmp_path, **recipes), "test")


def test_a_start_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file; start names weights"):
        run_training(training(tmp_path, detector=DETECTOR, start="first.pt"), "test")


@pytest.mark.slow
def test_a_tiny_training_ends_with_weights_that_run_and_a_card(tmp_path: Path) -> None:
    for package in ("torch", "torchvision", "ultralytics", "onnx"):
        pytest.importorskip(package, reason=f"{package} is not installed (extra: train)")

    for split, first in (("train", 1), ("val", 900_001)):
        plan = DatasetPlan(tmp_path / "data", split, first, stores=1, pictures_per_store=8, size=128, workers=1)
        make_dataset(plan, layout_of)
    image = np.full((128, 96, 3), 120, np.uint8)
    for name, recipe in (("detector", DETECTOR), ("recognizer", RECOGNIZER)):
        made = training(tmp_path, name, **{name: recipe})
        output = run_training(made, COMMAND)
        card = output.with_suffix(".md").read_text()
        assert hashlib.sha256(output.read_bytes()).hexdigest() in card
        assert "store seeds 1 to 1, 8 pictures" in card
        session = open_session(output)
        if name == "detector":
            assert Detector(session, size=128)(image).xyxy.shape[1] == 4
        else:
            embeddings = Recognizer(session).embed(image, np.array([[0, 0, 96, 128]] * 40, np.float32))
            np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-3)
        # A finished training is exported again and not made again.
        before = output.read_bytes()
        output.unlink()
        assert run_training(made, COMMAND).read_bytes() == before
