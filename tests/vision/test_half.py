"""Weights in half precision: half the file, and the readings of the whole ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vision.detect import letterbox
from vision.pipeline import weights_path
from vision.runtimes import open_session
from vision.training.half import store_half, weights_of

onnx = pytest.importorskip("onnx", reason="onnx is not installed (extra: train)")

PIXELS, SCORE = 1.0, 0.01
"""The tolerance: measured on 24 val pictures, at most 0.26 pixels and 0.0022."""


@pytest.fixture(scope="module")
def halved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    graph = onnx.load(weights_path("yolo11n"))
    store_half(graph)
    onnx.checker.check_model(graph)
    path = tmp_path_factory.mktemp("half") / "yolo11n.onnx"
    onnx.save(graph, path)
    return path


def test_half_the_file_gives_the_same_readings(halved: Path) -> None:
    whole = weights_path("yolo11n")
    assert halved.stat().st_size < 0.7 * whole.stat().st_size or whole.stat().st_size < 6e6
    random = np.random.default_rng(0)
    image = np.full((320, 320, 3), 90, np.uint8)  # packs on boards
    for y in range(10, 300, 80):
        for x in range(5, 300, 40):
            image[y : y + 60, x : x + 34] = random.integers(0, 255, 3)
            image[y + 15 : y + 35, x + 5 : x + 29] = random.integers(0, 255, 3)
    batch = letterbox(image, 320)[0]
    a, b = (
        open_session(path).run(batch)[0] for path in (whole, halved)
    )  # before suppression: nothing hangs on a limit
    told = a[4:].max(axis=0) >= 0.01
    assert told.sum() >= 10
    assert np.abs(a - b)[:4, told].max() < PIXELS
    assert np.abs(a - b)[4:].max() < SCORE


def test_weights_come_back_under_their_names_and_those_beyond_half_precision_stay() -> None:
    values = {
        "small": np.ones(4, np.float32),
        "kept": np.linspace(-3, 3, 100, dtype=np.float32),
        "large": np.full(100, 1e6, np.float32),
        "count": np.arange(100, dtype=np.int64),
    }
    graph = onnx.helper.make_graph(
        [], "g", [], [], initializer=[onnx.numpy_helper.from_array(v, k) for k, v in values.items()]
    )
    model = onnx.helper.make_model(graph)
    store_half(model)
    assert [t.name for t in model.graph.initializer] == ["small", "kept.half", "large", "count"]
    assert [(n.op_type, list(n.output)) for n in model.graph.node] == [("Cast", ["kept"])]
    for name, value in weights_of(model).items():
        assert value.dtype == values[name].dtype
        np.testing.assert_allclose(value, values[name], rtol=2**-11)
