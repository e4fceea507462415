"""Every architecture of a recognizer can be built, trained and exported for the device."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from scenarios import InputError
from vision import Recognizer
from vision.runtimes import open_session
from vision.training.embeddings import ARCHITECTURES, build_embedding
from vision.training.half import STORED
from vision.training.recognizer import RecognizerPlan, train_recognizer


def tiny_data(folder: Path) -> Path:
    """A data set of two plain products: one picture of the shelf and one studio picture each."""
    random = np.random.default_rng(0)
    picture = random.integers(0, 255, (160, 240, 3)).astype(np.uint8)
    (folder / "images" / "train").mkdir(parents=True)
    cv2.imwrite(str(folder / "images" / "train" / "0.jpg"), picture)
    boxes = [[40.0 * i, 20.0, 36.0, 60.0] for i in range(6)]
    annotations = [
        {"image_id": 0, "category_id": 0, "bbox": box, "visible_fraction": 1.0, "sku": f"sku-{i % 2}"}
        for i, box in enumerate(boxes)
    ]
    coco = {"images": [{"id": 0, "file_name": "0.jpg"}], "annotations": annotations}
    (folder / "train.json").write_text(json.dumps(coco))
    (folder / "brands.json").write_text(json.dumps({"sku-0": "Anna", "sku-1": "Berta"}))
    for i in range(2):
        (folder / "studio" / f"sku-{i}").mkdir(parents=True)
        cv2.imwrite(str(folder / "studio" / f"sku-{i}" / "0.png"), picture[20:80, 40 * i : 40 * i + 36])
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_architecture_is_trained_and_read_by_the_recognizer(name: str, tmp_path: Path) -> None:
    for package in ("torch", "torchvision", "onnx"):
        pytest.importorskip(package, reason=f"{package} is not installed (extra: train)")
    data, output = tiny_data(tmp_path / "data"), tmp_path / f"{name}.onnx"
    plan = RecognizerPlan(data, tmp_path / "runs", epochs=1, batch=4, dimensions=16, architecture=name)
    train_recognizer(plan, output)
    import onnx

    large = [t for t in onnx.load(output).graph.initializer if np.prod(t.dims) >= 64]
    assert len(large) >= 9
    assert all(t.name.endswith(STORED) for t in large)
    picture = cv2.imread(str(data / "images" / "train" / "0.jpg"))
    embeddings = Recognizer(open_session(output)).embed(picture, np.array([[0, 20, 36, 80]] * 5, np.float32))
    assert embeddings.shape == (5, 16)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-3)
    assert np.ptp(embeddings, axis=0).max() < 1e-4


@pytest.mark.slow
def test_a_training_ends_in_time_with_its_rate_down_and_is_not_made_again(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed (extra: train)")
    pytest.importorskip("onnx", reason="onnx is not installed (extra: train)")
    data, output = tiny_data(tmp_path / "data"), tmp_path / "residual.onnx"
    plan = RecognizerPlan(data, tmp_path / "runs", epochs=100_000, batch=4, dimensions=16, minutes=0.03)
    trained = train_recognizer(plan, output)
    assert 0 < trained.history[-1]["passes"] < 100_000
    saved = torch.load(tmp_path / "runs" / "recognizer.pt", weights_only=False)
    assert saved["optimizer"]["param_groups"][0]["lr"] < 1e-6
    again = train_recognizer(plan, output)
    assert [row["minutes"] for row in again.history] == [row["minutes"] for row in trained.history]


@pytest.mark.parametrize("change", [{"epochs": 0}, {"batch": 0}, {"minutes": -1.0}], ids=str)
def test_a_plan_that_cannot_be_followed_is_refused(change: dict, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"recognizer: epochs .* expected"):
        RecognizerPlan(tmp_path, tmp_path, **change)


def test_an_unknown_architecture_is_named() -> None:
    with pytest.raises(InputError, match=r"architecture 'vgg' of a recognizer; expected one of residual, mobilenetv2"):
        build_embedding("vgg", 16)
