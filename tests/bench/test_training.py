"""`shelfbench train`: what it refuses without training anything, and one tiny training of each kind."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import mlflow
import numpy as np
import pytest

from bench import tracking
from bench.training.train import Outcome, RecognizerRecipe, Training, run_training
from scenarios import InputError, Layout
from sim.dataset import DatasetPlan, make_dataset
from tests.layouts import small_layout
from vision import Detector, Recognizer
from vision.runtimes import open_session
from vision.training import DetectorRecipe

DETECTOR = DetectorRecipe("yolo11n.yaml", epochs=2, size=64, view=128, batch=4)
COMMAND = "shelfbench train training=tiny"
RECOGNIZER = RecognizerRecipe(epochs=1, batch=8, crops_per_sku=20, smallest=4, dimensions=16, seed=0)


def layout_of(_: int, __: str) -> Layout:
    return small_layout()


def training(tmp_path: Path, name: str = "tiny", **change: object) -> Training:
    given = {"data": (tmp_path / "data",), "outputs": tmp_path / "outputs"} | change
    return Training(name, folder=tmp_path / "runs", weights=tmp_path / "weights", **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("recipes", [{}, {"detector": DETECTOR, "recognizer": RECOGNIZER}])
def test_a_training_makes_one_kind_of_model(recipes: dict, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="either detector or recognizer"):
        run_training(training(tmp_path, **recipes), "test")


def test_a_start_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file; start names weights"):
        run_training(training(tmp_path, detector=DETECTOR, start="first.pt"), "test")


BAD_RECIPES = [
    {"epochs": 0},
    {"batch": 0},
    {"size": 100},
    {"size": 416, "view": 320},
    {"minutes": -1.0},
    {"zoom": (1.2, 0.8)},
]


@pytest.mark.parametrize("change", BAD_RECIPES, ids=str)
def test_recipes_that_cannot_be_followed_are_refused(change: dict) -> None:
    with pytest.raises(InputError, match="expected"):
        DetectorRecipe(**({"architecture": "yolo11n.yaml", "epochs": 1} | change))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome, Outcome]:
    """A folder with a tiny data set and a training of each kind on it."""
    for package in ("torch", "torchvision", "ultralytics", "onnx"):
        pytest.importorskip(package, reason=f"{package} is not installed (extra: train)")
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        for split, first in (("train", 1), ("val", 900_001)):
            plan = DatasetPlan(folder / "data", split, first, stores=1, pictures_per_store=8, size=128, workers=1)
            make_dataset([plan], layout_of)
        detector = run_training(training(folder, "detector", detector=DETECTOR), COMMAND)
        return folder, detector, run_training(training(folder, "recognizer", recognizer=RECOGNIZER), COMMAND)


@pytest.mark.slow
def test_a_training_ends_with_weights_that_run_and_a_card(made: tuple[Path, Outcome, Outcome]) -> None:
    image = np.full((128, 96, 3), 120, np.uint8)
    for outcome in made[1:]:
        card = outcome.weights.with_suffix(".md").read_text()
        assert hashlib.sha256(outcome.weights.read_bytes()).hexdigest() in card
        assert "store seeds 1 to 1, 8 pictures" in card
    assert "trained to its target: 2.0 of 2 passes over the data" in made[1].weights.with_suffix(".md").read_text()
    assert Detector(open_session(made[1].weights), size=128)(image).xyxy.shape[1] == 4
    boxes = np.array([[0, 0, 96, 128]] * 40, np.float32)
    embeddings = Recognizer(open_session(made[2].weights)).embed(image, boxes)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-3)


@pytest.mark.slow
def test_a_training_is_a_run_with_curves_pictures_and_its_data(made: tuple[Path, Outcome, Outcome]) -> None:
    folder, detector, _ = made
    result = json.loads((detector.folder / "result.json").read_text())
    assert [row["epoch"] for row in result["history"]] == [1, 2]
    client = mlflow.MlflowClient(tracking.store_uri(folder / "outputs"))
    runs = client.search_runs([client.get_experiment_by_name(tracking.EXPERIMENT).experiment_id])
    assert {r.info.status for r in runs} == {"FINISHED"}
    run = next(r for r in runs if r.info.run_name == "train detector")
    assert run.data.params["size"] == "64"
    assert [m.step for m in client.get_metric_history(run.info.run_id, "mAP50")] == [1, 2]
    logged = {f.path for f in client.list_artifacts(run.info.run_id)}
    assert logged >= {"curves.png", "confusion.png", "worst", "detector.md", "result.json"}
    assert client.list_artifacts(run.info.run_id, "worst")
    assert run.inputs.dataset_inputs[0].dataset.digest == result["data_sha256"][:36]
    there = {name: sum(said.values()) for name, said in result["confusion"].items()}
    coco = json.loads((folder / "data" / "val.json").read_text())
    assert there["product"] == sum(a["category_id"] == 0 for a in coco["annotations"])


@pytest.mark.slow
def test_a_finished_training_is_exported_again_in_its_run_and_not_made_again(
    made: tuple[Path, Outcome, Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder, detector, _ = made
    before = detector.weights.read_bytes()
    detector.weights.unlink()
    again = run_training(training(folder, "detector", detector=DETECTOR), COMMAND)
    assert again.weights.read_bytes() == before
    client = mlflow.MlflowClient(tracking.store_uri(folder / "outputs"))
    runs = client.search_runs([client.get_experiment_by_name(tracking.EXPERIMENT).experiment_id])
    assert sorted(r.info.run_name for r in runs) == ["train detector", "train recognizer"]


@pytest.mark.slow
def test_another_recipe_does_not_go_on_with_a_training(made: tuple[Path, Outcome, Outcome]) -> None:
    recipe = DetectorRecipe("yolo11n.yaml", epochs=3, size=64, view=128, batch=4)
    with pytest.raises(InputError, match="holds a training with epochs 2, now 3"):
        run_training(training(made[0], "detector", detector=recipe), COMMAND)
