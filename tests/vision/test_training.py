"""Trainings of detectors: every family is read alike, what is not labelled is not taught, a killed one goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from scenarios import InputError
from vision import Detector
from vision.readings import CLASSES
from vision.runtimes import open_session

for package in ("torch", "torchvision", "ultralytics", "onnx"):
    pytest.importorskip(package, reason=f"{package} is not installed (extra: train)")

import torch  # noqa: E402

from vision.training import (  # noqa: E402
    DetectorPlan,
    DetectorRecipe,
    TrainingData,
    export_detector,
    prepare_data,
    train_detector,
)
from vision.training.trainer import ShelfTrainer, single_headed  # noqa: E402

RECIPE = DetectorRecipe("yolo11n.yaml", epochs=2, size=64, batch=4)
FAMILIES = ("yolov5n", "yolo11n", "yolo26n", "yolo26s")


def shelf_pictures(folder: Path, name: str = "product", count: int = 6) -> Path:
    """A YOLO data set of one class: bright packs on a dark board."""
    random = np.random.default_rng(0)
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            (folder / kind / split).mkdir(parents=True)
        for i in range(count):
            image = random.integers(20, 60, (64, 64, 3)).astype(np.uint8)
            lines = []
            for x in (4, 24, 44):
                image[20:50, x : x + 16] = random.integers(120, 255, 3)
                lines.append(f"0 {(x + 8) / 64} {35 / 64} {16 / 64} {30 / 64}\n")
            cv2.imwrite(str(folder / "images" / split / f"{i}.png"), image)
            (folder / "labels" / split / f"{i}.txt").write_text("".join(lines))
    (folder / "data.yaml").write_text(f"train: images/train\nval: images/val\nnames: [{name}]\n")
    return folder


@pytest.fixture
def data(tmp_path: Path) -> TrainingData:
    return prepare_data([shelf_pictures(tmp_path / "mine")], {}, tmp_path / "run" / "data")


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_an_untrained_network_of_every_family_is_read_as_ultralytics_reads_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights are left whole here: boxes of an untrained network move by pixels when they are rounded."""
    monkeypatch.setattr("vision.training.detector.store_half", lambda graph: None)
    from ultralytics import YOLO
    from ultralytics.nn.tasks import DetectionModel

    torch.manual_seed(3)
    network = DetectionModel(single_headed(f"{name}.yaml"), nc=len(CLASSES), verbose=False)
    network.names = dict(enumerate(CLASSES))
    image = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 255, (192, 256, 3)).astype(np.uint8), (0, 0), 3)
    _wake(network, image)
    torch.save({"model": network, "epoch": -1}, tmp_path / "random.pt")
    export_detector(tmp_path / "random.pt", tmp_path / "random.onnx")
    score = float(np.quantile(open_session(tmp_path / "random.onnx").run(_batch(image))[0, 4:].max(axis=0), 0.9))
    ours = Detector(open_session(tmp_path / "random.onnx"), score=score, overlap=0.6, size=256)(image)
    theirs = (
        YOLO(str(tmp_path / "random.pt"))
        .predict(image[..., ::-1], imgsz=256, conf=score, iou=0.6, max_det=1000, device="cpu", verbose=False)[0]
        .boxes
    )
    assert 5 <= len(ours) <= len(theirs) + 2
    paired = 0
    for box, confidence, kind in zip(ours.xyxy, ours.confidence, ours.class_id):
        far = np.abs(theirs.xyxy.numpy() - box).max(axis=1) + 1000 * (theirs.cls.numpy() != kind)
        paired += ((far < 0.5) & (np.abs(theirs.conf.numpy() - confidence) < 0.01)).any()  # many fill the frame
    assert paired >= 0.95 * len(ours)  # a box at a limit may be lost


def _wake(network: torch.nn.Module, image: np.ndarray) -> None:
    """Untrained, a signal dies away on its way through the layers, and every place gets the same box and score."""
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0
    for heads in (network.model[-1].cv2, network.model[-1].cv3):
        for head in heads:
            torch.nn.init.normal_(head[-1].weight, std=0.3)
    network.train()
    with torch.no_grad():
        network.predict(torch.from_numpy(np.concatenate([_batch(image), _batch(image[::-1])])))
    network.eval()


def _batch(image: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32) / 255


@pytest.mark.slow
def test_what_is_not_labelled_is_neither_taught_nor_counted(data: TrainingData, tmp_path: Path) -> None:
    """The scores of classes that nobody labelled get no gradient; those of products do, also where no product is."""
    trainer = _trainer(data, tmp_path)
    trainer._setup_train()
    batch = trainer.preprocess_batch(next(iter(trainer.train_loader)))
    trainer.model.train()
    loss, _ = trainer.model(batch)
    loss.sum().backward()
    for layer in trainer.model.model[-1].cv3:
        gradient = layer[-1].weight.grad.abs().flatten(1).sum(dim=1)
        assert gradient[0] > 0
        assert gradient[1:].tolist() == [0, 0, 0]
    found = {"cls": torch.tensor([0.0, 1.0, 3.0, 0.0]), "conf": torch.ones(4), "bboxes": torch.rand(4, 4)}
    validator = trainer.validator
    seen = []
    validator._prepare_pred = lambda pred: seen.append(pred["cls"].tolist()) or pred  # type: ignore[method-assign]
    validator.device, validator.metrics.names = torch.device("cpu"), dict(enumerate(CLASSES))
    batch = validator.preprocess(next(iter(trainer.test_loader)))
    validator.seen, validator.is_custom_json, validator.build_gdict = 0, False, False
    validator.iouv, validator.niou = torch.linspace(0.5, 0.95, 10), 10
    validator.update_metrics([found], batch)
    assert seen == [[0.0, 0.0]]


def _trainer(data: TrainingData, tmp_path: Path, minutes: float = 0.0) -> ShelfTrainer:
    from vision.training.detector import _arguments

    plan = DetectorPlan(RECIPE, data, tmp_path / "run")
    return ShelfTrainer(_arguments(plan, None), data, 64, minutes, None, [], lambda _: None, lambda _: None)


@pytest.mark.slow
def test_a_killed_training_goes_on_from_its_last_whole_pass(data: TrainingData, tmp_path: Path) -> None:
    """Killed outright in its second pass; the record keeps the rows of all passes, each once."""
    code = (
        "import sys; from pathlib import Path; from vision.training import *;"
        "d = prepare_data([Path(sys.argv[1])], {}, Path(sys.argv[2]) / 'data');"
        "r = DetectorRecipe('yolo11n.yaml', epochs=3, size=64, batch=4);"
        "train_detector(DetectorPlan(r, d, Path(sys.argv[2])), lambda row: print('PASS', flush=True))"
    )
    run = tmp_path / "run"
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "mine"), str(run)],
        cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    for line in child.stdout:
        if "PASS" in line:
            break
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    recipe = replace(RECIPE, epochs=3)
    reported = []
    trained = train_detector(DetectorPlan(recipe, data, run), lambda row: reported.append(row["epoch"]))
    assert [row["epoch"] for row in trained.history] == [1, 2, 3]
    assert reported == [2, 3]
    assert trained.reached(3).startswith("to its target: 3.0 of 3 passes")
    assert 0 < trained.history[-1]["rate"] < 0.1 * trained.history[0]["rate"]
    assert train_detector(DetectorPlan(recipe, data, run)).history == trained.history
    with pytest.raises(InputError, match="holds a training with batch 4, now 2"):
        train_detector(DetectorPlan(replace(recipe, batch=2), data, run))


@pytest.mark.slow
def test_a_training_ends_with_its_time_and_says_so(data: TrainingData, tmp_path: Path) -> None:
    recipe = replace(RECIPE, epochs=50, minutes=0.001)
    trained = train_detector(DetectorPlan(recipe, data, tmp_path / "run"))
    assert trained.reached(50).startswith("as far as the time reached: 0.5 of 50 passes")
    assert trained.weights.is_file()
